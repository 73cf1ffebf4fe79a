use std::collections::HashMap;
use std::rc::Rc;

use stepbox_tool::pattern::{Escapes, Language, Options, Pattern};

use super::lex::{Lexer, Token};
use super::syntax::{
    BUILTINS, Builtin, Comparison, Expression, Function, How, Operator, Program, Redirect, Rule, SPECIAL, Source,
    Statement, Target, Variable, When,
};

/// How deep statements and expressions may stand in each other.
const MAX_DEPTH: usize = 150;

/// How patterns of `awk` are read.
pub(super) const PATTERNS: Options =
    Options { language: Language::Extended, escapes: Escapes::Awk, ignore_case: false, multi_line: false };

/// Reads a program. The error is a message with the line.
pub(super) fn parse(text: &[u8]) -> Result<Program, String> {
    let mut parser = Parser {
        lexer: Lexer::new(text),
        token: Token::Newline,
        operand: true,
        program: Program { globals: SPECIAL.map(str::to_owned).to_vec(), ..Program::default() },
        names: SPECIAL.iter().enumerate().map(|(at, name)| ((*name).to_owned(), at)).collect(),
        functions: HashMap::new(),
        locals: vec![],
        arrays: vec![],
        passed: vec![],
        function: None,
        loops: 0,
        depth: 0,
        no_greater: false,
    };
    parser.program().map_err(|message| format!("line {}: {message}", parser.lexer.line))?;
    Ok(parser.program)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    /// Whether an operand may stand at the next token, so that `/` begins a pattern.
    operand: bool,
    program: Program,
    names: HashMap<String, usize>,
    functions: HashMap<String, usize>,
    /// Parameters of the function that is being read.
    locals: Vec<String>,
    arrays: Vec<bool>,
    /// Bare parameters that are passed on: by which function, which, to which function, as which.
    passed: Vec<(usize, usize, usize, usize)>,
    function: Option<usize>,
    loops: usize,
    depth: usize,
    /// `>` is not an operator: in what is printed.
    no_greater: bool,
}

type Parsed<T> = Result<T, String>;

impl Parser<'_> {
    fn advance(&mut self) -> Parsed<Token> {
        let next = self.lexer.next(self.operand)?;
        self.operand = !matches!(
            next,
            Token::Number(_)
                | Token::Text(_)
                | Token::Regex(_)
                | Token::Name(_)
                | Token::Word(")" | "]" | "$" | "++" | "--" | "getline")
        ) || next == Token::Word("$");
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn sees(&self, word: &str) -> bool {
        matches!(&self.token, Token::Word(found) if *found == word)
    }

    fn takes(&mut self, word: &str) -> Parsed<bool> {
        let seen = self.sees(word);
        if seen {
            self.advance()?;
        }
        Ok(seen)
    }

    fn expect(&mut self, word: &str) -> Parsed<()> {
        if self.takes(word)? { Ok(()) } else { Err(format!("expected `{word}`, found {}", self.shown())) }
    }

    fn shown(&self) -> String {
        match &self.token {
            Token::Number(number) => format!("`{number}`"),
            Token::Text(text) => format!("\"{}\"", String::from_utf8_lossy(text)),
            Token::Regex(text) => format!("/{}/", String::from_utf8_lossy(text)),
            Token::Name(name) | Token::Called(name) => format!("`{name}`"),
            Token::Word(word) => format!("`{word}`"),
            Token::Newline => "the end of the line".to_owned(),
            Token::End => "the end of the program".to_owned(),
        }
    }

    fn newlines(&mut self) -> Parsed<()> {
        while self.token == Token::Newline {
            self.advance()?;
        }
        Ok(())
    }

    fn program(&mut self) -> Parsed<()> {
        self.advance()?;
        loop {
            while self.token == Token::Newline || self.sees(";") {
                self.advance()?;
            }
            if self.token == Token::End {
                break;
            }
            self.item()?;
        }
        if let Some(function) = self.program.functions.iter().find(|function| !function.defined) {
            return Err(format!("function `{}` is called but not defined", function.name));
        }
        // A parameter that is passed on as an array is one.
        loop {
            let mut changed = false;
            for &(function, parameter, to, position) in &self.passed {
                let array = self.program.functions[to].arrays.get(position) == Some(&true);
                if let Some(known) = self.program.functions[function].arrays.get_mut(parameter).filter(|known| !**known)
                {
                    *known = array;
                    changed |= array;
                }
            }
            if !changed {
                return Ok(());
            }
        }
    }

    fn item(&mut self) -> Parsed<()> {
        if self.takes("function")? {
            return self.function();
        }
        if self.takes("BEGIN")? {
            let block = self.block()?;
            self.program.begin.extend(block);
            return Ok(());
        }
        if self.takes("END")? {
            let block = self.block()?;
            self.program.end.extend(block);
            return Ok(());
        }
        if self.sees("BEGINFILE") || matches!(&self.token, Token::Name(name) if name == "ENDFILE") {
            return Err("`BEGINFILE` and `ENDFILE` are not supported".to_owned());
        }
        let pattern = if self.sees("{") {
            When::Always
        } else {
            let first = self.expression()?;
            if self.takes(",")? {
                self.newlines()?;
                let last = self.expression()?;
                self.program.ranges += 1;
                When::Range(first, last, self.program.ranges - 1)
            } else {
                When::If(first)
            }
        };
        let action = if self.sees("{") { Some(self.block()?) } else { None };
        self.program.rules.push(Rule { pattern, action });
        Ok(())
    }

    fn function(&mut self) -> Parsed<()> {
        let (Token::Name(name) | Token::Called(name)) = self.advance()? else {
            return Err("a function lacks its name".to_owned());
        };
        if BUILTINS.iter().any(|builtin| builtin.0 == name) || SPECIAL.contains(&name.as_str()) {
            return Err(format!("`{name}` cannot be the name of a function"));
        }
        self.expect("(")?;
        let mut parameters = vec![];
        loop {
            self.newlines()?;
            if self.takes(")")? {
                break;
            }
            if !parameters.is_empty() {
                self.expect(",")?;
                self.newlines()?;
            }
            let Token::Name(parameter) = self.advance()? else { return Err("expected a parameter".to_owned()) };
            if parameter == name || parameters.contains(&parameter) {
                return Err(format!("`{parameter}` cannot be a parameter of `{name}`"));
            }
            parameters.push(parameter);
        }
        self.newlines()?;
        let index = self.function_of(&name);
        if self.program.functions[index].defined {
            return Err(format!("function `{name}` is defined twice"));
        }
        self.program.functions[index].defined = true;
        self.arrays = vec![false; parameters.len()];
        self.locals.clone_from(&parameters);
        self.function = Some(index);
        let body = self.block()?;
        self.function = None;
        self.locals.clear();
        let function = &mut self.program.functions[index];
        function.parameters = parameters;
        function.arrays = std::mem::take(&mut self.arrays);
        function.body = body;
        Ok(())
    }

    fn function_of(&mut self, name: &str) -> usize {
        if let Some(index) = self.functions.get(name) {
            return *index;
        }
        self.functions.insert(name.to_owned(), self.program.functions.len());
        self.program.functions.push(Function { name: name.to_owned(), ..Function::default() });
        self.program.functions.len() - 1
    }

    fn variable(&mut self, name: &str) -> Parsed<Variable> {
        if let Some(at) = self.locals.iter().position(|local| local == name) {
            return Ok(Variable::Local(at));
        }
        if self.functions.contains_key(name) {
            return Err(format!("function `{name}` is used as a variable"));
        }
        if let Some(at) = self.names.get(name) {
            return Ok(Variable::Global(*at));
        }
        self.names.insert(name.to_owned(), self.program.globals.len());
        self.program.globals.push(name.to_owned());
        Ok(Variable::Global(self.program.globals.len() - 1))
    }

    /// A variable that is used as an array.
    fn array(&mut self, name: &str) -> Parsed<Variable> {
        let variable = self.variable(name)?;
        if let Variable::Local(at) = variable {
            self.arrays[at] = true;
        }
        Ok(variable)
    }

    fn block(&mut self) -> Parsed<Vec<Statement>> {
        self.newlines()?;
        self.expect("{")?;
        let mut statements = vec![];
        loop {
            while self.token == Token::Newline || self.sees(";") {
                self.advance()?;
            }
            if self.takes("}")? {
                return Ok(statements);
            }
            if self.token == Token::End {
                return Err("expected `}`, found the end of the program".to_owned());
            }
            statements.push(self.statement()?);
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} expressions stand in each other"));
        }
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn statement(&mut self) -> Parsed<Statement> {
        self.deeper(Self::statement_inside)
    }

    fn statement_inside(&mut self) -> Parsed<Statement> {
        if self.sees("{") {
            return Ok(Statement::Block(self.block()?));
        }
        if self.takes(";")? {
            return Ok(Statement::Block(vec![]));
        }
        if self.takes("if")? {
            self.expect("(")?;
            let condition = self.whole_expression()?;
            self.expect(")")?;
            let yes = self.body()?;
            // `else` may stand behind newlines and a `;`.
            let (lexer_at, token, operand) = (self.lexer_state(), self.token.clone(), self.operand);
            while self.token == Token::Newline || self.sees(";") {
                self.advance()?;
            }
            if self.takes("else")? {
                let no = self.body()?;
                return Ok(Statement::If(condition, Box::new(yes), Some(Box::new(no))));
            }
            self.restore(lexer_at, token, operand);
            return Ok(Statement::If(condition, Box::new(yes), None));
        }
        if self.takes("while")? {
            self.expect("(")?;
            let condition = self.whole_expression()?;
            self.expect(")")?;
            if self.takes(";")? {
                return Ok(Statement::While(condition, Box::new(Statement::Block(vec![]))));
            }
            let body = self.looped()?;
            return Ok(Statement::While(condition, Box::new(body)));
        }
        if self.takes("do")? {
            let body = self.looped()?;
            while self.token == Token::Newline || self.sees(";") {
                self.advance()?;
            }
            self.expect("while")?;
            self.expect("(")?;
            let condition = self.whole_expression()?;
            self.expect(")")?;
            self.end_of_statement()?;
            return Ok(Statement::Do(Box::new(body), condition));
        }
        if self.takes("for")? {
            return self.for_loop();
        }
        if self.sees("switch") {
            return Err("`switch` is not supported; `if` and `else` do the same".to_owned());
        }
        let statement = self.simple_statement()?;
        self.end_of_statement()?;
        Ok(statement)
    }

    fn lexer_state(&self) -> (usize, usize) {
        self.lexer.state()
    }

    fn restore(&mut self, state: (usize, usize), token: Token, operand: bool) {
        self.lexer.restore(state);
        self.token = token;
        self.operand = operand;
    }

    fn body(&mut self) -> Parsed<Statement> {
        self.newlines()?;
        self.statement()
    }

    fn looped(&mut self) -> Parsed<Statement> {
        self.loops += 1;
        let body = self.body()?;
        self.loops -= 1;
        Ok(body)
    }

    fn for_loop(&mut self) -> Parsed<Statement> {
        self.expect("(")?;
        if let Token::Name(name) = self.token.clone() {
            let (state, token, operand) = (self.lexer_state(), self.token.clone(), self.operand);
            self.advance()?;
            if self.takes("in")?
                && let Token::Name(array) = self.token.clone()
            {
                self.advance()?;
                if self.takes(")")? {
                    let target = Target::Variable(self.variable(&name)?);
                    let array = self.array(&array)?;
                    let body = self.looped()?;
                    return Ok(Statement::ForIn(target, array, Box::new(body)));
                }
            }
            self.restore(state, token, operand);
        }
        let first = if self.sees(";") { None } else { Some(Box::new(self.simple_statement()?)) };
        self.expect(";")?;
        self.newlines()?;
        let condition = if self.sees(";") { None } else { Some(self.whole_expression()?) };
        self.expect(";")?;
        self.newlines()?;
        let step = if self.sees(")") { None } else { Some(Box::new(self.simple_statement()?)) };
        self.expect(")")?;
        if self.takes(";")? {
            return Ok(Statement::For(first, condition, step, Box::new(Statement::Block(vec![]))));
        }
        let body = self.looped()?;
        Ok(Statement::For(first, condition, step, Box::new(body)))
    }

    fn end_of_statement(&mut self) -> Parsed<()> {
        match self.token {
            Token::Newline | Token::Word(";") => {
                self.advance()?;
                Ok(())
            }
            Token::Word("}") | Token::End => Ok(()),
            _ => Err(format!("unexpected {}", self.shown())),
        }
    }

    fn ends_statement(&self) -> bool {
        matches!(self.token, Token::Newline | Token::End | Token::Word(";" | "}" | ")"))
    }

    fn simple_statement(&mut self) -> Parsed<Statement> {
        if self.takes("next")? {
            return Ok(Statement::Next);
        }
        if self.takes("nextfile")? {
            return Ok(Statement::NextFile);
        }
        for (word, statement) in [("break", Statement::Break), ("continue", Statement::Continue)] {
            if self.takes(word)? {
                return if self.loops > 0 { Ok(statement) } else { Err(format!("`{word}` outside of a loop")) };
            }
        }
        if self.takes("exit")? {
            return Ok(Statement::Exit(self.optional_expression()?));
        }
        if self.takes("return")? {
            if self.function.is_none() {
                return Err("`return` outside of a function".to_owned());
            }
            return Ok(Statement::Return(self.optional_expression()?));
        }
        if self.takes("delete")? {
            let parenthesis = self.takes("(")?;
            let Token::Name(name) = self.advance()? else { return Err("`delete` lacks an array".to_owned()) };
            let array = self.array(&name)?;
            let index = if self.takes("[")? { self.subscripts()? } else { vec![] };
            if parenthesis {
                self.expect(")")?;
            }
            return Ok(Statement::Delete(array, index));
        }
        if self.sees("print") || self.sees("printf") {
            return self.print();
        }
        Ok(Statement::Expression(self.whole_expression()?))
    }

    fn optional_expression(&mut self) -> Parsed<Option<Expression>> {
        if self.ends_statement() { Ok(None) } else { Ok(Some(self.whole_expression()?)) }
    }

    fn print(&mut self) -> Parsed<Statement> {
        let formatted = self.advance()? == Token::Word("printf");
        let before = std::mem::replace(&mut self.no_greater, true);
        let mut values = vec![];
        if !self.ends_statement() && !self.sees(">") && !self.sees(">>") && !self.sees("|") {
            loop {
                values.push(self.expression()?);
                if !self.takes(",")? {
                    break;
                }
                self.newlines()?;
            }
        }
        if let [Expression::List(_)] = &values[..]
            && let Some(Expression::List(list)) = values.pop()
        {
            values = list;
        }
        check_lists(&values)?;
        let how = match self.token {
            Token::Word(">") => Some(How::Write),
            Token::Word(">>") => Some(How::Append),
            Token::Word("|") => Some(How::Pipe),
            Token::Word("|&") => return Err("co-processes (`|&`) are not supported".to_owned()),
            _ => None,
        };
        let redirect = match how {
            None => None,
            Some(how) => {
                self.advance()?;
                Some(Redirect { how, to: self.concatenation()? })
            }
        };
        self.no_greater = before;
        if !formatted {
            return Ok(Statement::Print(values, redirect));
        }
        if values.is_empty() {
            return Err("`printf` lacks a format".to_owned());
        }
        Ok(Statement::Printf(values, redirect))
    }

    /// An expression in which every operator may stand.
    fn whole_expression(&mut self) -> Parsed<Expression> {
        let before = std::mem::take(&mut self.no_greater);
        let expression = self.expression()?;
        self.no_greater = before;
        check_lists(std::slice::from_ref(&expression))?;
        Ok(expression)
    }

    fn expression(&mut self) -> Parsed<Expression> {
        self.deeper(Self::choice)
    }

    fn choice(&mut self) -> Parsed<Expression> {
        let condition = self.or()?;
        if self.takes("?")? {
            self.newlines()?;
            let yes = self.expression()?;
            self.newlines()?;
            self.expect(":")?;
            self.newlines()?;
            let no = self.expression()?;
            return Ok(Expression::Choose(Box::new(condition), Box::new(yes), Box::new(no)));
        }
        let operator = match self.token {
            Token::Word("=") => None,
            Token::Word("+=") => Some(Operator::Add),
            Token::Word("-=") => Some(Operator::Subtract),
            Token::Word("*=") => Some(Operator::Multiply),
            Token::Word("/=") => Some(Operator::Divide),
            Token::Word("%=") => Some(Operator::Modulo),
            Token::Word("^=") => Some(Operator::Power),
            _ => return Ok(condition),
        };
        // The target is the last operand of what was read: `a && b = 1`, `$1 ~ x = 2`, `!x = y`.
        self.advance()?;
        self.newlines()?;
        let value = self.expression()?;
        assign_last(condition, operator, value)
    }

    fn or(&mut self) -> Parsed<Expression> {
        let mut left = self.and()?;
        while self.takes("||")? {
            self.newlines()?;
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expression> {
        let mut left = self.membership()?;
        while self.takes("&&")? {
            self.newlines()?;
            left = Expression::And(Box::new(left), Box::new(self.membership()?));
        }
        Ok(left)
    }

    fn membership(&mut self) -> Parsed<Expression> {
        let mut left = self.matching()?;
        while self.takes("in")? {
            let Token::Name(name) = self.advance()? else { return Err("`in` lacks an array".to_owned()) };
            let array = self.array(&name)?;
            let index = match left {
                Expression::List(list) => list,
                other => vec![other],
            };
            left = Expression::In(index, array);
        }
        Ok(left)
    }

    fn matching(&mut self) -> Parsed<Expression> {
        let mut left = self.comparison()?;
        loop {
            let negated = match self.token {
                Token::Word("~") => false,
                Token::Word("!~") => true,
                _ => return Ok(left),
            };
            self.advance()?;
            left = Expression::Matches(Box::new(left), Box::new(self.comparison()?), negated);
        }
    }

    fn comparison(&mut self) -> Parsed<Expression> {
        let mut left = self.piped()?;
        loop {
            let comparison = match self.token {
                Token::Word("<") => Comparison::Less,
                Token::Word("<=") => Comparison::LessEqual,
                Token::Word("==") => Comparison::Equal,
                Token::Word("!=") => Comparison::NotEqual,
                Token::Word(">") if !self.no_greater => Comparison::Greater,
                Token::Word(">=") => Comparison::GreaterEqual,
                _ => return Ok(left),
            };
            self.advance()?;
            left = Expression::Compare(comparison, Box::new(left), Box::new(self.piped()?));
        }
    }

    /// `command | getline`.
    fn piped(&mut self) -> Parsed<Expression> {
        let mut left = self.concatenation()?;
        while self.sees("|") || self.sees("|&") {
            let (state, token, operand) = (self.lexer_state(), self.token.clone(), self.operand);
            if self.takes("|&")? {
                return Err("co-processes (`|&`) are not supported".to_owned());
            }
            self.advance()?;
            if !self.takes("getline")? {
                self.restore(state, token, operand);
                break;
            }
            let target = self.optional_target()?;
            left = Expression::Getline(Source::Command(Box::new(left)), target);
        }
        Ok(left)
    }

    fn concatenation(&mut self) -> Parsed<Expression> {
        let mut left = self.sum()?;
        loop {
            let starts = match &self.token {
                Token::Number(_) | Token::Text(_) | Token::Regex(_) | Token::Name(_) | Token::Called(_) => true,
                Token::Word(word) => matches!(*word, "$" | "!" | "(" | "-" | "+" | "++" | "--"),
                _ => false,
            };
            if !starts || (self.sees("in")) {
                return Ok(left);
            }
            left = Expression::Concat(Box::new(left), Box::new(self.sum()?));
        }
    }

    fn sum(&mut self) -> Parsed<Expression> {
        let mut left = self.product()?;
        loop {
            let operator = match self.token {
                Token::Word("+") => Operator::Add,
                Token::Word("-") => Operator::Subtract,
                _ => return Ok(left),
            };
            self.advance()?;
            left = Expression::Binary(operator, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Parsed<Expression> {
        let mut left = self.unary()?;
        loop {
            let operator = match self.token {
                Token::Word("*") => Operator::Multiply,
                Token::Word("/") => Operator::Divide,
                Token::Word("%") => Operator::Modulo,
                _ => return Ok(left),
            };
            self.advance()?;
            left = Expression::Binary(operator, Box::new(left), Box::new(self.unary()?));
        }
    }

    fn unary(&mut self) -> Parsed<Expression> {
        let kind = match self.token {
            Token::Word(word @ ("!" | "-" | "+")) => word,
            _ => return self.power(),
        };
        self.advance()?;
        let operand = Box::new(self.deeper(Self::unary)?);
        Ok(match kind {
            "!" => Expression::Not(operand),
            "-" => Expression::Minus(operand),
            _ => Expression::Plus(operand),
        })
    }

    fn power(&mut self) -> Parsed<Expression> {
        let base = self.postfix()?;
        if !self.takes("^")? {
            return Ok(base);
        }
        // To the right, and a sign may stand there.
        let exponent = self.deeper(|parser| {
            if parser.takes("-")? {
                Ok(Expression::Minus(Box::new(parser.power_operand()?)))
            } else if parser.takes("+")? {
                parser.power_operand()
            } else if parser.takes("!")? {
                Ok(Expression::Not(Box::new(parser.power_operand()?)))
            } else {
                parser.power()
            }
        })?;
        Ok(Expression::Binary(Operator::Power, Box::new(base), Box::new(exponent)))
    }

    fn power_operand(&mut self) -> Parsed<Expression> {
        self.deeper(Self::power)
    }

    fn postfix(&mut self) -> Parsed<Expression> {
        let operand = self.primary()?;
        let by = match self.token {
            Token::Word("++") => 1.0,
            Token::Word("--") => -1.0,
            _ => return Ok(operand),
        };
        match operand {
            Expression::Get(target) => {
                self.advance()?;
                Ok(Expression::Step(target, by, false))
            }
            other => Ok(other),
        }
    }

    fn primary(&mut self) -> Parsed<Expression> {
        match self.advance()? {
            Token::Number(number) => Ok(Expression::Number(number)),
            Token::Text(text) => Ok(Expression::Text(text.into())),
            Token::Regex(text) => Pattern::new(&text, PATTERNS).map(|pattern| Expression::Regex(Rc::new(pattern))),
            Token::Word("$") => {
                let by = match self.token {
                    Token::Word("++") => 1.0,
                    Token::Word("--") => -1.0,
                    Token::Word("-") => {
                        self.advance()?;
                        let index = Expression::Minus(Box::new(self.deeper(Self::primary)?));
                        return Ok(Expression::Get(Target::Field(Box::new(index))));
                    }
                    _ => {
                        let index = self.deeper(Self::primary)?;
                        return Ok(Expression::Get(Target::Field(Box::new(index))));
                    }
                };
                self.advance()?;
                let index = match self.deeper(Self::primary)? {
                    Expression::Get(target) => Expression::Step(target, by, true),
                    _ => return Err("`++` and `--` need a variable".to_owned()),
                };
                Ok(Expression::Get(Target::Field(Box::new(index))))
            }
            Token::Word(word @ ("++" | "--")) => match self.deeper(Self::primary)? {
                Expression::Get(target) => Ok(Expression::Step(target, if word == "++" { 1.0 } else { -1.0 }, true)),
                _ => Err("`++` and `--` need a variable".to_owned()),
            },
            Token::Word("(") => {
                let before = std::mem::take(&mut self.no_greater);
                let mut list = vec![self.expression()?];
                while self.takes(",")? {
                    self.newlines()?;
                    list.push(self.expression()?);
                }
                self.no_greater = before;
                self.newlines()?;
                self.expect(")")?;
                check_lists(&list)?;
                Ok(match list.len() {
                    // Grouped: what was a target is none any more for `=`, but for `++`.
                    1 => match list.remove(0) {
                        got @ Expression::Get(_) => got,
                        other => Expression::Plain(Box::new(other)),
                    },
                    _ => Expression::List(list),
                })
            }
            Token::Word("getline") => {
                let target = self.optional_target()?;
                if self.takes("<")? {
                    let file = self.deeper(Self::file_operand)?;
                    return Ok(Expression::Getline(Source::File(Box::new(file)), target));
                }
                Ok(Expression::Getline(Source::Main, target))
            }
            Token::Word(word @ ("-" | "+" | "!")) => {
                let operand = Box::new(self.deeper(Self::unary)?);
                Ok(match word {
                    "-" => Expression::Minus(operand),
                    "+" => Expression::Plus(operand),
                    _ => Expression::Not(operand),
                })
            }
            Token::Called(name) => self.call(&name),
            Token::Name(name) if name == "length" => Ok(Expression::Builtin(Builtin::Length, vec![])),
            Token::Name(name) => {
                if BUILTINS.iter().any(|builtin| builtin.0 == name) && !self.locals.contains(&name) {
                    // `substr (…)`: a blank may stand behind the name of a built-in function.
                    return self.call(&name);
                }
                if self.takes("[")? {
                    let array = self.array(&name)?;
                    let index = self.subscripts()?;
                    return Ok(Expression::Get(Target::Element(array, index)));
                }
                Ok(Expression::Get(Target::Variable(self.variable(&name)?)))
            }
            Token::Word("@") => Err("`@` (include, load, indirect calls) is not supported".to_owned()),
            other => {
                self.token = other;
                Err(format!("unexpected {}", self.shown()))
            }
        }
    }

    /// What stands behind `getline <`: an operand without concatenation.
    fn file_operand(&mut self) -> Parsed<Expression> {
        self.postfix()
    }

    fn subscripts(&mut self) -> Parsed<Vec<Expression>> {
        let mut index = vec![self.whole_expression()?];
        while self.takes(",")? {
            self.newlines()?;
            index.push(self.whole_expression()?);
        }
        self.expect("]")?;
        Ok(index)
    }

    fn optional_target(&mut self) -> Parsed<Option<Target>> {
        if !matches!(self.token, Token::Name(_) | Token::Word("$")) {
            return Ok(None);
        }
        match self.primary()? {
            Expression::Get(target) => Ok(Some(target)),
            _ => Err("`getline` needs a variable".to_owned()),
        }
    }

    fn call(&mut self, name: &str) -> Parsed<Expression> {
        let builtin = BUILTINS.iter().find(|builtin| builtin.0 == name);
        if builtin.is_none() && !self.functions.contains_key(name) && self.names.contains_key(name) {
            return Err(format!("variable `{name}` is called"));
        }
        self.expect("(")?;
        let mut arguments = vec![];
        self.newlines()?;
        if !self.takes(")")? {
            loop {
                arguments.push(self.whole_expression()?);
                self.newlines()?;
                if self.takes(")")? {
                    break;
                }
                self.expect(",")?;
                self.newlines()?;
            }
        }
        let Some((_, builtin, least, most)) = builtin else {
            let index = self.function_of(name);
            if let Some(function) = self.function {
                for (position, argument) in arguments.iter().enumerate() {
                    if let Expression::Get(Target::Variable(Variable::Local(parameter))) = argument {
                        self.passed.push((function, *parameter, index, position));
                    }
                }
            }
            return Ok(Expression::Call(index, arguments));
        };
        if arguments.len() < *least || arguments.len() > *most {
            return Err(format!("`{name}` takes {least} to {most} arguments"));
        }
        let arrays: &[usize] = match builtin {
            Builtin::Split => &[1, 3],
            Builtin::Match => &[2],
            Builtin::Asort | Builtin::Asorti => &[0, 1],
            _ => &[],
        };
        for position in arrays {
            match arguments.get(*position) {
                None => {}
                Some(Expression::Get(Target::Variable(Variable::Local(at)))) => self.arrays[*at] = true,
                Some(Expression::Get(Target::Variable(Variable::Global(_)))) => {}
                Some(_) => return Err(format!("argument {} of `{name}` is an array", position + 1)),
            }
        }
        if let (Builtin::Sub | Builtin::Gsub, Some(target)) = (builtin, arguments.get(2))
            && !matches!(target, Expression::Get(_))
        {
            return Err(format!("the third argument of `{name}` is nothing that can be changed"));
        }
        Ok(Expression::Builtin(*builtin, arguments))
    }
}

/// A list may only stand before `in` and behind `print`.
fn check_lists(expressions: &[Expression]) -> Parsed<()> {
    if expressions.iter().any(|expression| matches!(expression, Expression::List(_))) {
        return Err("a list in parentheses is no expression".to_owned());
    }
    Ok(())
}

/// Assigns to the last operand of an expression.
fn assign_last(expression: Expression, operator: Option<Operator>, value: Expression) -> Parsed<Expression> {
    let again = |inner: Box<Expression>, value| assign_last(*inner, operator, value).map(Box::new);
    Ok(match expression {
        Expression::Get(target) => match operator {
            None => Expression::Assign(target, Box::new(value)),
            Some(operator) => Expression::Update(operator, target, Box::new(value)),
        },
        Expression::And(left, right) => Expression::And(left, again(right, value)?),
        Expression::Or(left, right) => Expression::Or(left, again(right, value)?),
        Expression::Matches(left, right, negated) => Expression::Matches(left, again(right, value)?, negated),
        Expression::Compare(comparison, left, right) => Expression::Compare(comparison, left, again(right, value)?),
        Expression::Concat(left, right) => Expression::Concat(left, again(right, value)?),
        Expression::Binary(kind, left, right) => Expression::Binary(kind, left, again(right, value)?),
        Expression::Not(inner) => Expression::Not(again(inner, value)?),
        Expression::Minus(inner) => Expression::Minus(again(inner, value)?),
        Expression::Plus(inner) => Expression::Plus(again(inner, value)?),
        _ => return Err("this cannot be assigned to".to_owned()),
    })
}

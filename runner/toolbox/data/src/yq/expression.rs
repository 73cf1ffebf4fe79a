//! The language of yq 4: from text to a tree of operations.

/// An operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    /// `.`
    Here,
    /// `.a`, `.["a"]`: of what the first gives, the place that the second names.
    At(Box<Expression>, Box<Expression>),
    /// `.[]`
    Each(Box<Expression>),
    /// `.[1:3]`
    Slice(Box<Expression>, Option<Box<Expression>>, Option<Box<Expression>>),
    /// `..`, and with keys `...`
    Descend(bool),
    /// `f?`
    Try(Box<Expression>),
    /// A literal: its text, and whether it is a string.
    Literal(String, bool),
    /// A string with parts that are calculated.
    Template(Vec<Expression>),
    Variable(String),
    /// `[f]`
    Collect(Option<Box<Expression>>),
    /// `{k: v}`
    Object(Vec<(Expression, Expression)>),
    /// `f(a; b)`
    Call(String, Vec<Expression>),
    Binary(String, Box<Expression>, Box<Expression>),
    /// `a as $x | b`
    Bind(Box<Expression>, String, Box<Expression>),
    /// `a as $x ireduce (b; c)`
    Reduce(Box<Expression>, String, Box<Expression>, Box<Expression>),
}

/// How deep an expression may nest.
const MAX_DEPTH: usize = 100;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// Punctuation and operators.
    Sign(String),
    /// `.name`
    Field(String),
    Word(String),
    Number(String),
    Text(Vec<Part>),
    Variable(String),
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Code(Vec<Token>),
}

/// Reads an expression; an empty one is `.`. The error is a message.
pub(crate) fn parse(text: &str) -> Result<Expression, String> {
    let tokens = tokens(text, 0)?;
    if tokens.is_empty() {
        return Ok(Expression::Here);
    }
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
    let expression = parser.binary(0)?;
    match parser.peek() {
        None => Ok(expression),
        Some(token) => Err(format!("unexpected {} in `{text}`", shown(token))),
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Sign(text) | Token::Word(text) | Token::Number(text) => format!("`{text}`"),
        Token::Field(name) => format!("`.{name}`"),
        Token::Variable(name) => format!("`${name}`"),
        Token::Text(_) => "a string".to_owned(),
    }
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '$' | '*' | '/')
}

fn tokens(text: &str, depth: usize) -> Result<Vec<Token>, String> {
    if depth > MAX_DEPTH {
        return Err(format!("the expression nests deeper than {MAX_DEPTH} levels"));
    }
    let mut tokens = vec![];
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if character.is_whitespace() {
            rest = rest.trim_start();
            continue;
        }
        if character == '#' {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
            continue;
        }
        if character == '"' {
            let (parts, length) = string(rest, depth)?;
            tokens.push(Token::Text(parts));
            rest = &rest[length..];
            continue;
        }
        let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        if character == '.' && !rest.starts_with("..") {
            let after = &rest[1..];
            if after.starts_with('"') {
                let (parts, length) = string(after, depth)?;
                tokens.push(match parts.as_slice() {
                    [] => Token::Field(String::new()),
                    [Part::Text(name)] => Token::Field(name.clone()),
                    _ => return Err("a key with `\\(` must stand in `[ ]`".to_owned()),
                });
                rest = &after[length..];
                continue;
            }
            let length = after.find(|character| !is_name(character)).unwrap_or(after.len());
            let name = &after[..length];
            if length > 0 && !name.starts_with(['*', '/', '$']) {
                let name = name.trim_end_matches(['*', '/', '$']);
                tokens.push(Token::Field(name.to_owned()));
                rest = &after[name.len()..];
            } else if let Some(after) = after.strip_prefix('*') {
                tokens.push(Token::Field("*".to_owned()));
                rest = after;
            } else {
                tokens.push(Token::Sign(".".to_owned()));
                rest = after;
            }
            continue;
        }
        if character.is_ascii_digit()
            || (character == '-' && rest[1..].starts_with(|next: char| next.is_ascii_digit()) && starts_value(&tokens))
        {
            let length = rest[1..]
                .find(|character: char| !(character.is_ascii_alphanumeric() || character == '.'))
                .map_or(rest.len(), |at| at + 1);
            tokens.push(Token::Number(rest[..length].to_owned()));
            rest = &rest[length..];
            continue;
        }
        if let Some(sign) = sign {
            let mut length = sign.len();
            if *sign == "*" {
                // Flags of merging stand directly behind.
                let flags = rest[1..].find(|flag| !"+?ndc".contains(flag)).unwrap_or(rest.len() - 1);
                // `*` before a name is no flag.
                if !rest[1 + flags..].starts_with(|next: char| next.is_alphanumeric() || next == '_') {
                    length += flags;
                }
                if rest[length..].starts_with('=') && !rest[length..].starts_with("==") {
                    length += 1;
                }
            }
            tokens.push(Token::Sign(rest[..length].to_owned()));
            rest = &rest[length..];
            continue;
        }
        if let Some(name) = rest.strip_prefix('$') {
            let length =
                name.find(|character: char| !(character.is_alphanumeric() || character == '_')).unwrap_or(name.len());
            tokens.push(Token::Variable(name[..length].to_owned()));
            rest = &name[length..];
            continue;
        }
        if character.is_alphabetic() || matches!(character, '_' | '@') {
            let length = rest[1..]
                .find(|character: char| !(character.is_alphanumeric() || character == '_'))
                .map_or(rest.len(), |at| at + 1);
            tokens.push(Token::Word(rest[..length].to_owned()));
            rest = &rest[length..];
            continue;
        }
        return Err(format!("unexpected character `{character}` in `{text}`"));
    }
    Ok(tokens)
}

/// Whether what comes next begins a value, so that `-` is a sign of a number.
fn starts_value(tokens: &[Token]) -> bool {
    match tokens.last() {
        None => true,
        Some(Token::Sign(sign)) => !matches!(sign.as_str(), ")" | "]" | "}" | "."),
        Some(Token::Word(word)) => matches!(word.as_str(), "and" | "or"),
        Some(_) => false,
    }
}

const SIGNS: [&str; 33] = [
    "...", "..", "//=", "|=", "+=", "-=", "==", "!=", "<=", ">=", "//", "|", ",", "=", "+", "-", "*", "/", "%", "<",
    ">", "(", ")", "[", "]", "{", "}", ":", ";", "?", ".", "!", "&",
];

/// A string in double quotes: its parts and its length in the source.
fn string(text: &str, depth: usize) -> Result<(Vec<Part>, usize), String> {
    let mut parts = vec![];
    let mut plain = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                if !plain.is_empty() {
                    parts.push(Part::Text(plain));
                }
                return Ok((parts, at + 1));
            }
            '\\' => match characters.next() {
                Some((_, 'n')) => plain.push('\n'),
                Some((_, 't')) => plain.push('\t'),
                Some((_, 'r')) => plain.push('\r'),
                Some((_, '"')) => plain.push('"'),
                Some((_, '\\')) => plain.push('\\'),
                Some((start, '(')) => {
                    let end = closing(&text[start..]).ok_or("`\\(` is not closed")?;
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                    parts.push(Part::Code(tokens(&text[start + 1..start + end], depth + 1)?));
                    while characters.clone().next().is_some_and(|(at, _)| at <= start + end) {
                        characters.next();
                    }
                }
                Some((_, other)) => {
                    plain.push('\\');
                    plain.push(other);
                }
                None => break,
            },
            other => plain.push(other),
        }
    }
    Err(format!("the string `{text}` is not closed"))
}

/// Where the parenthesis that a text begins with ends.
fn closing(text: &str) -> Option<usize> {
    let (mut open, mut quoted) = (0, false);
    for (at, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '(' if !quoted => open += 1,
            ')' if !quoted => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// How strong an operator binds.
fn strength(token: &Token) -> Option<u8> {
    match token {
        Token::Sign(sign) => match sign.as_str() {
            "," => Some(10),
            "|" => Some(30),
            "=" | "|=" | "+=" | "-=" | "//=" | "==" | "!=" | "<" | ">" | "<=" | ">=" => Some(40),
            "+" | "-" | "/" | "%" | "//" => Some(42),
            sign if sign.starts_with('*') => Some(if sign.ends_with('=') { 40 } else { 42 }),
            _ => None,
        },
        Token::Word(word) if matches!(word.as_str(), "and" | "or") => Some(20),
        _ => None,
    }
}

/// Functions that may stand behind a place without `|`.
const ATTRIBUTES: [&str; 14] = [
    "style",
    "tag",
    "anchor",
    "alias",
    "line_comment",
    "lineComment",
    "head_comment",
    "headComment",
    "foot_comment",
    "footComment",
    "kind",
    "key",
    "path",
    "type",
];

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if found == sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.sign(sign) {
            return Ok(());
        }
        Err(match self.peek() {
            Some(token) => format!("expected `{sign}`, found {}", shown(token)),
            None => format!("expected `{sign}`, found the end of the expression"),
        })
    }

    fn binary(&mut self, least: u8) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("the expression nests deeper than {MAX_DEPTH} levels"));
        }
        let mut left = self.postfix()?;
        while let Some(token) = self.peek() {
            if matches!(token, Token::Word(word) if word == "as") {
                left = self.binding(left)?;
                continue;
            }
            let Some(strength) = strength(token).filter(|strength| *strength >= least) else { break };
            self.at += 1;
            let operator = match token {
                Token::Sign(text) | Token::Word(text) => text.clone(),
                _ => break,
            };
            let right = self.binary(strength + 1)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    /// Behind `as`.
    fn binding(&mut self, value: Expression) -> Result<Expression, String> {
        self.at += 1;
        let Some(Token::Variable(name)) = self.peek() else { return Err("expected a variable after `as`".to_owned()) };
        self.at += 1;
        let value = Box::new(value);
        if matches!(self.peek(), Some(Token::Word(word)) if word == "ireduce") {
            self.at += 1;
            self.expect("(")?;
            let start = Box::new(self.binary(0)?);
            self.expect(";")?;
            let update = Box::new(self.binary(0)?);
            self.expect(")")?;
            return Ok(Expression::Reduce(value, name.clone(), start, update));
        }
        self.expect("|")?;
        // The variable reaches to the end of what encloses it.
        let body = self.binary(0)?;
        Ok(Expression::Bind(value, name.clone(), Box::new(body)))
    }

    fn postfix(&mut self) -> Result<Expression, String> {
        let mut expression = self.primary()?;
        loop {
            match self.peek() {
                Some(Token::Field(name)) => {
                    self.at += 1;
                    expression =
                        Expression::At(Box::new(expression), Box::new(Expression::Literal(name.clone(), true)));
                }
                Some(Token::Sign(sign)) if sign == "[" => {
                    self.at += 1;
                    expression = self.bracket(expression)?;
                }
                Some(Token::Sign(sign))
                    if sign == "."
                        && matches!(self.tokens.get(self.at + 1), Some(Token::Sign(next)) if next == "[") =>
                {
                    self.at += 1;
                }
                // What is written around a node: `.a style`, as in `.a style = "double"`.
                Some(Token::Word(word)) if ATTRIBUTES.contains(&word.as_str()) => {
                    self.at += 1;
                    let attribute = Expression::Call(word.clone(), vec![]);
                    expression = Expression::Binary("|".to_owned(), Box::new(expression), Box::new(attribute));
                }
                Some(Token::Sign(sign)) if sign == "?" => {
                    self.at += 1;
                    expression = Expression::Try(Box::new(expression));
                }
                _ => return Ok(expression),
            }
        }
    }

    /// Behind `[`.
    fn bracket(&mut self, of: Expression) -> Result<Expression, String> {
        let of = Box::new(of);
        if self.sign("]") {
            return Ok(Expression::Each(of));
        }
        if self.sign(":") {
            let end = self.binary(0)?;
            self.expect("]")?;
            return Ok(Expression::Slice(of, None, Some(Box::new(end))));
        }
        let first = self.binary(0)?;
        if self.sign(":") {
            let end = if matches!(self.peek(), Some(Token::Sign(sign)) if sign == "]") {
                None
            } else {
                Some(Box::new(self.binary(0)?))
            };
            self.expect("]")?;
            return Ok(Expression::Slice(of, Some(Box::new(first)), end));
        }
        self.expect("]")?;
        Ok(Expression::At(of, Box::new(first)))
    }

    fn primary(&mut self) -> Result<Expression, String> {
        let Some(token) = self.peek() else { return Err("the expression ends too early".to_owned()) };
        self.at += 1;
        match token {
            Token::Field(name) if name == "*" => Ok(Expression::Each(Box::new(Expression::Here))),
            Token::Field(name) => {
                Ok(Expression::At(Box::new(Expression::Here), Box::new(Expression::Literal(name.clone(), true))))
            }
            Token::Number(text) => Ok(Expression::Literal(text.clone(), false)),
            Token::Text(parts) => template(parts),
            Token::Variable(name) => Ok(Expression::Variable(name.clone())),
            Token::Word(word) => self.word(word),
            Token::Sign(sign) => match sign.as_str() {
                "." => Ok(Expression::Here),
                ".." => Ok(Expression::Descend(false)),
                "..." => Ok(Expression::Descend(true)),
                "(" => {
                    let inner = self.binary(0)?;
                    self.expect(")")?;
                    Ok(inner)
                }
                "[" => {
                    if self.sign("]") {
                        return Ok(Expression::Collect(None));
                    }
                    let inner = self.binary(0)?;
                    self.expect("]")?;
                    Ok(Expression::Collect(Some(Box::new(inner))))
                }
                "{" => self.object(),
                "-" => {
                    let inner = self.postfix()?;
                    let zero = Expression::Literal("0".to_owned(), false);
                    Ok(Expression::Binary("-".to_owned(), Box::new(zero), Box::new(inner)))
                }
                _ => Err(format!("unexpected {}", shown(token))),
            },
        }
    }

    fn word(&mut self, word: &str) -> Result<Expression, String> {
        if matches!(word, "true" | "false" | "null") {
            return Ok(Expression::Literal(word.to_owned(), false));
        }
        let mut arguments = vec![];
        if self.sign("(") {
            // Names of the environment are no expressions.
            if matches!(word, "env" | "strenv") {
                let Some(Token::Word(name)) = self.peek() else { return Err(format!("expected a name in `{word}()`")) };
                self.at += 1;
                self.expect(")")?;
                return Ok(Expression::Call(word.to_owned(), vec![Expression::Literal(name.clone(), true)]));
            }
            if !self.sign(")") {
                loop {
                    arguments.push(self.binary(0)?);
                    if !self.sign(";") {
                        break;
                    }
                }
                self.expect(")")?;
            }
        }
        Ok(Expression::Call(word.to_owned(), arguments))
    }

    fn object(&mut self) -> Result<Expression, String> {
        let mut entries = vec![];
        while !self.sign("}") {
            if !entries.is_empty() {
                self.expect(",")?;
            }
            let key = match self.peek() {
                Some(Token::Word(name)) => {
                    self.at += 1;
                    Expression::Literal(name.clone(), true)
                }
                _ => self.postfix()?,
            };
            self.expect(":")?;
            // A comma begins the next entry.
            entries.push((key, self.binary(11)?));
        }
        Ok(Expression::Object(entries))
    }
}

fn template(parts: &[Part]) -> Result<Expression, String> {
    let mut pieces = vec![];
    for part in parts {
        pieces.push(match part {
            Part::Text(text) => Expression::Literal(text.clone(), true),
            Part::Code(tokens) => {
                let mut parser = Parser { tokens, at: 0, depth: 0 };
                let inner = parser.binary(0)?;
                if parser.peek().is_some() {
                    return Err("unexpected rest in `\\( )`".to_owned());
                }
                inner
            }
        });
    }
    Ok(match pieces.as_slice() {
        [] => Expression::Literal(String::new(), true),
        [Expression::Literal(text, true)] if parts.len() == 1 => Expression::Literal(text.clone(), true),
        _ => Expression::Template(pieces),
    })
}

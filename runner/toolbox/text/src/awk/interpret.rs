use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::rc::Rc;

use stepbox_tool::pattern::{Exhausted, Pattern};
use stepbox_tool::{Streams, describe, os_string};

use super::channel::Channels;
use super::fields::{FieldSeparator, MAX_FIELDS, Record};
use super::format::format;
use super::parse::PATTERNS;
use super::record::{Records, Separator};
use super::syntax::{
    ARGC, ARGV, CONVFMT, Comparison, ENVIRON, Expression, FILENAME, FNR, FS, How, IGNORECASE, NF, NR, OFMT, OFS, ORS,
    Operator, Program, RS, RT, Redirect, SPECIAL, SUBSEP, Source, Statement, Target, Variable, When,
};
use super::value::{Array, Cell, Text, Value, number_text};

/// How deep functions may call each other.
const MAX_CALLS: usize = 400;

/// How many patterns made of text are remembered.
const MAX_PATTERNS: usize = 500;

/// What ends statements early.
pub(super) enum Stop {
    Next,
    NextFile,
    Exit,
    Message(String),
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Exhausted> for Stop {
    fn from(error: Exhausted) -> Self {
        Self::Message(error.to_string())
    }
}

impl From<String> for Stop {
    fn from(message: String) -> Self {
        Self::Message(message)
    }
}

enum Flow {
    On,
    Break,
    Continue,
    Return,
}

/// Where records come from.
enum Main {
    None,
    Standard,
    File(BufReader<File>),
}

pub(super) struct Interpreter<'p, 's, 't> {
    program: &'p Program,
    pub(super) streams: &'s mut Streams<'t>,
    globals: Vec<Cell>,
    /// Local variables of all calls, and where those of this one begin.
    locals: Vec<Cell>,
    base: usize,
    calls: usize,
    returned: Value,
    ranges: Vec<bool>,
    record: Record,
    field_separator: FieldSeparator,
    separator: Separator,
    pub(super) channels: Channels,
    main: Main,
    records: Records,
    /// How many of `ARGV` were looked at, and whether one of them was a file.
    argument: usize,
    had_file: bool,
    trouble: bool,
    patterns: HashMap<Text, Rc<Pattern>>,
    status: i32,
    in_end: bool,
    pub(super) random: u64,
    pub(super) seed: f64,
    buffer: Vec<u8>,
    ended_by: Vec<u8>,
}

type Evaluated<T> = Result<T, Stop>;

impl<'p, 's, 't> Interpreter<'p, 's, 't> {
    pub(super) fn new(program: &'p Program, arguments: Vec<Vec<u8>>, streams: &'s mut Streams<'t>) -> Self {
        let mut globals = vec![Cell::Untyped; program.globals.len()];
        let defaults: [(usize, &[u8]); 8] = [
            (FS, b" "),
            (OFS, b" "),
            (ORS, b"\n"),
            (RS, b"\n"),
            (SUBSEP, b"\x1c"),
            (CONVFMT, b"%.6g"),
            (OFMT, b"%.6g"),
            (RT, b""),
        ];
        for (at, text) in defaults {
            globals[at] = Cell::Scalar(Value::text(text));
        }
        for at in [NF, NR, FNR, super::syntax::RSTART] {
            globals[at] = Cell::Scalar(Value::Number(0.0));
        }
        globals[super::syntax::RLENGTH] = Cell::Scalar(Value::Number(-1.0));
        globals[ARGC] = Cell::Scalar(Value::Number(arguments.len() as f64));
        let array = Array::default();
        for (at, argument) in arguments.iter().enumerate() {
            *array.borrow_mut().entry(at.to_string().as_bytes().into()) = Value::Input(argument[..].into());
        }
        globals[ARGV] = Cell::Array(array);
        let array = Array::default();
        for (name, value) in std::env::vars_os() {
            *array.borrow_mut().entry(name.as_encoded_bytes().into()) = Value::Input(value.as_encoded_bytes().into());
        }
        globals[ENVIRON] = Cell::Array(array);
        Self {
            program,
            streams,
            globals,
            locals: vec![],
            base: 0,
            calls: 0,
            returned: Value::Nothing,
            ranges: vec![false; program.ranges],
            record: Record::default(),
            field_separator: FieldSeparator::Blanks,
            separator: Separator::Byte(b'\n'),
            channels: Channels::default(),
            main: Main::None,
            records: Records::default(),
            argument: 1,
            had_file: false,
            trouble: false,
            patterns: HashMap::new(),
            status: 0,
            in_end: false,
            random: 0x2545_f491_4f6c_dd1d,
            seed: 0.0,
            buffer: vec![],
            ended_by: vec![],
        }
    }

    /// Runs the program; the status.
    pub(super) fn run(&mut self) -> io::Result<i32> {
        let mut ended = self.run_rules();
        if matches!(ended, Ok(()) | Err(Stop::Exit)) {
            self.in_end = true;
            // `exit` in `BEGIN` or a rule goes to `END`; in `END` it ends.
            ended = self.statements(&self.program.end).map(|_| ());
        }
        let finished = self.channels.finish(self.streams);
        match ended {
            Ok(()) | Err(Stop::Exit | Stop::Next | Stop::NextFile) => {
                finished?;
                Ok(if self.status == 0 && self.trouble { 2 } else { self.status })
            }
            Err(Stop::Io(error)) => Err(error),
            Err(Stop::Message(message)) => {
                self.streams.say("awk", &message);
                Ok(2)
            }
        }
    }

    fn run_rules(&mut self) -> Evaluated<()> {
        let program = self.program;
        self.statements(&program.begin)?;
        if program.rules.is_empty() && program.end.is_empty() {
            return Ok(());
        }
        while self.next_record()? {
            let fnr = self.special(FNR).number() + 1.0;
            let nr = self.special(NR).number() + 1.0;
            self.globals[FNR] = Cell::Scalar(Value::Number(fnr));
            self.globals[NR] = Cell::Scalar(Value::Number(nr));
            match self.rules() {
                Ok(()) | Err(Stop::Next) => {}
                Err(Stop::NextFile) => self.leave_file(),
                Err(stop) => return Err(stop),
            }
        }
        Ok(())
    }

    fn leave_file(&mut self) {
        self.main = Main::None;
        self.records = Records::default();
    }

    fn rules(&mut self) -> Evaluated<()> {
        let program = self.program;
        for rule in &program.rules {
            let selected = match &rule.pattern {
                When::Always => true,
                When::If(pattern) => self.truth(pattern)?,
                When::Range(first, last, index) => {
                    if self.ranges[*index] || self.truth(first)? {
                        self.ranges[*index] = !self.truth(last)?;
                        true
                    } else {
                        false
                    }
                }
            };
            if !selected {
                continue;
            }
            match &rule.action {
                Some(action) => {
                    self.statements(action)?;
                }
                None => {
                    let text = self.record_text();
                    self.streams.output.write_all(&text)?;
                    let end = self.special_text(ORS);
                    self.streams.output.write_all(&end)?;
                }
            }
        }
        Ok(())
    }

    /// Reads the next record of the main input into the buffer and makes it `$0`.
    fn next_record(&mut self) -> Evaluated<bool> {
        let read = self.next_main()?;
        if read {
            self.record.set(self.buffer[..].into());
        }
        Ok(read)
    }

    /// Reads the next record of the main input into the buffer.
    fn next_main(&mut self) -> Evaluated<bool> {
        loop {
            let separator = self.separator.clone();
            let read = match &mut self.main {
                Main::None => Ok(false),
                Main::Standard => {
                    self.records.next(self.streams.input, &separator, &mut self.buffer, &mut self.ended_by)
                }
                Main::File(file) => self.records.next(file, &separator, &mut self.buffer, &mut self.ended_by),
            };
            if read? {
                self.globals[RT] = Cell::Scalar(Value::text(&self.ended_by));
                return Ok(true);
            }
            self.leave_file();
            if !self.next_file()? {
                return Ok(false);
            }
        }
    }

    /// Opens the next file of `ARGV`, does the assignments before it.
    fn next_file(&mut self) -> Evaluated<bool> {
        loop {
            let count = self.special(ARGC).number();
            if self.argument as f64 >= count {
                if self.had_file {
                    return Ok(false);
                }
                self.had_file = true;
                self.main = Main::Standard;
                self.globals[FNR] = Cell::Scalar(Value::Number(0.0));
                return Ok(true);
            }
            let key = self.argument.to_string();
            self.argument += 1;
            let argument = match &self.globals[ARGV] {
                Cell::Array(array) => array.borrow().get(key.as_bytes()).cloned().unwrap_or_default(),
                _ => Value::Nothing,
            };
            let argument = argument.to_text(b"%.6g");
            if argument.is_empty() {
                continue;
            }
            if let Some((name, value)) = assignment(&argument) {
                self.assign_text(name, value)?;
                continue;
            }
            self.had_file = true;
            self.globals[FILENAME] = Cell::Scalar(Value::Text(Rc::clone(&argument)));
            self.globals[FNR] = Cell::Scalar(Value::Number(0.0));
            if &argument[..] == b"-" || &argument[..] == b"/dev/stdin" {
                self.main = Main::Standard;
                return Ok(true);
            }
            let name = os_string(&argument);
            let opened = match std::fs::metadata(&name) {
                Ok(found) if found.is_dir() => Err(io::Error::other("Is a directory")),
                _ => File::open(&name),
            };
            match opened {
                Ok(file) => {
                    self.main = Main::File(BufReader::new(file));
                    return Ok(true);
                }
                Err(error) => {
                    let shown = name.to_string_lossy();
                    self.streams.say("awk", &format!("cannot open `{shown}`: {}", describe(&error)));
                    self.trouble = true;
                }
            }
        }
    }

    /// `name=value` of the command line; names that the program does not have are of no use to it.
    pub(super) fn assign_text(&mut self, name: &[u8], value: &[u8]) -> Evaluated<()> {
        let value = Value::Input(super::lex::unescape(value).into());
        let known = self.program.globals.iter().position(|known| known.as_bytes() == name);
        match known {
            Some(at) => self.set_variable(Variable::Global(at), value),
            None => Ok(()),
        }
    }

    pub(super) fn special(&self, at: usize) -> Value {
        match &self.globals[at] {
            Cell::Scalar(value) => value.clone(),
            _ => Value::Nothing,
        }
    }

    pub(super) fn special_text(&self, at: usize) -> Text {
        self.special(at).to_text(b"%.6g")
    }

    pub(super) fn set_special(&mut self, at: usize, value: Value) {
        self.globals[at] = Cell::Scalar(value);
    }

    pub(super) fn text_of(&self, value: &Value) -> Text {
        match value {
            Value::Number(number) => {
                if let Cell::Scalar(Value::Text(format)) = &self.globals[CONVFMT] {
                    return number_text(*number, format).into();
                }
                value.to_text(b"%.6g")
            }
            _ => value.to_text(b"%.6g"),
        }
    }

    /// A pattern made of text.
    pub(super) fn pattern_from(&mut self, text: &Text) -> Evaluated<Rc<Pattern>> {
        if let Some(pattern) = self.patterns.get(text) {
            return Ok(Rc::clone(pattern));
        }
        let pattern = Rc::new(Pattern::new(text, PATTERNS)?);
        if self.patterns.len() == MAX_PATTERNS {
            self.patterns.clear();
        }
        self.patterns.insert(Rc::clone(text), Rc::clone(&pattern));
        Ok(pattern)
    }

    /// The pattern that an expression is, or whose text it is.
    pub(super) fn pattern_of(&mut self, expression: &'p Expression) -> Evaluated<Rc<Pattern>> {
        match expression {
            Expression::Regex(pattern) => Ok(Rc::clone(pattern)),
            Expression::Plain(inner) => self.pattern_of(inner),
            other => {
                let value = self.value(other)?;
                let text = self.text_of(&value);
                self.pattern_from(&text)
            }
        }
    }

    /// How a text separates fields.
    pub(super) fn field_separator_from(&mut self, text: &Text) -> Evaluated<FieldSeparator> {
        Ok(match &text[..] {
            b" " => FieldSeparator::Blanks,
            b"" => FieldSeparator::Nothing,
            [byte] if *byte != b'\\' => FieldSeparator::Byte(*byte),
            _ => FieldSeparator::Pattern(self.pattern_from(text)?),
        })
    }

    fn ensure_split(&mut self) -> Evaluated<()> {
        if !self.record.is_split() {
            let newlines = matches!(self.separator, Separator::Paragraph);
            self.record.split(&self.field_separator, newlines)?;
        }
        Ok(())
    }

    pub(super) fn record_text(&mut self) -> Text {
        if self.record.is_stale() {
            let separator = self.special_text(OFS);
            let convert = self.special_text(CONVFMT);
            self.record.join(&separator, &convert);
        }
        Rc::clone(self.record.text())
    }

    fn field(&mut self, index: f64) -> Evaluated<Value> {
        if index < 0.0 {
            return Err(Stop::Message(format!("attempt to access field {index}")));
        }
        if index < 1.0 {
            return Ok(Value::Input(self.record_text()));
        }
        self.ensure_split()?;
        Ok(self.record.get(index as usize))
    }

    fn set_field(&mut self, index: f64, value: Value) -> Evaluated<()> {
        if index < 0.0 || index > MAX_FIELDS as f64 {
            return Err(Stop::Message(format!("attempt to access field {index}")));
        }
        if index < 1.0 {
            let text = self.text_of(&value);
            self.record.set(text);
            return Ok(());
        }
        self.ensure_split()?;
        self.record.put(index as usize, value);
        Ok(())
    }

    pub(super) fn set_record(&mut self, value: Value) -> Evaluated<()> {
        self.set_field(0.0, value)
    }

    pub(super) fn is_array(&mut self, variable: Variable) -> bool {
        matches!(self.cell(variable), Cell::Array(_))
    }

    fn cell(&mut self, variable: Variable) -> &mut Cell {
        match variable {
            Variable::Global(at) => &mut self.globals[at],
            Variable::Local(at) => &mut self.locals[self.base + at],
        }
    }

    fn name(&self, variable: Variable) -> &str {
        match variable {
            Variable::Global(at) => &self.program.globals[at],
            Variable::Local(_) => "a parameter",
        }
    }

    fn get_variable(&mut self, variable: Variable) -> Evaluated<Value> {
        if variable == Variable::Global(NF) {
            self.ensure_split()?;
            return Ok(Value::Number(self.record.count() as f64));
        }
        match self.cell(variable) {
            Cell::Scalar(value) => Ok(value.clone()),
            Cell::Untyped => Ok(Value::Nothing),
            Cell::Array(_) => Err(Stop::Message(format!("`{}` is an array and used as a value", self.name(variable)))),
        }
    }

    pub(super) fn set_variable(&mut self, variable: Variable, value: Value) -> Evaluated<()> {
        if let Variable::Global(at) = variable
            && at < SPECIAL.len()
        {
            return self.assign_special(at, value);
        }
        let cell = self.cell(variable);
        if let Cell::Array(_) = cell {
            return Err(Stop::Message(format!("`{}` is an array and used as a value", self.name(variable))));
        }
        *cell = Cell::Scalar(value);
        Ok(())
    }

    fn assign_special(&mut self, at: usize, value: Value) -> Evaluated<()> {
        let text = self.text_of(&value);
        match at {
            NF => {
                let count = value.number();
                if !(0.0..=MAX_FIELDS as f64).contains(&count) {
                    return Err(Stop::Message(format!("NF cannot be {count}")));
                }
                self.ensure_split()?;
                self.record.resize(count as usize);
            }
            FS => {
                self.ensure_split()?;
                self.field_separator = self.field_separator_from(&text)?;
            }
            RS => {
                self.separator = match &text[..] {
                    b"" => Separator::Paragraph,
                    [byte] => Separator::Byte(*byte),
                    _ => Separator::Pattern(self.pattern_from(&text)?),
                };
            }
            IGNORECASE if value.is_true() => {
                return Err(Stop::Message("`IGNORECASE` is not supported; `tolower` does the same".to_owned()));
            }
            ARGV | ENVIRON => return Err(Stop::Message(format!("`{}` is an array", SPECIAL[at]))),
            CONVFMT | OFMT => {
                self.globals[at] = Cell::Scalar(Value::Text(text));
                return Ok(());
            }
            _ => {}
        }
        self.globals[at] = Cell::Scalar(value);
        Ok(())
    }

    /// The array that a variable is, made where it is nothing yet.
    pub(super) fn array(&mut self, variable: Variable) -> Evaluated<Array> {
        let cell = self.cell(variable);
        match cell {
            Cell::Array(array) => Ok(Rc::clone(array)),
            Cell::Untyped => {
                let array = Array::default();
                *cell = Cell::Array(Rc::clone(&array));
                Ok(array)
            }
            Cell::Scalar(_) => Err(Stop::Message(format!("`{}` is a value and used as an array", self.name(variable)))),
        }
    }

    /// The array that an argument is.
    pub(super) fn array_of(&mut self, expression: &'p Expression) -> Evaluated<Array> {
        match expression {
            Expression::Get(Target::Variable(variable)) => self.array(*variable),
            _ => Err(Stop::Message("an array is expected".to_owned())),
        }
    }

    fn key(&mut self, index: &'p [Expression]) -> Evaluated<Text> {
        if let [one] = index {
            let value = self.value(one)?;
            return Ok(match &value {
                Value::Number(number) if *number == number.trunc() && number.abs() < 1e15 => {
                    let mut buffer = [0; 20];
                    integer_text(*number as i64, &mut buffer).into()
                }
                value => self.text_of(value),
            });
        }
        let mut key = vec![];
        for (at, part) in index.iter().enumerate() {
            if at > 0 {
                key.extend(&self.special_text(SUBSEP)[..]);
            }
            let value = self.value(part)?;
            key.extend(&self.text_of(&value)[..]);
        }
        Ok(key.into())
    }

    pub(super) fn get(&mut self, target: &'p Target) -> Evaluated<Value> {
        match target {
            Target::Variable(variable) => self.get_variable(*variable),
            Target::Field(index) => {
                let index = self.number(index)?;
                self.field(index)
            }
            Target::Element(variable, index) => {
                let key = self.key(index)?;
                let array = self.array(*variable)?;
                let value = array.borrow_mut().entry(key).clone();
                Ok(value)
            }
        }
    }

    pub(super) fn set(&mut self, target: &'p Target, value: Value) -> Evaluated<()> {
        match target {
            Target::Variable(variable) => self.set_variable(*variable, value),
            Target::Field(index) => {
                let index = self.number(index)?;
                self.set_field(index, value)
            }
            Target::Element(variable, index) => {
                let key = self.key(index)?;
                let array = self.array(*variable)?;
                *array.borrow_mut().entry(key) = value;
                Ok(())
            }
        }
    }

    /// Changes a number in its place: the value before and after.
    fn change(&mut self, target: &'p Target, change: impl FnOnce(f64) -> Evaluated<f64>) -> Evaluated<(f64, f64)> {
        if let Target::Element(variable, index) = target {
            let key = self.key(index)?;
            let array = self.array(*variable)?;
            let mut array = array.borrow_mut();
            let element = array.entry(key);
            let before = element.number();
            let after = change(before)?;
            *element = Value::Number(after);
            return Ok((before, after));
        }
        if let Target::Field(index) = target {
            let index = self.number(index)?;
            let before = self.field(index)?.number();
            let after = change(before)?;
            self.set_field(index, Value::Number(after))?;
            return Ok((before, after));
        }
        let before = self.get(target)?.number();
        let after = change(before)?;
        self.set(target, Value::Number(after))?;
        Ok((before, after))
    }

    pub(super) fn number(&mut self, expression: &'p Expression) -> Evaluated<f64> {
        Ok(match expression {
            Expression::Number(number) => *number,
            other => self.value(other)?.number(),
        })
    }

    pub(super) fn text(&mut self, expression: &'p Expression) -> Evaluated<Text> {
        let value = self.value(expression)?;
        Ok(self.text_of(&value))
    }

    fn truth(&mut self, expression: &'p Expression) -> Evaluated<bool> {
        Ok(match expression {
            Expression::Regex(pattern) => {
                let text = self.record_text();
                pattern.is_match(&text)?
            }
            Expression::And(left, right) => self.truth(left)? && self.truth(right)?,
            Expression::Or(left, right) => self.truth(left)? || self.truth(right)?,
            Expression::Not(inner) => !self.truth(inner)?,
            Expression::Plain(inner) => self.truth(inner)?,
            Expression::Compare(comparison, left, right) => self.compare(*comparison, left, right)?,
            Expression::Matches(left, right, negated) => {
                let text = self.text(left)?;
                let pattern = self.pattern_of(right)?;
                pattern.is_match(&text)? != *negated
            }
            Expression::In(index, array) => {
                let key = self.key(index)?;
                let array = self.array(*array)?;
                array.borrow().contains(&key)
            }
            other => self.value(other)?.is_true(),
        })
    }

    fn compare(&mut self, comparison: Comparison, left: &'p Expression, right: &'p Expression) -> Evaluated<bool> {
        let (left, right) = (self.value(left)?, self.value(right)?);
        let order = match (left.as_number(), right.as_number()) {
            (Some(left), Some(right)) => left.partial_cmp(&right),
            _ => Some(self.text_of(&left).cmp(&self.text_of(&right))),
        };
        let Some(order) = order else { return Ok(comparison == Comparison::NotEqual) };
        Ok(match comparison {
            Comparison::Less => order.is_lt(),
            Comparison::LessEqual => order.is_le(),
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterEqual => order.is_ge(),
        })
    }

    pub(super) fn value(&mut self, expression: &'p Expression) -> Evaluated<Value> {
        Ok(match expression {
            Expression::Number(number) => Value::Number(*number),
            Expression::Text(text) => Value::Text(Rc::clone(text)),
            Expression::Get(target) => return self.get(target),
            Expression::Plain(inner) => return self.value(inner),
            Expression::Assign(target, value) => {
                let value = self.value(value)?;
                self.set(target, value.clone())?;
                value
            }
            Expression::Update(operator, target, value) => {
                let by = self.number(value)?;
                let operator = *operator;
                Value::Number(self.change(target, |number| calculate(operator, number, by))?.1)
            }
            Expression::Step(target, by, new) => {
                let (before, after) = self.change(target, |number| Ok(number + by))?;
                Value::Number(if *new { after } else { before })
            }
            Expression::Binary(operator, left, right) => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                Value::Number(calculate(*operator, left, right)?)
            }
            Expression::Concat(left, right) => {
                let left = self.text(left)?;
                let right = self.text(right)?;
                let mut text = Vec::with_capacity(left.len() + right.len());
                text.extend(&left[..]);
                text.extend(&right[..]);
                Value::Text(text.into())
            }
            Expression::Minus(inner) => Value::Number(-self.number(inner)?),
            Expression::Plus(inner) => Value::Number(self.number(inner)?),
            Expression::Choose(condition, yes, no) => {
                return if self.truth(condition)? { self.value(yes) } else { self.value(no) };
            }
            Expression::Call(function, arguments) => return self.call(*function, arguments),
            Expression::Builtin(builtin, arguments) => return self.builtin(*builtin, arguments),
            Expression::Getline(source, target) => return self.getline(source, target.as_ref()),
            Expression::List(_) => return Err(Stop::Message("a list is no value".to_owned())),
            truth @ (Expression::Regex(_)
            | Expression::Compare(..)
            | Expression::Matches(..)
            | Expression::In(..)
            | Expression::Not(_)
            | Expression::And(..)
            | Expression::Or(..)) => Value::of_bool(self.truth(truth)?),
        })
    }

    fn call(&mut self, index: usize, arguments: &'p [Expression]) -> Evaluated<Value> {
        let program = self.program;
        let function = &program.functions[index];
        if arguments.len() > function.parameters.len() {
            return Err(Stop::Message(format!("function `{}` is called with too many arguments", function.name)));
        }
        if self.calls == MAX_CALLS {
            return Err(Stop::Message(format!("functions call each other more than {MAX_CALLS} deep")));
        }
        let mut cells = Vec::with_capacity(function.parameters.len());
        for (argument, array) in arguments.iter().zip(&function.arrays) {
            let cell = match argument {
                Expression::Get(Target::Variable(variable)) => {
                    if *array || matches!(self.cell(*variable), Cell::Array(_)) {
                        Cell::Array(self.array(*variable)?)
                    } else {
                        Cell::Scalar(self.get_variable(*variable)?)
                    }
                }
                other => Cell::Scalar(self.value(other)?),
            };
            cells.push(cell);
        }
        cells.resize(function.parameters.len(), Cell::Untyped);
        let (base, length) = (self.base, self.locals.len());
        self.base = length;
        self.locals.extend(cells);
        self.calls += 1;
        let ended = self.statements(&function.body);
        self.calls -= 1;
        self.locals.truncate(length);
        self.base = base;
        ended?;
        Ok(std::mem::take(&mut self.returned))
    }

    fn getline(&mut self, source: &'p Source, target: Option<&'p Target>) -> Evaluated<Value> {
        let main = matches!(source, Source::Main);
        let command = matches!(source, Source::Command(_));
        let read = match source {
            Source::Main => self.next_main(),
            Source::File(name) | Source::Command(name) => {
                let name = self.text(name)?;
                let separator = self.separator.clone();
                let (record, ended_by) = (&mut self.buffer, &mut self.ended_by);
                let read = self.channels.read(&name, command, &separator, record, ended_by, self.streams);
                read.map_err(Stop::Io)
            }
        };
        match read {
            Ok(true) => {}
            Ok(false) => return Ok(Value::Number(0.0)),
            Err(Stop::Io(_)) => return Ok(Value::Number(-1.0)),
            Err(stop) => return Err(stop),
        }
        // What comes from commands is not counted, whatever POSIX says: gawk, mawk and busybox do not.
        if main {
            let fnr = self.special(FNR).number() + 1.0;
            self.globals[FNR] = Cell::Scalar(Value::Number(fnr));
            let nr = self.special(NR).number() + 1.0;
            self.globals[NR] = Cell::Scalar(Value::Number(nr));
        }
        let text: Text = self.buffer[..].into();
        match target {
            Some(target) => self.set(target, Value::Input(text))?,
            None => self.record.set(text),
        }
        Ok(Value::Number(1.0))
    }

    fn statements(&mut self, statements: &'p [Statement]) -> Evaluated<Flow> {
        for statement in statements {
            match self.statement(statement)? {
                Flow::On => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::On)
    }

    fn statement(&mut self, statement: &'p Statement) -> Evaluated<Flow> {
        match statement {
            Statement::Expression(expression) => drop(self.value(expression)?),
            Statement::Block(statements) => return self.statements(statements),
            Statement::Print(values, redirect) => self.print(values, redirect.as_ref())?,
            Statement::Printf(values, redirect) => {
                let text = self.formatted(values)?;
                self.write(&text, redirect.as_ref())?;
            }
            Statement::If(condition, yes, no) => {
                if self.truth(condition)? {
                    return self.statement(yes);
                }
                if let Some(no) = no {
                    return self.statement(no);
                }
            }
            Statement::While(condition, body) => {
                while self.truth(condition)? {
                    match self.statement(body)? {
                        Flow::Break => break,
                        Flow::Return => return Ok(Flow::Return),
                        Flow::On | Flow::Continue => {}
                    }
                }
            }
            Statement::Do(body, condition) => loop {
                match self.statement(body)? {
                    Flow::Break => break,
                    Flow::Return => return Ok(Flow::Return),
                    Flow::On | Flow::Continue => {}
                }
                if !self.truth(condition)? {
                    break;
                }
            },
            Statement::For(first, condition, step, body) => {
                if let Some(first) = first {
                    self.statement(first)?;
                }
                loop {
                    if let Some(condition) = condition
                        && !self.truth(condition)?
                    {
                        break;
                    }
                    match self.statement(body)? {
                        Flow::Break => break,
                        Flow::Return => return Ok(Flow::Return),
                        Flow::On | Flow::Continue => {}
                    }
                    if let Some(step) = step {
                        self.statement(step)?;
                    }
                }
            }
            Statement::ForIn(target, array, body) => {
                let array = self.array(*array)?;
                let keys = array.borrow().keys();
                for key in keys {
                    if !array.borrow().contains(&key) {
                        continue;
                    }
                    self.set(target, Value::Input(key))?;
                    match self.statement(body)? {
                        Flow::Break => break,
                        Flow::Return => return Ok(Flow::Return),
                        Flow::On | Flow::Continue => {}
                    }
                }
            }
            Statement::Next if self.in_end => return Err(Stop::Message("`next` in `END`".to_owned())),
            Statement::Next => return Err(Stop::Next),
            Statement::NextFile => return Err(Stop::NextFile),
            Statement::Exit(status) => {
                if let Some(status) = status {
                    self.status = (self.number(status)? as i64 & 0xff) as i32;
                }
                return Err(Stop::Exit);
            }
            Statement::Return(value) => {
                self.returned = match value {
                    Some(value) => self.value(value)?,
                    None => Value::Nothing,
                };
                return Ok(Flow::Return);
            }
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
            Statement::Delete(variable, index) => {
                if index.is_empty() {
                    self.array(*variable)?.borrow_mut().clear();
                } else {
                    let key = self.key(index)?;
                    self.array(*variable)?.borrow_mut().remove(&key);
                }
            }
        }
        Ok(Flow::On)
    }

    fn print(&mut self, values: &'p [Expression], redirect: Option<&'p Redirect>) -> Evaluated<()> {
        let mut line = vec![];
        if values.is_empty() {
            line.extend(&self.record_text()[..]);
        }
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                line.extend(&self.special_text(OFS)[..]);
            }
            match self.value(value)? {
                Value::Number(number) => line.extend(number_text(number, &self.special_text(OFMT))),
                value => line.extend(&value.to_text(b"%.6g")[..]),
            }
        }
        line.extend(&self.special_text(ORS)[..]);
        self.write(&line, redirect)
    }

    pub(super) fn formatted(&mut self, values: &'p [Expression]) -> Evaluated<Vec<u8>> {
        let Some((first, rest)) = values.split_first() else { return Ok(vec![]) };
        let template = self.text(first)?;
        let mut arguments = Vec::with_capacity(rest.len());
        for value in rest {
            arguments.push(self.value(value)?);
        }
        Ok(format(&template, &arguments, &self.special_text(CONVFMT))?)
    }

    fn write(&mut self, data: &[u8], redirect: Option<&'p Redirect>) -> Evaluated<()> {
        let Some(Redirect { how, to }) = redirect else { return Ok(self.streams.output.write_all(data)?) };
        let name = self.text(to)?;
        match self.channels.write(&name, *how, data, self.streams) {
            // A command that has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe && *how == How::Pipe => Ok(()),
            Err(error) => {
                let shown = String::from_utf8_lossy(&name).into_owned();
                Err(Stop::Message(format!("cannot write to `{shown}`: {}", describe(&error))))
            }
            Ok(()) => Ok(()),
        }
    }
}

/// `name=value`, if an operand is one.
pub(super) fn assignment(argument: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = argument.iter().position(|byte| *byte == b'=')?;
    let name = &argument[..at];
    let right = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let named = name.first().is_some_and(|byte| right(byte) && !byte.is_ascii_digit()) && name.iter().all(right);
    named.then_some((name, &argument[at + 1..]))
}

fn calculate(operator: Operator, left: f64, right: f64) -> Evaluated<f64> {
    Ok(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide | Operator::Modulo if right == 0.0 => {
            return Err(Stop::Message("division by zero".to_owned()));
        }
        Operator::Divide => left / right,
        Operator::Modulo => left % right,
        Operator::Power => left.powf(right),
    })
}

fn integer_text(number: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut at = buffer.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    &buffer[at..]
}

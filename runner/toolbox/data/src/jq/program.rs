use std::cell::{Cell, RefCell};

use jaq_core::compile::Undefined;
use jaq_core::data::HasLut;
use jaq_core::load::{Arena, Error, File, Loader};
use jaq_core::{Compiler, DataT, Filter, Lut, load};
use jaq_std::input::{self, HasInputs, Inputs};

use super::functions;
use super::value::Value;

/// Which values programs work on, and what they can reach.
pub(crate) struct Kind;

impl DataT for Kind {
    type V<'a> = Value;
    type Data<'a> = &'a Data<'a>;
}

/// What a running program can reach.
pub(crate) struct Data<'a> {
    pub(crate) lut: &'a Lut<Kind>,
    pub(crate) inputs: Inputs<'a, Value>,
    pub(crate) session: &'a Session,
}

impl<'a> HasLut<'a, Kind> for &'a Data<'a> {
    fn lut(&self) -> &'a Lut<Kind> {
        self.lut
    }
}

impl<'a> HasInputs<'a, Value> for &'a Data<'a> {
    fn inputs(&self) -> Inputs<'a, Value> {
        self.inputs
    }
}

/// What a run knows beside its values.
#[derive(Default)]
pub(crate) struct Session {
    /// What `debug` and `stderr` said since it was last written.
    notes: RefCell<String>,
    file: RefCell<Option<String>>,
    line: Cell<usize>,
}

impl Session {
    /// Something for standard error.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        self.notes.borrow_mut().push_str(text.as_ref());
    }

    /// What was noted.
    pub(crate) fn take_notes(&self) -> String {
        self.notes.take()
    }

    /// Remembers where the last input came from: a file or standard input, and how many lines of it were read.
    pub(crate) fn set_place(&self, file: Option<&str>, line: usize) {
        *self.file.borrow_mut() = file.map(str::to_owned);
        self.line.set(line);
    }

    /// The file of the last input, or `null`.
    pub(crate) fn file_name(&self) -> Value {
        self.file.borrow().as_ref().map_or(Value::Null, Value::text)
    }

    /// How many lines of it were read.
    pub(crate) fn line(&self) -> usize {
        self.line.get()
    }

    /// The place, for a message.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.file.borrow().as_deref().unwrap_or("<stdin>"), self.line.get())
    }
}

/// Compiles a program that knows variables of those names (with `$`). The error is what jq would print, one line for each fault.
pub(crate) fn compile(code: &str, variables: &[String]) -> Result<Filter<Kind>, String> {
    let code = &join_surrogates(code);
    let ours = load::parse(include_str!("definitions.jq"), |parser| parser.defs()).unwrap_or_default();
    let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(ours);
    let arena = Arena::default();
    let modules = Loader::new(definitions).load(&arena, File { path: (), code });
    let modules = modules.map_err(|errors| {
        let faults = errors.iter().flat_map(|(_, error)| syntax_faults(code, error)).collect();
        told(faults)
    })?;
    let native = jaq_core::funs().chain(jaq_std::funs());
    let inputs = input::funs::<Kind>().into_vec().into_iter().map(jaq_core::native::run::<Kind>);
    Compiler::default()
        .with_funs(native.chain(inputs).chain(functions::functions()))
        .with_global_vars(variables.iter().map(String::as_str))
        .compile(modules)
        .map_err(|errors| {
            let all = errors.iter().flat_map(|(_, faults)| faults);
            told(all.map(|(name, undefined)| undefined_fault(code, name, undefined)).collect())
        })
}

fn told(faults: Vec<String>) -> String {
    let count = faults.len();
    let plural = if count == 1 { "" } else { "s" };
    format!("{}jq: {count} compile error{plural}\n", faults.concat())
}

/// The number of the line in which a part of the program stands, and that line and what follows.
fn line_of<'a>(code: &'a str, part: &str) -> (usize, &'a str) {
    let span = load::span(code, part);
    let start = span.start.min(code.len());
    let before = code.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    (line, before.rfind('\n').map_or(code, |end| &code[end + 1..]))
}

fn syntax_faults(code: &str, error: &Error<&str>) -> Vec<String> {
    let fault = |found: &str, expected: &str| {
        let (line, text) = line_of(code, found);
        let found = found.split_whitespace().next().unwrap_or_default();
        let unexpected = if found.is_empty() { "end of program" } else { found };
        format!(
            "jq: error: syntax error, unexpected {unexpected}, expecting {expected} (Unix shell quoting issues?) at <top-level>, line {line}:\n{text}\n"
        )
    };
    match error {
        Error::Io(faults) => {
            let said = |(path, reason): &(&str, String)| format!("jq: error: cannot import {path}: {reason}\n");
            faults.iter().map(said).collect()
        }
        Error::Lex(faults) => faults.iter().map(|(expected, found)| fault(found, expected.as_str())).collect(),
        Error::Parse(faults) => faults.iter().map(|(expected, found)| fault(found, expected.as_str())).collect(),
    }
}

fn undefined_fault(code: &str, name: &str, undefined: &Undefined) -> String {
    let (line, text) = line_of(code, name);
    let name = match undefined {
        Undefined::Filter(arity) if !name.starts_with('@') => format!("{name}/{arity}"),
        _ => name.to_owned(),
    };
    format!("jq: error: {name} is not defined at <top-level>, line {line}:\n{text}\n")
}

/// The program with each pair of surrogates (`\ud83d\ude00`) as the character that it means, which jaq does not read.
fn join_surrogates(code: &str) -> String {
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let mut joined = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find('\\') {
        joined.push_str(&rest[..at]);
        rest = &rest[at..];
        let pair = rest.get(6..12).and_then(|second| Some([unit(rest)?, unit(second)?]));
        match pair.map(|pair| String::from_utf16(&pair)) {
            Some(Ok(text)) if text.chars().count() == 1 => {
                joined.push_str(&text);
                rest = &rest[12..];
            }
            // Whatever follows a backslash belongs to it.
            _ => {
                let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                joined.push_str(&rest[..length]);
                rest = &rest[length..];
            }
        }
    }
    joined + rest
}

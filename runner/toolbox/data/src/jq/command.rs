use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::rc::Rc;

use jaq_core::{Ctx, Filter, Vars};
use jaq_std::input::RcIter;

use super::functions;
use super::options::{Call, Options, parse};
use super::program::{Data, Kind, Session, compile};
use super::read::{ReadError, Reader};
use super::value::{Map, Value};
use super::write::write;
use crate::{Streams, describe};

/// Exit statuses of jq.
const USAGE: i32 = 2;
const COMPILE: i32 = 3;
const NO_OUTPUT: i32 = 4;
const FAILED: i32 = 5;

/// `jq`: filters JSON (see `--help`).
///
/// # Errors
/// Those of writing the output.
pub(crate) fn jq(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let options = match parse(arguments.get(1..).unwrap_or_default()) {
        Ok(Call::Run(options)) => options,
        Ok(Call::Tell(text)) => {
            streams.output.write_all(text.as_bytes())?;
            return Ok(0);
        }
        Err(message) => {
            streams.say("jq", &message);
            streams.say("Use jq --help for help with command-line options", "");
            return Ok(USAGE);
        }
    };
    let code = match (options.from_file, &options.program) {
        (true, path) => match fs::read(path) {
            Ok(code) => String::from_utf8_lossy(&code).into_owned(),
            Err(error) => {
                streams.say("jq", &format!("error: Could not open {path}: {}", describe(&error)));
                return Ok(USAGE);
            }
        },
        (false, code) => code.clone(),
    };
    run(&code, &options, streams)
}

/// The variables of a program: their names and values.
fn variables(options: &Options) -> (Vec<String>, Vec<Value>) {
    let arguments =
        [("positional", Value::array(options.positional.clone())), ("named", Value::object(options.named.clone()))];
    let arguments = arguments.into_iter().map(|(name, value)| (Rc::from(name), value)).collect::<Map>();
    let known = [("ENV".to_owned(), functions::environment()), ("ARGS".to_owned(), Value::object(arguments))];
    let named = options.named.iter().map(|(name, value)| (name.to_string(), value.clone()));
    known.into_iter().chain(named).map(|(name, value)| (format!("${name}"), value)).unzip()
}

fn run(code: &str, options: &Options, streams: &mut Streams<'_>) -> io::Result<i32> {
    let (mut names, mut values) = variables(options);
    if !code.contains('\n') {
        // Which line asks is known only where there is one.
        let place = [("file", Value::text("<top-level>")), ("line", Value::from(1_usize))];
        names.push("$__loc__".to_owned());
        values.push(Value::object(place.into_iter().map(|(name, value)| (Rc::from(name), value)).collect()));
    }
    let filter = match compile(code, &names) {
        Ok(filter) => filter,
        Err(message) => {
            streams.errors.write_all(message.as_bytes())?;
            return Ok(COMPILE);
        }
    };
    let session = Session::default();
    let failed = Cell::new(false);
    let Streams { input, output, errors } = streams;
    let sources = Sources {
        files: options.files.iter().cloned().collect(),
        standard: options.files.is_empty().then_some(&mut **input),
        reader: None,
        session: &session,
        failed: &failed,
    };
    let inputs = inputs(sources, options);
    let mut run = Run { options, output: &mut **output, errors: &mut **errors, last: None, status: 0 };
    run.all(&filter, values, inputs, &session)?;
    let status = match (run.status, &run.last) {
        (0, _) if failed.get() => USAGE,
        (0, None) if options.status => NO_OUTPUT,
        (0, Some(false)) if options.status => 1,
        (status, _) => status,
    };
    Ok(status)
}

type Input = Result<Value, String>;

/// What values are read from.
type Source<'a> = Reader<Box<dyn BufRead + 'a>>;

/// The files and standard input, one after the other.
struct Sources<'a> {
    files: VecDeque<String>,
    standard: Option<&'a mut dyn BufRead>,
    reader: Option<(Option<String>, Source<'a>)>,
    session: &'a Session,
    /// A file could not be read.
    failed: &'a Cell<bool>,
}

impl<'a> Sources<'a> {
    /// The reader of the file that is the turn of; nothing at the end of all.
    fn current(&mut self) -> Option<&mut Source<'a>> {
        while self.reader.is_none() {
            if let Some(input) = self.standard.take() {
                self.reader = Some((None, Reader::new(Box::new(input))));
                continue;
            }
            let path = self.files.pop_front()?;
            match File::open(&path) {
                Ok(file) if !file.metadata().is_ok_and(|found| found.is_dir()) => {
                    self.reader = Some((Some(path), Reader::new(Box::new(BufReader::new(file)))));
                }
                Ok(_) => self.complain(&path, "Is a directory"),
                Err(error) => self.complain(&path, &describe(&error)),
            }
        }
        self.reader.as_mut().map(|(_, reader)| reader)
    }

    fn complain(&self, path: &str, reason: &str) {
        self.failed.set(true);
        self.session.note(format!("jq: error: Could not open file {path}: {reason}\n"));
    }

    /// What `read` finds next, going on to the next file at the end of one.
    fn next(&mut self, mut read: impl FnMut(&mut Source<'a>) -> Result<Option<Value>, ReadError>) -> Option<Input> {
        loop {
            let found = read(self.current()?);
            if let Some((name, reader)) = &self.reader {
                self.session.set_place(name.as_deref(), reader.lines());
            }
            match found {
                Ok(Some(value)) => return Some(Ok(value)),
                Ok(None) => self.reader = None,
                Err(error) => {
                    self.reader = None;
                    self.files.clear();
                    return Some(Err(match error {
                        ReadError::Json(message) => format!("parse error: {message}"),
                        ReadError::Io(error) => format!("error: input error: {}", describe(&error)),
                    }));
                }
            }
        }
    }
}

/// The inputs, as the options ask for them.
fn inputs<'a>(mut sources: Sources<'a>, options: &Options) -> Box<dyn Iterator<Item = Input> + 'a> {
    let (raw, slurp, stream) = (options.raw_input, options.slurp, options.stream);
    if raw && slurp {
        let mut done = false;
        return Box::new(std::iter::from_fn(move || {
            let mut text = String::new();
            while let Some(reader) = sources.current().filter(|_| !done) {
                match reader.rest() {
                    Ok(rest) => text.push_str(&rest),
                    Err(ReadError::Json(message)) => return Some(Err(message)),
                    Err(ReadError::Io(error)) => return Some(Err(format!("error: input error: {}", describe(&error)))),
                }
                sources.reader = None;
            }
            (!std::mem::replace(&mut done, true)).then(|| Ok(Value::from(text)))
        }));
    }
    if slurp {
        let mut done = false;
        return Box::new(std::iter::from_fn(move || {
            let mut values = vec![];
            while let Some(found) = sources.next(Reader::value).filter(|_| !done) {
                match found {
                    Ok(value) if stream => events(&value, &mut vec![], true, &mut |event| values.push(event)),
                    Ok(value) => values.push(value),
                    Err(message) => {
                        done = true;
                        return Some(Err(message));
                    }
                }
            }
            (!std::mem::replace(&mut done, true)).then(|| Ok(Value::array(values)))
        }));
    }
    let mut waiting = VecDeque::new();
    Box::new(std::iter::from_fn(move || {
        if let Some(event) = waiting.pop_front() {
            return Some(Ok(event));
        }
        match sources.next(if raw { Reader::raw_line } else { Reader::value })? {
            Ok(value) if stream && !raw => {
                events(&value, &mut vec![], true, &mut |event| waiting.push_back(event));
                waiting.pop_front().map(Ok)
            }
            found => Some(found),
        }
    }))
}

/// A value as the events of `--stream`.
fn events(value: &Value, path: &mut Vec<Value>, top: bool, emit: &mut dyn FnMut(Value)) {
    let leaf = |path: &[Value], value: &Value| Value::array(vec![Value::array(path.to_vec()), value.clone()]);
    let children: Vec<(Value, &Value)> = match value {
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (Value::from(at), item)).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (Value::String(Rc::clone(key)), value)).collect(),
        _ => vec![],
    };
    let Some((last, _)) = children.last().cloned() else { return emit(leaf(path, value)) };
    for (key, child) in children {
        path.push(key);
        events(child, path, false, emit);
        path.pop();
    }
    let mut closing = path.clone();
    closing.push(last);
    emit(Value::array(vec![Value::array(closing)]));
    let _ = top;
}

struct Run<'a> {
    options: &'a Options,
    output: &'a mut dyn Write,
    errors: &'a mut dyn Write,
    /// Whether the last output was true.
    last: Option<bool>,
    status: i32,
}

impl Run<'_> {
    fn all(
        &mut self,
        filter: &Filter<Kind>,
        variables: Vec<Value>,
        inputs: Box<dyn Iterator<Item = Input> + '_>,
        session: &Session,
    ) -> io::Result<()> {
        // A fault of the input ends the program, whoever reads it; the first is kept here.
        let fault: RefCell<Option<String>> = RefCell::new(None);
        let inputs = inputs.inspect(|input| {
            if let Err(message) = input {
                *fault.borrow_mut() = Some(message.clone());
            }
        });
        let inputs: Box<dyn Iterator<Item = Input> + '_> = Box::new(inputs);
        let inputs = RcIter::new(inputs);
        let data = Data { lut: &filter.lut, inputs: &inputs, session };
        let context = Ctx::<Kind>::new(&data, Vars::new(variables));
        let mut once = self.options.null_input.then_some(Ok(Value::Null));
        loop {
            let input = if self.options.null_input { once.take() } else { (&inputs).next() };
            self.tell(&session.take_notes())?;
            let Some(input) = input else { return Ok(()) };
            let Ok(input) = input else {
                let message = fault.take().unwrap_or_default();
                self.tell(&format!("jq: {message}\n"))?;
                self.status = USAGE;
                return Ok(());
            };
            for found in filter.id.run((context.clone(), input)) {
                self.tell(&session.take_notes())?;
                match found {
                    Ok(value) => self.print(&value)?,
                    Err(exception) => match exception.get_err() {
                        Ok(error) => {
                            if let Some(message) = fault.take() {
                                self.tell(&format!("jq: {message}\n"))?;
                                self.status = USAGE;
                                return Ok(());
                            }
                            self.failed(&error.into_val(), session)?;
                            break;
                        }
                        Err(exception) => {
                            let Ok(code) = exception.get_halt() else {
                                self.failed(&Value::text("break"), session)?;
                                break;
                            };
                            self.status = code;
                            return Ok(());
                        }
                    },
                }
            }
            self.tell(&session.take_notes())?;
        }
    }

    fn tell(&mut self, text: &str) -> io::Result<()> {
        if !text.is_empty() {
            // In the order in which it happened.
            self.output.flush()?;
            let _ = self.errors.write_all(text.as_bytes());
        }
        Ok(())
    }

    fn print(&mut self, value: &Value) -> io::Result<()> {
        self.last = Some(value.is_true());
        match value.as_str() {
            Some(text) if self.options.raw && !self.options.layout.ascii => self.output.write_all(text.as_bytes())?,
            _ => write(self.output, value, &self.options.layout)?,
        }
        self.output.write_all(self.options.end.as_bytes())
    }

    /// Reports an error that nothing has caught; the next input goes on.
    fn failed(&mut self, error: &Value, session: &Session) -> io::Result<()> {
        let place = if self.options.null_input { "<unknown>".to_owned() } else { session.place() };
        let message = match error {
            Value::Null => format!("jq: error (at {place}) (not a string): null\n"),
            Value::String(text) => format!("jq: error (at {place}): {text}\n"),
            other => format!("jq: error (at {place}) (not a string): {}\n", other.to_json()),
        };
        self.status = FAILED;
        self.tell(&message)
    }
}

use std::ffi::OsString;
use std::fs;

use super::read::Reader;
use super::value::{Map, Value};
use super::write::Layout;

/// How `jq` was called.
#[derive(Debug)]
pub(crate) struct Options {
    /// The program, or the file that has it where `from_file` is set.
    pub(crate) program: String,
    /// The program stands in a file.
    pub(crate) from_file: bool,
    pub(crate) files: Vec<String>,
    pub(crate) layout: Layout,
    /// Strings without quotes (`-r`).
    pub(crate) raw: bool,
    /// What follows each output.
    pub(crate) end: &'static str,
    pub(crate) null_input: bool,
    pub(crate) slurp: bool,
    pub(crate) raw_input: bool,
    pub(crate) stream: bool,
    /// The status tells about the last output (`-e`).
    pub(crate) status: bool,
    /// `--arg` and its like, in their order.
    pub(crate) named: Map,
    pub(crate) positional: Vec<Value>,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Call {
    Run(Box<Options>),
    /// Print a text and end well.
    Tell(&'static str),
}

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Usage:	jq [OPTIONS] FILTER [FILES...]
	jq [OPTIONS] -f FILE [FILES...]
	jq [OPTIONS] --args FILTER [STRINGS...]
	jq [OPTIONS] --jsonargs FILTER [JSON_VALUES...]

  -n, --null-input          the only input is null
  -R, --raw-input           each line is a string
  -s, --slurp               all inputs as one array
  -c, --compact-output      each output on one line
  -r, --raw-output          strings without quotes
      --raw-output0         the same, a NUL after each
  -j, --join-output         the same, nothing after each
  -a, --ascii-output        only ASCII
  -S, --sort-keys           keys of objects sorted
  -C, --color-output        with colours
  -M, --monochrome-output   without
      --tab                 indented with tabs
      --indent N            indented with N spaces, 0 to 7
      --stream              inputs as pairs of path and leaf
  -f, --from-file           the filter stands in a file
      --arg NAME VALUE      sets $NAME to a string
      --argjson NAME JSON   sets $NAME to a value
      --slurpfile NAME FILE sets $NAME to the values in a file
      --rawfile NAME FILE   sets $NAME to the text of a file
      --args, --jsonargs    what follows are values of $ARGS.positional
  -e, --exit-status         the status is 1 where the last output is false or null, 4 without output
  -h, --help                this text
  -V, --version             the version
";

/// What `--version` prints: that of the jq whose behaviour this has.
pub(crate) const VERSION: &str = "jq-1.7\n";

/// Where the words after the program go.
#[derive(Clone, Copy, PartialEq)]
enum Rest {
    Files,
    Strings,
    Json,
}

/// Reads arguments, the name of the command left out. The error is a message without `jq: `.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Call, String> {
    let mut options = Options {
        program: String::new(),
        from_file: false,
        files: vec![],
        layout: Layout { indent: Some("  ".to_owned()), ..Layout::compact() },
        raw: false,
        end: "\n",
        null_input: false,
        slurp: false,
        raw_input: false,
        stream: false,
        status: false,
        named: Map::default(),
        positional: vec![],
    };
    let mut program: Option<String> = None;
    let mut rest = Rest::Files;
    let mut words = arguments.iter().map(|word| word.to_string_lossy().into_owned());
    let mut only_operands = false;
    while let Some(word) = words.next() {
        if only_operands || !word.starts_with('-') || word == "-" {
            match (&program, rest) {
                (None, _) => program = Some(word),
                (_, Rest::Files) => options.files.push(word),
                (_, Rest::Strings) => options.positional.push(Value::from(word)),
                (_, Rest::Json) => options.positional.push(json(&word, "--jsonargs")?),
            }
            continue;
        }
        if word == "--" {
            only_operands = true;
            continue;
        }
        if let Some(long) = word.strip_prefix("--") {
            let mut values = |count: usize| -> Result<Vec<String>, String> {
                let values: Vec<_> = words.by_ref().take(count).collect();
                match (values.len() == count, count) {
                    (true, _) => Ok(values),
                    (_, 1) => Err(format!("--{long} takes one parameter (e.g. --{long} n)")),
                    _ => Err(format!("--{long} takes two parameters (e.g. --{long} varname value)")),
                }
            };
            match long {
                "arg" => {
                    let mut pair = values(2)?;
                    let value = Value::from(pair.remove(1));
                    set(&mut options.named, &pair[0], value);
                }
                "argjson" => {
                    let pair = values(2)?;
                    let value = json(&pair[1], "--argjson")?;
                    set(&mut options.named, &pair[0], value);
                }
                "slurpfile" | "rawfile" => {
                    let pair = values(2)?;
                    let value = from_file(&pair[1], long == "rawfile")
                        .map_err(|reason| format!("Bad JSON in --{long} {} {}: {reason}", pair[0], pair[1]))?;
                    set(&mut options.named, &pair[0], value);
                }
                "args" => rest = Rest::Strings,
                "jsonargs" => rest = Rest::Json,
                "tab" => options.layout.indent = Some("\t".to_owned()),
                "indent" => {
                    let count = values(1)?.remove(0);
                    options.layout.indent = match count.parse() {
                        Ok(0_usize) => None,
                        Ok(count) if count <= 7 => Some(" ".repeat(count)),
                        Ok(_) => return Err("Cannot indent more than 7 characters".to_owned()),
                        Err(_) => return Err(format!("--indent takes a number, not `{count}`")),
                    };
                }
                "raw-output0" => (options.raw, options.end) = (true, "\0"),
                "stream" => options.stream = true,
                "unbuffered" => {}
                "help" => return Ok(Call::Tell(HELP)),
                "version" => return Ok(Call::Tell(VERSION)),
                other => match SHORT.iter().find(|(_, name)| *name == other) {
                    Some((letter, _)) => flag(&mut options, *letter)?,
                    None => return Err(unknown(&word)),
                },
            }
            continue;
        }
        for letter in word.chars().skip(1) {
            match letter {
                'h' => return Ok(Call::Tell(HELP)),
                'V' => return Ok(Call::Tell(VERSION)),
                'L' => return Err("option `-L` (modules) is not supported here".to_owned()),
                letter if SHORT.iter().any(|(known, _)| *known == letter) => flag(&mut options, letter)?,
                _ => return Err(unknown(&word)),
            }
        }
    }
    match program {
        Some(program) => options.program = program,
        // As jq does where nothing says what to do.
        None if !options.from_file => return Err("a filter is missing".to_owned()),
        None => return Err("-f takes a file".to_owned()),
    }
    Ok(Call::Run(Box::new(options)))
}

/// Options without values, by both names.
const SHORT: [(char, &str); 12] = [
    ('n', "null-input"),
    ('R', "raw-input"),
    ('s', "slurp"),
    ('c', "compact-output"),
    ('r', "raw-output"),
    ('j', "join-output"),
    ('a', "ascii-output"),
    ('S', "sort-keys"),
    ('C', "color-output"),
    ('M', "monochrome-output"),
    ('f', "from-file"),
    ('e', "exit-status"),
];

fn unknown(word: &str) -> String {
    format!("Unknown option: {word}")
}

fn flag(options: &mut Options, letter: char) -> Result<(), String> {
    match letter {
        'n' => options.null_input = true,
        'R' => options.raw_input = true,
        's' => options.slurp = true,
        'c' => options.layout.indent = None,
        'r' => options.raw = true,
        'j' => (options.raw, options.end) = (true, ""),
        'a' => options.layout.ascii = true,
        'S' => options.layout.sort = true,
        'C' => options.layout.color = true,
        'M' => options.layout.color = false,
        'f' => options.from_file = true,
        'e' => options.status = true,
        other => return Err(unknown(&format!("-{other}"))),
    }
    Ok(())
}

/// The first value of a name counts, as in jq.
fn set(named: &mut Map, name: &str, value: Value) {
    named.entry(name.into()).or_insert(value);
}

fn json(text: &str, option: &str) -> Result<Value, String> {
    match Reader::new(text.as_bytes()).only_value() {
        Ok(Some(value)) => Ok(value),
        _ => Err(format!("Invalid JSON text passed to {option}")),
    }
}

fn from_file(path: &str, raw: bool) -> Result<Value, String> {
    let data = fs::read(path).map_err(|error| format!("Could not open {path}: {}", crate::describe(&error)))?;
    if raw {
        return Ok(Value::text(String::from_utf8_lossy(&data)));
    }
    let mut reader = Reader::new(data.as_slice());
    let mut values = vec![];
    loop {
        match reader.value() {
            Ok(Some(value)) => values.push(value),
            Ok(None) => return Ok(Value::array(values)),
            Err(super::read::ReadError::Json(message)) => return Err(message),
            Err(super::read::ReadError::Io(error)) => return Err(error.to_string()),
        }
    }
}

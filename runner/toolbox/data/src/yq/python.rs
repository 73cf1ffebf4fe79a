use std::ffi::OsString;
use std::io;

use super::convert;
use super::files;
use crate::Streams;
use crate::jq::{self, Reader};
use crate::yaml::{self, Document, Tree, Writing};

/// kislyuk's yq: jq over YAML.
pub(crate) fn run(words: &[String], streams: &mut Streams<'_>) -> io::Result<i32> {
    let call = match parse(words) {
        Ok(call) => call,
        Err(message) => {
            streams.say("yq", &message);
            return Ok(2);
        }
    };
    if call.help || call.program.is_none() {
        let text = "usage: yq [options] <jq filter> [input file...]\n  -y, --yaml-output   YAML instead of JSON\n  -Y, --yaml-roundtrip\n  -i, --in-place      changes the files\n  and the options of jq\n";
        streams.output.write_all(text.as_bytes())?;
        return Ok(0);
    }
    if call.in_place && !call.yaml {
        streams.say("yq", "-i/--in-place can only be used with -y/-Y");
        return Ok(1);
    }
    let inputs: Vec<Option<String>> = match (call.files.is_empty(), call.in_place) {
        (true, true) => {
            streams.say("yq", "-i/--in-place can only be used with input files");
            return Ok(1);
        }
        (true, false) => vec![None],
        (false, true) => call.files.iter().cloned().map(Some).collect(),
        // All files are one stream.
        (false, false) => vec![Some(String::new())],
    };
    let mut status = 0;
    for input in inputs {
        let paths: Vec<String> = match &input {
            None => vec!["-".to_owned()],
            Some(path) if path.is_empty() => call.files.clone(),
            Some(path) => vec![path.clone()],
        };
        status = match one(&call, &paths, streams)? {
            Ok(status) => status,
            Err(message) => {
                streams.say("yq", &message);
                return Ok(1);
            }
        };
    }
    Ok(status)
}

fn one(call: &Call, paths: &[String], streams: &mut Streams<'_>) -> io::Result<Result<i32, String>> {
    let mut json = String::new();
    for path in paths.iter().filter(|_| !call.null_input) {
        let text = match files::read(path, streams) {
            Ok(text) => text,
            Err(message) => return Ok(Err(format!("Error: {message}"))),
        };
        let mut tree = Tree::default();
        let documents = match yaml::load(&text, &mut tree) {
            Ok(documents) => documents,
            Err(message) => return Ok(Err(format!("Error while reading {path}: {message}"))),
        };
        for document in documents {
            match convert::to_value(&tree, document.root) {
                Ok(value) => {
                    json.push_str(&value.to_json());
                    json.push('\n');
                }
                Err(message) => return Ok(Err(format!("Error while reading {path}: {message}"))),
            }
        }
    }
    let arguments: Vec<OsString> =
        std::iter::once("jq").map(OsString::from).chain(call.jq.iter().map(OsString::from)).collect();
    let mut input = json.as_bytes();
    if !call.yaml {
        let mut inner = Streams { input: &mut input, output: &mut *streams.output, errors: &mut *streams.errors };
        return jq::jq(&arguments, &mut inner).map(Ok);
    }
    let mut output = vec![];
    let status = {
        let mut inner = Streams { input: &mut input, output: &mut output, errors: &mut *streams.errors };
        jq::jq(&arguments, &mut inner)?
    };
    let mut text = String::new();
    let mut reader = Reader::new(output.as_slice());
    let mut count = 0;
    while let Ok(Some(value)) = reader.value() {
        if count > 0 {
            text.push_str("---\n");
        }
        count += 1;
        let mut tree = Tree::default();
        let root = convert::from_value(&mut tree, &value);
        let document = Document { root, explicit: false, head: vec![], foot: vec![] };
        let writing = Writing { sequence: call.sequence, single: true, ..Writing::default() };
        text.push_str(&yaml::emit(&tree, &document, writing));
    }
    if call.in_place {
        if let Some(path) = paths.first().filter(|_| status == 0)
            && let Err(message) = files::replace(path, &text)
        {
            return Ok(Err(message));
        }
    } else {
        streams.output.write_all(text.as_bytes())?;
    }
    Ok(Ok(status))
}

struct Call {
    /// Options and program for jq.
    jq: Vec<String>,
    program: Option<String>,
    files: Vec<String>,
    yaml: bool,
    in_place: bool,
    null_input: bool,
    help: bool,
    /// Columns of a sequence to the right of its key.
    sequence: usize,
}

fn parse(words: &[String]) -> Result<Call, String> {
    let mut call = Call {
        jq: vec![],
        program: None,
        files: vec![],
        yaml: false,
        in_place: false,
        null_input: false,
        help: false,
        sequence: 2,
    };
    let mut rest = words.iter();
    let mut only_operands = false;
    let mut positional = false;
    while let Some(word) = rest.next() {
        if only_operands || !word.starts_with('-') || word == "-" {
            if call.program.is_none() {
                call.program = Some(word.clone());
                call.jq.push(word.clone());
            } else if positional {
                call.jq.push(word.clone());
            } else {
                call.files.push(word.clone());
            }
            continue;
        }
        match word.as_str() {
            "--" => only_operands = true,
            "--yaml-output" | "--yaml-roundtrip" | "--yml-output" => call.yaml = true,
            "--in-place" => call.in_place = true,
            "--indentless-lists" => call.sequence = 0,
            "--width" | "-w" => drop(rest.next()),
            "--explicit-start" | "--explicit-end" | "--no-expand-aliases" | "--toml-output" | "--xml-output" => {
                return Err(format!("option `{word}` is not supported"));
            }
            "--help" | "-h" => call.help = true,
            "--arg" | "--argjson" | "--slurpfile" | "--rawfile" => {
                call.jq.push(word.clone());
                call.jq.extend(rest.by_ref().take(2).cloned());
            }
            "--indent" => {
                call.jq.push(word.clone());
                call.jq.extend(rest.next().cloned());
            }
            "--args" | "--jsonargs" => {
                positional = true;
                call.jq.push(word.clone());
            }
            long if long.starts_with("--") => {
                call.null_input |= long == "--null-input";
                call.jq.push(word.clone());
            }
            cluster => {
                let mut others = String::new();
                for letter in cluster[1..].chars() {
                    match letter {
                        'y' | 'Y' => call.yaml = true,
                        'i' => call.in_place = true,
                        't' | 'x' => return Err(format!("option `-{letter}` is not supported")),
                        other => {
                            call.null_input |= other == 'n';
                            others.push(other);
                        }
                    }
                }
                if !others.is_empty() {
                    call.jq.push(format!("-{others}"));
                }
            }
        }
    }
    if call.yaml {
        // Strings must come back as strings.
        for word in &mut call.jq {
            if word.starts_with('-') && !word.starts_with("--") && word.len() > 1 {
                *word = word.replace('r', "");
            }
        }
        call.jq.retain(|word| word != "-");
    }
    Ok(call)
}

use std::io;
use std::path::Path;

use super::convert;
use super::evaluate::{Evaluator, Origin};
use super::expression::{Expression, parse};
use super::files;
use crate::Streams;
use crate::jq::{self, Layout};
use crate::yaml::{self, Content, Document, Node, NodeId, Tree, Writing};

const HELP: &str = "\
Usage:
  yq [eval] [OPTIONS] EXPRESSION [FILES...]
  yq eval-all [OPTIONS] EXPRESSION [FILES...]

  -i, --inplace               changes the first file
  -n, --null-input            works without input
  -o, --output-format FORMAT  yaml, json or props
  -p, --input-format FORMAT   yaml or json
  -j, --tojson                the same as -o json
  -P, --prettyPrint           blocks, and quotes only where needed
  -I, --indent N              columns of a level
  -r, --unwrapScalar[=BOOL]   scalars as they are (default)
  -N, --no-doc                no --- between documents
  -e, --exit-status           fails where there is no result, or null or false
      --from-file FILE        the expression stands in a file
  -V, --version               the version
";

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Yaml,
    Json,
    Properties,
}

struct Options {
    in_place: bool,
    null_input: bool,
    output: Option<Format>,
    together: bool,
    pretty: bool,
    indent: usize,
    raw: Option<bool>,
    no_separator: bool,
    status: bool,
    expression: Option<String>,
    operands: Vec<String>,
}

/// yq 4.
pub(crate) fn run(words: &[String], streams: &mut Streams<'_>) -> io::Result<i32> {
    match parse_options(words) {
        Ok(Err(text)) => {
            streams.output.write_all(text.as_bytes())?;
            Ok(0)
        }
        Ok(Ok(options)) => match work(options, streams)? {
            Ok(status) => Ok(status),
            Err(message) => {
                streams.output.flush()?;
                streams.say("Error", &message);
                Ok(1)
            }
        },
        Err(message) => {
            streams.say("Error", &message);
            Ok(1)
        }
    }
}

fn format(name: &str, input: bool) -> Result<Format, String> {
    match name {
        "yaml" | "y" | "yml" | "auto" | "a" => Ok(Format::Yaml),
        "json" | "j" => Ok(Format::Json),
        "props" | "p" | "properties" if !input => Ok(Format::Properties),
        other => Err(format!("{} format `{other}` is not supported", if input { "input" } else { "output" })),
    }
}

fn parse_options(words: &[String]) -> Result<Result<Options, String>, String> {
    let mut options = Options {
        in_place: false,
        null_input: false,
        output: None,
        together: false,
        pretty: false,
        indent: 2,
        raw: None,
        no_separator: false,
        status: false,
        expression: None,
        operands: vec![],
    };
    let mut rest = words.iter().cloned();
    let mut only_operands = false;
    while let Some(word) = rest.next() {
        if only_operands || !word.starts_with('-') || word == "-" {
            let command = options.operands.is_empty() && options.expression.is_none();
            match word.as_str() {
                "eval" | "e" if command && !only_operands => {}
                "eval-all" | "ea" if command && !only_operands => options.together = true,
                _ => options.operands.push(word),
            }
            continue;
        }
        if word == "--" {
            only_operands = true;
            continue;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
            let mut needed =
                || value.clone().or_else(|| rest.next()).ok_or_else(|| format!("flag needs an argument: --{name}"));
            let truth = value.as_deref() != Some("false");
            match name {
                "inplace" => options.in_place = truth,
                "null-input" => options.null_input = truth,
                "output-format" => options.output = Some(format(&needed()?, false)?),
                "input-format" => drop(format(&needed()?, true)?),
                "tojson" => options.output = Some(Format::Json),
                "prettyPrint" => options.pretty = truth,
                "indent" => options.indent = indent(&needed()?)?,
                "unwrapScalar" => options.raw = Some(truth),
                "no-doc" => options.no_separator = truth,
                "exit-status" => options.status = truth,
                "from-file" => {
                    let path = needed()?;
                    let text =
                        std::fs::read(&path).map_err(|error| format!("open {path}: {}", crate::describe(&error)))?;
                    options.expression = Some(String::from_utf8_lossy(&text).into_owned());
                }
                "expression" => options.expression = Some(needed()?),
                // What they are about has no place here: colours, warnings.
                "colors" | "no-colors" | "verbose" | "header-preprocess" => {}
                "help" => return Ok(Err(HELP.to_owned())),
                "version" => return Ok(Err("yq (https://github.com/mikefarah/yq/) version v4.40.5\n".to_owned())),
                _ => return Err(format!("unknown flag: --{name}")),
            }
            continue;
        }
        let mut letters = word[1..].chars();
        while let Some(letter) = letters.next() {
            let mut needed = || {
                let attached = std::mem::replace(&mut letters, "".chars()).as_str().trim_start_matches('=').to_owned();
                if attached.is_empty() { rest.next() } else { Some(attached) }
                    .ok_or_else(|| format!("flag needs an argument: '{letter}' in {word}"))
            };
            match letter {
                'i' => options.in_place = true,
                'n' => options.null_input = true,
                'o' => options.output = Some(format(&needed()?, false)?),
                'p' => drop(format(&needed()?, true)?),
                'j' => options.output = Some(Format::Json),
                'P' => options.pretty = true,
                'I' => options.indent = indent(&needed()?)?,
                'r' => {
                    let value = letters.as_str().strip_prefix('=').map(str::to_owned);
                    options.raw = Some(value.as_deref() != Some("false"));
                    if value.is_some() {
                        letters = "".chars();
                    }
                }
                'N' => options.no_separator = true,
                'e' => options.status = true,
                'C' | 'M' | 'v' => {}
                'h' => return Ok(Err(HELP.to_owned())),
                'V' => return Ok(Err("yq (https://github.com/mikefarah/yq/) version v4.40.5\n".to_owned())),
                's' => return Err("flag -s (split) is not supported".to_owned()),
                other => return Err(format!("unknown shorthand flag: '{other}' in {word}")),
            }
        }
    }
    Ok(Ok(options))
}

fn indent(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| *count <= 16)
        .ok_or_else(|| format!("invalid argument \"{text}\" for \"-I, --indent\""))
}

type Outcome = Result<i32, String>;

fn work(mut options: Options, streams: &mut Streams<'_>) -> io::Result<Outcome> {
    let text = match options.expression.take() {
        Some(text) => text,
        // A single word that is a file is not the expression.
        None if options.operands.is_empty() => ".".to_owned(),
        None if options.operands.len() == 1 && Path::new(&options.operands[0]).is_file() => ".".to_owned(),
        None => options.operands.remove(0),
    };
    if options.operands.is_empty() && !options.null_input {
        options.operands.push("-".to_owned());
    }
    if options.in_place && (options.null_input || options.operands.first().is_none_or(|file| file == "-")) {
        return Ok(Err(
            "write in place flag only applicable when giving an expression and at least one file".to_owned()
        ));
    }
    let expression = match parse(&text) {
        Ok(expression) => expression,
        Err(message) => return Ok(Err(message)),
    };
    let mut tree = Tree::default();
    let mut files = vec![];
    if options.null_input {
        let root = tree.add(Node::plain("null"));
        files.push((String::new(), vec![Document { root, explicit: false, head: vec![], foot: vec![] }]));
    }
    for path in if options.null_input { [].as_slice() } else { options.operands.as_slice() } {
        let text = match files::read(path, streams) {
            Ok(text) => text,
            Err(message) => return Ok(Err(message)),
        };
        match yaml::load(&text, &mut tree) {
            Ok(mut documents) => {
                if documents.is_empty() {
                    let root = tree.add(Node::plain("null"));
                    documents.push(Document { root, explicit: false, head: vec![], foot: vec![] });
                }
                files.push((path.clone(), documents));
            }
            Err(message) => return Ok(Err(format!("bad file '{path}': {message}"))),
        }
    }
    if options.output.is_none() && options.operands.first().is_some_and(|file| file.ends_with(".json")) {
        options.output = Some(Format::Json);
    }
    let results = match evaluate(&expression, &files, options.together, &mut tree) {
        Ok(results) => results,
        Err(message) => return Ok(Err(message)),
    };
    let truths = results.iter().any(|(node, _)| {
        let node = tree.target(*node);
        !matches!(
            (tree[node].kind(), tree.text(node)),
            (Some(yaml::Kind::Null), _) | (Some(yaml::Kind::Bool), Some("false"))
        )
    });
    let text = match print(&tree, &results, &options) {
        Ok(text) => text,
        Err(message) => return Ok(Err(message)),
    };
    if options.in_place {
        if let Err(message) = files::replace(&options.operands[0], &text) {
            return Ok(Err(message));
        }
    } else {
        streams.output.write_all(text.as_bytes())?;
    }
    if options.status && !truths {
        return Ok(Err("no matches found".to_owned()));
    }
    Ok(Ok(0))
}

/// Results with the document that they came from.
type Results = Vec<(NodeId, Option<Document>)>;

fn evaluate(
    expression: &Expression,
    files: &[(String, Vec<Document>)],
    together: bool,
    tree: &mut Tree,
) -> Result<Results, String> {
    let mut origins = std::collections::HashMap::new();
    let mut documents = vec![];
    for (file_index, (file, found)) in files.iter().enumerate() {
        for document in found {
            let origin = Origin { file: file.clone(), file_index, document: documents.len() };
            origins.insert(document.root, origin);
            documents.push(document.clone());
        }
    }
    let mut evaluator = Evaluator { tree, origins, together, variables: vec![], depth: 0 };
    let mut results = vec![];
    if together {
        let roots: Vec<NodeId> = documents.iter().map(|document| document.root).collect();
        let found = evaluator.run(expression, &roots, false)?;
        for node in found {
            let document = documents.iter().find(|document| document.root == node).cloned();
            results.push((node, document));
        }
    } else {
        for document in documents {
            for node in evaluator.run(expression, &[document.root], false)? {
                results.push((node, Some(document.clone())));
            }
        }
    }
    Ok(results)
}

fn print(tree: &Tree, results: &Results, options: &Options) -> Result<String, String> {
    let format = options.output.unwrap_or(Format::Yaml);
    let raw = options.raw.unwrap_or(format != Format::Json);
    let writing = Writing { indent: options.indent.max(1), pretty: options.pretty, ..Writing::default() };
    let mut text = String::new();
    let mut last: Option<NodeId> = None;
    for (at, (node, document)) in results.iter().enumerate() {
        let root = document.as_ref().map(|document| document.root);
        let scalar = matches!(tree[tree.target(*node)].content, Content::Scalar(_));
        if format == Format::Yaml {
            let whole = document.as_ref().filter(|document| document.root == *node);
            let separate = at > 0 && root != last && !options.no_separator;
            let head = whole.map(|document| document.head.clone()).unwrap_or_default();
            for line in head.iter().filter(|_| at == 0) {
                text.push_str(line);
                text.push('\n');
            }
            if separate || (at == 0 && whole.is_some_and(|document| document.explicit)) {
                text.push_str("---\n");
            }
        }
        last = root;
        match format {
            _ if scalar && raw => {
                text.push_str(tree.text(tree.target(*node)).unwrap_or_default());
                text.push('\n');
            }
            Format::Yaml => {
                let foot =
                    document.as_ref().filter(|document| document.root == *node).map(|document| document.foot.clone());
                let shown = Document { root: *node, explicit: false, head: vec![], foot: foot.unwrap_or_default() };
                text.push_str(&yaml::emit(tree, &shown, writing));
            }
            Format::Json => {
                let value = convert::to_value(tree, *node)?;
                let indent = (options.indent > 0).then(|| " ".repeat(options.indent));
                let mut json = vec![];
                // Memory takes it.
                let _ = jq::write(&mut json, &value, &Layout { indent, ..Layout::compact() });
                text.push_str(&String::from_utf8_lossy(&json));
                text.push('\n');
            }
            Format::Properties => text.push_str(&convert::properties(tree, *node)),
        }
    }
    Ok(text)
}

use std::io;

use super::convert;
use super::evaluate::Evaluator;
use super::files;
use super::merge::{Flags, merge};
use super::operators::glob;
use crate::Streams;
use crate::jq::{self, Layout};
use crate::yaml::{self, Content, Document, Kind, Node, NodeId, Style, Tree, Writing};

/// The commands, by long and short name.
pub(crate) const COMMANDS: [(&str, &str); 8] = [
    ("read", "r"),
    ("write", "w"),
    ("delete", "d"),
    ("merge", "m"),
    ("new", "n"),
    ("prefix", "p"),
    ("compare", "x"),
    ("validate", "v"),
];

#[derive(Default)]
struct Options {
    in_place: bool,
    json: bool,
    pretty: bool,
    /// The document that is meant, or all (`*`).
    document: Option<String>,
    script: Option<String>,
    overwrite: bool,
    append: bool,
    print: String,
    default: Option<String>,
    tag: Option<String>,
    style: Option<String>,
    length: bool,
    collect: bool,
    operands: Vec<String>,
}

/// yq 3.
pub(crate) fn run(words: &[String], streams: &mut Streams<'_>) -> io::Result<i32> {
    let version = words.iter().any(|word| word == "-V" || word == "--version");
    if version {
        writeln!(streams.output, "yq version 3.4.1")?;
        return Ok(0);
    }
    let outcome = match parse(words) {
        Ok((command, options)) => work(&command, &options, streams),
        Err(message) => Err(message),
    };
    match outcome {
        Ok((text, status)) => {
            streams.output.write_all(text.as_bytes())?;
            Ok(status)
        }
        Err(message) => {
            streams.say("Error", &message);
            Ok(1)
        }
    }
}

fn parse(words: &[String]) -> Result<(String, Options), String> {
    let mut options = Options { print: "v".to_owned(), ..Options::default() };
    let mut command = None;
    let mut rest = words.iter();
    let mut only_operands = false;
    while let Some(word) = rest.next() {
        if only_operands || !word.starts_with('-') || word == "-" {
            if command.is_none() {
                let known = COMMANDS.iter().find(|(long, short)| word == long || word == short);
                let (_, short) = known.ok_or_else(|| format!("unknown command \"{word}\" for \"yq\""))?;
                command = Some((*short).to_owned());
            } else {
                options.operands.push(word.clone());
            }
            continue;
        }
        if word == "--" {
            only_operands = true;
            continue;
        }
        let (name, value) = match word.strip_prefix("--") {
            Some(long) => long
                .split_once('=')
                .map_or((long.to_owned(), None), |(name, value)| (name.to_owned(), Some(value.to_owned()))),
            None => {
                let letter: String = word.chars().skip(1).take(1).collect();
                let attached = word[1 + letter.len()..].trim_start_matches('=');
                (letter, (!attached.is_empty()).then(|| attached.to_owned()))
            }
        };
        let mut needed =
            || value.clone().or_else(|| rest.next().cloned()).ok_or_else(|| format!("flag needs an argument: {word}"));
        match name.as_str() {
            "i" | "inplace" => options.in_place = true,
            "j" | "tojson" => options.json = true,
            "P" | "prettyPrint" => options.pretty = true,
            "d" | "doc" => options.document = Some(needed()?),
            "s" | "script" => options.script = Some(needed()?),
            "x" | "overwrite" => options.overwrite = true,
            "a" | "append" => options.append = true,
            "p" | "printMode" => options.print = needed()?,
            "defaultValue" | "D" => options.default = Some(needed()?),
            "t" | "tag" => options.tag = Some(needed()?),
            "style" => options.style = Some(needed()?),
            "l" | "length" => options.length = true,
            "c" | "collect" => options.collect = true,
            "unwrapScalar" | "C" | "colors" => {}
            _ => return Err(format!("flag {word} is not supported")),
        }
    }
    command.map(|command| (command, options)).ok_or_else(|| "a command is missing (r, w, d, m, n, p, x, v)".to_owned())
}

fn work(command: &str, options: &Options, streams: &mut Streams<'_>) -> Result<(String, i32), String> {
    let mut tree = Tree::default();
    match command {
        "n" => {
            let [path, value] = options.operands.as_slice() else {
                return Err("Must provide <path> <value>".to_owned());
            };
            let root = tree.add(Node::plain("null"));
            write(&mut tree, root, path, value, options)?;
            return Ok((shown(&tree, root, options)?, 0));
        }
        "m" => return merged(&mut tree, options, streams),
        "x" => {
            let [a, b, path @ ..] = options.operands.as_slice() else {
                return Err("Must provide at 2 yaml files".to_owned());
            };
            let mut texts = vec![];
            for file in [a, b] {
                let found = documents(&mut tree, file, streams)?;
                let root = chosen(&found, options)?.first().copied();
                let mut text = String::new();
                for (_, node) in
                    root.into_iter().flat_map(|root| find(&tree, root, path.first().map_or("", String::as_str)))
                {
                    text.push_str(&shown(&tree, node, options)?);
                }
                texts.push(text);
            }
            return Ok(if texts[0] == texts[1] { (String::new(), 0) } else { (difference(&texts[0], &texts[1]), 1) });
        }
        _ => {}
    }
    let (file, arguments) = options.operands.split_first().ok_or("Must provide filename")?;
    let found = documents(&mut tree, file, streams)?;
    match (command, arguments) {
        ("v", _) => Ok((String::new(), 0)),
        ("r", arguments) => {
            let path = arguments.first().map_or("", String::as_str);
            read(&mut tree, &chosen(&found, options)?, path, options).map(|text| (text, 0))
        }
        ("w", arguments) => {
            for root in chosen(&found, options)? {
                match (&options.script, arguments) {
                    (Some(script), _) => scripted(&mut tree, root, script, streams)?,
                    (None, [path, value]) => write(&mut tree, root, path, value, options)?,
                    (None, [path]) if options.tag.is_some() || options.style.is_some() => {
                        write(&mut tree, root, path, "", options)?
                    }
                    _ => return Err("Must provide <filename> <path_to_update> <value>".to_owned()),
                }
            }
            finished(&tree, file, &found, options)
        }
        ("d", [path]) => {
            for root in chosen(&found, options)? {
                let places: Vec<NodeId> = find(&tree, root, path).into_iter().map(|(_, node)| node).collect();
                remove(&mut tree, places);
            }
            finished(&tree, file, &found, options)
        }
        ("p", [path]) => {
            let roots = chosen(&found, options)?;
            let mut changed = found.clone();
            for document in changed.iter_mut().filter(|document| roots.contains(&document.root)) {
                for part in parts(path).into_iter().rev() {
                    let key = tree.add(Node::string(part));
                    let content = Content::Mapping(vec![(key, document.root)]);
                    document.root = tree.add(Node::new(content));
                    tree.adopt(document.root);
                }
            }
            finished(&tree, file, &changed, options)
        }
        _ => Err("Must provide <filename> <path>".to_owned()),
    }
}

fn documents(tree: &mut Tree, file: &str, streams: &mut Streams<'_>) -> Result<Vec<Document>, String> {
    let text = files::read(file, streams)?;
    let mut found = yaml::load(&text, tree).map_err(|message| format!("reading '{file}': {message}"))?;
    if found.is_empty() {
        found.push(Document { root: tree.add(Node::plain("")), explicit: false, head: vec![], foot: vec![] });
    }
    Ok(found)
}

/// The roots of the documents that `-d` means.
fn chosen(documents: &[Document], options: &Options) -> Result<Vec<NodeId>, String> {
    let all = || documents.iter().map(|document| document.root).collect();
    match options.document.as_deref() {
        Some("*") => Ok(all()),
        number => {
            let at: usize = number
                .unwrap_or("0")
                .parse()
                .map_err(|_| format!("`{}` is not a document index", number.unwrap_or_default()))?;
            let found = documents.get(at).map(|document| vec![document.root]);
            found.ok_or_else(|| {
                format!("could not process document index {at} as there are only {} document(s)", documents.len())
            })
        }
    }
}

/// The parts of a path: dots separate, quotes and brackets hold together.
fn parts(path: &str) -> Vec<String> {
    let mut parts = vec![];
    let mut part = String::new();
    let mut quote = None;
    let mut brackets = 0;
    for character in path.chars() {
        match (quote, character) {
            (Some(open), close) if close == open => quote = None,
            (Some(_), inside) => part.push(inside),
            (None, '"' | '\'') => quote = Some(character),
            (None, '.') if brackets == 0 => parts.push(std::mem::take(&mut part)),
            (None, '[' | '(') => {
                if brackets == 0 && !part.is_empty() {
                    parts.push(std::mem::take(&mut part));
                }
                brackets += 1;
                if character == '(' || brackets > 1 {
                    part.push(character);
                }
            }
            (None, ']' | ')') => {
                brackets -= 1;
                if character == ')' || brackets > 0 {
                    part.push(character);
                }
            }
            (None, other) => part.push(other),
        }
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    parts
}

/// The places that a path names, with their own paths.
fn find(tree: &Tree, root: NodeId, path: &str) -> Vec<(String, NodeId)> {
    let mut found = vec![(String::new(), root)];
    for part in parts(path) {
        let mut next = vec![];
        for (path, node) in found {
            step(tree, &path, node, &part, &mut next, 0);
        }
        found = next;
    }
    found
}

fn joined(path: &str, part: &str) -> String {
    if path.is_empty() { part.to_owned() } else { format!("{path}.{part}") }
}

fn step(tree: &Tree, path: &str, node: NodeId, part: &str, next: &mut Vec<(String, NodeId)>, depth: usize) {
    const MAX_DEPTH: usize = 200;
    let node = tree.target(node);
    let children: Vec<(String, NodeId)> = match &tree[node].content {
        Content::Mapping(entries) => {
            entries.iter().map(|(key, value)| (tree.text(*key).unwrap_or_default().to_owned(), *value)).collect()
        }
        Content::Sequence(items) => items.iter().enumerate().map(|(at, item)| (format!("[{at}]"), *item)).collect(),
        Content::Scalar(_) | Content::Alias(..) => return,
    };
    let sequence = matches!(tree[node].content, Content::Sequence(_));
    if part == "**" {
        for (name, child) in children {
            let path = joined(path, &name);
            next.push((path.clone(), child));
            if depth < MAX_DEPTH {
                step(tree, &path, child, part, next, depth + 1);
            }
        }
        return;
    }
    if let Some((name, value)) =
        part.strip_prefix('(').and_then(|part| part.strip_suffix(')')).and_then(|part| part.split_once("=="))
    {
        for (at, child) in children {
            let matching = find(tree, child, name)
                .into_iter()
                .any(|(_, found)| tree.text(tree.target(found)).is_some_and(|text| glob(value, text)));
            if matching {
                next.push((joined(path, &at), child));
            }
        }
        return;
    }
    if !sequence && !part.contains('*') {
        if let Some(value) = tree.get(node, part) {
            next.push((joined(path, part), value));
        }
        return;
    }
    let index =
        part.parse::<i64>().ok().map(|at| if at < 0 { at + i64::try_from(children.len()).unwrap_or(0) } else { at });
    for (at, (name, child)) in children.into_iter().enumerate() {
        let fits = match index {
            Some(index) if sequence => usize::try_from(index) == Ok(at),
            _ if sequence => part == "*",
            _ => glob(part, &name),
        };
        if fits {
            next.push((joined(path, &name), child));
        } else if sequence && index.is_none() && part != "*" && part != "+" {
            // A key of what is in a sequence means that of every item.
            step(tree, &joined(path, &name), child, part, next, depth + 1);
        }
    }
}

/// One node as it is printed.
fn shown(tree: &Tree, node: NodeId, options: &Options) -> Result<String, String> {
    if options.json {
        let value = convert::to_value(tree, node)?;
        let indent = options.pretty.then(|| "  ".to_owned());
        let mut json = vec![];
        // Memory takes it.
        let _ = jq::write(&mut json, &value, &Layout { indent, ..Layout::compact() });
        return Ok(String::from_utf8_lossy(&json).into_owned() + "\n");
    }
    let target = tree.target(node);
    if let Some(text) = tree.text(target) {
        return Ok(format!("{text}\n"));
    }
    let document = Document { root: node, explicit: false, head: vec![], foot: vec![] };
    Ok(yaml::emit(tree, &document, Writing { pretty: options.pretty, ..Writing::default() }))
}

fn read(tree: &mut Tree, roots: &[NodeId], path: &str, options: &Options) -> Result<String, String> {
    let mut text = String::new();
    for root in roots {
        let mut found = find(tree, *root, path);
        if found.is_empty()
            && let Some(default) = &options.default
        {
            found.push((path.to_owned(), tree.add(Node::plain(default))));
        }
        if options.length {
            for (_, node) in found {
                let length = match &tree[tree.target(node)].content {
                    Content::Sequence(items) => items.len(),
                    Content::Mapping(entries) => entries.len(),
                    Content::Scalar(text) => text.chars().count(),
                    Content::Alias(..) => 0,
                };
                text.push_str(&format!("{length}\n"));
            }
            continue;
        }
        if options.collect {
            let items = found.iter().map(|(_, node)| tree.copy(*node)).collect();
            let all = tree.add(Node::new(Content::Sequence(items)));
            tree.adopt(all);
            found = vec![(path.to_owned(), all)];
        }
        for (at, node) in found {
            match options.print.as_str() {
                "p" => text.push_str(&format!("{at}\n")),
                "v" => text.push_str(&shown(tree, node, options)?),
                "pv" | "vp" => {
                    let value = shown(tree, node, options)?;
                    let scalar = matches!(tree[tree.target(node)].content, Content::Scalar(_));
                    let value = if scalar {
                        format!(" {value}")
                    } else {
                        format!("\n{}", value.lines().map(|line| format!("  {line}\n")).collect::<String>())
                    };
                    text.push_str(&format!("{at}:{value}"));
                }
                other => return Err(format!("print mode `{other}` is not supported")),
            }
        }
    }
    Ok(text)
}

/// The value that a word of the command line means.
fn valued(tree: &mut Tree, word: &str, options: &Options) -> NodeId {
    let tag = options.tag.clone();
    let style = match options.style.as_deref() {
        Some("double") => Style::Double,
        Some("single") => Style::Single,
        Some("literal" | "folded") => Style::Literal,
        _ => Style::Plain,
    };
    let node =
        if tag.as_deref() == Some("!!str") || style != Style::Plain { Node::string(word) } else { Node::plain(word) };
    // `!!null`, `[]` and `{}` are read as what they look like.
    let content = match word {
        "[]" => Content::Sequence(vec![]),
        "{}" => Content::Mapping(vec![]),
        _ => node.content.clone(),
    };
    tree.add(Node { content, style, tag: tag.or(node.tag.clone()), ..node })
}

fn write(tree: &mut Tree, root: NodeId, path: &str, word: &str, options: &Options) -> Result<(), String> {
    let value = valued(tree, word, options);
    for place in places(tree, root, path)? {
        put(tree, place, value);
    }
    Ok(())
}

fn put(tree: &mut Tree, place: NodeId, value: NodeId) {
    let quoted = matches!(tree[place].style, Style::Single | Style::Double);
    let mut evaluator = Evaluator { tree, origins: Default::default(), together: false, variables: vec![], depth: 0 };
    // Quotes of before are kept whatever comes.
    let text = evaluator.tree.text(value).map(str::to_owned);
    match text.filter(|_| quoted && evaluator.tree[value].style == Style::Plain) {
        Some(text) => {
            let string = evaluator.tree.add(Node::string(text));
            evaluator.set(place, string);
        }
        None => evaluator.set(place, value),
    }
}

/// The places of a path, made where they are missing.
fn places(tree: &mut Tree, root: NodeId, path: &str) -> Result<Vec<NodeId>, String> {
    let mut places = vec![tree.target(root)];
    for part in parts(path) {
        let mut next = vec![];
        for place in places {
            let place = tree.target(place);
            let append = part == "+";
            let index = part.parse::<usize>().ok();
            if tree[place].kind() == Some(Kind::Null) || matches!(tree[place].content, Content::Scalar(_)) {
                tree.touch(place);
                let sequence = append || (index.is_some() && path.contains('['));
                let content = if sequence { Content::Sequence(vec![]) } else { Content::Mapping(vec![]) };
                (tree[place].content, tree[place].tag, tree[place].style) = (content, None, Style::Plain);
            }
            let mut found = vec![];
            if !append {
                step(tree, "", place, &part, &mut found, 0);
            }
            if !found.is_empty() || part.contains('*') || part.starts_with('(') {
                next.extend(found.into_iter().map(|(_, node)| node));
                continue;
            }
            let value = tree.add(Node::plain(""));
            tree.touch(place);
            match tree[place].content.clone() {
                Content::Sequence(mut items) => {
                    const LONGEST: usize = 1_000_000;
                    let at = index.filter(|_| !append).unwrap_or(items.len());
                    if at > LONGEST {
                        return Err(format!("index {at} is too large"));
                    }
                    while items.len() < at {
                        items.push(tree.add(Node::plain("null")));
                    }
                    items.push(value);
                    tree[place].content = Content::Sequence(items);
                }
                Content::Mapping(mut entries) => {
                    entries.push((tree.add(Node::string(&part)), value));
                    tree[place].content = Content::Mapping(entries);
                }
                Content::Scalar(_) | Content::Alias(..) => {}
            }
            tree.adopt(place);
            next.push(value);
        }
        places = next;
    }
    Ok(places)
}

fn remove(tree: &mut Tree, places: Vec<NodeId>) {
    let mut evaluator = Evaluator { tree, origins: Default::default(), together: false, variables: vec![], depth: 0 };
    for place in places {
        evaluator.remove(place);
    }
}

/// The changes of a script: a list of `command`, `path` and `value`.
fn scripted(tree: &mut Tree, root: NodeId, script: &str, streams: &mut Streams<'_>) -> Result<(), String> {
    let changes = documents(tree, script, streams)?;
    let Some(Content::Sequence(items)) = changes.first().map(|document| tree[document.root].content.clone()) else {
        return Err(format!("{script}: a script is a list of commands"));
    };
    for item in items {
        let text = |tree: &Tree, name: &str| tree.get(item, name).and_then(|node| tree.text(node).map(str::to_owned));
        let path = text(tree, "path").ok_or_else(|| format!("{script}: a command without a path"))?;
        match text(tree, "command").as_deref() {
            Some("update") | None => {
                let value = tree.get(item, "value").ok_or_else(|| format!("{script}: an update without a value"))?;
                for place in places(tree, root, &path)? {
                    put(tree, place, value);
                }
            }
            Some("delete") => {
                let places = find(tree, root, &path).into_iter().map(|(_, node)| node).collect();
                remove(tree, places);
            }
            Some(other) => return Err(format!("{script}: command `{other}` is not supported")),
        }
    }
    Ok(())
}

fn merged(tree: &mut Tree, options: &Options, streams: &mut Streams<'_>) -> Result<(String, i32), String> {
    let Some((first, others)) = options.operands.split_first() else {
        return Err("Must provide at least 1 yaml file".to_owned());
    };
    let mut found = documents(tree, first, streams)?;
    let mut root = chosen(&found, options)?.first().copied().ok_or("no document")?;
    let before = root;
    let letters = match (options.overwrite, options.append) {
        (true, _) => "",
        (false, true) => "n+",
        (false, false) => "n",
    };
    for other in others {
        for document in documents(tree, other, streams)? {
            root = merge(tree, root, document.root, Flags::parse(letters))?;
        }
    }
    for document in found.iter_mut().filter(|document| document.root == before) {
        document.root = root;
    }
    finished(tree, first, &found, options)
}

/// The changed documents: into the file, or as the output.
fn finished(tree: &Tree, file: &str, documents: &[Document], options: &Options) -> Result<(String, i32), String> {
    let mut text = String::new();
    for (at, document) in documents.iter().enumerate() {
        for line in &document.head {
            text.push_str(line);
            text.push('\n');
        }
        if at > 0 || document.explicit {
            text.push_str("---\n");
        }
        text.push_str(&if options.json {
            shown(tree, document.root, options)?
        } else {
            yaml::emit(tree, document, Writing { pretty: options.pretty, ..Writing::default() })
        });
    }
    if options.in_place {
        files::replace(file, &text)?;
        return Ok((String::new(), 0));
    }
    Ok((text, 0))
}

/// Lines that only one side has.
fn difference(a: &str, b: &str) -> String {
    let only = |text: &str, other: &str, sign: char| -> String {
        text.lines()
            .filter(|line| !other.lines().any(|known| known == *line))
            .map(|line| format!("{sign}{line}\n"))
            .collect()
    };
    only(a, b, '-') + &only(b, a, '+')
}

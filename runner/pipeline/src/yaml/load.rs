//! From the parser's events to the tree.

use std::collections::{HashMap, hash_map};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::{Node, Value, YamlError, YamlErrorKind, scalar};
use crate::place::{Place, PlaceIndex};

/// The longest document that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// The deepest nesting, aliases expanded.
pub const MAX_DEPTH: usize = 128;
/// The most nodes of a document, aliases expanded.
pub const MAX_NODES: usize = 200_000;
/// The most text of a document, aliases expanded.
pub(crate) const MAX_TEXT: usize = 8 << 20;

/// Reads one document. An empty text is a null node.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn parse(text: &str) -> Result<Node, YamlError> {
    if text.len() > MAX_BYTES {
        let place = Place { line: 1, column: 1, offset: 0, length: 0 };
        return Err(YamlError { kind: YamlErrorKind::TooLong(MAX_BYTES), place, other: None });
    }
    #[cfg(feature = "holes")]
    if let Some(read) = hole(text) {
        let place = Place { line: 1, column: 1, offset: 0, length: 0 };
        return Err(YamlError { kind: YamlErrorKind::Syntax(read), place, other: None });
    }
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut loader = Loader {
        text,
        index: PlaceIndex::new(text),
        skipped: usize::from(body.len() < text.len()),
        stack: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        bytes: 0,
        root: None,
        documents: 0,
    };
    let mut parser = Parser::new_from_str(body);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| loader.syntax(&error))?;
        loader.event(event, span)?;
    }
    Ok(loader.root.unwrap_or(Node { value: Value::Null, span: Place { line: 1, column: 1, offset: 0, length: 0 } }))
}

/// A deliberate hole, for the tests of the second wall: reads the file that the text names.
#[cfg(feature = "holes")]
fn hole(text: &str) -> Option<String> {
    let path = text.strip_prefix("# stepbox-hole: ")?.lines().next()?;
    Some(std::fs::read_to_string(path).unwrap_or_else(|error| error.to_string()))
}

/// A finished node, with what it weighs when an alias copies it.
#[derive(Clone)]
struct Built {
    node: Node,
    nodes: usize,
    bytes: usize,
    depth: usize,
}

struct Entry {
    key: Node,
    value: Node,
    /// Came from a merge, so that a key of the mapping itself may replace it.
    merged: bool,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, positions: HashMap<String, usize>, key: Option<(Node, bool)> },
}

struct Frame {
    content: Content,
    start: Place,
    anchor: usize,
    nodes: usize,
    bytes: usize,
    depth: usize,
}

struct Loader<'a> {
    text: &'a str,
    index: PlaceIndex<'a>,
    /// Characters before the body (a byte order mark).
    skipped: usize,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Built>,
    nodes: usize,
    bytes: usize,
    root: Option<Node>,
    documents: usize,
}

impl Loader<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        let place = self.place(span);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(fault(YamlErrorKind::SecondDocument, place));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar_value(&text, style, tag.as_deref(), place)?;
                let bytes = text.len();
                let plain = style == ScalarStyle::Plain && tag.is_none();
                self.finish(Built { node: Node { value, span: place }, nodes: 1, bytes, depth: 0 }, anchor, plain)?;
            }
            Event::SequenceStart(anchor, tag) => {
                collection_tag(tag.as_deref(), "seq", place)?;
                self.open(Content::Sequence(Vec::new()), place, anchor)?;
            }
            Event::MappingStart(anchor, tag) => {
                collection_tag(tag.as_deref(), "map", place)?;
                let content = Content::Mapping { entries: Vec::new(), positions: HashMap::new(), key: None };
                self.open(content, place, anchor)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(place)?,
            Event::Alias(id) => {
                let Some(built) = self.anchors.get(&id) else {
                    return Err(fault(YamlErrorKind::RecursiveAlias, place));
                };
                // Weighed before it is copied: what does not fit is never made.
                let (nodes, bytes) = (self.nodes + built.nodes, self.bytes + built.bytes);
                self.weigh(nodes, bytes, place)?;
                if self.stack.len() + built.depth > MAX_DEPTH {
                    return Err(fault(YamlErrorKind::TooDeep(MAX_DEPTH), place));
                }
                let built = built.clone();
                (self.nodes, self.bytes) = (nodes, bytes);
                self.attach(built, false)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn open(&mut self, content: Content, place: Place, anchor: usize) -> Result<(), YamlError> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(fault(YamlErrorKind::TooDeep(MAX_DEPTH), place));
        }
        self.stack.push(Frame { content, start: place, anchor, nodes: 1, bytes: 0, depth: 0 });
        Ok(())
    }

    fn close(&mut self, end: Place) -> Result<(), YamlError> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let start = frame.start.offset;
        let stop = (end.offset + end.length).max(start);
        let length = self.text.get(start..stop).map_or(0, |slice| slice.trim_end().len());
        let span = Place { length, ..frame.start };
        let value = match frame.content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping { entries, .. } => {
                Value::Mapping(entries.into_iter().map(|entry| (entry.key, entry.value)).collect())
            }
        };
        let built =
            Built { node: Node { value, span }, nodes: frame.nodes, bytes: frame.bytes, depth: frame.depth + 1 };
        self.nodes += 1;
        self.weigh(self.nodes, self.bytes, span)?;
        if frame.anchor != 0 {
            self.anchors.insert(frame.anchor, built.clone());
            // The kept copy is memory too.
            self.nodes += built.nodes;
            self.bytes += built.bytes;
            self.weigh(self.nodes, self.bytes, span)?;
        }
        self.attach(built, false)
    }

    fn finish(&mut self, built: Built, anchor: usize, plain: bool) -> Result<(), YamlError> {
        self.nodes += 1;
        self.bytes += built.bytes;
        self.weigh(self.nodes, self.bytes, built.node.span)?;
        if anchor != 0 {
            self.anchors.insert(anchor, built.clone());
        }
        self.attach(built, plain)
    }

    fn weigh(&self, nodes: usize, bytes: usize, place: Place) -> Result<(), YamlError> {
        if nodes > MAX_NODES {
            return Err(fault(YamlErrorKind::TooManyNodes(MAX_NODES), place));
        }
        if bytes > MAX_TEXT {
            return Err(fault(YamlErrorKind::TooMuchText(MAX_TEXT), place));
        }
        Ok(())
    }

    /// Puts a finished node into the collection that is open, or makes it the root.
    fn attach(&mut self, built: Built, plain: bool) -> Result<(), YamlError> {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(built.node);
            return Ok(());
        };
        frame.nodes += built.nodes;
        frame.bytes += built.bytes;
        frame.depth = frame.depth.max(built.depth);
        match &mut frame.content {
            Content::Sequence(items) => items.push(built.node),
            Content::Mapping { entries, positions, key } => match key.take() {
                None => {
                    if built.node.scalar_text().is_none() {
                        return Err(fault(YamlErrorKind::KeyNotScalar, built.node.span));
                    }
                    let merge = plain && built.node.as_str() == Some("<<");
                    *key = Some((built.node, merge));
                }
                Some((_, true)) => merge(entries, positions, built.node)?,
                Some((key, false)) => insert(entries, positions, key, built.node)?,
            },
        }
        Ok(())
    }

    fn place(&self, span: Span) -> Place {
        self.index.place(span.start.index() + self.skipped, span.end.index() + self.skipped)
    }

    fn syntax(&self, error: &ScanError) -> YamlError {
        let at = error.marker().index() + self.skipped;
        let place = self.index.place(at, at);
        let line = self.text.lines().nth(place.line - 1).unwrap_or("");
        let indentation = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        let message = error.info().to_owned();
        let kind =
            if indentation.contains('\t') { YamlErrorKind::Tab(message) } else { YamlErrorKind::Syntax(message) };
        fault(kind, place)
    }
}

fn insert(
    entries: &mut Vec<Entry>,
    positions: &mut HashMap<String, usize>,
    key: Node,
    value: Node,
) -> Result<(), YamlError> {
    let name = key_name(&key);
    match positions.get(&name).and_then(|at| entries.get_mut(*at)) {
        Some(entry) if entry.merged => *entry = Entry { key, value, merged: false },
        Some(entry) => {
            let kind = YamlErrorKind::DuplicateKey(name);
            return Err(YamlError { kind, place: key.span, other: Some(entry.key.span) });
        }
        None => {
            positions.insert(name, entries.len());
            entries.push(Entry { key, value, merged: false });
        }
    }
    Ok(())
}

/// Applies `<<` (rule Y4): keys that are there already stay, of a list of mappings the first wins.
fn merge(entries: &mut Vec<Entry>, positions: &mut HashMap<String, usize>, source: Node) -> Result<(), YamlError> {
    let sources = match source.value {
        Value::Mapping(_) => vec![source],
        Value::Sequence(items) => items,
        _ => return Err(fault(YamlErrorKind::BadMerge, source.span)),
    };
    for source in sources {
        let Value::Mapping(pairs) = source.value else {
            return Err(fault(YamlErrorKind::BadMerge, source.span));
        };
        for (key, value) in pairs {
            if let hash_map::Entry::Vacant(position) = positions.entry(key_name(&key)) {
                position.insert(entries.len());
                entries.push(Entry { key, value, merged: true });
            }
        }
    }
    Ok(())
}

/// Keys are compared as JavaScript does: as text (`1` and `"1"` are one key).
fn key_name(key: &Node) -> String {
    if key.is_null() { "null".to_owned() } else { key.scalar_text().unwrap_or_default().into_owned() }
}

fn fault(kind: YamlErrorKind, place: Place) -> YamlError {
    YamlError { kind, place, other: None }
}

fn scalar_value(text: &str, style: ScalarStyle, tag: Option<&Tag>, place: Place) -> Result<Value, YamlError> {
    let Some(tag) = tag else {
        return Ok(if style == ScalarStyle::Plain { scalar::resolve(text) } else { Value::String(text.to_owned()) });
    };
    let core = core_name(tag);
    let value = match core {
        Some("str") => Some(Value::String(text.to_owned())),
        Some(name @ ("int" | "float" | "bool" | "null")) => Some(scalar::resolve(text)).filter(|value| {
            matches!(
                (name, value),
                ("int", Value::Integer { .. })
                    | ("float", Value::Float { .. } | Value::Integer { .. })
                    | ("bool", Value::Bool(_))
                    | ("null", Value::Null)
            )
        }),
        _ => return Err(fault(YamlErrorKind::UnknownTag(tag.to_string()), place)),
    };
    value.ok_or_else(|| fault(YamlErrorKind::BadTagged { tag: tag.to_string(), text: text.to_owned() }, place))
}

fn collection_tag(tag: Option<&Tag>, expected: &str, place: Place) -> Result<(), YamlError> {
    match tag {
        Some(tag) if core_name(tag) != Some(expected) => Err(fault(YamlErrorKind::UnknownTag(tag.to_string()), place)),
        _ => Ok(()),
    }
}

/// The name of a tag of the core schema; `!` alone means a string.
fn core_name(tag: &Tag) -> Option<&str> {
    if tag.is_yaml_core_schema() {
        Some(&tag.suffix)
    } else if tag.suffix == "!" || (tag.handle == "!" && tag.suffix.is_empty()) {
        Some("str")
    } else {
        None
    }
}

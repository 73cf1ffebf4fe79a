use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::comments::{Note, notes};
use super::tree::{Content, Node, NodeId, Style, Tree};

/// The longest text that is read, in bytes.
const MAX_BYTES: usize = 64 << 20;
/// The deepest nesting.
const MAX_DEPTH: usize = 256;

/// One of the documents of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) root: NodeId,
    /// It begins with `---`.
    pub(crate) explicit: bool,
    /// Lines above `---`, as for a node.
    pub(crate) head: Vec<String>,
    /// Lines behind everything.
    pub(crate) foot: Vec<String>,
}

/// Reads the documents of a text into a tree. The error is a message with the place.
pub(crate) fn load(text: &str, tree: &mut Tree) -> Result<Vec<Document>, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("the file is longer than {MAX_BYTES} bytes"));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n");
    let mut events = vec![];
    let mut parser = Parser::new_from_str(&text);
    while let Some(event) = parser.next_event() {
        match event {
            Ok((event, span)) => events.push((event, span)),
            Err(error) => {
                let (line, reason) = (error.marker().line(), error.info());
                return Err(format!("yaml: line {line}: {reason}"));
            }
        }
    }
    let bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let source = Source { text: &text, bytes };
    let covered: Vec<Range<usize>> = events
        .iter()
        .filter(|(event, _)| matches!(event, Event::Scalar(..)))
        .map(|(event, span)| source.scalar_range(event, *span))
        .filter(|range| !range.is_empty())
        .collect();
    let waiting = notes(&text, &covered).into();
    let mut loader = Loader {
        source,
        tree,
        stack: vec![],
        anchors: HashMap::new(),
        waiting,
        ends: HashMap::new(),
        documents: vec![],
        last: 0,
    };
    for (event, span) in events {
        loader.event(event, span)?;
    }
    Ok(loader.documents)
}

struct Source<'a> {
    text: &'a str,
    /// Where each character begins.
    bytes: Vec<usize>,
}

impl Source<'_> {
    fn byte(&self, character: usize) -> usize {
        self.bytes.get(character).copied().unwrap_or(self.text.len())
    }

    /// Where a scalar really is: the parser's ends take in spaces and comments. Anchors and tags are left out.
    fn scalar_range(&self, event: &Event<'_>, span: Span) -> Range<usize> {
        let (mut start, end) = (self.byte(span.start.index()), self.byte(span.end.index()));
        let Event::Scalar(_, style, ..) = event else { return start..end };
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            return start..end;
        }
        let whole = &self.text[start..end.max(start)];
        start += skip_properties(whole);
        let rest = &self.text[start..end.max(start)];
        let length = match style {
            ScalarStyle::SingleQuoted => closing(rest, '\''),
            ScalarStyle::DoubleQuoted => closing(rest, '"'),
            _ => rest
                .match_indices('#')
                .find(|(at, _)| rest[..*at].ends_with(char::is_whitespace))
                .map_or(rest, |(at, _)| &rest[..at])
                .trim_end()
                .len(),
        };
        start..start + length
    }

    /// The name of the anchor that stands before a place.
    fn anchor(&self, from: usize, to: usize) -> Option<String> {
        let part = self.text.get(from..to)?;
        let at = part.rfind('&')?;
        let name =
            part[at + 1..].split(|character: char| character.is_whitespace() || ",[]{}".contains(character)).next()?;
        Some(name.to_owned())
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |end| end + 1)
    }
}

/// How long the anchor and the tag before a node are, with the spaces behind.
fn skip_properties(text: &str) -> usize {
    let mut at = 0;
    while text[at..].starts_with(['&', '!']) {
        let rest = &text[at..];
        let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
        at += word + (rest[word..].len() - rest[word..].trim_start().len());
    }
    at
}

/// The length of a quoted text with its quotes.
fn closing(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if quote == '"' && character == '\\' {
            characters.next();
        } else if character == quote {
            if quote == '\'' && characters.peek().is_some_and(|(_, next)| *next == quote) {
                characters.next();
            } else {
                return at + 1;
            }
        }
    }
    text.len()
}

struct Frame {
    node: NodeId,
    column: usize,
    flow: bool,
    /// Where a flow collection begins, in bytes.
    start: usize,
    /// The key that waits for its value.
    key: Option<NodeId>,
    last: Option<NodeId>,
}

struct Loader<'a, 't> {
    source: Source<'a>,
    tree: &'t mut Tree,
    stack: Vec<Frame>,
    anchors: HashMap<usize, (String, NodeId)>,
    waiting: VecDeque<(usize, Note)>,
    /// The last node that ends on a line.
    ends: HashMap<usize, NodeId>,
    documents: Vec<Document>,
    /// Where the last event ended.
    last: usize,
}

impl Loader<'_, '_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), String> {
        // From 0, as those of the notes.
        let line = span.start.line() - 1;
        match event {
            Event::DocumentStart(explicit) => {
                let root = self.tree.add(Node::plain(""));
                let head = if explicit { self.lines_before(line) } else { vec![] };
                self.documents.push(Document { root, explicit, head, foot: vec![] });
                self.anchors.clear();
            }
            Event::DocumentEnd => {
                let foot = self.lines_before(line);
                if let Some(document) = self.documents.last_mut() {
                    document.foot.extend(foot);
                    while document.foot.last().is_some_and(String::is_empty) {
                        document.foot.pop();
                    }
                }
            }
            Event::Scalar(ref text, style, anchor, ref tag) => {
                let range = self.source.scalar_range(&event, span);
                let mut node = Node::plain(text.to_string());
                node.tag = tag.as_deref().map(shown_tag);
                node.style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::Single,
                    ScalarStyle::DoubleQuoted => Style::Double,
                    ScalarStyle::Literal => Style::Literal,
                    ScalarStyle::Folded => Style::Folded,
                };
                let source = &self.source.text[range.clone()];
                node.source = match style {
                    ScalarStyle::Literal => None,
                    ScalarStyle::Folded => Some(self.folded(range.clone())),
                    _ if source.contains('\n') => None,
                    _ => Some(source.to_owned()),
                };
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                // The header of a block scalar is on the line before its text.
                let end_line = if block {
                    line.saturating_sub(1)
                } else {
                    line + self.source.text[range.clone()].matches('\n').count()
                };
                let id = self.place(node, line, anchor, range.start)?;
                if !block {
                    self.ends.insert(end_line, id);
                }
                self.last = range.end.max(self.last);
            }
            Event::Alias(anchor) => {
                let Some((name, target)) = self.anchors.get(&anchor).cloned() else {
                    return Err(format!("yaml: line {}: an alias stands inside of what it names", line + 1));
                };
                let node = Node::new(Content::Alias(name, target));
                let id = self.place(node, line, 0, 0)?;
                self.ends.insert(line, id);
                self.last = self.source.byte(span.end.index());
            }
            Event::SequenceStart(anchor, ref tag) | Event::MappingStart(anchor, ref tag) => {
                let sequence = matches!(event, Event::SequenceStart(..));
                self.open(sequence, span, anchor, tag.as_deref())?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd => {}
        }
        self.comments_behind(line);
        Ok(())
    }

    fn open(&mut self, sequence: bool, span: Span, anchor: usize, tag: Option<&Tag>) -> Result<(), String> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(format!("yaml: line {}: nested deeper than {MAX_DEPTH} levels", span.start.line()));
        }
        let start = self.source.byte(span.start.index());
        let begin = start + skip_properties(&self.source.text[start..]);
        let flow = self.source.text[begin..].starts_with(['[', '{']) && self.source.byte(span.end.index()) > start;
        let mut column = self.source.text[self.source.line_start(begin)..begin].chars().count();
        if sequence && !flow && !is_dash(&self.source.text[begin..]) {
            // A sequence as far left as its key: the parser tells its first item.
            let line = &self.source.text[self.source.line_start(begin)..begin];
            column = line.rfind('-').map_or(column, |at| line[..at].chars().count());
        }
        let content = if sequence { Content::Sequence(vec![]) } else { Content::Mapping(vec![]) };
        let mut node = Node::new(content);
        node.tag = tag.map(shown_tag);
        if flow {
            node.style = Style::Flow;
        }
        let outer = self.stack.last().filter(|frame| !frame.flow).map_or(0, |frame| frame.column);
        node.indent = (!flow && !self.stack.is_empty()).then(|| column.saturating_sub(outer));
        let id = self.place(node, span.start.line() - 1, anchor, begin)?;
        self.stack.push(Frame { node: id, column, flow, start: begin, key: None, last: None });
        if flow {
            self.last = begin + 1;
        }
        Ok(())
    }

    fn close(&mut self, span: Span) {
        let Some(frame) = self.stack.pop() else { return };
        let line = span.start.line() - 1;
        if frame.flow {
            let end = self.source.byte(span.end.index());
            self.tree[frame.node].source = self.source.text.get(frame.start..end).map(str::to_owned);
            self.ends.insert(span.end.line() - 1, frame.node);
            self.last = end;
        } else if let Some(last) = frame.last {
            // Comments that stand as far right as what ends here belong to its last entry.
            let mut count = 0;
            for (at, (found, note)) in self.waiting.iter().enumerate() {
                match note {
                    Note::Own(column, _) if *found < line && *column >= frame.column.max(1) => count = at + 1,
                    Note::Blank if *found < line => {}
                    _ => break,
                }
            }
            let foot: Vec<String> = self.waiting.drain(..count).map(|(_, note)| line_of(note)).collect();
            self.tree[last].foot.extend(foot);
        }
        self.tree.adopt(frame.node);
    }

    /// Puts a node where it belongs.
    fn place(&mut self, mut node: Node, line: usize, anchor: usize, begin: usize) -> Result<NodeId, String> {
        if anchor > 0 {
            node.anchor = self.source.anchor(self.last.min(begin), begin).filter(|name| !name.is_empty());
        }
        let is_key = self
            .stack
            .last()
            .is_some_and(|frame| matches!(self.tree[frame.node].content, Content::Mapping(_)) && frame.key.is_none());
        let is_item =
            self.stack.last().is_some_and(|frame| matches!(self.tree[frame.node].content, Content::Sequence(_)));
        let in_flow = self.stack.last().is_some_and(|frame| frame.flow);
        if (is_key || is_item) && !in_flow {
            node.head = self.lines_before(line);
        }
        if is_key && !matches!(node.content, Content::Scalar(_) | Content::Alias(..)) {
            return Err(format!("yaml: line {}: a key that is a collection is not supported", line + 1));
        }
        let id = self.tree.add(node);
        if let Some(name) = self.tree[id].anchor.clone() {
            self.anchors.insert(anchor, (name, id));
        }
        match self.stack.last_mut() {
            None => {
                if let Some(document) = self.documents.last_mut() {
                    document.root = id;
                }
            }
            Some(frame) => match (&mut self.tree[frame.node].content, frame.key.take()) {
                (Content::Sequence(items), _) => {
                    items.push(id);
                    frame.last = Some(id);
                }
                (Content::Mapping(entries), Some(key)) => {
                    entries.push((key, id));
                    frame.last = Some(key);
                }
                _ => frame.key = Some(id),
            },
        }
        Ok(id)
    }

    /// Comments and empty lines above a line that nobody has taken.
    fn lines_before(&mut self, line: usize) -> Vec<String> {
        let mut lines = vec![];
        while let Some((found, note)) = self.waiting.front() {
            match note {
                Note::Behind(_) if *found < line => {
                    // Behind something that has no place for it.
                    self.comments_behind(*found);
                    if matches!(self.waiting.front(), Some((_, Note::Behind(_)))) {
                        self.waiting.pop_front();
                    }
                }
                _ if *found < line => lines.extend(self.waiting.pop_front().map(|(_, note)| line_of(note))),
                _ => break,
            }
        }
        lines
    }

    /// Gives comments behind nodes, up to a line, to those.
    fn comments_behind(&mut self, line: usize) {
        while let Some((found, Note::Behind(comment))) = self.waiting.front() {
            if *found > line {
                return;
            }
            let Some(id) = self.ends.get(found) else { return };
            // What comes later on the same line takes it over.
            self.tree[*id].comment = Some(comment.clone());
            if *found == line {
                return;
            }
            self.waiting.pop_front();
        }
    }

    /// A folded scalar as it was written, header and lines, without the indentation.
    fn folded(&self, range: Range<usize>) -> String {
        let text = self.source.text;
        let header_end = self.source.line_start(range.start);
        let header = text[..header_end.saturating_sub(1)]
            .rfind('>')
            .map_or(">", |at| text[at..header_end.saturating_sub(1)].split_whitespace().next().unwrap_or(">"));
        let body = &text[header_end..range.end];
        let indent = body
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| line.len() - line.trim_start_matches(' ').len())
            .min();
        let cut = |line: &str| line.get(indent.unwrap_or(0)..).unwrap_or_default().trim_end().to_owned();
        let lines: Vec<String> = body.trim_end().lines().map(cut).collect();
        format!("{header}\n{}", lines.join("\n"))
    }
}

fn is_dash(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

fn line_of(note: Note) -> String {
    match note {
        Note::Own(_, text) => text,
        Note::Behind(text) => text.trim_start().to_owned(),
        Note::Blank => String::new(),
    }
}

fn shown_tag(tag: &Tag) -> String {
    if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { format!("{}{}", tag.handle, tag.suffix) }
}

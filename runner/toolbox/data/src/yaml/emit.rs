use super::load::Document;
use super::scalar::{Kind, double_quoted, plain_allowed, resolve, single_quoted};
use super::tree::{Content, Node, NodeId, Style, Tree};

/// How a document is written where nothing about it says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writing {
    /// Columns for each level.
    pub(crate) indent: usize,
    /// Columns of a sequence to the right of its key.
    pub(crate) sequence: usize,
    /// Everything as blocks with as few quotes as can be (`-P`).
    pub(crate) pretty: bool,
    /// What would be read as something else stands in single quotes.
    pub(crate) single: bool,
}

impl Default for Writing {
    fn default() -> Self {
        Self { indent: 2, sequence: 2, pretty: false, single: false }
    }
}

/// The text of a document, with an end of line.
pub(crate) fn emit(tree: &Tree, document: &Document, writing: Writing) -> String {
    let mut emitter = Emitter { tree, writing: as_found(tree, document.root, writing), text: String::new() };
    emitter.root(document.root);
    emitter.lines(&document.foot, 0);
    emitter.text
}

/// Takes over what the document's own collections show.
fn as_found(tree: &Tree, root: NodeId, mut writing: Writing) -> Writing {
    let mut found = (false, false);
    let mut waiting = vec![root];
    let mut seen = 0;
    while let Some(id) = waiting.pop() {
        seen += 1;
        if seen > 10_000 || found == (true, true) {
            break;
        }
        match &tree[id].content {
            Content::Mapping(entries) => {
                for (_, value) in entries.iter().rev() {
                    match (&tree[*value].content, tree[*value].indent) {
                        (Content::Mapping(_), Some(indent)) if !found.0 && indent > 0 => {
                            (writing.indent, found.0) = (indent, true);
                        }
                        (Content::Sequence(_), Some(indent)) if !found.1 => {
                            (writing.sequence, found.1) = (indent, true)
                        }
                        _ => {}
                    }
                    waiting.push(*value);
                }
            }
            Content::Sequence(items) => waiting.extend(items.iter().rev()),
            Content::Scalar(_) | Content::Alias(..) => {}
        }
    }
    writing
}

struct Emitter<'a> {
    tree: &'a Tree,
    writing: Writing,
    text: String,
}

impl Emitter<'_> {
    fn spaces(&mut self, count: usize) {
        self.text.extend(std::iter::repeat_n(' ', count));
    }

    fn lines(&mut self, lines: &[String], column: usize) {
        for line in lines {
            if !line.is_empty() {
                self.spaces(column);
                self.text.push_str(line);
            }
            self.text.push('\n');
        }
    }

    fn root(&mut self, id: NodeId) {
        let node = &self.tree[id];
        if self.is_block(id) {
            let properties = properties(node);
            if !properties.is_empty() {
                self.text.push_str(&properties);
                self.text.push('\n');
            }
            self.lines(&node.head, 0);
            self.block(id, 0);
        } else {
            self.lines(&node.head, 0);
            self.value(id, 0);
            self.end(node.comment.as_deref());
        }
        self.lines(&node.foot, 0);
    }

    /// A collection that is written on lines of its own.
    fn is_block(&self, id: NodeId) -> bool {
        let node = &self.tree[id];
        let flow = node.style == Style::Flow && !self.writing.pretty;
        match &node.content {
            Content::Sequence(items) => !items.is_empty() && !flow,
            Content::Mapping(entries) => !entries.is_empty() && !flow,
            _ => false,
        }
    }

    fn end(&mut self, comment: Option<&str>) {
        self.comment(comment);
        self.text.push('\n');
    }

    /// A comment behind something: as far away as it was.
    fn comment(&mut self, comment: Option<&str>) {
        if let Some(comment) = comment {
            if comment.starts_with('#') {
                self.text.push(' ');
            }
            self.text.push_str(comment);
        }
    }

    /// The entries of a collection; the first is not indented where it follows a dash.
    fn block(&mut self, id: NodeId, column: usize) {
        self.block_from(id, column, false);
    }

    fn block_from(&mut self, id: NodeId, column: usize, inline: bool) {
        match &self.tree[id].content {
            Content::Mapping(entries) => {
                for (at, (key, value)) in entries.iter().enumerate() {
                    let first = inline && at == 0;
                    if !first {
                        self.lines(&self.tree[*key].head.clone(), column);
                        self.spaces(column);
                    }
                    self.entry(*key, *value, column);
                    self.lines(&self.tree[*key].foot.clone(), column);
                }
            }
            Content::Sequence(items) => {
                for (at, item) in items.iter().enumerate() {
                    let first = inline && at == 0;
                    if !first {
                        self.lines(&self.tree[*item].head.clone(), column);
                        self.spaces(column);
                    }
                    self.item(*item, column);
                    self.lines(&self.tree[*item].foot.clone(), column);
                }
            }
            Content::Scalar(_) | Content::Alias(..) => {}
        }
    }

    fn entry(&mut self, key: NodeId, value: NodeId, column: usize) {
        let key_node = &self.tree[key];
        let text = match &key_node.content {
            Content::Alias(name, _) => format!("*{name} "),
            _ => format!("{}{}", properties_before(key_node), self.scalar(key, false, true)),
        };
        self.text.push_str(&text);
        self.text.push(':');
        let node = &self.tree[value];
        if self.is_block(value) {
            let properties = properties(node);
            if !properties.is_empty() {
                self.text.push(' ');
                self.text.push_str(&properties);
            }
            self.end(key_node.comment.as_deref().or(node.comment.as_deref()));
            let sequence = matches!(node.content, Content::Sequence(_));
            let default = if sequence { self.writing.sequence } else { self.writing.indent };
            // What was not in a mapping before has the indentation of elsewhere.
            let indent = node.indent.filter(|indent| sequence || *indent > 0).unwrap_or(default);
            self.block(value, column + indent);
        } else {
            let at = self.text.len();
            self.text.push(' ');
            let before = self.text.len();
            self.value(value, column);
            if self.text.len() == before {
                self.text.truncate(at);
            }
            if !self.ends_with_block_scalar(value) {
                self.end(node.comment.as_deref().or(key_node.comment.as_deref()));
            }
        }
    }

    fn item(&mut self, item: NodeId, column: usize) {
        self.text.push('-');
        let node = &self.tree[item];
        if self.is_block(item) {
            let properties = properties(node);
            let indent = node.indent.filter(|indent| *indent > 1).unwrap_or(2);
            if properties.is_empty() {
                self.spaces(indent - 1);
                self.block_from(item, column + indent, true);
            } else {
                self.text.push(' ');
                self.text.push_str(&properties);
                self.end(None);
                self.block(item, column + indent);
            }
            return;
        }
        let at = self.text.len();
        self.text.push(' ');
        let before = self.text.len();
        self.value(item, column);
        if self.text.len() == before {
            self.text.truncate(at);
        }
        if !self.ends_with_block_scalar(item) {
            self.end(node.comment.as_deref());
        }
    }

    fn ends_with_block_scalar(&self, id: NodeId) -> bool {
        self.block_style(&self.tree[id]).is_some()
    }

    /// The style of a scalar that is written on lines of its own.
    fn block_style(&self, node: &Node) -> Option<Style> {
        let Content::Scalar(text) = &node.content else { return None };
        let possible = !text.is_empty()
            && !text.starts_with([' ', '\n', '\t'])
            && !text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\t'))
            && !text.lines().any(|line| line.ends_with(' '));
        match node.style {
            Style::Folded if node.source.is_some() => Some(Style::Folded),
            Style::Literal | Style::Folded if possible => Some(Style::Literal),
            Style::Plain if possible && text.contains('\n') => Some(Style::Literal),
            _ => None,
        }
    }

    /// Anything that begins on the line of its key.
    fn value(&mut self, id: NodeId, column: usize) {
        let node = &self.tree[id];
        self.text.push_str(&properties_before(node));
        match &node.content {
            Content::Alias(name, _) => {
                self.text.push('*');
                self.text.push_str(name);
            }
            Content::Scalar(text) => match self.block_style(node) {
                Some(style) => {
                    let text = match (&node.source, style) {
                        (Some(source), Style::Folded) => source.clone(),
                        _ => {
                            let body = text.trim_end_matches('\n');
                            let chomp = match text.len() - body.len() {
                                0 => "-",
                                1 => "",
                                _ => "+",
                            };
                            let kept = if chomp == "+" { &text[..text.len() - 1] } else { body };
                            format!("|{chomp}\n{kept}")
                        }
                    };
                    let mut lines = text.split('\n');
                    self.text.push_str(lines.next().unwrap_or_default());
                    self.comment(node.comment.as_deref());
                    self.text.push('\n');
                    for line in lines {
                        if !line.is_empty() {
                            self.spaces(column + self.writing.indent);
                            self.text.push_str(line);
                        }
                        self.text.push('\n');
                    }
                }
                None => {
                    let scalar = self.scalar(id, false, false);
                    self.text.push_str(&scalar);
                }
            },
            Content::Sequence(_) | Content::Mapping(_) => {
                let text = self.flow(id);
                self.text.push_str(&text);
            }
        }
    }

    fn flow(&self, id: NodeId) -> String {
        let node = &self.tree[id];
        if let Some(source) = node.source.as_ref().filter(|_| !self.writing.pretty) {
            return source.clone();
        }
        let inner = |id: NodeId| {
            let node = &self.tree[id];
            let before = properties_before(node);
            match &node.content {
                Content::Alias(name, _) => format!("*{name}"),
                Content::Scalar(_) => before + &self.scalar(id, true, false),
                _ => before + &self.flow(id),
            }
        };
        match &node.content {
            Content::Sequence(items) => {
                format!("[{}]", items.iter().map(|item| inner(*item)).collect::<Vec<_>>().join(", "))
            }
            Content::Mapping(entries) => {
                let entries = entries.iter().map(|(key, value)| {
                    let value = inner(*value);
                    format!("{}:{}{value}", inner(*key), if value.is_empty() { "" } else { " " })
                });
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
            _ => String::new(),
        }
    }

    /// A scalar on one line.
    fn scalar(&self, id: NodeId, flow: bool, key: bool) -> String {
        let node = &self.tree[id];
        let Content::Scalar(text) = &node.content else { return String::new() };
        if let Some(source) = node.source.as_ref().filter(|source| !source.contains('\n') && !self.writing.pretty) {
            return source.clone();
        }
        let style = if self.writing.pretty && matches!(node.style, Style::Single | Style::Double) {
            Style::Plain
        } else {
            node.style
        };
        // What would be read as something else is quoted.
        let is_text = matches!(node.kind(), Some(Kind::String));
        let ambiguous =
            is_text && resolve(text) != Kind::String && (node.tag.is_none() || node.tag.as_deref() == Some("!!str"));
        let special = text.chars().any(|character| character.is_control());
        match style {
            _ if special || (key && text.contains('\n')) => double_quoted(text),
            Style::Double => double_quoted(text),
            Style::Single => single_quoted(text),
            _ if ambiguous && self.writing.single => single_quoted(text),
            _ if ambiguous => double_quoted(text),
            _ if text.is_empty() && !is_text => String::new(),
            _ if plain_allowed(text, flow) => text.clone(),
            _ => single_quoted(text),
        }
    }
}

/// Anchor and tag. The tag of a plain string is only told by quotes.
fn properties(node: &Node) -> String {
    let anchor = node.anchor.iter().map(|name| format!("&{name}"));
    let implied = match (&node.content, node.tag.as_deref()) {
        (Content::Scalar(_), Some("!!str")) => node.source.is_none(),
        (Content::Scalar(text), Some("!!int")) => resolve(text) == Kind::Int,
        (Content::Scalar(text), Some("!!float")) => matches!(resolve(text), Kind::Float),
        (Content::Scalar(text), Some("!!bool")) => resolve(text) == Kind::Bool,
        (Content::Scalar(text), Some("!!null")) => resolve(text) == Kind::Null,
        (Content::Mapping(_), Some("!!map")) | (Content::Sequence(_), Some("!!seq")) => true,
        _ => false,
    };
    let tag = node.tag.iter().filter(|_| !implied).cloned();
    anchor.chain(tag).collect::<Vec<_>>().join(" ")
}

fn properties_before(node: &Node) -> String {
    let properties = properties(node);
    if properties.is_empty() { properties } else { properties + " " }
}

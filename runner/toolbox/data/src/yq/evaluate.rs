//! The language of yq 4: what its operations do with the nodes of documents.

use std::collections::HashMap;

use super::expression::Expression;
use super::merge::{Flags, merge};
use super::operators;
use crate::yaml::{Content, Kind, Node, NodeId, Style, Tree};

/// The most nodes that an expression may make.
const MAX_NODES: usize = 4_000_000;
/// How deep functions may call each other.
const MAX_DEPTH: usize = 400;

/// Where a document came from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) file: String,
    pub(crate) file_index: usize,
    pub(crate) document: usize,
}

/// Evaluates expressions over the documents of a tree.
pub(crate) struct Evaluator<'a> {
    pub(crate) tree: &'a mut Tree,
    /// The documents' roots.
    pub(crate) origins: HashMap<NodeId, Origin>,
    /// All documents are looked at together (`eval-all`).
    pub(crate) together: bool,
    pub(crate) variables: Vec<(String, Vec<NodeId>)>,
    pub(crate) depth: usize,
}

pub(crate) type Nodes = Result<Vec<NodeId>, String>;

impl Evaluator<'_> {
    /// What an expression gives for nodes. With `create`, places that do not exist are made.
    pub(crate) fn run(&mut self, expression: &Expression, context: &[NodeId], create: bool) -> Nodes {
        self.depth += 1;
        if self.depth > MAX_DEPTH || self.tree.len() > MAX_NODES {
            return Err("the expression takes too much memory".to_owned());
        }
        let result = self.operation(expression, context, create);
        self.depth -= 1;
        result
    }

    /// Those that are looked at as one: all documents, or each node by itself.
    fn groups(&self, context: &[NodeId]) -> Vec<Vec<NodeId>> {
        let roots = context.iter().all(|id| self.origins.contains_key(id));
        if self.together && roots { vec![context.to_vec()] } else { context.iter().map(|id| vec![*id]).collect() }
    }

    fn operation(&mut self, expression: &Expression, context: &[NodeId], create: bool) -> Nodes {
        match expression {
            Expression::Here => Ok(context.to_vec()),
            Expression::Literal(text, string) => {
                let node = if *string { Node::string(text) } else { Node::plain(text) };
                // Once for each node that is looked at, and once where there is none.
                Ok((0..context.len().max(1)).map(|_| self.tree.add(node.clone())).collect())
            }
            Expression::Variable(name) => {
                if name == "ENV" {
                    return Err("`$ENV` is not supported, `env(NAME)` is".to_owned());
                }
                let found = self.variables.iter().rev().find(|(known, _)| known == name);
                found.map(|(_, nodes)| nodes.clone()).ok_or_else(|| format!("variable `${name}` is not defined"))
            }
            Expression::At(of, key) => {
                let mut found = vec![];
                for node in self.run(of, context, create)? {
                    // Keys are calculated where the whole began.
                    let here = [context.first().copied().unwrap_or(node)];
                    for key in self.run(key, &here, false)? {
                        self.at(node, key, create, &mut found)?;
                    }
                }
                Ok(found)
            }
            Expression::Each(of) => {
                let mut found = vec![];
                for node in self.run(of, context, create)? {
                    found.extend(self.children(node)?);
                }
                Ok(found)
            }
            Expression::Slice(of, from, to) => self.slice(of, from.as_deref(), to.as_deref(), context),
            Expression::Descend(keys) => {
                let mut found = vec![];
                for node in context {
                    self.descend(*node, *keys, &mut found, 0)?;
                }
                Ok(found)
            }
            Expression::Try(inner) => Ok(self.run(inner, context, create).unwrap_or_default()),
            Expression::Template(parts) => {
                let mut texts = vec![String::new()];
                for part in parts {
                    let values = self.run(part, context, false)?;
                    let values: Vec<String> =
                        values.iter().map(|value| self.display(*value)).collect::<Result<_, _>>()?;
                    texts = texts
                        .iter()
                        .flat_map(|text| values.iter().map(move |value| format!("{text}{value}")))
                        .collect();
                }
                Ok(texts.into_iter().map(|text| self.tree.add(Node::string(text))).collect())
            }
            Expression::Collect(None) => Ok(vec![self.tree.add(Node::new(Content::Sequence(vec![])))]),
            Expression::Collect(Some(inner)) => {
                let mut collected = vec![];
                for group in self.groups(context) {
                    let items = self.run(inner, &group, false)?;
                    let items = items.into_iter().map(|item| self.tree.copy(item)).collect();
                    collected.push(self.add(Content::Sequence(items)));
                }
                Ok(collected)
            }
            Expression::Object(entries) => {
                let mut objects = vec![];
                for node in context {
                    let mut made: Vec<Vec<(NodeId, NodeId)>> = vec![vec![]];
                    for (key, value) in entries {
                        let keys = self.run(key, &[*node], false)?;
                        let values = self.run(value, &[*node], false)?;
                        let mut next = vec![];
                        for before in &made {
                            for key in &keys {
                                for value in &values {
                                    let mut all = before.clone();
                                    let key = Node::string(self.display(*key)?);
                                    all.push((self.tree.add(key), self.tree.copy(*value)));
                                    next.push(all);
                                }
                            }
                        }
                        made = next;
                    }
                    for entries in made {
                        objects.push(self.add(Content::Mapping(entries)));
                    }
                }
                Ok(objects)
            }
            Expression::Call(name, arguments) => self.call(name, arguments, context, create),
            Expression::Bind(value, name, body) => {
                let mut found = vec![];
                for group in self.groups(context) {
                    for value in self.run(value, &group, false)? {
                        self.variables.push((name.clone(), vec![value]));
                        let result = self.run(body, &group, create);
                        self.variables.pop();
                        found.extend(result?);
                    }
                }
                Ok(found)
            }
            Expression::Reduce(values, name, start, update) => {
                let mut found = vec![];
                for group in self.groups(context) {
                    let mut state = self.run(start, &group[..1.min(group.len())], false)?;
                    for value in self.run(values, &group, false)? {
                        self.variables.push((name.clone(), vec![value]));
                        let next = self.run(update, &state, false);
                        self.variables.pop();
                        state = next?;
                    }
                    found.extend(state);
                }
                Ok(found)
            }
            Expression::Binary(operator, left, right) => self.binary(operator, left, right, context, create),
        }
    }

    fn binary(
        &mut self,
        operator: &str,
        left: &Expression,
        right: &Expression,
        context: &[NodeId],
        create: bool,
    ) -> Nodes {
        match operator {
            "|" => {
                let between = self.run(left, context, create)?;
                if between.is_empty() { Ok(vec![]) } else { self.run(right, &between, create) }
            }
            "," => {
                let mut found = self.run(left, context, create)?;
                found.extend(self.run(right, context, create)?);
                Ok(found)
            }
            "=" | "|=" | "+=" | "-=" | "//=" => self.assign(operator, left, right, context),
            sign if sign.starts_with('*') && sign.ends_with('=') => self.assign(operator, left, right, context),
            "and" | "or" => {
                let mut found = vec![];
                for node in context {
                    for a in self.run(left, &[*node], false)? {
                        let a = self.is_true(a);
                        let result = if a == (operator == "or") {
                            a
                        } else {
                            let right = self.run(right, &[*node], false)?;
                            right.first().is_some_and(|b| self.is_true(*b))
                        };
                        found.push(self.tree.add(Node::plain(result.to_string())));
                    }
                }
                Ok(found)
            }
            "//" => {
                let mut found = vec![];
                for node in context {
                    let all = self.run(left, &[*node], create)?;
                    let some: Vec<_> = all.into_iter().filter(|value| self.is_true(*value)).collect();
                    found.extend(if some.is_empty() { self.run(right, &[*node], create)? } else { some });
                }
                Ok(found)
            }
            _ => {
                let mut found = vec![];
                for group in self.groups(context) {
                    let lefts = self.run(left, &group, false)?;
                    let rights = self.run(right, &group, false)?;
                    for a in &lefts {
                        for b in &rights {
                            found.push(self.calculate(operator, *a, *b)?);
                        }
                    }
                    // An operand that gives nothing leaves the other as it is, as in merging what may be missing.
                    if operator.starts_with(['*', '+']) && (lefts.is_empty() != rights.is_empty()) {
                        found.extend(if lefts.is_empty() { rights } else { lefts });
                    }
                }
                Ok(found)
            }
        }
    }

    fn calculate(&mut self, operator: &str, a: NodeId, b: NodeId) -> Result<NodeId, String> {
        if let Some(flags) = operator.strip_prefix('*') {
            let collection = |tree: &Tree, id: NodeId| !matches!(tree[tree.target(id)].content, Content::Scalar(_));
            let null = self.kind(a) == Some(Kind::Null) || self.kind(b) == Some(Kind::Null);
            if collection(self.tree, a) || collection(self.tree, b) || null {
                return merge(self.tree, a, b, Flags::parse(flags));
            }
        }
        operators::calculate(self, operator, a, b)
    }

    /// Changes what the left side names.
    fn assign(&mut self, operator: &str, left: &Expression, right: &Expression, context: &[NodeId]) -> Nodes {
        for group in self.groups(context) {
            let places = self.run(left, &group, true)?;
            let outer = if operator == "|=" { None } else { Some(self.run(right, &group, false)?) };
            for place in places {
                let value = match &outer {
                    None => self.run(right, &[place], false)?.into_iter().next(),
                    Some(values) => values.first().copied(),
                };
                let Some(value) = value else { continue };
                let value = match operator {
                    "=" | "|=" => value,
                    "//=" if self.is_true(place) => continue,
                    "//=" => value,
                    operator => self.calculate(operator.trim_end_matches('='), place, value)?,
                };
                self.set(place, value);
            }
        }
        Ok(context.to_vec())
    }

    /// Makes a node what another is; what is written around it stays.
    pub(crate) fn set(&mut self, place: NodeId, value: NodeId) {
        if let Some(style) = place_of_attribute(self.tree, place) {
            self.set_attribute(place, style, value);
            return;
        }
        if place == value {
            return;
        }
        let copy = self.tree.copy(value);
        let new = self.tree[copy].clone();
        self.tree.touch(place);
        let node = &mut self.tree[place];
        let same_kind = matches!(
            (&node.content, &new.content),
            (Content::Scalar(_), Content::Scalar(_))
                | (Content::Sequence(_), Content::Sequence(_))
                | (Content::Mapping(_), Content::Mapping(_))
        );
        // The quotes of before are kept; a number or a boolean that replaces a string cannot have them.
        let text = matches!(new.kind(), Some(Kind::String) | None);
        if !same_kind || node.style == Style::Plain || !text {
            node.style = new.style;
        }
        if !same_kind {
            node.indent = None;
        }
        node.content = new.content;
        node.tag = if node.tag.as_deref().is_some_and(|tag| tag.starts_with('!') && !tag.starts_with("!!")) && same_kind
        {
            node.tag.take()
        } else {
            new.tag
        };
        node.anchor = new.anchor.or(node.anchor.take());
        node.comment = new.comment.or(node.comment.take());
        self.tree.adopt(place);
    }

    fn set_attribute(&mut self, place: NodeId, (owner, name): (NodeId, String), value: NodeId) {
        let text = self.tree.text(value).unwrap_or_default().to_owned();
        let lines = || -> Vec<String> {
            text.lines().map(|line| if line.is_empty() { String::new() } else { format!("# {line}") }).collect()
        };
        let key = self.tree[owner]
            .parent
            .map(|(parent, key)| if matches!(self.tree[parent].content, Content::Sequence(_)) { owner } else { key });
        self.tree.touch(owner);
        match name.as_str() {
            "style" => {
                self.tree[owner].style = match text.as_str() {
                    "double" => Style::Double,
                    "single" => Style::Single,
                    "literal" => Style::Literal,
                    "folded" => Style::Literal,
                    "flow" => Style::Flow,
                    _ => Style::Plain,
                };
                if text == "tagged" {
                    self.tree[owner].tag.get_or_insert_with(|| "!!str".to_owned());
                }
            }
            "tag" => self.tree[owner].tag = (!text.is_empty()).then_some(text),
            "anchor" => self.tree[owner].anchor = (!text.is_empty()).then_some(text),
            "line_comment" => self.tree[owner].comment = (!text.is_empty()).then(|| format!("# {text}")),
            "head_comment" => self.tree[key.unwrap_or(owner)].head = lines(),
            "foot_comment" => self.tree[key.unwrap_or(owner)].foot = lines(),
            _ => {}
        }
        self.tree[place].content = Content::Scalar(String::new());
    }

    /// Adds a node with content, which is told where it is.
    pub(crate) fn add(&mut self, content: Content) -> NodeId {
        let id = self.tree.add(Node::new(content));
        self.tree.adopt(id);
        id
    }

    /// The place of a key in a node.
    fn at(&mut self, of: NodeId, key: NodeId, create: bool, found: &mut Vec<NodeId>) -> Result<(), String> {
        let node = self.tree.target(of);
        if self.kind(node) == Some(Kind::Null) && create {
            let number = matches!(self.tree[key].kind(), Some(Kind::Int));
            self.tree.touch(node);
            let empty = if number { Content::Sequence(vec![]) } else { Content::Mapping(vec![]) };
            (self.tree[node].content, self.tree[node].tag, self.tree[node].style) = (empty, None, Style::Plain);
        }
        let text = self.tree.text(key).unwrap_or_default().to_owned();
        match self.tree[node].content.clone() {
            Content::Mapping(entries) => {
                if text.contains(['*', '?']) && self.tree.get(node, &text).is_none() {
                    let matching = entries
                        .iter()
                        .filter(|(key, _)| operators::glob(&text, self.tree.text(*key).unwrap_or_default()));
                    found.extend(matching.map(|(_, value)| *value));
                    return Ok(());
                }
                if let Some(value) = self.tree.get(node, &text) {
                    found.push(value);
                    return Ok(());
                }
                let name = self.tree[key].clone();
                let name = Node { head: vec![], foot: vec![], comment: None, parent: None, ..name };
                let key = self.tree.add(name);
                let value = self.tree.add(Node::plain("null"));
                self.tree[value].parent = Some((node, key));
                if create {
                    self.tree.touch(node);
                    if let Content::Mapping(entries) = &mut self.tree[node].content {
                        entries.push((key, value));
                    }
                }
                found.push(value);
            }
            Content::Sequence(items) => {
                if text == "*" {
                    found.extend(items);
                    return Ok(());
                }
                let index: i64 = text.parse().map_err(|_| {
                    format!("cannot index array with '{text}' (strconv.ParseInt: parsing \"{text}\": invalid syntax)")
                })?;
                let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let index = if index < 0 { index + length } else { index };
                if index < 0 {
                    return Err(format!("index [{text}] out of range, array size is {length}"));
                }
                let index = usize::try_from(index).unwrap_or(usize::MAX);
                if let Some(item) = items.get(index) {
                    found.push(*item);
                } else if create {
                    const LONGEST: usize = 1_000_000;
                    if index > LONGEST {
                        return Err(format!("index [{text}] is too large"));
                    }
                    let mut items = items;
                    while items.len() <= index {
                        items.push(self.tree.add(Node::plain("null")));
                    }
                    found.push(items[index]);
                    self.tree.touch(node);
                    self.tree[node].content = Content::Sequence(items);
                    self.tree.adopt(node);
                } else {
                    found.push(self.tree.add(Node::plain("null")));
                }
            }
            Content::Scalar(_) if self.kind(node) == Some(Kind::Null) => {
                let value = self.tree.add(Node::plain("null"));
                found.push(value);
            }
            Content::Scalar(_) if create => {
                // A scalar gives way to what is put into it.
                self.tree.touch(node);
                (self.tree[node].content, self.tree[node].tag, self.tree[node].style) =
                    (Content::Mapping(vec![]), None, Style::Plain);
                return self.at(node, key, create, found);
            }
            Content::Scalar(_) | Content::Alias(..) => {}
        }
        Ok(())
    }

    /// The values of a collection.
    pub(crate) fn children(&self, id: NodeId) -> Nodes {
        match &self.tree[self.tree.target(id)].content {
            Content::Sequence(items) => Ok(items.clone()),
            Content::Mapping(entries) => Ok(entries.iter().map(|(_, value)| *value).collect()),
            Content::Scalar(_) | Content::Alias(..) => Ok(vec![]),
        }
    }

    fn descend(&self, id: NodeId, keys: bool, found: &mut Vec<NodeId>, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err("the document nests too deep".to_owned());
        }
        found.push(id);
        match &self.tree[id].content {
            Content::Sequence(items) => {
                for item in items {
                    self.descend(*item, keys, found, depth + 1)?;
                }
            }
            Content::Mapping(entries) => {
                for (key, value) in entries {
                    if keys {
                        found.push(*key);
                    }
                    self.descend(*value, keys, found, depth + 1)?;
                }
            }
            Content::Scalar(_) | Content::Alias(..) => {}
        }
        Ok(())
    }

    fn slice(
        &mut self,
        of: &Expression,
        from: Option<&Expression>,
        to: Option<&Expression>,
        context: &[NodeId],
    ) -> Nodes {
        let mut slices = vec![];
        for node in self.run(of, context, false)? {
            let Content::Sequence(items) = self.tree[self.tree.target(node)].content.clone() else {
                return Err("only a sequence can be sliced".to_owned());
            };
            let mut bound = |expression: Option<&Expression>, default: usize| -> Result<usize, String> {
                let Some(expression) = expression else { return Ok(default) };
                let value = self.run(expression, context, false)?.first().copied();
                let text = value.and_then(|value| self.tree.text(value)).unwrap_or_default().to_owned();
                let number: i64 = text.parse().map_err(|_| format!("`{text}` is not an index"))?;
                let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let number = if number < 0 { number + length } else { number };
                Ok(usize::try_from(number.clamp(0, length)).unwrap_or(0))
            };
            let (from, to) = (bound(from, 0)?, bound(to, items.len())?);
            let part: Vec<NodeId> = items.get(from..to.max(from)).unwrap_or_default().to_vec();
            let part = part.into_iter().map(|item| self.tree.copy(item)).collect();
            slices.push(self.add(Content::Sequence(part)));
        }
        Ok(slices)
    }

    /// Neither null nor false.
    pub(crate) fn is_true(&self, id: NodeId) -> bool {
        match self.kind(id) {
            Some(Kind::Null) => false,
            Some(Kind::Bool) => {
                self.tree.text(self.tree.target(id)).is_some_and(|text| text.eq_ignore_ascii_case("true"))
            }
            _ => true,
        }
    }

    /// What a scalar means; nothing for collections.
    pub(crate) fn kind(&self, id: NodeId) -> Option<Kind> {
        self.tree[self.tree.target(id)].kind()
    }

    /// A node as text in a string: scalars as they are.
    pub(crate) fn display(&self, id: NodeId) -> Result<String, String> {
        let id = self.tree.target(id);
        match self.tree.text(id) {
            Some(text) => Ok(text.to_owned()),
            None => Ok(super::convert::to_value(self.tree, id)?.to_json()),
        }
    }
}

/// Nodes that stand for attributes of others (`.a style`) carry the owner's place and their name as tag.
pub(crate) const ATTRIBUTE: &str = "attribute:";

fn place_of_attribute(tree: &Tree, id: NodeId) -> Option<(NodeId, String)> {
    let name = tree[id].anchor.as_deref()?.strip_prefix(ATTRIBUTE)?;
    Some((tree[id].parent?.0, name.to_owned()))
}

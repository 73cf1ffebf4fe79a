//! The functions of yq 4.

use fancy_regex::Regex;

use super::convert;
use super::evaluate::{ATTRIBUTE, Evaluator, Nodes};
use super::expression::Expression;
use super::operators;
use crate::jq::{self, Layout, Value};
use crate::yaml::{self, Content, Document, Kind, Node, NodeId, Style, Writing};

impl Evaluator<'_> {
    /// The result of a function.
    pub(crate) fn call(&mut self, name: &str, arguments: &[Expression], context: &[NodeId], create: bool) -> Nodes {
        match (name, arguments) {
            ("select", [condition]) => {
                let mut kept = vec![];
                for node in context {
                    let results = self.run(condition, &[*node], false)?;
                    if results.iter().any(|result| self.is_true(*result)) {
                        kept.push(*node);
                    }
                }
                Ok(kept)
            }
            ("with", [path, change]) => {
                let places = self.run(path, context, true)?;
                for place in places {
                    self.run(change, &[place], false)?;
                }
                Ok(context.to_vec())
            }
            ("del", [path]) => {
                let gone = self.run(path, context, false)?;
                for node in gone {
                    self.remove(node);
                }
                Ok(context.to_vec())
            }
            ("env" | "strenv", [Expression::Literal(variable, _)]) => {
                let value = std::env::var_os(variable).map(|value| value.to_string_lossy().into_owned());
                let value =
                    value.ok_or_else(|| format!("value for env variable '{variable}' not provided in env()"))?;
                if name == "strenv" {
                    return Ok(vec![self.tree.add(Node::string(value))]);
                }
                let documents = yaml::load(&value, self.tree)?;
                Ok(vec![documents.first().map_or_else(|| self.tree.add(Node::plain("")), |document| document.root)])
            }
            ("load" | "load_str" | "strload", [path]) => {
                let mut loaded = vec![];
                for path in self.run(path, context, false)? {
                    let path = self.display(path)?;
                    let text = std::fs::read(&path)
                        .map_err(|error| format!("failed to load {path}: {}", crate::describe(&error)))?;
                    let text = String::from_utf8_lossy(&text).into_owned();
                    if name == "load" {
                        loaded.extend(yaml::load(&text, self.tree)?.into_iter().map(|document| document.root));
                    } else {
                        loaded.push(self.tree.add(Node::string(text)));
                    }
                }
                Ok(loaded)
            }
            ("empty", []) => Ok(vec![]),
            ("first", [] | [_]) => {
                let mut found = vec![];
                for node in context {
                    let all = self.children(*node)?;
                    let condition = arguments.first();
                    for child in all {
                        let holds = match condition {
                            Some(condition) => {
                                self.run(condition, &[child], false)?.iter().any(|result| self.is_true(*result))
                            }
                            None => true,
                        };
                        if holds {
                            found.push(child);
                            break;
                        }
                    }
                }
                Ok(found)
            }
            ("map", [change]) => self.each(context, |evaluator, node| {
                let mut items = vec![];
                for child in evaluator.children(node)? {
                    items.extend(evaluator.run(change, &[child], false)?);
                }
                let items = items.into_iter().map(|item| evaluator.tree.copy(item)).collect();
                Ok(evaluator.add(Content::Sequence(items)))
            }),
            ("filter", [condition]) => self.each(context, |evaluator, node| {
                let mut items = vec![];
                for child in evaluator.children(node)? {
                    if evaluator.run(condition, &[child], false)?.iter().any(|result| evaluator.is_true(*result)) {
                        items.push(evaluator.tree.copy(child));
                    }
                }
                Ok(evaluator.add(Content::Sequence(items)))
            }),
            ("map_values", [change]) => self.each(context, |evaluator, node| {
                let copy = evaluator.tree.copy(node);
                for child in evaluator.children(copy)? {
                    if let Some(new) = evaluator.run(change, &[child], false)?.first().copied() {
                        evaluator.set(child, new);
                    }
                }
                Ok(copy)
            }),
            ("with_entries", [change]) => self.each(context, |evaluator, node| {
                let entries = evaluator.entries(node)?;
                let mut changed = vec![];
                for entry in evaluator.children(entries)? {
                    changed.extend(evaluator.run(change, &[entry], false)?);
                }
                let entries = evaluator.add(Content::Sequence(changed));
                evaluator.map_of_entries(entries)
            }),
            ("sort_by" | "group_by" | "unique_by" | "min_by" | "max_by", [key]) => {
                self.each(context, |evaluator, node| evaluator.ordered(name, node, Some(key)))
            }
            ("sort" | "unique" | "min" | "max", []) => {
                self.each(context, |evaluator, node| evaluator.ordered(name, node, None))
            }
            ("sort_keys", [path]) => {
                for place in self.run(path, context, false)? {
                    if let Content::Mapping(mut entries) = self.tree[place].content.clone() {
                        entries.sort_by_key(|(key, _)| self.tree.text(*key).map(str::to_owned));
                        self.tree.touch(place);
                        self.tree[place].content = Content::Mapping(entries);
                    }
                }
                Ok(context.to_vec())
            }
            ("explode", [path]) => {
                for place in self.run(path, context, false)? {
                    self.explode(place, 0)?;
                }
                Ok(context.to_vec())
            }
            ("any_c" | "all_c", [condition]) => self.each(context, |evaluator, node| {
                let mut results = vec![];
                for child in evaluator.children(node)? {
                    let found = evaluator.run(condition, &[child], false)?;
                    results.push(found.iter().any(|result| evaluator.is_true(*result)));
                }
                let result = if name == "any_c" { results.contains(&true) } else { !results.contains(&false) };
                Ok(evaluator.tree.add(Node::plain(result.to_string())))
            }),
            ("pick" | "omit", [keys]) => self.each(context, |evaluator, node| {
                let mut names = vec![];
                for found in evaluator.run(keys, &[node], false)? {
                    for key in evaluator.children(found)? {
                        names.push(evaluator.display(key)?);
                    }
                }
                let copy = evaluator.tree.copy(node);
                if let Content::Mapping(entries) = evaluator.tree[copy].content.clone() {
                    let named = |key: &NodeId| {
                        evaluator.tree.text(*key).is_some_and(|text| names.iter().any(|name| name == text))
                    };
                    let kept = entries.into_iter().filter(|(key, _)| named(key) == (name == "pick")).collect();
                    evaluator.tree[copy].content = Content::Mapping(kept);
                    evaluator.tree.touch(copy);
                }
                Ok(copy)
            }),
            ("error", [message]) => {
                let message = self.run(message, context, false)?;
                Err(message.first().map_or_else(|| Ok("aborted".to_owned()), |message| self.display(*message))?)
            }
            (name, []) => self.simple(name, context),
            (name, arguments) => {
                let mut results = vec![];
                for node in context {
                    let mut values = vec![];
                    for argument in arguments {
                        let value = self.run(argument, &[*node], create)?;
                        values.push(
                            value.first().copied().ok_or_else(|| format!("an argument of `{name}` gives nothing"))?,
                        );
                    }
                    results.push(self.of_values(name, *node, &values)?);
                }
                Ok(results)
            }
        }
    }

    fn each(
        &mut self,
        context: &[NodeId],
        mut function: impl FnMut(&mut Self, NodeId) -> Result<NodeId, String>,
    ) -> Nodes {
        context.iter().map(|node| function(self, *node)).collect()
    }

    /// Functions without arguments.
    fn simple(&mut self, name: &str, context: &[NodeId]) -> Nodes {
        if name == "document_index" || name == "documentIndex" || name == "di" {
            return self.each(context, |evaluator, node| {
                let index = evaluator.origin(node).map_or(0, |origin| origin.document);
                Ok(evaluator.tree.add(Node::plain(index.to_string())))
            });
        }
        let mut results = vec![];
        for id in context.iter().copied() {
            let target = self.tree.target(id);
            let node = match name {
                "length" => {
                    let length = match &self.tree[target].content {
                        Content::Scalar(_) if self.kind(target) == Some(Kind::Null) => 0,
                        Content::Scalar(text) => text.chars().count(),
                        Content::Sequence(items) => items.len(),
                        Content::Mapping(entries) => entries.len(),
                        Content::Alias(..) => 0,
                    };
                    Node::plain(length.to_string())
                }
                "keys" => {
                    let keys: Vec<NodeId> = match self.tree[target].content.clone() {
                        Content::Mapping(entries) => entries.into_iter().map(|(key, _)| self.tree.copy(key)).collect(),
                        Content::Sequence(items) => {
                            (0..items.len()).map(|at| self.tree.add(Node::plain(at.to_string()))).collect()
                        }
                        _ => {
                            return Err(format!(
                                "cannot get keys of {}, keys only works for maps and arrays",
                                self.tag(target)
                            ));
                        }
                    };
                    for key in &keys {
                        self.bare(*key);
                    }
                    results.push(self.add(Content::Sequence(keys)));
                    continue;
                }
                "to_entries" => {
                    results.push(self.entries(id)?);
                    continue;
                }
                "from_entries" => {
                    results.push(self.map_of_entries(id)?);
                    continue;
                }
                "not" => Node::plain((!self.is_true(id)).to_string()),
                "any" | "all" => {
                    let truths: Vec<bool> = self.children(id)?.into_iter().map(|child| self.is_true(child)).collect();
                    let result = if name == "any" { truths.contains(&true) } else { !truths.contains(&false) };
                    Node::plain(result.to_string())
                }
                "reverse" | "flatten" | "shuffle" if name != "shuffle" => {
                    let items = self.children(id)?;
                    let items =
                        if name == "reverse" { items.into_iter().rev().collect() } else { self.flat(&items, 0)? };
                    let items = items.into_iter().map(|item| self.tree.copy(item)).collect();
                    results.push(self.add(Content::Sequence(items)));
                    continue;
                }
                "last" => {
                    results.extend(self.children(id)?.last());
                    continue;
                }
                "tag" | "type" => {
                    let tag = self.tag(target);
                    self.attribute(id, "tag", &tag)
                }
                "kind" => Node::string(match self.tree[id].content {
                    Content::Scalar(_) => "scalar",
                    Content::Sequence(_) => "seq",
                    Content::Mapping(_) => "map",
                    Content::Alias(..) => "alias",
                }),
                "style" => {
                    let style = match self.tree[id].style {
                        Style::Plain => "",
                        Style::Single => "single",
                        Style::Double => "double",
                        Style::Literal => "literal",
                        Style::Folded => "folded",
                        Style::Flow => "flow",
                    };
                    self.attribute(id, "style", style)
                }
                "anchor" => {
                    let anchor = self.tree[id].anchor.clone().unwrap_or_default();
                    self.attribute(id, "anchor", &anchor)
                }
                "alias" => Node::string(match &self.tree[id].content {
                    Content::Alias(name, _) => name.clone(),
                    _ => String::new(),
                }),
                "line_comment" | "lineComment" => {
                    let comment = self.tree[id].comment.clone().unwrap_or_default();
                    self.attribute(id, "line_comment", comment.trim_start().trim_start_matches('#').trim())
                }
                "head_comment" | "headComment" | "foot_comment" | "footComment" => {
                    let head = name.starts_with("head");
                    let owner = match self.tree[id].parent {
                        Some((parent, key)) if matches!(self.tree[parent].content, Content::Mapping(_)) => key,
                        _ => id,
                    };
                    let lines = if head { &self.tree[owner].head } else { &self.tree[owner].foot };
                    let text: Vec<&str> = lines.iter().map(|line| line.trim_start_matches('#').trim()).collect();
                    let text = text.join("\n").trim().to_owned();
                    self.attribute(id, if head { "head_comment" } else { "foot_comment" }, &text)
                }
                "key" => match self.tree[id].parent {
                    Some((parent, key)) => {
                        let sequence = matches!(self.tree[parent].content, Content::Sequence(_));
                        let text = self.tree.text(key).unwrap_or_default().to_owned();
                        if sequence { Node::plain(text) } else { Node::string(text) }
                    }
                    None => Node::plain("null"),
                },
                "parent" => {
                    results.extend(self.tree[id].parent.map(|(parent, _)| parent));
                    continue;
                }
                "path" => {
                    results.push(self.path(id));
                    continue;
                }
                "filename" | "file_index" | "fileIndex" | "fi" => {
                    let origin = self.origin(id).cloned().unwrap_or_default();
                    if name == "filename" {
                        Node::string(origin.file)
                    } else {
                        Node::plain(origin.file_index.to_string())
                    }
                }
                "upcase" | "ascii_upcase" => Node::string(self.display(id)?.to_uppercase()),
                "downcase" | "ascii_downcase" => Node::string(self.display(id)?.to_lowercase()),
                "trim" => Node::string(self.display(id)?.trim()),
                "to_string" | "tostring" => Node::string(self.display(id)?),
                "to_number" | "tonumber" => Node::plain(self.display(id)?),
                "add" => {
                    let mut sum: Option<NodeId> = None;
                    for child in self.children(id)? {
                        sum = Some(match sum {
                            None => self.tree.copy(child),
                            Some(sum) => operators::calculate(self, "+", sum, child)?,
                        });
                    }
                    results.push(sum.unwrap_or_else(|| self.tree.add(Node::plain("null"))));
                    continue;
                }
                "to_json" | "tojson" | "@json" => {
                    let value = convert::to_value(self.tree, id)?;
                    let spread = name == "to_json" || name == "tojson";
                    let mut text = vec![];
                    let indent = spread.then(|| "  ".to_owned());
                    // Memory takes it.
                    let _ = jq::write(&mut text, &value, &Layout { indent, ..Layout::compact() });
                    Node::string(String::from_utf8_lossy(&text).into_owned() + if spread { "\n" } else { "" })
                }
                "to_yaml" | "toyaml" | "@yaml" => {
                    let document = Document { root: id, explicit: false, head: vec![], foot: vec![] };
                    Node::string(yaml::emit(self.tree, &document, Writing::default()))
                }
                "to_props" | "@props" => Node::string(convert::properties(self.tree, id)),
                "from_yaml" | "fromyaml" | "@yamld" | "from_json" | "fromjson" | "@jsond" => {
                    let text = self.display(id)?;
                    let documents = yaml::load(&text, self.tree)?;
                    let root = documents.first().map(|document| document.root);
                    results.push(root.unwrap_or_else(|| self.tree.add(Node::plain("null"))));
                    continue;
                }
                "@base64" | "@base64d" | "@uri" | "@urid" | "@sh" | "@csv" | "@tsv" => {
                    let value = if name == "@csv" || name == "@tsv" {
                        convert::to_value(self.tree, id)?
                    } else {
                        Value::from(self.display(id)?)
                    };
                    let text = jq::format(name, &value).ok_or_else(|| format!("`{name}` is not supported"))?;
                    Node::string(text)
                }
                "split_doc" | "splitDoc" => {
                    results.push(id);
                    continue;
                }
                "envsubst" => Node::string(substituted(&self.display(id)?)),
                other => return Err(format!("function `{other}` is not supported")),
            };
            results.push(self.tree.add(node));
        }
        Ok(results)
    }

    /// A node that stands for something written around another, so that it can be assigned to.
    fn attribute(&self, owner: NodeId, name: &str, text: &str) -> Node {
        Node { anchor: Some(format!("{ATTRIBUTE}{name}")), parent: Some((owner, owner)), ..Node::string(text) }
    }

    /// Functions of a node and values.
    fn of_values(&mut self, name: &str, node: NodeId, values: &[NodeId]) -> Result<NodeId, String> {
        let texts: Vec<String> = values.iter().map(|value| self.display(*value)).collect::<Result<_, _>>()?;
        let result = match (name, texts.as_slice()) {
            ("has", [key]) => {
                let target = self.tree.target(node);
                let found = match &self.tree[target].content {
                    Content::Mapping(_) => self.tree.get(target, key).is_some(),
                    Content::Sequence(items) => key.parse::<usize>().is_ok_and(|at| at < items.len()),
                    _ => false,
                };
                Node::plain(found.to_string())
            }
            ("split", [separator]) => {
                let text = self.display(node)?;
                let parts: Vec<NodeId> =
                    text.split(separator.as_str()).map(|part| self.tree.add(Node::string(part))).collect();
                return Ok(self.add(Content::Sequence(parts)));
            }
            ("join", [separator]) => {
                let mut parts = vec![];
                for child in self.children(node)? {
                    parts.push(self.display(child)?);
                }
                Node::string(parts.join(separator))
            }
            ("test", [expression]) => {
                let regex = compiled(expression)?;
                let text = self.display(node)?;
                Node::plain(regex.is_match(&text).map_err(|error| error.to_string())?.to_string())
            }
            ("sub", [expression, replacement]) => {
                let regex = compiled(expression)?;
                let text = self.display(node)?;
                Node::string(
                    regex.try_replacen(&text, 0, replacement.as_str()).map_err(|error| error.to_string())?.into_owned(),
                )
            }
            ("contains", [wanted]) => {
                let other = values[0];
                let found = if self.tree.text(self.tree.target(node)).is_some() {
                    self.display(node)?.contains(wanted.as_str())
                } else {
                    self.contains(node, other, 0)
                };
                Node::plain(found.to_string())
            }
            ("flatten", [depth]) => {
                let depth = depth.parse::<usize>().map_err(|_| format!("`{depth}` is not a depth"))?;
                let items = self.children(node)?;
                let items = self.flat_to(&items, depth);
                let items = items.into_iter().map(|item| self.tree.copy(item)).collect();
                return Ok(self.add(Content::Sequence(items)));
            }
            ("to_json", [indent]) => {
                let value = convert::to_value(self.tree, node)?;
                let mut text = vec![];
                let indent = indent
                    .parse::<usize>()
                    .ok()
                    .filter(|count| (1..=16).contains(count))
                    .map(|count| " ".repeat(count));
                // Memory takes it.
                let _ = jq::write(&mut text, &value, &Layout { indent, ..Layout::compact() });
                Node::string(String::from_utf8_lossy(&text).into_owned() + "\n")
            }
            ("parent", [levels]) => {
                let mut at = node;
                for _ in 0..levels.parse::<usize>().unwrap_or(1).min(1000) {
                    at = self.tree[at].parent.map_or(at, |(parent, _)| parent);
                }
                return Ok(at);
            }
            (other, _) => return Err(format!("function `{other}` with {} arguments is not supported", values.len())),
        };
        Ok(self.tree.add(result))
    }

    fn contains(&self, node: NodeId, other: NodeId, depth: usize) -> bool {
        const MAX_DEPTH: usize = 200;
        let (node, other) = (self.tree.target(node), self.tree.target(other));
        if depth > MAX_DEPTH {
            return false;
        }
        match (&self.tree[node].content, &self.tree[other].content) {
            (Content::Sequence(items), Content::Sequence(wanted)) => {
                wanted.iter().all(|wanted| items.iter().any(|item| self.contains(*item, *wanted, depth + 1)))
            }
            (Content::Mapping(_), Content::Mapping(wanted)) => wanted.iter().all(|(key, value)| {
                let found = self.tree.get(node, self.tree.text(*key).unwrap_or_default());
                found.is_some_and(|found| self.contains(found, *value, depth + 1))
            }),
            (Content::Scalar(text), Content::Scalar(wanted)) => text.contains(wanted.as_str()),
            _ => false,
        }
    }

    /// Takes a node out of what it is in.
    pub(crate) fn remove(&mut self, node: NodeId) {
        let Some((parent, _)) = self.tree[node].parent else { return };
        self.tree.touch(parent);
        match &mut self.tree[parent].content {
            Content::Sequence(items) => items.retain(|item| *item != node),
            Content::Mapping(entries) => entries.retain(|(_, value)| *value != node),
            Content::Scalar(_) | Content::Alias(..) => {}
        }
        self.tree.adopt(parent);
    }

    fn entries(&mut self, node: NodeId) -> Result<NodeId, String> {
        let target = self.tree.target(node);
        let pairs: Vec<(NodeId, NodeId)> = match self.tree[target].content.clone() {
            Content::Mapping(entries) => entries,
            Content::Sequence(items) => {
                let items = items.into_iter().enumerate();
                items.map(|(at, item)| (self.tree.add(Node::plain(at.to_string())), item)).collect()
            }
            _ if self.kind(target) == Some(Kind::Null) => vec![],
            _ => return Err(format!("{} has no keys", self.tag(target))),
        };
        let mut items = vec![];
        for (key, value) in pairs {
            let names = [Node::string("key"), Node::string("value")].map(|name| self.tree.add(name));
            let key = self.tree.copy(key);
            self.bare(key);
            let entry = vec![(names[0], key), (names[1], self.tree.copy(value))];
            items.push(self.add(Content::Mapping(entry)));
        }
        Ok(self.add(Content::Sequence(items)))
    }

    /// Takes away what is written around a node.
    fn bare(&mut self, node: NodeId) {
        let node = &mut self.tree[node];
        (node.head, node.foot, node.comment) = (vec![], vec![], None);
    }

    fn map_of_entries(&mut self, node: NodeId) -> Result<NodeId, String> {
        let mut entries = vec![];
        for entry in self.children(node)? {
            let key = self.tree.get(entry, "key").ok_or("from_entries expects entries with `key`")?;
            let value = self.tree.get(entry, "value").unwrap_or_else(|| self.tree.add(Node::plain("null")));
            entries.push((self.tree.copy(key), self.tree.copy(value)));
        }
        Ok(self.add(Content::Mapping(entries)))
    }

    fn flat(&self, items: &[NodeId], depth: usize) -> Nodes {
        const MAX_DEPTH: usize = 200;
        let mut flat = vec![];
        for item in items {
            match &self.tree[self.tree.target(*item)].content {
                Content::Sequence(inner) if depth < MAX_DEPTH => flat.extend(self.flat(inner, depth + 1)?),
                _ => flat.push(*item),
            }
        }
        Ok(flat)
    }

    fn flat_to(&self, items: &[NodeId], depth: usize) -> Vec<NodeId> {
        let mut flat = vec![];
        for item in items {
            match &self.tree[self.tree.target(*item)].content {
                Content::Sequence(inner) if depth > 0 => flat.extend(self.flat_to(inner, depth - 1)),
                _ => flat.push(*item),
            }
        }
        flat
    }

    /// Sorting and what goes with it, by a key or by the items themselves.
    fn ordered(&mut self, name: &str, node: NodeId, key: Option<&Expression>) -> Result<NodeId, String> {
        let mut keyed = vec![];
        for child in self.children(node)? {
            let keys = match key {
                Some(key) => self.run(key, &[child], false)?,
                None => vec![child],
            };
            let keys: Vec<Value> =
                keys.iter().map(|key| convert::to_value(self.tree, *key)).collect::<Result<_, _>>()?;
            keyed.push((keys, child));
        }
        let copies = |evaluator: &mut Self, nodes: Vec<NodeId>| {
            let copies: Vec<NodeId> = nodes.into_iter().map(|node| evaluator.tree.copy(node)).collect();
            evaluator.add(Content::Sequence(copies))
        };
        Ok(match name {
            "sort" | "sort_by" => {
                keyed.sort_by(|a, b| a.0.cmp(&b.0));
                copies(self, keyed.into_iter().map(|(_, node)| node).collect())
            }
            "min" | "min_by" | "max" | "max_by" => {
                keyed.sort_by(|a, b| a.0.cmp(&b.0));
                let found = if name.starts_with("min") { keyed.first() } else { keyed.last() };
                found.map_or_else(|| self.tree.add(Node::plain("null")), |(_, node)| *node)
            }
            _ => {
                // In the order in which the keys first came.
                let mut groups: Vec<(Vec<Value>, Vec<NodeId>)> = vec![];
                for (keys, child) in keyed {
                    match groups.iter_mut().find(|(known, _)| *known == keys) {
                        Some((_, members)) => members.push(child),
                        None => groups.push((keys, vec![child])),
                    }
                }
                if name == "group_by" {
                    let groups = groups.into_iter().map(|(_, members)| copies(self, members)).collect();
                    self.add(Content::Sequence(groups))
                } else {
                    copies(self, groups.into_iter().filter_map(|(_, members)| members.first().copied()).collect())
                }
            }
        })
    }

    /// Puts what aliases and merges stand for in their places.
    fn explode(&mut self, node: NodeId, depth: usize) -> Result<(), String> {
        const MAX_DEPTH: usize = 100;
        if depth > MAX_DEPTH {
            return Err("aliases nest too deep".to_owned());
        }
        self.tree.touch(node);
        if let Content::Alias(_, target) = self.tree[node].content {
            let copy = self.tree.copy(target);
            let new = self.tree[copy].clone();
            let node = &mut self.tree[node];
            (node.content, node.style, node.tag) = (new.content, new.style, new.tag);
        }
        self.tree[node].anchor = None;
        if let Content::Mapping(entries) = self.tree[node].content.clone() {
            let mut own: Vec<(NodeId, NodeId)> = vec![];
            let names: Vec<Option<String>> =
                entries.iter().map(|(key, _)| self.tree.text(*key).map(str::to_owned)).collect();
            for (key, value) in entries {
                if self.tree[key].kind() != Some(Kind::Merge) {
                    own.push((key, value));
                    continue;
                }
                let merged = match &self.tree[self.tree.target(value)].content {
                    Content::Sequence(items) => items.clone(),
                    _ => vec![value],
                };
                for mapping in merged {
                    let copy = self.tree.copy(self.tree.target(mapping));
                    self.explode(copy, depth + 1)?;
                    if let Content::Mapping(inner) = self.tree[copy].content.clone() {
                        let new = inner.into_iter().filter(|(key, _)| {
                            let name = self.tree.text(*key).map(str::to_owned);
                            !names.contains(&name)
                                && !own.iter().any(|(known, _)| self.tree.text(*known) == name.as_deref())
                        });
                        let new: Vec<_> = new.collect();
                        own.extend(new);
                    }
                }
            }
            self.tree[node].content = Content::Mapping(own);
        }
        self.tree.adopt(node);
        for child in self.children(node)? {
            self.explode(child, depth + 1)?;
        }
        Ok(())
    }

    fn path(&mut self, node: NodeId) -> NodeId {
        let mut keys = vec![];
        let mut at = node;
        while let Some((parent, key)) = self.tree[at].parent {
            let sequence = matches!(self.tree[parent].content, Content::Sequence(_));
            let text = self.tree.text(key).unwrap_or_default().to_owned();
            keys.push(if sequence { Node::plain(text) } else { Node::string(text) });
            at = parent;
        }
        let keys = keys.into_iter().rev().map(|key| self.tree.add(key)).collect();
        self.add(Content::Sequence(keys))
    }

    fn origin(&self, node: NodeId) -> Option<&super::evaluate::Origin> {
        let mut at = node;
        while let Some((parent, _)) = self.tree[at].parent {
            at = parent;
        }
        self.origins.get(&at)
    }

    /// The tag of a node, the implied one where none is written.
    pub(crate) fn tag(&self, id: NodeId) -> String {
        let node = &self.tree[self.tree.target(id)];
        if let Some(tag) = &node.tag {
            return tag.clone();
        }
        match (&node.content, node.kind()) {
            (Content::Sequence(_), _) => "!!seq",
            (Content::Mapping(_), _) => "!!map",
            (_, Some(Kind::Null)) => "!!null",
            (_, Some(Kind::Bool)) => "!!bool",
            (_, Some(Kind::Int)) => "!!int",
            (_, Some(Kind::Float)) => "!!float",
            (_, Some(Kind::Merge)) => "!!merge",
            _ => "!!str",
        }
        .to_owned()
    }
}

fn compiled(expression: &str) -> Result<Regex, String> {
    Regex::new(expression).map_err(|error| format!("`{expression}` is not a regular expression: {error}"))
}

/// `$NAME` and `${NAME}` replaced by the environment's values.
fn substituted(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let length = after
                    .find(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
                    .unwrap_or(after.len());
                (&after[..length], length)
            }
        };
        if name.is_empty() {
            result.push('$');
        } else if let Some(value) = std::env::var_os(name) {
            result.push_str(&value.to_string_lossy());
        }
        rest = &after[length..];
    }
    result + rest
}

//! What a copy of a step is, and the parallel step that holds the copies.
//!
//! A copy has the fields of the step, each replaced where the copy says it otherwise. Lists `environment` are put
//! together: of two items with one name the copy's counts. What the step says about all copies together is the parallel
//! step's: its title, `when` (unless a copy has its own), `success_criteria`. The title of a copy of a `matrix` is the name
//! of the step with the values; a copy of a `scale` has a name of its own to be shown.

use std::collections::HashSet;

use super::Weight;
use super::names::Names;
use crate::place::Place;
use crate::schema::{Object, key_text};
use crate::yaml::{Node, Value};

/// The most characters of a value that stand in the title of a copy.
const MAX_SHOWN: usize = 40;

/// What the parallel step has of the step, beside its copies.
const SHARED: &[&str] = &["title", "description", "stage", "fail_fast", "strict_fail_fast", "success_criteria"];

/// A copy of a step.
pub(super) struct Copy {
    /// Its name.
    pub(super) key: Node,
    /// Its fields.
    pub(super) step: Node,
}

/// Field and value of a step, wherever it stands (rule R12).
pub(super) fn field<'n>(step: &'n Node, object: &Object, name: &str) -> Option<(&'n Node, &'n Node)> {
    let find = |holder: &'n Node| holder.entries().find(|(key, _)| object.present_name(key_text(key)) == name);
    find(step).or_else(|| find(step.get("arguments")?))
}

/// How many copies a `scale` or `matrix` asks for; `None` where it is not of the right shape.
pub(super) fn count(name: &str, node: &Node) -> Option<usize> {
    if name == "scale" {
        return node.entries().try_fold(0, |count, (_, copy)| copy.is_mapping().then_some(count + 1));
    }
    node.entries().try_fold(1_usize, |count, (_, values)| {
        let items = values.as_sequence().filter(|items| !items.is_empty())?;
        Some(count.saturating_mul(items.len()))
    })
}

/// What so many copies weigh.
pub(super) fn weigh(name: &str, step: &Node, node: &Node, count: usize) -> Weight {
    let (whole, special) = (Weight::of(step), Weight::of(node));
    // As deep as the step, or what a copy says, which stands one level up.
    let others = step.entries().filter(|(key, _)| key_text(key) != name).map(|(_, value)| Weight::of(value).depth + 1);
    let depth = others.max().unwrap_or(1).max(special.depth.saturating_sub(1));
    let mut all = Weight { depth, ..Weight::default() };
    let mut add = |times: usize, part: Weight| {
        all.nodes = all.nodes.saturating_add(part.nodes.saturating_mul(times));
        all.text = all.text.saturating_add(part.text.saturating_mul(times));
    };
    add(count, Weight { nodes: whole.nodes - special.nodes, text: whole.text - special.text, depth: 0 });
    if name == "scale" {
        add(1, special);
    } else {
        for (_, values) in node.entries() {
            let items = values.as_sequence().map_or(1, <[Node]>::len).max(1);
            add(count / items, Weight::of(values));
        }
    }
    all
}

/// The copies that a `scale` of the right shape asks for, under the names of its entries.
pub(super) fn of_scale(step: &Node, scale: &Node, object: &Object) -> Vec<Copy> {
    let copies = scale.entries().map(|(key, entry)| {
        let own: Vec<(&Node, Node)> = entry.entries().map(|(key, value)| (key, value.clone())).collect();
        let fields = fields_of(step, object, "scale", &own, None);
        Copy { key: key.clone(), step: Node { value: Value::Mapping(fields), span: entry.span } }
    });
    copies.collect()
}

/// The copies that a `matrix` of the right shape asks for: one for each combination of its values, those of its last
/// field changing first.
pub(super) fn of_matrix(key: &Node, step: &Node, matrix: &Node, object: &Object, names: &mut Names) -> Vec<Copy> {
    let fields: Vec<(&Node, &[Node])> =
        matrix.entries().filter_map(|(key, values)| Some((key, values.as_sequence()?))).collect();
    let mut chosen = vec![0; fields.len()];
    let mut copies = Vec::new();
    loop {
        let values = || fields.iter().zip(&chosen).map(|((key, values), at)| (*key, &values[*at]));
        let own: Vec<(&Node, Node)> = values()
            .map(|(key, value)| {
                let lone = object.is_list(object.present_name(key_text(key))) && value.as_sequence().is_none();
                let list = || Node { value: Value::Sequence(vec![value.clone()]), span: value.span };
                (key, if lone { list() } else { value.clone() })
            })
            .collect();
        let told: Vec<String> = values().map(|(_, value)| shown(value)).collect();
        let title = Node { value: Value::String(format!("{} ({})", key_text(key), told.join(", "))), span: key.span };
        let name = names.next(key_text(key));
        copies.push(Copy {
            key: Node { value: Value::String(name), span: key.span },
            step: Node { value: Value::Mapping(fields_of(step, object, "matrix", &own, Some(title))), span: step.span },
        });
        // Counts on, the last field first.
        let Some(at) = (0..fields.len()).rev().find(|at| chosen[*at] + 1 < fields[*at].1.len()) else { return copies };
        chosen[at] += 1;
        chosen[at + 1..].fill(0);
    }
}

/// A value in a title.
fn shown(node: &Node) -> String {
    let text = match &node.value {
        Value::Sequence(items) => {
            let items: Vec<_> = items.iter().map(|item| item.scalar_text().unwrap_or_default()).collect();
            items.join(" ")
        }
        _ => node.scalar_text().unwrap_or_default().into_owned(),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The fields of a copy. `without` is what makes the copies, `own` what the copy says.
fn fields_of(
    step: &Node,
    object: &Object,
    without: &str,
    own: &[(&Node, Node)],
    title: Option<Node>,
) -> Vec<(Node, Node)> {
    let shared_when = !own_when(step, without);
    let kept = |(key, _): &(&Node, &Node)| match object.present_name(key_text(key)) {
        "title" | "success_criteria" => false,
        "when" => !shared_when,
        name => name != without,
    };
    let pairs = |node: &Node| -> Vec<(Node, Node)> {
        node.entries().filter(kept).map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let mut fields = Holders { object, step: pairs(step), arguments: None };
    if let Some(at) = fields.step.iter().position(|(key, value)| key_text(key) == "arguments" && value.is_mapping()) {
        let (key, node) = fields.step.remove(at);
        fields.arguments = Some(Arguments { key, span: node.span, fields: pairs(&node) });
    }
    if let Some(title) = title {
        let key = Node { value: Value::String("title".to_owned()), span: title.span };
        fields.put(&key, title);
    }
    for (key, value) in own {
        if key_text(key) == "arguments" && value.is_mapping() {
            fields.put_arguments(key, value);
        } else {
            fields.put(key, value.clone());
        }
    }
    fields.done()
}

/// Whether copies have a `when` of their own: then it is not the parallel step's.
fn own_when(step: &Node, name: &str) -> bool {
    let has =
        |node: &Node| node.get("when").is_some() || node.get("arguments").is_some_and(|all| all.get("when").is_some());
    let holder = step.get(name).or_else(|| step.get("arguments")?.get(name));
    holder.is_some_and(|node| if name == "scale" { node.entries().any(|(_, copy)| has(copy)) } else { has(node) })
}

/// The fields of a copy while it is made: at the step itself, and under `arguments`.
struct Holders<'o> {
    object: &'o Object,
    step: Vec<(Node, Node)>,
    arguments: Option<Arguments>,
}

struct Arguments {
    key: Node,
    span: Place,
    fields: Vec<(Node, Node)>,
}

impl Holders<'_> {
    fn at(&self, fields: &[(Node, Node)], key: &Node) -> Option<usize> {
        let name = self.object.present_name(key_text(key));
        fields.iter().position(|(key, _)| self.object.present_name(key_text(key)) == name)
    }

    /// Replaces a field where it stands, or adds it to the step.
    fn put(&mut self, key: &Node, value: Node) {
        let under = self.arguments.as_ref().and_then(|arguments| self.at(&arguments.fields, key));
        match (self.at(&self.step, key), under, &mut self.arguments) {
            (Some(at), ..) => replace(&mut self.step[at], key, value),
            (None, Some(at), Some(arguments)) => replace(&mut arguments.fields[at], key, value),
            _ => self.step.push((key.clone(), value)),
        }
    }

    /// Replaces fields under `arguments` where they stand, or adds them there.
    fn put_arguments(&mut self, key: &Node, own: &Node) {
        for (name, value) in own.entries() {
            let under = self.arguments.as_ref().and_then(|arguments| self.at(&arguments.fields, name));
            match (under, self.at(&self.step, name)) {
                (None, Some(at)) => replace(&mut self.step[at], name, value.clone()),
                (at, _) => {
                    let new = || Arguments { key: key.clone(), span: own.span, fields: Vec::new() };
                    let Arguments { fields, .. } = self.arguments.get_or_insert_with(new);
                    match at {
                        Some(at) => replace(&mut fields[at], name, value.clone()),
                        None => fields.push((name.clone(), value.clone())),
                    }
                }
            }
        }
    }

    fn done(self) -> Vec<(Node, Node)> {
        let mut fields = self.step;
        if let Some(Arguments { key, span, fields: arguments }) = self.arguments {
            fields.push((key, Node { value: Value::Mapping(arguments), span }));
        }
        fields
    }
}

/// Replaces a field; of two lists `environment` it makes one (rule P13).
fn replace(entry: &mut (Node, Node), key: &Node, value: Node) {
    let merged = (key_text(key) == "environment").then(|| environment(&entry.1, &value)).flatten();
    *entry = (key.clone(), merged.unwrap_or(value));
}

/// The step's items, but for those whose name the copy has too, then the copy's. What is no list stays, so that it is
/// told.
fn environment(step: &Node, copy: &Node) -> Option<Node> {
    let Some(shared) = step.as_sequence() else { return Some(step.clone()) };
    let own = copy.as_sequence()?;
    let name = |item: &Node| item.as_str().map(|item| item.split_once('=').map_or(item, |(name, _)| name).to_owned());
    let names: HashSet<String> = own.iter().filter_map(name).collect();
    let kept = shared.iter().filter(|item| name(item).is_none_or(|name| !names.contains(&name)));
    Some(Node { value: Value::Sequence(kept.chain(own).cloned().collect()), span: copy.span })
}

/// The parallel step that holds the copies of a step. `name` stands there and made them.
pub(super) fn group(step: &Node, object: &Object, name: &str, place: Place, copies: Vec<Copy>) -> Node {
    let text = |text: &str| Node { value: Value::String(text.to_owned()), span: place };
    let mut fields: Vec<(Node, Node)> = SHARED
        .iter()
        .copied()
        .chain((!own_when(step, name)).then_some("when"))
        .filter_map(|name| field(step, object, name))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let copies = copies.into_iter().map(|Copy { key, step }| (key, step)).collect();
    fields.push((text("type"), text("parallel")));
    fields.push((text("steps"), Node { value: Value::Mapping(copies), span: place }));
    Node { value: Value::Mapping(fields), span: step.span }
}

//! A tree as a list of its nodes, each before those inside of it: what is read from a stranger must not recurse.

use serde::{Deserialize, Serialize};
use stepbox_pipeline::Place;
use stepbox_pipeline::yaml::{MAX_DEPTH, MAX_NODES, Node, Value};

use crate::places::Places;
use crate::wire::Stretch;

/// A node without those inside of it.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct FlatNode {
    value: FlatValue,
    place: Stretch,
}

/// What a node is; of a collection, how many items or pairs follow.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
enum FlatValue {
    Null,
    Bool(bool),
    Integer { value: i64, source: String },
    Float { value: f64, source: String },
    String(String),
    Sequence(u32),
    Mapping(u32),
}

/// Why a list of nodes is no tree of a text.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum NoTree {
    #[error("more than {MAX_NODES} nodes")]
    TooMany,
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("a place outside of the text")]
    Place,
    #[error("a key that is no scalar")]
    Key,
    #[error("it ends too early or too late")]
    Count,
}

pub(crate) fn stretch(place: Place) -> Stretch {
    // Texts are shorter than 4 GiB.
    (place.offset as u32, place.length as u32)
}

/// The nodes of a tree. The tree is at most [`MAX_DEPTH`] deep.
pub(crate) fn flatten(root: Node) -> Vec<FlatNode> {
    let mut flat = vec![];
    put(root, &mut flat);
    flat
}

fn put(node: Node, flat: &mut Vec<FlatNode>) {
    let place = stretch(node.span);
    let mut one = |value| flat.push(FlatNode { value, place });
    match node.value {
        Value::Null => one(FlatValue::Null),
        Value::Bool(value) => one(FlatValue::Bool(value)),
        Value::Integer { value, source } => one(FlatValue::Integer { value, source }),
        Value::Float { value, source } => one(FlatValue::Float { value, source }),
        Value::String(text) => one(FlatValue::String(text)),
        Value::Sequence(items) => {
            one(FlatValue::Sequence(items.len() as u32));
            items.into_iter().for_each(|item| put(item, flat));
        }
        Value::Mapping(pairs) => {
            one(FlatValue::Mapping(pairs.len() as u32));
            for (key, value) in pairs {
                put(key, flat);
                put(value, flat);
            }
        }
    }
}

/// A collection that is not complete.
struct Open {
    span: Place,
    /// How many nodes it still wants, keys among them.
    wanted: u64,
    inside: Inside,
}

enum Inside {
    Sequence(Vec<Node>),
    Mapping { pairs: Vec<(Node, Node)>, key: Option<Node> },
}

/// The tree of a text again.
pub(crate) fn rebuild(text: &str, flat: Vec<FlatNode>) -> Result<Node, NoTree> {
    if flat.len() > MAX_NODES {
        return Err(NoTree::TooMany);
    }
    let places = Places::new(text);
    let (mut open, mut root): (Vec<Open>, Option<Node>) = (vec![], None);
    for FlatNode { value, place } in flat {
        if root.is_some() {
            return Err(NoTree::Count);
        }
        let span = places.at(place).ok_or(NoTree::Place)?;
        let value = match value {
            FlatValue::Null => Value::Null,
            FlatValue::Bool(value) => Value::Bool(value),
            FlatValue::Integer { value, source } => Value::Integer { value, source },
            FlatValue::Float { value, source } => Value::Float { value, source },
            FlatValue::String(text) => Value::String(text),
            FlatValue::Sequence(0) => Value::Sequence(vec![]),
            FlatValue::Mapping(0) => Value::Mapping(vec![]),
            FlatValue::Sequence(count) => {
                begin(&mut open, Open { span, wanted: count.into(), inside: Inside::Sequence(vec![]) })?;
                continue;
            }
            FlatValue::Mapping(count) => {
                let inside = Inside::Mapping { pairs: vec![], key: None };
                begin(&mut open, Open { span, wanted: u64::from(count) * 2, inside })?;
                continue;
            }
        };
        root = finish(&mut open, Node { value, span })?;
    }
    root.ok_or(NoTree::Count)
}

fn begin(open: &mut Vec<Open>, one: Open) -> Result<(), NoTree> {
    if matches!(open.last(), Some(Open { inside: Inside::Mapping { key: None, .. }, .. })) {
        return Err(NoTree::Key);
    }
    if open.len() >= MAX_DEPTH {
        return Err(NoTree::TooDeep);
    }
    open.push(one);
    Ok(())
}

/// Puts a complete node into the collection that is open, and completes those that it completes; the root when it is that.
fn finish(open: &mut Vec<Open>, mut node: Node) -> Result<Option<Node>, NoTree> {
    loop {
        let Some(mut outer) = open.pop() else { return Ok(Some(node)) };
        outer.wanted -= 1;
        match &mut outer.inside {
            Inside::Sequence(items) => items.push(node),
            Inside::Mapping { pairs, key } => match key.take() {
                Some(key) => pairs.push((key, node)),
                None if node.scalar_text().is_some() => *key = Some(node),
                None => return Err(NoTree::Key),
            },
        }
        if outer.wanted > 0 {
            open.push(outer);
            return Ok(None);
        }
        let value = match outer.inside {
            Inside::Sequence(items) => Value::Sequence(items),
            Inside::Mapping { pairs, .. } => Value::Mapping(pairs),
        };
        node = Node { value, span: outer.span };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stepbox_pipeline::yaml::parse;

    use super::*;

    fn node(value: FlatValue) -> FlatNode {
        FlatNode { value, place: (0, 0) }
    }

    #[test]
    fn a_tree_comes_back_as_it_was_with_every_place() {
        let long = "é".repeat(200);
        for text in [
            "",
            "a",
            "- 1\n- 2.5\n- ~\n- true\n- {a: [], b: {}}\n",
            "version: '1.0'\nsteps:\n  a:\n    commands:\n      - |\n        grüße\n      - échö 1\n    x: &a [1, {y: z}]\n    q: *a\n",
            "\u{feff}a: b\r\nc: ä\r\n",
            &format!("{long}: [{long}, {long}]\nb: {long}"),
        ] {
            let tree = parse(text).expect("YAML");
            assert_eq!(rebuild(text, flatten(tree.clone())).as_ref(), Ok(&tree), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        let deep: Vec<_> = (0..=MAX_DEPTH).map(|_| node(FlatValue::Sequence(1))).collect();
        let many: Vec<_> = (0..=MAX_NODES).map(|_| node(FlatValue::Null)).collect();
        let far = |place| vec![FlatNode { value: FlatValue::Null, place }];
        for (flat, expected) in [
            (deep, NoTree::TooDeep),
            (many, NoTree::TooMany),
            (far((4, 0)), NoTree::Place),
            (far((0, u32::MAX)), NoTree::Place),
            (far((1, 0)), NoTree::Place),
            (vec![], NoTree::Count),
            (vec![node(FlatValue::Null), node(FlatValue::Null)], NoTree::Count),
            (vec![node(FlatValue::Sequence(u32::MAX)), node(FlatValue::Null)], NoTree::Count),
            (vec![node(FlatValue::Mapping(1)), node(FlatValue::Sequence(1))], NoTree::Key),
            (vec![node(FlatValue::Mapping(1)), node(FlatValue::Sequence(0)), node(FlatValue::Null)], NoTree::Key),
        ] {
            assert_eq!(rebuild("äb", flat), Err(expected));
        }
    }

    proptest! {
        #[test]
        fn places_are_those_of_the_reader(text in "[a-zé\\n:\\- \\[\\]{},]{0,200}") {
            if let Ok(tree) = parse(&text) {
                prop_assert_eq!(rebuild(&text, flatten(tree.clone())).expect("a tree"), tree);
            }
        }
    }
}

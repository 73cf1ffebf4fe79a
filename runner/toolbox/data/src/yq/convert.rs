//! Between trees of YAML and values of JSON.

use std::rc::Rc;

use crate::jq::{Map, Number, Value};
use crate::yaml::{Content, Kind, Node, NodeId, Style, Tree};

/// The most values that aliases may expand to.
const MAX_VALUES: usize = 2_000_000;

/// A node as a value, aliases and merges expanded. The error is a message.
pub(crate) fn to_value(tree: &Tree, id: NodeId) -> Result<Value, String> {
    let mut count = 0;
    value(tree, id, &mut count, 0)
}

fn value(tree: &Tree, id: NodeId, count: &mut usize, depth: usize) -> Result<Value, String> {
    const MAX_DEPTH: usize = 300;
    *count += 1;
    if *count > MAX_VALUES || depth > MAX_DEPTH {
        return Err(format!("the document expands to more than {MAX_VALUES} values or nests too deep"));
    }
    let node = &tree[id];
    Ok(match &node.content {
        Content::Alias(_, target) => value(tree, *target, count, depth + 1)?,
        Content::Scalar(text) => scalar(text, node.kind().unwrap_or(Kind::String)),
        Content::Sequence(items) => {
            Value::array(items.iter().map(|item| value(tree, *item, count, depth + 1)).collect::<Result<_, _>>()?)
        }
        Content::Mapping(entries) => {
            // What is merged comes first, and gives way to the mapping's own entries.
            let mut map = Map::default();
            let mut merged = vec![];
            let mut own = vec![];
            for (key, inner) in entries {
                let name = tree.text(tree.target(*key)).unwrap_or_default();
                let inner = value(tree, *inner, count, depth + 1)?;
                if tree[*key].kind() == Some(Kind::Merge) {
                    merged.push(inner);
                } else {
                    own.push((Rc::from(name), inner));
                }
            }
            for inner in merged {
                let maps = match inner {
                    Value::Array(items) => items.to_vec(),
                    other => vec![other],
                };
                for inner in maps {
                    let Value::Object(inner) = inner else {
                        return Err("map merge requires map or sequence of maps as the value".to_owned());
                    };
                    for (name, value) in inner.iter() {
                        map.entry(Rc::clone(name)).or_insert_with(|| value.clone());
                    }
                }
            }
            map.extend(own);
            Value::object(map)
        }
    })
}

/// A scalar of a kind as a value.
pub(crate) fn scalar(text: &str, kind: Kind) -> Value {
    match kind {
        Kind::Null => Value::Null,
        Kind::Bool => Value::Bool(text.eq_ignore_ascii_case("true")),
        Kind::Int | Kind::Float => number(text).unwrap_or_else(|| Value::text(text)),
        Kind::String | Kind::Merge => Value::text(text),
    }
}

fn number(text: &str) -> Option<Value> {
    let (sign, digits) =
        text.strip_prefix('-').map_or((1.0, text.strip_prefix('+').unwrap_or(text)), |rest| (-1.0, rest));
    for (prefix, base) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            return u64::from_str_radix(digits, base).ok().map(|value| Value::from(value as f64 * sign));
        }
    }
    match digits.to_ascii_lowercase().as_str() {
        ".inf" => return Some(Value::from(f64::INFINITY * sign)),
        ".nan" => return Some(Value::from(f64::NAN)),
        _ => {}
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    // JSON wants digits on both sides of the point.
    let padded =
        if digits.starts_with('.') || digits.ends_with('.') { text.parse::<f64>().ok().map(Value::from) } else { None };
    padded.or_else(|| Number::parse(text).map(Value::Number))
}

/// A value as a node.
pub(crate) fn from_value(tree: &mut Tree, value: &Value) -> NodeId {
    let node = match value {
        Value::Null => Node::plain("null"),
        Value::Bool(value) => Node::plain(value.to_string()),
        Value::Number(number) => Node::plain(number.text()),
        Value::String(text) => {
            let style = if text.contains('\n') { Style::Literal } else { Style::Plain };
            Node { style, ..Node::string(&**text) }
        }
        Value::Array(items) => Node::new(Content::Sequence(items.iter().map(|item| from_value(tree, item)).collect())),
        Value::Object(map) => {
            let entries = map.iter().map(|(name, value)| {
                let key = tree.add(Node::string(&**name));
                (key, from_value(tree, value))
            });
            Node::new(Content::Mapping(entries.collect()))
        }
    };
    let id = tree.add(node);
    tree.adopt(id);
    id
}

/// The lines of a properties file.
pub(crate) fn properties(tree: &Tree, id: NodeId) -> String {
    let mut text = String::new();
    add_properties(tree, id, "", &mut text);
    text
}

fn add_properties(tree: &Tree, id: NodeId, path: &str, text: &mut String) {
    let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let id = tree.target(id);
    match &tree[id].content {
        Content::Scalar(value) => text.push_str(&format!("{path} = {value}\n")),
        Content::Sequence(items) => {
            for (at, item) in items.iter().enumerate() {
                add_properties(tree, *item, &join(&at.to_string()), text);
            }
        }
        Content::Mapping(entries) => {
            for (key, value) in entries {
                add_properties(tree, *value, &join(tree.text(*key).unwrap_or_default()), text);
            }
        }
        Content::Alias(..) => {}
    }
}

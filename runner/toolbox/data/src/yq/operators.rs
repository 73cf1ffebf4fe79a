//! Arithmetic and comparison of yq 4.

use super::evaluate::Evaluator;
use crate::yaml::{Content, Kind, Node, NodeId};

/// Whether a text fits a pattern with `*` and `?`.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut from, mut star) = (0, 0, None);
    while from < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(character) if *character == '?' || *character == text[from] => {
                at += 1;
                from += 1;
            }
            _ => match &mut star {
                Some((place, begin)) => {
                    *begin += 1;
                    (at, from) = (*place + 1, *begin);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|character| *character == '*')
}

fn number(text: &str) -> Option<f64> {
    match super::convert::scalar(text, Kind::Float) {
        crate::jq::Value::Number(number) => Some(number.value()),
        _ => None,
    }
}

/// A number as Go prints it.
fn shown(value: f64, whole: bool) -> String {
    if whole && value.fract() == 0.0 && value.abs() < 1e18 { format!("{value:.0}") } else { value.to_string() }
}

/// The result of an operator of two nodes.
pub(crate) fn calculate(evaluator: &mut Evaluator<'_>, operator: &str, a: NodeId, b: NodeId) -> Result<NodeId, String> {
    let tree = &mut *evaluator.tree;
    let (a, b) = (tree.target(a), tree.target(b));
    match operator {
        "==" | "!=" => {
            let equal = equal(evaluator, a, b, 0);
            return Ok(evaluator.tree.add(Node::plain((equal == (operator == "==")).to_string())));
        }
        "<" | ">" | "<=" | ">=" => {
            let order = compare(evaluator, a, b)?;
            let holds = match operator {
                "<" => order.is_lt(),
                ">" => order.is_gt(),
                "<=" => order.is_le(),
                _ => order.is_ge(),
            };
            return Ok(evaluator.tree.add(Node::plain(holds.to_string())));
        }
        _ => {}
    }
    match (tree[a].content.clone(), tree[b].content.clone()) {
        (Content::Sequence(mut items), other) if operator == "+" => {
            match other {
                Content::Sequence(others) => items.extend(others),
                Content::Scalar(_) if tree[b].kind() == Some(Kind::Null) => {}
                _ => items.push(b),
            }
            let items: Vec<NodeId> = items.into_iter().map(|item| tree.copy(item)).collect();
            let style = tree[a].style;
            let sum = evaluator.add(Content::Sequence(items));
            evaluator.tree[sum].style = style;
            Ok(sum)
        }
        (Content::Mapping(_), Content::Mapping(_)) if operator == "+" => {
            super::merge::merge(tree, a, b, super::merge::Flags::default())
        }
        (Content::Sequence(items), Content::Sequence(others)) if operator == "-" => {
            let kept: Vec<NodeId> = items
                .into_iter()
                .filter(|item| !others.iter().any(|other| equal(evaluator, *item, *other, 0)))
                .collect();
            let kept = kept.into_iter().map(|item| evaluator.tree.copy(item)).collect();
            Ok(evaluator.add(Content::Sequence(kept)))
        }
        (Content::Scalar(left), Content::Scalar(right)) => scalars(evaluator, operator, (a, &left), (b, &right)),
        (_, Content::Scalar(_)) if operator == "+" && tree[b].kind() == Some(Kind::Null) => Ok(tree.copy(a)),
        (Content::Scalar(_), _) if operator == "+" && tree[a].kind() == Some(Kind::Null) => Ok(tree.copy(b)),
        _ => Err(format!("{} cannot be used with {} and {}", operator, evaluator.tag(a), evaluator.tag(b))),
    }
}

fn scalars(
    evaluator: &mut Evaluator<'_>,
    operator: &str,
    (a, left): (NodeId, &str),
    (b, right): (NodeId, &str),
) -> Result<NodeId, String> {
    let (kind_a, kind_b) = (evaluator.kind(a), evaluator.kind(b));
    let is_number = |kind| matches!(kind, Some(Kind::Int | Kind::Float));
    let node = match operator {
        "+" if kind_a == Some(Kind::Null) => return Ok(evaluator.tree.copy(b)),
        "+" if kind_b == Some(Kind::Null) => return Ok(evaluator.tree.copy(a)),
        "+" if !(is_number(kind_a) && is_number(kind_b)) => {
            let style = evaluator.tree[a].style;
            Node { style, ..Node::string(format!("{left}{right}")) }
        }
        "/" if kind_a == Some(Kind::String) && kind_b == Some(Kind::String) => {
            let parts: Vec<NodeId> = left.split(right).map(|part| evaluator.tree.add(Node::string(part))).collect();
            return Ok(evaluator.add(Content::Sequence(parts)));
        }
        "*" if kind_a == Some(Kind::String) && is_number(kind_b) => {
            let times = number(right).unwrap_or(0.0).max(0.0) as usize;
            if left.len().saturating_mul(times) > 64 << 20 {
                return Err("the repeated string is too long".to_owned());
            }
            Node::string(left.repeat(times))
        }
        _ => {
            let (Some(x), Some(y)) =
                (number(left).filter(|_| is_number(kind_a)), number(right).filter(|_| is_number(kind_b)))
            else {
                return Err(format!(
                    "{} ({}) cannot be calculated with {} ({})",
                    evaluator.tag(a),
                    left,
                    evaluator.tag(b),
                    right
                ));
            };
            let whole = kind_a == Some(Kind::Int) && kind_b == Some(Kind::Int);
            let value = match operator {
                "+" => x + y,
                "-" => x - y,
                "*" => x * y,
                "/" => x / y,
                "%" if y == 0.0 => return Err("cannot modulo by 0".to_owned()),
                "%" => x % y,
                other => return Err(format!("operator `{other}` is not supported")),
            };
            Node::plain(shown(value, whole))
        }
    };
    let node = Node { comment: evaluator.tree[a].comment.clone(), ..node };
    Ok(evaluator.tree.add(node))
}

/// Whether two nodes are equal; the second of two scalars may be a pattern.
pub(crate) fn equal(evaluator: &Evaluator<'_>, a: NodeId, b: NodeId, depth: usize) -> bool {
    const MAX_DEPTH: usize = 200;
    let tree = &evaluator.tree;
    let (a, b) = (tree.target(a), tree.target(b));
    match (&tree[a].content, &tree[b].content) {
        (Content::Scalar(left), Content::Scalar(right)) => {
            let (kind_a, kind_b) = (evaluator.kind(a), evaluator.kind(b));
            if kind_a == Some(Kind::Null) || kind_b == Some(Kind::Null) {
                return kind_a == kind_b;
            }
            let numbers =
                matches!(kind_a, Some(Kind::Int | Kind::Float)) && matches!(kind_b, Some(Kind::Int | Kind::Float));
            if numbers { number(left) == number(right) } else { glob(right, left) }
        }
        (Content::Sequence(left), Content::Sequence(right)) => {
            depth < MAX_DEPTH
                && left.len() == right.len()
                && left.iter().zip(right).all(|(a, b)| equal(evaluator, *a, *b, depth + 1))
        }
        (Content::Mapping(left), Content::Mapping(right)) => {
            depth < MAX_DEPTH
                && left.len() == right.len()
                && left.iter().all(|(key, value)| {
                    let name = tree.text(*key).unwrap_or_default();
                    tree.get(b, name).is_some_and(|other| equal(evaluator, *value, other, depth + 1))
                })
        }
        _ => false,
    }
}

/// The order of two scalars.
pub(crate) fn compare(evaluator: &Evaluator<'_>, a: NodeId, b: NodeId) -> Result<std::cmp::Ordering, String> {
    let text = |id: NodeId| evaluator.tree.text(evaluator.tree.target(id)).map(str::to_owned);
    let (Some(left), Some(right)) = (text(a), text(b)) else { return Err("collections cannot be compared".to_owned()) };
    let numeric = |id: NodeId| matches!(evaluator.kind(id), Some(Kind::Int | Kind::Float));
    match (number(&left).filter(|_| numeric(a)), number(&right).filter(|_| numeric(b))) {
        (Some(x), Some(y)) => Ok(x.partial_cmp(&y).unwrap_or(std::cmp::Ordering::Equal)),
        _ => Ok(left.cmp(&right)),
    }
}

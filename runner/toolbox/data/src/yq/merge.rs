use crate::yaml::{Content, Kind, NodeId, Tree};

/// How `*` merges: the letters behind it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    /// Sequences are joined (`+`).
    append: bool,
    /// Sequences are merged item by item (`d`).
    deep: bool,
    /// Only what is there already (`?`).
    existing: bool,
    /// Only what is not there yet (`n`).
    new: bool,
}

impl Flags {
    /// Of the text behind `*`.
    pub(crate) fn parse(text: &str) -> Self {
        Self {
            append: text.contains('+'),
            deep: text.contains('d'),
            existing: text.contains('?'),
            new: text.contains('n'),
        }
    }
}

/// A copy of the first with the second merged into it.
pub(crate) fn merge(tree: &mut Tree, a: NodeId, b: NodeId, flags: Flags) -> Result<NodeId, String> {
    let (a, b) = (tree.target(a), tree.target(b));
    if tree[b].kind() == Some(Kind::Null) {
        return Ok(tree.copy(a));
    }
    if tree[a].kind() == Some(Kind::Null) {
        return Ok(tree.copy(b));
    }
    let merged = tree.copy(a);
    into(tree, merged, b, flags, 0)?;
    Ok(merged)
}

fn into(tree: &mut Tree, a: NodeId, b: NodeId, flags: Flags, depth: usize) -> Result<(), String> {
    const MAX_DEPTH: usize = 300;
    if depth > MAX_DEPTH {
        return Err("the documents nest too deep to be merged".to_owned());
    }
    let b = tree.target(b);
    match (tree[a].content.clone(), tree[b].content.clone()) {
        (Content::Mapping(mut entries), Content::Mapping(others)) => {
            for (key, value) in others {
                let name = tree.text(tree.target(key)).unwrap_or_default().to_owned();
                let found = entries
                    .iter()
                    .find(|(key, _)| tree.text(tree.target(*key)) == Some(&name))
                    .map(|(_, value)| *value);
                match found {
                    Some(place) => {
                        let both = matches!(
                            (&tree[tree.target(place)].content, &tree[tree.target(value)].content),
                            (Content::Mapping(_), Content::Mapping(_)) | (Content::Sequence(_), Content::Sequence(_))
                        );
                        if both {
                            let place = tree.target(place);
                            into(tree, place, value, flags, depth + 1)?;
                        } else if !flags.new {
                            replace(tree, place, value);
                        }
                    }
                    None if flags.existing => {}
                    None => {
                        let key = tree.copy(key);
                        entries.push((key, tree.copy(value)));
                    }
                }
            }
            tree[a].content = Content::Mapping(entries);
        }
        (Content::Sequence(mut items), Content::Sequence(others)) if flags.append || flags.deep => {
            for (at, other) in others.into_iter().enumerate() {
                match items.get(at).copied().filter(|_| flags.deep) {
                    Some(item) if matches!(tree[item].content, Content::Scalar(_)) => replace(tree, item, other),
                    Some(item) => into(tree, item, other, flags, depth + 1)?,
                    None => items.push(tree.copy(other)),
                }
            }
            tree[a].content = Content::Sequence(items);
        }
        _ if flags.new => {}
        _ => replace(tree, a, b),
    }
    tree.adopt(a);
    tree.touch(a);
    Ok(())
}

/// Makes a node what another is; comments of before stay where there are no new ones.
fn replace(tree: &mut Tree, place: NodeId, value: NodeId) {
    let copy = tree.copy(value);
    let new = tree[copy].clone();
    tree.touch(place);
    let node = &mut tree[place];
    if !new.head.is_empty() {
        node.head = new.head;
    }
    node.comment = new.comment.or(node.comment.take());
    (node.content, node.style, node.tag, node.source) = (new.content, new.style, new.tag, new.source);
    tree.adopt(place);
}

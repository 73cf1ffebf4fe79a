/// A node's number in its [`Tree`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct NodeId(usize);

/// How a node is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Style {
    /// Plain, or block where it is a collection.
    #[default]
    Plain,
    Single,
    Double,
    Literal,
    Folded,
    Flow,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Scalar(String),
    Sequence(Vec<NodeId>),
    /// Keys and values in their order.
    Mapping(Vec<(NodeId, NodeId)>),
    /// The name of an anchor, and the node that has it.
    Alias(String, NodeId),
}

/// A node with all that is written around it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) content: Content,
    pub(crate) style: Style,
    /// As written, `!!str` or `!own`.
    pub(crate) tag: Option<String>,
    pub(crate) anchor: Option<String>,
    /// Lines above, comments with their `#`; empty ones are empty lines.
    pub(crate) head: Vec<String>,
    /// The comment on the same line.
    pub(crate) comment: Option<String>,
    /// Lines below.
    pub(crate) foot: Vec<String>,
    /// The text it was read from, while nothing about it was changed.
    pub(crate) source: Option<String>,
    /// How many columns a block collection stands to the right of what it is in.
    pub(crate) indent: Option<usize>,
    /// Where it is: the collection, and its key in there.
    pub(crate) parent: Option<(NodeId, NodeId)>,
}

impl Node {
    /// A node with nothing around it.
    pub(crate) fn new(content: Content) -> Self {
        Self {
            content,
            style: Style::default(),
            tag: None,
            anchor: None,
            head: vec![],
            comment: None,
            foot: vec![],
            source: None,
            indent: None,
            parent: None,
        }
    }

    /// A plain scalar.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::new(Content::Scalar(text.into()))
    }

    /// A string, whatever its text looks like.
    pub(crate) fn string(text: impl Into<String>) -> Self {
        Self { tag: Some("!!str".to_owned()), ..Self::plain(text) }
    }
}

/// The nodes of some documents.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

impl std::ops::Index<NodeId> for Tree {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }
}

impl std::ops::IndexMut<NodeId> for Tree {
    fn index_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0]
    }
}

impl Tree {
    /// How many nodes were made.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Adds a node.
    pub(crate) fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }

    /// The node that an alias stands for, or the node itself.
    pub(crate) fn target(&self, mut id: NodeId) -> NodeId {
        // An alias can only name what was begun before it.
        while let Content::Alias(_, target) = self[id].content {
            id = target;
        }
        id
    }

    /// A copy with all that is in it, without a place.
    pub(crate) fn copy(&mut self, id: NodeId) -> NodeId {
        let mut node = self[id].clone();
        node.parent = None;
        // What stands for an attribute of another node is a plain string once it is copied.
        node.anchor = node.anchor.filter(|anchor| !anchor.starts_with(crate::yq::ATTRIBUTE));
        let copy = self.add(node);
        let content = match self[id].content.clone() {
            Content::Sequence(items) => Content::Sequence(items.into_iter().map(|item| self.copy(item)).collect()),
            Content::Mapping(entries) => {
                Content::Mapping(entries.into_iter().map(|(key, value)| (self.copy(key), self.copy(value))).collect())
            }
            other => other,
        };
        self[copy].content = content;
        self.adopt(copy);
        copy
    }

    /// Tells the children of a node where they are.
    pub(crate) fn adopt(&mut self, id: NodeId) {
        match self[id].content.clone() {
            Content::Sequence(items) => {
                for (at, item) in items.into_iter().enumerate() {
                    let key = match self[item].parent {
                        Some((parent, key)) if parent == id => {
                            self[key].content = Content::Scalar(at.to_string());
                            key
                        }
                        _ => self.add(Node::plain(at.to_string())),
                    };
                    self[item].parent = Some((id, key));
                }
            }
            Content::Mapping(entries) => {
                for (key, value) in entries {
                    self[value].parent = Some((id, key));
                }
            }
            Content::Scalar(_) | Content::Alias(..) => {}
        }
    }

    /// Notes that a node was changed: what it was read from, and what it is in, counts no more.
    pub(crate) fn touch(&mut self, id: NodeId) {
        let mut next = Some(id);
        while let Some(id) = next {
            self[id].source = None;
            next = self[id].parent.map(|(parent, _)| parent);
        }
    }

    /// The text of a scalar.
    pub(crate) fn text(&self, id: NodeId) -> Option<&str> {
        match &self[id].content {
            Content::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a key, those of merged mappings (`<<`) last.
    pub(crate) fn get(&self, mapping: NodeId, name: &str) -> Option<NodeId> {
        const DEEPEST: usize = 32;
        self.get_within(mapping, name, DEEPEST)
    }

    fn get_within(&self, mapping: NodeId, name: &str, depth: usize) -> Option<NodeId> {
        let Content::Mapping(entries) = &self[self.target(mapping)].content else { return None };
        let own = entries.iter().find(|(key, _)| self.text(*key) == Some(name));
        if let Some((_, value)) = own {
            return Some(*value);
        }
        let depth = depth.checked_sub(1)?;
        let merged = entries.iter().filter(|(key, _)| self.text(*key) == Some("<<"));
        merged
            .flat_map(|(_, value)| match &self[self.target(*value)].content {
                Content::Sequence(items) => items.clone(),
                _ => vec![*value],
            })
            .find_map(|mapping| self.get_within(mapping, name, depth))
    }
}

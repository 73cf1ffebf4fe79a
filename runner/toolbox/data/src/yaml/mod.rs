//! YAML that is changed and written again with what people put into it: comments, empty lines, quotes, order, anchors.
//!
//! `load` reads a text into a [`Tree`], `comments` finds what the parser leaves out, `emit` writes a tree.

mod comments;
mod emit;
mod load;
mod scalar;
mod tree;

pub(crate) use emit::{Writing, emit};
pub(crate) use load::{Document, load};
pub(crate) use scalar::Kind;
pub(crate) use tree::{Content, Node, NodeId, Style, Tree};

//! YAML with positions: a tree whose every node knows where it stands.
//!
//! The scalar types are those of rules Y1-Y3 (what `js-yaml` reads), merge keys are applied (Y4), mappings keep their
//! order (Y8). Size, depth and what aliases may expand to are bounded, because the text is not trusted.

mod error;
mod load;
mod node;
mod scalar;

pub use error::{YamlError, YamlErrorKind};
pub(crate) use load::MAX_TEXT;
pub use load::{MAX_BYTES, MAX_DEPTH, MAX_NODES, parse};
pub use node::{Node, Value};

//! The rules of documents: which fields there are, what they hold, what is said where they do not.
//!
//! [`shape`] has the words for descriptions; [`root`], [`common`], [`types`] and [`docker`] are the descriptions, the one
//! place where the names of fields stand. [`check`] and [`document`] compare a document with them, [`view`] reads
//! fields by their names for whoever makes values of them, [`json`] writes the descriptions for editors.

mod check;
mod common;
mod docker;
mod document;
mod hooks;
mod json;
mod problem;
mod report;
mod root;
mod shape;
pub(crate) mod suggest;
mod types;
mod version;
mod view;

pub(crate) use check::{is_variable, number};
pub(crate) use document::{body, body_mut, build_version, is_specification};
pub use json::json_schema;
pub(crate) use problem::clip;
pub(crate) use shape::{Object, Support};
pub use suggest::careful as nearest;
pub use types::BuildVersion;
pub(crate) use view::{Entry, Fields, Kind, StepView, key_text};

use crate::diagnostic::Diagnostic;
use crate::yaml::Node;

/// The fields of a document's body.
pub(crate) fn body_fields(specification: bool) -> &'static shape::Object {
    if specification { &root::SPEC } else { &root::ROOT }
}

/// Everything that is wrong with a document, errors first in the official order, then warnings; and how many more there
/// are.
pub(crate) fn check(root: &Node, build: BuildVersion) -> (Vec<Diagnostic>, usize) {
    let mut checker = report::Checker::default();
    document::check(&mut checker, root, build);
    checker.finish()
}

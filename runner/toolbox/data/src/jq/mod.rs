//! `jq`: jaq's interpreter over values that behave as jq's do.

mod access;
mod arithmetic;
mod command;
mod formats;
mod functions;
mod matching;
mod number;
mod options;
mod program;
mod read;
mod value;
mod write;

pub(crate) use command::jq;
pub(crate) use formats::format;
pub(crate) use number::Number;
pub(crate) use read::Reader;
pub(crate) use value::{Map, Value};
pub(crate) use write::{Layout, write};

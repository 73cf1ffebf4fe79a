//! The entries of `when.branch` (rule C5).

use crate::expression::ExpressionError;
use crate::js_regex::{JsRegex, RegexError};
use crate::work::Work;

/// Pattern and flags of a text such as `/^release/i`; `None` for the name of a branch.
fn literal(entry: &str) -> Option<(&str, &str)> {
    let (pattern, flags) = entry.strip_prefix('/')?.rsplit_once('/')?;
    let is_flag = |c: char| "dgimsuvy".contains(c);
    (!pattern.is_empty() && flags.chars().all(is_flag)).then_some((pattern, flags))
}

fn read(pattern: &str, flags: &str) -> Result<JsRegex, RegexError> {
    JsRegex::new(&pattern.encode_utf16().collect::<Vec<u16>>(), flags)
}

/// What is wrong with an entry, if it is a regular expression with something wrong.
pub(crate) fn entry_error(entry: &str) -> Option<RegexError> {
    let (pattern, flags) = literal(entry)?;
    read(pattern, flags).err()
}

/// Whether an entry means a branch: by its exact name, or by a regular expression that is found in it.
pub(super) fn matches(entry: &str, branch: &str, work: &mut Work) -> Result<bool, ExpressionError> {
    match literal(entry) {
        None => Ok(entry == branch),
        Some((pattern, flags)) => {
            let units: Vec<u16> = branch.encode_utf16().collect();
            Ok(read(pattern, flags)?.is_match(&units, work)?)
        }
    }
}

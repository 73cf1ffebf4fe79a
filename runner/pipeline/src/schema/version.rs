//! Versions of custom types (rule R10): both problems are warnings.

use super::problem::clip;
use super::report::{Checker, Trail};
use crate::place::Place;
use crate::template::holes;

/// Warns about a custom type without a version, or with one that is none.
pub(super) fn check<'n>(checker: &mut Checker<'n>, text: &str, trail: &Trail<'_, 'n>, place: Place) {
    if !holes(text).is_empty() {
        return;
    }
    let message = match text.split_once(':') {
        None => "Step version not specified. The latest version will be used, which may result in breaking changes."
            .to_owned(),
        Some((_, version)) if !is_semantic(version) => {
            format!("Invalid semantic version \"{}\" for step.", clip(version))
        }
        Some(_) => return,
    };
    checker.warn(message, trail, place, None);
}

/// `1.2.3`, with a pre-release and build metadata if need be.
fn is_semantic(text: &str) -> bool {
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let number = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    let words = |text: &str, strict: bool| {
        text.split('.').all(|word| {
            let digits = word.bytes().all(|b| b.is_ascii_digit());
            !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && (!strict || !digits || number(word))
        })
    };
    core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(|pre| words(pre, true))
        && build.is_none_or(|build| words(build, false))
}

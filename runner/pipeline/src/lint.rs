//! What is suspicious about the text of a document, whatever it says (rule Y7).

use crate::diagnostic::{Diagnostic, Severity};
use crate::place::Place;

/// The most findings.
const MOST: usize = 500;

/// Finds lines whose indentation mixes tabs and spaces (errors, as for the official validator), and lines of a folded
/// block (`- >-`) that are indented deeper than its first: they keep their line break, which folding seems to remove
/// (warnings). At most 500 of both.
#[must_use]
pub fn lint(text: &str) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut offset = 0;
    // The indentation of the item that holds a folded block, and that of the block's first line.
    let mut folded: Option<(usize, Option<usize>)> = None;
    for (number, line) in text.split('\n').enumerate() {
        let rest = line.trim_start_matches([' ', '\t']);
        let indentation = line.len() - rest.len();
        let place = Place { line: number + 1, column: 1, offset, length: indentation };
        offset += line.len() + 1;
        if rest.trim_end().is_empty() {
            continue;
        }
        let white = &line[..indentation];
        if white.contains(' ') && white.contains('\t') {
            found.push(finding(Severity::Error, "Your YAML contains both spaces and tabs.", place));
        }
        match &mut folded {
            Some((item, first)) if indentation > *item => {
                let first = *first.get_or_insert(indentation);
                if indentation > first {
                    let message = "Your YAML contains invalid indentation after characters '>-'.";
                    found.push(finding(Severity::Warning, message, place));
                }
            }
            _ => folded = rest.strip_prefix("- ").filter(|rest| rest.trim() == ">-").map(|_| (indentation, None)),
        }
        if found.len() >= MOST {
            break;
        }
    }
    found
}

fn finding(severity: Severity, message: &str, place: Place) -> Diagnostic {
    let hint = match severity {
        Severity::Error => "indent with spaces only",
        Severity::Warning => "indent it like the first line, or use `|-`",
    };
    let (message, hints) = (message.to_owned(), vec![hint.to_owned()]);
    Diagnostic { severity, message, place: Some(place), other: None, step: None, path: String::new(), hints }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(usize, Severity)> {
        let place = |one: &Diagnostic| one.place.map_or(0, |place| place.line);
        lint(text).iter().map(|one| (place(one), one.severity)).collect()
    }

    #[test]
    fn y7_indentation_that_mixes_tabs_and_spaces_is_an_error() {
        assert_eq!(lines("a:\n  b: 1\n\tc: 2\n \td: 3\n\t e: 4\n \t\n"), [(4, Severity::Error), (5, Severity::Error)]);
    }

    #[test]
    fn y7_deeper_lines_of_a_folded_block_are_warned_about() {
        let text = "a:\n  - >-\n\n    one\n      two\n    three\n     four\n  - five\n      six\n  - >-\n    seven\n";
        assert_eq!(lines(text), [(5, Severity::Warning), (7, Severity::Warning)]);
        assert_eq!(lines("- >-\n  a\n   b"), [(3, Severity::Warning)]);
        assert_eq!(lines("- |-\n  a\n   b\n- >\n  a\n   b"), []);
    }

    #[test]
    fn y7_findings_are_bounded() {
        assert_eq!(lint(&" \ta\n".repeat(2000)).len(), MOST);
    }
}

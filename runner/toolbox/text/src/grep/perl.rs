//! Patterns of Perl as the library reads them.

use stepbox_tool::pattern::Bounds;

/// One pattern of several. The error is a message.
pub(super) fn translate(patterns: &[Vec<u8>], bounds: Bounds) -> Result<String, String> {
    let mut texts = vec![];
    for pattern in patterns {
        let text = std::str::from_utf8(pattern).map_err(|_| "a pattern of Perl must be UTF-8".to_owned())?;
        texts.push(one(text));
    }
    let text = match texts.as_slice() {
        // Without any pattern nothing matches.
        [] => return Ok("[^\\s\\S]".to_owned()),
        [text] => text.clone(),
        _ => texts.iter().map(|text| format!("(?:{text})")).collect::<Vec<_>>().join("|"),
    };
    Ok(match bounds {
        Bounds::Free => text,
        Bounds::Word => format!("(?<!\\w)(?:{text})(?!\\w)"),
        Bounds::Line => format!("^(?:{text})$"),
    })
}

/// Perl's `\h`, `\H`, `\N`, `\R` and `\Q…\E`, which the library does not know or takes for something else.
fn one(pattern: &str) -> String {
    let mut result = String::new();
    let mut rest = pattern;
    let mut in_set = false;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            '\\' => {
                let Some(escape) = rest.chars().next() else {
                    result.push('\\');
                    break;
                };
                rest = &rest[escape.len_utf8()..];
                match escape {
                    'Q' => {
                        let (literal, after) = rest.split_once("\\E").unwrap_or((rest, ""));
                        result.push_str(&regex::escape(literal));
                        rest = after;
                    }
                    'E' => {}
                    'h' if in_set => result.push_str(" \\t\\u{a0}"),
                    'h' => result.push_str("[ \\t\\u{a0}]"),
                    'H' if !in_set => result.push_str("[^ \\t\\u{a0}]"),
                    'N' if !in_set => result.push_str("[^\\n]"),
                    'R' if !in_set => result.push_str("(?>\\r\\n|[\\n\\r\\x0b\\x0c])"),
                    _ => {
                        result.push('\\');
                        result.push(escape);
                    }
                }
            }
            '[' if in_set => {
                // A class such as [:alpha:], or the character itself.
                match rest.starts_with(':').then(|| rest.split_once(":]")).flatten() {
                    Some((name, after)) => {
                        result.push_str(&format!("[{name}:]"));
                        rest = after;
                    }
                    None => result.push_str("\\["),
                }
            }
            '[' => {
                in_set = true;
                result.push('[');
                if let Some(after) = rest.strip_prefix('^') {
                    result.push('^');
                    rest = after;
                }
                // First in a set, a closing bracket is a character.
                if let Some(after) = rest.strip_prefix(']') {
                    result.push_str("\\]");
                    rest = after;
                }
            }
            ']' if in_set => {
                in_set = false;
                result.push(']');
            }
            // The library has operations of sets.
            '&' | '~' if in_set => {
                result.push('\\');
                result.push(character);
            }
            _ => result.push(character),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_only_perl_knows_is_written_otherwise() {
        for (pattern, expected) in [
            (r"a\h+\Kb", "a[ \\t\\u{a0}]+\\Kb"),
            (r"\Qa.b\E.", r"a\.b."),
            (r"[^]a&&\h[:alpha:]x[]\d", "[^\\]a\\&\\& \\t\\u{a0}[:alpha:]x\\[]\\d"),
            (r"\\h", r"\\h"),
        ] {
            assert_eq!(super::one(pattern), expected);
        }
    }
}

//! Regular expressions of POSIX.

/// Which language the patterns of `grep` are in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Language {
    /// POSIX basic, with GNU's `\+ \? \|`.
    Basic,
    /// POSIX extended.
    Extended,
    /// No language: the text itself.
    Fixed,
}

/// A pattern in the language of the `regex` crate. The error is a message.
///
/// Not done: back-references, and that of several alternatives the longest is taken (which only `-o` shows).
pub fn translate(pattern: &str, language: Language) -> Result<String, String> {
    if language == Language::Fixed {
        return Ok(regex::escape(pattern));
    }
    let extended = language == Language::Extended;
    let characters: Vec<char> = pattern.chars().collect();
    let mut result = String::new();
    let mut depth = 0_usize;
    // Whether the next character begins a branch: there `*` is itself, and `^` an anchor.
    let mut start = true;
    let mut index = 0;
    while let Some(&character) = characters.get(index) {
        index += 1;
        let at_start = std::mem::replace(&mut start, false);
        let next = characters.get(index).copied();
        match character {
            '\\' => {
                let escaped = next.ok_or("a trailing backslash")?;
                index += 1;
                match escaped {
                    '(' | '{' | '|' | '+' | '?' | ')' | '}' if !extended => {
                        start = matches!(escaped, '(' | '|');
                        if escaped == '{' {
                            result.push_str(&interval(&characters, &mut index, false)?.unwrap_or_default());
                        } else {
                            operator(escaped, at_start, &mut depth, &mut result)?;
                        }
                    }
                    '1'..='9' => return Err(format!("the back-reference `\\{escaped}` is not supported")),
                    'w' => result.push_str("[[:word:]]"),
                    'W' => result.push_str("[^[:word:]]"),
                    's' => result.push_str("\\s"),
                    'S' => result.push_str("\\S"),
                    'b' => result.push_str("\\b"),
                    'B' => result.push_str("\\B"),
                    '<' => result.push_str("\\b{start}"),
                    '>' => result.push_str("\\b{end}"),
                    '`' => result.push_str("\\A"),
                    '\'' => result.push_str("\\z"),
                    other => result.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
                }
            }
            '[' => bracket(&characters, &mut index, &mut result)?,
            '*' if at_start => {
                result.push_str(if extended { "" } else { "\\*" });
            }
            '*' => repeat('*', &mut result),
            '.' => result.push('.'),
            '^' if extended || at_start => {
                result.push('^');
                start = true;
            }
            '$' if extended || next.is_none() || ends_branch(&characters[index..]) => result.push('$'),
            // Without its partner a closing parenthesis is itself.
            ')' if extended && depth == 0 => result.push_str("\\)"),
            '(' | ')' | '|' | '+' | '?' if extended => {
                start = matches!(character, '(' | '|');
                operator(character, at_start, &mut depth, &mut result)?;
            }
            '{' if extended => match interval(&characters, &mut index, true)? {
                Some(interval) if !at_start => result.push_str(&interval),
                _ => result.push_str("\\{"),
            },
            other => result.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    if depth > 0 {
        return Err("unmatched `(`".to_owned());
    }
    Ok(result)
}

fn ends_branch(rest: &[char]) -> bool {
    rest.starts_with(&['\\', ')']) || rest.starts_with(&['\\', '|'])
}

fn operator(character: char, at_start: bool, depth: &mut usize, result: &mut String) -> Result<(), String> {
    match character {
        '(' => {
            *depth += 1;
            result.push('(');
        }
        ')' => {
            *depth = depth.checked_sub(1).ok_or("unmatched `)`")?;
            result.push(')');
        }
        '|' => result.push('|'),
        // Nothing stands before it to be repeated.
        '+' | '?' if at_start => result.push_str(&regex::escape(character.encode_utf8(&mut [0; 4]))),
        '+' | '?' => repeat(character, result),
        _ => result.push_str("\\}"),
    }
    Ok(())
}

/// Repeats what stands before; a repetition of a repetition, as in `a**`, must not become a lazy one, as in `a*?`.
fn repeat(how: char, result: &mut String) {
    let repeated = result.ends_with(['*', '+', '?', '}']) && !ends_escaped(result);
    match (repeated, how) {
        (true, '*') if result.ends_with('*') => {}
        (true, _) => {
            result.insert_str(0, "(?:");
            result.push(')');
            result.push(how);
        }
        (false, _) => result.push(how),
    }
}

/// Whether the last character is an escaped one, or ends the name of an assertion.
fn ends_escaped(result: &str) -> bool {
    let body = &result[..result.len() - 1];
    (body.len() - body.trim_end_matches('\\').len()) % 2 == 1
        || result.ends_with("{start}")
        || result.ends_with("{end}")
}

/// What stands between `{` and `}`; nothing where it is no interval and may be text.
fn interval(characters: &[char], index: &mut usize, lenient: bool) -> Result<Option<String>, String> {
    let end = (*index..characters.len()).find(|end| characters[*end] == '}');
    let body: String = end.map(|end| characters[*index..end].iter().collect()).unwrap_or_default();
    let body = if lenient { body.as_str() } else { body.strip_suffix('\\').unwrap_or("!") };
    let (low, high) = body.split_once(',').unwrap_or((body, body));
    let digits = |text: &str| text.chars().all(|character| character.is_ascii_digit());
    if !digits(low) || !digits(high) || (body.is_empty() || body == "," && lenient) {
        return if lenient { Ok(None) } else { Err("an interval that is not one".to_owned()) };
    }
    *index = end.map_or(characters.len(), |end| end + 1);
    let low = if low.is_empty() { "0" } else { low };
    Ok(Some(if body.contains(',') { format!("{{{low},{high}}}") } else { format!("{{{low}}}") }))
}

/// A bracket expression, in which a backslash is itself and classes are as in the `regex` crate.
fn bracket(characters: &[char], index: &mut usize, result: &mut String) -> Result<(), String> {
    result.push('[');
    if characters.get(*index) == Some(&'^') {
        result.push('^');
        *index += 1;
    }
    let first = *index;
    loop {
        let character = *characters.get(*index).ok_or("unmatched `[`")?;
        match character {
            ']' if *index > first => break,
            '[' if matches!(characters.get(*index + 1), Some(':' | '.' | '=')) => {
                let kind = characters[*index + 1];
                let end = (*index + 2..characters.len()).find(|end| characters[*end..].starts_with(&[kind, ']']));
                let end = end.ok_or("unmatched `[`")?;
                let name: String = characters[*index + 2..end].iter().collect();
                match kind {
                    ':' if CLASSES.contains(&name.as_str()) => result.push_str(&format!("[:{name}:]")),
                    ':' => return Err(format!("`{name}` is no character class")),
                    _ => result.push_str(&regex::escape(&name)),
                }
                *index = end + 2;
                continue;
            }
            '-' if *index > first && characters.get(*index + 1).is_some_and(|next| *next != ']') => result.push('-'),
            other if other.is_alphanumeric() || other == ' ' => result.push(other),
            other if other.is_ascii_punctuation() => {
                result.push('\\');
                result.push(other);
            }
            other => result.push(other),
        }
        *index += 1;
    }
    *index += 1;
    result.push(']');
    Ok(())
}

const CLASSES: [&str; 12] =
    ["alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit"];

#[cfg(test)]
mod tests {
    use super::Language::{Basic, Extended, Fixed};
    use super::*;

    #[test]
    fn patterns_match_as_in_posix() {
        for (language, pattern, text, expected) in [
            (Basic, "a+b", "a+b", true),
            (Basic, "a+b", "aab", false),
            (Basic, "a\\+b", "aab", true),
            (Basic, "x\\|y", "y", true),
            (Basic, "^\\(ab\\)*$", "abab", true),
            (Basic, "a\\{2,3\\}$", "aa", true),
            (Basic, "^a\\{2\\}$", "aaa", false),
            (Basic, "*a", "*a", true),
            (Basic, "a^b", "a^b", true),
            (Basic, "a$b", "a$b", true),
            (Basic, "(x)", "(x)", true),
            (Basic, "a|b", "a", false),
            (Basic, "{x}", "{x}", true),
            (Basic, "a.c", "abc", true),
            (Basic, "a\\.c", "abc", false),
            (Basic, "\\(^a\\)", "ba", false),
            (Basic, "\\(a$\\)", "ab", false),
            (Basic, "[[:digit:]]\\+", "x7", true),
            (Basic, "[\\n]", "\\", true),
            (Basic, "[]x]", "]", true),
            (Basic, "[^]x]", "]", false),
            (Basic, "[a-c]", "b", true),
            (Basic, "[a-]", "-", true),
            (Basic, "[a&&b~]", "&", true),
            (Basic, "\\<foo\\>", "a foo b", true),
            (Basic, "\\<foo\\>", "afoo", false),
            (Basic, "\\w\\+", "_", true),
            (Extended, "a+b?", "aa", true),
            (Extended, "(a|b)c", "bc", true),
            (Extended, "a{2}", "aa", true),
            (Extended, "a{,2}$", "aa", true),
            (Extended, "a{x", "a{x", true),
            (Extended, "{", "{", true),
            (Extended, "a)", "a)", true),
            (Extended, "a**", "aaa", true),
            (Extended, "^a+?$", "aaa", true),
            (Extended, "^(a*)+$", "aaa", true),
            (Extended, "\\(x\\)", "(x)", true),
            (Extended, "/x/", "/x/", true),
            (Fixed, "a.*", "a.*", true),
            (Fixed, "a.*", "abc", false),
        ] {
            let translated = translate(pattern, language).expect(pattern);
            let regex = regex::Regex::new(&translated).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(regex.is_match(text), expected, "{pattern} ({translated}) {text}");
        }
    }

    #[test]
    fn wrong_patterns_are_refused_by_name() {
        for (language, pattern, message) in [
            (Basic, "\\(a", "unmatched `(`"),
            (Basic, "a\\)", "unmatched `)`"),
            (Extended, "(a", "unmatched `(`"),
            (Basic, "[a", "unmatched `[`"),
            (Basic, "a\\", "a trailing backslash"),
            (Basic, "\\(a\\)\\1", "the back-reference `\\1` is not supported"),
            (Basic, "a\\{x\\}", "an interval that is not one"),
            (Basic, "[[:foo:]]", "`foo` is no character class"),
        ] {
            assert_eq!(translate(pattern, language), Err(message.to_owned()), "{pattern}");
        }
    }
}

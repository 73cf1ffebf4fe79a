//! Patterns for names of files.

/// Whether `text` matches the pattern of `find -name`: `*`, `?`, `[…]` and `\`. A slash is like any character.
///
/// Takes time in proportion to the product of both lengths at most.
pub fn matches(pattern: &str, text: &str, ignore_case: bool) -> bool {
    let fold = |text: &str| if ignore_case { text.to_lowercase() } else { text.to_owned() };
    let (pattern, text): (Vec<char>, Vec<char>) = (fold(pattern).chars().collect(), fold(text).chars().collect());
    let (mut at, mut position) = (0, 0);
    // Where the last star stood, and how much of the text it takes.
    let mut star: Option<(usize, usize)> = None;
    while position < text.len() {
        if pattern.get(at) == Some(&'*') {
            star = Some((at, position));
            at += 1;
        } else if let Some(next) = one(&pattern, at, text[position]) {
            at = next;
            position += 1;
        } else if let Some((star_at, taken)) = star {
            star = Some((star_at, taken + 1));
            (at, position) = (star_at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|character| *character == '*')
}

/// Where the pattern goes on after it has matched `character`.
fn one(pattern: &[char], at: usize, character: char) -> Option<usize> {
    match pattern.get(at)? {
        '?' => Some(at + 1),
        '[' => match bracket(pattern, at, character) {
            Some((true, next)) => Some(next),
            Some((false, _)) => None,
            None => (character == '[').then_some(at + 1),
        },
        '\\' if at + 1 < pattern.len() => (pattern[at + 1] == character).then_some(at + 2),
        other => (*other == character).then_some(at + 1),
    }
}

/// Whether a bracket expression matches, and where it ends; nothing where it does not end.
fn bracket(pattern: &[char], at: usize, character: char) -> Option<(bool, usize)> {
    let mut index = at + 1;
    let negated = matches!(pattern.get(index)?, '!' | '^');
    index += usize::from(negated);
    let first = index;
    let mut found = false;
    while *pattern.get(index)? != ']' || index == first {
        if pattern[index] == '[' && pattern.get(index + 1) == Some(&':') {
            let end = (index + 2..pattern.len()).find(|end| pattern[*end..].starts_with(&[':', ']']))?;
            found |= class(&pattern[index + 2..end].iter().collect::<String>(), character);
            index = end + 2;
            continue;
        }
        if pattern[index] == '\\' {
            index += 1;
        }
        let low = *pattern.get(index)?;
        if pattern.get(index + 1) == Some(&'-') && pattern.get(index + 2).is_some_and(|high| *high != ']') {
            found |= (low..=pattern[index + 2]).contains(&character);
            index += 3;
        } else {
            found |= low == character;
            index += 1;
        }
    }
    Some((found != negated, index + 1))
}

fn class(name: &str, character: char) -> bool {
    match name {
        "alpha" => character.is_alphabetic(),
        "digit" => character.is_ascii_digit(),
        "alnum" => character.is_alphanumeric(),
        "upper" => character.is_uppercase(),
        "lower" => character.is_lowercase(),
        "space" => character.is_whitespace(),
        "punct" => character.is_ascii_punctuation(),
        "xdigit" => character.is_ascii_hexdigit(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_posix() {
        for (pattern, text, expected) in [
            ("*.rs", "main.rs", true),
            ("*.rs", "main.rst", false),
            ("a?c", "abc", true),
            ("[a-c]*", "beta", true),
            ("[!a-c]*", "beta", false),
            ("[]]", "]", true),
            ("[[:digit:]]x", "7x", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("[", "[", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text, false), expected, "{pattern} {text}");
        }
        assert!(matches("README*", "readme.md", true));
        let stars = "*a".repeat(500) + "b";
        assert!(!matches(&stars, &"a".repeat(5000), false));
    }
}

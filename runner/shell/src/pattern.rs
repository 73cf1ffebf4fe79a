//! Patterns of `case`, `${v#…}` and pathname expansion (XCU 2.14), on bytes.

/// One byte of a pattern, and whether it may be special.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Unit {
    pub(crate) byte: u8,
    /// Not quoted.
    pub(crate) active: bool,
}

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    tokens: Vec<Token>,
}

#[derive(Debug)]
enum Token {
    Literal(u8),
    Any,
    Star,
    Set { negated: bool, members: Vec<Member> },
}

#[derive(Debug)]
enum Member {
    Range(char, char),
    Class(fn(char) -> bool),
}

impl Pattern {
    pub(crate) fn new(units: &[Unit]) -> Self {
        let mut tokens = vec![];
        let mut at = 0;
        while let Some(unit) = units.get(at) {
            at += 1;
            if !unit.active {
                tokens.push(Token::Literal(unit.byte));
                continue;
            }
            match unit.byte {
                b'*' => {
                    if !matches!(tokens.last(), Some(Token::Star)) {
                        tokens.push(Token::Star);
                    }
                }
                b'?' => tokens.push(Token::Any),
                b'[' => match bracket(&units[at..]) {
                    Some((token, length)) => {
                        tokens.push(token);
                        at += length;
                    }
                    None => tokens.push(Token::Literal(b'[')),
                },
                // A backslash that came out of an expansion still protects (XCU 2.14.1).
                b'\\' => match units.get(at) {
                    Some(next) => {
                        tokens.push(Token::Literal(next.byte));
                        at += 1;
                    }
                    None => tokens.push(Token::Literal(b'\\')),
                },
                byte => tokens.push(Token::Literal(byte)),
            }
        }
        Self { tokens }
    }

    /// The text, where nothing in the pattern is special.
    pub(crate) fn literal(&self) -> Option<Vec<u8>> {
        self.tokens.iter().map(|token| if let Token::Literal(byte) = token { Some(*byte) } else { None }).collect()
    }

    /// Whether the whole of `text` matches. Linear in memory, and at most quadratic in time: one star is retried at a time.
    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        let (mut token, mut at) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        loop {
            if token == self.tokens.len() && at == text.len() {
                return true;
            }
            if let Some(Token::Star) = self.tokens.get(token) {
                retry = Some((token + 1, at));
                token += 1;
                continue;
            }
            if let Some(step) = self.tokens.get(token).and_then(|token| step(token, &text[at..])) {
                token += 1;
                at += step;
                continue;
            }
            match &mut retry {
                Some((after, from)) if *from < text.len() => {
                    *from += char_length(&text[*from..]);
                    (token, at) = (*after, *from);
                }
                _ => return false,
            }
        }
    }

    /// The length of the prefix of `text` that matches, the longest or the shortest.
    pub(crate) fn prefix(&self, text: &[u8], longest: bool) -> Option<usize> {
        choose(boundaries(text), longest, |end| self.matches(&text[..end]))
    }

    /// Where the suffix of `text` that matches begins, the longest or the shortest.
    pub(crate) fn suffix(&self, text: &[u8], longest: bool) -> Option<usize> {
        choose(boundaries(text), !longest, |begin| self.matches(&text[begin..]))
    }
}

fn choose(places: Vec<usize>, last: bool, matches: impl Fn(usize) -> bool) -> Option<usize> {
    let mut places = places.into_iter();
    if last { places.rfind(|place| matches(*place)) } else { places.find(|place| matches(*place)) }
}

/// The places between characters, the ends included.
fn boundaries(text: &[u8]) -> Vec<usize> {
    let mut places = vec![0];
    let mut at = 0;
    while at < text.len() {
        at += char_length(&text[at..]);
        places.push(at);
    }
    places
}

/// How long the character at the beginning is: one byte where it is not UTF-8.
pub(crate) fn char_length(text: &[u8]) -> usize {
    first_char(text).map_or(1, char::len_utf8)
}

fn first_char(text: &[u8]) -> Option<char> {
    let head = &text[..text.len().min(4)];
    match std::str::from_utf8(head) {
        Ok(text) => text.chars().next(),
        Err(error) if error.valid_up_to() > 0 => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok().and_then(|text| text.chars().next())
        }
        Err(_) => None,
    }
}

/// How much of `text` one token takes.
fn step(token: &Token, text: &[u8]) -> Option<usize> {
    let first = *text.first()?;
    match token {
        Token::Literal(byte) => (*byte == first).then_some(1),
        Token::Any => Some(char_length(text)),
        Token::Star => None,
        Token::Set { negated, members } => {
            let character = first_char(text).unwrap_or(char::from(first));
            let found = members.iter().any(|member| match member {
                Member::Range(low, high) => (*low..=*high).contains(&character),
                Member::Class(class) => class(character),
            });
            (found != *negated).then(|| char_length(text))
        }
    }
}

/// A bracket expression behind its `[`, and how many units it takes; `None` where it is not closed.
fn bracket(units: &[Unit]) -> Option<(Token, usize)> {
    let mut at = 0;
    let negated = units.first().is_some_and(|unit| unit.active && matches!(unit.byte, b'!' | b'^'));
    at += usize::from(negated);
    let begin = at;
    let mut members = vec![];
    loop {
        let unit = units.get(at)?;
        if unit.active && unit.byte == b']' && at > begin {
            return Some((Token::Set { negated, members }, at + 1));
        }
        if unit.byte == b'/' {
            return None;
        }
        if unit.active && unit.byte == b'[' && units.get(at + 1).is_some_and(|unit| unit.byte == b':') {
            let text: Vec<u8> = units[at + 2..].iter().map(|unit| unit.byte).take(16).collect();
            if let Some(end) = text.windows(2).position(|pair| pair == b":]") {
                members.push(Member::Class(class(&text[..end])?));
                at += 2 + end + 2;
                continue;
            }
        }
        let (low, next) = member_char(units, at)?;
        at = next;
        let is_range = units.get(at).is_some_and(|unit| unit.active && unit.byte == b'-')
            && units.get(at + 1).is_some_and(|unit| !(unit.active && unit.byte == b']'));
        if is_range {
            let (high, next) = member_char(units, at + 1)?;
            at = next;
            members.push(Member::Range(low, high));
        } else {
            members.push(Member::Range(low, low));
        }
    }
}

/// The character at `at`, a backslash before it passed.
fn member_char(units: &[Unit], mut at: usize) -> Option<(char, usize)> {
    if units.get(at)?.active && units[at].byte == b'\\' && units.get(at + 1).is_some() {
        at += 1;
    }
    let bytes: Vec<u8> = units[at..].iter().take(4).map(|unit| unit.byte).collect();
    let character = first_char(&bytes).unwrap_or(char::from(bytes[0]));
    let length = char_length(&bytes);
    Some((character, at + length))
}

fn class(name: &[u8]) -> Option<fn(char) -> bool> {
    Some(match name {
        b"alpha" => |c| c.is_alphabetic(),
        b"digit" => |c| c.is_ascii_digit(),
        b"alnum" => |c| c.is_alphanumeric(),
        b"upper" => |c| c.is_uppercase(),
        b"lower" => |c| c.is_lowercase(),
        b"space" => |c| c.is_ascii_whitespace() || c == '\u{b}',
        b"blank" => |c| c == ' ' || c == '\t',
        b"punct" => |c| c.is_ascii_punctuation(),
        b"print" => |c| !c.is_control(),
        b"graph" => |c| !c.is_control() && !c.is_whitespace(),
        b"cntrl" => |c| c.is_control(),
        b"xdigit" => |c| c.is_ascii_hexdigit(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        let units: Vec<_> = pattern.bytes().map(|byte| Unit { byte, active: true }).collect();
        Pattern::new(&units).matches(text.as_bytes())
    }

    #[test]
    fn xcu_2_14_patterns_match_as_in_dash() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("?", "é", true),
            ("??", "é", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("[]a]", "]", true),
            ("[a-]", "-", true),
            ("[[:digit:]]*", "1a", true),
            ("[[:digit:]]*", "a1", false),
            ("[a", "[a", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("*.tar.*", "x.tar.gz", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} against {text}");
        }
    }

    #[test]
    fn many_stars_do_not_take_for_ever() {
        let pattern = "*a".repeat(60);
        assert!(!matches(&pattern, &"a".repeat(59)));
        assert!(!matches(&format!("{pattern}b"), &"a".repeat(20_000)));
    }
}

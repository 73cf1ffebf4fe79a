//! Patterns of `case`, `${v#…}` and pathname expansion (XCU 2.14), on bytes: what is UTF-8 is matched by characters, what is
//! not byte by byte.

mod bracket;
mod group;
#[cfg(test)]
mod tests;

use self::bracket::Member;
use self::group::Kind;

/// How much text unclosed brackets may make us read again, in units; behind that `[` is a letter.
const MAX_UNCLOSED: usize = 1 << 20;

/// One byte of a pattern, and whether it may be special.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Unit {
    pub(crate) byte: u8,
    /// Not quoted.
    pub(crate) active: bool,
}

/// What one token matches: a character, or a byte that is part of none. Bytes come behind all characters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Symbol {
    Char(char),
    Byte(u8),
}

impl Symbol {
    fn len(self) -> usize {
        match self {
            Self::Char(character) => character.len_utf8(),
            Self::Byte(_) => 1,
        }
    }

    /// The first of a text.
    fn first(text: &[u8]) -> Option<Self> {
        let byte = *text.first()?;
        if byte.is_ascii() {
            return Some(Self::Char(char::from(byte)));
        }
        let head = text[..text.len().min(4)].utf8_chunks().next();
        let character = head.and_then(|chunk| chunk.valid().chars().next());
        Some(character.map_or(Self::Byte(byte), Self::Char))
    }

    /// The last of a text; the same that reading from the beginning finds there, since UTF-8 synchronizes itself.
    fn last(text: &[u8]) -> Option<Self> {
        let byte = *text.last()?;
        let character = (1..=text.len().min(4)).find_map(|length| {
            let tail = std::str::from_utf8(&text[text.len() - length..]).ok()?;
            tail.chars().next()
        });
        Some(character.map_or(Self::Byte(byte), Self::Char))
    }
}

/// How patterns are read and matched; bash's `shopt` says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct PatternOptions {
    /// Whether `@(a|b)` and its like are special.
    pub(crate) extended: bool,
    pub(crate) ignore_case: bool,
}

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    tokens: Vec<Token>,
    ignore_case: bool,
    /// Whether a group is among the tokens.
    has_groups: bool,
    /// Whether a dot at the beginning must stand in the pattern itself.
    guards_dot: bool,
}

#[derive(Debug)]
enum Token {
    Literal(Symbol),
    Any,
    Star,
    Set { negated: bool, members: Vec<Member> },
    Group { kind: Kind, alternatives: Vec<Vec<Token>> },
}

impl Token {
    fn matches(&self, symbol: Symbol, ignore_case: bool) -> bool {
        let same = match self {
            Self::Literal(literal) => *literal == symbol,
            Self::Any | Self::Star => true,
            Self::Set { negated, members } => members.iter().any(|member| member.has(symbol)) != *negated,
            Self::Group { .. } => false,
        };
        match (ignore_case, symbol, self) {
            (true, Symbol::Char(character), Self::Literal(_) | Self::Set { .. }) => {
                let negated = matches!(self, Self::Set { negated: true, .. });
                let other = |other: char| self.matches(Symbol::Char(other), false);
                let (mut lower, mut upper) = (character.to_lowercase(), character.to_uppercase());
                if negated {
                    same && lower.all(other) && upper.all(other)
                } else {
                    same || lower.all(other) || upper.all(other)
                }
            }
            _ => same,
        }
    }
}

impl Pattern {
    pub(crate) fn new(units: &[Unit], options: PatternOptions) -> Self {
        let mut has_groups = false;
        let tokens = tokens(units, options.extended, 0, &mut has_groups);
        Self { tokens, ignore_case: options.ignore_case, has_groups, guards_dot: false }
    }

    /// For names of files: a dot at the beginning of one must stand in the pattern.
    pub(crate) fn guard_dot(&mut self) {
        self.guards_dot = true;
    }

    /// Whether it takes letters of either case.
    pub(crate) fn ignores_case(&self) -> bool {
        self.ignore_case
    }

    /// The text, where nothing in the pattern is special.
    pub(crate) fn literal(&self) -> Option<Vec<u8>> {
        let mut text = vec![];
        for token in &self.tokens {
            match token {
                Token::Literal(Symbol::Char(character)) => {
                    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Token::Literal(Symbol::Byte(byte)) => text.push(*byte),
                Token::Any | Token::Star | Token::Set { .. } | Token::Group { .. } => return None,
            }
        }
        Some(text)
    }

    /// Whether it begins with a dot that stands there itself: only such patterns match hidden names.
    pub(crate) fn begins_with_dot(&self) -> bool {
        may_begin_with_dot(&self.tokens)
    }

    /// Whether the whole of `text` matches. One star is tried again at a time: the time is at most the product of the lengths.
    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        if self.has_groups {
            return self.matcher(text).ends(&self.tokens, vec![0]).last() == Some(&text.len());
        }
        let (mut token, mut at) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        loop {
            let symbol = Symbol::first(&text[at..]);
            match (self.tokens.get(token), symbol) {
                (None, None) => return true,
                (Some(Token::Star), _) => {
                    retry = Some((token + 1, at));
                    token += 1;
                    continue;
                }
                (Some(one), Some(symbol)) if one.matches(symbol, self.ignore_case) => {
                    token += 1;
                    at += symbol.len();
                    continue;
                }
                _ => {}
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
        if self.has_groups {
            let ends = self.matcher(text).ends(&self.tokens, vec![0]);
            return if longest { ends.last() } else { ends.first() }.copied();
        }
        let mut at = 0;
        let symbols = std::iter::from_fn(|| {
            let symbol = Symbol::first(&text[at..])?;
            at += symbol.len();
            Some(symbol)
        });
        scan(self.tokens.len(), |number| &self.tokens[number], symbols, longest, self.ignore_case)
    }

    /// Where the suffix of `text` that matches begins, the longest or the shortest.
    pub(crate) fn suffix(&self, text: &[u8], longest: bool) -> Option<usize> {
        if self.has_groups {
            let matcher = self.matcher(text);
            let begins = matcher.ends(&[Token::Star], vec![0]);
            let matches = |begin: &usize| matcher.ends(&self.tokens, vec![*begin]).last() == Some(&text.len());
            let mut begins = begins.into_iter();
            return if longest { begins.find(matches) } else { begins.rfind(matches) };
        }
        let mut end = text.len();
        let symbols = std::iter::from_fn(|| {
            let symbol = Symbol::last(&text[..end])?;
            end -= symbol.len();
            Some(symbol)
        });
        let count = self.tokens.len();
        let length = scan(count, |number| &self.tokens[count - 1 - number], symbols, longest, self.ignore_case)?;
        Some(text.len() - length)
    }
}

/// Compiles a pattern, or a part of one; `has_groups` is set where there is a group.
fn tokens(units: &[Unit], extended: bool, depth: u32, has_groups: &mut bool) -> Vec<Token> {
    let mut tokens = Tokens::default();
    let mut at = 0;
    let mut unclosed = 0;
    while let Some(unit) = units.get(at) {
        at += 1;
        let opens = units.get(at).is_some_and(|next| next.active && next.byte == b'(');
        if extended
            && unit.active
            && opens
            && depth < group::MAX_DEPTH
            && unclosed <= MAX_UNCLOSED
            && let Some(kind) = Kind::of(unit.byte)
        {
            match group::alternatives(&units[at + 1..]) {
                Ok((alternatives, length)) => {
                    *has_groups = true;
                    let alternatives =
                        alternatives.into_iter().map(|units| self::tokens(units, true, depth + 1, has_groups));
                    tokens.push(Token::Group { kind, alternatives: alternatives.collect() });
                    at += 1 + length;
                    continue;
                }
                Err(length) => unclosed += length,
            }
        }
        match unit.byte {
            byte if !unit.active => tokens.letters.push(byte),
            b'*' => tokens.star(),
            b'?' => tokens.push(Token::Any),
            b'[' if unclosed <= MAX_UNCLOSED => match bracket::parse(&units[at..]) {
                Ok((token, length)) => {
                    tokens.push(token);
                    at += length;
                }
                Err(length) => {
                    unclosed += length;
                    tokens.letters.push(b'[');
                }
            },
            // A backslash that came out of an expansion still protects (XCU 2.14.1).
            b'\\' if at < units.len() => {
                tokens.letters.push(units[at].byte);
                at += 1;
            }
            byte => tokens.letters.push(byte),
        }
    }
    tokens.finish()
}

fn may_begin_with_dot(tokens: &[Token]) -> bool {
    match tokens.first() {
        Some(Token::Literal(Symbol::Char('.'))) => true,
        Some(Token::Group { kind, alternatives }) => {
            let optional = matches!(kind, Kind::AtMostOnce | Kind::Any);
            *kind != Kind::Not && alternatives.iter().any(|tokens| may_begin_with_dot(tokens))
                || optional && may_begin_with_dot(&tokens[1..])
        }
        _ => false,
    }
}

/// Tokens as they are made; letters are collected until something else follows, for a character may have several bytes.
#[derive(Default)]
struct Tokens {
    done: Vec<Token>,
    letters: Vec<u8>,
}

impl Tokens {
    fn push(&mut self, token: Token) {
        let mut at = 0;
        while let Some(symbol) = Symbol::first(&self.letters[at..]) {
            self.done.push(Token::Literal(symbol));
            at += symbol.len();
        }
        self.letters.clear();
        self.done.push(token);
    }

    /// A star; two of them match what one does.
    fn star(&mut self) {
        if !self.letters.is_empty() || !matches!(self.done.last(), Some(Token::Star)) {
            self.push(Token::Star);
        }
    }

    fn finish(mut self) -> Vec<Token> {
        // Pushed for the letters before it.
        self.push(Token::Star);
        self.done.pop();
        self.done
    }
}

/// How many bytes of `symbols` the tokens match, at least or at most. All ways to match go on side by side, so the text
/// is read once: `${path##*/}` of a long text without `/` takes no longer than its length.
fn scan<'a>(
    count: usize,
    token: impl Fn(usize) -> &'a Token,
    symbols: impl Iterator<Item = Symbol>,
    longest: bool,
    ignore_case: bool,
) -> Option<usize> {
    // States are numbers of tokens that are behind us, ascending.
    let enter = |states: &mut Vec<usize>, mut state: usize| {
        if states.last().is_some_and(|last| *last >= state) {
            return;
        }
        if state < count && matches!(token(state), Token::Star) {
            // Whatever stands before a star that has been reached can match nothing that the star does not.
            states.clear();
            states.push(state);
            state += 1;
        }
        states.push(state);
    };
    let mut states = vec![];
    let mut next = vec![];
    enter(&mut states, 0);
    let mut length = 0;
    let mut found = (states.last() == Some(&count)).then_some(0);
    for symbol in symbols {
        if states.is_empty() || (found.is_some() && !longest) {
            break;
        }
        length += symbol.len();
        next.clear();
        for state in states.iter().copied().filter(|state| *state < count) {
            let one = token(state);
            if matches!(one, Token::Star) {
                enter(&mut next, state);
            } else if one.matches(symbol, ignore_case) {
                enter(&mut next, state + 1);
            }
        }
        std::mem::swap(&mut states, &mut next);
        if states.last() == Some(&count) {
            found = Some(length);
        }
    }
    found
}

/// How long the character at the beginning is: one byte where it is not UTF-8.
pub(crate) fn char_length(text: &[u8]) -> usize {
    Symbol::first(text).map_or(1, Symbol::len)
}

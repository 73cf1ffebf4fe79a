//! Extended patterns: `@(a|b)`, `?(…)`, `*(…)`, `+(…)`, `!(…)`. They are matched by sets of places: all ways to match go on side by
//! side, so that the time is bounded by a polynomial of the lengths, however the groups stand in one another.

use super::{Pattern, Symbol, Token, Unit};

/// Groups inside groups; deeper ones are letters.
pub(super) const MAX_DEPTH: u32 = 16;

/// How often a group may match.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Once,
    AtMostOnce,
    Any,
    AtLeastOnce,
    /// Whatever the patterns do not match.
    Not,
}

impl Kind {
    pub(super) fn of(sign: u8) -> Option<Self> {
        Some(match sign {
            b'@' => Self::Once,
            b'?' => Self::AtMostOnce,
            b'*' => Self::Any,
            b'+' => Self::AtLeastOnce,
            b'!' => Self::Not,
            _ => return None,
        })
    }
}

/// The alternatives of a group whose text begins behind its parenthesis, and how long that is with the closing one; where it
/// is none, how many units were looked at.
pub(super) fn alternatives(units: &[Unit]) -> Result<(Vec<&[Unit]>, usize), usize> {
    let mut open = 0u32;
    let mut found = vec![];
    let (mut begin, mut at) = (0, 0);
    while let Some(unit) = units.get(at) {
        match unit.byte {
            // What it would protect is a letter.
            b'\\' if unit.active => at += 1,
            // A bracket expression hides what stands in it.
            b'[' if unit.active => {
                if let Ok((_, length)) = super::bracket::parse(&units[at + 1..]) {
                    at += length;
                }
            }
            b'(' if unit.active => open += 1,
            b')' if unit.active && open > 0 => open -= 1,
            b')' if unit.active => {
                found.push(&units[begin..at]);
                return Ok((found, at + 1));
            }
            b'|' if unit.active && open == 0 => {
                found.push(&units[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    Err(at)
}

/// Matches the tokens of a pattern against a text.
pub(super) struct Matcher<'a> {
    pub(super) text: &'a [u8],
    pub(super) ignore_case: bool,
    /// Whether a dot at the beginning must stand in the pattern itself.
    pub(super) guards_dot: bool,
}

impl Matcher<'_> {
    /// The places where a match of the tokens ends that begins at one of `places`; both ascend.
    pub(super) fn ends(&self, tokens: &[Token], mut places: Vec<usize>) -> Vec<usize> {
        for token in tokens {
            if places.is_empty() {
                break;
            }
            places = self.step(token, places);
        }
        places
    }

    fn step(&self, token: &Token, places: Vec<usize>) -> Vec<usize> {
        match token {
            Token::Star => {
                let Some(first) = places.first() else { return places };
                self.all_from(*first, &places)
            }
            Token::Group { kind, alternatives } => self.group(*kind, alternatives, places),
            one => {
                let next = |at: usize| {
                    let symbol = Symbol::first(&self.text[at..])?;
                    let literal = matches!(one, Token::Literal(_));
                    let matches = one.matches(symbol, self.ignore_case) && (literal || !self.is_guarded(at));
                    matches.then_some(at + symbol.len())
                };
                places.into_iter().filter_map(next).collect()
            }
        }
    }

    fn is_guarded(&self, at: usize) -> bool {
        self.guards_dot && at == 0 && self.text.first() == Some(&b'.')
    }

    /// Every place from `first` on, or only `places` where a dot is in the way.
    fn all_from(&self, first: usize, places: &[usize]) -> Vec<usize> {
        if self.is_guarded(first) {
            let Some(second) = places.get(1) else { return places.to_vec() };
            return std::iter::once(first).chain(self.all_from(*second, &places[1..])).collect();
        }
        let mut at = first;
        let mut all = vec![at];
        while let Some(symbol) = Symbol::first(&self.text[at..]) {
            at += symbol.len();
            all.push(at);
        }
        all
    }

    fn group(&self, kind: Kind, alternatives: &[Vec<Token>], places: Vec<usize>) -> Vec<usize> {
        match kind {
            Kind::Once => self.any_of(alternatives, &places),
            Kind::AtMostOnce => union(&places, &self.any_of(alternatives, &places)),
            Kind::Any => self.repeated(alternatives, places),
            Kind::AtLeastOnce => {
                let once = self.any_of(alternatives, &places);
                self.repeated(alternatives, once)
            }
            Kind::Not => {
                let mut ends = vec![];
                for place in places {
                    let matched = self.any_of(alternatives, &[place]);
                    let all = self.all_from(place, &[place]);
                    let others: Vec<usize> =
                        all.into_iter().filter(|end| matched.binary_search(end).is_err()).collect();
                    ends = union(&ends, &others);
                }
                ends
            }
        }
    }

    fn any_of(&self, alternatives: &[Vec<Token>], places: &[usize]) -> Vec<usize> {
        alternatives.iter().fold(vec![], |ends, tokens| union(&ends, &self.ends(tokens, places.to_vec())))
    }

    /// The places that are reached with any number of matches.
    fn repeated(&self, alternatives: &[Vec<Token>], places: Vec<usize>) -> Vec<usize> {
        let mut reached = places.clone();
        let mut latest = places;
        while !latest.is_empty() {
            let next = self.any_of(alternatives, &latest);
            latest = next.into_iter().filter(|place| reached.binary_search(place).is_err()).collect();
            reached = union(&reached, &latest);
        }
        reached
    }
}

/// What is in one of two ascending lists, ascending.
fn union(left: &[usize], right: &[usize]) -> Vec<usize> {
    let mut all = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    loop {
        let next = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) if a < b => left.next(),
            (Some(a), Some(b)) if a > b => right.next(),
            (Some(_), Some(_)) => {
                left.next();
                right.next()
            }
            (Some(_), None) => left.next(),
            (None, _) => right.next(),
        };
        match next {
            Some(place) => all.push(*place),
            None => return all,
        }
    }
}

impl Pattern {
    pub(super) fn matcher<'a>(&self, text: &'a [u8]) -> Matcher<'a> {
        Matcher { text, ignore_case: self.ignore_case, guards_dot: self.guards_dot }
    }
}

//! From the text of a regular expression to its parts: ECMAScript 2023 with Annex B, by which a browser reads patterns
//! without the flag `u`.

use super::MAX_DEPTH;
use super::node::{Node, Set};

/// What is wrong with a pattern, in the usual engine's words.
pub(super) type Complaint = &'static str;

const NOTHING: Complaint = "Nothing to repeat";
const INCOMPLETE: Complaint = "Incomplete quantifier";
const CAPTURE_NAME: Complaint = "Invalid capture group name";

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pattern {
    pub(super) root: Node,
    /// How many capturing groups there are.
    pub(super) captures: u32,
    /// Whether something refers to one.
    pub(super) refers: bool,
}

/// The flags that the parser must know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Syntax {
    /// `u`: stricter, and characters are code points.
    pub(super) unicode: bool,
    /// `i`.
    pub(super) ignore_case: bool,
    /// `s`: `.` is everything.
    pub(super) dot_all: bool,
}

/// Parses a pattern given in units, or in code points with the flag `u`.
pub(super) fn parse(text: &[u32], syntax: Syntax) -> Result<Pattern, Complaint> {
    let (captures, named) = count_groups(text);
    let mut parser = Parser {
        text,
        at: 0,
        syntax,
        depth: 0,
        captures,
        opened: 0,
        names: Vec::new(),
        named: named || syntax.unicode,
        wanted: Vec::new(),
        refers: false,
    };
    let mut root = parser.either()?;
    if parser.at < text.len() {
        return Err("Unmatched ')'");
    }
    if !parser.wanted.is_empty() {
        parser.resolve(&mut root)?;
    }
    Ok(Pattern { root, captures, refers: parser.refers })
}

/// How many capturing groups there are, and whether one has a name: what `\1` and `\k` mean depends on it.
fn count_groups(text: &[u32]) -> (u32, bool) {
    let (mut count, mut named, mut in_class) = (0, false, false);
    let character = |at: usize| text.get(at).copied().and_then(char::from_u32);
    let mut at = 0;
    while at < text.len() {
        match character(at) {
            Some('\\') => at += 1,
            Some('[') => in_class = true,
            Some(']') => in_class = false,
            Some('(') if !in_class => {
                let name = character(at + 1) == Some('?')
                    && character(at + 2) == Some('<')
                    && !matches!(character(at + 3), Some('=' | '!'));
                named |= name;
                count += u32::from(name || character(at + 1) != Some('?'));
            }
            _ => {}
        }
        at += 1;
    }
    (count, named)
}

/// The state of parsing one pattern.
pub(super) struct Parser<'t> {
    pub(super) text: &'t [u32],
    pub(super) at: usize,
    pub(super) syntax: Syntax,
    /// How many groups are open; the only recursion.
    depth: usize,
    pub(super) captures: u32,
    /// The capturing groups that were opened so far.
    opened: u32,
    names: Vec<(Vec<u32>, u32)>,
    /// Whether `\k` must have a name.
    pub(super) named: bool,
    /// The names of `\k<…>`; a reference holds its number beyond all groups until all names are known.
    pub(super) wanted: Vec<Vec<u32>>,
    pub(super) refers: bool,
}

impl Parser<'_> {
    pub(super) fn peek(&self) -> Option<char> {
        self.ahead(0)
    }

    /// A character further on; a lone surrogate is none.
    pub(super) fn ahead(&self, by: usize) -> Option<char> {
        self.text.get(self.at + by).copied().and_then(char::from_u32)
    }

    pub(super) fn eat(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        self.at += usize::from(found);
        found
    }

    pub(super) fn eat_all(&mut self, expected: &str) -> bool {
        let found = expected.chars().enumerate().all(|(by, c)| self.ahead(by) == Some(c));
        self.at += if found { expected.len() } else { 0 };
        found
    }

    /// Alternatives, up to a closing bracket or the end.
    fn either(&mut self) -> Result<Node, Complaint> {
        if self.depth > MAX_DEPTH {
            return Err("Regular expression too large");
        }
        self.depth += 1;
        let mut all = vec![self.sequence()?];
        while self.eat('|') {
            all.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(match (all.pop(), all.is_empty()) {
            (Some(only), true) => only,
            (last, _) => {
                all.extend(last);
                Node::Either(all)
            }
        })
    }

    fn sequence(&mut self) -> Result<Node, Complaint> {
        let mut all = Vec::new();
        while !matches!(self.peek(), Some('|' | ')')) && self.at < self.text.len() {
            let before = self.opened;
            let (node, repeatable) = self.term()?;
            let node = if repeatable { self.repeated(node, before)? } else { node };
            all.push(node);
        }
        Ok(match (all.pop(), all.is_empty()) {
            (None, _) => Node::Empty,
            (Some(only), true) => only,
            (Some(last), false) => {
                all.push(last);
                Node::Sequence(all)
            }
        })
    }

    /// One part, and whether it may be repeated.
    fn term(&mut self) -> Result<(Node, bool), Complaint> {
        let Some(c) = self.peek() else {
            // A lone surrogate.
            self.at += 1;
            return Ok((Node::Character(self.text[self.at - 1]), true));
        };
        match c {
            '^' => self.plain(Node::Start),
            '$' => self.plain(Node::End),
            '(' => self.group(),
            '.' => {
                self.at += 1;
                Ok((Node::Set(Set::dot(self.syntax.dot_all)), true))
            }
            '[' => Ok((Node::Set(self.class()?), true)),
            '\\' => self.escape(),
            '*' | '+' | '?' => Err(NOTHING),
            '{' if !matches!(self.bounds(), Ok(None)) => Err(NOTHING),
            ']' | '}' | '{' if self.syntax.unicode => Err("Lone quantifier brackets"),
            _ => {
                self.at += 1;
                Ok((Node::Character(c.into()), true))
            }
        }
    }

    fn plain(&mut self, node: Node) -> Result<(Node, bool), Complaint> {
        self.at += 1;
        Ok((node, false))
    }

    fn group(&mut self) -> Result<(Node, bool), Complaint> {
        self.at += 1;
        let look = |behind, negated| Some((behind, negated));
        let (look, capture) = if self.eat_all("?:") {
            (None, None)
        } else if self.eat_all("?=") {
            (look(false, false), None)
        } else if self.eat_all("?!") {
            (look(false, true), None)
        } else if self.eat_all("?<=") {
            (look(true, false), None)
        } else if self.eat_all("?<!") {
            (look(true, true), None)
        } else {
            self.opened += 1;
            let name = if self.eat_all("?<") {
                Some(self.group_name().ok_or(CAPTURE_NAME)?)
            } else if self.peek() == Some('?') {
                return Err("Invalid group");
            } else {
                None
            };
            (None, Some((self.opened, name)))
        };
        let node = Box::new(self.either()?);
        if !self.eat(')') {
            return Err("Unterminated group");
        }
        match (look, capture) {
            (Some((behind, negated)), _) => {
                if (behind || self.syntax.unicode) && self.repeats()? {
                    return Err("Invalid quantifier");
                }
                Ok((Node::Look { behind, negated, node }, !behind && !self.syntax.unicode))
            }
            (None, Some((number, name))) => {
                if let Some(name) = name {
                    if self.names.iter().any(|(known, _)| *known == name) {
                        return Err("Duplicate capture group name");
                    }
                    self.names.push((name, number));
                }
                Ok((Node::Capture(number, node), true))
            }
            (None, None) => Ok((*node, true)),
        }
    }

    /// Whether a quantifier stands here.
    fn repeats(&mut self) -> Result<bool, Complaint> {
        let here = self.at;
        let bounds = self.bounds()?.is_some();
        self.at = here;
        match self.peek() {
            Some('{') if self.syntax.unicode && !bounds => Err(INCOMPLETE),
            next => Ok(bounds || matches!(next, Some('*' | '+' | '?'))),
        }
    }

    /// `name>`, of letters, digits, `_` and `$`.
    pub(super) fn group_name(&mut self) -> Option<Vec<u32>> {
        let start = self.at;
        while let Some(c) = self.peek().filter(|c| *c != '>') {
            let first = self.at == start;
            let joiner = matches!(c, '\u{200C}' | '\u{200D}');
            let inside = c.is_alphanumeric() || joiner;
            if !(matches!(c, '_' | '$') || if first { c.is_alphabetic() } else { inside }) {
                return None;
            }
            self.at += 1;
        }
        let name = self.text[start..self.at].to_vec();
        (self.eat('>') && !name.is_empty()).then_some(name)
    }

    /// What repeats a part, if anything does.
    fn repeated(&mut self, node: Node, before: u32) -> Result<Node, Complaint> {
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => match self.bounds()? {
                Some(bounds) => {
                    self.at -= 1;
                    bounds
                }
                None if self.syntax.unicode => return Err(INCOMPLETE),
                None => return Ok(node),
            },
            _ => return Ok(node),
        };
        self.at += 1;
        let greedy = !self.eat('?');
        Ok(Node::Repeat { node: Box::new(node), least, most, greedy, captures: before + 1..self.opened + 1 })
    }

    /// `{n}`, `{n,}` or `{n,m}`; where it is none of these, nothing is read.
    fn bounds(&mut self) -> Result<Option<(usize, Option<usize>)>, Complaint> {
        let here = self.at;
        let read = |parser: &mut Self| {
            if !parser.eat('{') {
                return None;
            }
            let least = parser.decimal()?;
            let most = if parser.eat(',') {
                if parser.peek() == Some('}') { None } else { Some(parser.decimal()?) }
            } else {
                Some(least)
            };
            parser.eat('}').then_some((least, most))
        };
        match read(self) {
            Some((least, Some(most))) if most < least => Err("numbers out of order in {} quantifier"),
            Some(bounds) => Ok(Some(bounds)),
            None => {
                self.at = here;
                Ok(None)
            }
        }
    }

    /// A number; what is too large is the largest.
    pub(super) fn decimal(&mut self) -> Option<usize> {
        let mut value: Option<usize> = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            value = Some(value.unwrap_or(0).saturating_mul(10).saturating_add(digit as usize));
            self.at += 1;
        }
        value
    }

    /// Gives the references to names their numbers.
    fn resolve(&self, node: &mut Node) -> Result<(), Complaint> {
        match node {
            Node::Back(number) if *number > self.captures => {
                let wanted = self.wanted.get((*number - self.captures - 1) as usize);
                let found = self.names.iter().find(|(name, _)| Some(name) == wanted);
                *number = found.ok_or("Invalid named capture referenced")?.1;
                Ok(())
            }
            Node::Sequence(all) | Node::Either(all) => all.iter_mut().try_for_each(|node| self.resolve(node)),
            Node::Capture(_, node) | Node::Look { node, .. } | Node::Repeat { node, .. } => self.resolve(node),
            _ => Ok(()),
        }
    }
}

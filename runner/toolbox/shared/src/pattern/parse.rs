use super::node::{CLASSES, Item, Look, Node, SPACE, Set, WORD};
use super::{Escapes, Language};

/// How deep groups may stand in each other.
const MAX_DEPTH: usize = 100;

/// How many repetitions may stand around each other, as in `(a*)**`.
const MAX_CHAIN: usize = 8;

/// The largest number of repetitions (`RE_DUP_MAX`).
const MAX_REPEAT: u32 = 32_767;

/// A pattern as a tree, and how many groups it has. The error is a message.
pub(super) fn parse(pattern: &[u8], language: Language, escapes: Escapes) -> Result<(Node, usize), String> {
    let characters = characters(pattern);
    if language == Language::Fixed {
        return Ok((Node::Concat(characters.into_iter().map(Letter::node).collect()), 0));
    }
    let mut parser = Parser {
        characters,
        at: 0,
        extended: language == Language::Extended,
        escapes,
        groups: 0,
        closed: vec![],
        depth: 0,
    };
    let node = parser.alternatives()?;
    if parser.at < parser.characters.len() {
        return Err(if parser.extended { "unmatched `)`" } else { "unmatched `\\)`" }.to_owned());
    }
    Ok((node, parser.groups))
}

/// A character, or a byte that is none.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Letter {
    Char(char),
    Byte(u8),
}

impl Letter {
    fn node(self) -> Node {
        match self {
            Self::Char(character) => Node::Char(character),
            Self::Byte(byte) => Node::Byte(byte),
        }
    }
}

fn characters(pattern: &[u8]) -> Vec<Letter> {
    let mut letters = Vec::with_capacity(pattern.len());
    for chunk in pattern.utf8_chunks() {
        letters.extend(chunk.valid().chars().map(Letter::Char));
        letters.extend(chunk.invalid().iter().copied().map(Letter::Byte));
    }
    letters
}

struct Parser {
    characters: Vec<Letter>,
    at: usize,
    extended: bool,
    escapes: Escapes,
    groups: usize,
    /// Numbers of the groups that are complete.
    closed: Vec<usize>,
    depth: usize,
}

impl Parser {
    fn peek(&self, ahead: usize) -> Option<char> {
        match self.characters.get(self.at + ahead) {
            Some(Letter::Char(character)) => Some(*character),
            _ => None,
        }
    }

    /// Whether these characters come next.
    fn sees(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, character)| self.peek(ahead) == Some(character))
    }

    fn takes(&mut self, text: &str) -> bool {
        let seen = self.sees(text);
        if seen {
            self.at += text.chars().count();
        }
        seen
    }

    fn bar(&self) -> &'static str {
        if self.extended { "|" } else { "\\|" }
    }

    fn at_end(&self) -> bool {
        self.at == self.characters.len()
    }

    /// Whether the group or the pattern ends here.
    fn at_close(&self) -> bool {
        self.at_end() || (self.sees(if self.extended { ")" } else { "\\)" }) && (self.depth > 0 || !self.extended))
    }

    fn alternatives(&mut self) -> Result<Node, String> {
        let mut nodes = vec![self.branch()?];
        while self.takes(self.bar()) {
            nodes.push(self.branch()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Alternate(nodes) })
    }

    fn branch(&mut self) -> Result<Node, String> {
        let mut nodes = vec![];
        // Whether nothing stands before: there `*` is itself and `^` an anchor.
        let mut start = true;
        while !self.at_close() && !self.sees(self.bar()) {
            let atom = self.atom(start)?;
            let anchor = atom == Node::Look(Look::LineStart);
            let atom = if anchor && !self.extended { atom } else { self.repeated(atom)? };
            start = anchor && start;
            nodes.push(atom);
        }
        Ok(match nodes.len() {
            0 => Node::Empty,
            1 => nodes.remove(0),
            _ => Node::Concat(nodes),
        })
    }

    /// What stands behind an atom: repetitions, also of each other.
    fn repeated(&mut self, mut node: Node) -> Result<Node, String> {
        loop {
            let (min, max) = match self.peek(0) {
                Some('*') => {
                    self.at += 1;
                    (0, None)
                }
                Some('+' | '?') if self.extended => {
                    self.at += 1;
                    if self.peek_back() == '+' { (1, None) } else { (0, Some(1)) }
                }
                Some('\\') if !self.extended && matches!(self.peek(1), Some('+' | '?')) => {
                    self.at += 2;
                    if self.peek_back() == '+' { (1, None) } else { (0, Some(1)) }
                }
                Some('{') if self.extended => match self.interval(1)? {
                    Some(interval) => interval,
                    None => return Ok(node),
                },
                Some('\\') if !self.extended && self.peek(1) == Some('{') => {
                    self.interval(2)?.ok_or("an interval that is not one")?
                }
                _ => return Ok(node),
            };
            node = match (node, min, max) {
                // A repetition of a repetition, as in `a**`.
                (Node::Repeat { node, min: 0, max: None }, 0 | 1, _) => Node::Repeat { node, min: 0, max: None },
                (node, min, max) => Node::Repeat { node: Box::new(node), min, max },
            };
            if depth_of(&node) > MAX_CHAIN {
                return Err("the pattern is nested too deep".to_owned());
            }
        }
    }

    /// The character that was read last.
    fn peek_back(&self) -> char {
        match self.characters[self.at - 1] {
            Letter::Char(character) => character,
            Letter::Byte(_) => '\0',
        }
    }

    /// An interval, whose beginning has `skip` characters; nothing (and nothing read) where it is none.
    fn interval(&mut self, skip: usize) -> Result<Option<(u32, Option<u32>)>, String> {
        let end = if self.extended { "}" } else { "\\}" };
        let start = self.at;
        self.at += skip;
        let low = self.number();
        let (low, high) = if self.takes(",") {
            let high = self.number();
            (low.or(Some(0)), Some(high))
        } else {
            (low, None)
        };
        let (Some(low), true) = (low, self.takes(end)) else {
            self.at = start;
            return if self.extended { Ok(None) } else { Err("an interval that is not one".to_owned()) };
        };
        let high = match high {
            None => Some(low),
            Some(high) => high,
        };
        if low > MAX_REPEAT || high.is_some_and(|high| high > MAX_REPEAT) {
            return Err("the pattern is too big".to_owned());
        }
        if high.is_some_and(|high| high < low) {
            return Err("an interval that ends before it begins".to_owned());
        }
        Ok(Some((low, high)))
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = None;
        while let Some(digit) = self.peek(0).and_then(|character| character.to_digit(10)) {
            number = Some(number.unwrap_or(0_u32).saturating_mul(10).saturating_add(digit));
            self.at += 1;
        }
        number
    }

    fn atom(&mut self, start: bool) -> Result<Node, String> {
        let letter = self.characters[self.at];
        let Letter::Char(character) = letter else {
            self.at += 1;
            return Ok(letter.node());
        };
        let extended = self.extended;
        self.at += 1;
        Ok(match character {
            '\\' => return self.escaped(start),
            '[' => Node::Set(self.bracket()?),
            '.' => Node::Any,
            '*' if start && !extended => Node::Char('*'),
            '*' | '+' | '?' if start && extended && self.escapes == Escapes::Sed => {
                return Err("nothing stands before what is to be repeated".to_owned());
            }
            // Nothing stands before it to be repeated.
            '*' | '+' | '?' if start && extended => {
                self.at -= 1;
                Node::Empty
            }
            '{' if start && extended => {
                self.at -= 1;
                if self.interval(1)?.is_some() {
                    Node::Empty
                } else {
                    self.at += 1;
                    Node::Char('{')
                }
            }
            '^' if extended || start => Node::Look(Look::LineStart),
            '$' if extended || self.at_close() || self.sees("\\|") => Node::Look(Look::LineEnd),
            '(' if extended => return self.group(),
            other => Node::Char(other),
        })
    }

    fn group(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the pattern is nested too deep".to_owned());
        }
        self.groups += 1;
        let number = self.groups;
        let inner = self.alternatives()?;
        if !self.takes(if self.extended { ")" } else { "\\)" }) {
            return Err(if self.extended { "unmatched `(`" } else { "unmatched `\\(`" }.to_owned());
        }
        self.depth -= 1;
        self.closed.push(number);
        Ok(Node::Group(number, Box::new(inner)))
    }

    /// What a backslash, which has been read, makes of the next character.
    fn escaped(&mut self, start: bool) -> Result<Node, String> {
        let letter = *self.characters.get(self.at).ok_or("a trailing backslash")?;
        self.at += 1;
        let Letter::Char(character) = letter else { return Ok(letter.node()) };
        let class = |class, negated| Node::Set(Set { negated, items: vec![Item::Class(class)] });
        if let Some(letter) = self.control(character)? {
            return Ok(letter.node());
        }
        Ok(match character {
            '(' if !self.extended => return self.group(),
            ')' if !self.extended => return Err("unmatched `\\)`".to_owned()),
            '{' if !self.extended && !start => return Err("an interval that is not one".to_owned()),
            '1'..='9' if self.escapes != Escapes::Awk => {
                let number = character.to_digit(10).unwrap_or_default() as usize;
                if !self.closed.contains(&number) {
                    return Err(format!("the back-reference `\\{character}` is to no group before it"));
                }
                Node::Same(number)
            }
            'y' if self.escapes == Escapes::Awk => Node::Look(Look::Boundary),
            'b' if self.escapes != Escapes::Awk => Node::Look(Look::Boundary),
            'w' => class(WORD, false),
            'W' => class(WORD, true),
            's' => class(SPACE, false),
            'S' => class(SPACE, true),
            'B' => Node::Look(Look::NoBoundary),
            '<' => Node::Look(Look::WordStart),
            '>' => Node::Look(Look::WordEnd),
            '`' => Node::Look(Look::TextStart),
            '\'' => Node::Look(Look::TextEnd),
            other => Node::Char(other),
        })
    }

    /// What an escape stands for, where the pattern's language has such.
    fn control(&mut self, character: char) -> Result<Option<Letter>, String> {
        let simple = match (self.escapes, character) {
            (Escapes::None, _) => return Ok(None),
            (_, 'n') => '\n',
            (_, 't') => '\t',
            (_, 'f') => '\u{c}',
            (_, 'v') => '\u{b}',
            (_, 'a') => '\u{7}',
            (Escapes::Awk, 'r') | (Escapes::Sed, 'r') => '\r',
            (Escapes::Awk, 'b') => '\u{8}',
            (Escapes::Awk, '0'..='7') => {
                self.at -= 1;
                return Ok(self.digits(8, 3));
            }
            (Escapes::Sed, 'd') => return Ok(self.digits(10, 3)),
            (Escapes::Sed, 'o') => return Ok(self.digits(8, 3)),
            (_, 'x') => return Ok(self.digits(16, 2)),
            (Escapes::Sed, 'c') => {
                let next = self.peek(0).ok_or("a trailing backslash")?;
                self.at += 1;
                return Ok(char::from_u32(u32::from(next.to_ascii_uppercase()) ^ 0x40).map(Letter::Char));
            }
            _ => return Ok(None),
        };
        Ok(Some(Letter::Char(simple)))
    }

    /// A byte by its number, which beyond ASCII is no character of its own; nothing where no digit follows.
    fn digits(&mut self, base: u32, most: usize) -> Option<Letter> {
        let mut value = None;
        for _ in 0..most {
            let Some(digit) = self.peek(0).and_then(|character| character.to_digit(base)) else { break };
            value = Some(value.unwrap_or(0) * base + digit);
            self.at += 1;
        }
        let byte = (value? & 0xff) as u8;
        Some(if byte.is_ascii() { Letter::Char(char::from(byte)) } else { Letter::Byte(byte) })
    }

    /// A bracket expression, whose `[` has been read.
    fn bracket(&mut self) -> Result<Set, String> {
        let mut set = Set { negated: self.takes("^"), items: vec![] };
        let first = self.at;
        loop {
            let letter = *self.characters.get(self.at).ok_or("unmatched `[`")?;
            if letter == Letter::Char(']') && self.at > first {
                self.at += 1;
                return Ok(set);
            }
            if self.takes("[:") {
                let name = self.named(":]")?;
                let class = CLASSES[..WORD].iter().position(|(known, _)| *known == name);
                set.items.push(Item::Class(class.ok_or_else(|| format!("`{name}` is no character class"))?));
                continue;
            }
            let low = self.element()?;
            let ranged = self.peek(0) == Some('-') && !matches!(self.peek(1), Some(']') | None);
            match low {
                Letter::Byte(byte) => set.items.push(Item::Byte(byte)),
                Letter::Char(low) if ranged => {
                    self.at += 1;
                    let Letter::Char(high) = self.element()? else { return Err("a range that is not one".to_owned()) };
                    if high < low {
                        return Err("a range that ends before it begins".to_owned());
                    }
                    set.items.push(Item::Range(low, high));
                }
                Letter::Char(low) => set.items.push(Item::Range(low, low)),
            }
        }
    }

    /// One element of a bracket expression.
    fn element(&mut self) -> Result<Letter, String> {
        let letter = *self.characters.get(self.at).ok_or("unmatched `[`")?;
        for (open, close) in [("[.", ".]"), ("[=", "=]")] {
            if self.takes(open) {
                let name = self.named(close)?;
                let mut characters = name.chars();
                return match (characters.next(), characters.next()) {
                    (Some(character), None) => Ok(Letter::Char(character)),
                    _ => Err(format!("`{name}` is no collating element")),
                };
            }
        }
        self.at += 1;
        if letter == Letter::Char('\\')
            && self.escapes != Escapes::None
            && let Some(next) = self.peek(0)
        {
            self.at += 1;
            if let Some(letter) = self.control(next)? {
                return Ok(letter);
            }
            if self.escapes == Escapes::Awk {
                return Ok(Letter::Char(next));
            }
            self.at -= 1;
        }
        Ok(letter)
    }

    fn named(&mut self, close: &str) -> Result<String, String> {
        let mut name = String::new();
        while !self.takes(close) {
            name.push(self.peek(0).ok_or("unmatched `[`")?);
            self.at += 1;
        }
        Ok(name)
    }
}

/// How many repetitions stand around each other.
fn depth_of(mut node: &Node) -> usize {
    let mut depth = 0;
    while let Node::Repeat { node: inner, .. } = node {
        depth += 1;
        node = inner;
    }
    depth
}

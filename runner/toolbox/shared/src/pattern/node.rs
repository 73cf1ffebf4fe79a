/// A parsed pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Empty,
    Char(char),
    /// A byte that is no text.
    Byte(u8),
    /// Any character.
    Any,
    Set(Set),
    Look(Look),
    /// A group and its number, from 1.
    Group(usize, Box<Node>),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat {
        node: Box<Node>,
        min: u32,
        max: Option<u32>,
    },
    /// What a group has matched, again.
    Same(usize),
}

/// What holds at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Look {
    LineStart,
    LineEnd,
    TextStart,
    TextEnd,
    Boundary,
    NoBoundary,
    WordStart,
    WordEnd,
    /// No word goes on before.
    NoWordBefore,
    /// No word goes on after.
    NoWordAfter,
}

/// A bracket expression or a class.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Set {
    pub(super) negated: bool,
    pub(super) items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Range(char, char),
    Byte(u8),
    /// A class of POSIX by its index in [`CLASSES`].
    Class(usize),
}

/// The classes of POSIX, and `word`: how the `regex` crate writes them.
pub(super) const CLASSES: [(&str, &str); 13] = [
    ("alnum", r"\p{Alphabetic}\p{Nd}"),
    ("alpha", r"\p{Alphabetic}"),
    ("blank", r" \t"),
    ("cntrl", r"\p{Cc}"),
    ("digit", "0-9"),
    ("graph", r"[\P{C}--\p{Z}]"),
    ("lower", r"\p{Lowercase}"),
    ("print", r"\P{C}"),
    ("punct", r"[\p{P}\p{S}]"),
    ("space", r"\s"),
    ("upper", r"\p{Uppercase}"),
    ("xdigit", "0-9A-Fa-f"),
    ("word", r"\w"),
];

/// Where `space` and `word` stand.
pub(super) const SPACE: usize = 9;
pub(super) const WORD: usize = 12;

/// Whether a character is of a class.
fn is_of(class: usize, character: char) -> bool {
    match CLASSES[class].0 {
        "alnum" => character.is_alphanumeric(),
        "alpha" => character.is_alphabetic(),
        "blank" => matches!(character, ' ' | '\t'),
        "cntrl" => character.is_control(),
        "digit" => character.is_ascii_digit(),
        "graph" => !character.is_control() && !character.is_whitespace(),
        "lower" => character.is_lowercase(),
        "print" => !character.is_control(),
        "punct" => !character.is_control() && !character.is_whitespace() && !character.is_alphanumeric(),
        "space" => character.is_whitespace(),
        "upper" => character.is_uppercase(),
        "xdigit" => character.is_ascii_hexdigit(),
        _ => is_word(character),
    }
}

pub(super) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

impl Set {
    /// Whether a character is in it.
    pub(super) fn holds(&self, character: char, ignore_case: bool) -> bool {
        let one = |character: char| {
            self.items.iter().any(|item| match item {
                Item::Range(low, high) => (*low..=*high).contains(&character),
                Item::Byte(_) => false,
                Item::Class(class) => is_of(*class, character),
            })
        };
        let mut held = one(character);
        if ignore_case && !held {
            held = character.to_lowercase().any(one) || character.to_uppercase().any(one);
        }
        held != self.negated
    }

    /// Whether a byte that is no text is in it.
    pub(super) fn holds_byte(&self, byte: u8) -> bool {
        self.items.contains(&Item::Byte(byte)) && !self.negated
    }
}

impl Node {
    /// Whether a pattern that takes the first way that matches could take less than the longest: where there is a choice
    /// between texts of more than one character.
    pub(super) fn is_ambiguous(&self) -> bool {
        match self {
            Self::Alternate(_) => true,
            Self::Group(_, node) => node.is_ambiguous(),
            Self::Concat(nodes) => nodes.iter().any(Self::is_ambiguous),
            Self::Repeat { node, .. } => !matches!(**node, Self::Char(_) | Self::Byte(_) | Self::Any | Self::Set(_)),
            _ => false,
        }
    }

    /// Whether it asks for what a group has matched.
    pub(super) fn refers_back(&self) -> bool {
        match self {
            Self::Same(_) => true,
            Self::Group(_, node) | Self::Repeat { node, .. } => node.refers_back(),
            Self::Concat(nodes) | Self::Alternate(nodes) => nodes.iter().any(Self::refers_back),
            _ => false,
        }
    }

    /// The same with other numbers for its groups, all of them `by` higher.
    pub(super) fn renumbered(self, by: usize) -> Self {
        let all = |nodes: Vec<Self>| nodes.into_iter().map(|node| node.renumbered(by)).collect();
        match self {
            Self::Group(number, node) => Self::Group(number + by, Box::new(node.renumbered(by))),
            Self::Same(number) => Self::Same(number + by),
            Self::Concat(nodes) => Self::Concat(all(nodes)),
            Self::Alternate(nodes) => Self::Alternate(all(nodes)),
            Self::Repeat { node, min, max } => Self::Repeat { node: Box::new(node.renumbered(by)), min, max },
            other => other,
        }
    }

    /// The pattern in the language of the `regex` crate. With `lines` it never matches an end of line, and its anchors are at
    /// lines, so that it can be looked for in many of them at once.
    pub(super) fn write(&self, lines: bool, result: &mut String) {
        match self {
            Self::Empty => result.push_str("(?:)"),
            Self::Char(character) => result.push_str(&regex::escape(character.encode_utf8(&mut [0; 4]))),
            Self::Byte(byte) => result.push_str(&format!("(?-u:\\x{byte:02x})")),
            Self::Any if lines => result.push_str("[^\\n]"),
            Self::Any => result.push('.'),
            Self::Set(set) => set.write(lines, result),
            Self::Look(look) => result.push_str(match look {
                Look::LineStart => "^",
                Look::LineEnd => "$",
                Look::TextStart if lines => "^",
                Look::TextEnd if lines => "$",
                Look::TextStart => r"\A",
                Look::TextEnd => r"\z",
                Look::Boundary => r"\b",
                Look::NoBoundary => r"\B",
                Look::WordStart => r"\b{start}",
                Look::WordEnd => r"\b{end}",
                Look::NoWordBefore => r"\b{start-half}",
                Look::NoWordAfter => r"\b{end-half}",
            }),
            Self::Group(_, node) => {
                result.push('(');
                node.write(lines, result);
                result.push(')');
            }
            Self::Concat(nodes) => nodes.iter().for_each(|node| node.write(lines, result)),
            Self::Alternate(nodes) => {
                result.push_str("(?:");
                for (at, node) in nodes.iter().enumerate() {
                    if at > 0 {
                        result.push('|');
                    }
                    node.write(lines, result);
                }
                result.push(')');
            }
            Self::Repeat { node, min, max } => {
                result.push_str("(?:");
                node.write(lines, result);
                result.push(')');
                match (min, max) {
                    (0, None) => result.push('*'),
                    (1, None) => result.push('+'),
                    (0, Some(1)) => result.push('?'),
                    (min, None) => result.push_str(&format!("{{{min},}}")),
                    (min, Some(max)) => result.push_str(&format!("{{{min},{max}}}")),
                }
            }
            // Patterns with these have another engine.
            Self::Same(_) => {}
        }
    }
}

impl Set {
    fn write(&self, lines: bool, result: &mut String) {
        let bytes: Vec<u8> =
            self.items.iter().filter_map(|item| if let Item::Byte(byte) = item { Some(*byte) } else { None }).collect();
        if !bytes.is_empty() && !self.negated {
            result.push_str("(?:");
            for byte in &bytes {
                result.push_str(&format!("(?-u:\\x{byte:02x})|"));
            }
        }
        result.push_str(if lines { "[[" } else { "[" });
        if self.negated {
            result.push('^');
        }
        for item in &self.items {
            match item {
                Item::Range(low, high) if low == high => write_in_set(*low, result),
                Item::Range(low, high) => {
                    write_in_set(*low, result);
                    result.push('-');
                    write_in_set(*high, result);
                }
                Item::Byte(_) => {}
                Item::Class(class) => result.push_str(CLASSES[*class].1),
            }
        }
        if self.items.len() == bytes.len() {
            // Of bytes alone: nothing that is text.
            result.push_str(r"\x00&&\x01");
        }
        result.push_str(if lines { r"]--\n]" } else { "]" });
        if !bytes.is_empty() && !self.negated {
            result.push(')');
        }
    }
}

fn write_in_set(character: char, result: &mut String) {
    if character.is_ascii_punctuation() {
        result.push('\\');
        result.push(character);
    } else if character.is_control() || character == ' ' {
        result.push_str(&format!("\\x{{{:x}}}", u32::from(character)));
    } else {
        result.push(character);
    }
}

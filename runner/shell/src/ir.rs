//! What a script is after parsing: everything the evaluator needs, nothing of the text's form.

use std::sync::{Arc, OnceLock};

/// Commands one after the other.
#[derive(Debug, Default)]
pub(crate) struct List(pub(crate) Vec<Item>);

/// One entry of a list.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) and_or: Arc<AndOr>,
    /// Whether `&` stands behind it.
    pub(crate) background: bool,
}

/// Pipelines joined by `&&` and `||`.
#[derive(Debug)]
pub(crate) struct AndOr {
    pub(crate) first: Pipeline,
    pub(crate) rest: Vec<(Connector, Pipeline)>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Connector {
    And,
    Or,
}

#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) negated: bool,
    pub(crate) commands: Vec<Arc<Command>>,
}

#[derive(Debug)]
pub(crate) enum Command {
    Simple(Simple),
    Compound { line: u32, body: Compound, redirects: Vec<Redirect> },
    Function { name: Vec<u8>, body: Arc<Command> },
}

#[derive(Debug)]
pub(crate) struct Simple {
    pub(crate) line: u32,
    pub(crate) assignments: Vec<Assignment>,
    /// Whether this is `export` or its like, whose operands `NAME=value` are expanded as assignments are.
    pub(crate) declares: bool,
    pub(crate) words: Vec<Word>,
    pub(crate) redirects: Vec<Redirect>,
}

#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) name: Vec<u8>,
    pub(crate) value: Word,
    /// `NAME+=value`, which ash has.
    pub(crate) append: bool,
}

#[derive(Debug)]
pub(crate) enum Compound {
    Brace(List),
    Subshell(List),
    For {
        name: Vec<u8>,
        words: Option<Vec<Word>>,
        body: List,
    },
    Case {
        word: Word,
        arms: Vec<Arm>,
    },
    If {
        arms: Vec<(List, List)>,
        otherwise: Option<List>,
    },
    While {
        until: bool,
        condition: List,
        body: List,
    },
    /// `[[ … ]]`, as words.
    Test(Vec<Word>),
}

#[derive(Debug)]
pub(crate) struct Arm {
    pub(crate) patterns: Vec<Word>,
    pub(crate) body: List,
    /// `;&`: goes on with the next arm's body.
    pub(crate) falls_through: bool,
}

#[derive(Debug)]
pub(crate) struct Redirect {
    pub(crate) fd: Option<u32>,
    pub(crate) kind: RedirectKind,
}

#[derive(Debug)]
pub(crate) enum RedirectKind {
    Read(Word),
    Write(Word),
    Clobber(Word),
    Append(Word),
    ReadWrite(Word),
    /// `<&` and `>&`.
    Duplicate {
        word: Word,
        output: bool,
    },
    /// `&>` and `&>>`, which ash has.
    Both {
        word: Word,
        append: bool,
    },
    HereDocument(Arc<OnceLock<Word>>),
    /// `<<<`, which ash has.
    HereString(Word),
}

/// A word before expansion.
#[derive(Clone, Debug, Default)]
pub(crate) struct Word {
    pub(crate) parts: Vec<Part>,
}

#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// Text outside quotes.
    Literal(Vec<u8>),
    /// Text inside quotes; an empty one makes an empty field.
    Quoted(Vec<u8>),
    /// `~` or `~name` where it is expanded.
    Tilde(Vec<u8>),
    Parameter {
        parameter: Box<Parameter>,
        quoted: bool,
    },
    Command {
        list: Arc<List>,
        quoted: bool,
    },
    Arithmetic {
        expression: Word,
        quoted: bool,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Name,
    pub(crate) operation: Operation,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Name {
    Variable(Vec<u8>),
    Positional(usize),
    /// One of `@ * # ? - $ ! 0`.
    Special(u8),
}

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Plain,
    Length,
    /// `-`, `=`, `?`, `+`; with `:` an empty value counts as unset.
    Default {
        word: Word,
        colon: bool,
    },
    Assign {
        word: Word,
        colon: bool,
    },
    Error {
        word: Word,
        colon: bool,
    },
    Alternative {
        word: Word,
        colon: bool,
    },
    /// `#`, `##`, `%`, `%%`.
    Strip {
        pattern: Word,
        suffix: bool,
        longest: bool,
    },
    /// `${v:offset:length}`, which ash has.
    Substring {
        offset: Word,
        length: Option<Word>,
    },
    /// `${v/pattern/with}`, which ash has.
    Replace {
        pattern: Word,
        with: Word,
        all: bool,
        anchor: Anchor,
    },
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Anchor {
    None,
    Start,
    End,
}

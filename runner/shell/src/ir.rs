//! What a script is after parsing: everything the evaluator needs, nothing of the text's form.

use std::sync::{Arc, OnceLock};

/// Commands one after the other.
#[derive(Debug, Default)]
pub(crate) struct List(pub(crate) Vec<Item>);

impl List {
    /// Where it is `<file` and nothing else, which in `$( )` stands for what is in the file.
    pub(crate) fn is_file_to_read(&self) -> Option<&Redirect> {
        let [Item { and_or, background: None }] = self.0.as_slice() else { return None };
        let (pipeline, []) = (&and_or.first, and_or.rest.as_slice()) else { return None };
        let [command] = pipeline.commands.as_slice() else { return None };
        let Command::Simple(simple) = &**command else { return None };
        let [redirect] = simple.redirects.as_slice() else { return None };
        let reads = matches!(redirect.kind, RedirectKind::Read(_))
            && matches!(redirect.fd, Descriptor::Default | Descriptor::Number(0));
        let plain = !pipeline.negated && pipeline.timed.is_none();
        let alone = simple.words.is_empty() && simple.assignments.is_empty();
        (reads && plain && alone).then_some(redirect)
    }
}

/// One entry of a list.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) and_or: Arc<AndOr>,
    /// Where `&` stands behind it: its text, for `jobs`.
    pub(crate) background: Option<Arc<[u8]>>,
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
    /// bash's `time`, and whether `-p` stands behind it.
    pub(crate) timed: Option<bool>,
    /// None where `!` or `time` stands alone.
    pub(crate) commands: Vec<Arc<Command>>,
}

#[derive(Debug)]
pub(crate) enum Command {
    Simple(Simple),
    Compound {
        line: u32,
        /// What `BASH_COMMAND` tells of it: nothing where it only holds others.
        text: Arc<[u8]>,
        body: Compound,
        redirects: Vec<Redirect>,
    },
    Function {
        name: Vec<u8>,
        body: Arc<Command>,
        /// The definition behind the name, as it was written.
        text: Arc<[u8]>,
    },
}

#[derive(Debug)]
pub(crate) struct Simple {
    pub(crate) line: u32,
    /// Its words as they were written, with one space between them.
    pub(crate) text: Arc<[u8]>,
    pub(crate) assignments: Vec<Assignment>,
    /// Whether this is `export` or its like, whose operands `NAME=value` are expanded as assignments are.
    pub(crate) declares: bool,
    pub(crate) words: Vec<Word>,
    /// The operands `NAME=(…)` of a declaration, by the number of their word, which is `NAME=`.
    pub(crate) compounds: Vec<(usize, Arc<Vec<Element>>)>,
    pub(crate) redirects: Vec<Redirect>,
}

#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) name: Vec<u8>,
    /// `NAME[subscript]=value`.
    pub(crate) subscript: Option<Word>,
    pub(crate) value: Assigned,
    /// `NAME+=value`, which ash has.
    pub(crate) append: bool,
}

#[derive(Debug)]
pub(crate) enum Assigned {
    Text(Word),
    /// `NAME=(…)`.
    Compound(Arc<Vec<Element>>),
}

/// One entry of `NAME=(…)`.
#[derive(Debug)]
pub(crate) struct Element {
    /// `[subscript]=value`, with `+=` where it appends.
    pub(crate) subscript: Option<Word>,
    pub(crate) append: bool,
    pub(crate) value: Word,
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
    /// `[[ … ]]`.
    Test(Test),
    /// `((…))`.
    Arithmetic(Word),
    /// `for ((…; …; …))`; what is left out is empty.
    ForArithmetic {
        first: Word,
        condition: Word,
        step: Word,
        body: List,
    },
}

/// What stands in `[[ … ]]`.
#[derive(Debug)]
pub(crate) enum Test {
    Any(Vec<Test>),
    All(Vec<Test>),
    Not(Box<Test>),
    /// `-X word`; a word alone is `-n word`.
    Unary {
        operator: u8,
        operand: Word,
    },
    Binary {
        operator: Comparison,
        left: Word,
        right: Word,
    },
}

#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Comparison {
    /// `=`, `==`, and `!=` where it is negated.
    Pattern { negated: bool, sign: &'static str },
    /// `=~`.
    Regex,
    /// `<` and `>`.
    Order { after: bool },
    /// `-eq`, `-nt` and their like.
    Named(Vec<u8>),
}

#[derive(Debug)]
pub(crate) struct Arm {
    pub(crate) patterns: Vec<Word>,
    pub(crate) body: List,
    pub(crate) end: ArmEnd,
}

/// What happens behind an arm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ArmEnd {
    /// `;;`.
    Stop,
    /// `;&`: goes on with the next arm's body.
    FallThrough,
    /// `;;&`: goes on with the next arm's patterns.
    TryOthers,
}

#[derive(Debug)]
pub(crate) struct Redirect {
    pub(crate) fd: Descriptor,
    pub(crate) kind: RedirectKind,
}

/// What stands before the operator of a redirection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Descriptor {
    Default,
    Number(u32),
    /// `{name}`: a free one, whose number the variable takes.
    Variable(Vec<u8>),
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
    /// `<(…)`, or `>(…)` where it is for output.
    Process {
        list: Arc<List>,
        output: bool,
    },
    Braces(Braces),
}

/// A brace expansion: each of them makes a word of its own.
#[derive(Clone, Debug)]
pub(crate) enum Braces {
    /// `{a,b}`.
    List(Vec<Word>),
    /// `{1..9..2}` and `{a..e}`.
    Sequence(Sequence),
}

/// The numbers, or letters, of a brace expansion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Sequence {
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// How far one is from the next, above 0.
    pub(crate) step: u64,
    /// How long each number is at least, with zeros before it.
    pub(crate) width: usize,
    pub(crate) letters: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Name,
    pub(crate) operation: Operation,
}

#[derive(Clone, Debug)]
pub(crate) enum Name {
    Variable(Vec<u8>),
    Positional(usize),
    /// One of `@ * # ? - $ ! 0`.
    Special(u8),
    /// `name[subscript]`.
    Element {
        name: Vec<u8>,
        subscript: Word,
    },
    /// `name[@]` and `name[*]`.
    Elements {
        name: Vec<u8>,
        star: bool,
    },
    /// `!name[@]` and `!name[*]`: what the elements are called.
    Keys {
        name: Vec<u8>,
        star: bool,
    },
    /// `!prefix@` and `!prefix*`: the variables whose names begin so.
    Prefixed {
        prefix: Vec<u8>,
        star: bool,
    },
    /// `!name`: what the value names.
    Indirect(Box<Name>),
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
    /// `^`, `^^`, `,`, `,,`, `~`, `~~`: the letters that match, the first or all.
    Letters {
        pattern: Word,
        change: LetterChange,
        all: bool,
    },
    /// `${v@Q}` and its like.
    Transform(u8),
    /// What means nothing, as it was written: an error of bash when it is expanded.
    Bad(Vec<u8>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LetterChange {
    Upper,
    Lower,
    Other,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Anchor {
    None,
    Start,
    End,
}

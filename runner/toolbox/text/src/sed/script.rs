use stepbox_tool::pattern::Pattern;

/// A script that was read.
pub(super) struct Script {
    pub(super) commands: Vec<Command>,
    /// Files that commands write to.
    pub(super) outputs: Vec<Vec<u8>>,
}

/// A command and the lines that it is for.
pub(super) struct Command {
    pub(super) addresses: Addresses,
    pub(super) negated: bool,
    pub(super) action: Action,
}

/// Which lines.
pub(super) enum Addresses {
    All,
    One(Address),
    /// From one to another; the number says where it keeps whether it is inside.
    Range(Address, End, usize),
}

pub(super) enum Address {
    Line(usize),
    /// `first~step`.
    Step(usize, usize),
    Last,
    Match(Match),
    /// `0`, only before `,/re/`.
    Zero,
}

/// How a range ends.
pub(super) enum End {
    Line(usize),
    Last,
    Match(Match),
    /// `+N`.
    After(usize),
    /// `~N`.
    Multiple(usize),
}

/// A pattern; none is that which was used last.
pub(super) type Match = Option<std::rc::Rc<Pattern>>;

/// What a command does.
pub(super) enum Action {
    /// `{`: where the commands behind its end are.
    Begin(usize),
    /// `}`, `:` and comments.
    Nothing,
    LineNumber,
    Append(Vec<u8>),
    Branch(usize),
    BranchIfChanged(usize),
    BranchUnlessChanged(usize),
    Change(Vec<u8>),
    Delete,
    DeleteFirst,
    FileName,
    Get,
    GetAppend,
    Hold,
    HoldAppend,
    Insert(Vec<u8>),
    List(Option<usize>),
    Next,
    NextAppend,
    Print,
    PrintFirst,
    Quit(i32),
    QuitSilently(i32),
    ReadFile(Vec<u8>),
    /// A line of a file; which of the script's.
    ReadLine(Vec<u8>),
    Substitute(Box<Substitute>),
    Write(usize),
    WriteFirst(usize),
    Exchange,
    Translate(Vec<(char, char)>),
    Zap,
}

pub(super) struct Substitute {
    pub(super) pattern: Match,
    pub(super) replacement: Vec<Part>,
    pub(super) global: bool,
    /// Which match is the first to be replaced.
    pub(super) number: usize,
    /// How often the result is printed: `p`.
    pub(super) print: bool,
    pub(super) write: Option<usize>,
}

/// A piece of a replacement.
#[derive(Debug, PartialEq)]
pub(super) enum Part {
    Text(Vec<u8>),
    Group(usize),
    Case(Case),
}

/// `\U \L \E \u \l`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Case {
    Upper,
    Lower,
    End,
    UpperNext,
    LowerNext,
}

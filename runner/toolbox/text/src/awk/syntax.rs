use std::rc::Rc;

use stepbox_tool::pattern::Pattern;

use super::value::Text;

/// A program that was read, its names resolved.
#[derive(Default)]
pub(super) struct Program {
    pub(super) begin: Vec<Statement>,
    pub(super) end: Vec<Statement>,
    pub(super) rules: Vec<Rule>,
    pub(super) functions: Vec<Function>,
    /// Names of global variables, the special ones first.
    pub(super) globals: Vec<String>,
    /// How many rules have a range for their pattern.
    pub(super) ranges: usize,
}

pub(super) struct Rule {
    pub(super) pattern: When,
    /// Without one the record is printed.
    pub(super) action: Option<Vec<Statement>>,
}

pub(super) enum When {
    Always,
    If(Expression),
    /// From one to another; where it is kept whether it is inside.
    Range(Expression, Expression, usize),
}

#[derive(Default)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) parameters: Vec<String>,
    /// Which parameters are used as arrays.
    pub(super) arrays: Vec<bool>,
    pub(super) body: Vec<Statement>,
    pub(super) defined: bool,
}

pub(super) enum Statement {
    Block(Vec<Statement>),
    Expression(Expression),
    Print(Vec<Expression>, Option<Redirect>),
    Printf(Vec<Expression>, Option<Redirect>),
    If(Expression, Box<Statement>, Option<Box<Statement>>),
    While(Expression, Box<Statement>),
    Do(Box<Statement>, Expression),
    For(Option<Box<Statement>>, Option<Expression>, Option<Box<Statement>>, Box<Statement>),
    ForIn(Target, Variable, Box<Statement>),
    Next,
    NextFile,
    Exit(Option<Expression>),
    Return(Option<Expression>),
    Break,
    Continue,
    Delete(Variable, Vec<Expression>),
}

pub(super) struct Redirect {
    pub(super) how: How,
    pub(super) to: Expression,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum How {
    Write,
    Append,
    Pipe,
}

/// Where a variable is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Variable {
    Global(usize),
    Local(usize),
}

/// What can be assigned to.
pub(super) enum Target {
    Variable(Variable),
    Field(Box<Expression>),
    Element(Variable, Vec<Expression>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Comparison {
    Less,
    LessEqual,
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
}

pub(super) enum Expression {
    Number(f64),
    Text(Text),
    /// Whether the record matches; as an argument the pattern itself.
    Regex(Rc<Pattern>),
    Get(Target),
    Assign(Target, Box<Expression>),
    Update(Operator, Target, Box<Expression>),
    /// `++` and `--`: by how much, and whether the new value is meant.
    Step(Target, f64, bool),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Compare(Comparison, Box<Expression>, Box<Expression>),
    Concat(Box<Expression>, Box<Expression>),
    /// `~`, and whether it is `!~`.
    Matches(Box<Expression>, Box<Expression>, bool),
    In(Vec<Expression>, Variable),
    Not(Box<Expression>),
    Minus(Box<Expression>),
    Plus(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Choose(Box<Expression>, Box<Expression>, Box<Expression>),
    Call(usize, Vec<Expression>),
    Builtin(Builtin, Vec<Expression>),
    Getline(Source, Option<Target>),
    /// In parentheses.
    Plain(Box<Expression>),
    /// `(a, b)`, before it is known whether `in` follows.
    List(Vec<Expression>),
}

pub(super) enum Source {
    Main,
    File(Box<Expression>),
    Command(Box<Expression>),
}

macro_rules! builtins {
    ($($variant:ident $name:literal $least:literal $most:literal;)*) => {
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(super) enum Builtin { $($variant),* }

        /// Names of functions with how many arguments they take.
        pub(super) const BUILTINS: &[(&str, Builtin, usize, usize)] =
            &[$(($name, Builtin::$variant, $least, $most)),*];
    };
}

builtins! {
    And "and" 2 9;
    Atan2 "atan2" 2 2;
    Asort "asort" 1 2;
    Asorti "asorti" 1 2;
    Close "close" 1 1;
    Compl "compl" 1 1;
    Cos "cos" 1 1;
    Exp "exp" 1 1;
    Fflush "fflush" 0 1;
    Gensub "gensub" 3 4;
    Gsub "gsub" 2 3;
    Index "index" 2 2;
    Int "int" 1 1;
    Length "length" 0 1;
    Log "log" 1 1;
    Lshift "lshift" 2 2;
    Match "match" 2 3;
    Or "or" 2 9;
    Rand "rand" 0 0;
    Rshift "rshift" 2 2;
    Sin "sin" 1 1;
    Split "split" 2 4;
    Sprintf "sprintf" 1 999;
    Sqrt "sqrt" 1 1;
    Srand "srand" 0 1;
    Strftime "strftime" 0 3;
    Strtonum "strtonum" 1 1;
    Sub "sub" 2 3;
    Substr "substr" 2 3;
    System "system" 1 1;
    Systime "systime" 0 0;
    Tolower "tolower" 1 1;
    Toupper "toupper" 1 1;
    Xor "xor" 2 9;
}

/// The special variables, in the order of their numbers.
pub(super) const SPECIAL: [&str; 18] = [
    "NF",
    "NR",
    "FNR",
    "FS",
    "OFS",
    "ORS",
    "RS",
    "SUBSEP",
    "CONVFMT",
    "OFMT",
    "RSTART",
    "RLENGTH",
    "FILENAME",
    "RT",
    "ARGC",
    "ARGV",
    "ENVIRON",
    "IGNORECASE",
];
pub(super) const NF: usize = 0;
pub(super) const NR: usize = 1;
pub(super) const FNR: usize = 2;
pub(super) const FS: usize = 3;
pub(super) const OFS: usize = 4;
pub(super) const ORS: usize = 5;
pub(super) const RS: usize = 6;
pub(super) const SUBSEP: usize = 7;
pub(super) const CONVFMT: usize = 8;
pub(super) const OFMT: usize = 9;
pub(super) const RSTART: usize = 10;
pub(super) const RLENGTH: usize = 11;
pub(super) const FILENAME: usize = 12;
pub(super) const RT: usize = 13;
pub(super) const ARGC: usize = 14;
pub(super) const ARGV: usize = 15;
pub(super) const ENVIRON: usize = 16;
pub(super) const IGNORECASE: usize = 17;

use std::path::Path;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::date;
use crate::execution::Execution;
use crate::format::{self, Part};
use crate::path_pattern::PathPattern;

use stepbox_tool::{file_info, mode};

/// How deep parentheses and negations may nest.
const MAX_DEPTH: usize = 64;

/// A test or an action of `find`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Constant(bool),
    /// Pattern, and whether case is ignored: the last part of the path.
    Name(String, bool),
    /// The same, the whole path.
    PathLike(String, bool),
    /// Letters of `-type`.
    Kind(String),
    /// The whole path.
    Regex(PathPattern),
    /// What a link says, and whether case is ignored.
    Target(String, bool),
    /// Letters of `-xtype`: the type of what a link leads to.
    KindBehind(String),
    /// Which time (`a`, `c` or `m`), and the seconds and nanoseconds that it comes after.
    Newer(char, i64, u32),
    /// Device and number.
    Same(u64, u64),
    Number(Comparison),
    /// All in their order; the last one counts.
    List(Vec<Expression>),
    /// A line as of `ls -dils`.
    Long,
    /// In units of so many bytes, rounded up.
    Size(Comparison, u64),
    /// In units of so many seconds; which time: `a`, `c` or `m`.
    Age(Comparison, i64, char),
    Empty,
    /// `-perm`: the bits; `=` exactly, `-` all of them, `/` any of them.
    Mode(char, u32),
    Prune,
    Print(char),
    Delete,
    Quit,
    /// A command for each path, or for many, with its place among them.
    Execute(Execution, usize),
    Format(Vec<Part>),
    Links(Comparison),
}

/// `+N`, `-N` or `N`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Comparison {
    More(i64),
    Less(i64),
    Exactly(i64),
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.parse().ok().filter(|number: &i64| *number >= 0 && !text.starts_with('+'));
        match text.as_bytes().first()? {
            b'+' => number(&text[1..]).map(Self::More),
            b'-' => number(&text[1..]).map(Self::Less),
            _ => number(text).map(Self::Exactly),
        }
    }

    /// Whether `value` is as asked.
    pub(crate) fn holds(self, value: i64) -> bool {
        match self {
            Self::More(than) => value > than,
            Self::Less(than) => value < than,
            Self::Exactly(than) => value == than,
        }
    }
}

/// An expression with the options that stand among its tests.
#[derive(Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) expression: Expression,
    pub(crate) min_depth: usize,
    pub(crate) max_depth: usize,
    /// Contents before the directory itself.
    pub(crate) contents_first: bool,
    /// How many commands are for many paths.
    pub(crate) executions: usize,
}

/// Reads an expression. The error is a message.
pub(crate) fn parse(words: &[String]) -> Result<Query, String> {
    let query = Query {
        expression: Expression::Constant(true),
        min_depth: 0,
        max_depth: usize::MAX,
        contents_first: false,
        executions: 0,
    };
    let mut parser = Parser { words, at: 0, depth: 0, acts: false, regex_type: "emacs".to_owned(), query };
    if !words.is_empty() {
        let expression = parser.list()?;
        if let Some(word) = parser.peek() {
            return Err(format!("unexpected `{word}`"));
        }
        parser.query.expression = expression;
    }
    if !parser.acts {
        let expression = std::mem::replace(&mut parser.query.expression, Expression::Constant(true));
        parser.query.expression = Expression::All(vec![expression, Expression::Print('\n')]);
    }
    Ok(parser.query)
}

/// A time of a file: `a`, `c` or `m`.
pub(crate) fn time(info: &file_info::FileInfo, which: char) -> (i64, u32) {
    match which {
        'a' => info.accessed,
        'c' => info.changed,
        _ => info.modified,
    }
}

struct Parser<'a> {
    words: &'a [String],
    at: usize,
    depth: usize,
    /// Whether an action was seen: without one, everything found is printed.
    acts: bool,
    /// What `-regextype` said.
    regex_type: String,
    query: Query,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn list(&mut self) -> Result<Expression, String> {
        let mut expressions = vec![self.any()?];
        while self.peek() == Some(",") {
            self.at += 1;
            expressions.push(self.any()?);
        }
        Ok(if expressions.len() == 1 { expressions.remove(0) } else { Expression::List(expressions) })
    }

    fn any(&mut self) -> Result<Expression, String> {
        let mut alternatives = vec![self.all()?];
        while let Some("-o" | "-or") = self.peek() {
            self.at += 1;
            alternatives.push(self.all()?);
        }
        Ok(if alternatives.len() == 1 { alternatives.remove(0) } else { Expression::Any(alternatives) })
    }

    fn all(&mut self) -> Result<Expression, String> {
        let mut conditions = vec![self.one()?];
        loop {
            match self.peek() {
                Some("-a" | "-and") => self.at += 1,
                None | Some(")" | "-o" | "-or" | ",") => break,
                Some(_) => {}
            }
            conditions.push(self.one()?);
        }
        Ok(if conditions.len() == 1 { conditions.remove(0) } else { Expression::All(conditions) })
    }

    fn one(&mut self) -> Result<Expression, String> {
        let word = self.peek().ok_or("an expression ends too early")?;
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the expression nests too deeply".to_owned());
        }
        let expression = match word {
            "!" | "-not" => Expression::Not(Box::new(self.one()?)),
            "(" => {
                let inner = self.list()?;
                if self.peek() != Some(")") {
                    return Err("missing `)`".to_owned());
                }
                self.at += 1;
                inner
            }
            _ => self.primary(word)?,
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn primary(&mut self, word: &str) -> Result<Expression, String> {
        let expression = match word {
            // All of the tree is one file system to a step.
            "-true" | "-xdev" | "-mount" | "-noleaf" => Expression::Constant(true),
            "-false" => Expression::Constant(false),
            "-name" | "-iname" => Expression::Name(self.value(word)?, word == "-iname"),
            "-path" | "-wholename" | "-ipath" | "-iwholename" => {
                Expression::PathLike(self.value(word)?, word.starts_with("-i"))
            }
            "-regextype" => {
                self.regex_type = self.value(word)?;
                Expression::Constant(true)
            }
            "-regex" | "-iregex" => {
                let text = self.value(word)?;
                Expression::Regex(PathPattern::new(text, &self.regex_type, word == "-iregex")?)
            }
            "-lname" | "-ilname" => Expression::Target(self.value(word)?, word == "-ilname"),
            "-type" | "-xtype" => {
                let letters = self.value(word)?.replace(',', "");
                if letters.is_empty() || !letters.chars().all(|letter| "bcdpfls".contains(letter)) {
                    return Err(format!("`{letters}` is no type"));
                }
                if word == "-type" { Expression::Kind(letters) } else { Expression::KindBehind(letters) }
            }
            "-newer" | "-anewer" | "-cnewer" => {
                let which = word.chars().nth(1).filter(|letter| *letter != 'n').unwrap_or('m');
                let (seconds, nanoseconds) = self.info()?.modified;
                Expression::Newer(which, seconds, nanoseconds)
            }
            word if word.len() == 8 && word.starts_with("-newer") => self.newer(word)?,
            "-samefile" => {
                let info = self.info()?;
                Expression::Same(info.device, info.inode)
            }
            "-inum" => Expression::Number(self.comparison(word)?),
            // What the mode says holds for the one user there is.
            "-readable" => Expression::Mode('/', 0o444),
            "-writable" => Expression::Mode('/', 0o222),
            "-executable" => Expression::Mode('/', 0o111),
            "-ls" => self.action(Expression::Long),
            "-size" => self.size()?,
            "-mtime" | "-atime" | "-ctime" | "-mmin" | "-amin" | "-cmin" => {
                let unit = if word.ends_with("min") { 60 } else { 86400 };
                Expression::Age(self.comparison(word)?, unit, char::from(word.as_bytes()[1]))
            }
            "-perm" => {
                let text = self.value(word)?;
                let (how, mode) = match text.as_bytes().first() {
                    Some(b'-' | b'/') => text.split_at(1),
                    _ => ("=", text.as_str()),
                };
                let mode = mode::apply(mode, 0, false).ok_or_else(|| format!("`{text}` is no mode"))?;
                Expression::Mode(char::from(how.as_bytes()[0]), mode)
            }
            "-empty" => Expression::Empty,
            "-prune" => Expression::Prune,
            "-print" => self.action(Expression::Print('\n')),
            "-print0" => self.action(Expression::Print('\0')),
            "-quit" => self.action(Expression::Quit),
            "-delete" => {
                self.query.contents_first = true;
                self.action(Expression::Delete)
            }
            "-depth" | "-d" => {
                self.query.contents_first = true;
                Expression::Constant(true)
            }
            "-maxdepth" => {
                self.query.max_depth = self.level(word)?;
                Expression::Constant(true)
            }
            "-mindepth" => {
                self.query.min_depth = self.level(word)?;
                Expression::Constant(true)
            }
            "-exec" => self.execution()?,
            "-ok" | "-okdir" => return Err(format!("`{word}` is not supported: nobody can be asked here")),
            "-execdir" => return Err("`-execdir` is not supported, `-exec` is".to_owned()),
            "-printf" => {
                let parts = format::parse(&self.value(word)?)?;
                self.action(Expression::Format(parts))
            }
            "-links" => Expression::Links(self.comparison(word)?),
            // Inside, everything is root's.
            "-user" | "-group" | "-uid" | "-gid" => {
                let name = self.value(word)?;
                Expression::Constant(matches!(name.as_str(), "root" | "0"))
            }
            "-nouser" | "-nogroup" => Expression::Constant(false),
            other => return Err(format!("`{other}` is not supported")),
        };
        Ok(expression)
    }

    /// The rest of `-exec`, up to `;` or `{} +`.
    fn execution(&mut self) -> Result<Expression, String> {
        let mut words: Vec<String> = vec![];
        loop {
            let word = self.peek().ok_or("missing argument to `-exec`: a `;` or `{} +` at its end")?;
            self.at += 1;
            let many = word == "+" && words.last().is_some_and(|last| last == "{}");
            if word != ";" && !many {
                words.push(word.to_owned());
                continue;
            }
            if many {
                words.pop();
                if words.iter().any(|word| word.contains("{}")) {
                    return Err("only one `{}` is possible with `-exec … {} +`".to_owned());
                }
            }
            if words.is_empty() {
                return Err("`-exec` needs a command".to_owned());
            }
            let number = self.query.executions;
            self.query.executions += usize::from(many);
            return Ok(self.action(Expression::Execute(Execution { words, many }, number)));
        }
    }

    fn action(&mut self, expression: Expression) -> Expression {
        self.acts = true;
        expression
    }

    /// What the file is that the next word names.
    fn info(&mut self) -> Result<file_info::FileInfo, String> {
        let file = self.value("-newer")?;
        file_info::read(Path::new(&file), true).map_err(|error| format!("`{file}`: {}", stepbox_tool::describe(&error)))
    }

    /// `-newerXY`: the time X of a file comes after the time Y of another, or after a moment (`t`).
    fn newer(&mut self, word: &str) -> Result<Expression, String> {
        let (which, reference) = (char::from(word.as_bytes()[6]), char::from(word.as_bytes()[7]));
        if !"acm".contains(which) || !"acmt".contains(reference) {
            return Err(format!("`{word}` is not supported"));
        }
        if reference == 't' {
            let text = self.value(word)?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
            let moment = date::parse(&text, i64::try_from(now).unwrap_or(i64::MAX));
            let moment = moment.ok_or_else(|| format!("`{text}` is no date for `{word}`"))?;
            return Ok(Expression::Newer(which, moment, 0));
        }
        let info = self.info()?;
        let (seconds, nanoseconds) = time(&info, reference);
        Ok(Expression::Newer(which, seconds, nanoseconds))
    }

    fn value(&mut self, word: &str) -> Result<String, String> {
        let value = self.peek().ok_or_else(|| format!("`{word}` needs a value"))?;
        self.at += 1;
        Ok(value.to_owned())
    }

    fn comparison(&mut self, word: &str) -> Result<Comparison, String> {
        let value = self.value(word)?;
        Comparison::parse(&value).ok_or_else(|| format!("`{value}` is no number for `{word}`"))
    }

    fn level(&mut self, word: &str) -> Result<usize, String> {
        let value = self.value(word)?;
        value.parse().map_err(|_| format!("`{value}` is no number for `{word}`"))
    }

    fn size(&mut self) -> Result<Expression, String> {
        let value = self.value("-size")?;
        let unit = match value.chars().last() {
            Some('c') => 1,
            Some('w') => 2,
            Some('k') => 1 << 10,
            Some('M') => 1 << 20,
            Some('G') => 1 << 30,
            _ => 512,
        };
        let number = value.strip_suffix(['b', 'c', 'w', 'k', 'M', 'G']).unwrap_or(&value);
        let comparison = Comparison::parse(number).ok_or_else(|| format!("`{value}` is no size"))?;
        Ok(Expression::Size(comparison, unit))
    }
}

#[cfg(test)]
mod tests {
    use super::Expression::{All, Any, Constant, Kind, Name, Not, Print, Size};
    use super::*;

    fn parsed(text: &str) -> Result<Query, String> {
        parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn and_binds_stronger_than_or() {
        let name = |name: &str| Name(name.to_owned(), false);
        let query = parsed("-name a -o -type f,l ! ( -name b -o -name c ) -print").expect("right");
        let inner = Not(Box::new(Any(vec![name("b"), name("c")])));
        let expected = Any(vec![name("a"), All(vec![Kind("fl".to_owned()), inner, Print('\n')])]);
        assert_eq!(query.expression, expected);
        let query = parsed("-maxdepth 2 -size +3k").expect("right");
        assert_eq!(query.max_depth, 2);
        let condition = All(vec![Constant(true), Size(Comparison::More(3), 1024)]);
        assert_eq!(query.expression, All(vec![condition, Print('\n')]));
    }

    #[test]
    fn wrong_expressions_name_the_word() {
        for (text, message) in [
            ("-exec ls", "missing argument to `-exec`: a `;` or `{} +` at its end"),
            ("-exec {} + ;", "`-exec` needs a command"),
            ("-exec a{} {} + ;", "only one `{}` is possible with `-exec … {} +`"),
            ("-ok rm {} ;", "`-ok` is not supported: nobody can be asked here"),
            ("-execdir rm {} ;", "`-execdir` is not supported, `-exec` is"),
            ("-printf %Z", "`%Z` in a format is not supported"),
            ("-daystart", "`-daystart` is not supported"),
            ("-newermt soon", "`soon` is no date for `-newermt`"),
            ("-newerBm x", "`-newerBm` is not supported"),
            ("-regextype perl -regex x", "`perl` is no type of regular expressions"),
            ("( -name a", "missing `)`"),
            ("-name", "`-name` needs a value"),
            ("-name a )", "unexpected `)`"),
            ("-name a -o", "an expression ends too early"),
            ("-type x", "`x` is no type"),
            ("-size ++1", "`++1` is no size"),
            ("-mtime a", "`a` is no number for `-mtime`"),
            ("-newer /nowhere", "`/nowhere`: No such file or directory"),
        ] {
            assert_eq!(parsed(text), Err(message.to_owned()), "{text}");
        }
        let nested = format!("{}-empty", "! ".repeat(10_000));
        assert_eq!(parsed(&nested), Err("the expression nests too deeply".to_owned()));
    }
}

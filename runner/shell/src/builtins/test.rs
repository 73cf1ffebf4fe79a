//! `test` and `[`: meaning is chosen by the number of operands (XCU test).

use stepbox_system::{Access, ExitStatus, FileKind, Metadata};

use super::{option_is_on, show};
use crate::eval::{Flow, Shell, own_descriptor};

/// Operands of one expression; the grammar is recursive.
const MAX_OPERANDS: usize = 4096;
/// Parentheses and negations inside one another.
const MAX_DEPTH: u32 = 64;

pub(super) fn test(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut operands = &words[1..];
    if words[0] == b"[" {
        match operands.split_last() {
            Some((last, rest)) if last == b"]" => operands = rest,
            _ => {
                shell.complain_as("[: missing ]", "[: missing `]'");
                return Ok(ExitStatus::USAGE);
            }
        }
    }
    match evaluate(shell, operands) {
        Ok(true) => Ok(ExitStatus::SUCCESS),
        Ok(false) => Ok(ExitStatus::FAILURE),
        Err(message) => {
            shell.complain(&format!("{}: {message}", show(&words[0])));
            Ok(ExitStatus::USAGE)
        }
    }
}

/// The value of an expression, or what is wrong with it.
pub(crate) fn evaluate(shell: &mut Shell, operands: &[Vec<u8>]) -> Result<bool, String> {
    if operands.len() > MAX_OPERANDS {
        return Err("too many arguments".to_owned());
    }
    Evaluation { shell, depth: 0 }.by_count(operands)
}

struct Evaluation<'a> {
    shell: &'a mut Shell,
    depth: u32,
}

impl Evaluation<'_> {
    fn by_count(&mut self, operands: &[Vec<u8>]) -> Result<bool, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the expression is nested too deeply".to_owned());
        }
        let result = match operands {
            [] => Ok(false),
            [one] => Ok(!one.is_empty()),
            [not, one] if not == b"!" => Ok(one.is_empty()),
            [operator, operand] => match self.unary(operator, operand) {
                Some(result) => result,
                None => self.fault(operator, "unexpected operator", "unary operator expected"),
            },
            [left, operator, right] if is_binary(operator) => self.binary(left, operator, right),
            [not, rest @ ..] if not == b"!" && operands.len() <= 4 => self.by_count(rest).map(|value| !value),
            [open, middle @ .., close] if operands.len() <= 4 && open == b"(" && close == b")" => self.by_count(middle),
            _ => {
                let mut rest = operands;
                let value = self.or(&mut rest)?;
                if let Some(extra) = rest.first() {
                    if self.shell.is_bash() && operands.len() > 3 {
                        return Err("too many arguments".to_owned());
                    }
                    let second = operands.get(1).filter(|_| self.shell.is_bash()).unwrap_or(extra);
                    return self.fault(second, "unexpected operator", "binary operator expected");
                }
                Ok(value)
            }
        };
        self.depth -= 1;
        result
    }

    /// What is wrong with a word, as sh and as bash say it.
    fn fault<T>(&self, word: &[u8], sh: &str, bash: &str) -> Result<T, String> {
        Err(format!("{}: {}", show(word), if self.shell.is_bash() { bash } else { sh }))
    }

    fn integer(&self, text: &[u8]) -> Result<i64, String> {
        match std::str::from_utf8(text.trim_ascii()).ok().and_then(|text| text.parse().ok()) {
            Some(number) => Ok(number),
            None if self.shell.is_bash() => Err(format!("{}: integer expression expected", show(text))),
            None => Err(format!("Illegal number: {}", show(text))),
        }
    }

    fn or(&mut self, rest: &mut &[Vec<u8>]) -> Result<bool, String> {
        let mut value = self.and(rest)?;
        while rest.first().is_some_and(|word| word == b"-o") {
            *rest = &rest[1..];
            value |= self.and(rest)?;
        }
        Ok(value)
    }

    fn and(&mut self, rest: &mut &[Vec<u8>]) -> Result<bool, String> {
        let mut value = self.not(rest)?;
        while rest.first().is_some_and(|word| word == b"-a") {
            *rest = &rest[1..];
            value &= self.not(rest)?;
        }
        Ok(value)
    }

    fn not(&mut self, rest: &mut &[Vec<u8>]) -> Result<bool, String> {
        let mut negated = false;
        while rest.len() > 1 && rest[0] == b"!" {
            *rest = &rest[1..];
            negated = !negated;
        }
        Ok(self.primary(rest)? != negated)
    }

    fn primary(&mut self, rest: &mut &[Vec<u8>]) -> Result<bool, String> {
        match *rest {
            // Between whole expressions `-a` and `-o` are not operators of words.
            [left, operator, right, ..] if is_binary(operator) && operator != b"-a" && operator != b"-o" => {
                let value = self.binary(left, operator, right);
                *rest = &rest[3..];
                value
            }
            [open, ..] if open == b"(" => {
                *rest = &rest[1..];
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err("the expression is nested too deeply".to_owned());
                }
                let value = self.or(rest)?;
                self.depth -= 1;
                if rest.first().is_none_or(|word| word != b")") {
                    return Err("closing paren expected".to_owned());
                }
                *rest = &rest[1..];
                Ok(value)
            }
            [operator, operand, ..] if is_unary(operator, self.shell.is_bash()) => {
                let value = self.unary(operator, operand).unwrap_or(Ok(false));
                *rest = &rest[2..];
                value
            }
            [one, ..] => {
                *rest = &rest[1..];
                Ok(!one.is_empty())
            }
            [] => Err("argument expected".to_owned()),
        }
    }

    fn metadata(&self, path: &[u8], follow: bool) -> Option<Metadata> {
        if path.is_empty() {
            return None;
        }
        if let Some(number) = own_descriptor(path) {
            return self.shell.state.files.get(&number)?.metadata().ok();
        }
        let path = self.shell.path(path).ok()?;
        self.shell.vfs().metadata(&path, follow).ok()
    }

    fn access(&self, path: &[u8], access: Access) -> bool {
        !path.is_empty() && self.shell.path(path).is_ok_and(|path| self.shell.vfs().access(&path, access))
    }

    /// `None` where there is no such operator.
    fn unary(&mut self, operator: &[u8], operand: &[u8]) -> Option<Result<bool, String>> {
        if self.shell.is_bash() {
            match operator {
                b"-v" => return Some(self.shell.is_set(operand)),
                b"-R" => return Some(Ok(self.shell.is_reference(operand))),
                b"-o" => return Some(Ok(option_is_on(self.shell.options(), self.shell.context.mode, operand))),
                b"-N" => {
                    let metadata = self.metadata(operand, true);
                    return Some(Ok(metadata.is_some_and(|metadata| metadata.modified > metadata.accessed)));
                }
                _ => {}
            }
        }
        let kind = |wanted: FileKind| self.metadata(operand, true).is_some_and(|metadata| metadata.kind == wanted);
        let bit = |bit: u32| self.metadata(operand, true).is_some_and(|metadata| metadata.mode & bit != 0);
        Some(Ok(match operator {
            b"-n" => !operand.is_empty(),
            b"-z" => operand.is_empty(),
            b"-e" | b"-a" => self.metadata(operand, true).is_some(),
            b"-f" => kind(FileKind::File),
            b"-d" => kind(FileKind::Directory),
            b"-b" => kind(FileKind::BlockDevice),
            b"-c" => kind(FileKind::CharacterDevice),
            b"-p" => kind(FileKind::Fifo),
            b"-S" => kind(FileKind::Socket),
            b"-h" | b"-L" => self.metadata(operand, false).is_some_and(|metadata| metadata.kind == FileKind::Symlink),
            b"-s" => self.metadata(operand, true).is_some_and(|metadata| metadata.size > 0),
            b"-g" => bit(0o2000),
            b"-u" => bit(0o4000),
            b"-k" => bit(0o1000),
            // Everything inside belongs to the one user there is.
            b"-O" | b"-G" => self.metadata(operand, true).is_some(),
            b"-r" => self.access(operand, Access::Read),
            b"-w" => self.access(operand, Access::Write),
            b"-x" => self.access(operand, Access::Execute),
            b"-t" => {
                let number = match self.integer(operand) {
                    Ok(number) => number,
                    Err(message) => return Some(Err(message)),
                };
                u32::try_from(number).is_ok_and(|number| {
                    self.shell.state.files.get(&number).is_some_and(stepbox_system::OpenFile::is_terminal)
                })
            }
            _ => return None,
        }))
    }

    fn binary(&self, left: &[u8], operator: &[u8], right: &[u8]) -> Result<bool, String> {
        let times = || (self.metadata(left, true), self.metadata(right, true));
        Ok(match operator {
            b"=" | b"==" => left == right,
            b"!=" => left != right,
            b"<" => left < right,
            b">" => left > right,
            b"-eq" => self.integer(left)? == self.integer(right)?,
            b"-ne" => self.integer(left)? != self.integer(right)?,
            b"-gt" => self.integer(left)? > self.integer(right)?,
            b"-ge" => self.integer(left)? >= self.integer(right)?,
            b"-lt" => self.integer(left)? < self.integer(right)?,
            b"-le" => self.integer(left)? <= self.integer(right)?,
            b"-nt" => match times() {
                (Some(left), Some(right)) => left.modified > right.modified,
                (left, _) => left.is_some(),
            },
            b"-ot" => match times() {
                (Some(left), Some(right)) => left.modified < right.modified,
                (_, right) => right.is_some(),
            },
            b"-ef" => match times() {
                (Some(left), Some(right)) => (left.device, left.inode) == (right.device, right.inode),
                _ => false,
            },
            b"-a" => !left.is_empty() && !right.is_empty(),
            b"-o" => !left.is_empty() || !right.is_empty(),
            _ => return Err(format!("{}: unexpected operator", show(operator))),
        })
    }
}

fn is_binary(word: &[u8]) -> bool {
    matches!(
        word,
        b"=" | b"=="
            | b"!="
            | b"<"
            | b">"
            | b"-eq"
            | b"-ne"
            | b"-gt"
            | b"-ge"
            | b"-lt"
            | b"-le"
            | b"-nt"
            | b"-ot"
            | b"-ef"
            | b"-a"
            | b"-o"
    )
}

fn is_unary(word: &[u8], bash: bool) -> bool {
    matches!(word, [b'-', letter] if b"nzefdbcpShLsgukOGrwxt".contains(letter) || (bash && b"voN".contains(letter)))
}

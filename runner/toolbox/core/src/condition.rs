use std::cmp::Ordering;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::Path;

use rustix::fs::FileType;

use stepbox_tool::file_info::{self, FileInfo};
use stepbox_tool::{Streams, os_string};

/// Parentheses and negations inside one another.
const MAX_DEPTH: u32 = 200;

/// The status of an expression that is none.
const WRONG: i32 = 2;

/// `test` and `[`: what an expression means, the number of its words decides first (XCU test).
pub(crate) fn test(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let mut words: Vec<&[u8]> = arguments.iter().map(|word| word.as_encoded_bytes()).collect();
    let name = if words.remove(0) == b"[" { "[" } else { "test" };
    if name == "[" && words.pop_if(|last| *last == b"]").is_none() {
        streams.say(name, "missing ']'");
        return Ok(WRONG);
    }
    match (Evaluation { depth: 0 }).by_count(&words) {
        Ok(value) => Ok(i32::from(!value)),
        Err(message) => {
            streams.say(name, &message);
            Ok(WRONG)
        }
    }
}

struct Evaluation {
    depth: u32,
}

impl Evaluation {
    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err("the expression is nested too deeply".to_owned()) } else { Ok(()) }
    }

    fn by_count(&mut self, words: &[&[u8]]) -> Result<bool, String> {
        self.deeper()?;
        let value = match words {
            [] => Ok(false),
            [one] => Ok(!one.is_empty()),
            [b"!", one] => Ok(one.is_empty()),
            [operator, operand] => match unary(operator, operand) {
                Some(value) => value,
                None => Err(format!("{}: unary operator expected", quoted(operator))),
            },
            [left, operator, right] if is_binary(operator) => binary(left, operator, right),
            [b"!", rest @ ..] if words.len() <= 4 => self.by_count(rest).map(|value| !value),
            [b"(", middle @ .., b")"] if words.len() <= 4 => self.by_count(middle),
            [_, operator, _] => Err(format!("{}: binary operator expected", quoted(operator))),
            _ => {
                let mut rest = words;
                let value = self.or(&mut rest)?;
                match rest.first() {
                    Some(extra) => Err(format!("extra argument {}", quoted(extra))),
                    None => Ok(value),
                }
            }
        };
        self.depth -= 1;
        value
    }

    fn or(&mut self, rest: &mut &[&[u8]]) -> Result<bool, String> {
        let mut value = self.and(rest)?;
        while let [b"-o", after @ ..] = *rest {
            *rest = after;
            value |= self.and(rest)?;
        }
        Ok(value)
    }

    fn and(&mut self, rest: &mut &[&[u8]]) -> Result<bool, String> {
        let mut value = self.primary(rest)?;
        while let [b"-a", after @ ..] = *rest {
            *rest = after;
            value &= self.primary(rest)?;
        }
        Ok(value)
    }

    fn primary(&mut self, rest: &mut &[&[u8]]) -> Result<bool, String> {
        let mut negated = false;
        while let [b"!", after @ ..] = *rest
            && !after.is_empty()
        {
            *rest = after;
            negated = !negated;
        }
        let value = match *rest {
            [left, operator, right, after @ ..] if is_binary(operator) && !matches!(*operator, b"-a" | b"-o") => {
                *rest = after;
                binary(left, operator, right)?
            }
            [b"(", after @ ..] => {
                *rest = after;
                self.deeper()?;
                let value = self.or(rest)?;
                self.depth -= 1;
                let [b")", after @ ..] = *rest else { return Err("')' expected".to_owned()) };
                *rest = after;
                value
            }
            [operator, operand, after @ ..] if let Some(value) = unary(operator, operand) => {
                *rest = after;
                value?
            }
            [one, after @ ..] => {
                *rest = after;
                !one.is_empty()
            }
            [] => return Err("argument expected".to_owned()),
        };
        Ok(value != negated)
    }
}

fn quoted(word: &[u8]) -> String {
    format!("'{}'", String::from_utf8_lossy(word))
}

fn info(path: &[u8], follow: bool) -> Option<FileInfo> {
    file_info::read(Path::new(&os_string(path)), follow).ok()
}

/// `None` where there is no such operator.
fn unary(operator: &[u8], operand: &[u8]) -> Option<Result<bool, String>> {
    let [b'-', letter] = operator else { return None };
    let found = || info(operand, true);
    let is = |letter: char| found().is_some_and(|info| info.letter() == letter);
    let bits = |bits: u32| found().is_some_and(|info| info.mode & bits != 0);
    Some(Ok(match letter {
        b'n' => !operand.is_empty(),
        b'z' => operand.is_empty(),
        // Everything inside belongs to the one user there is.
        b'a' | b'e' | b'O' | b'G' => found().is_some(),
        b'f' => found().is_some_and(|info| info.kind == FileType::RegularFile),
        b'd' => is('d'),
        b'b' => is('b'),
        b'c' => is('c'),
        b'p' => is('p'),
        b'S' => is('s'),
        b'h' | b'L' => info(operand, false).is_some_and(|info| info.is_link()),
        b's' => found().is_some_and(|info| info.size > 0),
        b'g' => bits(0o2000),
        b'u' => bits(0o4000),
        b'k' => bits(0o1000),
        b'r' => bits(0o444),
        b'w' => bits(0o222),
        b'x' => bits(0o111),
        b'N' => found().is_some_and(|info| info.modified > info.accessed),
        b't' => match integer(operand) {
            Err(message) => return Some(Err(message)),
            Ok(number) if number.negative || number.digits.len() > 1 => false,
            Ok(number) => match number.digits {
                b"" => io::stdin().is_terminal(),
                b"1" => io::stdout().is_terminal(),
                b"2" => io::stderr().is_terminal(),
                _ => false,
            },
        },
        _ => return None,
    }))
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

fn binary(left: &[u8], operator: &[u8], right: &[u8]) -> Result<bool, String> {
    let order = || Ok::<_, String>(integer(left)?.cmp(&integer(right)?));
    let files = || (info(left, true), info(right, true));
    Ok(match operator {
        b"=" | b"==" => left == right,
        b"!=" => left != right,
        b"<" => left < right,
        b">" => left > right,
        b"-eq" => order()? == Ordering::Equal,
        b"-ne" => order()? != Ordering::Equal,
        b"-gt" => order()? == Ordering::Greater,
        b"-ge" => order()? != Ordering::Less,
        b"-lt" => order()? == Ordering::Less,
        b"-le" => order()? != Ordering::Greater,
        b"-nt" => match files() {
            (Some(left), Some(right)) => left.modified > right.modified,
            (left, _) => left.is_some(),
        },
        b"-ot" => match files() {
            (Some(left), Some(right)) => left.modified < right.modified,
            (_, right) => right.is_some(),
        },
        b"-ef" => match files() {
            (Some(left), Some(right)) => (left.device, left.inode) == (right.device, right.inode),
            _ => false,
        },
        b"-a" => !left.is_empty() && !right.is_empty(),
        _ => !left.is_empty() || !right.is_empty(),
    })
}

/// A whole number of any length, as its digits.
#[derive(Eq, PartialEq)]
struct Integer<'a> {
    negative: bool,
    /// Without zeros in front; of zero, none.
    digits: &'a [u8],
}

impl Ord for Integer<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = (self.digits.len(), self.digits).cmp(&(other.digits.len(), other.digits));
        match (self.negative, other.negative) {
            (false, false) => size,
            (true, true) => size.reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Integer<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn integer(text: &[u8]) -> Result<Integer<'_>, String> {
    let trimmed = text.trim_ascii();
    let (sign, digits) = match trimmed {
        [sign @ (b'-' | b'+'), digits @ ..] => (*sign, digits),
        digits => (b'+', digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(format!("invalid integer {}", quoted(text)));
    }
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let digits = &digits[zeros..];
    Ok(Integer { negative: sign == b'-' && !digits.is_empty(), digits })
}

#[cfg(test)]
mod tests {
    use crate::testing::run;

    #[test]
    fn the_status_is_that_of_the_real_one() {
        // Made with GNU test 9.1.
        stepbox_tool::testing::compare(crate::find_tool, include_str!("condition/cases.txt"), b"");
    }

    #[test]
    fn files_are_looked_at() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).to_str().expect("text").to_owned();
        std::fs::write(path("empty"), "").expect("writes");
        std::fs::write(path("full"), "x").expect("writes");
        std::os::unix::fs::symlink("full", path("link")).expect("links");
        for (operator, name, status) in [
            ("-e", "empty", 0),
            ("-f", "full", 0),
            ("-f", "", 1),
            ("-d", "", 0),
            ("-s", "empty", 1),
            ("-s", "full", 0),
            ("-L", "link", 0),
            ("-h", "full", 1),
            ("-r", "full", 0),
            ("-w", "full", 0),
            ("-x", "full", 1),
            ("-x", "", 0),
            ("-e", "nothing", 1),
        ] {
            assert_eq!(run(&["test", operator, &path(name)], "").2, status, "{operator} {name}");
        }
        assert_eq!(run(&["[", &path("full"), "-ef", &path("link"), "]"], "").2, 0);
        assert_eq!(run(&["[", &path("full"), "-nt", &path("nothing"), "]"], "").2, 0);
        assert_eq!(run(&["[", "a"], "").1, "[: missing ']'\n");
    }
}

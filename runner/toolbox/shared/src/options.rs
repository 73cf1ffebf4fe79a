//! Options of commands.

use std::collections::VecDeque;
use std::ffi::OsString;

/// An option that a command knows.
#[derive(Clone, Copy)]
pub struct Known {
    /// Its letter; also its identity where it has only a long name.
    pub letter: char,
    /// Its long name, or nothing.
    pub long: &'static str,
    /// Whether it takes a value.
    pub value: bool,
}

/// An option without a value.
pub const fn flag(letter: char, long: &'static str) -> Known {
    Known { letter, long, value: false }
}

/// An option with a value.
pub const fn valued(letter: char, long: &'static str) -> Known {
    Known { letter, long, value: true }
}

/// The arguments of a command, taken apart.
#[derive(Debug, Default, PartialEq)]
pub struct Parsed {
    /// The options in their order.
    pub options: Vec<(char, String)>,
    /// The rest.
    pub operands: Vec<OsString>,
}

impl Parsed {
    /// Whether the option was given.
    pub fn has(&self, letter: char) -> bool {
        self.options.iter().any(|(found, _)| *found == letter)
    }

    /// The value of the last such option.
    pub fn value(&self, letter: char) -> Option<&str> {
        self.options.iter().rev().find(|(found, _)| *found == letter).map(|(_, value)| value.as_str())
    }
}

/// Takes arguments (the command's name is the first of them) apart in the GNU way: options may follow operands, `--` ends
/// them. The error is a message.
pub fn parse(arguments: &[OsString], known: &[Known]) -> Result<Parsed, String> {
    let mut parsed = Parsed::default();
    let mut rest: VecDeque<&OsString> = arguments.iter().skip(1).collect();
    while let Some(argument) = rest.pop_front() {
        let text = argument.to_string_lossy();
        if text == "--" {
            parsed.operands.extend(rest.drain(..).cloned());
        } else if let Some(long) = text.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let option = find_long(name, known)?;
            let value = match (option.value, value) {
                (true, Some(value)) => value.to_owned(),
                (true, None) => next(&mut rest, &format!("--{name}"))?,
                (false, None) => String::new(),
                (false, Some(_)) => return Err(format!("option `--{name}` takes no value")),
            };
            parsed.options.push((option.letter, value));
        } else if text.len() > 1 && text.starts_with('-') {
            let mut letters = text[1..].chars();
            while let Some(letter) = letters.next() {
                let option = known.iter().find(|option| option.letter == letter);
                let option = option.ok_or_else(|| format!("option `-{letter}` is not supported"))?;
                let mut value = String::new();
                if option.value {
                    value = letters.as_str().to_owned();
                    letters = "".chars();
                    if value.is_empty() {
                        value = next(&mut rest, &format!("-{letter}"))?;
                    }
                }
                parsed.options.push((letter, value));
            }
        } else {
            parsed.operands.push(argument.clone());
        }
    }
    Ok(parsed)
}

fn next(rest: &mut VecDeque<&OsString>, name: &str) -> Result<String, String> {
    let value = rest.pop_front().ok_or_else(|| format!("option `{name}` needs a value"))?;
    Ok(value.to_string_lossy().into_owned())
}

/// A long option by its name or an unambiguous beginning of it.
fn find_long(name: &str, known: &[Known]) -> Result<Known, String> {
    if let Some(exact) = known.iter().find(|option| !name.is_empty() && option.long == name) {
        return Ok(*exact);
    }
    let mut matching = known.iter().filter(|option| !name.is_empty() && option.long.starts_with(name));
    match (matching.next(), matching.next()) {
        (Some(option), None) => Ok(*option),
        (Some(_), Some(_)) => Err(format!("option `--{name}` is ambiguous")),
        _ => Err(format!("option `--{name}` is not supported")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn options_cluster_take_values_and_may_follow_operands() {
        let known = [flag('a', "all"), flag('\u{1}', "almost"), valued('n', "number")];
        let parsed = parse(&words(&["x", "-an5", "file", "--number=6", "--al", "-n", "7", "--", "-a"]), &known);
        assert_eq!(parsed, Err("option `--al` is ambiguous".to_owned()));
        let parsed =
            parse(&words(&["x", "-an5", "file", "--num=6", "-n", "7", "-", "--", "-a"]), &known).expect("right");
        let expected = [('a', ""), ('n', "5"), ('n', "6"), ('n', "7")];
        assert_eq!(parsed.options, expected.map(|(letter, value)| (letter, value.to_owned())));
        assert_eq!(parsed.operands, words(&["file", "-", "-a"]));
        assert_eq!(parse(&words(&["x", "-z"]), &known), Err("option `-z` is not supported".to_owned()));
        assert_eq!(parse(&words(&["x", "-n"]), &known), Err("option `-n` needs a value".to_owned()));
    }
}

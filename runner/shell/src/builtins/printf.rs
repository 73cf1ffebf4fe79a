//! `printf`: the format, used again as long as there are arguments (XCU printf). Its numbers are in `number` and `float`.

mod float;
mod number;
#[cfg(test)]
mod tests;
mod time;

use std::time::Duration;

use stepbox_system::ExitStatus;

use self::number::Number;
use super::escape::unescape;
use super::show;
use crate::config::Mode;
use crate::eval::{Flow, Shell};
use crate::variables::{quote_minimal, split_reference};

/// The largest width or precision, and how much one call may print, in bytes.
const MAX_WIDTH: usize = 1 << 20;
const MAX_OUTPUT: usize = 64 << 20;

/// `printf [-v NAME] FORMAT [ARGUMENT]…`; `-v` is bash's.
pub(super) fn printf(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let bash = shell.context.mode == Mode::Bash;
    let mut words = &words[1..];
    let mut target = None;
    while let Some((first, rest)) = words.split_first() {
        match first.as_slice() {
            b"--" => {
                words = rest;
                break;
            }
            [b'-', b'v', name @ ..] => {
                if !bash {
                    shell.complain("printf: -v is bash's and not supported");
                    return Ok(ExitStatus::USAGE);
                }
                words = rest;
                target = if name.is_empty() {
                    let name = words.first();
                    words = words.get(1..).unwrap_or_default();
                    name
                } else {
                    None
                }
                .cloned()
                .or_else(|| (!name.is_empty()).then(|| name.to_vec()));
                if target.is_none() {
                    shell.complain("printf: -v: option requires an argument");
                    return Ok(ExitStatus::USAGE);
                }
            }
            [b'-', letter, ..] => {
                shell.complain_as(
                    &format!("printf: Illegal option -{}", char::from(*letter)),
                    &format!("printf: -{}: invalid option", char::from(*letter)),
                );
                return Ok(ExitStatus::USAGE);
            }
            _ => break,
        }
    }
    if let Some(name) = target.as_ref().filter(|name| split_reference(name).is_none()) {
        shell.complain(&format!("printf: `{}': not a valid identifier", show(name)));
        return Ok(ExitStatus::USAGE);
    }
    let Some((format, arguments)) = words.split_first() else {
        shell.complain("printf: usage: printf format [arg ...]");
        return Ok(ExitStatus::USAGE);
    };
    let clock = bash.then(|| Clock { zone: shell.get(b"TZ"), running: shell.state.source.running() });
    let formatter = format_all(format, arguments, clock.as_ref());
    let problems = formatter.problems;
    let printed = match target {
        None => shell.print("printf", &formatter.out),
        Some(name) => {
            let mut text = formatter.out;
            // A variable holds what stands before a NUL.
            text.truncate(text.iter().position(|byte| *byte == 0).unwrap_or(text.len()));
            match shell.assign_reference(&name, text) {
                Ok(()) => ExitStatus::SUCCESS,
                Err(message) => {
                    shell.complain(&format!("printf: {message}"));
                    ExitStatus::FAILURE
                }
            }
        }
    };
    for problem in &problems {
        shell.complain(&format!("printf: {problem}"));
    }
    // bash tells of a number that is too large, and prints the largest.
    let failed = problems.iter().any(|problem| !bash || !problem.ends_with(number::RANGE));
    Ok(if failed { ExitStatus::FAILURE } else { printed })
}

/// What bash's formats ask the shell for.
struct Clock {
    /// `TZ`.
    zone: Option<Vec<u8>>,
    /// How long the shell has been running.
    running: Duration,
}

/// The format, as often as the arguments want it; with a clock, as bash understands it.
fn format_all<'a>(format: &[u8], arguments: &'a [Vec<u8>], clock: Option<&'a Clock>) -> Formatter<'a> {
    let mut formatter = Formatter { arguments, next: 0, out: vec![], problems: vec![], stop: false, clock };
    loop {
        let before = formatter.next;
        formatter.once(format);
        if formatter.stop || formatter.next >= arguments.len() || formatter.next == before || !formatter.has_room(0) {
            return formatter;
        }
    }
}

struct Formatter<'a> {
    arguments: &'a [Vec<u8>],
    next: usize,
    out: Vec<u8>,
    problems: Vec<String>,
    /// `\c`, or a format that is wrong.
    stop: bool,
    clock: Option<&'a Clock>,
}

#[derive(Clone, Copy, Default)]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternative: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    /// `%#o`: the first digit is a zero.
    octal: bool,
}

impl Spec {
    fn sign(self, negative: bool) -> &'static str {
        match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        }
    }
}

impl<'a> Formatter<'a> {
    fn argument(&mut self) -> Option<&'a [u8]> {
        let argument = self.arguments.get(self.next).map(Vec::as_slice);
        self.next += 1;
        argument
    }

    /// The format, once.
    fn once(&mut self, format: &[u8]) {
        let mut at = 0;
        while at < format.len() && !self.stop {
            match format[at] {
                b'\\' => {
                    if format.get(at + 1) == Some(&b'c') && self.clock.is_none() {
                        self.stop = true;
                        return;
                    }
                    // In the format an octal number needs no leading zero.
                    let unicode = |byte: &u8| self.clock.is_some() && matches!(byte, b'u' | b'U');
                    let dollar = format.get(at + 1).is_some_and(|byte| byte.is_ascii_digit() || unicode(byte));
                    match unescape(&format[at + 1..], dollar, &mut self.out) {
                        Some(length) => at += 1 + length,
                        None if format.get(at + 1) == Some(&b'"') => {
                            self.out.push(b'"');
                            at += 2;
                        }
                        None => {
                            self.out.push(b'\\');
                            at += 1;
                        }
                    }
                }
                b'%' if format.get(at + 1) == Some(&b'%') => {
                    self.out.push(b'%');
                    at += 2;
                }
                b'%' => at = self.conversion(format, at + 1),
                byte => {
                    self.out.push(byte);
                    at += 1;
                }
            }
        }
    }

    /// One conversion behind its `%`; where the format goes on.
    fn conversion(&mut self, format: &[u8], mut at: usize) -> usize {
        let begin = at;
        let mut spec = Spec::default();
        while let Some(flag) = format.get(at) {
            match flag {
                b'-' => spec.left = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'#' => spec.alternative = true,
                b'0' => spec.zero = true,
                _ => break,
            }
            at += 1;
        }
        let (width, next) = self.size(format, at);
        at = next;
        spec.left |= width < 0;
        spec.width = usize::try_from(width.unsigned_abs()).unwrap_or(MAX_WIDTH);
        if format.get(at) == Some(&b'.') {
            let (precision, next) = self.size(format, at + 1);
            at = next;
            spec.precision = usize::try_from(precision).ok();
        }
        if spec.width > MAX_WIDTH || spec.precision.is_some_and(|precision| precision > MAX_WIDTH) {
            self.problems.push(format!("a width is larger than {MAX_WIDTH}"));
            self.stop = true;
            return at;
        }
        while matches!(format.get(at), Some(b'l' | b'h' | b'j' | b'z' | b't' | b'q' | b'L'))
            && format.get(at) != Some(&b'q')
        {
            at += 1;
        }
        let Some(letter) = format.get(at).copied() else {
            self.problems.push(format!("%{}: invalid directive", show(&format[begin..])));
            self.stop = true;
            return at;
        };
        match letter {
            b's' => {
                let text = self.argument().unwrap_or_default();
                self.text(text, spec);
            }
            b'b' => {
                let (text, stop) = expand_b(self.argument().unwrap_or_default(), self.clock.is_some());
                self.text(&text, spec);
                self.stop |= stop;
            }
            b'c' => {
                // No character is the NUL character, as C prints it.
                let text = self.argument().and_then(|text| text.get(..1)).unwrap_or(b"\0");
                self.text(text, spec);
            }
            b'q' => {
                let text = self.argument().unwrap_or_default();
                let text = if self.clock.is_some() { quote_minimal(text) } else { super::quote(text) };
                self.text(&text, spec);
            }
            b'(' if self.clock.is_some() => return self.time(format, at + 1, spec),
            b'd' | b'i' => {
                let value = self.integer();
                self.digits(spec.sign(value < 0), value.unsigned_abs().to_string(), spec);
            }
            b'u' => {
                let value = self.unsigned();
                self.digits("", value.to_string(), spec);
            }
            b'o' => {
                let value = self.unsigned();
                self.digits("", format!("{value:o}"), Spec { octal: spec.alternative, ..spec });
            }
            b'x' | b'X' => {
                let value = self.unsigned();
                let (prefix, text) =
                    if letter == b'x' { ("0x", format!("{value:x}")) } else { ("0X", format!("{value:X}")) };
                self.digits(if spec.alternative && value != 0 { prefix } else { "" }, text, spec);
            }
            b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'a' | b'A' => {
                let value = self.float();
                let (prefix, text) = float::text(value.abs(), letter, spec.precision, spec.alternative);
                let sign = format!("{}{prefix}", spec.sign(value.is_sign_negative()));
                self.padded(&sign, text.as_bytes(), spec, value.is_finite());
            }
            _ => {
                self.problems.push(format!("%{}: invalid directive", show(&format[begin..=at])));
                self.stop = true;
            }
        }
        at + 1
    }

    /// `%(…)T`, behind its parenthesis; where the format goes on.
    fn time(&mut self, format: &[u8], at: usize, spec: Spec) -> usize {
        let rest = &format[at..];
        let Some(end) = rest.windows(2).position(|pair| pair == b")T") else {
            self.problems.push("%(: a time format ends with `)T`".to_owned());
            self.stop = true;
            return format.len();
        };
        let seconds = if self.next < self.arguments.len() { self.integer() } else { -1 };
        if let Some(clock) = self.clock {
            let format = if end == 0 { &b"%X"[..] } else { &rest[..end] };
            match time::text(format, seconds, clock.zone.as_deref(), clock.running) {
                Some(text) => self.text(text.as_bytes(), spec),
                None => self.problems.push(format!("{}: invalid time", show(&rest[..end]))),
            }
        }
        at + end + 2
    }

    /// A width or precision: digits, `*`, or nothing.
    fn size(&mut self, format: &[u8], mut at: usize) -> (i64, usize) {
        if format.get(at) == Some(&b'*') {
            return (self.integer(), at + 1);
        }
        let mut value = 0i64;
        while let Some(digit) = format.get(at).filter(|byte| byte.is_ascii_digit()) {
            value = value.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
            at += 1;
        }
        (value, at)
    }

    /// Whether so much more may be printed; if not, printing ends here.
    fn has_room(&mut self, more: usize) -> bool {
        let has_room = self.out.len() + more <= MAX_OUTPUT;
        if !has_room && !self.stop {
            self.problems.push(format!("the output is larger than {MAX_OUTPUT} bytes"));
            self.stop = true;
        }
        has_room
    }

    /// Text; width and precision count bytes (XCU printf).
    fn text(&mut self, text: &[u8], spec: Spec) {
        let text = &text[..spec.precision.unwrap_or(text.len()).min(text.len())];
        self.padded("", text, spec, false);
    }

    fn digits(&mut self, sign: &str, mut digits: String, spec: Spec) {
        if spec.precision == Some(0) && digits == "0" {
            digits.clear();
        }
        // Not `{:0>precision$}`: the standard library panics where a width has more than 16 bits.
        let missing = spec.precision.unwrap_or(0).saturating_sub(digits.len());
        digits.insert_str(0, &"0".repeat(missing));
        if spec.octal && !digits.starts_with('0') {
            digits.insert(0, '0');
        }
        self.padded(sign, digits.as_bytes(), spec, spec.precision.is_none());
    }

    /// Something in its width; `zeros`: it may be filled with zeros.
    fn padded(&mut self, sign: &str, body: &[u8], spec: Spec, zeros: bool) {
        let padding = spec.width.saturating_sub(sign.len() + body.len());
        if !self.has_room(padding + sign.len() + body.len()) {
            return;
        }
        let zeros = spec.zero && !spec.left && zeros;
        if !spec.left && !zeros {
            self.out.resize(self.out.len() + padding, b' ');
        }
        self.out.extend_from_slice(sign.as_bytes());
        if zeros {
            self.out.resize(self.out.len() + padding, b'0');
        }
        self.out.extend_from_slice(body);
        if spec.left {
            self.out.resize(self.out.len() + padding, b' ');
        }
    }

    fn integer(&mut self) -> i64 {
        self.number(number::signed).unwrap_or(0)
    }

    fn unsigned(&mut self) -> u64 {
        self.number(number::unsigned).unwrap_or(0)
    }

    fn float(&mut self) -> f64 {
        self.number(number::float).unwrap_or(0.0)
    }

    /// The next argument as a number; what is wrong with it is told at the end.
    fn number<T>(&mut self, read: impl FnOnce(&[u8]) -> Number<T>) -> Option<T> {
        let argument = self.argument()?;
        let Number { value, problem } = read(argument);
        self.problems.extend(problem.map(|problem| format!("{}: {problem}", show(argument))));
        Some(value)
    }
}

/// The argument of `%b`: its escapes replaced, and whether `\c` ended it.
fn expand_b(text: &[u8], unicode: bool) -> (Vec<u8>, bool) {
    let mut out = vec![];
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'\\' {
            if text.get(at + 1) == Some(&b'c') {
                return (out, true);
            }
            let dollar = unicode && matches!(text.get(at + 1), Some(b'u' | b'U'));
            if let Some(length) = unescape(&text[at + 1..], dollar, &mut out) {
                at += 1 + length;
                continue;
            }
        }
        out.push(text[at]);
        at += 1;
    }
    (out, false)
}

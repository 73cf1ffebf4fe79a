use stepbox_system::ExitStatus;

use super::escape::unescape;
use super::show;
use crate::eval::{Flow, Shell};

/// The largest width or precision, and how much one call may print, in bytes.
const MAX_WIDTH: usize = 1 << 20;
const MAX_OUTPUT: usize = 64 << 20;

/// `printf FORMAT [ARGUMENT]…`
pub(super) fn printf(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut words = &words[1..];
    if words.first().is_some_and(|word| word == b"--") {
        words = &words[1..];
    }
    let Some((format, arguments)) = words.split_first() else {
        shell.complain("printf: usage: printf format [arg ...]");
        return Ok(ExitStatus::USAGE);
    };
    if format.first() == Some(&b'-') && format.len() > 1 && format[1] == b'v' {
        shell.complain("printf: -v is bash's and not supported");
        return Ok(ExitStatus::USAGE);
    }
    let mut formatter = Formatter { arguments, next: 0, out: vec![], problems: vec![], stop: false };
    loop {
        let before = formatter.next;
        formatter.once(format);
        if formatter.stop || formatter.next >= arguments.len() || formatter.next == before {
            break;
        }
        if formatter.out.len() > MAX_OUTPUT {
            formatter.problems.push(format!("the output is larger than {MAX_OUTPUT} bytes"));
            break;
        }
    }
    let printed = shell.print("printf", &formatter.out);
    for problem in &formatter.problems {
        shell.complain(&format!("printf: {problem}"));
    }
    Ok(if formatter.problems.is_empty() { printed } else { ExitStatus::FAILURE })
}

struct Formatter<'a> {
    arguments: &'a [Vec<u8>],
    next: usize,
    out: Vec<u8>,
    problems: Vec<String>,
    /// `\c`, or a format that is wrong.
    stop: bool,
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
}

impl Formatter<'_> {
    fn argument(&mut self) -> Option<Vec<u8>> {
        let argument = self.arguments.get(self.next).cloned();
        self.next += 1;
        argument
    }

    /// The format, once.
    fn once(&mut self, format: &[u8]) {
        let mut at = 0;
        while at < format.len() && !self.stop {
            match format[at] {
                b'\\' => {
                    if format.get(at + 1) == Some(&b'c') {
                        self.stop = true;
                        return;
                    }
                    // In the format an octal number needs no leading zero.
                    let dollar = format.get(at + 1).is_some_and(u8::is_ascii_digit);
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
                self.text(&text, spec);
            }
            b'b' => {
                let text = self.argument().unwrap_or_default();
                let (text, stop) = expand_b(&text);
                self.text(&text, spec);
                self.stop = stop;
            }
            b'c' => {
                let text = self.argument().unwrap_or_default();
                self.text(&text[..text.len().min(1)], spec);
            }
            b'q' => {
                let text = super::quote(&self.argument().unwrap_or_default());
                self.text(&text, spec);
            }
            b'd' | b'i' => {
                let value = self.integer();
                let sign = if value < 0 {
                    "-"
                } else if spec.plus {
                    "+"
                } else if spec.space {
                    " "
                } else {
                    ""
                };
                self.digits(sign, &value.unsigned_abs().to_string(), spec);
            }
            b'u' => {
                let value = self.integer();
                self.digits("", &value.cast_unsigned().to_string(), spec);
            }
            b'o' => {
                let value = self.integer().cast_unsigned();
                self.digits(if spec.alternative { "0" } else { "" }, &format!("{value:o}"), spec);
            }
            b'x' | b'X' => {
                let value = self.integer().cast_unsigned();
                let (prefix, text) =
                    if letter == b'x' { ("0x", format!("{value:x}")) } else { ("0X", format!("{value:X}")) };
                self.digits(if spec.alternative && value != 0 { prefix } else { "" }, &text, spec);
            }
            b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => {
                let value = self.float();
                let text = float_text(value.abs(), letter, spec);
                let sign = if value.is_sign_negative() {
                    "-"
                } else if spec.plus {
                    "+"
                } else if spec.space {
                    " "
                } else {
                    ""
                };
                self.padded(sign, &text, Spec { precision: None, ..spec }, value.is_finite());
            }
            _ => {
                self.problems.push(format!("%{}: invalid directive", show(&format[begin..=at])));
                self.stop = true;
            }
        }
        at + 1
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

    fn text(&mut self, text: &[u8], spec: Spec) {
        let text = &text[..spec.precision.unwrap_or(text.len()).min(text.len())];
        let padding = spec.width.saturating_sub(String::from_utf8_lossy(text).chars().count());
        if !spec.left {
            self.out.resize(self.out.len() + padding, b' ');
        }
        self.out.extend_from_slice(text);
        if spec.left {
            self.out.resize(self.out.len() + padding, b' ');
        }
    }

    fn digits(&mut self, sign: &str, digits: &str, spec: Spec) {
        let digits = match spec.precision {
            Some(precision) => format!("{digits:0>precision$}"),
            None => digits.to_owned(),
        };
        self.padded(sign, &digits, spec, spec.precision.is_none());
    }

    fn padded(&mut self, sign: &str, digits: &str, spec: Spec, zeros: bool) {
        let padding = spec.width.saturating_sub(sign.len() + digits.len());
        let zeros = spec.zero && !spec.left && zeros;
        if !spec.left && !zeros {
            self.out.resize(self.out.len() + padding, b' ');
        }
        self.out.extend_from_slice(sign.as_bytes());
        if zeros {
            self.out.resize(self.out.len() + padding, b'0');
        }
        self.out.extend_from_slice(digits.as_bytes());
        if spec.left {
            self.out.resize(self.out.len() + padding, b' ');
        }
    }

    fn integer(&mut self) -> i64 {
        let Some(argument) = self.argument() else { return 0 };
        if let [b'\'' | b'"', rest @ ..] = argument.as_slice() {
            return String::from_utf8_lossy(rest).chars().next().map_or(0, |c| i64::from(u32::from(c)));
        }
        let text = String::from_utf8_lossy(&argument).trim_start().to_owned();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(&text)),
        };
        let (base, digits) = match digits.as_bytes() {
            [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
            [b'0', _, ..] => (8, &digits[1..]),
            _ => (10, digits),
        };
        let length = digits.find(|c: char| !c.is_digit(base)).unwrap_or(digits.len());
        if length < digits.len() || (digits.is_empty() && base != 8) {
            self.problems.push(format!("{}: expected numeric value", show(&argument)));
        }
        let value = u64::from_str_radix(&digits[..length], base).unwrap_or(if length == 0 { 0 } else { u64::MAX });
        let signed = if value > i64::MAX as u64 && !negative { value.cast_signed() } else { value as i64 };
        if negative { signed.wrapping_neg() } else { signed }
    }

    fn float(&mut self) -> f64 {
        let Some(argument) = self.argument() else { return 0.0 };
        let text = String::from_utf8_lossy(&argument).trim().to_owned();
        if text.is_empty() {
            return 0.0;
        }
        text.parse().unwrap_or_else(|_| {
            self.problems.push(format!("{}: expected numeric value", show(&argument)));
            0.0
        })
    }
}

/// The argument of `%b`: its escapes replaced, and whether `\c` ended it.
fn expand_b(text: &[u8]) -> (Vec<u8>, bool) {
    let mut out = vec![];
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'\\' {
            if text.get(at + 1) == Some(&b'c') {
                return (out, true);
            }
            if let Some(length) = unescape(&text[at + 1..], false, &mut out) {
                at += 1 + length;
                continue;
            }
        }
        out.push(text[at]);
        at += 1;
    }
    (out, false)
}

fn float_text(value: f64, letter: u8, spec: Spec) -> String {
    let precision = spec.precision.unwrap_or(6);
    let upper = letter.is_ascii_uppercase();
    let text = if !value.is_finite() {
        if value.is_nan() { "nan".to_owned() } else { "inf".to_owned() }
    } else {
        match letter.to_ascii_lowercase() {
            b'f' => format!("{value:.precision$}"),
            b'e' => exponent(value, precision),
            _ => {
                let precision = precision.max(1);
                let scientific = exponent(value, precision - 1);
                let power: i64 = scientific.rsplit('e').next().and_then(|power| power.parse().ok()).unwrap_or(0);
                let text = if power < -4 || power >= i64::try_from(precision).unwrap_or(i64::MAX) {
                    scientific
                } else {
                    let after = usize::try_from(i64::try_from(precision).unwrap_or(0) - 1 - power).unwrap_or(0);
                    format!("{value:.after$}")
                };
                if spec.alternative { text } else { without_zeros(&text) }
            }
        }
    };
    if upper { text.to_ascii_uppercase() } else { text }
}

/// `d.ddde±dd` as C prints it.
fn exponent(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    match text.split_once('e') {
        Some((mantissa, power)) => {
            let (sign, digits) = power.strip_prefix('-').map_or(('+', power), |digits| ('-', digits));
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        None => text,
    }
}

fn without_zeros(text: &str) -> String {
    let (mantissa, power) = text.find('e').map_or((text, ""), |at| text.split_at(at));
    if !mantissa.contains('.') {
        return text.to_owned();
    }
    format!("{}{power}", mantissa.trim_end_matches('0').trim_end_matches('.'))
}

//! What a step hands to later ones: the file `env_vars_to_export` (rules V21-V29).

/// The name of the file on the volume.
pub const EXPORT_FILE: &str = "env_vars_to_export";

/// The most bytes of a file that are read.
pub const MAX_EXPORT_BYTES: usize = 1 << 20;
/// The most variables of a file.
pub const MAX_EXPORTS: usize = 10_000;

/// What a file exports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exports {
    /// Names and values in the order of the file; each name once, with its last value (rule V25).
    pub values: Vec<(String, String)>,
    /// What was left out.
    pub warnings: Vec<ExportWarning>,
}

/// A line without effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportWarning {
    /// No `=`, such as the second line of a value (rule V24).
    #[error("line {line} of the exported variables is no `NAME=VALUE` and is left out")]
    NoValue {
        /// The line, from 1.
        line: usize,
    },
    /// The text before `=` is no name (rule V2).
    #[error("line {line} of the exported variables: `{name}` is no name of a variable and is left out")]
    BadName {
        /// The line, from 1.
        line: usize,
        /// The text, shortened.
        name: String,
    },
    /// The line is not UTF-8; what is not was replaced.
    #[error("line {line} of the exported variables is not UTF-8, what is not was replaced by `\u{fffd}`")]
    NotUtf8 {
        /// The line, from 1.
        line: usize,
    },
    /// The file is too long; the rest was not read.
    #[error(
        "the exported variables are more than {MAX_EXPORT_BYTES} bytes or {MAX_EXPORTS} names, from line {line} on they are left out"
    )]
    TooMuch {
        /// The first line that was not read.
        line: usize,
    },
}

impl Exports {
    /// Reads the file: line by line, all after the first `=` is the value (rule V23).
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut exports = Self::default();
        let mut places = std::collections::HashMap::new();
        let mut read = 0;
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            read += line.len() + 1;
            let number = number + 1;
            if read > MAX_EXPORT_BYTES + 1 || places.len() >= MAX_EXPORTS || exports.warnings.len() >= 1000 {
                if !line.is_empty() {
                    exports.warnings.push(ExportWarning::TooMuch { line: number });
                    break;
                }
                continue;
            }
            let line = match std::str::from_utf8(line) {
                Ok(line) => std::borrow::Cow::Borrowed(line),
                Err(_) => {
                    exports.warnings.push(ExportWarning::NotUtf8 { line: number });
                    String::from_utf8_lossy(line)
                }
            };
            if line.trim().is_empty() {
                continue;
            }
            let Some((name, value)) = line.split_once('=') else {
                exports.warnings.push(ExportWarning::NoValue { line: number });
                continue;
            };
            if !is_variable_name(name) {
                let name = name.chars().take(60).collect();
                exports.warnings.push(ExportWarning::BadName { line: number, name });
                continue;
            }
            let value = unquote(value).to_owned();
            match places.get(name) {
                Some(at) => exports.values[*at] = (name.to_owned(), value),
                None => {
                    places.insert(name.to_owned(), exports.values.len());
                    exports.values.push((name.to_owned(), value));
                }
            }
        }
        exports
    }

    /// The addresses that steps are linked to: `<step>_CF_OUTPUT_URL` (rule V26).
    pub fn links(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().filter_map(|(name, value)| {
            let step = name.strip_suffix("_CF_OUTPUT_URL")?;
            (!step.is_empty()).then_some((step, value.as_str()))
        })
    }
}

/// Letters, digits, `_`, `-` and `.` (rule V2).
fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Without one pair of double quotes around the whole value (section 13, decision 7).
fn unquote(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, String)> {
        Exports::parse(text.as_bytes()).values
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn v23_one_name_and_value_a_line() {
        assert_eq!(
            values("A=1\nB=a=b c \n\nE=\nLAST=x"),
            pairs(&[("A", "1"), ("B", "a=b c "), ("E", ""), ("LAST", "x")])
        );
        assert_eq!(values(""), []);
    }

    #[test]
    fn v24_only_the_first_line_of_a_value_counts() {
        let exports = Exports::parse(b"A=first\nsecond\nB=2\n");
        assert_eq!(exports.values, pairs(&[("A", "first"), ("B", "2")]));
        assert_eq!(exports.warnings, [ExportWarning::NoValue { line: 2 }]);
    }

    #[test]
    fn v25_later_lines_win_and_one_pair_of_quotes_goes() {
        assert_eq!(values("A=1\nB=x\nA=2\n"), pairs(&[("A", "2"), ("B", "x")]));
        assert_eq!(
            values("A=\"2020-01-01 10:00:00\"\nB='x'\nC=\"\"y\"\"\nD=\"\nE=\"a\" \"b\"\n"),
            pairs(&[("A", "2020-01-01 10:00:00"), ("B", "'x'"), ("C", "\"y\""), ("D", "\""), ("E", "a\" \"b")])
        );
    }

    #[test]
    fn v26_a_link_belongs_to_a_step() {
        let exports = Exports::parse(b"deploy_CF_OUTPUT_URL=https://x\n_CF_OUTPUT_URL=no\nA=1\n");
        assert_eq!(exports.links().collect::<Vec<_>>(), [("deploy", "https://x")]);
    }

    #[test]
    fn v2_what_is_no_name_is_left_out_with_its_line() {
        let exports = Exports::parse(b"a b=1\n=2\nok-1.x=3\n$X=4\n\xff=5\n");
        assert_eq!(exports.values, pairs(&[("ok-1.x", "3")]));
        let lines: Vec<String> = exports.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(lines[0], "line 1 of the exported variables: `a b` is no name of a variable and is left out");
        assert_eq!(exports.warnings.len(), 5, "{lines:?}");
    }

    #[test]
    fn v23_a_hostile_file_is_read_up_to_a_bound() {
        let mut many = String::new();
        for number in 0..20_000 {
            many.push_str(&format!("V{number}=x\n"));
        }
        let exports = Exports::parse(many.as_bytes());
        assert_eq!(
            (exports.values.len(), &exports.warnings[..]),
            (MAX_EXPORTS, &[ExportWarning::TooMuch { line: 10_001 }][..])
        );
        let long = [b"A=".as_slice(), &vec![b'x'; 2 << 20]].concat();
        assert_eq!(Exports::parse(&long).warnings, [ExportWarning::TooMuch { line: 1 }]);
    }

    #[test]
    fn v23_the_bound_of_a_file_is_exact() {
        // One line, without and with a line break at its end.
        let long = |length: usize| [b"A=".as_slice(), &vec![b'x'; length - 2]].concat();
        let fits = Exports::parse(&long(MAX_EXPORT_BYTES));
        assert_eq!((fits.values[0].1.len(), fits.warnings.len()), (MAX_EXPORT_BYTES - 2, 0));
        assert_eq!(Exports::parse(&long(MAX_EXPORT_BYTES + 1)).warnings, [ExportWarning::TooMuch { line: 1 }]);
        let ended = [long(MAX_EXPORT_BYTES - 1), b"\n".to_vec()].concat();
        assert_eq!(Exports::parse(&ended).warnings, []);
        // Many lines: their breaks count too.
        let lines = MAX_EXPORT_BYTES / 4;
        assert_eq!(Exports::parse(&b"A=1\n".repeat(lines)).warnings, []);
        let more = [b"A=1\n".repeat(lines), b"B=2\n".to_vec()].concat();
        assert_eq!(Exports::parse(&more).warnings, [ExportWarning::TooMuch { line: lines + 1 }]);
    }
}

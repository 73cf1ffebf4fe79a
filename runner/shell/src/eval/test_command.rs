//! `[[ … ]]`: words are not split, `==` and `!=` match patterns, `=~` regular expressions.

use stepbox_system::ExitStatus;

use super::{Flow, Shell};
use crate::builtins::test;
use crate::config::Mode;
use crate::ir::{Comparison, Test, Word};
use crate::pattern::Unit;
use crate::regex::RegexError;
use crate::switches::Switch;

/// Why a test has no answer.
enum Failure {
    /// It is wrong, which has been said.
    Wrong,
    Flow(Flow),
}

impl From<Flow> for Failure {
    fn from(flow: Flow) -> Self {
        Self::Flow(flow)
    }
}

impl Shell {
    pub(super) fn execute_test(&mut self, test: &Test) -> Result<ExitStatus, Flow> {
        match self.evaluate_test(test) {
            Ok(true) => Ok(ExitStatus::SUCCESS),
            Ok(false) => Ok(ExitStatus::FAILURE),
            Err(Failure::Wrong) => Ok(ExitStatus::USAGE),
            Err(Failure::Flow(flow)) => Err(flow),
        }
    }

    fn evaluate_test(&mut self, test: &Test) -> Result<bool, Failure> {
        match test {
            Test::Any(tests) => {
                for test in tests {
                    if self.evaluate_test(test)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::All(tests) => {
                for test in tests {
                    if !self.evaluate_test(test)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Test::Not(test) => {
                self.shows_not = matches!(**test, Test::Unary { .. } | Test::Binary { .. });
                Ok(!self.evaluate_test(test)?)
            }
            Test::Unary { operator, operand } => {
                let operand = self.expand_text(operand)?;
                self.trace_test(&[&[b'-', *operator], &shown(&operand)]);
                let arguments = [vec![b'-', *operator], operand];
                self.classic_test(&arguments)
            }
            Test::Binary { operator, left, right } => {
                let left = self.expand_text(left)?;
                self.compare(operator, left, right)
            }
        }
    }

    fn compare(&mut self, operator: &Comparison, left: Vec<u8>, right: &Word) -> Result<bool, Failure> {
        match operator {
            Comparison::Pattern { negated, sign } => {
                let (pattern, text) = self.expand_test_pattern(right)?;
                self.trace_test(&[&shown(&left), sign.as_bytes(), &text]);
                Ok(pattern.matches(&left) != *negated)
            }
            Comparison::Regex => {
                let units = self.expand_units(right)?;
                let text: Vec<u8> = units.iter().flat_map(shown_unit).collect();
                self.trace_test(&[&shown(&left), b"=~", &shown(&text)]);
                self.match_regex(&left, &units)
            }
            Comparison::Order { after } => {
                let right = self.expand_text(right)?;
                self.trace_test(&[&shown(&left), if *after { b">" } else { b"<" }, &shown(&right)]);
                Ok(if *after { left > right } else { left < right })
            }
            Comparison::Named(name) => {
                let right = self.expand_text(right)?;
                self.trace_test(&[&shown(&left), name, &shown(&right)]);
                let is_arithmetic = !matches!(name.as_slice(), b"-nt" | b"-ot" | b"-ef");
                if !is_arithmetic || self.context.mode == Mode::Sh {
                    return self.classic_test(&[left, name.clone(), right]);
                }
                let (Some(left), Some(right)) = (self.test_operand(&left), self.test_operand(&right)) else {
                    return Ok(false);
                };
                Ok(match name.as_slice() {
                    b"-eq" => left == right,
                    b"-ne" => left != right,
                    b"-lt" => left < right,
                    b"-le" => left <= right,
                    b"-gt" => left > right,
                    _ => left >= right,
                })
            }
        }
    }

    fn match_regex(&mut self, text: &[u8], units: &[Unit]) -> Result<bool, Failure> {
        let ignore_case = self.switches().is_on(Switch::Nocasematch);
        match self.regexes.find(units, ignore_case, text) {
            Ok(groups) => {
                let matches = groups.is_some();
                if self.is_bash() {
                    let text_of =
                        |group: Option<std::ops::Range<usize>>| group.map_or(vec![], |range| text[range].to_vec());
                    let values = groups.into_iter().flatten().map(text_of).collect();
                    if let Err(message) = self.set_indexed(b"BASH_REMATCH", values) {
                        self.complain(&message);
                    }
                }
                Ok(matches)
            }
            // Told by the status alone, as in bash.
            Err(RegexError::Invalid) => Err(Failure::Wrong),
            Err(RegexError::Unsupported(what)) => {
                self.complain(&format!("[[: {what} in regular expressions are not supported"));
                Err(Failure::Wrong)
            }
        }
    }

    /// The value of an operand of `-eq` and its like, which is an expression in bash; `None` where it is wrong.
    fn test_operand(&mut self, text: &[u8]) -> Option<i64> {
        match self.try_arithmetic(text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.complain(&format!("[[: {message}"));
                None
            }
        }
    }

    fn classic_test(&mut self, arguments: &[Vec<u8>]) -> Result<bool, Failure> {
        test::evaluate(self, arguments).map_err(|message| {
            self.complain(&format!("[[: {message}"));
            Failure::Wrong
        })
    }

    fn trace_test(&mut self, words: &[&[u8]]) {
        let not: &[u8] = if std::mem::take(&mut self.shows_not) { b"! " } else { b"" };
        if self.options().xtrace && self.context.mode == Mode::Bash {
            self.trace_line(&[b"[[ ", not, words.join(&b' ').as_slice(), b" ]]"].concat());
        }
    }
}

/// As `set -x` shows an operand.
fn shown(word: &[u8]) -> Vec<u8> {
    if word.is_empty() { b"''".to_vec() } else { word.to_vec() }
}

/// As `set -x` shows a byte of a regular expression: a backslash before what was quoted and would be special.
fn shown_unit(unit: &Unit) -> Vec<u8> {
    if !unit.active && b"\\.[]()*+?{}|^$".contains(&unit.byte) { vec![b'\\', unit.byte] } else { vec![unit.byte] }
}

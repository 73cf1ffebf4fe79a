use regex::bytes::Regex;

use super::backtrack::Program;
use super::node::{Look, Node};
use super::{Escapes, Exhausted, Longest, Options, build, parse};

/// Where a match must begin and end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bounds {
    /// Anywhere.
    Free,
    /// Where no word goes on before it and after it.
    Word,
    /// With the line.
    Line,
}

/// Several patterns that are looked for in many lines at once, as `grep` does.
pub struct LinePattern {
    engine: Engine,
}

enum Engine {
    Nothing,
    Linear { regex: Regex, longest: Option<Box<Longest>> },
    Backtracking(Box<Program>),
}

impl LinePattern {
    /// Reads patterns, of which one must match; `terminator` ends lines. With `whole`, [`find`](Self::find) tells the
    /// longest match. The error is a message.
    ///
    /// # Errors
    /// Where one is none, or all together become too big.
    pub fn new(
        patterns: &[Vec<u8>],
        mut options: Options,
        bounds: Bounds,
        terminator: u8,
        whole: bool,
    ) -> Result<Self, String> {
        if patterns.is_empty() {
            return Ok(Self { engine: Engine::Nothing });
        }
        let (mut nodes, mut groups) = (vec![], 0);
        for pattern in patterns {
            let (node, count) = parse::parse(pattern, options.language, Escapes::None)?;
            nodes.push(node.renumbered(groups));
            groups += count;
        }
        let node = if nodes.len() == 1 { nodes.remove(0) } else { Node::Alternate(nodes) };
        let around = |before, after| Node::Concat(vec![Node::Look(before), node.clone(), Node::Look(after)]);
        let node = match bounds {
            Bounds::Free => node,
            Bounds::Word => around(Look::NoWordBefore, Look::NoWordAfter),
            Bounds::Line => around(Look::LineStart, Look::LineEnd),
        };
        if node.refers_back() {
            let program = Program::new(&node, groups, options.ignore_case, false)?;
            return Ok(Self { engine: Engine::Backtracking(Box::new(program)) });
        }
        options.multi_line = terminator == b'\n';
        let mut text = String::new();
        // In a concatenation, an alternation that is not in a group has one of its own.
        node.write(options.multi_line, &mut text);
        let ambiguous = node.is_ambiguous() || bounds == Bounds::Word;
        let longest = if whole && ambiguous { Some(Box::new(Longest::new(&text, options)?)) } else { None };
        Ok(Self { engine: Engine::Linear { regex: build(&text, options)?, longest } })
    }

    /// Whether lines can be looked through together ([`next`](Self::next)): where they end in newlines and the patterns do not refer
    /// back.
    pub fn takes_many(&self) -> bool {
        matches!(self.engine, Engine::Linear { .. } | Engine::Nothing)
    }

    /// A place in the first line from `start` on, which is the beginning of one, that matches; `lines` end in newlines.
    pub fn next(&self, lines: &[u8], start: usize) -> Option<usize> {
        match &self.engine {
            Engine::Linear { regex, .. } => regex.shortest_match_at(lines, start).filter(|at| *at < lines.len()),
            _ => None,
        }
    }

    /// Whether it matches somewhere in a line.
    ///
    /// # Errors
    /// [`Exhausted`], as [`find`](Self::find).
    pub fn is_match(&self, line: &[u8]) -> Result<bool, Exhausted> {
        match &self.engine {
            Engine::Nothing => Ok(false),
            Engine::Linear { regex, .. } => Ok(regex.is_match(line)),
            Engine::Backtracking(program) => Ok(program.find(line, 0)?.is_some()),
        }
    }

    /// The leftmost and longest match in a line from `start` on.
    ///
    /// # Errors
    /// [`Exhausted`].
    pub fn find(&self, line: &[u8], start: usize) -> Result<Option<(usize, usize)>, Exhausted> {
        match &self.engine {
            Engine::Nothing => Ok(None),
            Engine::Linear { regex, longest } => Ok(regex.find_at(line, start).map(|found| {
                let end = longest.as_ref().and_then(|longest| longest.end(line, found.start()));
                (found.start(), end.unwrap_or(found.end()))
            })),
            Engine::Backtracking(program) => Ok(program.find(line, start)?.and_then(|groups| groups[0])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Language::{self, Basic, Extended, Fixed};
    use super::*;

    fn pattern(language: Language, patterns: &[&str], bounds: Bounds) -> LinePattern {
        let patterns: Vec<Vec<u8>> = patterns.iter().map(|pattern| pattern.as_bytes().to_vec()).collect();
        LinePattern::new(&patterns, Options::new(language), bounds, b'\n', true).expect("right")
    }

    #[test]
    fn no_match_goes_beyond_a_line() {
        let lines = b"one two\n\nthree\n";
        for (regex, expected) in [
            ("[^x]*e$", Some(2)),
            ("^t", Some(2)),
            ("two[[:space:]]", None),
            ("^$", Some(1)),
            ("o.*t.*e", None),
            ("one\\s", Some(0)),
            ("two\\W", None),
            ("[^a-z ]", None),
        ] {
            let found = pattern(Extended, &[regex], Bounds::Free).next(lines, 0);
            let line = found.map(|at| lines[..at].iter().filter(|byte| **byte == b'\n').count());
            assert_eq!(line, expected, "{regex}");
        }
        assert_eq!(pattern(Extended, &["x*"], Bounds::Free).next(lines, lines.len()), None);
    }

    #[test]
    fn several_patterns_match_within_their_bounds() {
        for (language, patterns, bounds, line, expected) in [
            (Basic, vec!["a", "abc"], Bounds::Free, "xabcd", Some((1, 4))),
            (Fixed, vec!["a", "a.c"], Bounds::Free, "xa.cd", Some((1, 4))),
            (Basic, vec!["a", "abc"], Bounds::Word, "abcd a", Some((5, 6))),
            (Basic, vec!["a.*", "x"], Bounds::Word, "a-b_c d", Some((0, 7))),
            (Basic, vec!["a", "abc"], Bounds::Line, "abc", Some((0, 3))),
            (Basic, vec!["a", "b"], Bounds::Line, "ab", None),
            (Basic, vec!["\\(a\\)b\\1", "\\(x\\)\\1"], Bounds::Free, "axx", Some((1, 3))),
            (Basic, vec!["\\(x\\)\\1"], Bounds::Word, "axx xx", Some((4, 6))),
            (Basic, vec![], Bounds::Free, "a", None),
            (Basic, vec![""], Bounds::Free, "a", Some((0, 0))),
        ] {
            let pattern = pattern(language, &patterns, bounds);
            assert_eq!(pattern.find(line.as_bytes(), 0), Ok(expected), "{patterns:?}");
            assert_eq!(pattern.is_match(line.as_bytes()), Ok(expected.is_some()), "{patterns:?}");
        }
    }
}

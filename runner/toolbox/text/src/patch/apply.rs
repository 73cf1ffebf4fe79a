//! Hunks find their places.

use super::parse::{Hunk, Kind};

/// How lines are compared, and how far from its place a hunk is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tolerance {
    /// How many lines of context at each end need not fit.
    pub(super) fuzz: usize,
    /// White space is the same however much of it there is.
    pub(super) blanks: bool,
}

/// What became of a hunk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fate {
    /// It was applied: at which line, how far from where it should be, and how many lines of context did not fit.
    Applied { line: usize, offset: isize, fuzz: usize },
    /// It fits nowhere; the line where it should be.
    Failed { line: usize },
}

/// A file to which hunks are applied one after the other.
pub(super) struct Target<'a> {
    lines: Vec<&'a [u8]>,
    result: Vec<u8>,
    /// How many lines are done.
    done: usize,
    /// How far the last hunk was from its place.
    offset: isize,
    /// How many lines hunks have added so far.
    grown: isize,
}

impl<'a> Target<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            lines: text.split_inclusive(|byte| *byte == b'\n').collect(),
            result: vec![],
            done: 0,
            offset: 0,
            grown: 0,
        }
    }

    /// Applies a hunk that comes after those that were applied.
    pub(super) fn apply(&mut self, hunk: &Hunk, tolerance: Tolerance) -> Fate {
        let context = |mut lines: Box<dyn Iterator<Item = &(Kind, Vec<u8>)> + '_>| {
            lines.by_ref().take_while(|(kind, _)| *kind == Kind::Same).count()
        };
        let before = context(Box::new(hunk.lines.iter()));
        let after = context(Box::new(hunk.lines.iter().rev()));
        for fuzz in 0..=tolerance.fuzz.min(before.max(after)) {
            let Some(line) = self.find(hunk, (before, after), fuzz, tolerance.blanks) else { continue };
            let offset = line as isize - expected(hunk) as isize;
            let place = line as isize + self.grown + 1;
            self.put(hunk, line);
            self.offset = offset;
            return Fate::Applied { line: usize::try_from(place).unwrap_or(0), offset, fuzz };
        }
        let line = (expected(hunk) as isize + 1 + self.grown + self.offset).max(0) as usize;
        Fate::Failed { line }
    }

    /// The line, from 0, where a hunk fits; nearest to where the last one says.
    fn find(&self, hunk: &Hunk, (before, after): (usize, usize), fuzz: usize, blanks: bool) -> Option<usize> {
        let pattern: Vec<&[u8]> = hunk.before().collect();
        let guess = expected(hunk) as isize + self.offset;
        if pattern.is_empty() {
            // Lines are put after one that is there, or into an empty file.
            let line = usize::try_from(guess).ok()?;
            return (line <= self.lines.len()
                && line >= self.done
                && (line > 0 || self.lines.is_empty() || hunk.old_start == 0))
                .then_some(line);
        }
        let most = before.max(after);
        // With less context at one end, that end is one of the file.
        let (skip_before, skip_after) = ((fuzz + before).checked_sub(most), (fuzz + after).checked_sub(most));
        let skip_before_count = skip_before.unwrap_or(0).min(before);
        let skip_after_count = skip_after.unwrap_or(0).min(after);
        let fits = |line: isize| {
            let Ok(line) = usize::try_from(line) else { return false };
            let (first, last) = (line + skip_before_count, line + pattern.len() - skip_after_count);
            line + skip_before_count >= self.done
                && last <= self.lines.len()
                && self.lines[first..last]
                    .iter()
                    .zip(&pattern[skip_before_count..pattern.len() - skip_after_count])
                    .all(|(found, wanted)| equal(found, wanted, blanks))
        };
        let found = |line: isize| fits(line).then_some(line as usize);
        if skip_before.is_none() && hunk.old_start <= 1 {
            return found(0);
        }
        if skip_after.is_none() {
            return found(self.lines.len() as isize - pattern.len() as isize);
        }
        let furthest = self.lines.len() as isize + guess.abs() + 1;
        (0..=furthest).find_map(|distance| found(guess + distance).or_else(|| found(guess - distance)))
    }

    fn put(&mut self, hunk: &Hunk, line: usize) {
        let mut at = line;
        // With fuzz, lines of context may stand before what is done.
        if line > self.done {
            self.result.extend(self.lines[self.done..line].concat());
        }
        for (kind, text) in &hunk.lines {
            match kind {
                // What stands in the file stays, also where it does not fit.
                Kind::Same => {
                    if at >= self.done
                        && let Some(found) = self.lines.get(at)
                    {
                        self.result.extend(*found);
                    }
                    at += 1;
                }
                Kind::Old => {
                    at += 1;
                    self.grown -= 1;
                }
                Kind::New => {
                    if self.result.last().is_some_and(|last| *last != b'\n') {
                        self.result.push(b'\n');
                    }
                    self.result.extend(text);
                    self.grown += 1;
                }
            }
        }
        self.done = self.done.max(at.min(self.lines.len()));
    }

    /// The file after all hunks.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.result.extend(self.lines[self.done..].concat());
        self.result
    }
}

/// The line, from 0, where a hunk should be.
fn expected(hunk: &Hunk) -> usize {
    // Of no lines, the one before is named.
    if hunk.before().next().is_none() { hunk.old_start } else { hunk.old_start.saturating_sub(1) }
}

fn equal(found: &[u8], wanted: &[u8], blanks: bool) -> bool {
    if !blanks {
        return found == wanted;
    }
    let words = |line: &[u8]| {
        let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        words.map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    words(found) == words(wanted)
}

//! How differences are written.

use std::io::{self, Write};
use std::ops::Range;

use stepbox_tool::calendar::Moment;

use super::input::Input;
use super::myers::Change;

/// The form of the output.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Style {
    Normal,
    /// With so many lines around changes.
    Unified(usize),
    /// With so many lines around changes.
    Context(usize),
}

/// Two files, and what differs.
pub(super) struct Comparison<'a> {
    pub(super) files: [&'a Input; 2],
    pub(super) lines: [Vec<&'a [u8]>; 2],
    pub(super) changes: Vec<Change>,
    /// For each change, whether it alone would not be shown.
    pub(super) ignorable: Vec<bool>,
    /// What stands for the names in the heads.
    pub(super) labels: &'a [String],
}

impl Comparison<'_> {
    /// Writes it.
    pub(super) fn write(&self, style: Style, output: &mut dyn Write) -> io::Result<()> {
        match style {
            Style::Normal => {
                let shown = self.changes.iter().zip(&self.ignorable).filter(|(_, ignorable)| !**ignorable);
                shown.map(|(change, _)| change).try_for_each(|change| self.normal(change, output))
            }
            Style::Unified(around) => {
                self.head(["---", "+++"], output)?;
                self.groups(around).into_iter().try_for_each(|group| self.unified(&self.changes[group], around, output))
            }
            Style::Context(around) => {
                self.head(["***", "---"], output)?;
                self.groups(around).into_iter().try_for_each(|group| self.context(&self.changes[group], around, output))
            }
        }
    }

    /// Changes that are shown together: no more than twice as many lines stand between them as around them.
    fn groups(&self, around: usize) -> Vec<Range<usize>> {
        let mut groups: Vec<Range<usize>> = vec![];
        for (at, change) in self.changes.iter().enumerate() {
            let reach = if self.ignorable[at] { around } else { around.saturating_mul(2).saturating_add(1) };
            match groups.last_mut() {
                Some(group) if change.old.start - self.changes[group.end - 1].old.end < reach => group.end = at + 1,
                _ => groups.push(at..at + 1),
            }
        }
        groups.retain(|group| self.ignorable[group.clone()].iter().any(|ignorable| !ignorable));
        groups
    }

    fn head(&self, marks: [&str; 2], output: &mut dyn Write) -> io::Result<()> {
        for (at, (mark, file)) in marks.iter().zip(self.files).enumerate() {
            match self.labels.get(at) {
                Some(label) => writeln!(output, "{mark} {label}")?,
                None => {
                    let (seconds, nanoseconds) = file.modified;
                    writeln!(output, "{mark} {}\t{}", file.name, Moment::new(seconds, nanoseconds).full())?;
                }
            }
        }
        Ok(())
    }

    fn line(&self, mark: &str, side: usize, at: usize, output: &mut dyn Write) -> io::Result<()> {
        output.write_all(mark.as_bytes())?;
        output.write_all(self.lines[side][at])?;
        output.write_all(b"\n")?;
        if at + 1 == self.lines[side].len() && self.files[side].is_open() {
            output.write_all(b"\\ No newline at end of file\n")?;
        }
        Ok(())
    }

    fn normal(&self, change: &Change, output: &mut dyn Write) -> io::Result<()> {
        let letter = match (change.old.is_empty(), change.new.is_empty()) {
            (true, _) => 'a',
            (_, true) => 'd',
            _ => 'c',
        };
        writeln!(output, "{}{letter}{}", ends(&change.old), ends(&change.new))?;
        change.old.clone().try_for_each(|at| self.line("< ", 0, at, output))?;
        if letter == 'c' {
            output.write_all(b"---\n")?;
        }
        change.new.clone().try_for_each(|at| self.line("> ", 1, at, output))
    }

    /// The lines of both files that a group shows.
    fn shown(&self, group: &[Change], around: usize) -> [Range<usize>; 2] {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { return [0..0, 0..0] };
        let before = around.min(first.old.start).min(first.new.start);
        let after = |end: usize, side: usize| end.saturating_add(around).min(self.lines[side].len());
        [first.old.start - before..after(last.old.end, 0), first.new.start - before..after(last.new.end, 1)]
    }

    fn unified(&self, group: &[Change], around: usize, output: &mut dyn Write) -> io::Result<()> {
        let [old, new] = self.shown(group, around);
        writeln!(output, "@@ -{} +{} @@", length(&old), length(&new))?;
        let mut at = old.start;
        for change in group {
            (at..change.old.start).try_for_each(|at| self.line(" ", 0, at, output))?;
            change.old.clone().try_for_each(|at| self.line("-", 0, at, output))?;
            change.new.clone().try_for_each(|at| self.line("+", 1, at, output))?;
            at = change.old.end;
        }
        (at..old.end).try_for_each(|at| self.line(" ", 0, at, output))
    }

    fn context(&self, group: &[Change], around: usize, output: &mut dyn Write) -> io::Result<()> {
        let shown = self.shown(group, around);
        writeln!(output, "***************")?;
        for (side, (mark, alone)) in [("***", "- "), ("---", "+ ")].into_iter().enumerate() {
            let end = if side == 0 { "****" } else { "----" };
            writeln!(output, "{mark} {} {end}", ends(&shown[side]))?;
            let range = |change: &Change| [&change.old, &change.new][side].clone();
            if group.iter().all(|change| range(change).is_empty()) {
                continue;
            }
            let mut at = shown[side].start;
            for change in group {
                (at..range(change).start).try_for_each(|at| self.line("  ", side, at, output))?;
                let mark = if change.old.is_empty() || change.new.is_empty() { alone } else { "! " };
                range(change).try_for_each(|at| self.line(mark, side, at, output))?;
                at = range(change).end;
            }
            (at..shown[side].end).try_for_each(|at| self.line("  ", side, at, output))?;
        }
        Ok(())
    }
}

/// The first and the last line; of none, the one before.
fn ends(lines: &Range<usize>) -> String {
    if lines.len() > 1 { format!("{},{}", lines.start + 1, lines.end) } else { lines.end.to_string() }
}

/// The first line and how many there are; of none, the one before.
fn length(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => (lines.start + 1).to_string(),
        count => format!("{},{count}", lines.start + 1),
    }
}

use std::collections::VecDeque;

/// How many lines are remembered.
const MAX_LINES: usize = 1000;

/// The lines of before, in memory only.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    lines: VecDeque<String>,
    /// Which one is shown; as many as there are for the line that is being typed.
    at: usize,
    /// That line.
    typed: String,
}

impl History {
    /// A new line begins.
    pub(super) fn begin(&mut self) {
        self.at = self.lines.len();
        self.typed.clear();
    }

    /// Remembers a line, unless it is empty or the one before.
    pub(super) fn add(&mut self, line: &str) {
        if line.trim().is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    /// The line before the one that is shown; `shown` is what became of that.
    pub(super) fn older(&mut self, shown: &str) -> Option<String> {
        if self.at == self.lines.len() {
            shown.clone_into(&mut self.typed);
        }
        self.at = self.at.checked_sub(1)?;
        self.lines.get(self.at).cloned()
    }

    /// The line behind the one that is shown.
    pub(super) fn newer(&mut self) -> Option<String> {
        if self.at == self.lines.len() {
            return None;
        }
        self.at += 1;
        Some(self.lines.get(self.at).unwrap_or(&self.typed).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_back_and_forth_and_finds_the_typed_line_again() {
        let mut history = History::default();
        for line in ["one", "two", "two", " "] {
            history.add(line);
        }
        history.begin();
        assert_eq!(history.newer(), None);
        assert_eq!(history.older("new"), Some("two".to_owned()));
        assert_eq!(history.older("two"), Some("one".to_owned()));
        assert_eq!(history.older("one"), None);
        assert_eq!(history.newer(), Some("two".to_owned()));
        assert_eq!(history.newer(), Some("new".to_owned()));
        for number in 0..2 * MAX_LINES {
            history.add(&number.to_string());
        }
        assert_eq!(history.lines.len(), MAX_LINES);
    }
}

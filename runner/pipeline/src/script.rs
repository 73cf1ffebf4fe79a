//! The commands of a step as one shell program (rules F5, F6, F8).

/// One program for the shell. `set -e` is in force from its start (rule F6): whoever runs it sets that option, so that
/// line numbers are those of the commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    text: String,
    /// The first line of each command, from 1.
    starts: Vec<usize>,
}

impl Script {
    /// Joins commands, their variables replaced, with line breaks (rule F8).
    #[must_use]
    pub fn from_commands<S: AsRef<str>>(commands: impl IntoIterator<Item = S>) -> Self {
        let mut text = String::new();
        let mut starts = Vec::new();
        let mut line = 1;
        for command in commands {
            let command = command.as_ref();
            starts.push(line);
            text.push_str(command);
            if !command.ends_with('\n') {
                text.push('\n');
            }
            line += command.matches('\n').count() + usize::from(!command.ends_with('\n'));
        }
        Self { text, starts }
    }

    /// The program.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many commands there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are no commands.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// How many lines a command has, by its number from 0; 0 where there is none.
    #[must_use]
    pub fn lines_of(&self, command: usize) -> usize {
        let Some(start) = self.starts.get(command) else { return 0 };
        let end = self.starts.get(command + 1).copied().unwrap_or_else(|| self.text.matches('\n').count() + 1);
        end - start
    }

    /// The command that a line of the program belongs to (from 0), and the line inside of it (from 1).
    #[must_use]
    pub fn command_at(&self, line: usize) -> Option<(usize, usize)> {
        let command = self.starts.partition_point(|start| *start <= line).checked_sub(1)?;
        let start = self.starts.get(command)?;
        let last = self.text.matches('\n').count();
        (line <= last).then_some((command, line - start + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f5_all_commands_are_one_program() {
        let script = Script::from_commands(["cd /tmp", "X=1", "echo $X"]);
        assert_eq!(script.text(), "cd /tmp\nX=1\necho $X\n");
        assert_eq!((script.len(), script.is_empty()), (3, false));
        assert!(Script::from_commands([""; 0]).is_empty());
    }

    #[test]
    fn f6_the_program_is_not_changed_for_set_e() {
        assert!(!Script::from_commands(["false", "echo no"]).text().contains("set"));
    }

    #[test]
    fn f8_commands_are_joined_by_line_breaks() {
        let script = Script::from_commands(["cat <<E\nx\nE", "echo a # b", "if true\nthen echo\nfi\n"]);
        assert_eq!(script.text(), "cat <<E\nx\nE\necho a # b\nif true\nthen echo\nfi\n");
    }

    #[test]
    fn f8_a_line_knows_its_command() {
        let script = Script::from_commands(["a\nb", "c", "d\n"]);
        let found: Vec<_> = (0..7).map(|line| script.command_at(line)).collect();
        assert_eq!(found, [None, Some((0, 1)), Some((0, 2)), Some((1, 1)), Some((2, 1)), None, None]);
        assert_eq!(Script::from_commands([""; 0]).command_at(1), None);
    }
}

use std::collections::BTreeMap;
use std::sync::Arc;

use stepbox_system::{ExitStatus, Process, Signal};

use super::{Flow, Shell};
use crate::config::{Mode, ShellOptions};

/// How many signals are looked at between two commands.
const MAX_PENDING: usize = 64;

/// What a trap waits for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Condition {
    /// The end of the shell.
    Exit,
    /// A signal.
    Signal(Signal),
    /// bash's `DEBUG`: before each command.
    Debug,
    /// bash's `ERR`: a command fails that `set -e` would end the shell for.
    Error,
    /// bash's `RETURN`: a function or a sourced script ends.
    Return,
}

impl Condition {
    /// The condition of a name or number (`EXIT`, `0`, `TERM`, `SIGTERM`, `15`).
    pub(crate) fn parse(text: &[u8], mode: Mode) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        if mode == Mode::Bash {
            match text.to_ascii_uppercase().as_str() {
                "DEBUG" => return Some(Self::Debug),
                "ERR" => return Some(Self::Error),
                "RETURN" => return Some(Self::Return),
                "EXIT" => return Some(Self::Exit),
                _ => {}
            }
        }
        if let Ok(number) = text.parse::<u8>() {
            return if number == 0 { Some(Self::Exit) } else { Signal::from_number(number).map(Self::Signal) };
        }
        if text == "EXIT" { Some(Self::Exit) } else { Signal::from_name(text).map(Self::Signal) }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Exit => "EXIT",
            Self::Signal(signal) => signal.name(),
            Self::Debug => "DEBUG",
            Self::Error => "ERR",
            Self::Return => "RETURN",
        }
    }
}

/// The traps of a shell: an empty action ignores. In a subshell also what was set around it, to be told until it sets one
/// itself (XCU trap: `$(trap)`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Traps(pub(crate) BTreeMap<Condition, Vec<u8>>, Option<Arc<BTreeMap<Condition, Vec<u8>>>>);

impl Traps {
    /// In a subshell traps are reset, what is ignored stays ignored (XCU 2.12).
    pub(crate) fn enter_subshell(&mut self, process: &Process, options: &ShellOptions) {
        if self.1.is_none() && self.0.values().any(|action| !action.is_empty()) {
            self.1 = Some(Arc::new(self.0.clone()));
        }
        self.0.retain(|condition, action| action.is_empty() || is_inherited(*condition, options));
        for condition in self.0.keys() {
            if let Condition::Signal(signal) = condition {
                process.ignore(*signal);
            }
        }
    }
}

/// Whether a trap of bash holds in functions and subshells.
fn is_inherited(condition: Condition, options: &ShellOptions) -> bool {
    match condition {
        Condition::Error => options.errtrace,
        Condition::Debug | Condition::Return => options.functrace,
        Condition::Exit | Condition::Signal(_) => false,
    }
}

impl Traps {
    /// What `trap` prints.
    pub(crate) fn shown(&self) -> &BTreeMap<Condition, Vec<u8>> {
        self.1.as_deref().unwrap_or(&self.0)
    }
}

impl Shell {
    /// Sets or resets a trap.
    pub(crate) fn set_trap(&mut self, condition: Condition, action: Option<Vec<u8>>) {
        if let Condition::Signal(signal) = condition {
            match &action {
                None => self.process.reset(signal),
                Some(action) if action.is_empty() => self.process.ignore(signal),
                Some(_) => self.process.trap(signal),
            }
        }
        self.state.traps.1 = None;
        match action {
            Some(action) => drop(self.state.traps.0.insert(condition, action)),
            None => drop(self.state.traps.0.remove(&condition)),
        }
    }

    /// Runs the actions of signals that have come in; called between commands.
    pub(crate) fn run_pending_traps(&mut self) -> Result<(), Flow> {
        if self.state.traps.0.is_empty() || (self.subshell && !self.has_own_traps()) {
            return Ok(());
        }
        for _ in 0..MAX_PENDING {
            match self.process.take_pending() {
                None => break,
                // A signal that has come in several times is one.
                Some(signal) if self.pending.contains(&signal) => {}
                Some(signal) => self.pending.push(signal),
            }
        }
        // An action is not interrupted by its own signal: whoever sends many would have us nest without end.
        while let Some(at) = self.pending.iter().position(|signal| !self.acting.contains(signal)) {
            let signal = self.pending.remove(at);
            self.run_trap(signal)?;
        }
        Ok(())
    }

    /// Whether a signal has an action.
    pub(super) fn is_trapped(&self, signal: Signal) -> bool {
        self.state.traps.0.get(&Condition::Signal(signal)).is_some_and(|action| !action.is_empty())
    }

    /// Runs the action of a signal; `$?` stays.
    pub(super) fn run_trap(&mut self, signal: Signal) -> Result<(), Flow> {
        if let Some(action) = self.state.traps.0.get(&Condition::Signal(signal)).cloned() {
            let status = self.state.status;
            self.acting.push(signal);
            let before = self.before_trap.replace((status, self.callers));
            let result = self.execute_action(&action, self.line);
            self.before_trap = before;
            self.acting.pop();
            result?;
            self.state.status = status;
        }
        Ok(())
    }

    /// Executes the action of a trap. What fails in there is not what the script has failed with, unless it ends with that.
    fn execute_action(&mut self, action: &[u8], line: u32) -> Result<ExitStatus, Flow> {
        let failures = std::mem::take(&mut self.failures);
        let result = self.execute_text(action, line);
        if !matches!(result, Err(Flow::Exit(_) | Flow::Error(_) | Flow::Discard(_))) {
            self.failures = failures;
        }
        result
    }

    /// Notes the command that is about to run, for `BASH_COMMAND`; those of a trap do not count.
    pub(super) fn note_command(&mut self, text: &Arc<[u8]>) {
        if self.is_bash() && !text.is_empty() && self.before_trap.is_none() && self.in_trap.is_empty() {
            self.state.command = Arc::clone(text);
        }
    }

    /// Runs the trap of one of bash's conditions, where it has one and is not running; `$?` stays.
    pub(crate) fn run_bash_trap(&mut self, condition: Condition) -> Result<(), Flow> {
        if self.state.traps.0.is_empty() || self.in_trap.contains(&condition) {
            return Ok(());
        }
        let Some(action) = self.state.traps.0.get(&condition).filter(|action| !action.is_empty()).cloned() else {
            return Ok(());
        };
        let (status, line, pipe_status) = (self.state.status, self.line, self.state.pipe_status.clone());
        self.in_trap.push(condition);
        let result = self.execute_action(&action, line);
        self.in_trap.pop();
        self.state.status = status;
        self.line = line;
        self.state.pipe_status = pipe_status;
        result.map(drop)
    }

    /// Takes off the traps of bash that do not hold in a function; `end_function` puts them back.
    pub(super) fn begin_function(&mut self) -> Vec<(Condition, Vec<u8>)> {
        if self.state.traps.0.is_empty() {
            return vec![];
        }
        let options = *self.options();
        [Condition::Debug, Condition::Error, Condition::Return]
            .into_iter()
            .filter(|condition| !is_inherited(*condition, &options))
            .filter_map(|condition| Some((condition, self.state.traps.0.remove(&condition)?)))
            .collect()
    }

    /// What the function has set itself stays.
    pub(super) fn end_function(&mut self, taken: Vec<(Condition, Vec<u8>)>) {
        for (condition, action) in taken {
            self.state.traps.0.entry(condition).or_insert(action);
        }
    }

    fn has_own_traps(&self) -> bool {
        self.state
            .traps
            .0
            .iter()
            .any(|(condition, action)| matches!(condition, Condition::Signal(_)) && !action.is_empty())
    }

    /// Runs the trap of `EXIT` once; the status with which the shell ends.
    pub(crate) fn exit_trap(&mut self, status: ExitStatus) -> ExitStatus {
        let Some(action) = self.state.traps.0.remove(&Condition::Exit).filter(|action| !action.is_empty()) else {
            return status;
        };
        self.state.status = status;
        self.forgiving = 0;
        self.before_trap = Some((status, self.callers));
        self.ending = true;
        let failures = std::mem::take(&mut self.failures);
        let end = match self.execute_text(&action, self.line) {
            Ok(_) | Err(Flow::Return(_) | Flow::Break(_) | Flow::Continue(_)) => status,
            Err(Flow::Exit(status) | Flow::Error(status) | Flow::Discard(status)) => status,
            Err(Flow::Cancelled(signal)) => ExitStatus::of_signal(signal),
        };
        if end == status {
            self.failures = failures;
        }
        end
    }
}

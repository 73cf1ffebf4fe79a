//! The evaluator.

mod command_line;
mod compound;
mod diagnostics;
mod failures;
mod functions;
mod jobs;
mod list;
mod process;
mod prompt;
mod redirect;
mod simple;
mod state;
mod test_command;
mod time;
mod traps;

pub use command_line::run_command_line;
pub use failures::FailedCommand;
pub(crate) use failures::Failure;
pub(crate) use jobs::{Bell, Job, Waited};
pub(crate) use redirect::own_descriptor;
pub(crate) use simple::DEFAULT_PATH;
pub(crate) use state::{Frame, Function, Getopts, State};
pub(crate) use traps::Condition;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use stepbox_system::{CancelToken, ExitStatus, OpenFile, Process, Signal, Spawner, Vfs, VirtualPath, error_text};

use self::failures::Failures;
use self::prompt::Prompts;
pub use self::prompt::{Foreground, Line, LineEditor};
use crate::config::{Limits, Mode, ShellConfig, ShellOptions};
use crate::ir::Element;
use crate::line_reader::LineReader;
use crate::parse::Parser;
use crate::regex::Regexes;
use crate::switches::{Switch, Switches};

/// Why evaluation leaves a construct before its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flow {
    /// `break n`.
    Break(u32),
    /// `continue n`.
    Continue(u32),
    /// `return`, from a function or a sourced script.
    Return(ExitStatus),
    /// `exit` or `set -e`.
    Exit(ExitStatus),
    /// An error that ends a shell, unless a built-in that is not special met it (XCU 2.8.1).
    Error(ExitStatus),
    /// An error of an expansion or assignment in bash: it ends what was read with it, and the next command is read.
    Discard(ExitStatus),
    /// The shell's token was cancelled: no trap runs.
    Cancelled(Signal),
}

/// Where a text that is executed comes from.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Text {
    /// It is the shell's script.
    Script,
    /// `.` has read it; `set -v` prints it too.
    Sourced,
    /// The script has made it: `eval`, a trap.
    Made,
}

/// What all subshells of a shell share.
pub(crate) struct Context {
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) spawner: Arc<dyn Spawner>,
    pub(crate) limits: Limits,
    pub(crate) mode: Mode,
    /// How many programs stand above.
    pub(crate) depth: u32,
    /// `$$`: that of the first shell, in its subshells too.
    pub(crate) pid: u32,
    /// The bounds that were met and told of, and how often they were met since.
    refusals: Mutex<BTreeMap<String, u64>>,
}

/// A shell: what it knows, and the process that it is.
pub struct Shell {
    pub(crate) context: Arc<Context>,
    pub(crate) process: Arc<Process>,
    pub(crate) state: State,
    pub(crate) jobs: Vec<Job>,
    /// Rings when one of them ends.
    pub(crate) bell: Arc<Bell>,
    /// The jobs that were waited for, and how they ended.
    pub(crate) waited_for: Vec<(u32, ExitStatus)>,
    /// Constructs inside constructs that are being executed.
    pub(crate) depth: u32,
    /// Above 0 where a failing command does not end the shell (conditions, `!`, the left of `&&`).
    pub(crate) forgiving: u32,
    /// Loops around, in this function.
    pub(crate) loops: u32,
    /// Functions and sourced scripts around.
    pub(crate) callers: u32,
    /// The same, the innermost last, with what bash tells of them.
    pub(crate) frames: Vec<Frame>,
    /// Subshells around.
    pub(crate) subshells: u32,
    /// Namerefs and subscripts that are being evaluated.
    pub(crate) references: u32,
    /// The variables that the function being executed was called with (`x=1 f`).
    pub(crate) called_with: Vec<Vec<u8>>,
    /// The compound operands of the declaration that is about to run, by the number of their word from the end.
    pub(crate) compounds: Vec<(usize, Arc<Vec<Element>>)>,
    /// The line of the command that is being executed.
    pub(crate) line: u32,
    /// The status of the last command substitution of a command without a name.
    pub(crate) substitution_status: Option<ExitStatus>,
    /// The command that it failed with.
    pub(crate) substitution_failure: Option<Failure>,
    /// The commands that have failed.
    pub(crate) failures: Failures,
    /// Signals that have come in and were not acted on yet.
    pub(crate) pending: Vec<Signal>,
    /// Signals whose actions are being executed.
    pub(crate) acting: Vec<Signal>,
    /// Conditions of bash whose actions are being executed.
    pub(crate) in_trap: Vec<Condition>,
    /// In a trap's action: the status from before it, and how many callers there were.
    pub(crate) before_trap: Option<(ExitStatus, u32)>,
    /// Whether the trap of `EXIT` is running, of this shell or one around.
    pub(crate) ending: bool,
    /// What an interactive shell asks with.
    prompts: Option<Arc<Prompts>>,
    /// Where an interactive shell tells what it is executing.
    foreground: Option<Foreground>,
    /// The descriptors of the process substitutions of the commands that are being executed.
    pub(crate) processes: Vec<u32>,
    /// The process substitutions that were started, the last one last.
    pub(crate) substituted: Vec<Job>,
    /// Whether the last expression met an unset variable under `set -u`, which ends bash.
    pub(crate) met_unset: bool,
    /// Substitutions, and texts that the script has made itself, around: how often `set -x` of bash repeats the first letter
    /// of `PS4`.
    pub(crate) indirection: u32,
    /// Whether `set -x` shows a `!` before the next test of `[[ ]]`.
    pub(crate) shows_not: bool,
    /// The regular expressions of `[[ =~ ]]` that were used last.
    pub(crate) regexes: Regexes,
    /// Whether the script comes from standard input.
    pub(crate) reads_input: bool,
    /// Whether the script was given with `-c`.
    pub(crate) is_command_string: bool,
    /// Whether this is a copy for `( )`, `$( )`, a stage or a job.
    pub(crate) subshell: bool,
}

impl Shell {
    /// A shell that has not run anything. The thread that uses it must have a stack of 16 MiB.
    pub fn new(mut config: ShellConfig) -> Self {
        crate::builtins::enter_mode(&mut config.options, config.mode);
        let context = Context {
            vfs: Arc::clone(&config.vfs),
            spawner: Arc::clone(&config.spawner),
            limits: config.limits,
            mode: config.mode,
            depth: config.depth,
            pid: config.process.id(),
            refusals: Mutex::default(),
        };
        let parent = config.process.parent();
        let process = Arc::new(config.process);
        let (functions, environment): (Vec<_>, Vec<_>) =
            config.environment.into_iter().partition(|(name, _)| functions::is_exported(name, config.mode));
        let state = State::new(
            config.name,
            config.arguments,
            environment,
            config.cwd,
            config.umask,
            config.files,
            config.options,
            parent,
            config.mode,
        );
        let mut shell = Self {
            context: Arc::new(context),
            process,
            state,
            jobs: vec![],
            bell: Arc::default(),
            waited_for: vec![],
            depth: 0,
            forgiving: 0,
            loops: 0,
            callers: 0,
            frames: vec![],
            subshells: 0,
            references: 0,
            called_with: vec![],
            compounds: vec![],
            line: 1,
            substitution_status: None,
            substitution_failure: None,
            failures: Failures::default(),
            pending: vec![],
            acting: vec![],
            in_trap: vec![],
            ending: false,
            before_trap: None,
            prompts: None,
            foreground: None,
            processes: vec![],
            substituted: vec![],
            met_unset: false,
            shows_not: false,
            indirection: 0,
            regexes: Regexes::default(),
            reads_input: false,
            is_command_string: false,
            subshell: false,
        };
        shell.import_functions(functions);
        shell
    }

    /// Runs a script, then the trap of `EXIT`; the status of the shell.
    pub fn run(self, source: &[u8]) -> ExitStatus {
        self.run_to_end(source).0
    }

    /// The same, and the command that the status comes from where it is not 0. None where no command has given it: a syntax
    /// error, a signal.
    pub fn run_to_end(mut self, source: &[u8]) -> (ExitStatus, Option<FailedCommand>) {
        let (limits, mode) = (*self.limits(), self.context.mode);
        let flow = self.execute_commands(&mut Parser::new(source, 1, mode, &limits), Text::Script);
        let cancelled = matches!(flow, Err(Flow::Cancelled(_)));
        let status = self.finish(flow);
        let failure = self.failures.take(status).filter(|_| !cancelled);
        (status, failure.map(Failure::into_command))
    }

    /// Runs a script that is read from a descriptor line by line: what its commands read begins behind their own line.
    pub(crate) fn run_lines(mut self, input: &OpenFile) -> ExitStatus {
        let (limits, cancel) = (*self.limits(), self.cancel().clone());
        let failure = RefCell::new(None);
        let prompts = Arc::new(Prompts::default());
        if self.options().interactive {
            self.prompts = Some(Arc::clone(&prompts));
        }
        let mut parser = Parser::of_lines(
            Box::new(|text| {
                prompts.print(text.is_empty(), &cancel);
                LineReader::new(input, &cancel).line(text, limits.source + 1).unwrap_or_else(|error| {
                    failure.replace(Some(error));
                    false
                })
            }),
            self.context.mode,
            &limits,
        );
        let mut flow = self.execute_commands(&mut parser, Text::Script);
        drop(parser);
        if let Some(error) = failure.into_inner()
            && flow.is_ok()
        {
            flow = Err(match self.check_cancelled() {
                Err(cancelled) => cancelled,
                Ok(()) => {
                    self.say(&format!("0: standard input: {}", error_text(&error)));
                    Flow::Error(ExitStatus::NOT_EXECUTABLE)
                }
            });
        }
        self.finish(flow)
    }

    /// Executes commands as they are read: what stands before a syntax error has run, and an alias is in force from
    /// the next line on.
    fn execute_commands(&mut self, parser: &mut Parser<'_>, text: Text) -> Result<ExitStatus, Flow> {
        let mut status = ExitStatus::SUCCESS;
        let no_aliases = Arc::default();
        loop {
            let interactive = text == Text::Script && self.prompts.is_some();
            let aliases = !self.is_bash() || interactive || self.switches().is_on(Switch::ExpandAliases);
            parser.set_aliases(if aliases { &self.state.aliases } else { &no_aliases });
            parser.set_words(self.extended_patterns(), self.options().braceexpand);
            self.prepare_prompts();
            let command = parser.next_command();
            if self.prompts.as_ref().is_some_and(|prompts| prompts.take_interrupted()) {
                parser.forget_line();
                status = ExitStatus::of_signal(Signal::Int);
                self.state.status = status;
                continue;
            }
            match command {
                Ok(None) => return Ok(status),
                Ok(Some(list)) => {
                    if text != Text::Made && self.options().verbose {
                        self.print_error(parser.consumed());
                    }
                    let result = if interactive { self.execute_line(&list) } else { self.execute_list(&list) };
                    status = match result {
                        // An interactive shell goes on (XCU 2.8.1).
                        Err(Flow::Discard(status)) if !self.subshell => {
                            self.state.status = status;
                            status
                        }
                        Err(Flow::Error(status)) if interactive => {
                            self.state.status = status;
                            status
                        }
                        result => result?,
                    };
                }
                Err(error) => {
                    self.check_cancelled()?;
                    self.failures = Failures::default();
                    self.say_syntax_error(&error, text == Text::Script);
                    if self.is_bash() && text != Text::Script {
                        self.state.status = ExitStatus::USAGE;
                        return Ok(ExitStatus::USAGE);
                    }
                    if !interactive {
                        return Err(Flow::Error(ExitStatus::USAGE));
                    }
                    parser.forget_line();
                    status = ExitStatus::USAGE;
                    self.state.status = status;
                }
            }
        }
    }

    /// The end of a shell: what its last command gave, after the trap of `EXIT`.
    pub(crate) fn finish(&mut self, flow: Result<ExitStatus, Flow>) -> ExitStatus {
        let status = match flow {
            Ok(status)
            | Err(Flow::Return(status) | Flow::Exit(status) | Flow::Error(status) | Flow::Discard(status)) => status,
            Err(Flow::Break(_) | Flow::Continue(_)) => self.state.status,
            Err(Flow::Cancelled(signal)) => return ExitStatus::of_signal(signal),
        };
        // A signal that the shell has sent to itself with its last command.
        if let Some(signal) = self.cancel().cancelled() {
            return ExitStatus::of_signal(signal);
        }
        self.state.status = status;
        let status = self.exit_trap(status);
        self.await_processes();
        if !self.subshell {
            self.say_repeated();
        }
        status
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.context.limits
    }

    pub(crate) fn options(&self) -> &ShellOptions {
        &self.state.options
    }

    pub(crate) fn switches(&self) -> Switches {
        self.state.switches
    }

    pub(crate) fn vfs(&self) -> &dyn Vfs {
        &*self.context.vfs
    }

    pub(crate) fn cwd(&self) -> &VirtualPath {
        &self.state.cwd
    }

    pub(crate) fn cancel(&self) -> &CancelToken {
        self.process.cancel()
    }

    /// Ends evaluation where the shell's token is cancelled.
    pub(crate) fn check_cancelled(&self) -> Result<(), Flow> {
        match self.cancel().cancelled() {
            Some(signal) => Err(Flow::Cancelled(signal)),
            None => Ok(()),
        }
    }

    pub(crate) fn is_bash(&self) -> bool {
        self.context.mode == Mode::Bash
    }

    /// Opens, replaces or closes a descriptor.
    pub(crate) fn set_file(&mut self, number: u32, file: Option<OpenFile>) {
        match file {
            Some(file) => drop(self.state.files.insert(number, file)),
            None => drop(self.state.files.remove(&number)),
        }
    }

    /// Executes something one level deeper.
    pub(crate) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Flow>) -> Result<T, Flow> {
        if self.depth >= self.limits().depth {
            self.complain_once(&format!("more than {} functions and commands are nested", self.limits().depth));
            // Also in bash nothing goes on: it could do the same once more, at every level.
            return Err(if self.is_bash() { Flow::Exit(ExitStatus::USAGE) } else { Flow::Error(ExitStatus::USAGE) });
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// A copy of this shell with a process of its own or, where that is given, as part of it.
    pub(crate) fn copy(&self, process: Arc<Process>) -> Self {
        let mut state = self.state.clone();
        state.traps.enter_subshell(&process, &self.state.options);
        state.source.enter_subshell();
        Self {
            context: Arc::clone(&self.context),
            process,
            state,
            jobs: vec![],
            bell: Arc::default(),
            waited_for: vec![],
            depth: self.depth,
            forgiving: self.forgiving,
            // In bash a subshell cannot leave the loops around it.
            loops: if self.is_bash() { 0 } else { self.loops },
            callers: self.callers,
            frames: self.frames.clone(),
            subshells: self.subshells + 1,
            references: 0,
            called_with: self.called_with.clone(),
            compounds: vec![],
            line: self.line,
            substitution_status: None,
            substitution_failure: None,
            failures: Failures::default(),
            pending: vec![],
            acting: vec![],
            in_trap: self.in_trap.clone(),
            ending: self.ending,
            before_trap: None,
            prompts: None,
            foreground: None,
            processes: self.processes.clone(),
            substituted: vec![],
            met_unset: false,
            shows_not: false,
            indirection: self.indirection,
            regexes: self.regexes.clone(),
            reads_input: self.reads_input,
            is_command_string: self.is_command_string,
            subshell: true,
        }
    }

    /// Runs something in a subshell on this thread; its status. Only cancellation leaves through it.
    pub(crate) fn in_subshell(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<ExitStatus, Flow>,
    ) -> Result<ExitStatus, Flow> {
        self.deeper(|shell| {
            let mut copy = shell.copy(Arc::clone(&shell.process));
            let flow = inner(&mut copy);
            if let Err(Flow::Cancelled(signal)) = flow {
                return Err(Flow::Cancelled(signal));
            }
            let status = copy.finish(flow);
            shell.failures.adopt(copy.failures.take(status));
            Ok(status)
        })
    }

    /// Parses and executes text that was made by the script itself (`eval`, traps).
    pub(crate) fn execute_text(&mut self, source: &[u8], line: u32) -> Result<ExitStatus, Flow> {
        let (limits, mode) = (*self.limits(), self.context.mode);
        self.indirection += 1;
        let result =
            self.deeper(|shell| shell.execute_commands(&mut Parser::new(source, line, mode, &limits), Text::Made));
        self.indirection -= 1;
        result
    }

    /// Parses and executes a file that `.` names.
    pub(crate) fn execute_sourced(&mut self, source: &[u8]) -> Result<ExitStatus, Flow> {
        let (limits, mode) = (*self.limits(), self.context.mode);
        self.indirection += 1;
        let result =
            self.deeper(|shell| shell.execute_commands(&mut Parser::new(source, 1, mode, &limits), Text::Sourced));
        self.indirection -= 1;
        result
    }
}

use std::collections::BTreeMap;
use std::sync::Arc;

use stepbox_system::{ExitStatus, OpenFile, VirtualPath};

use super::Shell;
use super::traps::Traps;
use crate::config::{Mode, ShellOptions};
use crate::ir::Command;
use crate::parse::{Aliases, is_name};
use crate::switches::Switches;
use crate::variables::{self, ByName, Variable, Variables};

/// What a shell knows. A subshell works on a copy; what is large is shared until it is changed.
#[derive(Clone)]
pub(crate) struct State {
    /// `$0`.
    pub(crate) name: Vec<u8>,
    pub(crate) positional: Arc<Vec<Vec<u8>>>,
    pub(crate) variables: Variables,
    /// Clock and dice of `SECONDS` and `RANDOM`.
    pub(crate) source: variables::Source,
    /// What `pushd` keeps, the newest last.
    pub(crate) directories: Vec<Vec<u8>>,
    pub(crate) aliases: Arc<Aliases>,
    pub(crate) functions: Arc<ByName<Function>>,
    /// The file that the script was read from.
    pub(crate) script: Option<Arc<[u8]>>,
    pub(crate) options: ShellOptions,
    /// What `shopt` switches.
    pub(crate) switches: Switches,
    pub(crate) cwd: VirtualPath,
    pub(crate) umask: u32,
    pub(crate) files: BTreeMap<u32, OpenFile>,
    /// `$?`.
    pub(crate) status: ExitStatus,
    /// `PIPESTATUS`, where it is more than the status.
    pub(crate) pipe_status: Option<Vec<ExitStatus>>,
    /// `$_`, in bash.
    pub(crate) last_argument: Vec<u8>,
    /// The command that is being executed, or was when a trap began.
    pub(crate) command: Arc<[u8]>,
    /// `$!`.
    pub(crate) last_job: Option<u32>,
    pub(crate) traps: Traps,
    pub(crate) getopts: Getopts,
}

/// How far `getopts` is. As in dash and ash each function has its own, and new parameters begin it anew.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Getopts {
    /// The number of the next argument.
    pub(crate) index: usize,
    /// Where it is inside that.
    pub(crate) offset: usize,
}

impl Default for Getopts {
    fn default() -> Self {
        Self { index: 1, offset: 0 }
    }
}

/// A function.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) body: Arc<Command>,
    /// Its definition behind its name, as it was written.
    pub(crate) text: Arc<[u8]>,
    /// The file that it was defined in.
    pub(crate) source: Arc<[u8]>,
    /// Whether that is one that `.` has read.
    pub(crate) is_sourced: bool,
    pub(crate) exported: bool,
}

/// A function or a sourced script that is being executed.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The function; `source` for a script.
    pub(crate) name: Arc<[u8]>,
    /// The file that it stands in.
    pub(crate) source: Arc<[u8]>,
    /// Whether that is one that `.` has read.
    pub(crate) is_sourced: bool,
    /// Where it was called.
    pub(crate) line: u32,
    pub(crate) is_function: bool,
}

impl State {
    #[expect(clippy::too_many_arguments, reason = "the fields of `ShellConfig`, once")]
    pub(super) fn new(
        name: Vec<u8>,
        positional: Vec<Vec<u8>>,
        environment: Vec<(Vec<u8>, Vec<u8>)>,
        cwd: VirtualPath,
        umask: u32,
        files: BTreeMap<u32, OpenFile>,
        options: ShellOptions,
        parent: u32,
        mode: Mode,
    ) -> Self {
        let mut variables = Variables::default();
        // What is no name stays out of the shell's sight, as in dash.
        for (name, value) in environment.into_iter().filter(|(name, _)| is_name(name)) {
            let mut variable = Variable::text(value);
            variable.attributes.exported = true;
            variables.replace(&name, Some(variable));
        }
        // Never from the environment (XCU 2.5.3, 2.6.5): a value from outside could change how words are split.
        variables.replace(b"IFS", Some(Variable::text(" \t\n")));
        variables.replace(b"OPTIND", Some(Variable::text("1")));
        if variables.get(b"PS4").is_none() {
            variables.replace(b"PS4", Some(Variable::text("+ ")));
        }
        let mut pwd = Variable::text(cwd.as_bytes());
        pwd.attributes.exported = true;
        variables.replace(b"PWD", Some(pwd));
        variables::enter(&mut variables, mode, parent);
        Self {
            name,
            positional: Arc::new(positional),
            variables,
            source: variables::Source::default(),
            directories: vec![],
            aliases: Arc::default(),
            functions: Arc::default(),
            script: None,
            options,
            switches: Switches::default(),
            cwd,
            umask,
            files,
            status: ExitStatus::SUCCESS,
            pipe_status: None,
            last_argument: vec![],
            command: Arc::default(),
            last_job: None,
            traps: Traps::default(),
            getopts: Getopts::default(),
        }
    }

    /// The exported variables.
    pub(crate) fn environment(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let exported = self.variables.iter().filter(|(_, variable)| variable.attributes.exported);
        let mut environment: Vec<_> = exported
            .filter_map(|(name, variable)| match &variable.value {
                variables::Value::Text(text) => Some((name.clone(), text.clone())),
                _ => None,
            })
            .collect();
        let functions = self.functions.iter().filter(|(_, function)| function.exported);
        environment.extend(
            functions.map(|(name, function)| {
                (super::functions::exported_name(name), [&b"() "[..], &function.text].concat())
            }),
        );
        environment.sort();
        environment
    }
}

impl Shell {
    pub(crate) fn positional(&self) -> &[Vec<u8>] {
        &self.state.positional
    }

    /// The value of one of `# ? - $ ! 0`.
    pub(crate) fn special(&self, name: u8) -> Option<Vec<u8>> {
        Some(match name {
            b'#' => self.positional().len().to_string().into_bytes(),
            b'?' => self.state.status.to_string().into_bytes(),
            b'$' => self.context.pid.to_string().into_bytes(),
            b'!' => return self.state.last_job.map(|job| job.to_string().into_bytes()),
            b'0' => self.state.name.clone(),
            b'-' => {
                let more: &[u8] = match (self.is_command_string, self.reads_input) {
                    (true, _) if self.is_bash() => b"c",
                    (_, true) => b"s",
                    _ => b"",
                };
                crate::builtins::option_letters(self.options(), self.context.mode, more)
            }
            _ => return None,
        })
    }
}

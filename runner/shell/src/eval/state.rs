use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use stepbox_system::{ExitStatus, OpenFile, VirtualPath};

use super::Shell;
use super::traps::Traps;
use crate::config::ShellOptions;
use crate::ir::Command;
use crate::parse::{Aliases, is_name};
use crate::switches::Switches;

/// What a shell knows. A subshell works on a copy; what is large is shared until it is changed.
#[derive(Clone)]
pub(crate) struct State {
    /// `$0`.
    pub(crate) name: Vec<u8>,
    pub(crate) positional: Arc<Vec<Vec<u8>>>,
    pub(crate) variables: Arc<HashMap<Vec<u8>, Variable>>,
    /// Bytes of all names and values.
    variable_bytes: usize,
    pub(crate) aliases: Arc<Aliases>,
    pub(crate) functions: Arc<HashMap<Vec<u8>, Arc<Command>>>,
    /// For each function that is being executed: what its `local` variables hide.
    pub(crate) scopes: Vec<Vec<(Vec<u8>, Option<Variable>)>>,
    pub(crate) options: ShellOptions,
    /// What `shopt` switches.
    pub(crate) switches: Switches,
    pub(crate) cwd: VirtualPath,
    pub(crate) umask: u32,
    pub(crate) files: BTreeMap<u32, OpenFile>,
    /// `$?`.
    pub(crate) status: ExitStatus,
    /// `$!`.
    pub(crate) last_job: Option<u32>,
    pub(crate) parent: u32,
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

/// A variable.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Variable {
    /// `None` where it has attributes and no value (`export NAME`).
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) exported: bool,
    pub(crate) readonly: bool,
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
    ) -> Self {
        let mut variables = HashMap::new();
        // What is no name stays out of the shell's sight, as in dash.
        for (name, value) in environment.into_iter().filter(|(name, _)| is_name(name)) {
            variables.insert(name, Variable { value: Some(value), exported: true, readonly: false });
        }
        // Never from the environment (XCU 2.5.3, 2.6.5): a value from outside could change how words are split.
        let plain = |value: &[u8]| Variable { value: Some(value.to_vec()), ..Variable::default() };
        variables.insert(b"IFS".to_vec(), plain(b" \t\n"));
        variables.insert(b"OPTIND".to_vec(), plain(b"1"));
        variables.entry(b"PS4".to_vec()).or_insert_with(|| plain(b"+ "));
        let pwd = variables.entry(b"PWD".to_vec()).or_default();
        pwd.value = Some(cwd.as_bytes().to_vec());
        pwd.exported = true;
        let variable_bytes = variables.iter().map(|(name, variable)| size(name, variable)).sum();
        Self {
            name,
            positional: Arc::new(positional),
            variables: Arc::new(variables),
            variable_bytes,
            aliases: Arc::default(),
            functions: Arc::default(),
            scopes: vec![],
            options,
            switches: Switches::default(),
            cwd,
            umask,
            files,
            status: ExitStatus::SUCCESS,
            last_job: None,
            parent,
            traps: Traps::default(),
            getopts: Getopts::default(),
        }
    }

    /// The exported variables.
    pub(crate) fn environment(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let exported = self.variables.iter().filter(|(_, variable)| variable.exported);
        let mut environment: Vec<_> =
            exported.filter_map(|(name, variable)| Some((name.clone(), variable.value.clone()?))).collect();
        environment.sort();
        environment
    }

    /// Puts a variable in, or takes it out.
    pub(crate) fn replace(&mut self, name: &[u8], variable: Option<Variable>) {
        let variables = Arc::make_mut(&mut self.variables);
        let added = variable.as_ref().map_or(0, |variable| size(name, variable));
        let old = match variable {
            Some(variable) => variables.insert(name.to_vec(), variable),
            None => variables.remove(name),
        };
        let removed = old.map_or(0, |old| size(name, &old));
        self.variable_bytes = (self.variable_bytes + added).saturating_sub(removed);
    }
}

fn size(name: &[u8], variable: &Variable) -> usize {
    name.len() + variable.value.as_ref().map_or(0, Vec::len)
}

impl Shell {
    pub(crate) fn positional(&self) -> &[Vec<u8>] {
        &self.state.positional
    }

    /// The value of a variable.
    pub(crate) fn get(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.lookup(name).map(Cow::into_owned)
    }

    /// The same, not copied.
    pub(crate) fn lookup(&self, name: &[u8]) -> Option<Cow<'_, [u8]>> {
        match name {
            b"LINENO" => Some(Cow::Owned(self.line.to_string().into_bytes())),
            b"PPID" => Some(Cow::Owned(self.state.parent.to_string().into_bytes())),
            _ => self.state.variables.get(name)?.value.as_deref().map(Cow::Borrowed),
        }
    }

    /// The value of one of `# ? - $ ! 0`.
    pub(crate) fn special(&self, name: u8) -> Option<Vec<u8>> {
        Some(match name {
            b'#' => self.positional().len().to_string().into_bytes(),
            b'?' => self.state.status.to_string().into_bytes(),
            b'$' => self.context.pid.to_string().into_bytes(),
            b'!' => return self.state.last_job.map(|job| job.to_string().into_bytes()),
            b'0' => self.state.name.clone(),
            b'-' => crate::builtins::option_letters(self.options()),
            _ => return None,
        })
    }

    /// Sets a variable; the message where it cannot be.
    pub(crate) fn assign(&mut self, name: &[u8], value: Vec<u8>) -> Result<(), String> {
        let shown = || String::from_utf8_lossy(name).into_owned();
        let limit = self.limits().variables;
        let too_large = || format!("{}: the variables are larger than {limit} bytes", shown());
        let allexport = self.options().allexport;
        if name == b"OPTIND" {
            let index = std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok());
            self.state.getopts = Getopts { index: index.unwrap_or(1).max(1), offset: 0 };
        }
        let State { variables, variable_bytes, .. } = &mut self.state;
        let Some(variable) = Arc::make_mut(variables).get_mut(name) else {
            if *variable_bytes + name.len() + value.len() > limit {
                return Err(too_large());
            }
            self.state.replace(name, Some(Variable { value: Some(value), exported: allexport, readonly: false }));
            return Ok(());
        };
        if variable.readonly {
            return Err(format!("{}: is read only", shown()));
        }
        let bytes = *variable_bytes - variable.value.as_ref().map_or(0, Vec::len) + value.len();
        if bytes > limit {
            return Err(too_large());
        }
        *variable_bytes = bytes;
        variable.exported |= allexport;
        variable.value = Some(value);
        Ok(())
    }
}

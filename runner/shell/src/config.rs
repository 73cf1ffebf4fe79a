use std::collections::BTreeMap;
use std::sync::Arc;

use stepbox_system::{OpenFile, Process, Spawner, Vfs, VirtualPath};

/// Which shell a script was written for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// POSIX sh, as busybox's ash extends it.
    #[default]
    Sh,
    /// bash.
    Bash,
}

/// What a shell starts with.
pub struct ShellConfig {
    /// Which shell.
    pub mode: Mode,
    /// `$0`, and the name in messages.
    pub name: Vec<u8>,
    /// `$1` and on.
    pub arguments: Vec<Vec<u8>>,
    /// Variables, all exported.
    pub environment: Vec<(Vec<u8>, Vec<u8>)>,
    /// The working directory.
    pub cwd: VirtualPath,
    /// The file mode creation mask.
    pub umask: u32,
    /// Open descriptors.
    pub files: BTreeMap<u32, OpenFile>,
    /// The file tree.
    pub vfs: Arc<dyn Vfs>,
    /// What starts programs.
    pub spawner: Arc<dyn Spawner>,
    /// The virtual process that this shell is.
    pub process: Process,
    /// Its bounds.
    pub limits: Limits,
    /// The options of `set` that are on.
    pub options: ShellOptions,
    /// How many programs stand above this one.
    pub depth: u32,
}

/// The options of `set`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ShellOptions {
    /// `-a`: assignments export.
    pub allexport: bool,
    /// `-C`: `>` does not overwrite.
    pub noclobber: bool,
    /// `-e`: a failing command ends the shell.
    pub errexit: bool,
    /// `-f`: no pathname expansion.
    pub noglob: bool,
    /// `-h`: means nothing here, commands are looked for each time.
    pub hashall: bool,
    /// `-b`: means nothing here, nobody is told of jobs.
    pub notify: bool,
    /// `-n`: read, do not execute.
    pub noexec: bool,
    /// `-u`: an unset variable is an error.
    pub nounset: bool,
    /// `-v`: print what is read.
    pub verbose: bool,
    /// `-x`: print what is executed.
    pub xtrace: bool,
    /// `-i`: an error ends the command and not the shell, and there are prompts. Cannot be set later.
    pub interactive: bool,
    /// `-o pipefail`: a pipeline fails with its last failing stage.
    pub pipefail: bool,
    /// `-E`: bash's trap of `ERR` holds in functions and subshells too.
    pub errtrace: bool,
    /// `-T`: bash's traps of `DEBUG` and `RETURN` hold there too.
    pub functrace: bool,
    /// `-B`: bash's brace expansion.
    pub braceexpand: bool,
    /// bash's that are remembered and mean nothing here.
    pub kept: [bool; 13],
}

impl Default for ShellOptions {
    fn default() -> Self {
        Self {
            allexport: false,
            noclobber: false,
            errexit: false,
            noglob: false,
            hashall: false,
            notify: false,
            noexec: false,
            nounset: false,
            verbose: false,
            xtrace: false,
            interactive: false,
            pipefail: false,
            errtrace: false,
            functrace: false,
            braceexpand: true,
            kept: [false; 13],
        }
    }
}

/// Bounds of a shell. Meeting one is an error of the script, never the end of the runner.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Bytes of a script.
    pub source: usize,
    /// Constructs inside constructs of a script's text.
    pub nesting: u32,
    /// Functions, substitutions and compound commands that are executed inside one another. The thread must have a
    /// stack of 16 MiB.
    pub depth: u32,
    /// Bytes of one command substitution.
    pub substitution: usize,
    /// Bytes, and separately fields, that the words of one command may expand to.
    pub expansion: usize,
    /// Bytes of all variables together.
    pub variables: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            source: 4 << 20,
            nesting: 200,
            depth: 1000,
            substitution: 64 << 20,
            expansion: 64 << 20,
            variables: 256 << 20,
        }
    }
}

//! Variables that the shell knows when it is asked.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Attributes, Value, Variable, Variables};
use crate::config::Mode;
use crate::eval::Shell;

/// Which variable it is; each loses its meaning when it is unset.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Dynamic {
    Argv0,
    CallLines,
    Command,
    DirectoryStack,
    EpochRealtime,
    EpochSeconds,
    FunctionNames,
    LineNumber,
    Options,
    PipeStatus,
    Pid,
    Random,
    Seconds,
    SecureRandom,
    Sources,
    Subshell,
    /// `FUNCNAME` of ash, which is no array.
    FunctionName,
    /// `$_`.
    LastArgument,
}

const ASH: [(&str, Dynamic); 5] = [
    ("EPOCHREALTIME", Dynamic::EpochRealtime),
    ("EPOCHSECONDS", Dynamic::EpochSeconds),
    ("FUNCNAME", Dynamic::FunctionName),
    ("LINENO", Dynamic::LineNumber),
    ("RANDOM", Dynamic::Random),
];

const BASH: [(&str, Dynamic); 17] = [
    ("BASHPID", Dynamic::Pid),
    ("BASH_ARGV0", Dynamic::Argv0),
    ("BASH_COMMAND", Dynamic::Command),
    ("BASH_LINENO", Dynamic::CallLines),
    ("BASH_SOURCE", Dynamic::Sources),
    ("BASH_SUBSHELL", Dynamic::Subshell),
    ("DIRSTACK", Dynamic::DirectoryStack),
    ("EPOCHREALTIME", Dynamic::EpochRealtime),
    ("EPOCHSECONDS", Dynamic::EpochSeconds),
    ("FUNCNAME", Dynamic::FunctionNames),
    ("LINENO", Dynamic::LineNumber),
    ("PIPESTATUS", Dynamic::PipeStatus),
    ("RANDOM", Dynamic::Random),
    ("SECONDS", Dynamic::Seconds),
    ("SHELLOPTS", Dynamic::Options),
    ("SRANDOM", Dynamic::SecureRandom),
    ("_", Dynamic::LastArgument),
];

/// What every bash has, of the version that this shell follows. It runs in a sandbox of its own kind.
const PLAIN: [(&str, &str); 9] = [
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("BASH", "/bin/bash"),
    ("BASH_VERSION", "5.2.15(1)-release"),
    ("HOSTTYPE", "x86_64"),
    ("MACHTYPE", "x86_64-pc-linux-gnu"),
    ("OPTERR", "1"),
    ("OSTYPE", "linux-gnu"),
    ("PS4", "+ "),
    ("SHELL", "/bin/bash"),
];

impl Dynamic {
    pub(super) fn is_array(self) -> bool {
        matches!(self, Self::CallLines | Self::DirectoryStack | Self::FunctionNames | Self::PipeStatus | Self::Sources)
    }

    fn attributes(self) -> Attributes {
        Attributes {
            integer: matches!(self, Self::Pid | Self::Random | Self::Seconds | Self::SecureRandom),
            readonly: self == Self::Options,
            ..Attributes::default()
        }
    }
}

/// Clock and dice of a shell.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The state of `RANDOM`; 0 where it was not asked for yet.
    random: Cell<u64>,
    /// When `SECONDS` began, and with how many.
    began: Instant,
    seconds: i64,
    started: Instant,
}

impl Default for Source {
    fn default() -> Self {
        Self { random: Cell::new(0), began: Instant::now(), seconds: 0, started: Instant::now() }
    }
}

impl Source {
    /// A subshell has other random numbers than the shell around it.
    pub(crate) fn enter_subshell(&mut self) {
        self.random.set(0);
    }

    /// How long the shell has been running.
    pub(crate) fn running(&self) -> Duration {
        self.started.elapsed()
    }

    fn random(&self) -> u16 {
        let mut state = self.random.get();
        if state == 0 {
            state = entropy() | 1;
        }
        // xorshift64*: good enough for names and dice, as RANDOM is meant.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.random.set(state);
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 49) as u16
    }
}

fn entropy() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Enters the variables that the shell itself provides.
pub(crate) fn enter(variables: &mut Variables, mode: Mode, parent: u32) {
    let table: &[_] = if mode == Mode::Bash { &BASH } else { &ASH };
    for (name, dynamic) in table {
        let variable = Variable { value: Value::Dynamic(*dynamic), attributes: dynamic.attributes() };
        variables.replace(name.as_bytes(), Some(variable));
    }
    let mut parent = Variable::text(parent.to_string());
    if mode == Mode::Sh {
        variables.replace(b"PPID", Some(parent));
        return;
    }
    let fixed = Attributes { integer: true, readonly: true, ..Attributes::default() };
    parent.attributes = fixed;
    variables.replace(b"PPID", Some(parent));
    for name in [&b"EUID"[..], b"UID"] {
        variables.replace(name, Some(Variable { attributes: fixed, ..Variable::text("0") }));
    }
    for (name, value) in PLAIN {
        // What a script relies on is ours; the rest may come from outside.
        if name.starts_with("BASH") || variables.get(name.as_bytes()).is_none() {
            variables.replace(name.as_bytes(), Some(Variable::text(value)));
        }
    }
    if variables.get(b"HOSTNAME").is_none() {
        variables.replace(b"HOSTNAME", Some(Variable::text("stepbox")));
    }
    let version = ["5", "2", "15", "1", "release", "x86_64-pc-linux-gnu"].map(|part| part.as_bytes().to_vec());
    variables.replace(
        b"BASH_VERSINFO",
        Some(Variable {
            value: Value::Indexed(std::sync::Arc::new(version.into_iter().collect())),
            attributes: Attributes { readonly: true, ..Attributes::default() },
        }),
    );
    variables.replace(
        b"GROUPS",
        Some(Variable {
            value: Value::Indexed(std::sync::Arc::new([b"0".to_vec()].into_iter().collect())),
            attributes: Attributes::default(),
        }),
    );
    let level = match variables.get(b"SHLVL").map(|variable| &variable.value) {
        Some(Value::Text(text)) => {
            std::str::from_utf8(text).ok().and_then(|text| text.parse::<u32>().ok()).unwrap_or(0)
        }
        _ => 0,
    };
    let mut level = Variable::text(level.saturating_add(1).min(999).to_string());
    level.attributes.exported = true;
    variables.replace(b"SHLVL", Some(level));
    variables.change(b"OPTIND", |variable| variable.attributes.integer = true);
}

impl Shell {
    /// The value of one that is no array, or the first element.
    pub(super) fn dynamic_value(&self, dynamic: Dynamic) -> Option<Vec<u8>> {
        let number = |number: u64| Some(number.to_string().into_bytes());
        match dynamic {
            Dynamic::Argv0 => Some(self.state.name.clone()),
            Dynamic::Command => Some(self.state.command.to_vec()),
            Dynamic::EpochSeconds => number(since_epoch().as_secs()),
            Dynamic::EpochRealtime => {
                let now = since_epoch();
                Some(format!("{}.{:06}", now.as_secs(), now.subsec_micros()).into_bytes())
            }
            Dynamic::LineNumber => number(u64::from(self.line)),
            Dynamic::Options => Some(crate::builtins::option_names(self.options())),
            Dynamic::Pid => number(u64::from(self.process.id())),
            Dynamic::Random => number(u64::from(self.state.source.random())),
            Dynamic::SecureRandom => number(entropy() & 0xffff_ffff),
            Dynamic::Seconds => {
                let passed = i64::try_from(self.state.source.began.elapsed().as_secs()).unwrap_or(i64::MAX);
                Some(self.state.source.seconds.wrapping_add(passed).to_string().into_bytes())
            }
            Dynamic::Subshell => number(u64::from(self.subshells)),
            Dynamic::FunctionName => {
                let innermost = self.frames.iter().rev().find(|frame| frame.is_function);
                Some(innermost.map_or(vec![], |frame| frame.name.to_vec()))
            }
            Dynamic::LastArgument => Some(self.state.last_argument.clone()),
            Dynamic::CallLines
            | Dynamic::DirectoryStack
            | Dynamic::FunctionNames
            | Dynamic::PipeStatus
            | Dynamic::Sources => self.dynamic_elements(dynamic).into_iter().next(),
        }
    }

    /// The elements of one that is an array.
    pub(super) fn dynamic_elements(&self, dynamic: Dynamic) -> Vec<Vec<u8>> {
        let main = self.state.script.as_ref();
        let frames = self.frames.iter().rev();
        let number = |line: u32| line.to_string().into_bytes();
        match dynamic {
            Dynamic::PipeStatus => match &self.state.pipe_status {
                Some(statuses) => statuses.iter().map(|status| status.to_string().into_bytes()).collect(),
                None => vec![self.state.status.to_string().into_bytes()],
            },
            Dynamic::FunctionNames if !self.frames.iter().any(|frame| frame.is_function) => vec![],
            Dynamic::FunctionNames => {
                frames.map(|frame| frame.name.to_vec()).chain(main.map(|_| b"main".to_vec())).collect()
            }
            Dynamic::Sources => {
                frames.map(|frame| frame.source.to_vec()).chain(main.map(|main| main.to_vec())).collect()
            }
            Dynamic::CallLines => frames.map(|frame| number(frame.line)).chain(main.map(|_| number(0))).collect(),
            Dynamic::DirectoryStack => self.directories(),
            _ => self.dynamic_value(dynamic).into_iter().collect(),
        }
    }

    /// The directories of `pushd`, the working directory first.
    pub(crate) fn directories(&self) -> Vec<Vec<u8>> {
        let others = self.state.directories.iter().rev().cloned();
        std::iter::once(self.cwd().as_bytes().to_vec()).chain(others).collect()
    }

    /// What an assignment to one means. Most take no notice.
    pub(super) fn set_dynamic(&mut self, dynamic: Dynamic, value: &[u8]) {
        let number = std::str::from_utf8(value).ok().and_then(|text| text.trim().parse::<i64>().ok()).unwrap_or(0);
        match dynamic {
            Dynamic::Random => {
                let source = &self.state.source;
                // Seeds that are near one another are to give different rows.
                source
                    .random
                    .set((number.cast_unsigned() ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9) | 1);
                source.random();
            }
            Dynamic::Seconds => {
                self.state.source.began = Instant::now();
                self.state.source.seconds = number;
            }
            Dynamic::Argv0 => self.state.name = value.to_vec(),
            _ => {}
        }
    }
}

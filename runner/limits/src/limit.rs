use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Unit;

/// What a limit is counted for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Per {
    /// One command.
    Command,
    /// One step.
    Step,
    /// All of a build.
    Build,
    /// All builds that share a state directory. A project has no say in these.
    Host,
}

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $per:ident, $unit:ident, $default:expr, $most:expr;)+) => {
        /// A limit.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
        pub enum Limit {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Limit {
            /// All of them, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name by which it is set.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// What it is counted for.
            pub fn per(self) -> Per {
                match self { $(Self::$name => Per::$per),+ }
            }

            /// What it is counted in.
            pub fn unit(self) -> Unit {
                match self { $(Self::$name => Unit::$unit),+ }
            }

            /// What holds where nobody says anything; `None` for no bound.
            pub fn default(self) -> Option<u64> {
                match self { $(Self::$name => $default),+ }
            }

            /// More than this cannot be set by anybody.
            pub fn most(self) -> u64 {
                match self { $(Self::$name => $most),+ }
            }

            /// What it is, in a line.
            pub fn about(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii()),+ }
            }
        }
    };
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const HOUR: u64 = 3600;
const NONE: u64 = u64::MAX;

limits! {
    /// linear memory of one command
    Memory = "memory", Command, Bytes, Some(GIB), 4 * GIB;
    /// elements of one command's tables
    Table = "table", Command, Count, Some(50_000), 10_000_000;
    /// stack of one command; the default is the most there is
    Stack = "stack", Command, Bytes, Some(MIB), MIB;
    /// files and directories that one command has open at once
    OpenFiles = "open-files", Command, Count, Some(1024), 65_536;
    /// how long one attempt at a step may take; its own `timeout` may be shorter
    StepTime = "step-time", Step, Time, Some(12 * HOUR), NONE;
    /// bytes that a step prints
    Output = "output", Step, Bytes, Some(GIB), NONE;
    /// commands and shells of a step that live at once
    Commands = "commands", Step, Count, Some(64), 256;
    /// bytes that a step writes to the volume; what it removes is not given back
    Written = "written", Step, Bytes, Some(16 * GIB), NONE;
    /// files, directories and links that a step makes; what it removes is not given back
    Entries = "entries", Step, Count, Some(1_000_000), NONE;
    /// memory of all commands of a build together
    BuildMemory = "build-memory", Build, Bytes, Some(2 * GIB), NONE;
    /// commands and shells of a build that live at once, each of which has a thread
    Threads = "threads", Build, Count, Some(512), 10_000;
    /// bytes that the steps of a build write outside of the volume
    Scratch = "scratch", Build, Bytes, Some(4 * GIB), NONE;
    /// how long a build may run; while it is stopped for an approval it does not
    BuildTime = "build-time", Build, Time, None, NONE;
    /// bytes that the git-clone steps of a build get from other hosts
    Clone = "clone", Build, Bytes, Some(8 * GIB), NONE;
    /// bytes that all steps of a build print
    Log = "log", Build, Bytes, Some(2 * GIB), NONE;
    /// processors that the steps of a build run on
    Cores = "cores", Build, Count, None, 4096;
    /// how far the steps of a build stand back behind other programs, from 0 to 19; the greater one holds
    Niceness = "niceness", Build, Count, Some(0), 19;
    /// bytes of all volumes in the store; a build that would make it larger is not saved
    Store = "store", Host, Bytes, None, NONE;
    /// bytes of what is kept for speed alone: of mirrors, of trees for the next build, of compiled modules, each
    Cache = "cache", Host, Bytes, Some(16 * GIB), NONE;
    /// builds that run at once
    Builds = "builds", Host, Count, None, 10_000;
}

impl Limit {
    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|limit| limit.name() == name)
    }

    /// The one whose name is nearest to what somebody wrote.
    pub(crate) fn like(name: &str) -> Option<Self> {
        let bare = |text: &str| text.replace(['-', '_'], "").to_lowercase();
        let wanted = bare(name);
        let same = |limit: &&Self| {
            let known = bare(limit.name());
            known == wanted || known.trim_end_matches('s') == wanted.trim_end_matches('s')
        };
        Self::ALL.iter().find(same).copied()
    }

    /// The least that can be set: with less nothing could run.
    pub fn least(self) -> u64 {
        match self {
            Self::Memory | Self::BuildMemory => 16 * MIB,
            Self::Stack => 64 * KIB,
            Self::OpenFiles => 8,
            Self::Commands | Self::Threads => 2,
            Self::StepTime | Self::BuildTime | Self::Cores | Self::Builds => 1,
            Self::Table => 1000,
            _ => 0,
        }
    }

    /// Whether `one` binds more than `other`.
    pub(crate) fn is_stricter(self, one: u64, other: u64) -> bool {
        if self == Self::Niceness { one > other } else { one < other }
    }

    /// Where nobody says anything.
    pub(crate) fn unset(self) -> u64 {
        self.default().unwrap_or(u64::MAX)
    }

    /// A value of it as people write it, such as `1 GiB`.
    pub fn show(self, value: u64) -> String {
        if value == u64::MAX { "none".to_owned() } else { self.unit().show(value) }
    }

    /// The reference of all limits: name, default, what it is, and what it is counted for.
    pub fn reference() -> String {
        let mut text = String::new();
        for limit in Self::ALL {
            let default = limit.show(limit.unset());
            let per = match limit.per() {
                Per::Command => "command",
                Per::Step => "step",
                Per::Build => "build",
                Per::Host => "host",
            };
            text.push_str(&format!("  {:<13} {:<9} {:<8} {}\n", limit.name(), default, per, limit.about()));
        }
        text
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

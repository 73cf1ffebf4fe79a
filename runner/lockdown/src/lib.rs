//! The second wall: what the kernel keeps a process from that touches foreign bytes.
//!
//! A process says which directories it needs ([`Lockdown::allow`]) and locks itself for good: files by Landlock
//! (`files`), calls by seccomp (`calls`), and it can no more be looked into, dumped or given rights by what it starts.
//! Whatever was opened before stays usable. A hole in the first wall (the sandbox, the shell, the archives) then still
//! does not reach the host. What the kernel lacks is told by the [`Wall`] that stands.

mod calls;
mod files;

use std::os::fd::{AsFd, BorrowedFd};

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// What is allowed below a directory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Files are read, directories listed.
    Read,
    /// Everything that a volume needs: files, directories and links are made, changed, renamed and removed; no devices,
    /// sockets or FIFOs are made, and nothing is executed.
    Write,
    /// Files are removed, and neither read nor made.
    RemoveFiles,
    /// Empty directories are removed.
    RemoveDirectories,
}

/// What cannot be locked. Nothing of it is cured by trying again.
#[derive(Debug, thiserror::Error)]
pub enum LockdownError {
    /// Threads that run already would not be locked.
    #[error("the process has {0} threads already")]
    Threads(usize),
    /// The kernel has Landlock and refuses these rules.
    #[error("cannot restrict files: {0}")]
    Files(#[from] landlock::RulesetError),
    /// The filter cannot be made for this processor, or the kernel refuses it.
    #[error("cannot restrict system calls: {0}")]
    Calls(String),
    /// The process cannot be made one that is not looked into.
    #[error("cannot forbid dumps: {0}")]
    Dumps(#[from] rustix::io::Errno),
}

/// What stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Wall {
    /// The version of Landlock's interface; `None` where the kernel has none that can be used.
    pub landlock: Option<u32>,
    /// Whether system calls are filtered.
    pub seccomp: bool,
}

/// A process that is about to lock itself.
#[derive(Default)]
pub struct Lockdown<'a> {
    rules: Vec<(BorrowedFd<'a>, Access)>,
    inspectable: bool,
}

impl<'a> Lockdown<'a> {
    /// Nothing is allowed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows something below a directory. Several allowances of one directory add up.
    #[must_use]
    pub fn allow(mut self, directory: &'a impl AsFd, access: Access) -> Self {
        self.rules.push((directory.as_fd(), access));
        self
    }

    /// Lets the process open its own `/proc/self/fd`, which it cannot where it may not be looked into.
    #[must_use]
    pub fn inspectable(mut self) -> Self {
        self.inspectable = true;
        self
    }

    /// Locks the whole process. It must have one thread: those that start later are locked from their first instruction.
    ///
    /// # Errors
    /// See [`LockdownError`]; what the kernel lacks is none.
    pub fn process(self) -> Result<Wall, LockdownError> {
        let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
        if threads > 1 {
            return Err(LockdownError::Threads(threads));
        }
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
        if !self.inspectable {
            set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        }
        let landlock = files::restrict(&self.rules)?;
        // Last: it forbids what the others need.
        let seccomp = calls::restrict()?;
        Ok(Wall { landlock, seccomp })
    }
}

impl Wall {
    /// What the kernel lacks, in words; nothing where all of the wall stands.
    pub fn missing(&self) -> Option<String> {
        let landlock = match self.landlock {
            None => Some("Landlock (Linux 5.19 and later, where it is switched on)"),
            // Before, files could be truncated by their path.
            Some(version) if version < 3 => Some("all of Landlock (Linux 6.2 and later)"),
            Some(_) => None,
        };
        let seccomp = (!self.seccomp).then_some("filters of system calls (seccomp)");
        let parts: Vec<&str> = landlock.into_iter().chain(seccomp).collect();
        (!parts.is_empty()).then(|| parts.join(" and "))
    }
}

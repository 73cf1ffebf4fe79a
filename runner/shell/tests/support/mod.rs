//! A shell in a world of its own: files in memory, programs that are closures.

#![allow(dead_code, clippy::unwrap_used, unreachable_pub, missing_docs, reason = "each test uses a part of it")]

pub mod programs;
pub mod table;
pub mod tree;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use programs::Programs;
use stepbox_shell::{FailedCommand, Limits, Mode, Shell, ShellConfig, ShellOptions, run_command_line};
use stepbox_system::{
    CancelToken, ExitStatus, FileKind, FileObject, Metadata, OpenFile, OpenOptions, ProcessTable, Signal, Vfs,
    VirtualPath,
};
use tree::Tree;

/// What the shell's threads have, and what its limits are made for.
pub const STACK: usize = 16 << 20;

/// How much of an output is kept: a script that writes without end is not to fill the memory.
const MAX_OUTPUT: usize = 64 << 20;

/// What a script printed and how it ended.
#[derive(Debug, Eq, PartialEq)]
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    pub status: u8,
}

/// A shell's command line and the world that it runs in: `/work`, with `PATH=/bin` and `HOME=/home`.
#[must_use = "a script does nothing until it is run"]
pub struct Script {
    arguments: Vec<Vec<u8>>,
    stdin: Vec<u8>,
    cancel: CancelToken,
    tree: Arc<Tree>,
    mode: Mode,
    limits: Limits,
}

impl Script {
    /// `sh -c SOURCE`.
    pub fn new(source: impl AsRef<[u8]>) -> Self {
        Self::command_line(&[b"-c", source.as_ref()])
    }

    /// `sh` with these words.
    pub fn command_line(words: &[&[u8]]) -> Self {
        let arguments = words.iter().map(|word| word.to_vec()).collect();
        let (cancel, tree) = (CancelToken::new(), Tree::new());
        Self { arguments, stdin: vec![], cancel, tree, mode: Mode::Sh, limits: Limits::default() }
    }

    /// As this shell reads it.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// With other bounds.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What is on standard input.
    pub fn stdin(mut self, data: impl AsRef<[u8]>) -> Self {
        self.stdin = data.as_ref().to_vec();
        self
    }

    pub fn file(self, path: &str, data: impl AsRef<[u8]>) -> Self {
        self.tree.file(path, data.as_ref(), 0o644);
        self
    }

    /// Ends when this token is cancelled.
    pub fn cancelled_by(mut self, cancel: &CancelToken) -> Self {
        self.cancel = cancel.child();
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Ran {
        self.with_shell(|arguments, config| (run_command_line(&arguments, config), None)).0
    }

    /// Runs a script of `new` as a step does, with `set -e` where `errexit` says so: the command that it failed with too.
    pub fn run_as_step(self, errexit: bool) -> (Ran, Option<FailedCommand>) {
        self.with_shell(move |arguments, mut config| {
            config.options.errexit = errexit;
            Shell::new(config).run_to_end(&arguments[1])
        })
    }

    fn with_shell(
        self,
        run: impl FnOnce(Vec<Vec<u8>>, ShellConfig) -> (ExitStatus, Option<FailedCommand>) + Send + 'static,
    ) -> (Ran, Option<FailedCommand>) {
        let table = ProcessTable::new(64);
        let process = table.start(0, &self.cancel).expect("the first process");
        let (stdout, stderr) = (Sink::default(), Sink::default());
        self.tree.file("/input", &self.stdin, 0o644);
        let input = self.tree.open(&VirtualPath::new("/input").unwrap(), &OpenOptions::reading()).unwrap();
        let files =
            BTreeMap::from([(0, input), (1, OpenFile::new(stdout.clone())), (2, OpenFile::new(stderr.clone()))]);
        let environment = [("PATH", "/bin"), ("HOME", "/home")];
        let config = ShellConfig {
            mode: self.mode,
            name: if self.mode == Mode::Bash { b"bash".to_vec() } else { b"sh".to_vec() },
            arguments: vec![],
            environment: environment.map(|(name, value)| (name.into(), value.into())).to_vec(),
            cwd: VirtualPath::new("/work").unwrap(),
            umask: 0o022,
            files,
            vfs: Arc::clone(&self.tree) as Arc<dyn Vfs>,
            spawner: Programs::new(Arc::clone(&self.tree), Arc::clone(&table)),
            process,
            limits: self.limits,
            options: ShellOptions::default(),
            depth: 0,
        };
        let arguments = self.arguments;
        let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || run(arguments, config));
        let (status, failed) = thread.expect("a thread").join().expect("the shell does not panic");
        // As the end of a step does it: whatever is left in the background ends, before the output is looked at.
        self.cancel.cancel(Signal::Kill);
        assert!(table.wait_until_empty(Duration::from_secs(120)), "a process does not end");
        (Ran { stdout: stdout.take(), stderr: stderr.take(), status: status.code() }, failed)
    }
}

/// Runs a script.
pub fn script(source: &str) -> Ran {
    Script::new(source).run()
}

/// Runs `sh` with these words; the token may be cancelled meanwhile.
pub fn sh(words: &[&[u8]], cancel: &CancelToken) -> Ran {
    Script::command_line(words).cancelled_by(cancel).run()
}

/// Collects what is written.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn take(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl FileObject for Sink {
    fn read(&self, _: &mut [u8], _: &CancelToken) -> io::Result<usize> {
        Err(io::Error::from_raw_os_error(9))
    }

    fn write(&self, bytes: &[u8], cancel: &CancelToken) -> io::Result<usize> {
        if cancel.is_cancelled() {
            return Err(io::Error::from_raw_os_error(4));
        }
        let mut data = self.0.lock().unwrap();
        if data.len() + bytes.len() > MAX_OUTPUT {
            return Err(io::Error::from_raw_os_error(28));
        }
        data.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(Metadata {
            kind: FileKind::Fifo,
            size: 0,
            mode: 0o600,
            links: 1,
            device: 0,
            inode: 0,
            modified: SystemTime::UNIX_EPOCH,
            accessed: SystemTime::UNIX_EPOCH,
        })
    }

    fn kind(&self) -> FileKind {
        FileKind::Fifo
    }
}

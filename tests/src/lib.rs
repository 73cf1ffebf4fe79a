//! A place to run the built program in: a home, a state directory and a project, all temporary.
//!
//! The program is the one that `cargo test --workspace` builds beside the tests.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

pub use processes::send;
pub use terminal::Terminal;

mod processes;
mod terminal;

/// What a run printed, and how it ended.
#[derive(Debug, Eq, PartialEq)]
#[must_use = "look at the status at least"]
pub struct Run {
    /// The exit status; -1 where a signal ended it.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error, with what changes from run to run replaced.
    pub stderr: String,
}

impl Run {
    /// Compares everything: status, standard output, standard error.
    ///
    /// # Panics
    /// Where one differs.
    #[track_caller]
    pub fn expect(&self, status: i32, stdout: &str, stderr: &str) {
        let shown = |status: i32, stdout: &str, stderr: &str| {
            format!("status: {status}\n--- stdout\n{stdout}--- stderr\n{stderr}---\n")
        };
        let (got, expected) = (shown(self.status, &self.stdout, &self.stderr), shown(status, stdout, stderr));
        assert!(got == expected, "expected:\n{expected}\ngot:\n{got}");
    }
}

/// The built program.
///
/// # Panics
/// Where it is not beside the tests.
pub fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("a test knows its own path");
    let program =
        tests.parent().and_then(Path::parent).map(|directory| directory.join("stepbox")).expect("two levels up");
    assert!(program.exists(), "the program is not built: run `cargo test --workspace`");
    #[cfg(feature = "holes")]
    let program = with_holes(&program);
    program
}

/// The program under the only name that it runs by where it has deliberate holes.
#[cfg(feature = "holes")]
fn with_holes(program: &Path) -> PathBuf {
    static NAMED: std::sync::OnceLock<(TempDir, PathBuf)> = std::sync::OnceLock::new();
    let named = NAMED.get_or_init(|| {
        let directory = tempfile::tempdir_in(program.parent().expect("a directory")).expect("a directory");
        let named = directory.path().join("stepbox-with-holes");
        fs::hard_link(program, &named).expect("a link");
        (directory, named)
    });
    named.1.clone()
}

/// A temporary place with a project in it.
pub struct Place {
    root: TempDir,
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// An empty project.
    ///
    /// # Panics
    /// Where no temporary directory can be had.
    pub fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        for name in ["home", "project", "state"] {
            fs::create_dir(root.path().join(name)).expect("a fresh directory");
        }
        Self { root }
    }

    /// A path of this place.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Every path below a directory, with the size of files. What vanishes meanwhile is left out.
    pub fn tree(&self, name: &str) -> BTreeMap<PathBuf, u64> {
        let (mut found, mut open) = (BTreeMap::new(), vec![self.path(name)]);
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
                let Ok(metadata) = entry.metadata() else { continue };
                if metadata.is_dir() {
                    open.push(entry.path());
                }
                found.insert(entry.path(), if metadata.is_file() { metadata.len() } else { 0 });
            }
        }
        found
    }

    /// Adds a file to the project.
    ///
    /// # Panics
    /// Where it cannot be written.
    #[must_use]
    pub fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        self.write(name, text);
        self
    }

    /// Writes a file of the project.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path("project").join(name);
        fs::create_dir_all(path.parent().expect("below the project")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    /// A pipeline of one freestyle step with these commands.
    #[must_use]
    pub fn commands(self, commands: &[&str]) -> Self {
        let mut text = "version: '1.0'\nsteps:\n  work:\n    image: alpine\n    commands:\n".to_owned();
        for command in commands {
            text.push_str("      - |-\n");
            for line in command.lines() {
                text.push_str(&format!("        {line}\n"));
            }
        }
        self.file("codefresh.yml", text)
    }

    /// The program with arguments, in the project, with nothing of the caller's environment.
    pub fn command<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).current_dir(self.path("project")).env_clear().stdin(Stdio::null());
        command.env("HOME", self.path("home")).env("STEPBOX_HOME", self.path("state"));
        // One cache for all tests of a run: the toolbox is unpacked once.
        let cache = program().parent().map(|directory| directory.join("test-cache")).expect("has a directory");
        command.env("XDG_CACHE_HOME", cache);
        command
    }

    /// Runs the program.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn run<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Run {
        self.finish(&mut self.command(arguments))
    }

    /// Runs a prepared command.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn finish(&self, command: &mut Command) -> Run {
        let output = command.output().expect("the program starts");
        self.result(&output)
    }

    /// Starts a prepared command without waiting for it.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start(&self, command: &mut Command) -> Child {
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    }

    /// What a command printed.
    pub fn result(&self, output: &Output) -> Run {
        Run {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: self.filter(&String::from_utf8_lossy(&output.stderr)),
        }
    }

    /// The same without what hangs on the names of the place: its path in standard output, and how large the files of a
    /// clone are.
    pub fn settled(&self, run: Run) -> Run {
        let place = fs::canonicalize(self.root.path()).unwrap_or_default().display().to_string();
        let lines = run.stderr.lines().filter(|line| !line.contains(" entries, ") && !line.contains(" entry, "));
        Run {
            stdout: run.stdout.replace(&place, "[PLACE]"),
            stderr: lines.map(|line| line.to_owned() + "\n").collect(),
            ..run
        }
    }

    /// Replaces what changes from run to run: the place, build ids, digests, times.
    fn filter(&self, text: &str) -> String {
        let place = fs::canonicalize(self.root.path()).unwrap_or_default();
        let text = text
            .replace(&place.display().to_string(), "[PLACE]")
            .replace(&self.root.path().display().to_string(), "[PLACE]");
        text.lines().map(|line| filter_line(line) + "\n").collect()
    }
}

fn filter_line(line: &str) -> String {
    let words = line.split(' ').map(|word| {
        let bare = word.trim_end_matches([':', ',', ')']);
        let rest = &word[bare.len()..];
        let hex = bare.strip_prefix("sha256:").unwrap_or(bare);
        if hex.len() >= 24 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return format!("[ID]{rest}");
        }
        word.to_owned()
    });
    let joined = words.collect::<Vec<_>>().join(" ");
    // `(0.1 s)` and columns of the table.
    let mut out = String::new();
    let mut rest = joined.as_str();
    while let Some(at) = rest.find(" s") {
        let number = rest[..at].bytes().rev().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let ends = rest[at + 2..].chars().next().is_none_or(|next| !next.is_alphanumeric());
        if number >= 3 && ends && rest[at - number..at].contains('.') {
            out.push_str(&rest[..at - number]);
            out.push('N');
        } else {
            out.push_str(&rest[..at]);
        }
        out.push_str(" s");
        rest = &rest[at + 2..];
    }
    out + rest
}

/// Flips a bit in the middle of a file.
///
/// # Panics
/// Where the file cannot be written anew.
pub fn damage(path: &Path) {
    let mut data = fs::read(path).expect("reads");
    let middle = data.len() / 2;
    data[middle] ^= 1;
    fs::remove_file(path).expect("removes");
    fs::write(path, data).expect("writes");
}

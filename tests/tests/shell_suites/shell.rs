use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use stepbox_tests::{Place, program};
use tempfile::TempDir;

/// How long one case may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Programs that suites bring in other languages, as scripts for the shell under test: `argv.py` and its like.
const HELPERS: [(&str, &str); 8] = [
    ("argv.py", include_str!("helpers/argv.py.sh")),
    ("printenv.py", include_str!("helpers/printenv.py.sh")),
    ("stdout_stderr.py", include_str!("helpers/stdout_stderr.py.sh")),
    ("read_from_fd.py", include_str!("helpers/read_from_fd.py.sh")),
    ("argv", include_str!("helpers/argv.sh")),
    ("fds", include_str!("helpers/fds.sh")),
    ("getenv", include_str!("helpers/getenv.sh")),
    ("readdir", include_str!("helpers/readdir.sh")),
];

/// The directory of the helpers inside the sandbox.
const HELPERS_INSIDE: &str = "/suite";

/// Which shell, and with it the native one that ours is measured beside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    Sh,
    Bash,
}

impl Mode {
    /// The native shell's name, which is also that under which suites know it.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Sh => "dash",
            Self::Bash => "bash",
        }
    }
}

/// A shell that cases are run by.
pub(crate) struct Shell {
    pub(crate) mode: Mode,
    /// The program, where it is a native one.
    native: Option<PathBuf>,
    helpers: TempDir,
}

/// What a case printed and how it ended; `None` where it took too long.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Ended {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) status: i32,
}

impl Shell {
    /// `stepbox sh`.
    pub(crate) fn ours(mode: Mode) -> Self {
        Self { mode, native: None, helpers: helpers() }
    }

    /// dash or bash, where this machine has it.
    pub(crate) fn native(mode: Mode) -> Option<Self> {
        let found = ["/bin", "/usr/bin", "/usr/local/bin"].map(|directory| Path::new(directory).join(mode.tag()));
        let native = found.into_iter().find(|path| path.exists())?;
        Some(Self { mode, native: Some(native), helpers: helpers() })
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.native.is_none()
    }

    /// The directory of the helpers as scripts see it.
    pub(crate) fn helpers(&self) -> String {
        if self.is_ours() { HELPERS_INSIDE.to_owned() } else { self.helpers.path().display().to_string() }
    }

    /// The command that runs the shell with arguments in the project of a place, with these variables, and with `seen`
    /// (a directory of this machine) where `at` says, inside.
    pub(crate) fn command<'a>(
        &self,
        place: &Place,
        variables: &[(&str, &str)],
        seen: Option<(&Path, &str)>,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Command {
        let arguments = arguments.into_iter().map(OsString::from);
        // The same places where this machine keeps its commands, so that both shells name the same files.
        let path = format!("{}:/usr/bin:/bin", self.helpers());
        let Some(native) = &self.native else {
            let mount = |host: &Path, guest: &str| {
                let mut text = host.as_os_str().to_owned();
                text.push("::");
                text.push(guest);
                text
            };
            let mut words: Vec<OsString> = vec!["sh".into()];
            words.extend((self.mode == Mode::Bash).then(|| "--bash".into()));
            let project = mount(&place.path("project"), "/codefresh/volume");
            words.extend(["--mount".into(), project]);
            words.extend(["--mount".into(), mount(self.helpers.path(), &format!("{HELPERS_INSIDE}:ro"))]);
            if let Some((host, guest)) = seen {
                words.extend(["--mount".into(), mount(host, &format!("{guest}:ro"))]);
            }
            for (name, value) in variables.iter().copied().chain([("PATH", path.as_str())]) {
                words.extend(["--env".into(), format!("{name}={value}").into()]);
            }
            words.push("--".into());
            return place.command(words.into_iter().chain(arguments));
        };
        let mut command = Command::new(native);
        command.args(arguments).current_dir(place.path("project")).env_clear();
        command.env("PATH", path).env("HOME", place.path("home")).envs(variables.iter().copied());
        command
    }

    /// A program that starts the shell as a native one is started: in whatever directory below `root` it is called, which
    /// it sees at the same place, with these variables of its caller.
    pub(crate) fn wrapper(&self, root: &Path, names: &[&str]) -> PathBuf {
        let path = self.helpers.path().join("testee");
        let shell = match &self.native {
            Some(native) => native.display().to_string(),
            None => {
                let names: String = names.iter().map(|name| format!(" --env {name}")).collect();
                let root = root.display();
                let cache = program().with_file_name("test-cache");
                format!(
                    "env XDG_CACHE_HOME={} {} sh --mount {root}::{root} -C \"$PWD\" --env TESTEE=/bin/sh{names} --",
                    cache.display(),
                    program().display()
                )
            }
        };
        let seconds = PATIENCE.as_secs();
        let text = format!("#!/bin/sh\nexec timeout --foreground -k 1 {seconds} {shell} \"$@\"\n");
        write_program(&path, &text);
        path
    }
}

/// Runs a command with its output in files of the place, so that what it leaves in the background holds nothing up.
pub(crate) fn run(place: &Place, mut command: Command, stdin: &[u8]) -> Option<Ended> {
    let file = |name: &str| place.path(name);
    fs::write(file("stdin"), stdin).expect("a file");
    command.stdin(File::open(file("stdin")).expect("it was written"));
    command.stdout(Stdio::from(File::create(file("stdout")).expect("a file")));
    command.stderr(Stdio::from(File::create(file("stderr")).expect("a file")));
    let mut child = command.process_group(0).spawn().expect("the shell starts");
    let group = Pid::from_child(&child);
    let (sender, receiver) = channel();
    let waiting = std::thread::spawn(move || {
        let status = child.wait().expect("it is ours");
        // The receiver has gone where it took too long.
        let _ = sender.send(status);
    });
    let ended = receiver.recv_timeout(PATIENCE);
    // What it has left in the background goes too.
    let _ = kill_process_group(group, Signal::KILL);
    waiting.join().expect("it waits");
    let status = match ended {
        Ok(status) => status,
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
    };
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    Some(Ended {
        stdout: fs::read(file("stdout")).unwrap_or_default(),
        stderr: fs::read(file("stderr")).unwrap_or_default(),
        status: status.code().or(signal.map(|signal| 128 + signal)).unwrap_or(-1),
    })
}

fn helpers() -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in HELPERS {
        write_program(&directory.path().join(name), text);
    }
    directory
}

/// Writes a file that can be executed.
pub(crate) fn write_program(path: &Path, text: impl AsRef<[u8]>) {
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
}

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use stepbox_shell::{Mode, ShellConfig, ShellOptions, run_command_line};
use stepbox_system::{
    Access, CancelToken, ExitStatus, FileKind, OpenOptions, ProcessTable, Program, Resolution, SpawnRequest, Spawner,
    Vfs, VirtualPath,
};

use crate::commands::HostCommand;

/// Where a command is looked for when no `PATH` says so.
pub(crate) const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The stack of every thread that evaluates a shell (DESIGN 3.13), in bytes.
pub(crate) const STACK: usize = 16 << 20;

/// How many programs may stand in a chain of programs that start programs.
const MAX_DEPTH: u32 = 64;

/// How much of a script's first line is looked at, in bytes (as Linux does).
const MAX_INTERPRETER_LINE: usize = 256;

/// How many scripts may be read by scripts that are read by scripts (as in Linux).
const MAX_INTERPRETERS: usize = 5;

/// How far a file without a `#!` line is searched for a NUL, which no text has, in bytes (as bash does).
const TEXT_SAMPLE: usize = 80;

/// The directories in which the image's commands stand.
const COMMAND_DIRECTORIES: [&[u8]; 6] =
    [b"/usr/local/sbin", b"/usr/local/bin", b"/usr/sbin", b"/usr/bin", b"/sbin", b"/bin"];

/// Tokens of programs that are ours and not the image's have this bit.
const OURS: u64 = 1 << 63;
const SHELL_SH: u64 = OURS;
const SHELL_BASH: u64 = OURS | 1;
const SCRIPT: u64 = OURS | 2;
const HOST_COMMAND: u64 = OURS | 0x100;

/// What a step's shell can start: the image's commands, shells, scripts, and the commands that start others.
pub(crate) struct Programs {
    image: Arc<dyn Spawner>,
    vfs: Arc<dyn Vfs>,
    processes: Arc<ProcessTable>,
    masked: Arc<Mutex<BTreeSet<Vec<u8>>>>,
}

impl Programs {
    pub(crate) fn new(image: Arc<dyn Spawner>, vfs: Arc<dyn Vfs>, processes: Arc<ProcessTable>) -> Arc<Self> {
        Arc::new(Self { image, vfs, processes, masked: Arc::default() })
    }

    /// For commands that start others. They do not own it: it owns them.
    pub(crate) fn as_spawner(self: &Arc<Self>) -> Weak<dyn Spawner> {
        let weak: Weak<Self> = Arc::downgrade(self);
        weak
    }

    pub(crate) fn vfs(&self) -> &Arc<dyn Vfs> {
        &self.vfs
    }

    /// Remembers names whose values are to be masked.
    pub(crate) fn mask(&self, names: Vec<Vec<u8>>) {
        self.masked.lock().unwrap_or_else(PoisonError::into_inner).extend(names);
    }

    /// The names given to [`Programs::mask`].
    pub(crate) fn masked(&self) -> Vec<Vec<u8>> {
        self.masked.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Finds and runs `request.argv[0]` as `execvp` would; `complain` says why it cannot.
    pub(crate) fn start(&self, request: SpawnRequest, complain: &dyn Fn(&str)) -> ExitStatus {
        let Some(name) = request.argv.first().cloned() else { return ExitStatus::NOT_FOUND };
        let shown = String::from_utf8_lossy(&name).into_owned();
        let path =
            request.env.iter().find(|(name, _)| name == b"PATH").map_or(DEFAULT_PATH.to_vec(), |(_, v)| v.clone());
        match self.resolve(&name, &path, &request.cwd) {
            Resolution::Found(program) => self.run(&program, request),
            Resolution::NotFound(hint) => {
                complain(&format!("'{shown}': No such file or directory"));
                if let Some(hint) = hint {
                    complain(&format!("hint: {hint}"));
                }
                ExitStatus::NOT_FOUND
            }
            Resolution::NotExecutable(_, reason) => {
                complain(&format!("'{shown}': {reason}"));
                ExitStatus::NOT_EXECUTABLE
            }
        }
    }

    /// One of our commands, where `path` is its place in the virtual tree.
    fn own(&self, path: &VirtualPath) -> Option<u64> {
        let name = path.file_name()?;
        if !COMMAND_DIRECTORIES.contains(&path.parent().as_bytes()) {
            return None;
        }
        match name {
            b"sh" | b"ash" | b"dash" => Some(SHELL_SH),
            b"bash" => Some(SHELL_BASH),
            _ => {
                let at = HostCommand::ALL.iter().position(|(known, _)| known.as_bytes() == name)?;
                Some(HOST_COMMAND | at as u64)
            }
        }
    }

    /// What stands at a path: ours, the image's, or a file.
    fn at(&self, path: &VirtualPath) -> Resolution {
        let path = path.normalized();
        if let Some(token) = self.own(&path) {
            return Resolution::Found(Program { path, token });
        }
        if COMMAND_DIRECTORIES.contains(&path.parent().as_bytes())
            && let found @ Resolution::Found(_) = self.image.resolve(path.as_bytes(), b"", &path)
        {
            return found;
        }
        let Ok(metadata) = self.vfs.metadata(&path, true) else { return Resolution::NotFound(None) };
        match metadata.kind {
            FileKind::Directory => Resolution::NotExecutable(path, "Is a directory".to_owned()),
            FileKind::File if self.vfs.access(&path, Access::Execute) => self.file(path),
            _ => Resolution::NotExecutable(path, "Permission denied".to_owned()),
        }
    }

    /// An executable file: a script, or something that cannot run here.
    fn file(&self, path: VirtualPath) -> Resolution {
        let mut head = [0; TEXT_SAMPLE];
        let read = self.vfs.open(&path, &OpenOptions::reading()).and_then(|f| f.read(&mut head, &CancelToken::new()));
        let head = match read {
            Ok(count) => &head[..count],
            Err(error) => return Resolution::NotExecutable(path, stepbox_system::error_text(&error)),
        };
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let reason = if head.starts_with(b"\0asm") {
            "running a wasm file of the volume is not supported yet"
        } else if head.starts_with(b"\x7fELF") {
            "a program for Linux; only scripts and the commands of the image run here"
        } else if line.contains(&0) {
            "Exec format error"
        } else {
            return Resolution::Found(Program { path, token: SCRIPT });
        };
        Resolution::NotExecutable(path, reason.to_owned())
    }

    fn shell(&self, mode: Mode, request: SpawnRequest) -> ExitStatus {
        let process = match self.processes.start(request.process, &request.cancel) {
            Ok(process) => process,
            Err(error) => return refuse(&request, &error.to_string()),
        };
        let arguments: Vec<_> = request.argv.iter().skip(1).cloned().collect();
        let config = ShellConfig {
            mode,
            name: request.argv.first().cloned().unwrap_or_default(),
            arguments: vec![],
            environment: request.env.clone(),
            cwd: request.cwd.clone(),
            umask: request.umask,
            files: request.files.clone(),
            vfs: Arc::clone(&self.vfs),
            spawner: self.handle(),
            process,
            limits: stepbox_shell::Limits::default(),
            options: ShellOptions::default(),
            depth: request.depth + 1,
        };
        // A thread of its own: shells that start shells must not share one stack.
        let thread = std::thread::Builder::new()
            .name("shell".to_owned())
            .stack_size(STACK)
            .spawn(move || run_command_line(&arguments, config));
        match thread.map(std::thread::JoinHandle::join) {
            Ok(Ok(status)) => status,
            Ok(Err(_)) => refuse(&request, "the shell failed inside"),
            Err(error) => refuse(&request, &format!("cannot start a thread: {error}")),
        }
    }

    /// Itself, to be shared with a shell.
    fn handle(&self) -> Arc<dyn Spawner> {
        Arc::new(Self {
            image: Arc::clone(&self.image),
            vfs: Arc::clone(&self.vfs),
            processes: Arc::clone(&self.processes),
            masked: Arc::clone(&self.masked),
        })
    }

    /// A script: its first line says who reads it, which may be a script too, else `sh` does (POSIX XCU 2.9.1.4).
    fn script(&self, path: &VirtualPath, mut request: SpawnRequest) -> ExitStatus {
        // As whoever started it names it, which `$0` shows; the whole path where `PATH` led to it.
        let named = request.argv.first().filter(|name| {
            name.contains(&b'/') && request.cwd.join(name).is_ok_and(|named| named.normalized() == *path)
        });
        let mut script = named.cloned().unwrap_or_else(|| path.as_bytes().to_vec());
        let mut at = path.clone();
        for _ in 0..MAX_INTERPRETERS {
            let mut argv = match self.interpreter(&at, &request.cancel) {
                Ok(argv) => argv,
                Err(error) => return refuse(&request, &format!("{at}: {}", stepbox_system::error_text(&error))),
            };
            let interpreter = argv[0].clone();
            let shown =
                (String::from_utf8_lossy(&script).into_owned(), String::from_utf8_lossy(&interpreter).into_owned());
            argv.push(script);
            argv.extend(request.argv.drain(..).skip(1));
            request.argv = argv;
            match request.cwd.join(&interpreter).map(|path| self.at(&path)) {
                Ok(Resolution::Found(Program { path, token: SCRIPT })) => (at, script) = (path, interpreter),
                Ok(Resolution::Found(program)) => {
                    request.depth += 1;
                    return self.run(&program, request);
                }
                Ok(Resolution::NotExecutable(_, reason)) => {
                    return refuse(&request, &format!("{}: {}: bad interpreter: {reason}", shown.0, shown.1));
                }
                _ => {
                    let why = "bad interpreter: the image does not provide it";
                    write_error(&request, &format!("{}: {}: {why}", shown.0, shown.1));
                    return ExitStatus::NOT_FOUND;
                }
            }
        }
        refuse(&request, &format!("{path}: more than {MAX_INTERPRETERS} scripts are read by one another"))
    }

    /// What reads a script: a path, and an argument where its first line has one.
    fn interpreter(&self, script: &VirtualPath, cancel: &CancelToken) -> io::Result<Vec<Vec<u8>>> {
        let mut head = [0; MAX_INTERPRETER_LINE];
        let count = self.vfs.open(script, &OpenOptions::reading())?.read(&mut head, cancel)?;
        let line = head[..count].strip_prefix(b"#!").and_then(|rest| rest.split(|byte| *byte == b'\n').next());
        let words = line.unwrap_or_default().trim_ascii().splitn(2, |byte| matches!(byte, b' ' | b'\t'));
        let argv: Vec<_> = words.map(|word| word.trim_ascii().to_vec()).filter(|word| !word.is_empty()).collect();
        Ok(if argv.is_empty() { vec![b"/bin/sh".to_vec()] } else { argv })
    }
}

/// Says on the program's standard error why it does not start: status 126.
fn refuse(request: &SpawnRequest, message: &str) -> ExitStatus {
    write_error(request, message);
    ExitStatus::NOT_EXECUTABLE
}

fn write_error(request: &SpawnRequest, message: &str) {
    if let Some(err) = request.files.get(&2) {
        // Nobody is left to tell where standard error fails.
        let _ = err.write_all(format!("stepbox: {message}\n").as_bytes(), &request.cancel);
    }
}

impl Spawner for Programs {
    fn resolve(&self, name: &[u8], search_path: &[u8], cwd: &VirtualPath) -> Resolution {
        if name.is_empty() {
            return Resolution::NotFound(None);
        }
        if name.contains(&b'/') {
            return cwd.join(name).map_or(Resolution::NotFound(None), |path| self.at(&path));
        }
        let mut refused = None;
        for directory in search_path.split(|byte| *byte == b':') {
            // An empty entry is the working directory (POSIX XBD 8.3).
            let Ok(path) = cwd.join(directory).and_then(|directory| directory.join(name)) else { continue };
            match self.at(&path) {
                found @ Resolution::Found(_) => return found,
                Resolution::NotExecutable(path, reason) if reason != "Is a directory" => {
                    refused.get_or_insert(Resolution::NotExecutable(path, reason));
                }
                _ => {}
            }
        }
        refused.unwrap_or_else(|| {
            let shown = String::from_utf8_lossy(name);
            Resolution::NotFound(Some(format!("`{shown}` is not part of the toolbox and not on the volume")))
        })
    }

    fn run(&self, program: &Program, request: SpawnRequest) -> ExitStatus {
        if request.depth > MAX_DEPTH {
            return refuse(&request, &format!("more than {MAX_DEPTH} programs stand above this one"));
        }
        match program.token {
            SHELL_SH => self.shell(Mode::Sh, request),
            SHELL_BASH => self.shell(Mode::Bash, request),
            SCRIPT => self.script(&program.path, request),
            token if token & HOST_COMMAND == HOST_COMMAND => match HostCommand::ALL.get((token & 0xff) as usize) {
                Some((_, command)) => command.run(self, request),
                None => ExitStatus::NOT_FOUND,
            },
            _ => self.image.run(program, request),
        }
    }
}

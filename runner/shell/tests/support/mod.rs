//! A machine for the shell's tests: files in memory, and a few programs.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use stepbox_shell::{Limits, Mode, ShellConfig, ShellOptions, run_command_line};
use stepbox_system::{
    Access, CancelToken, DirEntry, ExitStatus, FileKind, FileObject, Metadata, NullFile, OpenFile, OpenOptions,
    ProcessTable, Program, Resolution, Signal, SpawnRequest, Spawner, Vfs, VirtualPath,
};

/// A file in memory; clones are the same file.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    pub(crate) fn contents(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An open descriptor on it, with an offset of its own.
struct Open(Memory, Mutex<usize>, bool);

impl FileObject for Open {
    fn read(&self, buffer: &mut [u8], _: &CancelToken) -> io::Result<usize> {
        let data = self.0.contents();
        let mut offset = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = data.get(*offset..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        *offset += count;
        Ok(count)
    }

    fn write(&self, text: &[u8], cancel: &CancelToken) -> io::Result<usize> {
        if cancel.is_cancelled() {
            return Err(io::Error::from_raw_os_error(4));
        }
        let mut data = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut offset = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        let at = if self.2 { data.len() } else { *offset };
        if data.len() < at + text.len() {
            data.resize(at + text.len(), 0);
        }
        data[at..at + text.len()].copy_from_slice(text);
        *offset = at + text.len();
        Ok(text.len())
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(metadata(FileKind::File, self.0.contents().len()))
    }

    fn kind(&self) -> FileKind {
        FileKind::File
    }
}

fn metadata(kind: FileKind, size: usize) -> Metadata {
    let mode = if kind == FileKind::Directory { 0o755 } else { 0o644 };
    let time = SystemTime::UNIX_EPOCH;
    Metadata { kind, size: size as u64, mode, links: 1, device: 1, inode: 1, modified: time, accessed: time }
}

/// Files by their normalized paths; directories are `None`.
#[derive(Default)]
pub(crate) struct Tree(Mutex<BTreeMap<Vec<u8>, Option<Memory>>>);

fn missing() -> io::Error {
    io::Error::from_raw_os_error(2)
}

impl Tree {
    pub(crate) fn new() -> Arc<Self> {
        let tree = Self::default();
        for directory in ["/", "/tmp", "/work", "/dev"] {
            tree.0.lock().expect("fresh").insert(directory.into(), None);
        }
        Arc::new(tree)
    }

    fn get(&self, path: &VirtualPath) -> Option<Option<Memory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path.normalized().as_bytes()).cloned()
    }
}

impl Vfs for Tree {
    fn open(&self, path: &VirtualPath, options: &OpenOptions) -> io::Result<OpenFile> {
        if path.as_bytes() == b"/dev/null" {
            return Ok(OpenFile::new(NullFile));
        }
        let file = match self.get(path) {
            Some(None) if options.write => return Err(io::Error::from_raw_os_error(21)),
            Some(None) => Memory::default(),
            Some(Some(_)) if options.create_new => return Err(io::Error::from_raw_os_error(17)),
            Some(Some(file)) => file,
            None if options.create || options.create_new => {
                if self.get(&path.parent()) != Some(None) {
                    return Err(missing());
                }
                let file = Memory::default();
                self.0.lock().expect("no panic").insert(path.normalized().as_bytes().to_vec(), Some(file.clone()));
                file
            }
            None => return Err(missing()),
        };
        if options.truncate {
            file.0.lock().expect("no panic").clear();
        }
        Ok(OpenFile::new(Open(file, Mutex::new(0), options.append)))
    }

    fn metadata(&self, path: &VirtualPath, _: bool) -> io::Result<Metadata> {
        if path.as_bytes() == b"/dev/null" {
            return Ok(metadata(FileKind::CharacterDevice, 0));
        }
        match self.get(path).ok_or_else(missing)? {
            None => Ok(metadata(FileKind::Directory, 0)),
            Some(file) => Ok(metadata(FileKind::File, file.contents().len())),
        }
    }

    fn read_dir(&self, path: &VirtualPath) -> io::Result<Vec<DirEntry>> {
        let base = path.normalized();
        let tree = self.0.lock().expect("no panic");
        if tree.get(base.as_bytes()) != Some(&None) {
            return Err(io::Error::from_raw_os_error(20));
        }
        let entries = tree.iter().filter_map(|(path, file)| {
            let path = VirtualPath::new(path.clone()).ok()?;
            let name = path.strip_prefix(&base)?.to_vec();
            let kind = if file.is_none() { FileKind::Directory } else { FileKind::File };
            (!name.is_empty() && !name.contains(&b'/')).then_some(DirEntry { name, kind })
        });
        Ok(entries.collect())
    }

    fn read_link(&self, _: &VirtualPath) -> io::Result<Vec<u8>> {
        Err(io::Error::from_raw_os_error(22))
    }

    fn canonicalize(&self, path: &VirtualPath) -> io::Result<VirtualPath> {
        self.get(path).ok_or_else(missing).map(|_| path.normalized())
    }

    fn access(&self, path: &VirtualPath, access: Access) -> bool {
        match self.get(path) {
            Some(None) => true,
            Some(Some(_)) => access != Access::Execute,
            None => false,
        }
    }
}

impl PartialEq for Memory {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The programs under `/bin`.
const PROGRAMS: [&str; 7] = ["cat", "env", "false", "mkdir", "sh", "true", "yes"];

struct Programs {
    tree: Arc<Tree>,
    processes: Arc<ProcessTable>,
}

impl Spawner for Programs {
    fn resolve(&self, name: &[u8], search_path: &[u8], cwd: &VirtualPath) -> Resolution {
        let at = |path: VirtualPath| {
            let path = path.normalized();
            let bare = path.as_bytes().strip_prefix(b"/bin/").map(<[u8]>::to_vec);
            let found = bare.and_then(|bare| PROGRAMS.iter().position(|known| known.as_bytes() == bare));
            found.map(|token| Resolution::Found(Program { path, token: token as u64 }))
        };
        if name.contains(&b'/') {
            let path = cwd.join(name).expect("no NUL");
            let exists = self.tree.get(&path).is_some();
            return at(path.clone()).unwrap_or(if exists {
                Resolution::NotExecutable(path, "Permission denied".to_owned())
            } else {
                Resolution::NotFound(None)
            });
        }
        let directories = search_path.split(|byte| *byte == b':');
        directories.filter_map(|d| cwd.join(d).ok()?.join(name).ok()).find_map(at).unwrap_or(Resolution::NotFound(None))
    }

    fn run(&self, program: &Program, request: SpawnRequest) -> ExitStatus {
        let print = |text: &[u8]| match request.files.get(&1).map(|file| file.write_all(text, &request.cancel)) {
            Some(Ok(())) => ExitStatus::SUCCESS,
            _ => ExitStatus::of_signal(Signal::Pipe),
        };
        match PROGRAMS[program.token as usize] {
            "true" => ExitStatus::SUCCESS,
            "yes" => loop {
                let status = print(b"y\n");
                if !status.is_success() {
                    return status;
                }
            },
            "mkdir" => {
                for name in &request.argv[1..] {
                    let path = request.cwd.join(name).expect("no NUL").normalized();
                    self.tree.0.lock().expect("no panic").insert(path.as_bytes().to_vec(), None);
                }
                ExitStatus::SUCCESS
            }
            "env" => {
                let lines: Vec<_> =
                    request.env.iter().map(|(name, value)| [&name[..], b"=", value, b"\n"].concat()).collect();
                print(&lines.concat())
            }
            "cat" => {
                let mut inputs = vec![];
                for name in &request.argv[1..] {
                    let path = request.cwd.join(name).expect("no NUL");
                    match self.tree.open(&path, &OpenOptions::reading()) {
                        Ok(file) => inputs.push(file),
                        Err(_) => return ExitStatus::FAILURE,
                    }
                }
                if request.argv.len() == 1 {
                    inputs.extend(request.files.get(&0).cloned());
                }
                for input in inputs {
                    let mut buffer = vec![0; 4096];
                    loop {
                        match input.read(&mut buffer, &request.cancel) {
                            Ok(0) => break,
                            Ok(count) => {
                                let status = print(&buffer[..count]);
                                if !status.is_success() {
                                    return status;
                                }
                            }
                            Err(_) => return ExitStatus::FAILURE,
                        }
                    }
                }
                ExitStatus::SUCCESS
            }
            "sh" => {
                let Ok(process) = self.processes.start(request.process, &request.cancel) else {
                    return ExitStatus::NOT_EXECUTABLE;
                };
                let arguments = request.argv[1..].to_vec();
                let config = ShellConfig {
                    mode: Mode::Sh,
                    name: b"sh".to_vec(),
                    arguments: vec![],
                    environment: request.env,
                    cwd: request.cwd,
                    umask: request.umask,
                    files: request.files,
                    vfs: self.tree.clone(),
                    spawner: Arc::new(Self { tree: Arc::clone(&self.tree), processes: Arc::clone(&self.processes) }),
                    process,
                    limits: Limits::default(),
                    options: ShellOptions::default(),
                    depth: request.depth + 1,
                };
                on_big_stack(move || run_command_line(&arguments, config))
            }
            _ => ExitStatus::FAILURE,
        }
    }
}

fn on_big_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(16 << 20).spawn(work).expect("a thread");
    thread.join().expect("the shell does not panic")
}

/// What a script did.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: u8,
}

/// Runs `sh` with arguments in `/work`; the token may be cancelled meanwhile.
pub(crate) fn sh(arguments: &[&[u8]], cancel: &CancelToken) -> Ran {
    let (tree, processes) = (Tree::new(), ProcessTable::new(64));
    let (out, err) = (Memory::default(), Memory::default());
    let open = |memory: &Memory| OpenFile::new(Open(memory.clone(), Mutex::new(0), true));
    let files = BTreeMap::from([(0, OpenFile::null()), (1, open(&out)), (2, open(&err))]);
    let everything = cancel.child();
    let process = processes.start(0, &everything).expect("room");
    let config = ShellConfig {
        mode: Mode::Sh,
        name: b"sh".to_vec(),
        arguments: vec![],
        environment: vec![(b"PATH".to_vec(), b"/bin".to_vec()), (b"HOME".to_vec(), b"/work".to_vec())],
        cwd: VirtualPath::new("/work").expect("a path"),
        umask: 0o022,
        files,
        vfs: tree.clone(),
        spawner: Arc::new(Programs { tree, processes: Arc::clone(&processes) }),
        process,
        limits: Limits::default(),
        options: ShellOptions::default(),
        depth: 0,
    };
    let arguments: Vec<Vec<u8>> = arguments.iter().map(|argument| argument.to_vec()).collect();
    let status = on_big_stack(move || run_command_line(&arguments, config)).code();
    // As the end of a step does it: whatever is left in the background ends.
    everything.cancel(Signal::Kill);
    assert!(processes.wait_until_empty(Duration::from_secs(60)), "processes are left");
    let text = |memory: &Memory| String::from_utf8_lossy(&memory.contents()).into_owned();
    Ran { stdout: text(&out), stderr: text(&err), status }
}

/// Runs a script.
pub(crate) fn script(text: &str) -> Ran {
    sh(&[b"-c", text.as_bytes()], &CancelToken::new())
}

//! A sandbox whose image is one small module.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use stepbox_sandbox::{Commands, FileTree, Image, Limits, Mount, Profile, Quota, Sandbox};
use stepbox_system::{CancelToken, ExitStatus, OpenFile, Resolution, SpawnRequest, Spawner, VirtualPath, pipe};

/// A module with the imports that the tests need, and one page of memory.
pub(crate) fn module(body: &str) -> String {
    let mut text = "(module\n".to_owned();
    for (name, parameters) in [
        ("args_get", "i32 i32"),
        ("args_sizes_get", "i32 i32"),
        ("clock_res_get", "i32 i32"),
        ("clock_time_get", "i32 i64 i32"),
        ("environ_get", "i32 i32"),
        ("environ_sizes_get", "i32 i32"),
        ("fd_advise", "i32 i64 i64 i32"),
        ("fd_allocate", "i32 i64 i64"),
        ("fd_close", "i32"),
        ("fd_fdstat_get", "i32 i32"),
        ("fd_fdstat_set_flags", "i32 i32"),
        ("fd_filestat_get", "i32 i32"),
        ("fd_filestat_set_size", "i32 i64"),
        ("fd_pread", "i32 i32 i32 i64 i32"),
        ("fd_prestat_dir_name", "i32 i32 i32"),
        ("fd_prestat_get", "i32 i32"),
        ("fd_pwrite", "i32 i32 i32 i64 i32"),
        ("fd_readdir", "i32 i32 i32 i64 i32"),
        ("fd_renumber", "i32 i32"),
        ("fd_seek", "i32 i64 i32 i32"),
        ("fd_read", "i32 i32 i32 i32"),
        ("fd_write", "i32 i32 i32 i32"),
        ("path_create_directory", "i32 i32 i32"),
        ("path_filestat_get", "i32 i32 i32 i32 i32"),
        ("path_filestat_set_times", "i32 i32 i32 i32 i64 i64 i32"),
        ("path_link", "i32 i32 i32 i32 i32 i32 i32"),
        ("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32"),
        ("path_readlink", "i32 i32 i32 i32 i32 i32"),
        ("path_remove_directory", "i32 i32 i32"),
        ("path_rename", "i32 i32 i32 i32 i32 i32"),
        ("path_symlink", "i32 i32 i32 i32 i32"),
        ("path_unlink_file", "i32 i32 i32"),
        ("poll_oneoff", "i32 i32 i32 i32"),
        ("random_get", "i32 i32"),
    ] {
        text.push_str(&format!(
            "(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} (param {parameters}) (result i32)))\n"
        ));
    }
    text + "(import \"wasi_snapshot_preview1\" \"proc_exit\" (func $proc_exit (param i32)))\n\
            (memory (export \"memory\") 1)\n"
        + body
        + ")"
}

/// How a command ended and what it wrote.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn new(status: u8, stdout: &str, stderr: &str) -> Self {
        Self { status: ExitStatus::new(status), stdout: stdout.into(), stderr: stderr.into() }
    }
}

/// A sandbox with a root, a volume and one command, `tool`.
pub(crate) struct Bench {
    directory: tempfile::TempDir,
    tree: Arc<FileTree>,
    commands: Arc<Commands>,
}

impl Bench {
    pub(crate) fn new(text: &str) -> Self {
        Self::with(text, Limits::default())
    }

    pub(crate) fn with(text: &str, limits: Limits) -> Self {
        Self::of_bytes(wat::parse_str(text).expect("a module"), limits)
    }

    /// With these bytes as the module.
    pub(crate) fn of_bytes(bytes: Vec<u8>, limits: Limits) -> Self {
        Self::make(bytes, limits, false, Quota::default())
    }

    /// With a directory `/fixed` that cannot be written.
    pub(crate) fn with_fixed(text: &str) -> Self {
        Self::make(wat::parse_str(text).expect("a module"), Limits::default(), true, Quota::default())
    }

    /// With so much that may be added to the volume.
    pub(crate) fn with_quota(text: &str, quota: Quota) -> Self {
        Self::make(wat::parse_str(text).expect("a module"), Limits::default(), false, quota)
    }

    fn make(bytes: Vec<u8>, limits: Limits, fixed: bool, quota: Quota) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let open = |name: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir(&path).expect("makes");
            Dir::open_ambient_dir(path, ambient_authority()).expect("opens")
        };
        // No compiled code: it is compiled when it is first used.
        let compiled = tempfile::tempfile().expect("a file");
        let image = Image::new(move || Ok(compiled), move || Ok(bytes.clone()), ["tool"]);
        let sandbox = Sandbox::new(image, limits);
        let at = VirtualPath::new("/fixed").expect("a path");
        let others = fixed
            .then(|| Mount { at, directory: open("fixed"), writable: false, quota: Quota::default() })
            .into_iter()
            .collect();
        let tree =
            sandbox.tree((open("root"), Quota::default()), (open("volume"), quota), others, vec![]).expect("a tree");
        let commands = sandbox.commands(Arc::clone(&tree), Profile::Step);
        Self { directory, tree, commands }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn tree(&self) -> &FileTree {
        &self.tree
    }

    pub(crate) fn commands(&self) -> Arc<Commands> {
        Arc::clone(&self.commands)
    }

    pub(crate) fn modules(&self) -> u64 {
        self.commands.modules()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, |_| {})
    }

    /// Runs the command, with a request that is changed before.
    pub(crate) fn run_with(&self, arguments: &[&str], change: impl FnOnce(&mut SpawnRequest)) -> Ended {
        let cwd = VirtualPath::new("/codefresh/volume").expect("a path");
        let Resolution::Found(program) = self.commands.resolve(b"tool", b"/bin", &cwd) else {
            panic!("the command is there")
        };
        let (stdout, out) = pipe();
        let (stderr, err) = pipe();
        let argv = std::iter::once("tool").chain(arguments.iter().copied()).map(|word| word.as_bytes().to_vec());
        let mut request = SpawnRequest {
            argv: argv.collect(),
            env: vec![],
            cwd,
            umask: 0o022,
            files: BTreeMap::from([(0, OpenFile::null()), (1, OpenFile::new(out)), (2, OpenFile::new(err))]),
            cancel: CancelToken::new(),
            process: 1,
            depth: 0,
        };
        change(&mut request);
        let reading = |file: OpenFile| {
            std::thread::spawn(move || {
                let bytes = file.read_to_end(16 << 20, &CancelToken::new()).expect("reads");
                String::from_utf8(bytes).expect("text")
            })
        };
        let (stdout, stderr) = (reading(OpenFile::new(stdout)), reading(OpenFile::new(stderr)));
        let status = self.commands.run(&program, request);
        Ended { status, stdout: stdout.join().expect("ends"), stderr: stderr.join().expect("ends") }
    }
}

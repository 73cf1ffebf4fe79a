//! One step: its private tree, its descriptors, its shell, and what it leaves.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::Duration;

use cap_std::fs::{Dir, OpenOptions as HostOpenOptions};
use rustix::fs::OFlags;
use stepbox_builtin::Compiled;
use stepbox_limits::{Budget, Limit, Limits, Setting};
use stepbox_protocol::{
    CustomMount, Event, FailedCommand, OutputStream, ShellKind, StepEnd, StepReport, StepRequest, Work,
};
use stepbox_sandbox::{Commands, FileMount, Image, Mount, Profile, Quota, Sandbox};
use stepbox_shell::{Mode, Shell, ShellConfig, ShellOptions};
use stepbox_system::{
    CancelToken, ExitStatus, OpenFile, Process, ProcessTable, Signal, SpawnRequest, Spawner, Vfs, VirtualPath,
    error_text,
};

use crate::commands::{EXPORT_FILE, VOLUME};
use crate::output::Output;
use crate::programs::{DEFAULT_PATH, Programs};
use crate::serve::Worker;
use crate::step_shell::{Keyboard, Lines, StepShell};

/// How large an export file may be, in bytes; a larger one fails the step (rule V28).
const MAX_EXPORTS: u64 = 4 << 20;

/// How much is told of the names of files and functions of a script, in bytes.
const MAX_NAME: usize = 1024;

/// How long commands may take to notice that their step is over.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Directories of the private root (rule L3: what a step writes outside the volume is lost with it).
const ROOT_DIRECTORIES: [&str; 9] =
    ["codefresh", "codefresh/volume", "etc", "home", "opt", "root", "tmp", "usr", "var"];

/// The compiled code of the toolbox, found before a process locks itself.
pub(crate) fn find_toolbox(modules: Option<&Dir>) -> Vec<Compiled> {
    stepbox_builtin::families().iter().map(|family| family.find(modules)).collect()
}

/// The sandbox of a build, with the toolbox as its image. The compiled code of a family is asked for when the first command of the
/// family runs.
pub(crate) fn sandbox(toolbox: Vec<Compiled>, limits: &Limits) -> Arc<Sandbox> {
    let image = toolbox.into_iter().fold(Image::empty(), |image, compiled| {
        let family = compiled.family();
        image.with(move || compiled.open(), || family.wasm(), family.commands().map(|command| command.name))
    });
    Sandbox::new(image, *limits)
}

/// Runs a step to its end. `name` is that of its private directory.
pub(crate) fn run(
    worker: &Arc<Worker>,
    volume: &Arc<Dir>,
    request: &StepRequest,
    name: &str,
    cancel: &CancelToken,
) -> StepReport {
    let mut report = StepReport {
        step: request.id,
        end: StepEnd::Exited(0),
        exports: None,
        masked: vec![],
        modules: 0,
        failed: None,
    };
    match Step::prepare(worker, volume, request, name) {
        Ok(step) => {
            if request.shell.before {
                step.let_person_in(worker, request, cancel, None);
            }
            let (status, failed) = step.run(request, cancel);
            if request.shell.after_failure && status.code() != 0 {
                step.let_person_in(worker, request, cancel, Some(status.code()));
            }
            report.end = match cancel.cancelled() {
                Some(signal) => StepEnd::Cancelled(signal.number()),
                None => StepEnd::Exited(status.code()),
            };
            report.failed = failed.filter(|_| matches!(report.end, StepEnd::Exited(_)));
            // Whatever the step left in the background ends with it, as a container's processes would.
            cancel.cancel(Signal::Kill);
            if !step.processes.wait_until_empty(PATIENCE) {
                report.end = StepEnd::Failed("commands of the step did not end when told to".to_owned());
            }
            report.masked = step.programs.masked();
            report.modules = step.commands.modules();
            match read_exports(&step.exports) {
                Ok(exports) => report.exports = Some(exports),
                Err(message) => {
                    let message = format!(
                        "failed to read environment variable exporting file: {VOLUME}/{EXPORT_FILE}: {message}"
                    );
                    // The report says it too; this is for the person.
                    let _ = worker.sender.send(&Event::Warning { step: Some(request.id), message });
                }
            }
        }
        Err(message) => {
            report.end = StepEnd::Failed(message);
            report.exports = Some(vec![]);
        }
    }
    for name in [name.to_owned(), exports_name(name)] {
        if let Err(error) = worker.scratch.remove_dir_all(name)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            let message = format!("scratch files of the step remain until the build ends: {}", error_text(&error));
            let _ = worker.sender.send(&Event::Warning { step: Some(request.id), message });
        }
    }
    report
}

/// Where a step's own export file is, beside its private root.
fn exports_name(step: &str) -> String {
    format!("{step}-exports")
}

/// The step's own export file, empty (rules V28, V30).
fn exports(scratch: &Dir, step: &str) -> std::io::Result<Dir> {
    let name = exports_name(step);
    scratch.create_dir(&name)?;
    let directory = scratch.open_dir(&name)?;
    directory.open_with(EXPORT_FILE, HostOpenOptions::new().write(true).create_new(true))?;
    Ok(directory)
}

/// Lays it over the one on the volume.
fn export_mounts(exports: &Dir) -> Result<Vec<FileMount>, String> {
    let at = VirtualPath::new(format!("{VOLUME}/{EXPORT_FILE}")).map_err(|error| error.to_string())?;
    let directory =
        exports.try_clone().map_err(|error| format!("cannot open the export file: {}", error_text(&error)))?;
    Ok(vec![FileMount { at, directory, name: EXPORT_FILE.as_bytes().to_vec(), writable: true }])
}

/// The folders of the volume that the step sees elsewhere (rules F18-F21), each with an empty place of its own in the private
/// root so that it is listed. Links on the way are followed as long as they stay on the volume.
fn custom_mounts(volume: &Dir, scratch: &Dir, request: &StepRequest, quota: &Quota) -> Result<Vec<Mount>, String> {
    let mount = |custom: &CustomMount| {
        let shown = String::from_utf8_lossy(&custom.source).into_owned();
        let failed = |error: std::io::Error| format!("cannot mount `{shown}` of the volume: {}", error_text(&error));
        let source = if custom.source.is_empty() { OsStr::new(".") } else { OsStr::from_bytes(&custom.source) };
        if volume.metadata(source).is_ok_and(|metadata| !metadata.is_dir()) {
            return Err(format!("cannot mount `{shown}` of the volume: it is no folder"));
        }
        volume.create_dir_all(source).map_err(failed)?;
        let directory = volume.open_dir(source).map_err(failed)?;
        let at = VirtualPath::new(custom.target.clone())
            .map_err(|_| format!("`{}` is no place for a volume", String::from_utf8_lossy(&custom.target)))?
            .normalized();
        let place = custom.target.strip_prefix(b"/").unwrap_or(&custom.target);
        scratch.create_dir_all(OsStr::from_bytes(place)).map_err(failed)?;
        Ok(Mount { at, directory, writable: !custom.read_only, quota: quota.clone() })
    };
    request.volumes.iter().map(mount).collect()
}

/// How much a step may add, on the volume and outside of it.
struct Room {
    volume: Quota,
    scratch: Quota,
}

impl Room {
    fn new(worker: &Worker, request: &StepRequest) -> Self {
        let entries = Some(Arc::new(telling(worker, request, Limit::Entries)));
        let written = Some(Arc::new(telling(worker, request, Limit::Written)));
        Self {
            volume: Quota { bytes: written, entries: entries.clone() },
            scratch: Quota { bytes: Some(Arc::clone(&worker.room.scratch)), entries },
        }
    }
}

/// A budget of the step that says once, and in the step's name, that it is used up.
fn telling(worker: &Worker, request: &StepRequest, limit: Limit) -> Budget {
    let (sender, step) = (worker.sender.clone(), request.id);
    Budget::telling(request.limits.setting(limit), move |setting| {
        // A lost supervisor ends the worker elsewhere.
        let _ = sender.send(&Event::Warning { step: Some(step), message: used_up(setting) });
    })
}

/// What is told of a limit that is met.
pub(crate) fn used_up(setting: Setting) -> String {
    format!("nothing is left of {}", setting.words())
}

struct Step {
    vfs: Arc<dyn Vfs>,
    commands: Arc<Commands>,
    programs: Arc<Programs>,
    processes: Arc<ProcessTable>,
    files: BTreeMap<u32, OpenFile>,
    cwd: VirtualPath,
    environment: Vec<(Vec<u8>, Vec<u8>)>,
    /// The directory that holds the step's own export file (rule V30).
    exports: Dir,
}

impl Step {
    /// Makes everything that the step needs. Errors are for the person.
    fn prepare(worker: &Arc<Worker>, volume: &Arc<Dir>, request: &StepRequest, name: &str) -> Result<Self, String> {
        let scratch = scratch(&worker.scratch, name)
            .map_err(|error| format!("cannot make the step's private files: {}", error_text(&error)))?;
        let volume_copy =
            volume.try_clone().map_err(|error| format!("cannot open the volume: {}", error_text(&error)))?;
        let limits = request.limits;
        let room = Room::new(worker, request);
        let mounts = custom_mounts(volume, &scratch, request, &room.volume)?;
        let exports = exports(&worker.scratch, name)
            .map_err(|error| format!("cannot make the step's export file: {}", error_text(&error)))?;
        let files = export_mounts(&exports)?;
        let tree = worker
            .sandbox
            .tree((scratch, room.scratch), (volume_copy, room.volume), mounts, files)
            .map_err(|error| error.to_string())?;
        let vfs: Arc<dyn Vfs> = tree.clone();
        let processes = ProcessTable::within(limits.setting(Limit::Commands), Arc::clone(&worker.room.threads));
        let commands = worker.sandbox.commands_within(tree, Profile::Step, limits);
        let programs =
            Programs::new(Arc::clone(&commands) as Arc<dyn Spawner>, Arc::clone(&vfs), Arc::clone(&processes));
        commands.let_start_others(programs.as_spawner(), Arc::clone(&processes));
        let cwd = working_directory(&*vfs, volume, &request.working_directory)?;
        let printed = [Arc::new(telling(worker, request, Limit::Output)), Arc::clone(&worker.room.log)];
        let output = |stream| OpenFile::new(Output::new(request.id, stream, worker.sender.clone(), printed.clone()));
        let files = BTreeMap::from([
            (0, OpenFile::null()),
            (1, output(OutputStream::Stdout)),
            (2, output(OutputStream::Stderr)),
        ]);
        Ok(Self {
            vfs,
            commands,
            programs,
            processes,
            files,
            cwd,
            environment: standard_environment(request.environment.clone()),
            exports,
        })
    }

    /// Runs the step's script or program; also the command that a script has failed with.
    fn run(&self, request: &StepRequest, cancel: &CancelToken) -> (ExitStatus, Option<FailedCommand>) {
        let process = match self.processes.start(0, cancel) {
            Ok(process) => process,
            Err(error) => return (self.complain(&error.to_string(), cancel), None),
        };
        match &request.work {
            Work::Script { shell, text } => {
                // Rule F6: `set -e` is in force from the start.
                let options = ShellOptions { errexit: true, ..ShellOptions::default() };
                let shell = Shell::new(self.shell(*shell, self.files.clone(), process, options));
                let (status, failed) = shell.run_to_end(text);
                (status, failed.map(failed_command))
            }
            Work::Program(argv) => {
                let spawn = SpawnRequest {
                    argv: argv.clone(),
                    env: self.environment.clone(),
                    cwd: self.cwd.clone(),
                    umask: 0o022,
                    files: self.files.clone(),
                    cancel: process.cancel().clone(),
                    process: process.id(),
                    depth: 0,
                };
                let status = self.programs.start(spawn, &|message| {
                    self.complain(message, cancel);
                });
                (status, None)
            }
        }
    }

    fn shell(
        &self,
        kind: ShellKind,
        files: BTreeMap<u32, OpenFile>,
        process: Process,
        options: ShellOptions,
    ) -> ShellConfig {
        let (mode, name) = match kind {
            ShellKind::Sh => (Mode::Sh, &b"sh"[..]),
            ShellKind::Bash => (Mode::Bash, &b"bash"[..]),
        };
        ShellConfig {
            mode,
            name: name.to_vec(),
            arguments: vec![],
            environment: self.environment.clone(),
            cwd: self.cwd.clone(),
            umask: 0o022,
            files,
            vfs: Arc::clone(&self.vfs),
            spawner: Arc::clone(&self.programs) as Arc<dyn Spawner>,
            process,
            limits: stepbox_shell::Limits::default(),
            options,
            depth: 0,
        }
    }

    /// Opens a shell for a person where the step is, and waits for its end. `after` is the status that the step has left.
    fn let_person_in(&self, worker: &Worker, request: &StepRequest, cancel: &CancelToken, after: Option<u8>) {
        if cancel.is_cancelled() {
            return;
        }
        let process = match self.processes.start(0, cancel) {
            Ok(process) => process,
            Err(error) => {
                self.complain(&error.to_string(), cancel);
                return;
            }
        };
        let kind = match &request.work {
            Work::Script { shell, .. } => *shell,
            Work::Program(_) => ShellKind::Sh,
        };
        let person = StepShell::new(request.id, worker.sender.clone(), Arc::clone(&self.processes));
        let mut files = self.files.clone();
        files.insert(0, OpenFile::new(Keyboard(Arc::clone(&person))));
        let mut lines = Lines { shell: Arc::clone(&person), cancel: process.cancel().clone() };
        let shell = Shell::new(self.shell(kind, files, process, ShellOptions::default()));
        worker.open_shell(request.id, &person, after);
        shell.run_prompt(&mut lines, person.foreground());
        worker.close_shell(request.id);
    }

    /// Tells the person on the step's standard error.
    fn complain(&self, message: &str, cancel: &CancelToken) -> ExitStatus {
        if let Some(err) = self.files.get(&2) {
            // A lost supervisor ends the worker elsewhere.
            let _ = err.write_all(format!("stepbox: {message}\n").as_bytes(), cancel);
        }
        ExitStatus::NOT_EXECUTABLE
    }
}

/// What the supervisor is told of a command.
fn failed_command(failed: stepbox_shell::FailedCommand) -> FailedCommand {
    let short = |mut text: Vec<u8>| {
        text.truncate(MAX_NAME);
        text
    };
    FailedCommand {
        script_line: failed.script_line,
        file: failed.file.map(short),
        line: failed.line,
        function: failed.function.map(short),
        text: failed.text,
    }
}

/// An environment with what every container has.
pub(crate) fn standard_environment(mut environment: Vec<(Vec<u8>, Vec<u8>)>) -> Vec<(Vec<u8>, Vec<u8>)> {
    for (name, value) in [(&b"PATH"[..], DEFAULT_PATH), (b"HOME", b"/root"), (b"HOSTNAME", b"stepbox")] {
        if !environment.iter().any(|(known, _)| known == name) {
            environment.push((name.to_vec(), value.to_vec()));
        }
    }
    environment
}

/// A fresh private root with the directories that programs expect.
fn scratch(parent: &Dir, name: &str) -> std::io::Result<Dir> {
    parent.create_dir(name)?;
    let root = parent.open_dir(name)?;
    private_root(&root)?;
    Ok(root)
}

/// Makes the directories and files that programs expect in an empty root.
pub(crate) fn private_root(root: &Dir) -> std::io::Result<()> {
    for directory in ROOT_DIRECTORIES {
        root.create_dir(directory)?;
    }
    root.create_dir("dev")?;
    root.create_dir("bin")?;
    root.create_dir("usr/bin")?;
    root.create_dir("usr/local")?;
    root.create_dir("usr/local/bin")?;
    root.create_dir("var/tmp")?;
    root.write("etc/hostname", "stepbox\n")?;
    root.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")?;
    root.write("etc/group", "root:x:0:\n")
}

/// Rule W9: a working directory below the volume is made where it is missing; any other must be there.
fn working_directory(vfs: &dyn Vfs, volume: &Dir, wanted: &[u8]) -> Result<VirtualPath, String> {
    let shown = String::from_utf8_lossy(wanted).into_owned();
    let path = VirtualPath::new(wanted).map_err(|error| format!("working directory `{shown}`: {error}"))?.normalized();
    let base = VirtualPath::new(VOLUME).map_err(|error| error.to_string())?;
    match vfs.metadata(&path, true) {
        Ok(metadata) if metadata.is_dir() => return Ok(path),
        Ok(_) => return Err(format!("working directory `{shown}` is not a directory")),
        Err(_) => {}
    }
    let Some(below) = path.strip_prefix(&base) else {
        return Err(format!("working directory `{shown}` does not exist; only directories below {VOLUME} are made"));
    };
    let below = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(below);
    match volume.create_dir_all(below) {
        Ok(()) => Ok(path),
        Err(error) => Err(format!("working directory `{shown}` cannot be made: {}", error_text(&error))),
    }
}

/// What the step has exported; nothing where it has removed the file.
fn read_exports(exports: &Dir) -> Result<Vec<u8>, String> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(exports, EXPORT_FILE, flags, rustix::fs::Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT) => return Ok(vec![]),
        Err(rustix::io::Errno::LOOP) => return Err("it has become a symbolic link".to_owned()),
        Err(error) => return Err(error_text(&error.into())),
    };
    let metadata = file.metadata().map_err(|error| error_text(&error))?;
    if !metadata.is_file() {
        return Err("it is not a regular file any more".to_owned());
    }
    let mut data = vec![];
    file.take(MAX_EXPORTS + 1).read_to_end(&mut data).map_err(|error| error_text(&error))?;
    if data.len() as u64 > MAX_EXPORTS {
        return Err(format!("it is larger than {MAX_EXPORTS} bytes"));
    }
    Ok(data)
}

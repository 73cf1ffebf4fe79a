//! `stepbox_process_v1`: commands that start commands. `guest-sdk/ABI.md` describes it.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use stepbox_system::{
    CancelToken, ExitStatus, OpenFile, ProcessTable, Program, Resolution, Signal, SpawnRequest, Spawner, Wake,
};
use wasmtime::{Caller, Linker};

use super::errno::{Errno, Fault};
use super::memory::Memory;
use super::table::Descriptor;
use super::{Host, call};
use crate::guest::{Guest, stopped};

const MODULE: &str = "stepbox_process_v1";

/// The stack of a thread that runs a command (DESIGN 3.13), in bytes.
const STACK: usize = 16 << 20;

/// Bytes of arguments and environment of one command (as Linux).
const MAX_ARGUMENTS: usize = 2 << 20;

/// Arguments, or variables, of one command.
const MAX_COUNT: u32 = 65_536;

/// How deep commands may stand in each other.
const MAX_DEPTH: u32 = 64;

/// `wait`: do not wait.
const NO_HANG: u32 = 1;

const SEARCH_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What commands of a step need to start others.
#[derive(Clone)]
pub(crate) struct Family {
    /// Whoever finds and runs programs; it owns what runs them.
    pub(crate) spawner: Weak<dyn Spawner>,
    pub(crate) processes: Arc<ProcessTable>,
}

/// The children of a guest.
#[derive(Default)]
pub(super) struct Children {
    /// The status of each that was not waited for, once it has ended.
    states: Mutex<BTreeMap<u32, Option<ExitStatus>>>,
    changed: Condvar,
}

impl Children {
    fn states(&self) -> MutexGuard<'_, BTreeMap<u32, Option<ExitStatus>>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Children {
    fn wake(&self) {
        // Taken so that the sleeper is either before its check of the token or inside its wait.
        let _held = self.states();
        self.changed.notify_all();
    }
}

/// A running child; its end is told also where its thread panics.
struct Running {
    children: Arc<Children>,
    id: u32,
    status: ExitStatus,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.children.states().insert(self.id, Some(self.status));
        self.children.changed.notify_all();
    }
}

/// What a child is started with, as the guest has written it.
struct Asked {
    argv: (u32, u32),
    environment: (u32, u32),
    cwd: (u32, u32),
    umask: u32,
    files: (u32, u32),
}

/// The texts of a list of addresses and lengths.
fn texts(memory: &Memory<'_>, list: (u32, u32), room: &mut usize) -> Result<Vec<Vec<u8>>, Errno> {
    if list.1 > MAX_COUNT {
        return Err(Errno::TOOBIG);
    }
    let mut texts = vec![];
    for (at, length) in memory.pairs(list.0, list.1)? {
        *room = room.checked_sub(length as usize + 1).ok_or(Errno::TOOBIG)?;
        let text = memory.bytes(at, length)?;
        if text.contains(&0) {
            return Err(Errno::INVAL);
        }
        texts.push(text.to_vec());
    }
    Ok(texts)
}

impl Asked {
    fn request(&self, host: &Host, memory: &Memory<'_>) -> Result<SpawnRequest, Fault> {
        let mut room = MAX_ARGUMENTS;
        let argv = texts(memory, self.argv, &mut room)?;
        if argv.is_empty() {
            return Err(Errno::INVAL.into());
        }
        let mut env = BTreeMap::new();
        for text in texts(memory, self.environment, &mut room)? {
            let at = text.iter().position(|byte| *byte == b'=').filter(|at| *at > 0).ok_or(Errno::INVAL)?;
            // Each name once; the first one counts, as where an environment is searched.
            env.entry(text[..at].to_vec()).or_insert_with(|| text[at + 1..].to_vec());
        }
        let cwd = match self.cwd {
            (_, 0) => host.cwd.clone(),
            (at, length) => host.cwd.join(&memory.path(at, length)?).map_err(|_| Errno::INVAL)?,
        };
        let cwd = host.tree.directory_at(&cwd)?.path().clone();
        let mut files = BTreeMap::new();
        if self.files.1 > 1024 {
            return Err(Errno::INVAL.into());
        }
        for (child, own) in memory.pairs(self.files.0, self.files.1)? {
            files.insert(child, host.table.get(own)?.file()?.clone());
        }
        Ok(SpawnRequest {
            argv,
            env: env.into_iter().collect(),
            cwd,
            umask: self.umask & 0o777,
            files,
            cancel: host.cancel.clone(),
            process: host.process,
            depth: host.depth + 1,
        })
    }
}

fn find(spawner: &dyn Spawner, request: &SpawnRequest) -> Result<Program, Errno> {
    let path = request.env.iter().find(|(name, _)| name == b"PATH").map_or(SEARCH_PATH, |(_, value)| value.as_slice());
    match spawner.resolve(&request.argv[0], path, &request.cwd) {
        Resolution::Found(program) => Ok(program),
        Resolution::NotFound(_) => Err(Errno::NOENT),
        Resolution::NotExecutable(..) => Err(Errno::ACCES),
    }
}

fn spawn(host: &Host, memory: &mut Memory<'_>, asked: &Asked, out: u32) -> Result<(), Fault> {
    let family = host.family.as_ref().ok_or(Errno::NOTSUP)?;
    let spawner = family.spawner.upgrade().ok_or(Errno::NOTSUP)?;
    memory.bytes_mut(out, 4)?;
    let mut request = asked.request(host, memory)?;
    if request.depth > MAX_DEPTH {
        return Err(Errno::AGAIN.into());
    }
    let program = find(&*spawner, &request)?;
    let process = family.processes.start(host.process, &host.cancel).map_err(|_| Errno::AGAIN)?;
    request.cancel = process.cancel().clone();
    request.process = process.id();
    let id = process.id();
    host.children.states().insert(id, None);
    let children = Arc::clone(&host.children);
    let started = std::thread::Builder::new().name("command".to_owned()).stack_size(STACK).spawn(move || {
        let mut running = Running { children, id, status: ExitStatus::of_signal(Signal::Abrt) };
        running.status = spawner.run(&program, request);
        // Out of the table before its end is told.
        drop(process);
    });
    if started.is_err() {
        host.children.states().remove(&id);
        return Err(Errno::AGAIN.into());
    }
    Ok(memory.write_u32(out, id)?)
}

/// Waits for a child, or for any where `id` is 0; nothing where none has ended and it may not wait.
fn wait(host: &Host, id: u32, hang: bool) -> Result<Option<(u32, ExitStatus)>, Fault> {
    let cancel: &CancelToken = &host.cancel;
    let _registration = hang.then(|| cancel.register(Arc::clone(&host.children) as Arc<dyn Wake>));
    let mut states = host.children.states();
    loop {
        let known = states.iter().filter(|(child, _)| id == 0 || **child == id);
        let known: Vec<_> = known.map(|(child, status)| (*child, *status)).collect();
        if known.is_empty() {
            return Err(Errno::CHILD.into());
        }
        if let Some((child, status)) = known.into_iter().find_map(|(child, status)| Some((child, status?))) {
            states.remove(&child);
            return Ok(Some((child, status)));
        }
        if !hang {
            return Ok(None);
        }
        if cancel.is_cancelled() {
            return Err(Fault::End(stopped(cancel)));
        }
        states = host.children.changed.wait(states).unwrap_or_else(PoisonError::into_inner);
    }
}

fn pipe(host: &mut Host, memory: &mut Memory<'_>, read_at: u32, write_at: u32) -> Result<(), Fault> {
    memory.bytes_mut(read_at, 4)?;
    memory.bytes_mut(write_at, 4)?;
    let (reader, writer) = stepbox_system::pipe();
    let end = |file: OpenFile, right: u64| {
        let all = Descriptor::inherited(file);
        Descriptor { base: all.base & !(super::rights::FD_READ | super::rights::FD_WRITE) | right, ..all }
    };
    let reader = host.table.insert(end(OpenFile::new(reader), super::rights::FD_READ))?;
    let writer = match host.table.insert(end(OpenFile::new(writer), super::rights::FD_WRITE)) {
        Ok(writer) => writer,
        Err(full) => {
            host.table.close(reader)?;
            return Err(full.into());
        }
    };
    memory.write_u32(read_at, reader)?;
    Ok(memory.write_u32(write_at, writer)?)
}

fn kill(host: &Host, id: u32, signal: u32) -> Result<(), Fault> {
    let family = host.family.as_ref().ok_or(Errno::NOTSUP)?;
    // Only one's own children have a number here.
    let state = host.children.states().get(&id).copied();
    match (state, u8::try_from(signal).ok()) {
        (None, _) => Err(Errno::SRCH.into()),
        (Some(_), Some(0)) => Ok(()),
        (Some(ended), Some(number)) => {
            let signal = Signal::from_number(number).ok_or(Errno::INVAL)?;
            if ended.is_none() {
                family.processes.signal(id, signal);
            }
            Ok(())
        }
        (Some(_), None) => Err(Errno::INVAL.into()),
    }
}

pub(super) fn add(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    type C<'a> = Caller<'a, Guest>;
    linker.func_wrap(
        MODULE,
        "spawn",
        |caller: C<'_>,
         argv: u32,
         argv_count: u32,
         environment: u32,
         environment_count: u32,
         cwd: u32,
         cwd_length: u32,
         umask: u32,
         files: u32,
         files_count: u32,
         out: u32| {
            call(caller, |host, memory| {
                let asked = Asked {
                    argv: (argv, argv_count),
                    environment: (environment, environment_count),
                    cwd: (cwd, cwd_length),
                    umask,
                    files: (files, files_count),
                };
                spawn(host, memory, &asked, out)
            })
        },
    )?;
    linker.func_wrap(MODULE, "wait", |caller: C<'_>, id: u32, flags: u32, id_at: u32, status_at: u32| {
        call(caller, |host, memory| {
            if flags & !NO_HANG != 0 {
                return Err(Errno::INVAL.into());
            }
            memory.bytes_mut(id_at, 4)?;
            memory.bytes_mut(status_at, 4)?;
            let (id, status) = wait(host, id, flags & NO_HANG == 0)?.unwrap_or((0, ExitStatus::SUCCESS));
            memory.write_u32(id_at, id)?;
            Ok(memory.write_u32(status_at, status.code().into())?)
        })
    })?;
    linker.func_wrap(MODULE, "pipe", |caller: C<'_>, read_at: u32, write_at: u32| {
        call(caller, |host, memory| pipe(host, memory, read_at, write_at))
    })?;
    linker.func_wrap(MODULE, "kill", |caller: C<'_>, id: u32, signal: u32| {
        call(caller, |host, _| kill(host, id, signal))
    })?;
    linker.func_wrap(MODULE, "getpid", |caller: C<'_>, at: u32| {
        call(caller, |host, memory| Ok(memory.write_u32(at, host.process)?))
    })?;
    Ok(())
}

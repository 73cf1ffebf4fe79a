//! A guest that makes the calls it is told on its standard input, and writes down what each came to.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use stepbox_limits::{Budget, Limit, Limits, Setting};
use stepbox_sandbox::{Image, Mount, Profile, Quota, Sandbox};
use stepbox_system::{CancelToken, ExitStatus, OpenFile, SpawnRequest, VirtualPath, pipe};

use super::calls::{Call, LONGEST};
use super::Came;

/// Every function that guests can call with numbers alone; those that would wait or end the guest are not among them.
pub(crate) const FUNCTIONS: [(&str, &str); 41] = [
    ("fd_close", "i32"),
    ("fd_renumber", "i32 i32"),
    ("fd_read", "i32 i32 i32 i32"),
    ("fd_write", "i32 i32 i32 i32"),
    ("fd_pread", "i32 i32 i32 i64 i32"),
    ("fd_pwrite", "i32 i32 i32 i64 i32"),
    ("fd_seek", "i32 i64 i32 i32"),
    ("fd_tell", "i32 i32"),
    ("fd_filestat_set_size", "i32 i64"),
    ("fd_filestat_get", "i32 i32"),
    ("fd_readdir", "i32 i32 i32 i64 i32"),
    ("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32"),
    ("path_filestat_get", "i32 i32 i32 i32 i32"),
    ("path_create_directory", "i32 i32 i32"),
    ("path_remove_directory", "i32 i32 i32"),
    ("path_unlink_file", "i32 i32 i32"),
    ("path_rename", "i32 i32 i32 i32 i32 i32"),
    ("path_link", "i32 i32 i32 i32 i32 i32 i32"),
    ("path_symlink", "i32 i32 i32 i32 i32"),
    ("path_readlink", "i32 i32 i32 i32 i32 i32"),
    ("path_filestat_set_times", "i32 i32 i32 i32 i64 i64 i32"),
    ("args_get", "i32 i32"),
    ("args_sizes_get", "i32 i32"),
    ("clock_res_get", "i32 i32"),
    ("clock_time_get", "i32 i64 i32"),
    ("environ_get", "i32 i32"),
    ("environ_sizes_get", "i32 i32"),
    ("fd_advise", "i32 i64 i64 i32"),
    ("fd_allocate", "i32 i64 i64"),
    ("fd_datasync", "i32"),
    ("fd_fdstat_get", "i32 i32"),
    ("fd_fdstat_set_flags", "i32 i32"),
    ("fd_fdstat_set_rights", "i32 i64 i64"),
    ("fd_filestat_set_times", "i32 i64 i64 i32"),
    ("fd_prestat_dir_name", "i32 i32 i32"),
    ("fd_prestat_get", "i32 i32"),
    ("fd_sync", "i32"),
    ("random_get", "i32 i32"),
    ("sched_yield", ""),
    ("sock_shutdown", "i32 i32"),
    ("proc_raise", "i32"),
];

/// Where the guest has its script: a count, then calls of eighty bytes, then what they point to.
const SCRIPT: u32 = 0x2_0000;
/// Where the numbers go that calls give.
const NUMBERS: u32 = 0x4_0000;
/// Where each call has room for what it tells.
const ROOM: u32 = 0x5_0000;
/// How much.
const SLOT: u32 = 1024;

fn text() -> String {
    let mut text = "(module\n".to_owned();
    for (name, parameters) in FUNCTIONS {
        text.push_str(&format!(
            "(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} (param {parameters}) (result i32)))\n"
        ));
    }
    text.push_str("(memory (export \"memory\") 16)\n");
    text.push_str("(func $call (param $at i32) (result i32)\n");
    for (number, (name, parameters)) in FUNCTIONS.iter().enumerate() {
        text.push_str(&format!("(if (i64.eq (i64.load (local.get $at)) (i64.const {number})) (then (return (call ${name}"));
        for (place, parameter) in parameters.split_whitespace().enumerate() {
            let load = format!("(i64.load offset={} (local.get $at))", (place + 1) * 8);
            text.push_str(&if parameter == "i32" { format!(" (i32.wrap_i64 {load})") } else { format!(" {load}") });
        }
        text.push_str("))))\n");
    }
    text.push_str("(i32.const 52))\n");
    text.push_str(&format!(
        r#"(func (export "_start") (local $at i32) (local $read i32) (local $done i32) (local $calls i32)
        (local.set $at (i32.const {SCRIPT}))
        (loop $more
            (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (i32.const 65536))
            (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
            (local.set $read (i32.load (i32.const 8)))
            (local.set $at (i32.add (local.get $at) (local.get $read)))
            (br_if $more (local.get $read)))
        (local.set $calls (i32.load (i32.const {SCRIPT})))
        (local.set $at (i32.const {first}))
        (block $end (loop $next
            (br_if $end (i32.ge_u (local.get $done) (local.get $calls)))
            (i32.store (i32.add (i32.const {NUMBERS}) (i32.shl (local.get $done) (i32.const 2))) (call $call (local.get $at)))
            (local.set $at (i32.add (local.get $at) (i32.const 80)))
            (local.set $done (i32.add (local.get $done) (i32.const 1)))
            (br $next)))
        (i32.store (i32.const 0) (i32.const {NUMBERS})) (i32.store (i32.const 4) (i32.shl (local.get $calls) (i32.const 2)))
        (i32.store (i32.const 8) (i32.const {ROOM})) (i32.store (i32.const 12) (i32.mul (local.get $calls) (i32.const {SLOT})))
        (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 16)))))"#,
        first = SCRIPT + 16
    ));
    text
}

/// One engine for all runs, as a build has one for all commands.
fn sandbox() -> &'static Arc<Sandbox> {
    static SANDBOX: OnceLock<Arc<Sandbox>> = OnceLock::new();
    SANDBOX.get_or_init(|| Sandbox::new(Image::of_module(wat::parse_str(text()).expect("a module")), Limits::default()))
}

/// How much a guest may add to its directory: so much that no run fills the host, whatever it asks for.
fn quota() -> Quota {
    let setting = |value| Setting { value, ..Limits::default().setting(Limit::Scratch) };
    let budget = |value| Some(Arc::new(Budget::new(setting(value))));
    Quota { bytes: budget(8 << 20), entries: budget(1000) }
}

/// A script: calls by the number of their function, with their arguments.
pub(crate) fn script(calls: &[(u64, [u64; 9])], pointed: &[u8]) -> Vec<u8> {
    let mut script = (calls.len() as u64).to_le_bytes().to_vec();
    script.resize(16, 0);
    for (function, arguments) in calls {
        script.extend_from_slice(&function.to_le_bytes());
        arguments.iter().for_each(|argument| script.extend_from_slice(&argument.to_le_bytes()));
    }
    script.extend_from_slice(pointed);
    script
}

/// Runs a script on a directory: how the guest ended, and what it wrote.
pub(crate) fn run(directory: &std::path::Path, script: &[u8]) -> (ExitStatus, Vec<u8>) {
    let sandbox = sandbox();
    let root = Dir::open_ambient_dir(directory, ambient_authority()).expect("opens");
    let at = VirtualPath::root();
    let tree = sandbox.bare_tree(vec![Mount { at, directory: root, writable: true, quota: quota() }]);
    let commands = sandbox.commands(tree, Profile::Exec { cwd: None });
    let ((input, to), (from, output)) = (pipe(), pipe());
    let (to, from) = (OpenFile::new(to), OpenFile::new(from));
    to.write_all(script, &CancelToken::new()).expect("written");
    drop(to);
    let (mut fed, mut told) = (OpenFile::new(input), OpenFile::new(output));
    let request = SpawnRequest {
        argv: vec![b"guest".to_vec(), b"argument".to_vec()],
        env: vec![(b"NAME".to_vec(), b"value".to_vec())],
        cwd: VirtualPath::root(),
        umask: 0o022,
        files: BTreeMap::from([
            (0, std::mem::replace(&mut fed, OpenFile::null())),
            (1, std::mem::replace(&mut told, OpenFile::null())),
            (2, OpenFile::null()),
        ]),
        cancel: CancelToken::new(),
        process: 1,
        depth: 0,
    };
    // Whoever writes more than a pipe holds must find a reader.
    let reader = std::thread::spawn(move || from.read_to_end(64 << 20, &CancelToken::new()).unwrap_or_default());
    let status = commands.run_module(request);
    (status, reader.join().expect("ends"))
}

/// What each of these calls comes to in a guest on a directory.
pub(crate) fn came(directory: &std::path::Path, calls: &[Call]) -> Vec<Came> {
    let base = SCRIPT + 16 + calls.len() as u32 * 80;
    let (mut pointed, mut raw) = (vec![], vec![]);
    for (number, call) in calls.iter().enumerate() {
        let slot = u64::from(ROOM + number as u32 * SLOT);
        let mut point = |bytes: &[u8]| {
            let at = u64::from(base) + pointed.len() as u64;
            pointed.extend_from_slice(bytes);
            (at, bytes.len() as u64)
        };
        raw.push(encode(call, slot, &mut point));
    }
    let (status, told) = run(directory, &script(&raw, &pointed));
    assert_eq!(status, ExitStatus::SUCCESS, "{calls:#?}");
    let (numbers, rooms) = told.split_at(calls.len() * 4);
    let one = |(number, call): (usize, &Call)| {
        let errno = numbers[number * 4];
        let slot = &rooms[number * SLOT as usize..][..SLOT as usize];
        if errno != 0 { Came::Error(errno) } else { decode(call, slot) }
    };
    calls.iter().enumerate().map(one).collect()
}

/// A call with its arguments. What it tells comes into its slot: a number at its beginning, the rest sixteen bytes behind it.
fn encode(call: &Call, slot: u64, point: &mut dyn FnMut(&[u8]) -> (u64, u64)) -> (u64, [u64; 9]) {
    let function = |name: &str| FUNCTIONS.iter().position(|(known, _)| *known == name).expect("known") as u64;
    let mut arguments = vec![];
    let data = slot + 16;
    let name = match call {
        Call::Open { at, path, oflags, rights, append, follow } => {
            let (path, length) = point(path.as_bytes());
            let every = (1 << 28) - 1 - 66;
            arguments = vec![
                u64::from(*at), u64::from(*follow), path, length, u64::from(*oflags), rights | every, u64::MAX >> 35,
                u64::from(*append), slot,
            ];
            "path_open"
        }
        Call::Close { number } => {
            arguments.push(u64::from(*number));
            "fd_close"
        }
        Call::Renumber { from, to } => {
            arguments.extend([u64::from(*from), u64::from(*to)]);
            "fd_renumber"
        }
        Call::Read { number, length } => {
            let (vector, _) = point(&pair(data, u64::from(*length)));
            arguments.extend([u64::from(*number), vector, 1, slot]);
            "fd_read"
        }
        Call::Write { number, data } => {
            let (at, length) = point(data);
            let (vector, _) = point(&pair(at, length));
            arguments.extend([u64::from(*number), vector, 1, slot]);
            "fd_write"
        }
        Call::ReadAt { number, length, offset } => {
            let (vector, _) = point(&pair(data, u64::from(*length)));
            arguments.extend([u64::from(*number), vector, 1, *offset, slot]);
            "fd_pread"
        }
        Call::WriteAt { number, data, offset } => {
            let (at, length) = point(data);
            let (vector, _) = point(&pair(at, length));
            arguments.extend([u64::from(*number), vector, 1, *offset, slot]);
            "fd_pwrite"
        }
        Call::Seek { number, offset, whence } => {
            arguments.extend([u64::from(*number), *offset as u64, u64::from(*whence), slot]);
            "fd_seek"
        }
        Call::Tell { number } => {
            arguments.extend([u64::from(*number), slot]);
            "fd_tell"
        }
        Call::SetSize { number, size } => {
            arguments.extend([u64::from(*number), *size]);
            "fd_filestat_set_size"
        }
        Call::Stat { number } => {
            arguments.extend([u64::from(*number), data]);
            "fd_filestat_get"
        }
        Call::PathStat { at, path, follow } => {
            let (path, length) = point(path.as_bytes());
            arguments.extend([u64::from(*at), u64::from(*follow), path, length, data]);
            "path_filestat_get"
        }
        Call::List { number } => {
            arguments.extend([u64::from(*number), data, u64::from(LONGEST), 0, slot]);
            "fd_readdir"
        }
        Call::MakeDirectory { at, path } | Call::RemoveDirectory { at, path } | Call::Unlink { at, path } => {
            let (path, length) = point(path.as_bytes());
            arguments.extend([u64::from(*at), path, length]);
            match call {
                Call::MakeDirectory { .. } => "path_create_directory",
                Call::RemoveDirectory { .. } => "path_remove_directory",
                _ => "path_unlink_file",
            }
        }
        Call::Rename { from, old, to, new } => {
            let ((old, old_length), (new, new_length)) = (point(old.as_bytes()), point(new.as_bytes()));
            arguments.extend([u64::from(*from), old, old_length, u64::from(*to), new, new_length]);
            "path_rename"
        }
        Call::Link { from, old, to, new } => {
            let ((old, old_length), (new, new_length)) = (point(old.as_bytes()), point(new.as_bytes()));
            arguments.extend([u64::from(*from), 0, old, old_length, u64::from(*to), new, new_length]);
            "path_link"
        }
        Call::Symlink { target, at, path } => {
            let ((target, target_length), (path, length)) = (point(target.as_bytes()), point(path.as_bytes()));
            arguments.extend([target, target_length, u64::from(*at), path, length]);
            "path_symlink"
        }
        Call::ReadLink { at, path, length } => {
            let (path, path_length) = point(path.as_bytes());
            arguments.extend([u64::from(*at), path, path_length, data, u64::from(*length), slot]);
            "path_readlink"
        }
    };
    arguments.resize(9, 0);
    (function(name), arguments.try_into().expect("nine"))
}

/// An address and a length, as a list of buffers has them.
fn pair(at: u64, length: u64) -> [u8; 8] {
    (length << 32 | at).to_le_bytes()
}

fn decode(call: &Call, slot: &[u8]) -> Came {
    let word = |at: usize| u32::from_le_bytes(slot[at..at + 4].try_into().expect("four"));
    let long = |at: usize| u64::from_le_bytes(slot[at..at + 8].try_into().expect("eight"));
    match call {
        Call::Open { .. } | Call::Write { .. } | Call::WriteAt { .. } => Came::Number(word(0).into()),
        Call::Seek { .. } | Call::Tell { .. } => Came::Number(long(0)),
        Call::Read { .. } | Call::ReadAt { .. } | Call::ReadLink { .. } => {
            Came::Bytes(slot[16..][..word(0) as usize].to_vec())
        }
        Call::Stat { .. } | Call::PathStat { .. } => Came::stat(slot[16 + 16], long(16 + 32), long(16 + 24)),
        Call::List { .. } => {
            let (mut listed, mut at, end) = (vec![], 16, 16 + word(0) as usize);
            while at + 24 <= end {
                let (length, kind) = (word(at + 16) as usize, slot[at + 20]);
                if at + 24 + length > end {
                    break;
                }
                listed.push((slot[at + 24..][..length].to_vec(), kind));
                at += 24 + length;
            }
            listed.sort();
            Came::Listed(listed)
        }
        _ => Came::Nothing,
    }
}

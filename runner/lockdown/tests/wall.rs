//! What a locked process can still do, and what it cannot. Each case is a process of its own: this program, started again.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use stepbox_lockdown::{Access, Lockdown, LockdownError};

type Case = (&'static str, fn(&Path));

const CASES: [Case; 7] = [
    ("files_outside_are_out_of_reach", files_outside_are_out_of_reach),
    ("a_volume_can_be_used_and_what_is_read_only_not_be_written", a_volume_can_be_used),
    ("what_was_open_stays_usable", what_was_open_stays_usable),
    ("no_program_process_or_socket_is_started", no_program_process_or_socket_is_started),
    ("threads_start_and_are_locked", threads_start_and_are_locked),
    ("nobody_looks_into_the_process", nobody_looks_into_the_process),
    ("a_process_with_threads_is_not_locked_by_half", a_process_with_threads_is_not_locked_by_half),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    if let (Some("--case"), Some(name), Some(place)) =
        (arguments.next().as_deref(), arguments.next(), arguments.next().map(PathBuf::from))
    {
        let (_, case) = CASES.iter().find(|(known, _)| *known == name).expect("a case");
        case(&place);
        return;
    }
    let mut failed = false;
    for (name, _) in CASES {
        let place = tempfile::tempdir().expect("a directory");
        for directory in ["volume/a", "volume/b", "blobs"] {
            fs::create_dir_all(place.path().join(directory)).expect("makes");
        }
        fs::write(place.path().join("blobs/one"), "one").expect("writes");
        fs::write(place.path().join("secret"), "secret").expect("writes");
        let done = Command::new(std::env::current_exe().expect("this program"))
            .args(["--case", name])
            .arg(place.path())
            .stdin(Stdio::null())
            .status()
            .expect("starts");
        println!("test {name} ... {}", if done.success() { "ok" } else { "FAILED" });
        failed |= !done.success();
    }
    assert!(!failed, "a case failed");
}

fn open(place: &Path, name: &str) -> File {
    File::open(place.join(name)).expect("opens")
}

/// The number of an error, as the kernel gave it.
fn number<T>(result: std::io::Result<T>) -> Option<i32> {
    result.err().and_then(|error| error.raw_os_error())
}

const EACCES: Option<i32> = Some(13);
const EXDEV: Option<i32> = Some(18);
const ENOSYS: Option<i32> = Some(38);

fn lock(place: &Path) {
    let (volume, blobs) = (open(place, "volume"), open(place, "blobs"));
    let wall = Lockdown::new().allow(&volume, Access::Write).allow(&blobs, Access::Read).process().expect("locks");
    assert_eq!(wall.missing(), None, "these tests need Linux 6.2 or later with Landlock and seccomp");
}

fn files_outside_are_out_of_reach(place: &Path) {
    lock(place);
    for path in ["/etc/passwd", "/proc/self/environ", "/proc/self/maps", "/dev/null", "/"] {
        assert_eq!(number(File::open(path)), EACCES, "{path}");
    }
    assert_eq!(number(fs::read(place.join("secret"))), EACCES);
    assert_eq!(number(File::open(place.join("volume/../secret"))), EACCES);
    assert_eq!(number(fs::write(place.join("new"), "")), EACCES);
    assert_eq!(number(fs::remove_file(place.join("secret"))), EACCES);
    assert_eq!(number(fs::rename(place.join("secret"), place.join("volume/secret"))), EACCES);
    // As between two file systems: whoever copies instead meets EACCES.
    assert_eq!(number(fs::hard_link(place.join("secret"), place.join("volume/secret"))), EXDEV);
    std::os::unix::fs::symlink(place.join("secret"), place.join("volume/link")).expect("links");
    assert_eq!(number(fs::read(place.join("volume/link"))), EACCES);
}

fn a_volume_can_be_used(place: &Path) {
    lock(place);
    let volume = place.join("volume");
    fs::write(volume.join("a/file"), "text").expect("writes");
    fs::rename(volume.join("a/file"), volume.join("b/file")).expect("renames");
    fs::hard_link(volume.join("b/file"), volume.join("again")).expect("links");
    fs::remove_dir(volume.join("a")).expect("removes");
    assert_eq!(fs::read(volume.join("again")).expect("reads"), b"text");
    let names: Vec<_> = fs::read_dir(&volume).expect("lists").map(|entry| entry.expect("reads").file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(fs::read(place.join("blobs/one")).expect("reads"), b"one");
    assert_eq!(number(fs::write(place.join("blobs/one"), "two")), EACCES);
    assert_eq!(number(fs::remove_file(place.join("blobs/one"))), EACCES);
    assert_eq!(number(fs::rename(volume.join("again"), place.join("blobs/two"))), EACCES);
    assert_eq!(
        number(
            rustix::fs::mknodat(
                rustix::fs::CWD,
                volume.join("fifo"),
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::RUSR,
                0
            )
            .map_err(Into::into)
        ),
        ENOSYS
    );
}

fn what_was_open_stays_usable(place: &Path) {
    let mut file = File::options().read(true).write(true).open(place.join("secret")).expect("opens");
    let (mut here, mut there) = UnixStream::pair().expect("a pair");
    lock(place);
    let mut text = String::new();
    file.read_to_string(&mut text).expect("reads");
    file.write_all(b"!").expect("writes");
    assert_eq!(text, "secret");
    here.write_all(b"message").expect("writes");
    let mut message = [0; 7];
    there.read_exact(&mut message).expect("reads");
    assert_eq!(&message, b"message");
}

fn no_program_process_or_socket_is_started(place: &Path) {
    lock(place);
    let program = std::env::current_exe().unwrap_or_else(|_| place.join("volume/b"));
    assert!(Command::new(program).spawn().is_err());
    assert_eq!(number(UnixStream::pair().map(drop)), ENOSYS);
    assert_eq!(number(std::net::TcpListener::bind("127.0.0.1:0")), ENOSYS);
    assert_eq!(number(std::net::UdpSocket::bind("127.0.0.1:0")), ENOSYS);
    let parent = rustix::process::getppid().expect("a parent");
    assert_eq!(rustix::process::kill_process(parent, rustix::process::Signal::CONT), Err(rustix::io::Errno::NOSYS));
}

fn threads_start_and_are_locked(place: &Path) {
    lock(place);
    let tried = std::thread::spawn(|| number(File::open("/etc/passwd"))).join().expect("no panic");
    assert_eq!(tried, EACCES);
}

fn nobody_looks_into_the_process(place: &Path) {
    lock(place);
    assert_eq!(rustix::process::dumpable_behavior().expect("told"), rustix::process::DumpableBehavior::NotDumpable);
    assert_eq!(rustix::process::getrlimit(rustix::process::Resource::Core).current, Some(0));
}

fn a_process_with_threads_is_not_locked_by_half(place: &Path) {
    let volume = open(place, "volume");
    let (send, receive) = std::sync::mpsc::channel::<()>();
    let other = std::thread::spawn(move || receive.recv());
    let refused = Lockdown::new().allow(&volume.as_fd(), Access::Write).process();
    assert!(matches!(refused, Err(LockdownError::Threads(2))), "{refused:?}");
    assert!(File::open("/etc/passwd").is_ok());
    drop(send);
    other.join().expect("no panic").expect_err("nothing was sent");
}

//! The virtual file tree as the shell uses it.

use std::ffi::OsStr;
use std::io::SeekFrom;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use stepbox_sandbox::{FileMount, FileTree, Image, Limits, Mount, Profile, Quota, Sandbox};
use stepbox_system::{Access, CancelToken, FileKind, OpenFile, OpenOptions, Resolution, Spawner, Vfs, VirtualPath};

const EACCES: i32 = 13;
const EISDIR: i32 = 21;
const EEXIST: i32 = 17;
const EINVAL: i32 = 22;
const ENOENT: i32 = 2;
const ENOSPC: i32 = 28;
const ENOTDIR: i32 = 20;
const ENXIO: i32 = 6;
const EROFS: i32 = 30;

fn path(text: &str) -> VirtualPath {
    VirtualPath::new(text).expect("a path")
}

fn image() -> Image {
    let compiled = tempfile::tempfile().expect("a file");
    Image::new(move || Ok(compiled), || Ok(b"not wasm".to_vec()), ["cat", "ls"])
}

/// A tree with a root, a volume, and a directory `/fixed` that cannot be written.
struct World {
    directory: tempfile::TempDir,
    tree: Arc<FileTree>,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["outside", "root/bin", "root/dev", "root/fixed", "root/codefresh/volume", "volume", "fixed"] {
            std::fs::create_dir_all(directory.path().join(name)).expect("makes");
        }
        std::fs::write(directory.path().join("outside/secret"), "secret").expect("writes");
        std::fs::write(directory.path().join("fixed/file"), "fixed").expect("writes");
        let mounts = [("/", "root", true), ("/codefresh/volume", "volume", true), ("/fixed", "fixed", false)]
            .map(|(at, name, writable)| {
                let directory = Dir::open_ambient_dir(directory.path().join(name), ambient_authority());
                Mount { at: path(at), directory: directory.expect("opens"), writable, quota: Quota::default() }
            })
            .into();
        Self { directory, tree: FileTree::new(mounts, Arc::new(image())) }
    }

    fn host(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn open(&self, name: &str, options: &OpenOptions) -> Result<OpenFile, i32> {
        self.tree.open(&path(name), options).map_err(|error| error.raw_os_error().expect("a code"))
    }

    fn read(&self, name: &str) -> Result<String, i32> {
        let file = self.open(name, &OpenOptions::reading())?;
        let bytes = file.read_to_end(1 << 20, &CancelToken::new());
        bytes
            .map(|bytes| String::from_utf8(bytes).expect("text"))
            .map_err(|error| error.raw_os_error().expect("a code"))
    }

    fn write(&self, name: &str, options: &OpenOptions) -> Result<(), i32> {
        let file = self.open(name, options)?;
        file.write_all(b"new", &CancelToken::new()).map_err(|error| error.raw_os_error().expect("a code"))
    }

    fn kind(&self, name: &str, follow: bool) -> Result<FileKind, i32> {
        let metadata = self.tree.metadata(&path(name), follow);
        metadata.map(|metadata| metadata.kind).map_err(|error| error.raw_os_error().expect("a code"))
    }

    fn names(&self, name: &str) -> Vec<(Vec<u8>, FileKind)> {
        let mut names: Vec<_> =
            self.tree.read_dir(&path(name)).expect("reads").into_iter().map(|entry| (entry.name, entry.kind)).collect();
        names.sort_by(|a, b| a.0.cmp(&b.0));
        names
    }
}

#[test]
fn the_deepest_mount_has_the_path() {
    let world = World::new();
    std::fs::write(world.host("volume/file"), "volume").expect("writes");
    std::fs::write(world.host("root/file"), "root").expect("writes");
    std::fs::write(world.host("root/codefresh/volume/file"), "hidden").expect("writes");
    std::fs::write(world.host("root/codefresh/volumes"), "beside").expect("writes");
    for (name, expected) in [
        ("/file", Ok("root")),
        ("//file", Ok("root")),
        ("/../../file", Ok("root")),
        ("/codefresh/volume/file", Ok("volume")),
        ("/codefresh/./volume//file", Ok("volume")),
        ("/codefresh/volume/../volume/file", Ok("volume")),
        ("/codefresh/volume/../../file", Ok("root")),
        ("/codefresh/volumes", Ok("beside")),
        ("/fixed/file", Ok("fixed")),
        ("/missing", Err(ENOENT)),
        ("/file/below", Err(ENOTDIR)),
        ("/file/", Err(ENOTDIR)),
        ("/codefresh/volume", Err(EISDIR)),
        ("/", Err(EISDIR)),
    ] {
        assert_eq!(world.read(name), expected.map(str::to_owned), "{name}");
    }
}

#[test]
fn files_are_made_emptied_appended_to_and_kept_as_asked() {
    let world = World::new();
    let file = world.host("volume/file");
    let read = || std::fs::read_to_string(&file).expect("reads");
    assert_eq!(world.write("/codefresh/volume/file", &OpenOptions::writing(0o027)), Ok(()));
    assert_eq!(std::fs::metadata(&file).expect("is there").permissions().mode() & 0o777, 0o640);
    std::fs::write(&file, "longer than before").expect("writes");
    assert_eq!(world.write("/codefresh/volume/file", &OpenOptions::writing(0)), Ok(()));
    assert_eq!(read(), "new");
    assert_eq!(world.write("/codefresh/volume/file", &OpenOptions::appending(0)), Ok(()));
    assert_eq!(read(), "newnew");
    std::fs::write(&file, "ABCDEF").expect("writes");
    assert_eq!(world.write("/codefresh/volume/file", &OpenOptions::reading_and_writing(0)), Ok(()));
    assert_eq!(read(), "newDEF");
    let new = OpenOptions { create_new: true, ..OpenOptions::writing(0) };
    assert_eq!(world.write("/codefresh/volume/file", &new), Err(EEXIST));
    assert_eq!(world.write("/codefresh/volume/other", &new), Ok(()));
    assert_eq!(world.write("/codefresh/volume/made/", &OpenOptions::writing(0)), Err(EISDIR));
    assert_eq!(world.write("/codefresh/volume", &OpenOptions::writing(0)), Err(EISDIR));

    let file = world.open("/codefresh/volume/file", &OpenOptions::reading()).expect("opens");
    assert_eq!(file.seek(SeekFrom::Start(3)).expect("seeks"), 3);
    assert_eq!(file.read_to_end(10, &CancelToken::new()).expect("reads"), b"DEF");
    assert_eq!(file.metadata().expect("is there").size, 6);
}

#[test]
fn what_is_mounted_for_reading_cannot_be_written() {
    let world = World::new();
    for options in [OpenOptions::writing(0), OpenOptions::appending(0), OpenOptions::reading_and_writing(0)] {
        for name in ["/fixed/file", "/fixed/new", "/codefresh/../fixed/file"] {
            assert_eq!(world.write(name, &options), Err(EROFS), "{name} {options:?}");
        }
    }
    let only_create = OpenOptions { create: true, ..OpenOptions::reading() };
    assert_eq!(world.open("/fixed/new", &only_create).err(), Some(EROFS));
    assert_eq!(world.read("/fixed/file"), Ok("fixed".to_owned()));
    assert!(!world.host("fixed/new").exists());
    assert!(!world.tree.access(&path("/fixed/file"), Access::Write));
    assert!(world.tree.access(&path("/fixed/file"), Access::Read));
}

#[test]
fn links_are_followed_inside_and_never_out() {
    let world = World::new();
    let inside = world.host("volume");
    std::fs::create_dir(inside.join("directory")).expect("makes");
    std::fs::write(inside.join("directory/file"), "text").expect("writes");
    let host = world.host("outside/secret");
    for (target, name) in [
        ("directory/file", "good"),
        ("directory", "good_directory"),
        ("../outside/secret", "out"),
        ("../outside", "out_directory"),
        ("directory/../../outside/secret", "around"),
        (host.to_str().expect("text"), "absolute"),
        ("/proc/self/environ", "proc"),
        ("loop", "loop"),
        ("missing", "dangling"),
    ] {
        symlink(target, inside.join(name)).expect("links");
    }
    for (name, expected) in [("good", "text"), ("good_directory/file", "text")] {
        assert_eq!(world.read(&format!("/codefresh/volume/{name}")), Ok(expected.to_owned()), "{name}");
    }
    for name in ["out", "out_directory/secret", "around", "absolute", "proc", "loop", "dangling"] {
        let name = format!("/codefresh/volume/{name}");
        assert!(world.read(&name).is_err(), "{name}");
        assert!(world.kind(&name, true).is_err(), "{name}");
        assert!(!world.tree.access(&path(&name), Access::Read), "{name}");
        assert!(world.tree.canonicalize(&path(&name)).is_err(), "{name}");
        if !name.contains("secret") {
            assert_eq!(world.kind(&name, false), Ok(FileKind::Symlink), "{name}");
            if !name.ends_with("dangling") {
                assert!(world.write(&name, &OpenOptions::writing(0)).is_err(), "{name}");
            }
        }
    }
    assert!(world.tree.read_dir(&path("/codefresh/volume/out_directory")).is_err());
    assert_eq!(std::fs::read_to_string(&host).expect("reads"), "secret");
    assert_eq!(std::fs::read_dir(world.host("outside")).expect("reads").count(), 1);
    let target = world.tree.read_link(&path("/codefresh/volume/out")).expect("reads");
    assert_eq!(target, b"../outside/secret");
    let real = world.tree.canonicalize(&path("/codefresh/volume/good_directory/file")).expect("is there");
    assert_eq!(real, path("/codefresh/volume/directory/file"));
}

#[test]
fn a_directory_that_turns_into_a_link_leads_nowhere() {
    let world = World::new();
    let inside = world.host("volume");
    std::fs::create_dir(inside.join("real")).expect("makes");
    std::fs::write(inside.join("real/secret"), "inside").expect("writes");
    symlink("../outside", inside.join("link")).expect("links");
    let flags = rustix::fs::RenameFlags::EXCHANGE;
    let cwd = rustix::fs::CWD;
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            for _ in 0..2000 {
                if let Ok(text) = world.read("/codefresh/volume/real/secret") {
                    assert_eq!(text, "inside");
                }
            }
        });
        while !reading.is_finished() {
            rustix::fs::renameat_with(cwd, inside.join("real"), cwd, inside.join("link"), flags).expect("swaps");
        }
    });
}

#[test]
fn devices_are_ours() {
    let world = World::new();
    assert_eq!(world.read("/dev/null"), Ok(String::new()));
    assert_eq!(world.write("/dev/null", &OpenOptions::writing(0)), Ok(()));
    assert_eq!(world.write("/dev/full", &OpenOptions::writing(0)), Err(ENOSPC));
    assert_eq!(world.read("/dev/tty"), Err(ENXIO));
    let bytes = |name: &str| {
        let mut bytes = [1; 64];
        let file = world.open(name, &OpenOptions::reading()).expect("opens");
        assert_eq!(file.read(&mut bytes, &CancelToken::new()).expect("reads"), 64, "{name}");
        bytes
    };
    assert_eq!(bytes("/dev/zero"), [0; 64]);
    assert_ne!(bytes("/dev/urandom"), bytes("/dev/urandom"));
    assert_ne!(bytes("/dev/random"), [1; 64]);
    assert_eq!(world.kind("/dev/../dev/./null", true), Ok(FileKind::CharacterDevice));
    assert_eq!(world.kind("/dev/null/", true), Err(ENOTDIR));
    for name in ["/dev/sda", "/dev/mem", "/dev/nullx", "/dev/kmsg"] {
        assert_eq!(world.kind(name, true), Err(ENOENT), "{name}");
    }
    let names: Vec<_> = world.names("/dev").into_iter().map(|(name, _)| name).collect();
    let expected = ["full", "null", "random", "stderr", "stdin", "stdout", "tty", "urandom", "zero"];
    assert_eq!(names, expected.map(|name| name.as_bytes().to_vec()));
    assert!(std::fs::read_dir(world.host("root/dev")).expect("reads").next().is_none(), "nothing is made there");
}

#[test]
fn the_commands_of_the_image_stand_in_their_directories() {
    let world = World::new();
    for directory in stepbox_sandbox::COMMAND_DIRECTORIES {
        let name = format!("{directory}/ls");
        assert_eq!(world.kind(&name, true), Ok(FileKind::File), "{name}");
        assert!(world.tree.access(&path(&name), Access::Execute), "{name}");
        assert!(!world.tree.access(&path(&name), Access::Write), "{name}");
    }
    assert_eq!(world.read("/bin/ls"), Ok(String::new()));
    assert_eq!(world.write("/bin/ls", &OpenOptions::writing(0)), Err(EACCES));
    assert_eq!(world.kind("/bin/ls/", true), Err(ENOTDIR));
    assert_eq!(world.kind("/bin/nothing", true), Err(ENOENT));
    assert_eq!(world.kind("/opt/ls", true), Err(ENOENT));
    assert_eq!(world.tree.read_dir(&path("/bin/ls")).expect_err("a file").raw_os_error(), Some(ENOTDIR));
    assert_eq!(world.tree.read_link(&path("/bin/ls")).expect_err("no link").raw_os_error(), Some(EINVAL));
    std::fs::write(world.host("root/bin/ls"), "own").expect("writes");
    assert_eq!(world.read("/bin/ls"), Ok("own".to_owned()), "a file of the step's own comes first");
    let names = world.names("/bin");
    assert_eq!(names, [(b"cat".to_vec(), FileKind::File), (b"ls".to_vec(), FileKind::File)], "each name once");
}

#[test]
fn kinds_of_files_are_told_apart() {
    let world = World::new();
    let inside = world.host("volume");
    std::fs::create_dir(inside.join("directory")).expect("makes");
    std::fs::write(inside.join("file"), "").expect("writes");
    symlink("file", inside.join("link")).expect("links");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, inside.join("fifo"), rustix::fs::FileType::Fifo, mode, 0).expect("makes");
    let _socket = UnixListener::bind(inside.join("socket")).expect("binds");
    let expected = [
        ("directory", FileKind::Directory),
        ("fifo", FileKind::Fifo),
        ("file", FileKind::File),
        ("link", FileKind::Symlink),
        ("socket", FileKind::Socket),
    ];
    for (name, kind) in expected {
        assert_eq!(world.kind(&format!("/codefresh/volume/{name}"), false), Ok(kind), "{name}");
    }
    assert_eq!(world.names("/codefresh/volume"), expected.map(|(name, kind)| (name.as_bytes().to_vec(), kind)));
    // A pipe that nobody writes to holds nobody.
    assert_eq!(world.read("/codefresh/volume/fifo"), Ok(String::new()));
    assert_eq!(world.write("/codefresh/volume/fifo", &OpenOptions::writing(0)), Err(ENXIO));
    assert_eq!(world.kind("/codefresh/volume/file/", true), Err(ENOTDIR));
    assert_eq!(world.kind("/codefresh/volume/directory/", true), Ok(FileKind::Directory));
}

#[test]
fn names_are_bytes() {
    let world = World::new();
    let name = b"caf\xe9 \n";
    std::fs::write(world.host("volume").join(OsStr::from_bytes(name)), "text").expect("writes");
    assert_eq!(world.names("/codefresh/volume"), [(name.to_vec(), FileKind::File)]);
    let path = path("/codefresh/volume").join(name).expect("a path");
    let file = world.tree.open(&path, &OpenOptions::reading()).expect("opens");
    assert_eq!(file.read_to_end(10, &CancelToken::new()).expect("reads"), b"text");
    assert_eq!(world.tree.canonicalize(&path).expect("is there"), path);
}

#[test]
fn modes_and_first_bytes_decide_what_can_be_executed() {
    let world = World::new();
    for (name, text, mode, expected) in [
        ("text", "echo", 0o644, false),
        ("marked", "echo", 0o755, true),
        ("marked_for_others", "echo", 0o645, true),
        ("script", "#!/bin/sh\n", 0o644, true),
        ("module", "\0asm\x01\0\0\0", 0o644, true),
        ("half", "\0as", 0o644, false),
        ("hash", "#", 0o644, false),
        ("empty", "", 0o644, false),
    ] {
        let file = world.host("volume").join(name);
        std::fs::write(&file, text).expect("writes");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("sets");
        let inside = path(&format!("/codefresh/volume/{name}"));
        assert_eq!(world.tree.access(&inside, Access::Execute), expected, "{name}");
        assert!(world.tree.access(&inside, Access::Read) && world.tree.access(&inside, Access::Write), "{name}");
    }
    assert!(world.tree.access(&path("/codefresh/volume"), Access::Execute));
    assert!(world.tree.access(&path("/codefresh/volume/"), Access::Execute));
    for access in [Access::Read, Access::Write, Access::Execute] {
        assert!(!world.tree.access(&path("/codefresh/volume/missing"), access), "{access:?}");
        assert!(!world.tree.access(&path("/codefresh/volume/script/"), access), "{access:?}");
    }
    assert!(world.tree.access(&path("/dev/null"), Access::Write));
    assert!(!world.tree.access(&path("/dev/null"), Access::Execute));
}

#[test]
fn commands_are_found_by_path_and_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let open = || Dir::open_ambient_dir(directory.path(), ambient_authority()).expect("opens");
    let sandbox = Sandbox::new(image(), Limits::default());
    let commands = sandbox.commands(
        sandbox.tree((open(), Quota::default()), (open(), Quota::default()), vec![], vec![]).expect("a tree"),
        Profile::Step,
    );
    for (name, search, cwd, expected) in [
        ("ls", "/bin", "/", Some("/bin/ls")),
        ("ls", "/opt:/usr/bin:/bin", "/", Some("/usr/bin/ls")),
        ("ls", "", "/bin", Some("/bin/ls")),
        ("ls", "/opt:", "/sbin", Some("/sbin/ls")),
        ("ls", "bin", "/usr", Some("/usr/bin/ls")),
        ("ls", "", "/", None),
        ("ls", "/opt", "/bin", None),
        ("od", "/bin", "/", None),
        ("", "/bin", "/", None),
        ("..", "/bin", "/", None),
        ("/bin/ls", "", "/", Some("/bin/ls")),
        ("/opt/../bin//ls", "", "/", Some("/bin/ls")),
        ("./ls", "/bin", "/bin", Some("/bin/ls")),
        ("./ls", "/bin", "/", None),
        ("bin/ls", "", "/usr", Some("/usr/bin/ls")),
        ("/ls", "/bin", "/bin", None),
        ("l\0s", "/bin", "/", None),
    ] {
        let found = match commands.resolve(name.as_bytes(), search.as_bytes(), &path(cwd)) {
            Resolution::Found(program) => Some(program.path.to_string()),
            Resolution::NotFound(None) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(found.as_deref(), expected, "{name} {search} {cwd}");
    }
    assert_eq!(sandbox.instantiated(), 0, "looking starts nothing");
}

#[test]
fn links_are_resolved_against_the_virtual_root() {
    let world = World::new();
    std::fs::create_dir_all(world.host("root/tmp")).expect("makes");
    std::fs::create_dir(world.host("volume/directory")).expect("makes");
    std::fs::write(world.host("volume/file"), "text").expect("writes");
    for (target, name) in [
        ("/codefresh/volume/file", "root/tmp/absolute"),
        ("../codefresh/volume", "root/tmp/up"),
        ("../../../../../../tmp/absolute", "volume/far"),
        ("/tmp/up/directory/..", "volume/around"),
        ("/dev/zero", "volume/zero"),
        ("/bin/ls", "volume/command"),
        ("/fixed/file", "volume/fixed"),
        ("/codefresh/volume/new", "root/tmp/dangling"),
        ("directory/", "volume/slash"),
        ("file/", "volume/no_directory"),
    ] {
        symlink(target, world.host(name)).expect("links");
    }
    for name in [
        "/tmp/absolute",
        "/tmp/up/file",
        "/codefresh/volume/far",
        "/codefresh/volume/around/file",
        "/tmp/up/around/far",
    ] {
        assert_eq!(world.read(name), Ok("text".to_owned()), "{name}");
        assert_eq!(world.tree.canonicalize(&path(name)).expect("there"), path("/codefresh/volume/file"), "{name}");
    }
    assert_eq!(world.kind("/codefresh/volume/zero", true), Ok(FileKind::CharacterDevice));
    assert_eq!(world.read("/codefresh/volume/command"), Ok(String::new()));
    assert_eq!(world.read("/codefresh/volume/fixed"), Ok("fixed".to_owned()));
    assert_eq!(world.write("/codefresh/volume/fixed", &OpenOptions::writing(0)), Err(EROFS));
    assert_eq!(world.kind("/codefresh/volume/slash", true), Ok(FileKind::Directory));
    assert_eq!(world.kind("/codefresh/volume/no_directory", true), Err(ENOTDIR));
    assert_eq!(world.write("/tmp/dangling", &OpenOptions::writing(0)), Ok(()));
    assert_eq!(std::fs::read_to_string(world.host("volume/new")).expect("made where the link says"), "new");
    let new = OpenOptions { create_new: true, ..OpenOptions::writing(0) };
    assert_eq!(world.write("/tmp/dangling", &new), Err(EEXIST), "a link is something that is there");
}

#[test]
fn a_single_file_is_laid_over_an_entry() {
    let directory = tempfile::tempdir().expect("a directory");
    let open = |name: &str| {
        std::fs::create_dir_all(directory.path().join(name)).expect("makes");
        Dir::open_ambient_dir(directory.path().join(name), ambient_authority()).expect("opens")
    };
    let mounts = [("/", "root"), ("/codefresh/volume", "volume")].map(|(at, name)| Mount {
        at: path(at),
        directory: open(name),
        writable: true,
        quota: Quota::default(),
    });
    let file = FileMount {
        at: path("/codefresh/volume/exports"),
        directory: open("own"),
        name: b"mine".to_vec(),
        writable: true,
    };
    std::fs::write(directory.path().join("volume/exports"), "everybody's").expect("writes");
    std::fs::write(directory.path().join("own/mine"), "mine").expect("writes");
    symlink("exports", directory.path().join("volume/link")).expect("links");
    let world = World { tree: FileTree::with_files(mounts.into(), vec![file], Arc::new(image())), directory };
    for name in ["/codefresh/volume/exports", "/codefresh/volume/link", "/codefresh/../codefresh/volume/exports"] {
        assert_eq!(world.read(name), Ok("mine".to_owned()), "{name}");
    }
    assert_eq!(world.write("/codefresh/volume/link", &OpenOptions::appending(0)), Ok(()));
    assert_eq!(std::fs::read_to_string(world.host("own/mine")).expect("reads"), "minenew");
    assert_eq!(std::fs::read_to_string(world.host("volume/exports")).expect("reads"), "everybody's");
    let names = || world.names("/codefresh/volume").into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(), [b"exports".to_vec(), b"link".to_vec()]);
    std::fs::remove_file(world.host("own/mine")).expect("removes");
    assert_eq!(world.read("/codefresh/volume/exports"), Err(ENOENT));
    assert_eq!(names(), [b"link".to_vec()], "the one below does not come to light");
}

#[test]
fn a_hundred_thousand_entries_are_listed() {
    let world = World::new();
    for number in 0..100_000 {
        std::fs::File::create(world.host(&format!("volume/{number}"))).expect("makes");
    }
    assert_eq!(world.names("/codefresh/volume").len(), 100_000);
}

//! Guests that mean harm: each ends in the expected error, and the host is as it was.

mod support;

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;

use stepbox_limits::Limits;
use stepbox_system::{CancelToken, ExitStatus, OpenFile, Signal, pipe};
use support::{Bench, Ended, module};

const SUCCESS: u8 = 0;
const ACCES: u8 = 2;
const BUSY: u8 = 10;
const EXIST: u8 = 20;
const FAULT: u8 = 21;
const INVAL: u8 = 28;
const ISDIR: u8 = 31;
const MFILE: u8 = 33;
const NAMETOOLONG: u8 = 37;
const NOENT: u8 = 44;
const NOTDIR: u8 = 54;
const PERM: u8 = 63;
const XDEV: u8 = 75;

/// A text as WAT writes it.
fn quoted(text: &[u8]) -> String {
    text.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// A guest that ends with the number that a call gives it; `@path` stands for a path's address and length, `@other` for a second one's.
fn ends_with(call: &str, path: &[u8], other: &[u8]) -> String {
    let call = call
        .replace("@path", &format!("(i32.const 1024) (i32.const {})", path.len()))
        .replace("@other", &format!("(i32.const 8192) (i32.const {})", other.len()));
    module(&format!(
        r#"(data (i32.const 1024) "{}") (data (i32.const 8192) "{}")
        (func (export "_start") (call $proc_exit {call}))"#,
        quoted(path),
        quoted(other)
    ))
}

/// Everything below a directory, with what is in it.
fn tree(directory: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).expect("reads") {
            let path = entry.expect("reads").path();
            let kind = path.symlink_metadata().expect("told");
            let text = if kind.is_symlink() {
                format!("-> {}", path.read_link().expect("a link").display())
            } else if kind.is_dir() {
                open.push(path.clone());
                "directory".to_owned()
            } else {
                String::from_utf8_lossy(&std::fs::read(&path).expect("reads")).into_owned()
            };
            found.insert(path.display().to_string(), text);
        }
    }
    found
}

/// Calls on a path below the volume, which is a boundary; each by its WASI name.
const PATH_CALLS: [(&str, &str); 9] = [
    (
        "path_open",
        "(call $path_open (i32.const 4) (i32.const 1) @path (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8))",
    ),
    (
        "path_open to make",
        "(call $path_open (i32.const 4) (i32.const 1) @path (i32.const 9) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 8))",
    ),
    ("path_create_directory", "(call $path_create_directory (i32.const 4) @path)"),
    ("path_remove_directory", "(call $path_remove_directory (i32.const 4) @path)"),
    ("path_unlink_file", "(call $path_unlink_file (i32.const 4) @path)"),
    (
        "path_filestat_set_times",
        "(call $path_filestat_set_times (i32.const 4) (i32.const 1) @path (i64.const 0) (i64.const 0) (i32.const 5))",
    ),
    ("path_symlink", "(call $path_symlink @other (i32.const 4) @path)"),
    ("path_rename from", "(call $path_rename (i32.const 4) @path (i32.const 4) @other)"),
    ("path_link to", "(call $path_link (i32.const 4) (i32.const 0) @other (i32.const 4) @path)"),
];

#[test]
fn no_call_leads_out_of_a_directory_that_is_a_boundary() {
    for path in [
        "..",
        "../outside",
        "../outside/secret",
        "../outside/",
        "directory/../../outside/secret",
        "up/secret",
        "up/",
        "link/",
        "/outside/secret",
        "directory/..//../outside",
    ] {
        for (name, call) in PATH_CALLS {
            let bench = Bench::new(&ends_with(call, path.as_bytes(), b"file"));
            std::fs::create_dir_all(bench.path("root/outside")).expect("makes");
            std::fs::create_dir(bench.path("outside")).expect("makes");
            std::fs::create_dir(bench.path("volume/directory")).expect("makes");
            for name in ["root/outside/secret", "outside/secret", "volume/file"] {
                std::fs::write(bench.path(name), "secret").expect("writes");
            }
            symlink("../outside", bench.path("volume/up")).expect("links");
            symlink("../outside/secret", bench.path("volume/link")).expect("links");
            let places = || ["root", "outside"].map(|name| tree(&bench.path(name)));
            let before = places();
            let status = bench.run(&[]).status.code();
            let allowed = [PERM, NOTDIR, EXIST, NOENT, ISDIR, INVAL];
            assert!(allowed.contains(&status), "{name} {path}: {status}");
            assert!(places() == before, "{name} {path}");
        }
    }
}

#[test]
fn odd_names_are_errors_or_names() {
    let long = [b'x'; 256];
    let longer = b"d/".repeat(2049);
    for (path, expected) in [
        (&b""[..], NOENT),
        (b"a\0b", INVAL),
        (b"\0", INVAL),
        (&long, NAMETOOLONG),
        (&longer, NAMETOOLONG),
        (b"file/", NOTDIR),
        (b"file/.", NOTDIR),
        (b"file/..", NOTDIR),
        (b"file//x", NOTDIR),
        (b"\xff\xfe", SUCCESS),
        (b" \n", SUCCESS),
        (b"./file", SUCCESS),
        (b".//.//file", SUCCESS),
    ] {
        let call = "(call $path_open (i32.const 4) (i32.const 1) @path (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8))";
        let bench = Bench::new(&ends_with(call, path, b""));
        std::fs::write(bench.path("volume/file"), "").expect("writes");
        for name in [&b"\xff\xfe"[..], b" \n"] {
            let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name);
            std::fs::write(bench.path("volume").join(name), "").expect("writes");
        }
        assert_eq!(bench.run(&[]).status.code(), expected, "{:?}", String::from_utf8_lossy(path));
    }
}

#[test]
fn a_dot_at_the_end_names_what_is_there_and_makes_nothing() {
    for (path, expected) in
        [("new/.", NOENT), ("new/./", NOENT), ("file/.", NOTDIR), (".", EXIST), ("there/.", EXIST), ("there/..", EXIST)]
    {
        let bench = Bench::new(&ends_with("(call $path_create_directory (i32.const 4) @path)", path.as_bytes(), b""));
        std::fs::create_dir(bench.path("volume/there")).expect("makes");
        std::fs::write(bench.path("volume/file"), "").expect("writes");
        assert_eq!(bench.run(&[]), Ended::new(expected, "", ""), "{path}");
        assert!(!bench.path("volume/new").exists(), "{path}");
    }
}

/// Found by the fuzz target `host`.
#[test]
fn a_directory_that_is_held_stays_itself_when_it_is_renamed_and_truncation_goes_with_appending() {
    let text = module(
        r#"(data (i32.const 1024) "there") (data (i32.const 1040) "moved") (data (i32.const 1056) ".") (data (i32.const 1064) "file")
        (func (export "_start") (local $failed i32)
            (local.set $failed (call $path_open (i32.const 4) (i32.const 0) (i32.const 1024) (i32.const 5) (i32.const 2) (i64.const 0xfffff80) (i64.const 0xfffff80) (i32.const 0) (i32.const 64)))
            (local.set $failed (i32.or (local.get $failed) (call $path_rename (i32.const 4) (i32.const 1024) (i32.const 5) (i32.const 4) (i32.const 1040) (i32.const 5))))
            (local.set $failed (i32.or (local.get $failed) (call $fd_filestat_get (i32.load (i32.const 64)) (i32.const 128))))
            (local.set $failed (i32.or (local.get $failed) (call $path_open (i32.load (i32.const 64)) (i32.const 0) (i32.const 1056) (i32.const 1) (i32.const 2) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 68))))
            (local.set $failed (i32.or (local.get $failed) (call $path_open (i32.const 4) (i32.const 0) (i32.const 1064) (i32.const 4) (i32.const 8) (i64.const 64) (i64.const 0) (i32.const 1) (i32.const 72))))
            (call $proc_exit (local.get $failed)))"#,
    );
    let bench = Bench::new(&text);
    std::fs::create_dir(bench.path("volume/there")).expect("makes");
    std::fs::write(bench.path("volume/file"), "text").expect("writes");
    assert_eq!(bench.run(&[]), Ended::new(SUCCESS, "", ""));
    assert_eq!(std::fs::read(bench.path("volume/file")).expect("reads"), b"");
}

#[test]
fn mounts_stay_where_they_are_and_nothing_is_renamed_or_linked_between_them() {
    for (call, path, other, expected) in [
        ("(call $path_rename (i32.const 3) @path (i32.const 3) @other)", "codefresh", "x", BUSY),
        ("(call $path_rename (i32.const 3) @path (i32.const 3) @other)", "codefresh/volume", "x", BUSY),
        ("(call $path_rename (i32.const 3) @path (i32.const 3) @other)", "x", "codefresh/volume", BUSY),
        ("(call $path_remove_directory (i32.const 3) @path)", "codefresh/volume", "", BUSY),
        ("(call $path_remove_directory (i32.const 3) @path)", "codefresh/volume/", "", BUSY),
        ("(call $path_remove_directory (i32.const 3) @path)", "codefresh", "", BUSY),
        ("(call $path_remove_directory (i32.const 3) @path)", "dev", "", BUSY),
        ("(call $path_unlink_file (i32.const 3) @path)", "codefresh/volume", "", ISDIR),
        ("(call $path_rename (i32.const 3) @path (i32.const 4) @other)", "file", "x", XDEV),
        ("(call $path_rename (i32.const 3) @path (i32.const 3) @other)", "codefresh/volume/file", "x", XDEV),
        ("(call $path_link (i32.const 3) (i32.const 0) @path (i32.const 4) @other)", "file", "x", XDEV),
        ("(call $path_link (i32.const 4) (i32.const 0) @path (i32.const 3) @other)", "file", "x", XDEV),
        ("(call $path_link (i32.const 4) (i32.const 1) @path (i32.const 4) @other)", "file", "x", INVAL),
        ("(call $path_link (i32.const 4) (i32.const 0) @path (i32.const 4) @other)", "file", "x", SUCCESS),
        ("(call $path_rename (i32.const 4) @path (i32.const 4) @other)", "file", "x", SUCCESS),
        ("(call $path_rename (i32.const 4) @path (i32.const 4) @other)", "file/", "x", NOTDIR),
        ("(call $path_rename (i32.const 4) @path (i32.const 4) @other)", "file", "x/", NOTDIR),
        ("(call $path_unlink_file (i32.const 3) @path)", "bin/tool", "", 69),
        ("(call $path_unlink_file (i32.const 3) @path)", "dev/null", "", 69),
    ] {
        let bench = Bench::new(&ends_with(call, path.as_bytes(), other.as_bytes()));
        for name in ["root/codefresh/volume", "root/dev", "root/bin", "root/x"] {
            std::fs::create_dir_all(bench.path(name)).expect("makes");
        }
        for name in ["root/file", "volume/file"] {
            std::fs::write(bench.path(name), "").expect("writes");
        }
        assert_eq!(bench.run(&[]).status.code(), expected, "{call} {path} {other}");
    }
}

#[test]
fn every_address_and_length_is_checked() {
    let far = "(i32.const 65533)";
    for call in [
        "(call $args_get (i32.const -1) (i32.const 0))",
        "(call $args_get (i32.const 0) (i32.const -1))",
        "(call $args_sizes_get (i32.const 0) FAR)",
        "(call $environ_get (i32.const -4) (i32.const 0))",
        "(call $environ_sizes_get FAR (i32.const 0))",
        "(call $clock_time_get (i32.const 1) (i64.const 0) FAR)",
        "(call $clock_res_get (i32.const 1) FAR)",
        "(call $random_get (i32.const 0) (i32.const -1))",
        "(call $random_get FAR (i32.const 4))",
        "(call $fd_write (i32.const 1) FAR (i32.const 1) (i32.const 0))",
        "(call $fd_write (i32.const 1) (i32.const 4096) (i32.const 1) FAR)",
        "(call $fd_read (i32.const 0) (i32.const 0) (i32.const 1024) FAR)",
        "(call $fd_fdstat_get (i32.const 1) FAR)",
        "(call $fd_filestat_get (i32.const 1) FAR)",
        "(call $fd_prestat_get (i32.const 3) FAR)",
        "(call $fd_prestat_dir_name (i32.const 3) (i32.const 65536) (i32.const 100))",
        "(call $fd_readdir (i32.const 3) FAR (i32.const 100) (i64.const 0) (i32.const 0))",
        "(call $fd_readdir (i32.const 3) (i32.const 0) (i32.const -1) (i64.const 0) (i32.const 0))",
        "(call $path_open (i32.const 3) (i32.const 0) FAR (i32.const 4) (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0))",
        "(call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 1) (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) FAR)",
        "(call $path_filestat_get (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 1) FAR)",
        "(call $path_readlink (i32.const 4) (i32.const 8192) (i32.const 4) FAR (i32.const 100) (i32.const 0))",
        "(call $path_symlink (i32.const -1) (i32.const 1) (i32.const 3) (i32.const 1024) (i32.const 1))",
        "(call $path_rename (i32.const 3) (i32.const 1024) (i32.const 1) (i32.const 3) FAR (i32.const 9))",
    ] {
        let text = ends_with(&call.replace("FAR", far), b".", b"link");
        let bench = Bench::new(&text);
        symlink("target", bench.path("volume/link")).expect("links");
        let ended = bench.run_with(&[], |request| request.env = vec![(b"A".to_vec(), b"b".to_vec())]);
        assert_eq!(ended, Ended::new(FAULT, "", ""), "{call}");
        // Nothing that was opened for nobody stays open, and nothing was made.
        assert_eq!(std::fs::read_dir(bench.path("root")).expect("reads").count(), 0, "{call}");
    }
}

#[test]
fn descriptors_of_others_and_numbers_that_are_none_are_errors() {
    for (call, expected) in [
        ("(call $fd_close (i32.const 77))", 8),
        ("(call $fd_close (i32.const -1))", 8),
        ("(call $fd_renumber (i32.const 1) (i32.const 900))", 8),
        ("(call $fd_renumber (i32.const 1) (i32.const -1))", 8),
        ("(call $fd_renumber (i32.const 900) (i32.const 1))", 8),
        ("(call $fd_seek (i32.const 1) (i64.const 0) (i32.const 0) (i32.const 0))", 70),
        ("(call $fd_seek (i32.const 3) (i64.const 0) (i32.const 0) (i32.const 0))", 8),
        ("(call $fd_seek (i32.const 0) (i64.const 0) (i32.const 9) (i32.const 0))", INVAL),
        ("(call $fd_pread (i32.const 3) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 0))", 8),
        ("(call $fd_pwrite (i32.const 1) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 0))", 70),
        ("(call $fd_filestat_set_size (i32.const 3) (i64.const 0))", 8),
        ("(call $fd_allocate (i32.const 3) (i64.const 0) (i64.const 1))", 8),
        ("(call $fd_advise (i32.const 3) (i64.const 0) (i64.const 1) (i32.const 0))", 8),
        ("(call $fd_fdstat_set_flags (i32.const 1) (i32.const 65536))", INVAL),
        ("(call $fd_write (i32.const 1) (i32.const 0) (i32.const 1025) (i32.const 0))", INVAL),
        ("(call $fd_readdir (i32.const 1) (i32.const 0) (i32.const 10) (i64.const 0) (i32.const 0))", NOTDIR),
        (
            "(call $path_open (i32.const 4) (i32.const 0) @path (i32.const 16) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 8))",
            INVAL,
        ),
        (
            "(call $path_open (i32.const 4) (i32.const 0) @path (i32.const 3) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 8))",
            INVAL,
        ),
        (
            "(call $path_filestat_set_times (i32.const 4) (i32.const 0) @path (i64.const 0) (i64.const 0) (i32.const 3))",
            INVAL,
        ),
        ("(call $path_readlink (i32.const 4) @path (i32.const 0) (i32.const 10) (i32.const 100))", INVAL),
    ] {
        assert_eq!(Bench::new(&ends_with(call, b".", b"")).run(&[]), Ended::new(expected, "", ""), "{call}");
    }
}

#[test]
fn reading_never_gives_what_was_in_the_hosts_memory() {
    // Fills its memory with a pattern, reads a directory, and ends with 1 where more was written than told, or bytes of the
    // padding are not zero.
    let bench = Bench::new(&module(
        r#"(func (export "_start") (local $at i32)
          (memory.fill (i32.const 1024) (i32.const 0xaa) (i32.const 8192))
          (drop (call $fd_readdir (i32.const 4) (i32.const 1024) (i32.const 4096) (i64.const 0) (i32.const 0)))
          (local.set $at (i32.const 1024))
          (loop $more
            (if (i32.ne (i32.and (i32.load offset=20 (local.get $at)) (i32.const 0xffffff00)) (i32.const 0))
              (then (call $proc_exit (i32.const 1))))
            (local.set $at (i32.add (i32.add (local.get $at) (i32.const 24)) (i32.load offset=16 (local.get $at))))
            (br_if $more (i32.lt_u (local.get $at) (i32.add (i32.const 1024) (i32.load (i32.const 0))))))
          (if (i32.ne (i32.load8_u (local.get $at)) (i32.const 0xaa)) (then (call $proc_exit (i32.const 2)))))"#,
    ));
    std::fs::write(bench.path("volume/file"), "").expect("writes");
    assert_eq!(bench.run(&[]), Ended::new(0, "", ""));
}

#[test]
fn a_hundred_thousand_open_files_are_refused_and_told() {
    let bench = Bench::new(&module(
        r#"(data (i32.const 1024) ".")
        (func (export "_start") (local $count i32) (local $error i32)
          (loop $more
            (local.set $error (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 1) (i32.const 0)
              (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 8)))
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $count) (i32.const 100000))))
          (call $proc_exit (local.get $error)))"#,
    ));
    let told = "stepbox: tool: stopped at the limit `open-files` of 1024 for one command (`--limit open-files=…` changes it)\n";
    assert_eq!(bench.run(&[]), Ended::new(MFILE, "", told));
}

#[test]
fn a_million_tiny_writes_and_clock_spam_end() {
    let bench = Bench::new(&module(
        r#"(data (i32.const 1024) "x")
        (func (export "_start") (local $count i32)
          (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 1))
          (loop $more
            (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
            (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 16)))
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $count) (i32.const 1000000)))))"#,
    ));
    let ended = bench.run(&[]);
    assert_eq!((ended.status, ended.stdout.len(), ended.stderr.as_str()), (ExitStatus::SUCCESS, 1_000_000, ""));
}

#[test]
fn huge_arguments_arrive_or_are_an_error_of_the_guest() {
    let bench = Bench::new(&module(
        r#"(func (export "_start")
          (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
          (call $proc_exit (call $args_get (i32.const 1024) (i32.const 8192))))"#,
    ));
    assert_eq!(bench.run(&[&"x".repeat(50_000)]).status.code(), SUCCESS);
    assert_eq!(bench.run(&[&"x".repeat(70_000)]).status.code(), FAULT);
    let many = vec!["x"; 100_000];
    assert_eq!(bench.run(&many).status.code(), FAULT);
}

#[test]
fn a_wait_for_a_pipe_ends_with_data_its_end_a_clock_or_a_signal() {
    // Waits until standard input can be read, an hour at most; ends with the kind of what came first.
    let wait = |nanoseconds: u64| {
        module(&format!(
            r#"(func (export "_start")
              (i32.store8 (i32.const 2056) (i32.const 1))
              (i64.store (i32.const 2096) (i64.const 7))
              (i32.store (i32.const 2112) (i32.const 1))
              (i64.store (i32.const 2120) (i64.const {nanoseconds}))
              (if (call $poll_oneoff (i32.const 2048) (i32.const 4096) (i32.const 2) (i32.const 8)) (then (call $proc_exit (i32.const 99))))
              (call $proc_exit (i32.add (i32.mul (i32.load (i32.const 8)) (i32.const 10)) (i32.load8_u (i32.const 4106)))))"#
        ))
    };
    let hour = 3_600_000_000_000;
    let with_pipe = |nanoseconds, act: &(dyn Fn(OpenFile, &CancelToken) + Sync)| {
        let bench = Bench::new(&wait(nanoseconds));
        let (reader, writer) = pipe();
        let (writer, cancel) = (OpenFile::new(writer), CancelToken::new());
        std::thread::scope(|scope| {
            let token = cancel.clone();
            scope.spawn(move || act(writer, &token));
            bench.run_with(&[], |request| {
                request.files.insert(0, OpenFile::new(reader));
                request.cancel = cancel.child();
            })
        })
        .status
        .code()
    };
    let (held, hold) = std::sync::mpsc::channel::<OpenFile>();
    let signalled = with_pipe(hour, &move |writer, token| {
        held.send(writer).expect("held");
        token.cancel(Signal::Term);
    });
    assert_eq!(signalled, 143);
    drop(hold);
    let (held, hold) = std::sync::mpsc::channel::<OpenFile>();
    assert_eq!(with_pipe(1_000_000, &move |writer, _| held.send(writer).expect("held")), 10, "the clock");
    drop(hold);
}

#[test]
fn flipped_and_cut_modules_are_refused_or_run_and_never_more() {
    let good = wat::parse_str(module(r#"(func (export "_start") (call $proc_exit (i32.const 3)))"#)).expect("a module");
    for at in (0..good.len()).step_by(7) {
        let mut flipped = good.clone();
        flipped[at] ^= 1 << (at % 8);
        for bytes in [flipped, good[..at].to_vec()] {
            let ended = Bench::of_bytes(bytes, Limits::default()).run(&[]);
            assert!(ended.stdout.is_empty(), "{at}: {ended:?}");
        }
    }
}

#[test]
fn read_only_mounts_are_written_by_no_way() {
    for (call, path, other) in [
        (
            "(call $path_open (i32.const 3) (i32.const 1) @path (i32.const 0) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8))",
            "fixed/file",
            "",
        ),
        (
            "(call $path_open (i32.const 3) (i32.const 1) @path (i32.const 8) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8))",
            "fixed/file",
            "",
        ),
        (
            "(call $path_open (i32.const 3) (i32.const 1) @path (i32.const 9) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8))",
            "fixed/new",
            "",
        ),
        ("(call $path_create_directory (i32.const 3) @path)", "fixed/new", ""),
        ("(call $path_remove_directory (i32.const 3) @path)", "fixed/directory", ""),
        ("(call $path_unlink_file (i32.const 3) @path)", "fixed/file", ""),
        ("(call $path_rename (i32.const 3) @path (i32.const 3) @other)", "fixed/file", "fixed/x"),
        ("(call $path_rename (i32.const 3) @path (i32.const 3) @other)", "fixed/file", "x"),
        ("(call $path_rename (i32.const 3) @path (i32.const 3) @other)", "file", "fixed/x"),
        ("(call $path_link (i32.const 3) (i32.const 0) @path (i32.const 3) @other)", "fixed/file", "fixed/x"),
        ("(call $path_link (i32.const 3) (i32.const 0) @path (i32.const 3) @other)", "fixed/file", "x"),
        ("(call $path_symlink @other (i32.const 3) @path)", "fixed/x", "file"),
        (
            "(call $path_filestat_set_times (i32.const 3) (i32.const 1) @path (i64.const 0) (i64.const 0) (i32.const 5))",
            "fixed/file",
            "",
        ),
        (
            "(call $path_open (i32.const 3) (i32.const 1) @path (i32.const 8) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8))",
            "link",
            "",
        ),
    ] {
        let bench = Bench::with_fixed(&ends_with(call, path.as_bytes(), other.as_bytes()));
        std::fs::create_dir(bench.path("fixed/directory")).expect("makes");
        for name in ["fixed/file", "root/file"] {
            std::fs::write(bench.path(name), "as it was").expect("writes");
        }
        symlink("/fixed/file", bench.path("root/link")).expect("links");
        let before = tree(&bench.path("fixed"));
        let status = bench.run(&[]).status.code();
        assert!([69, XDEV, ACCES].contains(&status), "{call} {path}: {status}");
        assert!(tree(&bench.path("fixed")) == before, "{call} {path}");
    }
}

/// Every call that takes a path, on paths that end or climb in odd ways below a boundary: what is inside stays as it should,
/// what is outside is not there.
#[test]
fn slashes_at_the_end_and_climbing_inside_mean_what_they_mean_to_the_kernel() {
    let read = "(call $path_open (i32.const 4) (i32.const 1) @path (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8))";
    let make = "(call $path_create_directory (i32.const 4) @path)";
    let unlink = "(call $path_unlink_file (i32.const 4) @path)";
    let remove = "(call $path_remove_directory (i32.const 4) @path)";
    let stat = "(call $path_filestat_get (i32.const 4) (i32.const 1) @path (i32.const 64))";
    let read_link = "(call $path_readlink (i32.const 4) @path (i32.const 64) (i32.const 64) (i32.const 8))";
    for (name, call, path, expected) in [
        ("open", read, "file/", NOTDIR),
        ("open", read, "directory/../file", SUCCESS),
        ("open", read, "directory/./../file", SUCCESS),
        ("open", read, "file/../file", NOTDIR),
        ("open", read, "missing/../file", NOENT),
        ("stat", stat, "directory/", SUCCESS),
        ("stat", stat, "directory//", SUCCESS),
        ("stat", stat, "inner/", SUCCESS),
        ("stat", stat, "inner/..", SUCCESS),
        ("stat", stat, "file/", NOTDIR),
        ("make", make, "new/", SUCCESS),
        ("make", make, "directory/", EXIST),
        ("make", make, "file/", EXIST),
        ("make", make, "directory/../new/", SUCCESS),
        ("unlink", unlink, "file/", NOTDIR),
        ("unlink", unlink, "directory/../file", SUCCESS),
        ("unlink", unlink, "inner/", NOTDIR),
        ("remove", remove, "directory/", SUCCESS),
        ("remove", remove, "inner/", NOTDIR),
        ("remove", remove, "directory/.", INVAL),
        ("remove", remove, "file/", NOTDIR),
        ("read link", read_link, "inner", SUCCESS),
        ("read link", read_link, "inner/", INVAL),
        ("read link", read_link, "directory/../inner", SUCCESS),
    ] {
        let bench = Bench::new(&ends_with(call, path.as_bytes(), b""));
        std::fs::create_dir(bench.path("volume/directory")).expect("makes");
        std::fs::write(bench.path("volume/file"), "").expect("writes");
        symlink("directory", bench.path("volume/inner")).expect("links");
        assert_eq!(bench.run(&[]).status.code(), expected, "{name} {path}");
    }
}

//! What guests see of the world: what they are given, and nothing of the host.

mod support;

use std::os::unix::fs::symlink;

use stepbox_system::{CancelToken, ExitStatus, OpenFile, pipe};
use support::{Bench, Ended, module};

/// Prints its arguments and its environment, each ended by a zero byte.
const TELL: &str = r#"
  (func $print (param $sizes i32) (param $get i32)
    (i32.store (i32.const 16) (i32.const 8192))
    (i32.store (i32.const 20) (i32.load (i32.const 4)))
    (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8))))
  (func (export "_start")
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (drop (call $args_get (i32.const 1024) (i32.const 8192)))
    (call $print (i32.const 0) (i32.const 0))
    (drop (call $environ_sizes_get (i32.const 0) (i32.const 4)))
    (drop (call $environ_get (i32.const 1024) (i32.const 8192)))
    (call $print (i32.const 0) (i32.const 0)))"#;

#[test]
fn a_guest_has_its_arguments_and_its_environment_and_nothing_of_the_host() {
    assert!(std::env::var_os("PATH").is_some(), "this process has an environment to hide");
    let bench = Bench::new(&module(TELL));
    let ended = bench.run_with(&["one", "", "two words"], |request| {
        request.env = vec![(b"NAME".to_vec(), b"value".to_vec()), (b"PWD".to_vec(), b"/wrong".to_vec())];
    });
    let told = "tool\0one\0\0two words\0NAME=value\0PWD=/codefresh/volume\0";
    assert_eq!(ended, Ended::new(0, told, ""));
}

/// Opens a path below the descriptor with this number; WASI's number of the error is its status.
fn open(descriptor: u32, path: &str) -> String {
    module(&format!(
        r#"(data (i32.const 1024) "{path}")
        (func (export "_start")
          (call $proc_exit (call $path_open (i32.const {descriptor}) (i32.const 1) (i32.const 1024) (i32.const {})
            (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8))))"#,
        path.len()
    ))
}

const SUCCESS: u8 = 0;
const BADF: u8 = 8;
const NOENT: u8 = 44;
const NOTDIR: u8 = 54;
const PERM: u8 = 63;

#[test]
fn a_guest_opens_files_of_its_root_and_of_the_volume() {
    let status = |descriptor, path| {
        let bench = Bench::new(&open(descriptor, path));
        std::fs::write(bench.path("volume/file"), "text").expect("writes");
        std::fs::write(bench.path("root/file"), "text").expect("writes");
        bench.run(&[]).status.code()
    };
    for descriptor in [3, 4] {
        assert_eq!(status(descriptor, "file"), SUCCESS);
        assert_eq!(status(descriptor, "missing"), NOENT);
    }
    assert_eq!(status(99, "file"), BADF, "there is no such descriptor");
    assert_eq!(status(0, "file"), NOTDIR, "standard input is no directory");
}

#[test]
fn no_path_and_no_link_leads_out() {
    let hostile = [
        "../outside/secret",
        "/etc/passwd",
        "directory/../../outside/secret",
        "link",
        "link_to_directory/secret",
        "absolute",
        "proc/self/environ",
    ];
    for descriptor in [3, 4] {
        for path in hostile {
            let bench = Bench::new(&open(descriptor, path));
            std::fs::create_dir(bench.path("outside")).expect("makes");
            std::fs::write(bench.path("outside/secret"), "secret").expect("writes");
            for root in ["root", "volume"] {
                std::fs::create_dir(bench.path(root).join("directory")).expect("makes");
                symlink("../outside/secret", bench.path(root).join("link")).expect("links");
                symlink("../outside", bench.path(root).join("link_to_directory")).expect("links");
                symlink("/etc/passwd", bench.path(root).join("absolute")).expect("links");
            }
            let status = bench.run(&[]).status.code();
            assert!([PERM, NOENT].contains(&status), "{descriptor} {path}: {status}");
        }
    }
}

#[test]
fn a_directory_that_turns_into_a_link_leads_no_guest_out() {
    // Reads `real/secret` two thousand times; ends with 1 where it does not begin as the file inside does.
    let bench = Bench::new(&module(
        r#"(data (i32.const 1024) "real/secret")
        (func (export "_start") (local $count i32)
          (i32.store (i32.const 0) (i32.const 2048)) (i32.store (i32.const 4) (i32.const 1))
          (loop $more
            (if (i32.eqz (call $path_open (i32.const 4) (i32.const 1) (i32.const 1024) (i32.const 11) (i32.const 0)
                (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))
              (then
                (if (call $fd_read (i32.load (i32.const 8)) (i32.const 0) (i32.const 1) (i32.const 12))
                  (then (call $proc_exit (i32.const 2))))
                (if (i32.ne (i32.load8_u (i32.const 2048)) (i32.const 0x69))
                  (then (call $proc_exit (i32.const 1))))
                (if (call $fd_close (i32.load (i32.const 8))) (then (call $proc_exit (i32.const 3))))))
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $count) (i32.const 2000)))))"#,
    ));
    for (directory, text) in [("outside", "outside"), ("volume/real", "inside")] {
        std::fs::create_dir(bench.path(directory)).expect("makes");
        std::fs::write(bench.path(directory).join("secret"), text).expect("writes");
    }
    symlink("../outside", bench.path("volume/link")).expect("links");
    let (real, link) = (bench.path("volume/real"), bench.path("volume/link"));
    let (cwd, flags) = (rustix::fs::CWD, rustix::fs::RenameFlags::EXCHANGE);
    let ended = std::thread::scope(|scope| {
        let running = scope.spawn(|| bench.run(&[]));
        while !running.is_finished() {
            rustix::fs::renameat_with(cwd, &real, cwd, &link, flags).expect("swaps");
        }
        running.join().expect("ends")
    });
    assert_eq!(ended, Ended::new(0, "", ""));
}

#[test]
fn a_guest_has_clocks_and_random_numbers() {
    let bench = Bench::new(&module(
        r#"(func (export "_start")
          (if (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 0)) (then (call $proc_exit (i32.const 1))))
          (if (i64.lt_u (i64.load (i32.const 0)) (i64.const 1700000000000000000)) (then (call $proc_exit (i32.const 2))))
          (if (call $random_get (i32.const 16) (i32.const 16)) (then (call $proc_exit (i32.const 3))))
          (if (i64.eqz (i64.or (i64.load (i32.const 16)) (i64.load (i32.const 24)))) (then (call $proc_exit (i32.const 4)))))"#,
    ));
    assert_eq!(bench.run(&[]).status, ExitStatus::SUCCESS);
}

/// Prints the names of its directories, one a line, as a C library looks for them.
const DIRECTORIES: &str = r#"
  (data (i32.const 900) "\0a")
  (func (export "_start") (local $number i32) (local $error i32)
    (local.set $number (i32.const 3))
    (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 24) (i32.const 900)) (i32.store (i32.const 28) (i32.const 1))
    (loop $more
      (local.set $error (call $fd_prestat_get (local.get $number) (i32.const 0)))
      (if (i32.eq (local.get $error) (i32.const 8)) (then (return)))
      (if (local.get $error) (then (call $proc_exit (local.get $error))))
      (if (i32.eqz (i32.load (i32.const 0))) (then
        (i32.store (i32.const 20) (i32.load (i32.const 4)))
        (drop (call $fd_prestat_dir_name (local.get $number) (i32.const 1024) (i32.load (i32.const 4))))
        (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 2) (i32.const 8)))))
      (local.set $number (i32.add (local.get $number) (i32.const 1)))
      (br $more)))"#;

#[test]
fn a_guest_is_given_the_root_the_volume_the_top_of_the_tree_and_last_its_working_directory() {
    let bench = Bench::new(&module(DIRECTORIES));
    for name in ["root/etc", "root/usr", "root/codefresh/volume", "volume/usr"] {
        std::fs::create_dir_all(bench.path(name)).expect("makes");
    }
    let ended = bench.run(&[]);
    let mut names: Vec<_> = ended.stdout.lines().collect();
    names[3..].sort_unstable();
    // `usr` stands in the working directory too, which relative paths mean.
    assert_eq!(names, ["/", "/codefresh/volume", "//codefresh/volume", ".", "/codefresh", "/etc"], "{ended:?}");
    assert_eq!(ended.stdout.lines().last(), Some("."));

    // Redirections have the numbers that they were given, and do not keep a C library from finding its directories.
    let ended = bench.run_with(&[], |request| {
        request.files.insert(3, OpenFile::null());
        request.files.insert(5, OpenFile::null());
    });
    assert_eq!(ended.stdout.lines().take(3).collect::<Vec<_>>(), ["/", "/codefresh/volume", "//codefresh/volume"]);

    let marked = module(&format!("{DIRECTORIES} (func (export \"stepbox_guest_v1\"))"));
    let ended = Bench::new(&marked).run(&[]);
    assert_eq!(ended, Ended::new(0, "/\n/codefresh/volume\n//codefresh/volume\n", ""));
}

#[test]
fn the_volume_by_its_name_is_a_boundary() {
    let status = |path: &str| {
        let bench = Bench::new(&open(4, path));
        std::fs::create_dir_all(bench.path("volume/directory")).expect("makes");
        std::fs::create_dir_all(bench.path("root/etc")).expect("makes");
        std::fs::write(bench.path("root/etc/passwd"), "step's own").expect("writes");
        std::fs::write(bench.path("volume/file"), "text").expect("writes");
        symlink("file", bench.path("volume/link")).expect("links");
        symlink("../etc/passwd", bench.path("volume/up")).expect("links");
        symlink("/etc/passwd", bench.path("volume/absolute")).expect("links");
        bench.run(&[]).status.code()
    };
    for path in ["file", "./file", "directory/../file", "link", "directory/../link"] {
        assert_eq!(status(path), SUCCESS, "{path}");
    }
    for path in
        ["..", "../etc/passwd", "directory/../../etc/passwd", "/etc/passwd", "/", "up", "absolute", "../volume/file"]
    {
        assert_eq!(status(path), PERM, "{path}");
    }
    assert_eq!(status(""), NOENT);
    assert_eq!(status("file/"), NOTDIR);
    assert_eq!(status("file/x"), NOTDIR);
}

#[test]
fn a_redirection_reaches_the_guest_by_its_number() {
    let bench = Bench::new(&module(
        r#"(data (i32.const 1024) "text")
        (func (export "_start")
          (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 4))
          (call $proc_exit (call $fd_write (i32.const 7) (i32.const 0) (i32.const 1) (i32.const 8))))"#,
    ));
    let (reader, writer) = pipe();
    let ended = bench.run_with(&[], |request| {
        request.files.insert(7, OpenFile::new(writer));
    });
    assert_eq!(ended, Ended::new(0, "", ""));
    let text = OpenFile::new(reader).read_to_end(100, &CancelToken::new()).expect("reads");
    assert_eq!(text, b"text");
}

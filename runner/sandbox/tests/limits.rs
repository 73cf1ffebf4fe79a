//! Limits that commands run into: each stops them and says its name.

mod support;

use std::sync::Arc;

use stepbox_limits::{Budget, Limit, Limits};
use stepbox_sandbox::Quota;
use stepbox_system::{CancelToken, OpenOptions, Vfs, VirtualPath};
use support::{Bench, Ended, module};

const EDQUOT: i32 = 122;

fn path(text: &str) -> VirtualPath {
    VirtualPath::new(text).expect("a path")
}

fn quota(bytes: u64, entries: u64) -> Quota {
    let limits = Limits::default().with(Limit::Written, bytes).with(Limit::Entries, entries);
    let budget = |limit| Some(Arc::new(Budget::new(limits.setting(limit))));
    Quota { bytes: budget(Limit::Written), entries: budget(Limit::Entries) }
}

#[test]
fn all_commands_of_a_build_share_its_memory_and_give_it_back() {
    let body = r#"(func (export "_start")
      (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
      (call $proc_exit (i32.const 9)))"#;
    let bench = Bench::with(&module(body), Limits::default().with(Limit::BuildMemory, 32 << 20));
    let told = "stepbox: tool: stopped at the limit `build-memory` of 32 MiB for one build (`--limit build-memory=…` changes it)\n";
    for _ in 0..20 {
        assert_eq!(bench.run(&[]), Ended::new(9, "", told));
    }
    let small = module(r#"(func (export "_start"))"#);
    let bench = Bench::with(&small, Limits::default().with(Limit::BuildMemory, 1 << 16));
    for _ in 0..20 {
        assert_eq!(bench.run(&[]), Ended::new(0, "", ""), "what ended uses nothing");
    }
}

#[test]
fn the_stack_is_as_long_as_its_limit_says() {
    let body = r#"(func $deep (param i32) (result i32)
        (if (result i32) (local.get 0)
          (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
          (else (i32.const 0))))
      (func (export "_start") (drop (call $deep (i32.const 4000))))"#;
    assert_eq!(Bench::new(&module(body)).run(&[]), Ended::new(0, "", ""));
    let ended = Bench::with(&module(body), Limits::default().with(Limit::Stack, 64 << 10)).run(&[]);
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (139, ""));
    assert!(ended.stderr.starts_with("stepbox: tool: stopped: stack overflow in `deep`"), "{ended:?}");
    let told = ": the limit `stack` of 64 KiB for one command (`--limit stack=…` changes it)\n";
    assert!(ended.stderr.ends_with(told), "{ended:?}");
}

#[test]
fn bytes_of_a_quota_are_used_up_by_whoever_writes() {
    let bench = Bench::with_quota(&module(""), quota(10, 100));
    let tree = bench.tree();
    let cancel = CancelToken::new();
    let at = path("/codefresh/volume/file");
    let how = OpenOptions { write: true, create: true, ..OpenOptions::default() };
    let file = tree.open(&at, &how).expect("opens");
    file.write_all(b"1234567", &cancel).expect("fits");
    let error = file.write_all(b"8901", &cancel).expect_err("too much");
    assert_eq!(error.raw_os_error(), Some(EDQUOT));
    file.write_all(b"890", &cancel).expect("fits");
    assert_eq!(file.write(b"1", &cancel).expect_err("full").raw_os_error(), Some(EDQUOT));
    // Elsewhere there is room.
    let other = tree.open(&path("/tmp-file"), &how).expect("opens");
    other.write_all(&[0; 100], &cancel).expect("fits");
    assert_eq!(std::fs::read(bench.path("volume/file")).expect("there"), b"1234567890");
}

#[test]
fn a_file_that_grows_by_its_size_alone_counts_too() {
    let growing = |call: &str| {
        let body = format!(
            r#"(data (i32.const 1024) "codefresh/volume/f") (data (i32.const 2048) "x")
            (func (export "_start") (local $fd i32)
              (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 18) (i32.const 1)
                (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 8)))
              (local.set $fd (i32.load (i32.const 8)))
              (i32.store (i32.const 16) (i32.const 2048)) (i32.store (i32.const 20) (i32.const 1))
              (call $proc_exit {call}))"#
        );
        let bench = Bench::with_quota(&module(&body), quota(1000, 100));
        let status = bench.run(&[]).status.code();
        (status, std::fs::metadata(bench.path("volume/f")).map(|found| found.len()).ok())
    };
    const DQUOT: u8 = 19;
    let size = "(call $fd_filestat_set_size (local.get $fd)";
    assert_eq!(growing(&format!("{size} (i64.const 1000))")), (0, Some(1000)));
    assert_eq!(growing(&format!("{size} (i64.const 1001))")), (DQUOT, Some(0)));
    let room = "(call $fd_allocate (local.get $fd) (i64.const 500)";
    assert_eq!(growing(&format!("{room} (i64.const 500))")), (0, Some(1000)));
    assert_eq!(growing(&format!("{room} (i64.const 501))")), (DQUOT, Some(0)));
    let at = "(call $fd_pwrite (local.get $fd) (i32.const 16) (i32.const 1)";
    assert_eq!(growing(&format!("{at} (i64.const 999) (i32.const 32))")), (0, Some(1000)));
    assert_eq!(growing(&format!("{at} (i64.const 1000) (i32.const 32))")), (DQUOT, Some(0)));
    assert_eq!(growing(&format!("{at} (i64.const 0x4000000000000000) (i32.const 32))")), (DQUOT, Some(0)));
    let moved = |offset: u64| {
        format!(
            "(block (result i32) (drop (call $fd_seek (local.get $fd) (i64.const {offset}) (i32.const 0) (i32.const 40))) \
             (call $fd_write (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 32)))"
        )
    };
    assert_eq!(growing(&moved(999)), (0, Some(1000)));
    assert_eq!(growing(&moved(1000)), (DQUOT, Some(0)));
}

#[test]
fn entries_of_a_quota_are_used_up_by_what_is_made_and_by_nothing_else() {
    let bench = Bench::with_quota(&module(""), quota(1000, 3));
    let tree = bench.tree();
    let at = |name: &str| path(&format!("/codefresh/volume/{name}"));
    let how = OpenOptions { write: true, create: true, ..OpenOptions::default() };
    for _ in 0..5 {
        tree.open(&at("one"), &how).expect("made once, opened again");
    }
    tree.open(&at("missing/file"), &how).expect_err("no such directory");
    let new = OpenOptions { create_new: true, ..how };
    tree.open(&at("one"), &new).expect_err("there");
    tree.open(&at("two"), &new).expect("makes");
    let ending = |call: &str| {
        let body = format!(
            r#"(data (i32.const 1024) "codefresh/volume/x") (data (i32.const 2048) "codefresh/volume/one")
            (func (export "_start") (call $proc_exit {call}))"#
        );
        Bench::with_quota(&module(&body), quota(1000, 0)).run(&[]).status.code()
    };
    const DQUOT: u8 = 19;
    let new = "(i32.const 1024) (i32.const 18)";
    assert_eq!(ending(&format!("(call $path_create_directory (i32.const 3) {new})")), DQUOT);
    assert_eq!(ending(&format!("(call $path_symlink {new} (i32.const 3) {new})")), DQUOT);
    tree.open(&at("three"), &how).expect("the third");
    let error = tree.open(&at("four"), &how).expect_err("one too many");
    assert_eq!(error.raw_os_error(), Some(EDQUOT));
    assert!(!bench.path("volume/four").exists());
    tree.open(&path("/four"), &how).expect("elsewhere there is room");
}

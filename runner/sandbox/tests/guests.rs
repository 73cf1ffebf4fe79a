//! What small guests can do, and what ends them.

mod support;

use std::thread;

use stepbox_limits::{Limit, Limits};
use stepbox_system::{CancelToken, ExitStatus, OpenFile, Signal, pipe};
use support::{Bench, Ended, module};

/// Ends with as many as it has arguments.
const EXIT: &str = r#"
  (func (export "_start")
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (call $proc_exit (i32.sub (i32.load (i32.const 0)) (i32.const 1))))"#;

#[test]
fn every_status_from_0_to_255_arrives() {
    let bench = Bench::new(&module(EXIT));
    for status in 0..=255_u8 {
        let arguments: Vec<&str> = std::iter::repeat_n("x", usize::from(status)).collect();
        assert_eq!(bench.run(&arguments), Ended::new(status, "", ""));
    }
    assert_eq!(bench.modules(), 256);
    let bench = Bench::new(&module(r#"(func (export "_start") (call $proc_exit (i32.const 775)))"#));
    assert_eq!(bench.run(&[]).status, ExitStatus::new(7), "the low eight bits count");
    let bench = Bench::new(&module(r#"(func (export "_start"))"#));
    assert_eq!(bench.run(&[]), Ended::new(0, "", ""));
}

#[test]
fn a_guest_that_does_what_is_forbidden_is_ended_with_a_word() {
    for (status, body, why) in [
        (134, "unreachable", "aborted"),
        (136, "(drop (i32.div_s (i32.const 1) (i32.const 0)))", "wasm trap: integer divide by zero"),
        (139, "(drop (i32.load (i32.const -4)))", "wasm trap: out of bounds memory access"),
        (134, "(call_indirect (i32.const 3))", "wasm trap: undefined element: out of bounds table access"),
        (139, "(call $deep)", "stack overflow"),
    ] {
        let bench = Bench::new(&module(&format!(
            "(table 1 funcref) (func $deep (call $deep)) (func $main (export \"_start\") {body})"
        )));
        let ended = bench.run(&[]);
        let place = if why == "stack overflow" { "`deep`, called by `deep` at 0x" } else { "`main` at 0x" };
        let told = format!("stepbox: tool: stopped: {why} in {place}");
        assert_eq!((ended.status, ended.stdout.as_str()), (ExitStatus::new(status), ""), "{body}");
        assert!(ended.stderr.starts_with(&told) && ended.stderr.lines().count() == 1, "{body}: {ended:?}");
    }
}

#[test]
fn memory_is_bounded_and_the_bound_is_told() {
    let body = r#"(func (export "_start")
      (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
      (call $proc_exit (i32.const 9)))"#;
    let limits = Limits::default().with(Limit::Memory, 16 << 20);
    let bench = Bench::with(&module(body), limits);
    let told =
        "stepbox: tool: stopped at the limit `memory` of 16 MiB for one command (`--limit memory=…` changes it)\n";
    assert_eq!(bench.run(&[]), Ended::new(9, "", told));
}

#[test]
fn a_table_is_bounded() {
    let body = r#"(table $t 1 funcref) (func (export "_start")
      (loop $more (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1))))
      (call $proc_exit (i32.const 9)))"#;
    let limits = Limits::default().with(Limit::Table, 5000);
    let bench = Bench::with(&module(body), limits);
    let told = "stepbox: tool: stopped at the limit `table` of 5000 for one command (`--limit table=…` changes it)\n";
    assert_eq!(bench.run(&[]), Ended::new(9, "", told));
}

/// Writes what it reads; whatever goes wrong is its status.
const CAT: &str = r#"
  (func (export "_start") (local $error i32)
    (loop $more
      (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 4096))
      (local.set $error (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (if (local.get $error) (then (call $proc_exit (local.get $error))))
      (if (i32.eqz (i32.load (i32.const 8))) (then (return)))
      (i32.store (i32.const 4) (i32.load (i32.const 8)))
      (local.set $error (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (if (local.get $error) (then (call $proc_exit (local.get $error))))
      (br $more)))"#;

#[test]
fn what_goes_in_comes_out() {
    let bench = Bench::new(&module(CAT));
    let text: String = (0..20_000).map(|number| format!("line {number}\n")).collect();
    let (reader, writer) = pipe();
    let input = text.clone();
    let feeding = thread::spawn(move || {
        let cancel = CancelToken::new();
        OpenFile::new(writer).write_all(input.as_bytes(), &cancel).expect("writes");
    });
    let ended = bench.run_with(&[], |request| {
        request.files.insert(0, OpenFile::new(reader));
    });
    feeding.join().expect("ends");
    assert_eq!((ended.status, ended.stdout.len()), (ExitStatus::SUCCESS, text.len()));
    assert!(ended.stdout == text);
}

#[test]
fn a_guest_that_writes_where_nobody_reads_is_ended_without_a_word() {
    let bench = Bench::new(&module(CAT));
    let (input, feed) = pipe();
    OpenFile::new(feed).write_all(b"text", &CancelToken::new()).expect("writes");
    let (reader, writer) = pipe();
    drop(reader);
    let ended = bench.run_with(&[], |request| {
        request.files.insert(0, OpenFile::new(input));
        request.files.insert(1, OpenFile::new(writer));
    });
    assert_eq!(ended, Ended::new(141, "", ""));
}

#[test]
fn a_closed_descriptor_is_an_error_for_the_guest() {
    let bench = Bench::new(&module(
        r#"(func (export "_start")
          (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 4))
          (call $proc_exit (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))"#,
    ));
    let ended = bench.run_with(&[], |request| {
        request.files.remove(&1);
    });
    // WASI's number for EBADF.
    assert_eq!(ended.status, ExitStatus::new(8));
}

/// Says `go`, then does this for ever.
fn forever(body: &str) -> String {
    module(&format!(
        r#"(data (i32.const 1024) "go")
        (func (export "_start")
          (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 2))
          (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
          (loop $again {body} (br $again)))"#
    ))
}

/// One subscription to a clock, an hour from now.
const SLEEP: &str = r#"
  (i64.store (i32.const 2072) (i64.const 3600000000000))
  (i32.store (i32.const 2064) (i32.const 1))
  (drop (call $poll_oneoff (i32.const 2048) (i32.const 4096) (i32.const 1) (i32.const 8)))"#;

/// A read that finds nothing and no end.
const READ: &str = r#"
  (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 1))
  (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))"#;

#[test]
fn a_guest_that_computes_sleeps_or_waits_ends_when_it_is_cancelled() {
    let for_ever = SLEEP.replace("3600000000000", "-1");
    for (body, signal) in [
        ("nop", Signal::Term),
        ("nop", Signal::Kill),
        (SLEEP, Signal::Int),
        (for_ever.as_str(), Signal::Term),
        (READ, Signal::Term),
        (READ, Signal::Hup),
    ] {
        let bench = Bench::new(&forever(body));
        let cancel = CancelToken::new();
        let (input, feed) = pipe();
        let (reader, writer) = pipe();
        let cancelling = thread::spawn({
            let cancel = cancel.clone();
            move || {
                let mut said = [0; 2];
                OpenFile::new(reader).read(&mut said, &CancelToken::new()).expect("reads");
                cancel.cancel(signal);
            }
        });
        let ended = bench.run_with(&[], |request| {
            request.cancel = cancel.child();
            request.files.insert(0, OpenFile::new(input));
            request.files.insert(1, OpenFile::new(writer));
        });
        cancelling.join().expect("ends");
        drop(feed);
        assert_eq!(ended, Ended { status: ExitStatus::of_signal(signal), ..Ended::new(0, "", "") }, "{body}");
    }
}

#[test]
fn a_guest_that_is_cancelled_before_it_starts_does_nothing_for_long() {
    for text in [
        module(r#"(func (export "_start") (loop $again (br $again)))"#),
        module(r#"(func $first (loop $again (br $again))) (start $first) (func (export "_start"))"#),
    ] {
        let cancel = CancelToken::new();
        cancel.cancel(Signal::Term);
        let ended = Bench::new(&text).run_with(&[], |request| request.cancel = cancel);
        assert_eq!(ended, Ended { status: ExitStatus::of_signal(Signal::Term), ..Ended::new(0, "", "") });
    }
}

#[test]
fn a_closed_standard_input_is_no_descriptor() {
    let ended = Bench::new(&module(CAT)).run_with(&[], |request| {
        request.files.remove(&0);
    });
    // As on Linux; WASI's number for EBADF.
    assert_eq!(ended, Ended::new(8, "", ""));
}

#[test]
fn commands_that_start_first_at_once_share_what_is_made() {
    let bench = Bench::new(&module(EXIT));
    thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| bench.run(&["one"]))).collect();
        for one in all {
            assert_eq!(one.join().expect("ends"), Ended::new(1, "", ""));
        }
    });
    assert_eq!(bench.modules(), 4);
}

#[test]
fn open_files_are_bounded_and_the_bound_is_told() {
    // Opens its root again and again, until it is an error or it has been done two hundred times.
    let text = module(
        r#"(data (i32.const 1024) ".")
        (func (export "_start") (local $count i32)
          (loop $more
            (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 1) (i32.const 0)
                (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 8))
              (then (call $proc_exit (i32.const 9))))
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $count) (i32.const 200)))))"#,
    );
    assert_eq!(Bench::new(&text).run(&[]), Ended::new(0, "", ""));
    let limits = Limits::default().with(Limit::OpenFiles, 100);
    let told =
        "stepbox: tool: stopped at the limit `open-files` of 100 for one command (`--limit open-files=…` changes it)\n";
    assert_eq!(Bench::with(&text, limits).run(&[]), Ended::new(9, "", told));
    let closing =
        text.replace("(local.set $count", "(drop (call $fd_close (i32.load (i32.const 8)))) (local.set $count");
    assert_eq!(Bench::with(&closing, limits).run(&[]), Ended::new(0, "", ""), "what is closed does not count");
}

#[test]
fn a_module_that_begins_larger_than_allowed_is_refused() {
    let limits = Limits::default().with(Limit::Memory, 1 << 20).with(Limit::Table, 100);
    for (text, why) in [
        (r#"(module (memory 17) (func (export "_start")))"#, "memory"),
        (r#"(module (table 101 funcref) (func (export "_start")))"#, "table"),
        (r#"(module (memory 1) (memory 1) (func (export "_start")))"#, "memories"),
        (r#"(module (memory i64 1) (memory 1) (func (export "_start")))"#, "memor"),
    ] {
        let ended = Bench::with(text, limits).run(&[]);
        assert_eq!((ended.status, ended.stdout.as_str()), (ExitStatus::NOT_EXECUTABLE, ""), "{text}: {ended:?}");
        assert!(ended.stderr.contains(why), "{text}: {ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
    let fits = r#"(module (memory 16) (table 100 funcref) (func (export "_start")))"#;
    assert_eq!(Bench::with(fits, limits).run(&[]), Ended::new(0, "", ""));
}

#[test]
fn more_commands_at_once_than_allowed_fail_and_do_not_wait() {
    let limits = Limits::default().with(Limit::Threads, 1);
    let bench = Bench::with(&module(CAT), limits);
    let (input, feed) = pipe();
    let (output, writer) = pipe();
    thread::scope(|scope| {
        let first = scope.spawn(|| {
            bench.run_with(&[], |request| {
                request.files.insert(0, OpenFile::new(input));
                request.files.insert(1, OpenFile::new(writer));
            })
        });
        // It has started when it passes something on.
        let cancel = CancelToken::new();
        let feed = OpenFile::new(feed);
        feed.write_all(b"x", &cancel).expect("writes");
        OpenFile::new(output).read(&mut [0], &cancel).expect("reads");
        let second = bench.run(&[]);
        let told = "stepbox: tool: Resource temporarily unavailable: 1 commands run already\n";
        assert_eq!(second, Ended::new(126, "", told));
        drop(feed);
        assert_eq!(first.join().expect("ends").status, ExitStatus::SUCCESS);
    });
    assert_eq!(bench.run(&[]), Ended::new(0, "", ""), "there is room again");
}

#[test]
fn a_module_that_asks_for_what_is_not_there_is_refused_by_name() {
    let bench = Bench::new(r#"(module (import "env" "system" (func)) (func (export "_start")))"#);
    let ended = bench.run(&[]);
    assert_eq!(ended.status, ExitStatus::NOT_EXECUTABLE);
    assert!(ended.stderr.contains("`env::system`"), "{ended:?}");
    let bench = Bench::new("(module)");
    let ended = bench.run(&[]);
    assert!(ended.stderr.contains("_start"), "{ended:?}");
}

#[test]
fn what_is_no_module_is_refused() {
    for bytes in [&b""[..], b"\0asm", b"not wasm at all", b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f"] {
        let ended = Bench::of_bytes(bytes.to_vec(), Limits::default()).run(&[]);
        assert_eq!((ended.status, ended.stdout.as_str()), (ExitStatus::NOT_EXECUTABLE, ""), "{bytes:?}");
        assert!(ended.stderr.starts_with("stepbox: ") && ended.stderr.lines().count() >= 1, "{ended:?}");
    }
}

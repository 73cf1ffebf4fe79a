//! `stepbox_process_v1`: guests that start others.

mod support;

use std::sync::Arc;

use stepbox_limits::{Limit, Limits};
use stepbox_system::{CancelToken, ExitStatus, OpenFile, ProcessTable, Signal, Spawner, pipe};
use support::{Bench, Ended, module};

/// A module that may start others.
fn starting(body: &str) -> String {
    let mut imports = String::new();
    for (name, parameters) in [
        ("spawn", "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32"),
        ("wait", "i32 i32 i32 i32"),
        ("pipe", "i32 i32"),
        ("kill", "i32 i32"),
        ("getpid", "i32"),
    ] {
        imports.push_str(&format!(
            "(import \"stepbox_process_v1\" \"{name}\" (func ${name} (param {parameters}) (result i32)))\n"
        ));
    }
    module(body).replacen("(module\n", &format!("(module\n{imports}"), 1)
}

/// A bench whose commands may start others, at most `limit` at once.
fn bench(body: &str, limit: usize) -> (Bench, Arc<ProcessTable>) {
    let bench = Bench::with(&starting(body), Limits::default().with(Limit::Threads, 64));
    let processes = ProcessTable::new(limit);
    let commands: Arc<dyn Spawner> = bench.commands();
    bench.commands().let_start_others(Arc::downgrade(&commands), Arc::clone(&processes));
    (bench, processes)
}

/// Starts `tool x` with a pipe as its standard output, passes on what it writes, and ends with its status. As `tool x` it writes its
/// only variable and ends with 7.
const PARENT: &str = r#"
  (data (i32.const 1024) "tool") (data (i32.const 1028) "x") (data (i32.const 1032) "A=hello") (data (i32.const 1040) "nothing")
  (func $start (param $argv i32) (param $count i32) (param $files i32) (result i32)
    (call $spawn (local.get $argv) (local.get $count) (i32.const 240) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 18)
      (local.get $files) (i32.const 1) (i32.const 300)))
  (func $child
    (drop (call $environ_get (i32.const 2048) (i32.const 4096)))
    (i32.store (i32.const 0) (i32.const 4096)) (i32.store (i32.const 4) (i32.const 7))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $proc_exit (i32.const 7)))
  (func (export "_start")
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (if (i32.eq (i32.load (i32.const 0)) (i32.const 2)) (then (call $child)))
    ;; argv at 200, environment at 240, files at 260
    (i32.store (i32.const 200) (i32.const 1024)) (i32.store (i32.const 204) (i32.const 4))
    (i32.store (i32.const 208) (i32.const 1028)) (i32.store (i32.const 212) (i32.const 1))
    (i32.store (i32.const 240) (i32.const 1032)) (i32.store (i32.const 244) (i32.const 7))
    (if (call $pipe (i32.const 280) (i32.const 284)) (then (call $proc_exit (i32.const 101))))
    (i32.store (i32.const 260) (i32.const 1)) (i32.store (i32.const 264) (i32.load (i32.const 284)))
    (if (call $start (i32.const 200) (i32.const 2) (i32.const 260)) (then (call $proc_exit (i32.const 102))))
    (if (call $fd_close (i32.load (i32.const 284))) (then (call $proc_exit (i32.const 103))))
    (if (call $wait (i32.load (i32.const 300)) (i32.const 0) (i32.const 304) (i32.const 308)) (then (call $proc_exit (i32.const 104))))
    (if (i32.ne (i32.load (i32.const 300)) (i32.load (i32.const 304))) (then (call $proc_exit (i32.const 105))))
    (i32.store (i32.const 0) (i32.const 4096)) (i32.store (i32.const 4) (i32.const 100))
    (if (call $fd_read (i32.load (i32.const 280)) (i32.const 0) (i32.const 1) (i32.const 8)) (then (call $proc_exit (i32.const 106))))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    ;; It was waited for, and there is no other.
    (if (i32.ne (call $wait (i32.const 0) (i32.const 0) (i32.const 304) (i32.const 312)) (i32.const 12)) (then (call $proc_exit (i32.const 107))))
    (if (i32.ne (call $kill (i32.load (i32.const 300)) (i32.const 15)) (i32.const 71)) (then (call $proc_exit (i32.const 108))))
    ;; A name that nobody has, a descriptor that is not open, a list that is too long.
    (i32.store (i32.const 200) (i32.const 1040)) (i32.store (i32.const 204) (i32.const 7))
    (if (i32.ne (call $start (i32.const 200) (i32.const 1) (i32.const 260)) (i32.const 8)) (then (call $proc_exit (i32.const 109))))
    (i32.store (i32.const 264) (i32.const 1))
    (if (i32.ne (call $start (i32.const 200) (i32.const 1) (i32.const 260)) (i32.const 44)) (then (call $proc_exit (i32.const 110))))
    (if (i32.ne (call $start (i32.const 200) (i32.const 65537) (i32.const 260)) (i32.const 1)) (then (call $proc_exit (i32.const 111))))
    (if (i32.ne (call $start (i32.const 200) (i32.const 0) (i32.const 260)) (i32.const 28)) (then (call $proc_exit (i32.const 112))))
    (if (i32.ne (call $start (i32.const -8) (i32.const 2) (i32.const 260)) (i32.const 21)) (then (call $proc_exit (i32.const 113))))
    (call $proc_exit (i32.load (i32.const 308))))"#;

#[test]
fn a_guest_starts_another_hands_it_a_pipe_and_waits() {
    let (bench, processes) = bench(PARENT, 8);
    assert_eq!(bench.run(&[]), Ended::new(7, "A=hello", ""));
    assert_eq!((processes.live(), processes.started()), (0, 1));
}

#[test]
fn starting_is_not_supported_where_nobody_lets_it() {
    let bench = Bench::new(&starting(PARENT));
    assert_eq!(bench.run(&[]).status.code(), 102);
}

/// Starts itself again and again, and ends with the error that it gets; its children do the same.
const BOMB: &str = r#"
  (data (i32.const 1024) "tool")
  (func (export "_start") (local $error i32)
    (i32.store (i32.const 200) (i32.const 1024)) (i32.store (i32.const 204) (i32.const 4))
    (loop $more
      (local.set $error (call $spawn (i32.const 200) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 18) (i32.const 0) (i32.const 0) (i32.const 300)))
      (br_if $more (i32.eqz (local.get $error))))
    (loop $all
      (br_if $all (i32.eqz (call $wait (i32.const 0) (i32.const 0) (i32.const 304) (i32.const 308)))))
    (call $proc_exit (local.get $error)))"#;

#[test]
fn a_fork_bomb_ends_at_the_limit_of_processes() {
    let (bench, processes) = bench(BOMB, 8);
    let ended = bench.run(&[]);
    // EAGAIN.
    assert_eq!(ended.status, ExitStatus::new(6), "{ended:?}");
    assert_eq!(processes.live(), 0);
}

/// Starts a child that waits for ever and waits for it. With an argument it is that child.
const WAITING: &str = r#"
  (data (i32.const 1024) "tool") (data (i32.const 1028) "x")
  (func (export "_start")
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (if (i32.eq (i32.load (i32.const 0)) (i32.const 2)) (then (loop $again (br $again))))
    (i32.store (i32.const 200) (i32.const 1024)) (i32.store (i32.const 204) (i32.const 4))
    (i32.store (i32.const 208) (i32.const 1028)) (i32.store (i32.const 212) (i32.const 1))
    (if (call $spawn (i32.const 200) (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 18)
      (i32.const 0) (i32.const 0) (i32.const 300)) (then (call $proc_exit (i32.const 101))))
    (i32.store (i32.const 304) (i32.const 99))
    (if (call $wait (i32.const 0) (i32.const 1) (i32.const 304) (i32.const 308)) (then (call $proc_exit (i32.const 102))))
    (if (i32.load (i32.const 304)) (then (call $proc_exit (i32.const 103))))
    KILL
    (if (call $wait (i32.const 0) (i32.const 0) (i32.const 304) (i32.const 308)) (then (call $proc_exit (i32.const 104))))
    (call $proc_exit (i32.load (i32.const 308))))"#;

#[test]
fn a_child_is_ended_by_a_signal_of_its_parent_and_with_it() {
    let kill = "(if (call $kill (i32.load (i32.const 300)) (i32.const 15)) (then (call $proc_exit (i32.const 105))))";
    let (killing, processes) = bench(&WAITING.replace("KILL", kill), 8);
    assert_eq!(killing.run(&[]).status, ExitStatus::of_signal(Signal::Term));
    assert_eq!(processes.live(), 0);

    let tell = r#"(i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 1))
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"#;
    let (waiting, processes) = bench(&WAITING.replace("KILL", tell), 8);
    let cancel = CancelToken::new();
    let (reader, writer) = pipe();
    let ended = std::thread::scope(|scope| {
        let token = cancel.clone();
        scope.spawn(move || {
            OpenFile::new(reader).read(&mut [0], &CancelToken::new()).expect("reads");
            token.cancel(Signal::Int);
        });
        waiting.run_with(&[], |request| {
            request.cancel = cancel.child();
            request.files.insert(1, OpenFile::new(writer));
        })
    });
    assert_eq!(ended.status, ExitStatus::of_signal(Signal::Int));
    assert!(processes.wait_until_empty(std::time::Duration::from_secs(60)));
}

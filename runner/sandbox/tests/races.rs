//! A guest and the host swap a directory and a link that leads out, while another guest does everything below it that can be done.
//! `STEPBOX_TEST_HEAVY=60 cargo test -p stepbox-sandbox --test races` goes on for a minute.

mod support;

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use stepbox_system::{CancelToken, ExitStatus, Signal};
use support::{Bench, module};

/// For how long, beyond one round; nothing where nobody asks.
fn heavy() -> Option<Duration> {
    let seconds = std::env::var("STEPBOX_TEST_HEAVY").ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Without arguments: swaps `d` and `l` for ever. With one: a thousand times everything below `d`; ends with 1 where it reads what
/// is not in the directory.
fn racing() -> String {
    let path = |place: u32, text: &str| format!("(i32.const {place}) (i32.const {})", text.len());
    let texts =
        [(1024, "d"), (1040, "l"), (1056, "t"), (1072, "d/secret"), (1100, "d/new"), (1120, "d/dir"), (1140, "d/hard")];
    let [directory, link, aside, secret, new, inner, hard] = texts.map(|(place, text)| path(place, text));
    let data: String = texts.iter().map(|(place, text)| format!("(data (i32.const {place}) \"{text}\")\n")).collect();
    let rename = |from: &str, to: &str| format!("(drop (call $path_rename (i32.const 4) {from} (i32.const 4) {to}))\n");
    let open = |name: &str, create: u32, rights: u32| {
        format!(
            "(call $path_open (i32.const 4) (i32.const 1) {name} (i32.const {create}) (i64.const {rights}) (i64.const 0) \
             (i32.const 0) (i32.const 8))"
        )
    };
    module(&format!(
        r#"{data}
        (func $swap (loop $again {} {} {} (br $again)))
        (func $below
          (if (i32.eqz {})
            (then
              (drop (call $fd_read (i32.load (i32.const 8)) (i32.const 0) (i32.const 1) (i32.const 12)))
              (if (i32.ne (i32.load8_u (i32.const 2048)) (i32.const 0x69)) (then (call $proc_exit (i32.const 1))))
              (drop (call $fd_close (i32.load (i32.const 8))))))
          (if (i32.eqz {}) (then (drop (call $fd_close (i32.load (i32.const 8))))))
          (drop (call $path_create_directory (i32.const 4) {inner}))
          (drop (call $path_link (i32.const 4) (i32.const 0) {secret} (i32.const 4) {hard}))
          (drop (call $path_filestat_set_times (i32.const 4) (i32.const 1) {secret} (i64.const 0) (i64.const 0) (i32.const 5)))
          (drop (call $path_rename (i32.const 4) {new} (i32.const 4) {hard}))
          (drop (call $path_unlink_file (i32.const 4) {hard}))
          (drop (call $path_remove_directory (i32.const 4) {inner})))
        (func (export "_start") (local $count i32)
          (i32.store (i32.const 0) (i32.const 2048)) (i32.store (i32.const 4) (i32.const 1))
          (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
          (if (i32.eq (i32.load (i32.const 16)) (i32.const 1)) (then (call $swap)))
          (loop $more
            (call $below)
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $count) (i32.const 1000)))))"#,
        rename(&directory, &aside),
        rename(&link, &directory),
        rename(&aside, &link),
        open(&secret, 0, 2),
        open(&new, 1, 66),
    ))
}

#[test]
fn whoever_swaps_a_directory_and_a_link_nothing_outside_is_reached() {
    let bench = Bench::new(&racing());
    for (directory, text) in [("outside", "outside"), ("volume/d", "inside")] {
        std::fs::create_dir(bench.path(directory)).expect("makes");
        std::fs::write(bench.path(directory).join("secret"), text).expect("writes");
    }
    symlink("../outside", bench.path("volume/l")).expect("links");
    let outside = bench.path("outside");
    let before = std::fs::metadata(outside.join("secret")).expect("there").modified().expect("a time");
    let names = [bench.path("volume/d"), bench.path("volume/l")];
    let cancel = CancelToken::new();
    let end = heavy().map(|heavy| Instant::now() + heavy);
    std::thread::scope(|scope| {
        let swapping = scope.spawn(|| bench.run_with(&[], |request| request.cancel = cancel.clone()));
        let below = scope.spawn(|| {
            loop {
                let ended = bench.run(&["below"]);
                assert_eq!((ended.status, ended.stderr.as_str()), (ExitStatus::SUCCESS, ""));
                if end.is_none_or(|end| Instant::now() >= end) {
                    break;
                }
            }
        });
        let (cwd, flags) = (rustix::fs::CWD, rustix::fs::RenameFlags::EXCHANGE);
        while !below.is_finished() {
            // One of them may be aside.
            let _ = rustix::fs::renameat_with(cwd, &names[0], cwd, &names[1], flags);
        }
        cancel.cancel(Signal::Kill);
        below.join().expect("reads only what is inside");
        assert_eq!(swapping.join().expect("ends").status, ExitStatus::of_signal(Signal::Kill));
    });
    let left: Vec<_> =
        std::fs::read_dir(&outside).expect("reads").map(|entry| entry.expect("reads").file_name()).collect();
    assert_eq!(left, ["secret"]);
    let secret = outside.join("secret");
    assert_eq!(std::fs::read_to_string(&secret).expect("reads"), "outside");
    assert_eq!(std::fs::metadata(&secret).expect("there").modified().expect("a time"), before);
}

#[test]
fn ten_million_tiny_writes_end() {
    let count = if heavy().is_some() { 10_000_000 } else { 100_000 };
    let bench = Bench::new(&module(&format!(
        r#"(data (i32.const 1024) "x")
        (func (export "_start") (local $count i32)
          (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 1))
          (loop $more
            (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $count) (i32.const {count})))))"#
    )));
    let ended = bench.run(&[]);
    assert_eq!((ended.status, ended.stdout.len(), ended.stderr.as_str()), (ExitStatus::SUCCESS, count, ""));
}

//! What `poll_oneoff` answers.

mod support;

use stepbox_system::ExitStatus;
use support::{Bench, Ended, module};

const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;
const RELATIVE: u16 = 0;
const ABSOLUTE: u16 = 1;
const HOUR: u64 = 3_600_000_000_000;
const EFAULT: u8 = 21;
const EINVAL: u8 = 28;

/// A subscription to a clock.
fn clock(userdata: u8, clock: u32, time: u64, flags: u16) -> Vec<u8> {
    let mut bytes = vec![0; 48];
    bytes[0] = userdata;
    bytes[16..20].copy_from_slice(&clock.to_le_bytes());
    bytes[24..32].copy_from_slice(&time.to_le_bytes());
    bytes[40..42].copy_from_slice(&flags.to_le_bytes());
    bytes
}

/// A subscription to a descriptor, or to something that does not exist.
fn descriptor(userdata: u8, kind: u8) -> Vec<u8> {
    let mut bytes = vec![0; 48];
    (bytes[0], bytes[8]) = (userdata, kind);
    bytes
}

/// Polls with these numbers; ends with the error, or prints how many events there are and the events.
fn poll(subscriptions: &[Vec<u8>], at: u32, events: u32, count: usize, ready: u32) -> Ended {
    let data: String = subscriptions.concat().iter().map(|byte| format!("\\{byte:02x}")).collect();
    let text = module(&format!(
        r#"(data (i32.const 2048) "{data}")
        (func (export "_start") (local $error i32)
          (local.set $error (call $poll_oneoff (i32.const {at}) (i32.const {events}) (i32.const {count}) (i32.const {ready})))
          (if (local.get $error) (then (call $proc_exit (local.get $error))))
          (i32.store (i32.const 16) (i32.const 8)) (i32.store (i32.const 20) (i32.const 4))
          (i32.store (i32.const 24) (i32.const 8192))
          (i32.store (i32.const 28) (i32.mul (i32.load (i32.const 8)) (i32.const 32)))
          (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 32)))
          (drop (call $fd_write (i32.const 1) (i32.const 24) (i32.const 1) (i32.const 32))))"#
    ));
    Bench::new(&text).run(&[])
}

/// What is ready: for each event its user data, error and kind.
fn ready(subscriptions: &[Vec<u8>]) -> Vec<(u8, u8, u8)> {
    let ended = poll(subscriptions, 2048, 8192, subscriptions.len(), 8);
    assert_eq!((ended.status, ended.stderr.as_str()), (ExitStatus::SUCCESS, ""));
    let (count, events) = ended.stdout.as_bytes().split_at(4);
    assert_eq!(usize::from(count[0]) * 32, events.len());
    events.chunks(32).map(|event| (event[0], event[8], event[10])).collect()
}

#[test]
fn what_has_come_is_told_and_what_has_not_is_not() {
    let soon = || clock(1, MONOTONIC, 1, RELATIVE);
    let later = |clock_id| clock(2, clock_id, HOUR, RELATIVE);
    assert_eq!(ready(&[soon()]), [(1, 0, 0)]);
    assert_eq!(ready(&[later(MONOTONIC), soon()]), [(1, 0, 0)]);
    assert_eq!(ready(&[later(REALTIME), soon()]), [(1, 0, 0)]);
    assert_eq!(ready(&[clock(3, REALTIME, 1, ABSOLUTE)]), [(3, 0, 0)], "long past");
    assert_eq!(ready(&[clock(4, MONOTONIC, 1, ABSOLUTE)]), [(4, 0, 0)]);
    assert_eq!(ready(&[clock(4, MONOTONIC, HOUR, ABSOLUTE), soon()]), [(1, 0, 0)]);
    assert_eq!(ready(&[descriptor(5, 1), later(MONOTONIC), descriptor(6, 2)]), [(5, 0, 1), (6, 0, 2)]);
}

#[test]
fn what_cannot_be_waited_for_is_told_at_once_and_alone() {
    let no_clock = || clock(1, 9, 0, RELATIVE);
    assert_eq!(ready(&[no_clock()]), [(1, EINVAL, 0)]);
    assert_eq!(ready(&[descriptor(2, 7)]), [(2, EINVAL, 7)]);
    assert_eq!(ready(&[no_clock(), clock(3, MONOTONIC, HOUR, RELATIVE)]), [(1, EINVAL, 0)]);
    assert_eq!(ready(&[no_clock(), descriptor(4, 1)]), [(1, EINVAL, 0), (4, 0, 1)]);
}

#[test]
fn wrong_numbers_are_errors() {
    let one = [clock(1, MONOTONIC, 1, RELATIVE)];
    for (at, events, count, ready, expected) in [
        (2048, 8192, 0, 8, EINVAL),
        (0, 8192, 4097, 8, EINVAL),
        (0, 8192, u32::MAX as usize, 8, EINVAL),
        (65_536 - 47, 8192, 1, 8, EFAULT),
        (u32::MAX, 8192, 1, 8, EFAULT),
        (2048, 65_536 - 31, 1, 8, EFAULT),
        (2048, u32::MAX, 1, 8, EFAULT),
        (2048, 8192, 1, 65_536 - 3, EFAULT),
        (0, 8192, 1366, 8, EFAULT),
    ] {
        let ended = poll(&one, at, events, count, ready);
        assert_eq!(ended, Ended::new(expected, "", ""), "{at} {events} {count} {ready}");
    }
}

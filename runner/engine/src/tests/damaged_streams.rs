//! Streams of events that end early, are damaged, hostile or newer.

use std::io::Write;
use std::time::{Duration, Instant};

use super::shelf::{Shelf, event, id, lines, packed};
use crate::{BuildEvent, Stream};

#[test]
fn a_record_is_read_as_far_as_it_goes() {
    let shelf = Shelf::new();
    let events: Vec<BuildEvent> = (0..40).map(event).collect();
    let mut stream = zstd::Encoder::new(vec![], 3).expect("begins");
    stream.include_checksum(true).expect("sets");
    for (number, event) in events.iter().enumerate() {
        stream.write_all(&lines(std::slice::from_ref(event))).expect("writes");
        if number % 3 == 2 {
            stream.flush().expect("flushes");
        }
    }
    let bytes = stream.finish().expect("finishes");
    assert_eq!(shelf.read(b""), (vec![], Ok(true), 0), "a build that died at once");
    let mut most = 0;
    for length in 0..bytes.len() {
        let (read, end, unknown) = shelf.read(&bytes[..length]);
        assert_eq!((&read[..], end, unknown), (&events[..read.len()], Ok(true), 0), "{length}");
        assert!(read.len() >= most, "{length}");
        most = read.len();
    }
    assert_eq!(shelf.read(&bytes), (events.clone(), Ok(false), 0));
    // One after the other is one, too.
    let twice = [bytes.clone(), bytes.clone()].concat();
    assert_eq!(shelf.read(&twice).0.len(), 80);
    // Whatever is changed in it, an error is the worst.
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        let (read, _, _) = shelf.read(&changed);
        assert!(read.len() <= 40, "{at}");
    }
}

#[test]
fn what_is_newer_is_skipped_and_counted() {
    let shelf = Shelf::new();
    let newer = br#"{"event":"step_paused","why":{"deep":[1]}}
{"event":"output","step":"a","stream":"stdout","text":"x","colour":1}
{"event":"step_resumed"}
"#;
    let output = |text: &str| BuildEvent::Output { step: "a".into(), stream: Stream::Stdout, text: text.into() };
    assert_eq!(shelf.read(&packed(newer)), (vec![output("x")], Ok(false), 2));
    // Words of known events may have become more in a later version, not in this one.
    let stdin = br#"{"event":"output","step":"a","stream":"stdin","text":"x"}
"#;
    let (_, end, _) = shelf.read(&packed(stdin));
    let told = end.expect_err("damaged");
    assert!(told.starts_with("it is damaged: line 1: unknown variant `stdin`"), "{told}");
    let started = |version| BuildEvent::BuildStarted {
        version,
        build: id("cafe"),
        pipeline: "p".into(),
        volume: "p".into(),
        folder: None,
        from: None,
        timestamp: 1,
        steps: 1,
    };
    let bytes = packed(&[&lines(&[started(2)]), &stdin[..]].concat());
    assert_eq!(shelf.read(&bytes), (vec![started(2)], Ok(false), 1));
}

#[test]
fn hostile_streams_are_errors_and_bounded() {
    let shelf = Shelf::new();
    let good = lines(&[event(1)]);
    let with = |bytes: &[u8]| packed(&[&good, bytes, &good].concat());
    let long = [&[b'x'; 40 << 20][..], b"\n"].concat();
    let mut wide = zstd::Encoder::new(vec![], 1).expect("begins");
    wide.window_log(27).expect("sets");
    wide.write_all(&vec![b'x'; 1 << 20]).expect("writes");
    let wide = wide.finish().expect("finishes");
    let cases: [(&str, Vec<u8>, usize, &str); 9] = [
        ("garbage", b"garbage that is no stream".to_vec(), 0, "after line 0 it cannot be decompressed"),
        ("plain lines", good.clone(), 0, "after line 0 it cannot be decompressed"),
        (
            "garbage behind it",
            [packed(&good), b"garbage".to_vec()].concat(),
            1,
            "after line 1 it cannot be decompressed",
        ),
        ("a line that is none", with(b"nonsense\n"), 1, "line 2: expected ident at line 1 column 2"),
        ("an empty line", with(b"\n"), 1, "line 2: EOF while parsing a value at line 1 column 0"),
        ("bytes", with(b"{\"event\":\"\xff\"}\n"), 1, "line 2: invalid unicode code point at line 1 column 11"),
        ("a depth", with(&[&b"{\"event\":\"new\",\"x\":"[..], &[b'['; 1 << 20], b"\n"].concat()), 1, "line 2: "),
        ("a long line", with(&long), 1, "line 2 is longer than 33554432 bytes"),
        ("a wide window", wide, 0, "after line 0 it cannot be decompressed"),
    ];
    for (what, bytes, count, expected) in cases {
        let begun = Instant::now();
        let (events, end, unknown) = shelf.read(&bytes);
        let told = end.expect_err(what);
        assert!(told.starts_with(&format!("it is damaged: {expected}")), "{what}: {told}");
        assert_eq!((events.len(), unknown), (count, 0), "{what}");
        assert!(told.len() < 500 && !told.contains(char::is_control), "{told:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
    }
    // Frames that hold nothing.
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4][..]; 1000].concat();
    assert_eq!(shelf.read(&[skipped, packed(&good)].concat()), (vec![event(1)], Ok(false), 0));
}

#[test]
fn a_stream_that_unpacks_to_very_much_is_given_up() {
    let shelf = Shelf::new();
    let mut line = b"{\"event\":\"new\",\"x\":\"".to_vec();
    line.resize(1 << 20, b'x');
    line.extend(b"\"}\n");
    let piece = packed(&line);
    // Two gigabytes in well under a megabyte.
    let bomb = piece.repeat(2048);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let (events, end, unknown) = shelf.read(&bomb);
    assert_eq!((events.len(), end), (0, Err("it is damaged: it is longer than 1073741824 bytes".to_owned())));
    assert!(unknown < 1025, "{unknown}");
}

//! What a worker that was taken over may send: any bytes on the socket. The first byte says whom they are read as.

#![no_main]

use std::io::Write;
use std::os::unix::net::UnixStream;

use libfuzzer_sys::fuzz_target;
use stepbox_protocol::{Connection, Event, Request};

fuzz_target!(|data: &[u8]| {
    let Some((whom, bytes)) = data.split_first() else { return };
    let (mut theirs, ours) = UnixStream::pair().expect("a pair");
    // As much as a socket holds, so that nobody waits.
    if bytes.len() > 64 << 10 || theirs.write_all(bytes).is_err() {
        return;
    }
    drop(theirs);
    let mut receiver = Connection::new(ours).expect("a side").receiver;
    // What was understood is said again and means the same.
    if whom % 2 == 0 {
        while let Ok(Some((event, handles))) = receiver.receive::<Event>() {
            assert!(handles.is_empty());
            again(&event);
        }
    } else {
        while let Ok(Some((request, handles))) = receiver.receive::<Request>() {
            assert!(handles.is_empty());
            again(&request);
        }
    }
});

fn again<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + Sync + std::fmt::Debug>(message: &T) {
    let (here, there) = Connection::pair().expect("a pair");
    let mut there = Connection::new(there).expect("a side");
    let sender = here.sender;
    std::thread::scope(|scope| {
        scope.spawn(|| sender.send(message).expect("sent"));
        let read = there.receiver.receive::<T>().expect("reads").expect("one").0;
        assert_eq!(&read, message);
    });
}

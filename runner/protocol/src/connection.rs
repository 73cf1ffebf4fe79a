use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest body of a frame, in bytes. A longer one is a broken or hostile peer.
pub const MAX_FRAME: usize = 16 << 20;

/// The most descriptors in one frame.
pub const MAX_HANDLES: usize = 8;

const HEADER: usize = 8;
const MAGIC: [u8; 3] = *b"sbx";

/// What can go wrong between supervisor and worker. None of it is cured by trying again.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// The socket failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// A frame is not one of ours, too long, or cut off.
    #[error("the peer sent a malformed frame: {0}")]
    Malformed(String),
    /// The message cannot be sent: it is longer than [`MAX_FRAME`] or carries more than [`MAX_HANDLES`] descriptors.
    #[error("a message of {bytes} bytes and {handles} handles is too large to send")]
    TooLarge {
        /// Length of its body.
        bytes: usize,
        /// Number of descriptors.
        handles: usize,
    },
}

/// One side of the socket.
pub struct Connection {
    /// To send; can be cloned and used from any thread.
    pub sender: Sender,
    /// To receive; one thread reads.
    pub receiver: Receiver,
}

impl Connection {
    /// Two connected sides.
    pub fn pair() -> Result<(Self, UnixStream), ProtocolError> {
        let (ours, theirs) = UnixStream::pair()?;
        Ok((Self::new(ours)?, theirs))
    }

    /// A side on a connected socket.
    pub fn new(socket: UnixStream) -> Result<Self, ProtocolError> {
        let receiver = Receiver { socket: socket.try_clone()? };
        Ok(Self { sender: Sender { socket: Arc::new(Mutex::new(socket)) }, receiver })
    }
}

/// Sends messages, whole ones in the order of the calls.
#[derive(Clone)]
pub struct Sender {
    socket: Arc<Mutex<UnixStream>>,
}

impl Sender {
    /// Sends a message.
    pub fn send(&self, message: &impl Serialize) -> Result<(), ProtocolError> {
        self.send_with(message, &[])
    }

    /// Sends a message with descriptors, at most [`MAX_HANDLES`].
    pub fn send_with(&self, message: &impl Serialize, handles: &[BorrowedFd<'_>]) -> Result<(), ProtocolError> {
        let body = postcard::to_stdvec(message).map_err(|error| ProtocolError::Malformed(error.to_string()))?;
        if body.len() > MAX_FRAME || handles.len() > MAX_HANDLES {
            return Err(ProtocolError::TooLarge { bytes: body.len(), handles: handles.len() });
        }
        let mut frame = Vec::with_capacity(HEADER + body.len());
        frame.extend_from_slice(&MAGIC);
        frame.push(handles.len() as u8);
        frame.extend_from_slice(&(body.len() as u32).to_le_bytes());
        frame.extend_from_slice(&body);

        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sent = 0;
        while sent < frame.len() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_HANDLES))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            // Descriptors travel with the first byte.
            if sent == 0 && !handles.is_empty() {
                control.push(SendAncillaryMessage::ScmRights(handles));
            }
            match sendmsg(&*socket, &[IoSlice::new(&frame[sent..])], &mut control, SendFlags::NOSIGNAL) {
                Ok(count) => sent += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
        Ok(())
    }
}

/// Receives messages.
pub struct Receiver {
    socket: UnixStream,
}

impl Receiver {
    /// The next message with its descriptors; `None` where the peer has closed the connection between two messages.
    pub fn receive<T: DeserializeOwned>(&mut self) -> Result<Option<(T, Vec<OwnedFd>)>, ProtocolError> {
        let mut handles = vec![];
        let mut header = [0; HEADER];
        match self.fill(&mut header, &mut handles)? {
            0 => return Ok(None),
            HEADER => {}
            count => return Err(ProtocolError::Malformed(format!("a header of {count} bytes"))),
        }
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        if header[..3] != MAGIC {
            return Err(ProtocolError::Malformed("no frame begins here".to_owned()));
        }
        if length > MAX_FRAME {
            return Err(ProtocolError::Malformed(format!("a body of {length} bytes")));
        }
        let mut body = vec![0; length];
        if self.fill(&mut body, &mut handles)? != length {
            return Err(ProtocolError::Malformed("cut off".to_owned()));
        }
        if handles.len() != usize::from(header[3]) {
            return Err(ProtocolError::Malformed(format!("{} handles instead of {}", handles.len(), header[3])));
        }
        let message = postcard::from_bytes(&body).map_err(|error| ProtocolError::Malformed(error.to_string()))?;
        Ok(Some((message, handles)))
    }

    /// Reads until `buffer` is full or the peer is gone; how many bytes came.
    fn fill(&mut self, buffer: &mut [u8], handles: &mut Vec<OwnedFd>) -> Result<usize, ProtocolError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_HANDLES))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut parts = [IoSliceMut::new(&mut buffer[filled..])];
            match recvmsg(&self.socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
                Ok(received) => {
                    for message in control.drain() {
                        if let RecvAncillaryMessage::ScmRights(rights) = message {
                            handles.extend(rights);
                        }
                    }
                    // A frame may come in many pieces, each with as many.
                    if handles.len() > MAX_HANDLES {
                        return Err(ProtocolError::Malformed(format!("more than {MAX_HANDLES} handles")));
                    }
                    if received.bytes == 0 {
                        break;
                    }
                    filled += received.bytes;
                }
                Err(rustix::io::Errno::INTR) => {}
                // A peer that was killed with data under way.
                Err(rustix::io::Errno::CONNRESET) => break,
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, Write};
    use std::os::fd::AsFd;

    use super::*;
    use crate::{BlobDigest, Event, OutputStream, Request, StepId};

    #[test]
    fn messages_arrive_whole_and_in_order() {
        let (here, there) = Connection::pair().expect("a pair");
        let mut there = Connection::new(there).expect("a side");
        let big = Event::Output { step: StepId(1), stream: OutputStream::Stdout, data: vec![7; 3 << 20] };
        let sent = big.clone();
        let Connection { sender, receiver } = here;
        drop(receiver);
        let thread = std::thread::spawn(move || {
            sender.send(&sent)?;
            sender.send(&Event::Mounted)
        });
        assert_eq!(there.receiver.receive::<Event>().expect("arrives").expect("open").0, big);
        assert_eq!(there.receiver.receive::<Event>().expect("arrives").expect("open").0, Event::Mounted);
        thread.join().expect("no panic").expect("sent");
        assert!(there.receiver.receive::<Event>().expect("closed well").is_none());
    }

    #[test]
    fn descriptors_travel_with_their_message() {
        let (here, there) = Connection::pair().expect("a pair");
        let mut there = Connection::new(there).expect("a side");
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"through the wall").expect("writes");
        let request = Request::Unpack { manifest: BlobDigest([3; 32]), older: false };
        here.sender.send_with(&request, &[file.as_fd()]).expect("sent");
        let (got, mut handles) = there.receiver.receive::<Request>().expect("arrives").expect("open");
        assert_eq!((got, handles.len()), (request, 1));
        let mut received = std::fs::File::from(handles.remove(0));
        received.rewind().expect("rewinds");
        let mut text = String::new();
        received.read_to_string(&mut text).expect("reads");
        assert_eq!(text, "through the wall");
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for (bytes, expected) in [
            (&b"GET / HTTP/1.1\r\n\r\n"[..], "the peer sent a malformed frame: no frame begins here"),
            (b"sbx\0\xff\xff\xff\xff", "the peer sent a malformed frame: a body of 4294967295 bytes"),
            (b"sbx\0\x04\0\0\0ab", "the peer sent a malformed frame: cut off"),
            (b"sbx", "the peer sent a malformed frame: a header of 3 bytes"),
            (b"sbx\x01\x01\0\0\0\x03", "the peer sent a malformed frame: 0 handles instead of 1"),
        ] {
            let (mut socket, there) = UnixStream::pair().expect("a pair");
            socket.write_all(bytes).expect("writes");
            drop(socket);
            let mut there = Connection::new(there).expect("a side");
            let error = there.receiver.receive::<Event>().expect_err("malformed");
            assert_eq!(error.to_string(), expected);
        }
    }
}

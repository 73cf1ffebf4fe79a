//! What supervisor and worker say to each other: requests one way, events the other, directory handles with the requests.
//!
//! Both are the same program. The supervisor (crate `engine`) has the rights of the user and never looks inside foreign
//! bytes; the worker (crate `worker`) runs the steps, packs and unpacks. One stream socket joins them: a frame is a
//! header of eight bytes, a body of [`postcard`] and, with some requests, descriptors.

mod connection;
mod event;
mod request;

pub use connection::{Connection, MAX_FRAME, MAX_HANDLES, ProtocolError, Receiver, Sender};
pub use event::{
    Added, Event, FailedCommand, Failure, FailureKind, OutputStream, PackReport, StagedFile, StepEnd, StepReport, Wall,
};
pub use request::{
    BlobDigest, CustomMount, PackRequest, Request, Setup, ShellKind, ShellMoments, StepId, StepRequest, Typed, Work,
};
pub use stepbox_limits::Limits;

/// The version of the protocol. Supervisor and worker of different versions refuse each other.
pub const VERSION: u32 = 6;

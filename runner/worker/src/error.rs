use stepbox_protocol::ProtocolError;

/// What ends a worker before its time. The supervisor sees the connection close; trying again helps only for `Io`.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The conversation with the supervisor failed.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The supervisor broke the rules of the conversation.
    #[error("the supervisor sent {got} where {expected} was expected")]
    Unexpected {
        /// What came.
        got: String,
        /// What should have come.
        expected: &'static str,
    },
    /// The two are of different versions.
    #[error("supervisor speaks version {theirs} of the protocol, this worker {ours}")]
    Version {
        /// The supervisor's.
        theirs: u32,
        /// The worker's.
        ours: u32,
    },
    /// It cannot lock itself, for another reason than that the kernel lacks what is needed.
    #[error("cannot lock the process: {0}")]
    Lockdown(#[from] stepbox_lockdown::LockdownError),
    /// A shell without a build cannot begin, or failed.
    #[error("{message}")]
    Session {
        /// What is wrong.
        message: String,
    },
    /// Something of the host failed.
    #[error("{what}: {source}")]
    Io {
        /// While doing what.
        what: &'static str,
        /// Why.
        source: std::io::Error,
    },
}

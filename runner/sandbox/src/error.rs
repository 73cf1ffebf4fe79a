use stepbox_codegen::CodegenError;

/// What keeps a sandbox from being made.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The engine, or the image's code.
    #[error(transparent)]
    Codegen(#[from] CodegenError),
    /// The interface that guests are given could not be put together; a fault of Stepbox.
    #[error("the interface for guests cannot be set up: {0}")]
    Linker(String),
    /// A directory handle could not be used.
    #[error("{what}: {source}")]
    Io {
        /// While doing what.
        what: &'static str,
        /// Why.
        source: std::io::Error,
    },
}

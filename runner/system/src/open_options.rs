/// How a file is to be opened.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OpenOptions {
    /// To read.
    pub read: bool,
    /// To write.
    pub write: bool,
    /// Every write goes to the end.
    pub append: bool,
    /// Empty it first.
    pub truncate: bool,
    /// Make it where it is missing.
    pub create: bool,
    /// Make it; an error where something is there (`set -C`).
    pub create_new: bool,
    /// Permission bits of a new file, the umask already taken off.
    pub mode: u32,
}

impl OpenOptions {
    /// For `<`.
    pub fn reading() -> Self {
        Self { read: true, mode: 0o666, ..Self::default() }
    }

    /// For `>`.
    pub fn writing(umask: u32) -> Self {
        Self { write: true, create: true, truncate: true, mode: 0o666 & !umask, ..Self::default() }
    }

    /// For `>>`.
    pub fn appending(umask: u32) -> Self {
        Self { write: true, create: true, append: true, mode: 0o666 & !umask, ..Self::default() }
    }

    /// For `<>`.
    pub fn reading_and_writing(umask: u32) -> Self {
        Self { read: true, write: true, create: true, mode: 0o666 & !umask, ..Self::default() }
    }
}

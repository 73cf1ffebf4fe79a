use crate::Signal;

/// How a command ended, as a shell sees it: 0 is success, 128 + n stands for signal n.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ExitStatus(u8);

impl ExitStatus {
    /// The command ended well.
    pub const SUCCESS: Self = Self(0);
    /// The general failure.
    pub const FAILURE: Self = Self(1);
    /// Wrong usage of a built-in command, or a syntax error.
    pub const USAGE: Self = Self(2);
    /// The command was found and cannot be executed (POSIX XCU 2.8.2).
    pub const NOT_EXECUTABLE: Self = Self(126);
    /// The command was not found (POSIX XCU 2.8.2).
    pub const NOT_FOUND: Self = Self(127);

    /// A status from its number.
    pub const fn new(code: u8) -> Self {
        Self(code)
    }

    /// The status of a command that a signal ended: 128 + its number.
    pub const fn of_signal(signal: Signal) -> Self {
        Self(128 + signal.number())
    }

    /// The number, 0 to 255.
    pub const fn code(self) -> u8 {
        self.0
    }

    /// Whether the number is 0.
    pub const fn is_success(self) -> bool {
        self.0 == 0
    }
}

impl std::fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A signal between virtual processes, with Linux's numbers. Never sent to a process of the host.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Signal {
    /// Hang-up.
    Hup = 1,
    /// Interrupt from the keyboard.
    Int = 2,
    /// Quit from the keyboard.
    Quit = 3,
    /// Illegal instruction.
    Ill = 4,
    /// Abort.
    Abrt = 6,
    /// Ends a process; cannot be trapped.
    Kill = 9,
    /// First signal for users' own purposes.
    Usr1 = 10,
    /// Invalid memory access.
    Segv = 11,
    /// Second signal for users' own purposes.
    Usr2 = 12,
    /// Write to a pipe that nobody reads.
    Pipe = 13,
    /// Timer.
    Alrm = 14,
    /// Asks a process to end.
    Term = 15,
    /// A child ended.
    Chld = 17,
    /// Continue.
    Cont = 18,
    /// Stop; cannot be trapped.
    Stop = 19,
    /// Processor time limit.
    Xcpu = 24,
}

impl Signal {
    /// Every signal, in the order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::Hup,
        Self::Int,
        Self::Quit,
        Self::Ill,
        Self::Abrt,
        Self::Kill,
        Self::Usr1,
        Self::Segv,
        Self::Usr2,
        Self::Pipe,
        Self::Alrm,
        Self::Term,
        Self::Chld,
        Self::Cont,
        Self::Stop,
        Self::Xcpu,
    ];

    /// The signal's number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name without `SIG`, in upper case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hup => "HUP",
            Self::Int => "INT",
            Self::Quit => "QUIT",
            Self::Ill => "ILL",
            Self::Abrt => "ABRT",
            Self::Kill => "KILL",
            Self::Usr1 => "USR1",
            Self::Segv => "SEGV",
            Self::Usr2 => "USR2",
            Self::Pipe => "PIPE",
            Self::Alrm => "ALRM",
            Self::Term => "TERM",
            Self::Chld => "CHLD",
            Self::Cont => "CONT",
            Self::Stop => "STOP",
            Self::Xcpu => "XCPU",
        }
    }

    /// The signal of a number, if it is one of ours.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.number() == number)
    }

    /// The signal of a name, with or without `SIG`, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let upper = name.to_ascii_uppercase();
        let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
        Self::ALL.into_iter().find(|signal| signal.name() == bare)
    }
}

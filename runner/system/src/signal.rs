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
    /// Trace trap.
    Trap = 5,
    /// Abort.
    Abrt = 6,
    /// Bus error.
    Bus = 7,
    /// Arithmetic error.
    Fpe = 8,
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
    /// Stack fault.
    Stkflt = 16,
    /// A child ended.
    Chld = 17,
    /// Continue.
    Cont = 18,
    /// Stop; cannot be trapped, and stops nothing here.
    Stop = 19,
    /// Stop from the keyboard.
    Tstp = 20,
    /// Read from the terminal in the background.
    Ttin = 21,
    /// Write to the terminal in the background.
    Ttou = 22,
    /// Urgent data.
    Urg = 23,
    /// Processor time limit.
    Xcpu = 24,
    /// File size limit.
    Xfsz = 25,
    /// Timer of processor time.
    Vtalrm = 26,
    /// Timer of profiling.
    Prof = 27,
    /// The terminal has changed its size.
    Winch = 28,
    /// A descriptor is ready.
    Io = 29,
    /// Power is failing.
    Pwr = 30,
    /// Bad system call.
    Sys = 31,
}

impl Signal {
    /// Every signal, in the order of their numbers.
    pub const ALL: [Self; 31] = [
        Self::Hup,
        Self::Int,
        Self::Quit,
        Self::Ill,
        Self::Trap,
        Self::Abrt,
        Self::Bus,
        Self::Fpe,
        Self::Kill,
        Self::Usr1,
        Self::Segv,
        Self::Usr2,
        Self::Pipe,
        Self::Alrm,
        Self::Term,
        Self::Stkflt,
        Self::Chld,
        Self::Cont,
        Self::Stop,
        Self::Tstp,
        Self::Ttin,
        Self::Ttou,
        Self::Urg,
        Self::Xcpu,
        Self::Xfsz,
        Self::Vtalrm,
        Self::Prof,
        Self::Winch,
        Self::Io,
        Self::Pwr,
        Self::Sys,
    ];

    /// The signal's number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Whether it does nothing to a process that does not trap it. Those that would stop one are among them: nobody could
    /// continue it (as the kernel treats a process without a shell that controls jobs).
    pub const fn is_harmless(self) -> bool {
        matches!(
            self,
            Self::Chld | Self::Cont | Self::Stop | Self::Tstp | Self::Ttin | Self::Ttou | Self::Urg | Self::Winch
        )
    }

    /// The name without `SIG`, in upper case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hup => "HUP",
            Self::Int => "INT",
            Self::Quit => "QUIT",
            Self::Ill => "ILL",
            Self::Trap => "TRAP",
            Self::Abrt => "ABRT",
            Self::Bus => "BUS",
            Self::Fpe => "FPE",
            Self::Kill => "KILL",
            Self::Usr1 => "USR1",
            Self::Segv => "SEGV",
            Self::Usr2 => "USR2",
            Self::Pipe => "PIPE",
            Self::Alrm => "ALRM",
            Self::Term => "TERM",
            Self::Stkflt => "STKFLT",
            Self::Chld => "CHLD",
            Self::Cont => "CONT",
            Self::Stop => "STOP",
            Self::Tstp => "TSTP",
            Self::Ttin => "TTIN",
            Self::Ttou => "TTOU",
            Self::Urg => "URG",
            Self::Xcpu => "XCPU",
            Self::Xfsz => "XFSZ",
            Self::Vtalrm => "VTALRM",
            Self::Prof => "PROF",
            Self::Winch => "WINCH",
            Self::Io => "IO",
            Self::Pwr => "PWR",
            Self::Sys => "SYS",
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

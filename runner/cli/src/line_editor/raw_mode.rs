use rustix::termios::{InputModes, LocalModes};
use rustix::termios::{OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

/// The terminal as it gives every key at once. Dropping it gives back the terminal as it was.
pub(super) struct RawMode(Termios);

impl RawMode {
    /// `None` where standard input is no terminal that can do it.
    pub(super) fn enter() -> Option<Self> {
        let terminal = rustix::stdio::stdin();
        let before = tcgetattr(terminal).ok()?;
        let mut raw = before.clone();
        raw.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN);
        raw.input_modes.remove(InputModes::IXON | InputModes::ICRNL | InputModes::INLCR | InputModes::IGNCR);
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        // What is printed is printed as ever; what is typed ahead stays.
        tcsetattr(terminal, OptionalActions::Drain, &raw).ok()?;
        Some(Self(before))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &self.0);
    }
}

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{Place, program};

/// How long an answer may take on a busy machine.
const PATIENCE: Timespec = Timespec { tv_sec: 120, tv_nsec: 0 };

/// The program at a terminal of its own: that of `script` (util-linux).
pub struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    /// What it has shown and nobody has looked for.
    shown: Vec<u8>,
}

impl Terminal {
    /// Starts a line of a shell, in which `stepbox` is the program, at a terminal of 80 columns and the kind `term`; `None`, and
    /// a word on that, where there is no `script`.
    pub fn start(place: &Place, term: &str, line: &str) -> Option<Self> {
        let mut command = Command::new("script");
        let line = line.replace("stepbox", &program().display().to_string());
        let line = format!("stty cols 80 rows 24; {line}");
        command.args(["-qefc", &line, "/dev/null"]);
        let ours = place.command([] as [&str; 0]);
        command.current_dir(place.path("project")).env_clear().env("TERM", term).env("PATH", "/usr/bin:/bin");
        command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut child) = child else {
            println!("skipped: there is no `script`");
            return None;
        };
        let (keys, screen) = (child.stdin.take()?, child.stdout.take()?);
        Some(Self { child, keys, screen, shown: vec![] })
    }

    /// Presses keys.
    ///
    /// # Panics
    /// Where the terminal is gone.
    pub fn type_in(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).expect("the terminal takes it");
    }

    /// Waits until a text is shown; what stands before it, and is forgotten.
    ///
    /// # Panics
    /// Where it is not shown.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.shown.windows(text.len()).position(|window| window == text.as_bytes()) {
                let before = String::from_utf8_lossy(&self.shown[..at]).into_owned();
                self.shown.drain(..at + text.len());
                return before;
            }
            let mut ready = [PollFd::from_borrowed_fd(self.screen.as_fd(), PollFlags::IN)];
            let count = poll(&mut ready, Some(&PATIENCE)).expect("a terminal");
            let mut block = [0; 4096];
            let length = if count > 0 { self.screen.read(&mut block).unwrap_or(0) } else { 0 };
            assert!(length > 0, "`{text}` is not shown, but: {}", String::from_utf8_lossy(&self.shown));
            self.shown.extend_from_slice(&block[..length]);
        }
    }

    /// Waits for the end of the program: what it has still shown, and its status.
    ///
    /// # Panics
    /// Where it does not end.
    pub fn end(mut self) -> (String, Option<i32>) {
        self.screen.read_to_end(&mut self.shown).expect("reads");
        let status = self.child.wait().expect("ends").code();
        (String::from_utf8_lossy(&self.shown).into_owned(), status)
    }
}

//! `stepbox sh` at a terminal. The terminal is that of `script` (util-linux); without it the tests say so and pass.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use stepbox_tests::{Place, program};

/// How long an answer may take on a busy machine.
const PATIENCE: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

/// A program at a terminal of its own.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    /// What it has shown and nobody has looked for.
    shown: Vec<u8>,
}

impl Terminal {
    fn start(place: &Place, arguments: &str) -> Option<Self> {
        let mut command = Command::new("script");
        command.args(["-qefc", &format!("exec {} {arguments}", program().display()), "/dev/null"]);
        let ours = place.command([] as [&str; 0]);
        command.current_dir(place.path("project")).env_clear().env("TERM", "dumb").env("PATH", "/usr/bin:/bin");
        command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut child) = child else {
            println!("skipped: there is no `script`");
            return None;
        };
        let (keys, screen) = (child.stdin.take()?, child.stdout.take()?);
        Some(Self { child, keys, screen, shown: vec![] })
    }

    fn type_in(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).expect("the terminal takes it");
    }

    /// Waits until a text is shown; what stands before it is forgotten.
    fn wait_for(&mut self, text: &str) {
        loop {
            if let Some(at) = self.shown.windows(text.len()).position(|window| window == text.as_bytes()) {
                self.shown.drain(..at + text.len());
                return;
            }
            let mut ready = [PollFd::from_borrowed_fd(self.screen.as_fd(), PollFlags::IN)];
            let count = poll(&mut ready, Some(&PATIENCE)).expect("a terminal");
            let mut block = [0; 4096];
            let length = if count > 0 { self.screen.read(&mut block).unwrap_or(0) } else { 0 };
            assert!(length > 0, "`{text}` is not shown, but: {}", String::from_utf8_lossy(&self.shown));
            self.shown.extend_from_slice(&block[..length]);
        }
    }

    fn status(mut self) -> Option<i32> {
        self.child.wait().expect("ends").code()
    }
}

#[test]
fn lines_may_belong_together_and_see_the_volume() {
    let place = Place::new().file("a.txt", "");
    let Some(mut terminal) = Terminal::start(&place, "sh") else { return };
    terminal.wait_for("$ ");
    // The terminal's own way to take a character back.
    terminal.type_in("echo wi$((40 + 3\x7f2))t\n");
    terminal.wait_for("wi42t");
    terminal.wait_for("$ ");
    terminal.type_in("if cd /codefresh; then\n");
    terminal.wait_for("\n> ");
    terminal.type_in("echo in${PWD}side; ls volume; fi\n");
    terminal.wait_for("in/codefreshside");
    terminal.wait_for("a.txt");
    terminal.wait_for("$ ");
    terminal.type_in("exit 7\n");
    assert_eq!(terminal.status(), Some(7));
}

#[test]
fn an_error_or_an_interrupt_ends_a_line_and_not_the_shell() {
    let place = Place::new();
    let Some(mut terminal) = Terminal::start(&place, "sh") else { return };
    terminal.wait_for("$ ");
    terminal.type_in("fi\n");
    terminal.wait_for("unexpected");
    terminal.wait_for("$ ");
    // Ctrl-C in the middle of a command.
    terminal.type_in("if\n");
    terminal.wait_for("\n> ");
    terminal.type_in("\x03");
    terminal.wait_for("$ ");
    terminal.type_in("echo go$((1 + 1))on\n");
    terminal.wait_for("go2on");
    terminal.wait_for("$ ");
    for blocked in ["sleep 1000", "while :; do :; done", "sleep 1000 | cat"] {
        terminal.type_in(&format!("x=$((6 * 7)); echo st${{x}}art; {blocked}; echo not\"\"reached\n"));
        terminal.wait_for("st42art");
        terminal.type_in("\x03");
        terminal.wait_for("$ ");
    }
    terminal.type_in("echo al$x-$?\n");
    terminal.wait_for("al42-130");
    terminal.wait_for("$ ");
    // Ctrl-D.
    terminal.type_in("\x04");
    assert_eq!(terminal.status(), Some(0));
}

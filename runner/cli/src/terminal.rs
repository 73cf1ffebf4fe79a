//! Asking somebody at the terminal whether a step is approved, while the build runs.

use std::collections::VecDeque;
use std::io::{BufRead, IsTerminal, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use stepbox_engine::{Answer, Approver, Question, Reply};

use crate::error::colors;
use crate::sanitize::plain;

/// How much of an answer is read, in bytes.
const MAX_ANSWER: u64 = 1024;

/// Somebody at the terminal. Questions are asked one after the other.
#[derive(Debug, Default)]
pub(crate) struct Terminal(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    asked: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The first one is being asked.
    open: VecDeque<(Question, Reply)>,
    /// Whether somebody listens to the terminal already.
    listens: bool,
    /// Whether the question that is being answered was withdrawn.
    stale: bool,
    /// Whether the terminal is closed.
    closed: bool,
}

/// Who can be asked, where standard input and standard error are a terminal.
pub(crate) fn approver() -> Option<Arc<dyn Approver>> {
    let there = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    there.then(|| Arc::new(Terminal::default()) as Arc<dyn Approver>)
}

impl Approver for Terminal {
    fn ask(&self, question: Question, reply: Reply) {
        let mut state = self.0.lock();
        if !state.listens {
            let shared = Arc::clone(&self.0);
            // It is never waited for: reading a terminal cannot be interrupted, and ends with the program.
            let started = std::thread::Builder::new().name("terminal".to_owned()).spawn(move || shared.listen());
            state.listens = true;
            state.closed = started.is_err();
        }
        if state.closed {
            return reply.give(Answer::Later);
        }
        state.open.push_back((question, reply));
        if state.open.len() == 1 {
            state.prompt();
        }
        self.0.asked.notify_all();
    }

    fn withdraw(&self, step: &str) {
        let mut state = self.0.lock();
        let first = state.open.front().is_some_and(|(question, _)| question.step == step);
        state.open.retain(|(question, _)| question.step != step);
        if first {
            state.stale = true;
            say("\n");
            state.prompt();
        }
    }
}

impl Shared {
    /// Reads answers for ever.
    fn listen(&self) {
        loop {
            let mut state = self.lock();
            while state.open.is_empty() {
                state = self.asked.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            drop(state);
            let line = read_line();
            let mut state = self.lock();
            let Some(line) = line else {
                // Nobody will answer any more.
                state.closed = true;
                say("\n");
                state.open.drain(..).for_each(|(_, reply)| reply.give(Answer::Later));
                return;
            };
            // The answer may have been meant for a question that was withdrawn while somebody typed.
            match answer(&line) {
                Some(_) if std::mem::take(&mut state.stale) => {
                    if !state.open.is_empty() {
                        say("another question was asked meanwhile\n");
                    }
                }
                Some(answer) => {
                    if let Some((_, reply)) = state.open.pop_front() {
                        reply.give(answer);
                    }
                }
                None => say("answer `yes`, `no`, or `later` to let the build wait\n"),
            }
            state.prompt();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Asks the first question.
    fn prompt(&self) {
        let Some((Question { step, title }, _)) = self.open.front() else { return };
        let (step, title) = (plain(step), plain(title));
        let title = if title == step { String::new() } else { format!(" ({title})") };
        let (bold, end) = if colors() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        say(&format!("{bold}approve step `{step}`{title}?{end} [yes/no/later] "));
    }
}

/// What an answer means.
fn answer(line: &str) -> Option<Answer> {
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" | "a" | "approve" => Some(Answer::Approved),
        "n" | "no" | "d" | "deny" => Some(Answer::Denied),
        "l" | "later" => Some(Answer::Later),
        _ => None,
    }
}

/// A line of standard input, at most [`MAX_ANSWER`] of it; `None` at its end.
fn read_line() -> Option<String> {
    let mut line = vec![];
    match std::io::stdin().lock().take(MAX_ANSWER).read_until(b'\n', &mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(String::from_utf8_lossy(&line).into_owned()),
    }
}

fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a9_answers_are_words() {
        for (text, expected) in [
            ("yes\r", Some(Answer::Approved)),
            (" Y ", Some(Answer::Approved)),
            ("deny", Some(Answer::Denied)),
            ("no", Some(Answer::Denied)),
            ("later", Some(Answer::Later)),
            ("", None),
            ("yes please", None),
            ("\0", None),
        ] {
            assert_eq!(answer(text), expected, "{text:?}");
        }
    }
}

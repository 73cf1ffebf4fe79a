//! Prompts: `PS1` and `PS2` of an interactive shell, `PS4` of `set -x`.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use stepbox_system::{CancelToken, ExitStatus, OpenFile, Signal, error_text};

use super::{Condition, Flow, Shell, Text};
use crate::ir::List;
use crate::parse::Parser;
use crate::pattern::char_length;

/// What a person answers to a prompt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Line {
    /// A line with its newline.
    Text(Vec<u8>),
    /// What was typed so far is not meant (Ctrl-C).
    Interrupted,
    /// There is no more (Ctrl-D).
    End,
}

/// Asks a person for lines.
pub trait LineEditor {
    /// Asks with a prompt.
    ///
    /// # Errors
    /// Where the terminal cannot be used; the shell then ends.
    fn line(&mut self, prompt: &[u8]) -> io::Result<Line>;
}

/// The virtual process of the command line that an interactive shell is executing: whom a terminal's signals are for.
#[derive(Clone, Debug, Default)]
pub struct Foreground(Arc<AtomicU32>);

impl Foreground {
    /// Its number, where something is being executed.
    pub fn process(&self) -> Option<u32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|id| *id != 0)
    }

    fn set(&self, id: u32) {
        self.0.store(id, Ordering::Relaxed);
    }
}

/// What an interactive shell asks with, made ready before a command is read.
#[derive(Default)]
pub(super) struct Prompts {
    ready: Mutex<Ready>,
    /// Whether what was typed so far is not meant.
    interrupted: AtomicBool,
}

#[derive(Default)]
struct Ready {
    first: Vec<u8>,
    more: Vec<u8>,
    error: Option<OpenFile>,
}

impl Prompts {
    /// Asks for a line: the first of a command, or one more.
    pub(super) fn print(&self, first: bool, cancel: &CancelToken) {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &ready.error {
            // Nobody is left to tell where standard error fails.
            let _ = error.write_all(if first { &ready.first } else { &ready.more }, cancel);
        }
    }

    /// Has a person asked for a line; false where there is none.
    fn ask(&self, editor: &mut dyn LineEditor, text: &mut Vec<u8>) -> io::Result<bool> {
        let prompt = {
            let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
            if text.is_empty() { ready.first.clone() } else { ready.more.clone() }
        };
        match editor.line(&prompt)? {
            Line::Text(mut line) => text.append(&mut line),
            Line::Interrupted => {
                self.interrupted.store(true, Ordering::Relaxed);
                return Ok(false);
            }
            Line::End => return Ok(false),
        }
        Ok(true)
    }

    /// Whether the lines that were read are to be forgotten; asked once for each time.
    pub(super) fn take_interrupted(&self) -> bool {
        self.interrupted.swap(false, Ordering::Relaxed)
    }
}

impl Shell {
    /// Runs the lines that a person types. `foreground` tells what runs meanwhile; a signal sent to that ends the line and
    /// not the shell.
    pub fn run_prompt(mut self, editor: &mut dyn LineEditor, foreground: &Foreground) -> ExitStatus {
        let (limits, mode) = (*self.limits(), self.context.mode);
        let prompts = Arc::new(Prompts::default());
        self.state.options.interactive = true;
        self.prompts = Some(Arc::clone(&prompts));
        self.foreground = Some(foreground.clone());
        let mut failure = None;
        let mut parser = Parser::of_lines(
            Box::new(|text| {
                prompts.ask(editor, text).unwrap_or_else(|error| {
                    failure = Some(error);
                    false
                })
            }),
            mode,
            &limits,
        );
        let flow = self.execute_commands(&mut parser, Text::Script);
        drop(parser);
        if let Some(error) = failure {
            self.say(&format!("0: the terminal: {}", error_text(&error)));
        }
        self.finish(flow)
    }

    /// Executes a line of an interactive shell as a process of its own.
    pub(super) fn execute_line(&mut self, list: &List) -> Result<ExitStatus, Flow> {
        let Some(foreground) = self.foreground.clone() else { return self.execute_list(list) };
        let process = match self.process.table().start(self.process.id(), self.process.cancel()) {
            Ok(process) => Arc::new(process),
            Err(error) => return Err(self.refusal(&format!("cannot fork: {error}"))),
        };
        for (condition, action) in &self.state.traps.0 {
            match condition {
                Condition::Signal(signal) if action.is_empty() => process.ignore(*signal),
                Condition::Signal(signal) => process.trap(*signal),
                _ => {}
            }
        }
        foreground.set(process.id());
        let shell = std::mem::replace(&mut self.process, process);
        let result = self.execute_list(list);
        foreground.set(0);
        self.process = shell;
        if let Some(signal) = self.cancel().cancelled() {
            return Err(Flow::Cancelled(signal));
        }
        match result {
            Err(Flow::Cancelled(signal)) => {
                if signal == Signal::Int {
                    self.print_error(b"\n");
                }
                Err(Flow::Error(ExitStatus::of_signal(signal)))
            }
            result => result,
        }
    }

    /// Expands the prompts of an interactive shell.
    pub(super) fn prepare_prompts(&mut self) {
        let Some(prompts) = self.prompts.clone() else { return };
        let (first, more) = (self.prompt(b"PS1"), self.prompt(b"PS2"));
        *prompts.ready.lock().unwrap_or_else(PoisonError::into_inner) =
            Ready { first, more, error: self.state.files.get(&2).cloned() };
    }

    /// A prompt with its parameters expanded (XCU 2.5.3); as it stands where that fails.
    pub(super) fn prompt(&mut self, name: &[u8]) -> Vec<u8> {
        let text = match (self.get(name), name) {
            (Some(text), _) => text,
            (None, b"PS1") => b"$ ".to_vec(),
            (None, b"PS2") => b"> ".to_vec(),
            (None, _) => vec![],
        };
        let mut text = self.expand_prompt(text);
        if name == b"PS4" && self.is_bash() && self.indirection > 0 {
            let first = text[..char_length(&text).min(text.len())].repeat(self.indirection as usize);
            text.splice(0..0, first);
        }
        text
    }

    /// A text with its parameters expanded as in a prompt.
    pub(crate) fn expand_prompt(&mut self, text: Vec<u8>) -> Vec<u8> {
        if !text.iter().any(|byte| matches!(byte, b'$' | b'`')) {
            return text;
        }
        let (limits, mode) = (*self.limits(), self.context.mode);
        let Ok(word) = Parser::new(&text, self.line, mode, &limits).prompt_text() else { return text };
        // What it runs is not traced itself.
        let xtrace = std::mem::take(&mut self.state.options.xtrace);
        let status = self.state.status;
        let expanded = self.expand_text(&word);
        self.state.status = status;
        self.state.options.xtrace = xtrace;
        expanded.unwrap_or(text)
    }
}

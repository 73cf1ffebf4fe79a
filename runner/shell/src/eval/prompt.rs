//! Prompts: `PS1` and `PS2` of an interactive shell, `PS4` of `set -x`.

use std::sync::{Mutex, PoisonError};

use stepbox_system::{CancelToken, OpenFile};

use super::Shell;
use crate::parse::Parser;
use crate::pattern::char_length;

/// What an interactive shell asks with, made ready before a command is read.
#[derive(Default)]
pub(super) struct Prompts(Mutex<Ready>);

#[derive(Default)]
struct Ready {
    first: Vec<u8>,
    more: Vec<u8>,
    error: Option<OpenFile>,
}

impl Prompts {
    /// Asks for a line: the first of a command, or one more.
    pub(super) fn print(&self, first: bool, cancel: &CancelToken) {
        let ready = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &ready.error {
            // Nobody is left to tell where standard error fails.
            let _ = error.write_all(if first { &ready.first } else { &ready.more }, cancel);
        }
    }
}

impl Shell {
    /// Expands the prompts of an interactive shell.
    pub(super) fn prepare_prompts(&mut self) {
        let Some(prompts) = self.prompts.clone() else { return };
        let (first, more) = (self.prompt(b"PS1"), self.prompt(b"PS2"));
        *prompts.0.lock().unwrap_or_else(PoisonError::into_inner) =
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

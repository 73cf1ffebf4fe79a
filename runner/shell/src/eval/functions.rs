//! Functions: their definition, and how bash hands them on in the environment.

use std::sync::Arc;

use super::{Function, Shell};
use crate::config::Mode;
use crate::ir::{Command, Item, List};
use crate::parse::parse;

/// What the names of exported functions stand between.
const EXPORTED: (&[u8], &[u8]) = (b"BASH_FUNC_", b"%%");

/// The name of an exported function in the environment.
pub(super) fn exported_name(name: &[u8]) -> Vec<u8> {
    [EXPORTED.0, name, EXPORTED.1].concat()
}

/// Whether a name in the environment is that of an exported function.
pub(super) fn is_exported(name: &[u8], mode: Mode) -> bool {
    mode == Mode::Bash && name.starts_with(EXPORTED.0) && name.ends_with(EXPORTED.1)
}

impl Shell {
    /// Defines a function.
    pub(super) fn define_function(&mut self, name: &[u8], body: &Arc<Command>, text: &Arc<[u8]>) {
        let source = match (self.frames.last(), &self.state.script) {
            (Some(frame), _) => Arc::clone(&frame.source),
            (None, Some(script)) => Arc::clone(script),
            (None, None) if self.reads_input => Arc::from(&b"main"[..]),
            (None, None) => Arc::from(&b"environment"[..]),
        };
        let is_sourced = self.sourced_file().is_some();
        let (body, text) = (Arc::clone(body), Arc::clone(text));
        let function = Function { body, text, source, is_sourced, exported: false };
        Arc::make_mut(&mut self.state.functions).insert(name.to_vec(), function);
    }

    /// Defines what came with the environment. A text that is more than one definition is left alone.
    pub(super) fn import_functions(&mut self, functions: Vec<(Vec<u8>, Vec<u8>)>) {
        for (name, text) in functions {
            let name = &name[EXPORTED.0.len()..name.len() - EXPORTED.1.len()];
            let source = [name, b" ", &text].concat();
            let Ok(List(items)) = parse(&source, 1, self.context.mode, self.limits()) else { continue };
            let [Item { and_or, background: None }] = items.as_slice() else { continue };
            let [command] = and_or.first.commands.as_slice() else { continue };
            if let (Command::Function { name: defined, body, text, .. }, true) = (&**command, and_or.rest.is_empty())
                && defined == name
            {
                self.define_function(name, body, text);
                if let Some(function) = Arc::make_mut(&mut self.state.functions).get_mut(name) {
                    function.exported = true;
                }
            }
        }
    }
}

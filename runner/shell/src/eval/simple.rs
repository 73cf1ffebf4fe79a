//! Simple commands (XCU 2.9.1): assignments, redirections, then a function, a built-in or a program.

use std::collections::BTreeMap;
use std::sync::Arc;

use stepbox_system::{ExitStatus, OpenFile, Resolution, SpawnRequest};

use super::{Flow, Shell};
use crate::builtins::{self, Builtin};
use crate::ir::{Assignment, Command, Simple};

/// Where programs are looked for when `PATH` is unset.
const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Shell {
    pub(super) fn execute_simple(&mut self, simple: &Simple) -> Result<ExitStatus, Flow> {
        self.line = simple.line;
        self.substitution_status = None;
        let fields =
            if simple.declares { self.expand_declaration(&simple.words)? } else { self.expand_fields(&simple.words)? };
        let Some(name) = fields.first() else { return self.execute_nameless(simple) };

        let special = builtins::find_special(name);
        let is_exec = name == b"exec";
        let mut saved = vec![];
        if let Err(message) = self.redirect_all(&simple.redirects, &mut saved)? {
            self.restore_files(saved);
            self.complain(&message);
            if special.is_some() {
                return Err(Flow::Error(ExitStatus::USAGE));
            }
            return self.done(ExitStatus::USAGE);
        }
        let result = self.execute_named(simple, fields, special);
        // `exec` with redirections alone keeps them.
        if !(is_exec && result.is_ok()) {
            self.restore_files(saved);
        }
        let status = result?;
        self.done(status)
    }

    /// Notes the status of a command that has ended.
    pub(super) fn done(&mut self, status: ExitStatus) -> Result<ExitStatus, Flow> {
        self.state.status = status;
        self.leave_on_error(status)?;
        Ok(status)
    }

    /// Assignments and redirections alone.
    fn execute_nameless(&mut self, simple: &Simple) -> Result<ExitStatus, Flow> {
        let mut traced = vec![];
        for assignment in &simple.assignments {
            let value = self.assigned_value(assignment)?;
            if self.options().xtrace {
                traced.push([&assignment.name[..], b"=", &value].concat());
            }
            if let Err(message) = self.assign(&assignment.name, value) {
                return Err(self.fatal(&message));
            }
        }
        self.trace(&traced);
        let mut saved = vec![];
        let redirected = self.redirect_all(&simple.redirects, &mut saved)?;
        self.restore_files(saved);
        if let Err(message) = redirected {
            self.complain(&message);
            return self.done(ExitStatus::USAGE);
        }
        self.done(self.substitution_status.unwrap_or(ExitStatus::SUCCESS))
    }

    fn assigned_value(&mut self, assignment: &Assignment) -> Result<Vec<u8>, Flow> {
        let mut value = self.expand_text(&assignment.value)?;
        if assignment.append
            && let Some(mut old) = self.get(&assignment.name)
        {
            old.append(&mut value);
            value = old;
        }
        Ok(value)
    }

    fn execute_named(
        &mut self,
        simple: &Simple,
        mut fields: Vec<Vec<u8>>,
        special: Option<Builtin>,
    ) -> Result<ExitStatus, Flow> {
        let mut assignments = vec![];
        for assignment in &simple.assignments {
            assignments.push((assignment.name.clone(), self.assigned_value(assignment)?));
        }
        if self.options().xtrace {
            let prefix = assignments.iter().map(|(name, value)| [&name[..], b"=", value].concat());
            let words: Vec<_> = prefix.chain(fields.iter().cloned()).collect();
            self.trace(&words);
        }
        if let Some(builtin) = special {
            // They stay after a special built-in (XCU 2.14).
            for (name, value) in assignments {
                if let Err(message) = self.assign(&name, value) {
                    return Err(self.fatal(&message));
                }
            }
            return builtin(self, &fields);
        }
        let name = &fields[0];
        if let Some(function) = self.state.functions.get(name).cloned() {
            fields.remove(0);
            return self.with_assignments(assignments, |shell| shell.call(&function, fields));
        }
        let is_local = name == b"local";
        if let Some(builtin) = builtins::find_regular(name) {
            return match self.with_assignments(assignments, |shell| builtin(shell, &fields)) {
                // dash counts `local` among the special ones.
                Err(Flow::Error(status)) if !is_local => Ok(status),
                result => result,
            };
        }
        self.run_program(fields, &assignments, false)
    }

    /// Runs something while variables have other values; they are exported meanwhile.
    fn with_assignments(
        &mut self,
        assignments: Vec<(Vec<u8>, Vec<u8>)>,
        inner: impl FnOnce(&mut Self) -> Result<ExitStatus, Flow>,
    ) -> Result<ExitStatus, Flow> {
        let mut saved = vec![];
        for (name, value) in assignments {
            let old = self.state.variables.get(&name).cloned();
            if let Err(message) = self.assign(&name, value) {
                return Err(self.fatal(&message));
            }
            let mut variable = self.state.variables.get(&name).cloned().unwrap_or_default();
            variable.exported = true;
            self.state.replace(&name, Some(variable));
            saved.push((name, old));
        }
        let result = inner(self);
        for (name, old) in saved.into_iter().rev() {
            self.state.replace(&name, old);
        }
        result
    }

    /// Calls a function.
    fn call(&mut self, body: &Command, arguments: Vec<Vec<u8>>) -> Result<ExitStatus, Flow> {
        self.deeper(|shell| {
            let positional = std::mem::replace(&mut shell.state.positional, Arc::new(arguments));
            shell.state.scopes.push(vec![]);
            let loops = std::mem::take(&mut shell.loops);
            shell.callers += 1;
            let result = shell.execute_command(body);
            shell.callers -= 1;
            shell.loops = loops;
            for (name, old) in shell.state.scopes.pop().unwrap_or_default().into_iter().rev() {
                shell.state.replace(&name, old);
            }
            shell.state.positional = positional;
            match result {
                Err(Flow::Return(status)) => Ok(status),
                other => other,
            }
        })
    }

    /// Finds and runs a program on this thread. `replacing` is for `exec`.
    pub(crate) fn run_program(
        &mut self,
        argv: Vec<Vec<u8>>,
        assignments: &[(Vec<u8>, Vec<u8>)],
        replacing: bool,
    ) -> Result<ExitStatus, Flow> {
        self.check_cancelled()?;
        let name = argv.first().cloned().unwrap_or_default();
        let shown = String::from_utf8_lossy(&name).into_owned();
        let prefix = |wanted: &[u8]| assignments.iter().rev().find(|(name, _)| name == wanted).map(|(_, v)| v.clone());
        let path = prefix(b"PATH").or_else(|| self.get(b"PATH")).unwrap_or_else(|| DEFAULT_PATH.to_vec());
        let program = match self.context.spawner.resolve(&name, &path, &self.state.cwd) {
            Resolution::Found(program) => program,
            Resolution::NotFound(hint) => {
                self.complain(&format!("{shown}: not found"));
                if let Some(hint) = hint.filter(|_| !name.is_empty()) {
                    self.print_error(format!("hint: {hint}\n").as_bytes());
                }
                return self.absent(ExitStatus::NOT_FOUND, replacing);
            }
            Resolution::NotExecutable(_, reason) => {
                self.complain(&format!("{shown}: {reason}"));
                return self.absent(ExitStatus::NOT_EXECUTABLE, replacing);
            }
        };
        let mut env = self.state.environment();
        for (name, value) in assignments {
            match env.iter_mut().find(|(known, _)| known == name) {
                Some(entry) => entry.1.clone_from(value),
                None => env.push((name.clone(), value.clone())),
            }
        }
        let files: BTreeMap<u32, OpenFile> = self.state.files.clone();
        let request = SpawnRequest {
            argv,
            env,
            cwd: self.state.cwd.clone(),
            umask: self.state.umask,
            files,
            cancel: self.cancel().clone(),
            process: self.process.id(),
            depth: self.context.depth,
        };
        let status = self.context.spawner.run(&program, request);
        self.check_cancelled()?;
        Ok(status)
    }

    fn absent(&self, status: ExitStatus, replacing: bool) -> Result<ExitStatus, Flow> {
        if replacing { Err(Flow::Exit(status)) } else { Ok(status) }
    }

    /// `set -x`.
    fn trace(&mut self, words: &[Vec<u8>]) {
        if !self.options().xtrace || words.is_empty() {
            return;
        }
        let mut line = self.get(b"PS4").unwrap_or_default();
        for (number, word) in words.iter().enumerate() {
            if number > 0 {
                line.push(b' ');
            }
            line.extend_from_slice(word);
        }
        line.push(b'\n');
        self.print_error(&line);
    }
}

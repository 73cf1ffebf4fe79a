//! Simple commands (XCU 2.9.1): assignments, redirections, then a function, a built-in or a program.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use stepbox_system::{ExitStatus, OpenFile, Resolution, SpawnRequest};

use super::redirect::SavedFiles;
use super::state::Variable;
use super::{Flow, Shell};
use crate::builtins::{self, Builtin, quote_if_needed};
use crate::config::Mode;
use crate::ir::{Assignment, Command, Simple};

/// Where programs are looked for when `PATH` is unset.
pub(crate) const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Shell {
    pub(super) fn execute_simple(&mut self, simple: &Simple) -> Result<ExitStatus, Flow> {
        let processes = self.processes.len();
        let result = self.execute_words(simple);
        if self.processes.len() > processes {
            self.close_processes(processes);
        }
        result
    }

    fn execute_words(&mut self, simple: &Simple) -> Result<ExitStatus, Flow> {
        self.line = simple.line;
        self.substitution_status = None;
        let fields =
            if simple.declares { self.expand_declaration(&simple.words)? } else { self.expand_fields(&simple.words)? };
        let Some(name) = fields.first() else { return self.execute_nameless(simple) };

        let special = builtins::find_special(name);
        let is_exec = name == b"exec" || (name == b"command" && fields.get(1).is_some_and(|second| second == b"exec"));
        let mut saved = vec![];
        if let Err(message) = self.redirect_all(&simple.redirects, &mut saved)? {
            self.restore_files(saved);
            self.complain(&message);
            if special.is_some() {
                return Err(Flow::Error(ExitStatus::USAGE));
            }
            return self.done(self.redirection_failure());
        }
        let result = self.execute_named(simple, fields, special, &saved);
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
        let mut saved = vec![];
        if let Err(message) = self.redirect_all(&simple.redirects, &mut saved)? {
            self.restore_files(saved);
            self.complain(&message);
            return self.done(self.redirection_failure());
        }
        let assigned = self.assign_all(&simple.assignments, &saved);
        self.restore_files(saved);
        assigned?;
        self.done(self.substitution_status.unwrap_or(ExitStatus::SUCCESS))
    }

    /// Assigns for good, one after the other.
    fn assign_all(&mut self, assignments: &[Assignment], saved: &SavedFiles) -> Result<(), Flow> {
        let mut traced = vec![];
        for assignment in assignments {
            let value = self.assigned_value(assignment)?;
            if self.options().xtrace {
                traced.push([&assignment.name[..], b"=", &value].concat());
            }
            if let Err(message) = self.assign(&assignment.name, value) {
                return Err(self.fatal(&message));
            }
        }
        self.trace(&traced, saved);
        Ok(())
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
        saved: &SavedFiles,
    ) -> Result<ExitStatus, Flow> {
        let runs = special.is_none() || (fields[0] == b"exec" && fields.len() > 1);
        let mut kept = vec![];
        let assigned = self.assign_before(simple, &fields, saved, &mut kept, runs);
        // They stay after a special built-in (XCU 2.14), but those before `exec` are for what it runs.
        let result = match (assigned, special) {
            (Err(flow), _) => Err(flow),
            (Ok(()), Some(builtin)) => builtin(self, &fields),
            (Ok(()), None) => {
                let name = &fields[0];
                if let Some(function) = self.state.functions.get(name).cloned() {
                    fields.remove(0);
                    self.call(&function, fields)
                } else if let Some(builtin) = builtins::find_regular(name) {
                    match builtin(self, &fields) {
                        // dash counts `local` among the special ones.
                        Err(Flow::Error(status)) if name != b"local" => Ok(status),
                        result => result,
                    }
                } else {
                    self.run_program(fields, None, false)
                }
            }
        };
        for (name, old) in kept.into_iter().rev() {
            self.state.replace(&name, old);
        }
        result
    }

    /// Assigns what stands before a command, one after the other. `for_now`: the variables are exported, and `kept` takes
    /// what they were.
    fn assign_before(
        &mut self,
        simple: &Simple,
        fields: &[Vec<u8>],
        saved: &SavedFiles,
        kept: &mut Vec<(Vec<u8>, Option<Variable>)>,
        for_now: bool,
    ) -> Result<(), Flow> {
        let mut words = vec![];
        for assignment in &simple.assignments {
            let (name, value) = (&assignment.name, self.assigned_value(assignment)?);
            if self.options().xtrace {
                words.push([&name[..], b"=", &value].concat());
            }
            let old = if for_now { self.state.variables.get(name).cloned() } else { None };
            if let Err(message) = self.assign(name, value) {
                return Err(self.fatal(&message));
            }
            if for_now {
                let mut variable = self.state.variables.get(name).cloned().unwrap_or_default();
                variable.exported = true;
                self.state.replace(name, Some(variable));
                kept.push((name.clone(), old));
            }
        }
        if self.options().xtrace {
            words.extend_from_slice(fields);
            self.trace(&words, saved);
        }
        Ok(())
    }

    /// Calls a function.
    fn call(&mut self, body: &Command, arguments: Vec<Vec<u8>>) -> Result<ExitStatus, Flow> {
        self.deeper(|shell| {
            let positional = std::mem::replace(&mut shell.state.positional, Arc::new(arguments));
            let getopts = std::mem::take(&mut shell.state.getopts);
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
            shell.state.getopts = getopts;
            match result {
                Err(Flow::Return(status)) => Ok(status),
                other => other,
            }
        })
    }

    /// Finds a program, in `path` where that is given, and runs it on this thread. `replacing` is for `exec`.
    pub(crate) fn run_program(
        &mut self,
        argv: Vec<Vec<u8>>,
        path: Option<&[u8]>,
        replacing: bool,
    ) -> Result<ExitStatus, Flow> {
        self.check_cancelled()?;
        let name = argv.first().cloned().unwrap_or_default();
        let shown = String::from_utf8_lossy(&name).into_owned();
        let own = self.lookup(b"PATH").unwrap_or(Cow::Borrowed(DEFAULT_PATH));
        let program = match self.context.spawner.resolve(&name, path.unwrap_or(&own), &self.state.cwd) {
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
        let env = self.state.environment();
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
        match replacing {
            // An interactive shell goes on.
            true if self.options().interactive => Err(Flow::Error(status)),
            true => Err(Flow::Exit(status)),
            false => Ok(status),
        }
    }

    /// `set -x`. A command's own redirection of standard error is not meant.
    fn trace(&mut self, words: &[Vec<u8>], saved: &SavedFiles) {
        if !self.options().xtrace || words.is_empty() {
            return;
        }
        let words: Vec<Vec<u8>> = match self.context.mode {
            Mode::Sh => words.to_vec(),
            Mode::Bash => words.iter().map(|word| quote_if_needed(word)).collect(),
        };
        let mut line = self.prompt(b"PS4");
        line.extend(words.join(&b' '));
        line.push(b'\n');
        match saved.iter().find(|(number, _)| *number == 2) {
            Some((_, Some(file))) => drop(file.write_all(&line, self.cancel())),
            Some((_, None)) => {}
            None => self.print_error(&line),
        }
    }

    /// `set -x` of what is no simple command.
    pub(super) fn trace_line(&mut self, text: &[u8]) {
        let mut line = self.prompt(b"PS4");
        line.extend_from_slice(text);
        line.push(b'\n');
        self.print_error(&line);
    }
}

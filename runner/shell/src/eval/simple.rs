//! Simple commands (XCU 2.9.1): assignments, redirections, then a function, a built-in or a program.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use stepbox_system::{ExitStatus, OpenFile, Resolution, SpawnRequest};

use super::redirect::SavedFiles;
use super::{Condition, Flow, Frame, Function, Shell};
use crate::builtins::{self, Builtin, quote_if_needed};
use crate::config::Mode;
use crate::ir::{Assigned, Assignment, Simple};
use crate::variables::Variable;

/// Where programs are looked for when `PATH` is unset.
pub(crate) const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Shell {
    pub(super) fn execute_simple(&mut self, simple: &Simple) -> Result<ExitStatus, Flow> {
        let processes = self.processes.len();
        let failures = self.failures.count();
        let result = self.execute_words(simple);
        self.note_result(failures, &result, simple.line, &simple.text);
        if self.processes.len() > processes {
            self.close_processes(processes);
        }
        result
    }

    fn execute_words(&mut self, simple: &Simple) -> Result<ExitStatus, Flow> {
        self.line = simple.line;
        self.note_command(&simple.text);
        self.run_bash_trap(Condition::Debug)?;
        self.substitution_status = None;
        self.substitution_failure = None;
        let fields =
            if simple.declares { self.expand_declaration(simple)? } else { self.expand_fields(&simple.words)? };
        let Some(name) = fields.first() else { return self.execute_nameless(simple) };

        let is_function = self.is_bash() && self.state.functions.contains_key(name);
        let special = builtins::find_special(name).filter(|_| !is_function);
        let is_exec = name == b"exec" || (name == b"command" && fields.get(1).is_some_and(|second| second == b"exec"));
        let mut saved = vec![];
        if let Err(message) = self.redirect_all(&simple.redirects, &mut saved)? {
            self.restore_files(saved);
            self.complain_if_any(&message);
            if self.context.mode == Mode::Bash {
                return self.done(ExitStatus::FAILURE);
            }
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
            self.complain_if_any(&message);
            return self.done(self.redirection_failure());
        }
        let assigned = self.assign_all(&simple.assignments, &saved);
        self.state.last_argument.clear();
        self.restore_files(saved);
        assigned?;
        let failure = self.substitution_failure.take();
        self.failures.adopt(failure);
        self.done(self.substitution_status.unwrap_or(ExitStatus::SUCCESS))
    }

    /// Assigns for good, one after the other.
    fn assign_all(&mut self, assignments: &[Assignment], saved: &SavedFiles) -> Result<(), Flow> {
        let mut traced = vec![];
        for assignment in assignments {
            let shown = self.carry_out(assignment)?;
            match shown {
                Some(shown) if self.is_bash() => self.trace_text(&shown, saved),
                shown => traced.extend(shown),
            }
        }
        self.trace(&traced, saved);
        Ok(())
    }

    /// Carries one assignment out; as it is traced, where it is.
    fn carry_out(&mut self, assignment: &Assignment) -> Result<Option<Vec<u8>>, Flow> {
        let Assignment { name, subscript, value, append } = assignment;
        let (traced, self_is_bash) = (self.options().xtrace, self.is_bash());
        let value = match value {
            Assigned::Compound(_) if subscript.is_some() => {
                let name = String::from_utf8_lossy(name).into_owned();
                return Err(self.expansion_error(&format!("{name}: cannot assign list to array member")));
            }
            Assigned::Compound(elements) => {
                let shown = self.assign_compound(name, elements, *append)?;
                return Ok(traced.then_some(shown));
            }
            Assigned::Text(value) => value,
        };
        let shown = |subscript: &[u8], value: &[u8]| {
            let sign: &[u8] = if *append { b"+=" } else { b"=" };
            // An empty value is not quoted.
            let quoted = self_is_bash && !value.is_empty();
            let value = if quoted { quote_if_needed(value) } else { value.to_vec() };
            traced.then(|| [&name[..], subscript, sign, &value].concat())
        };
        let (shown, result) = match subscript {
            None => {
                let value = self.expand_text(value)?;
                let shown = shown(b"", &value);
                (shown, if *append { self.append(name, value) } else { self.assign(name, value) })
            }
            Some(subscript) => {
                let subscript = self.expand_text(subscript)?;
                let place = self.element_place(name, &subscript).map_err(|message| self.expansion_error(&message))?;
                let value = self.expand_text(value)?;
                let shown = shown(&[b"[", &subscript[..], b"]"].concat(), &value);
                (shown, self.assign_place(&place, value, *append))
            }
        };
        result.map_err(|message| self.expansion_error(&message))?;
        Ok(shown)
    }

    fn execute_named(
        &mut self,
        simple: &Simple,
        mut fields: Vec<Vec<u8>>,
        special: Option<Builtin>,
        saved: &SavedFiles,
    ) -> Result<ExitStatus, Flow> {
        // It is noted when the command has ended, whatever ran inside.
        let last = if self.is_bash() { fields.last().cloned() } else { None };
        let runs = self.context.mode == Mode::Bash || special.is_none() || (fields[0] == b"exec" && fields.len() > 1);
        let mut kept = vec![];
        let assigned = self.assign_before(simple, &fields, saved, &mut kept, runs);
        // They stay after a special built-in (XCU 2.14), but those before `exec` are for what it runs.
        let result = match (assigned, special) {
            (Err(flow), _) => Err(flow),
            (Ok(()), Some(builtin)) => match builtin(self, &fields) {
                // No built-in is so special in bash that its error ends the shell.
                Err(Flow::Error(status)) if self.context.mode == Mode::Bash => Ok(failure_in_bash(&fields[0], status)),
                result => result,
            },
            (Ok(()), None) => {
                let name = &fields[0];
                if let Some(function) = self.state.functions.get(name).cloned() {
                    let name = fields.remove(0);
                    // What stands before the call is what the function is called with.
                    let names = kept.iter().map(|(name, _)| name.clone()).collect();
                    let around = std::mem::replace(&mut self.called_with, names);
                    let result = self.call(&name, &function, fields);
                    self.called_with = around;
                    result
                } else if let Some(builtin) = builtins::find_regular(name, self.context.mode) {
                    match builtin(self, &fields) {
                        // dash counts `local` among the special ones.
                        Err(Flow::Error(status)) if self.context.mode == Mode::Bash => {
                            Ok(failure_in_bash(name, status))
                        }
                        Err(Flow::Error(status)) if name != b"local" => Ok(status),
                        result => result,
                    }
                } else {
                    self.run_program(fields, None, false)
                }
            }
        };
        for (name, old) in kept.into_iter().rev() {
            self.state.variables.replace(&name, old);
        }
        if let Some(last) = last {
            self.state.last_argument = last;
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
            let name = &assignment.name;
            let old = if for_now { self.state.variables.get(name).cloned() } else { None };
            match self.carry_out(assignment) {
                Ok(Some(shown)) if self.is_bash() => self.trace_text(&shown, saved),
                Ok(shown) => words.extend(shown),
                // As bash: it says so, and runs the command all the same.
                Err(Flow::Discard(_)) if for_now => continue,
                Err(flow) => return Err(flow),
            }
            if for_now {
                self.state.variables.change_or_insert(name, |variable| variable.attributes.exported = true);
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
    fn call(&mut self, name: &[u8], function: &Function, arguments: Vec<Vec<u8>>) -> Result<ExitStatus, Flow> {
        self.deeper(|shell| {
            let positional = std::mem::replace(&mut shell.state.positional, Arc::new(arguments));
            let getopts = (shell.context.mode == Mode::Sh).then(|| std::mem::take(&mut shell.state.getopts));
            shell.state.variables.enter_scope();
            let loops = std::mem::take(&mut shell.loops);
            let line = shell.line;
            shell.callers += 1;
            shell.frames.push(Frame {
                name: name.into(),
                source: Arc::clone(&function.source),
                is_sourced: function.is_sourced,
                line,
                is_function: true,
            });
            let traps = shell.begin_function();
            let result = shell.execute_command(&function.body);
            let result = shell.run_return_trap(result);
            shell.end_function(traps);
            shell.frames.pop();
            shell.callers -= 1;
            shell.loops = loops;
            shell.state.variables.leave_scope();
            shell.state.positional = positional;
            if let Some(getopts) = getopts {
                shell.state.getopts = getopts;
            }
            match result {
                Err(Flow::Return(status)) => Ok(status),
                other => other,
            }
        })
    }

    /// Runs the trap of `RETURN` where a function or a sourced script ends.
    pub(crate) fn run_return_trap(&mut self, result: Result<ExitStatus, Flow>) -> Result<ExitStatus, Flow> {
        match result {
            Ok(status) | Err(Flow::Return(status)) => {
                self.state.status = status;
                self.run_bash_trap(Condition::Return)?;
                result
            }
            result => result,
        }
    }

    /// Finds a program, in `path` where that is given, and runs it on this thread. `replacing` is for `exec`.
    pub(crate) fn run_program(
        &mut self,
        argv: Vec<Vec<u8>>,
        path: Option<&[u8]>,
        replacing: bool,
    ) -> Result<ExitStatus, Flow> {
        let name = argv.first().cloned().unwrap_or_default();
        self.run_program_as(&name, argv, path, replacing)
    }

    /// The same; the program may be told another name.
    pub(crate) fn run_program_as(
        &mut self,
        name: &[u8],
        argv: Vec<Vec<u8>>,
        path: Option<&[u8]>,
        replacing: bool,
    ) -> Result<ExitStatus, Flow> {
        self.check_cancelled()?;
        let shown = String::from_utf8_lossy(name).into_owned();
        let own = self.lookup(b"PATH").unwrap_or(Cow::Borrowed(DEFAULT_PATH));
        let program = match self.context.spawner.resolve(name, path.unwrap_or(&own), &self.state.cwd) {
            Resolution::Found(program) => program,
            Resolution::NotFound(hint) => {
                let bash = if name.contains(&b'/') { "No such file or directory" } else { "command not found" };
                let bash = if replacing { format!("exec: {shown}: not found") } else { format!("{shown}: {bash}") };
                self.complain_as(&format!("{shown}: not found"), &bash);
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
        self.trace_text(&words.join(&b' '), saved);
    }

    /// The same, of a text that is ready.
    fn trace_text(&mut self, text: &[u8], saved: &SavedFiles) {
        let mut line = self.prompt(b"PS4");
        line.extend_from_slice(text);
        line.push(b'\n');
        match (self.trace_file(), saved.iter().find(|(number, _)| *number == 2)) {
            (Some(file), _) | (None, Some((_, Some(file)))) => drop(file.write_all(&line, self.cancel())),
            (None, Some((_, None))) => {}
            (None, None) => self.print_error(&line),
        }
    }

    /// Where bash's `BASH_XTRACEFD` says that `set -x` goes.
    fn trace_file(&self) -> Option<&OpenFile> {
        if !self.is_bash() {
            return None;
        }
        let number = std::str::from_utf8(&self.lookup(b"BASH_XTRACEFD")?).ok()?.parse().ok()?;
        self.state.files.get(&number)
    }

    /// `set -x` of what is no simple command.
    pub(super) fn trace_line(&mut self, text: &[u8]) {
        let mut line = self.prompt(b"PS4");
        line.extend_from_slice(text);
        line.push(b'\n');
        match self.trace_file() {
            Some(file) => drop(file.write_all(&line, self.cancel())),
            None => self.print_error(&line),
        }
    }
}

/// The status of a built-in that failed: 1 in bash, but for what says where a script is wrong.
fn failure_in_bash(name: &[u8], status: ExitStatus) -> ExitStatus {
    if status == ExitStatus::USAGE && !matches!(name, b"eval" | b"." | b"source") {
        ExitStatus::FAILURE
    } else {
        status
    }
}

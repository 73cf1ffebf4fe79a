//! Compound commands.

use std::sync::Arc;

use stepbox_system::ExitStatus;

use super::{Condition, Flow, Shell};
use crate::ir::{Arm, ArmEnd, Command, Compound, List, Redirect, Word};
use crate::parse::is_name;

impl Shell {
    pub(crate) fn execute_command(&mut self, command: &Command) -> Result<ExitStatus, Flow> {
        self.check_cancelled()?;
        match command {
            Command::Simple(simple) => self.execute_simple(simple),
            Command::Function { name, body, text } => {
                self.define_function(name, body, text);
                self.state.status = ExitStatus::SUCCESS;
                Ok(ExitStatus::SUCCESS)
            }
            Command::Compound { line, text, body, redirects } => {
                let failures = self.failures.count();
                let result = self.execute_redirected(*line, text, body, redirects);
                self.note_result(failures, &result, *line, text);
                result
            }
        }
    }

    fn execute_redirected(
        &mut self,
        line: u32,
        text: &Arc<[u8]>,
        body: &Compound,
        redirects: &[Redirect],
    ) -> Result<ExitStatus, Flow> {
        self.deeper(|shell| {
            shell.line = line;
            shell.note_command(text);
            let processes = shell.processes.len();
            let mut saved = vec![];
            if let Err(message) = shell.redirect_all(redirects, &mut saved)? {
                shell.restore_files(saved);
                shell.close_processes(processes);
                shell.complain_if_any(&message);
                return shell.done(shell.redirection_failure());
            }
            let result = shell.execute_compound(text, body);
            shell.restore_files(saved);
            shell.close_processes(processes);
            if let Ok(status) = result {
                shell.state.status = status;
            }
            result
        })
    }

    fn execute_compound(&mut self, text: &Arc<[u8]>, compound: &Compound) -> Result<ExitStatus, Flow> {
        match compound {
            Compound::Brace(list) => self.execute_list(list),
            Compound::Subshell(list) => {
                let status = self.in_subshell(|shell| shell.execute_list(list))?;
                self.state.status = status;
                self.leave_on_error(status)?;
                Ok(status)
            }
            Compound::If { arms, otherwise } => {
                for (condition, body) in arms {
                    if self.condition(condition)?.is_success() {
                        return self.execute_list(body);
                    }
                }
                match otherwise {
                    Some(body) => self.execute_list(body),
                    None => Ok(ExitStatus::SUCCESS),
                }
            }
            Compound::While { until, condition, body } => self.execute_while(*until, condition, body),
            Compound::For { name, words, body } => self.execute_for(text, name, words.as_deref(), body),
            Compound::Case { word, arms } => self.execute_case(word, arms),
            Compound::Test(test) => {
                self.run_bash_trap(Condition::Debug)?;
                let status = self.execute_test(test)?;
                self.done(status)
            }
            Compound::Arithmetic(expression) => {
                let status = self.execute_arithmetic(expression)?;
                self.done(status)
            }
            Compound::ForArithmetic { first, condition, step, body } => {
                self.execute_for_arithmetic([first, condition, step], body)
            }
        }
    }

    /// A list whose failure is an answer.
    fn condition(&mut self, list: &List) -> Result<ExitStatus, Flow> {
        self.forgiving += 1;
        let failures = std::mem::take(&mut self.failures);
        let result = self.execute_list(list);
        if result.is_ok() {
            self.failures = failures;
        }
        self.forgiving -= 1;
        result
    }

    fn execute_while(&mut self, until: bool, condition: &List, body: &List) -> Result<ExitStatus, Flow> {
        let mut status = ExitStatus::SUCCESS;
        self.loops += 1;
        let result = loop {
            match self.condition(condition) {
                Ok(answer) if answer.is_success() != until => {}
                Ok(_) => break Ok(status),
                Err(flow) => match leave_loop(flow) {
                    // `continue` has succeeded, and bash looks at that first.
                    None if until && self.is_bash() => break Ok(status),
                    None => continue,
                    Some(end) => break end.map(|()| status),
                },
            }
            match self.execute_list(body) {
                Ok(last) => status = last,
                Err(flow) => match leave_loop(flow) {
                    None => status = self.state.status,
                    Some(end) => break end.map(|()| self.state.status),
                },
            }
        };
        self.loops -= 1;
        result
    }

    fn execute_for(
        &mut self,
        text: &Arc<[u8]>,
        name: &[u8],
        words: Option<&[Word]>,
        body: &List,
    ) -> Result<ExitStatus, Flow> {
        if !is_name(name) {
            self.complain(&format!("`{}': not a valid identifier", String::from_utf8_lossy(name)));
            return self.done(ExitStatus::FAILURE);
        }
        let values = match words {
            Some(words) => self.expand_fields(words)?,
            None => self.positional().to_vec(),
        };
        let mut status = ExitStatus::SUCCESS;
        self.loops += 1;
        let mut result = Ok(());
        let line = self.line;
        for value in values {
            self.line = line;
            self.note_command(text);
            if let Err(flow) = self.run_bash_trap(Condition::Debug) {
                result = Err(flow);
                break;
            }
            if let Err(message) = self.assign_each(name, value) {
                result = Err(self.expansion_error(&message));
                break;
            }
            match self.execute_list(body) {
                Ok(last) => status = last,
                Err(flow) => {
                    status = self.state.status;
                    if let Some(end) = leave_loop(flow) {
                        result = end;
                        break;
                    }
                }
            }
        }
        self.loops -= 1;
        result.map(|()| status)
    }

    /// `((…))`: fails where the value is 0, and where there is none.
    fn execute_arithmetic(&mut self, expression: &Word) -> Result<ExitStatus, Flow> {
        let status = match self.loop_expression(expression)? {
            Some(value) => ExitStatus::new(u8::from(value == 0)),
            None => ExitStatus::FAILURE,
        };
        Ok(status)
    }

    /// The value of an expression outside words; `None` where it is wrong, which has been said.
    fn loop_expression(&mut self, expression: &Word) -> Result<Option<i64>, Flow> {
        self.run_bash_trap(Condition::Debug)?;
        let text = self.expand_text(expression)?;
        if self.options().xtrace {
            self.trace_line(&[b"(( ", text.trim_ascii(), b" ))"].concat());
        }
        match self.try_arithmetic(&text) {
            Ok(value) => Ok(Some(value)),
            Err(message) if std::mem::take(&mut self.met_unset) => Err(self.missing_parameter(&message)),
            Err(message) => {
                self.complain(&format!("((: {message}"));
                Ok(None)
            }
        }
    }

    fn execute_for_arithmetic(&mut self, parts: [&Word; 3], body: &List) -> Result<ExitStatus, Flow> {
        let [first, condition, step] = parts;
        let line = self.line;
        if self.loop_expression(first)?.is_none() {
            return Ok(ExitStatus::FAILURE);
        }
        let mut status = ExitStatus::SUCCESS;
        self.loops += 1;
        let result = loop {
            self.line = line;
            // None is true.
            let goes_on = if condition.parts.is_empty() { Some(1) } else { self.loop_expression(condition)? };
            match goes_on {
                None => break Ok(ExitStatus::FAILURE),
                Some(0) => break Ok(status),
                Some(_) => {}
            }
            match self.execute_list(body) {
                Ok(last) => status = last,
                Err(flow) => match leave_loop(flow) {
                    None => status = self.state.status,
                    Some(end) => break end.map(|()| self.state.status),
                },
            }
            self.line = line;
            if self.loop_expression(step)?.is_none() {
                break Ok(ExitStatus::FAILURE);
            }
            self.check_cancelled()?;
        };
        self.loops -= 1;
        result
    }

    fn execute_case(&mut self, word: &Word, arms: &[Arm]) -> Result<ExitStatus, Flow> {
        self.run_bash_trap(Condition::Debug)?;
        let text = self.expand_text(word)?;
        let mut falling = false;
        let mut status = ExitStatus::SUCCESS;
        for arm in arms {
            let mut matched = falling;
            for pattern in arm.patterns.iter().filter(|_| !falling) {
                matched = self.expand_pattern(pattern)?.matches(&text);
                if matched {
                    break;
                }
            }
            if matched {
                status = self.execute_list(&arm.body)?;
                match arm.end {
                    ArmEnd::Stop => return Ok(status),
                    ArmEnd::FallThrough => falling = true,
                    ArmEnd::TryOthers => falling = false,
                }
            }
        }
        Ok(status)
    }
}

/// What `break` and `continue` mean for the innermost loop: go on (`None`), or leave it, with what is left for the next.
fn leave_loop(flow: Flow) -> Option<Result<(), Flow>> {
    match flow {
        Flow::Continue(1) => None,
        Flow::Continue(n) => Some(Err(Flow::Continue(n - 1))),
        Flow::Break(1) => Some(Ok(())),
        Flow::Break(n) => Some(Err(Flow::Break(n - 1))),
        other => Some(Err(other)),
    }
}

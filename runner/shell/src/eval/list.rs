//! Lists, `&&` and `||`, pipelines.

use std::sync::Arc;

use stepbox_system::{ExitStatus, OpenFile, pipe};

use super::jobs::{Job, STACK};
use super::{Condition, Failure, Flow, Shell};
use crate::ir::{AndOr, Command, Connector, List, Pipeline};
use crate::switches::Switch;

impl Shell {
    pub(crate) fn execute_list(&mut self, list: &List) -> Result<ExitStatus, Flow> {
        let mut status = ExitStatus::SUCCESS;
        for item in &list.0 {
            self.check_cancelled()?;
            if self.options().noexec {
                return Ok(status);
            }
            if let Some(text) = &item.background {
                self.start_job(&item.and_or, text)?;
                status = ExitStatus::SUCCESS;
                self.state.status = status;
            } else {
                status = self.execute_and_or(&item.and_or)?;
            }
            self.run_pending_traps()?;
        }
        Ok(status)
    }

    pub(crate) fn execute_and_or(&mut self, and_or: &AndOr) -> Result<ExitStatus, Flow> {
        let last = and_or.rest.len();
        let mut status = self.execute_link(&and_or.first, last > 0)?;
        for (number, (connector, pipeline)) in and_or.rest.iter().enumerate() {
            let goes_on = match connector {
                Connector::And => status.is_success(),
                Connector::Or => !status.is_success(),
            };
            if goes_on {
                status = self.execute_link(pipeline, number + 1 < last)?;
            }
        }
        Ok(status)
    }

    /// A pipeline of an and-or list; `set -e` counts only for the last one.
    fn execute_link(&mut self, pipeline: &Pipeline, forgiving: bool) -> Result<ExitStatus, Flow> {
        self.forgiving += u32::from(forgiving);
        let result = self.execute_pipeline(pipeline);
        self.forgiving -= u32::from(forgiving);
        result
    }

    fn execute_pipeline(&mut self, pipeline: &Pipeline) -> Result<ExitStatus, Flow> {
        if let Some(portable) = pipeline.timed {
            return self.timed(portable, |shell| shell.execute_stages_or_command(pipeline));
        }
        self.execute_stages_or_command(pipeline)
    }

    fn execute_stages_or_command(&mut self, pipeline: &Pipeline) -> Result<ExitStatus, Flow> {
        self.forgiving += u32::from(pipeline.negated);
        let result = match pipeline.commands.as_slice() {
            [] => Ok(ExitStatus::SUCCESS),
            [command] => self.execute_command(command),
            commands => self.execute_stages(commands),
        };
        self.forgiving -= u32::from(pipeline.negated);
        let mut status = result?;
        if pipeline.commands.len() == 1 {
            // That of one command is its status.
            self.state.pipe_status = pipeline.negated.then(|| vec![status]);
        }
        if pipeline.negated {
            if status.is_success() {
                self.note_negated(pipeline);
            }
            status = if status.is_success() { ExitStatus::FAILURE } else { ExitStatus::SUCCESS };
            self.state.status = status;
        } else if pipeline.commands.len() > 1 {
            self.state.status = status;
            self.leave_on_error(status)?;
        }
        Ok(status)
    }

    /// `set -e`: ends the shell where a command fails and nobody asks. The trap of `ERR` runs before.
    pub(crate) fn leave_on_error(&mut self, status: ExitStatus) -> Result<(), Flow> {
        if status.is_success() || self.forgiving > 0 {
            return Ok(());
        }
        self.run_bash_trap(Condition::Error)?;
        if self.options().errexit { Err(Flow::Exit(status)) } else { Ok(()) }
    }

    /// Stages that run at once, each but the last on a thread of its own.
    fn execute_stages(&mut self, commands: &[Arc<Command>]) -> Result<ExitStatus, Flow> {
        let mut stages = vec![];
        let mut input: Option<OpenFile> = None;
        let Some((last, others)) = commands.split_last() else { return Ok(ExitStatus::SUCCESS) };
        for command in others {
            let (reader, writer) = pipe();
            let mut stage = match self.child() {
                Ok(stage) => stage,
                Err(flow) => {
                    // What has begun sees its pipe closed and ends.
                    drop(input);
                    wait_all(stages);
                    return Err(flow);
                }
            };
            if let Some(input) = input.take() {
                stage.set_file(0, Some(input));
            }
            stage.set_file(1, Some(OpenFile::new(writer)));
            input = Some(OpenFile::new(reader));
            let command = Arc::clone(command);
            let thread = std::thread::Builder::new().name("stage".to_owned()).stack_size(STACK).spawn(move || {
                stage.depth = 0;
                let flow = stage.execute_command(&command);
                let status = stage.finish(flow);
                (status, stage.failures.take(status))
            });
            match thread {
                Ok(thread) => stages.push(thread),
                Err(error) => {
                    drop(input);
                    wait_all(stages);
                    return Err(self.refusal(&format!("cannot start a thread: {error}")));
                }
            }
        }
        // The last stage stays on this thread: as much a subshell as the others, but for bash's `lastpipe`.
        let status = if self.is_bash() && self.switches().is_on(Switch::Lastpipe) {
            let before = self.state.files.get(&0).cloned();
            self.set_file(0, input);
            self.forgiving += 1;
            let result = self.execute_command(last);
            self.forgiving -= 1;
            self.set_file(0, before);
            result
        } else {
            self.in_subshell(|shell| {
                shell.set_file(0, input);
                shell.execute_command(last)
            })
        };
        let statuses = wait_all(stages);
        let status = status?;
        self.state.pipe_status = Some(statuses.iter().map(|(status, _)| *status).chain([status]).collect());
        self.check_cancelled()?;
        if self.options().pipefail
            && status.is_success()
            && let Some((status, failure)) = statuses.into_iter().rev().find(|(status, _)| !status.is_success())
        {
            self.failures.adopt(failure);
            return Ok(status);
        }
        Ok(status)
    }

    /// A copy with a process of its own, for another thread.
    pub(crate) fn child(&mut self) -> Result<Self, Flow> {
        match self.process.table().start(self.process.id(), self.process.cancel()) {
            Ok(process) => Ok(self.copy(Arc::new(process))),
            Err(error) => Err(self.refusal(&format!("cannot fork: {error}"))),
        }
    }

    fn start_job(&mut self, and_or: &Arc<AndOr>, text: &Arc<[u8]>) -> Result<(), Flow> {
        let mut child = self.child()?;
        child.forgiving = 0;
        // Without job control a job in the background reads nothing (XCU 2.9.3.1).
        child.set_file(0, Some(OpenFile::null()));
        let process = Arc::clone(&child.process);
        let id = process.id();
        let and_or = Arc::clone(and_or);
        let thread = std::thread::Builder::new().name("job".to_owned()).stack_size(STACK).spawn(move || {
            child.depth = 0;
            let flow = child.execute_and_or(&and_or);
            child.finish(flow)
        });
        match thread {
            Ok(thread) => {
                self.reap_if_many();
                let number = self.jobs.iter().map(|job| job.number).max().unwrap_or(0) + 1;
                self.jobs.push(Job::new(id, number, Arc::clone(text), &self.bell, thread));
                self.state.last_job = Some(id);
                Ok(())
            }
            Err(error) => Err(self.refusal(&format!("cannot start a thread: {error}"))),
        }
    }
}

/// How a stage ended, and the command that it failed with.
type Ended = (ExitStatus, Option<Failure>);

fn wait_all(stages: Vec<std::thread::JoinHandle<Ended>>) -> Vec<Ended> {
    // A stage that panicked has failed, and nothing more.
    stages.into_iter().map(|stage| stage.join().unwrap_or((ExitStatus::new(134), None))).collect()
}

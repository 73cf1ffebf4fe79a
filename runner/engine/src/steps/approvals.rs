//! Steps that wait for an answer (section 11.3 of the specification).

use std::time::{Duration, Instant};

use stepbox_limits::Limit;
use stepbox_pipeline::{Approval, StepKind, StepState};

use super::Course;
use crate::approval::{Answer, Question};
use crate::event::BuildEvent;
use crate::outcome::as_milliseconds;
use crate::resumed::now;
use crate::running::{Phase, Ran, Running};
use crate::standing::Waiting;

impl<'a> Course<'_, 'a, '_, '_> {
    /// A step begins to wait: it is answered at once where the caller has said what, else somebody is asked.
    pub(super) fn wait_for_answer(&mut self, number: usize, approval: Approval) {
        let wait = as_milliseconds(approval.wait);
        self.wait_until(number, now(self.build.parts.request).saturating_add(wait));
    }

    fn wait_until(&mut self, number: usize, until: u64) {
        let request = self.build.parts.request;
        let Some(running) = self.running.get_mut(&number) else { return };
        let name = running.step.name.as_str();
        for (names, state, flag) in
            [(&request.approve, StepState::Approved, "--approve"), (&request.deny, StepState::Denied, "--deny")]
        {
            if names.iter().any(|one| one == name) {
                return self.end(number, Ran::answered(state, format!("by `{flag}`")));
            }
        }
        let rest = Duration::from_millis(until.saturating_sub(now(request)));
        // One that is too far for the clock is never met.
        running.deadline = Instant::now().checked_add(rest);
        running.phase = Phase::Approval { asked: request.approver.is_some(), until };
        let title = self.build.outcomes[number].title.clone();
        let question = Question { step: name.to_owned(), title };
        let event = BuildEvent::ApprovalAwaited { step: question.step.clone(), until };
        self.build.reporter.emit(event);
        if let Some(approver) = &request.approver {
            approver.ask(question, self.worker.question(number));
        }
    }

    /// Takes up the steps that waited when the build stopped, and those of them that are answered now end.
    pub(super) fn take_up(&mut self) {
        let Some(resumed) = &self.build.parts.resumed else { return };
        for waiting in &resumed.waiting {
            let step = self.build.flat[waiting.number].step;
            let running = Running {
                step,
                label: step.name.to_string(),
                description: step.description.as_ref().map(|text| self.build.text(text, &self.build.variables)),
                started: Instant::now(),
                attempt: 1,
                modules: 0,
                phase: Phase::Approval { asked: false, until: waiting.until },
                deadline: None,
                most_time: self.build.parts.request.limits.setting(Limit::StepTime),
                timed_out: false,
                stopped_by: None,
            };
            self.running.insert(waiting.number, running);
        }
        for waiting in &resumed.waiting {
            // The end of another one may have ended it.
            if !self.running.contains_key(&waiting.number) {
                continue;
            }
            if waiting.until <= now(self.build.parts.request) {
                self.nobody_answered(waiting.number);
            } else if let Some((state, how)) = resumed.answers.get(&waiting.number) {
                self.end(waiting.number, Ran::answered(*state, how.clone()));
            } else {
                self.wait_until(waiting.number, waiting.until);
            }
        }
    }

    /// Somebody has answered.
    pub(super) fn answered(&mut self, number: usize, answer: Answer) {
        let Some(running) = self.running.get_mut(&number) else { return };
        let Phase::Approval { asked, .. } = &mut running.phase else { return };
        *asked = false;
        let state = match answer {
            Answer::Later => return,
            Answer::Approved => StepState::Approved,
            Answer::Denied => StepState::Denied,
        };
        self.end(number, Ran::answered(state, "on the terminal"));
    }

    /// The time to answer is over (rule A6).
    pub(super) fn nobody_answered(&mut self, number: usize) {
        let Some(running) = self.running.get(&number) else { return };
        let StepKind::Approval(approval) = running.step.kind else { return };
        let reason = format!("nobody answered within {}", hours(approval.wait));
        self.end(number, Ran { reason: Some(reason), ..Ran::new(approval.final_state.state()) });
    }

    /// Whether nothing runs but steps that wait for an answer for which nobody is asked.
    pub(super) fn only_waits(&self) -> bool {
        self.running.values().all(|step| matches!(step.phase, Phase::Approval { asked: false, .. }))
    }

    /// The steps for whose answers the build stops.
    pub(super) fn leave_waiting(self) {
        for (number, running) in self.running {
            if let Phase::Approval { until, .. } = running.phase {
                self.build.waiting.push(Waiting { number, until });
            }
        }
    }
}

/// `168 h`, `10 m`, `0.5 s`.
fn hours(wait: Duration) -> String {
    let seconds = wait.as_secs_f64();
    match wait.as_secs() {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} m", seconds / 60.0),
        _ => format!("{} h", seconds / 3600.0),
    }
}

//! Which step is next, and what the build comes to (rules S1-S8): the sequential mode.

use crate::pipeline::{Pipeline, Step};
use crate::references::References;
use crate::variables::Variables;

/// Where a step stands (rule S1, as far as steps can get here).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Begun.
    Running,
    /// Ended well.
    Success,
    /// Ended badly.
    Error,
    /// Stopped: by its timeout (section 13, decision 8) or with the build.
    Terminated,
    /// Left out.
    Skipped,
}

impl StepState {
    /// The word that is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Success => "success",
            Self::Error => "error",
            Self::Terminated => "terminated",
            Self::Skipped => "skipped",
        }
    }

    /// The state after an exit status (rule S4).
    #[must_use]
    pub fn from_exit_status(status: u8) -> Self {
        if status == 0 { Self::Success } else { Self::Error }
    }

    /// The word of `${{step.result}}` and of conditions (rule S3); `None` while there is no result.
    #[must_use]
    pub fn result_word(self) -> Option<&'static str> {
        match self {
            Self::Success => Some("success"),
            Self::Error | Self::Terminated => Some("failure"),
            Self::Skipped => Some("skipped"),
            Self::Pending | Self::Running => None,
        }
    }

    fn failed(self) -> bool {
        matches!(self, Self::Error | Self::Terminated)
    }
}

/// What a build came to (the end states of rule S2). The order is that of rule S8: of several builds the worst counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BuildResult {
    /// All well, or nothing that counts failed.
    Success,
    /// Failed.
    Error,
    /// Stopped from outside.
    Terminated,
}

impl BuildResult {
    /// The word that is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Terminated => "terminated",
        }
    }

    /// The exit code of the official command line (rule S8). Stepbox's own are in DESIGN.md.
    #[must_use]
    pub fn official_exit_code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Error => 1,
            Self::Terminated => 2,
        }
    }
}

/// What the failure of a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailurePolicy {
    /// It ends the build.
    pub fail_fast: bool,
    /// It makes the build fail at its end.
    pub strict_fail_fast: bool,
}

impl FailurePolicy {
    /// The policy of a step: its own fields, else the root's (rule S6), else the defaults. A flag whose variable is
    /// undefined or no boolean counts as not given.
    #[must_use]
    pub fn of(pipeline: &Pipeline, step: &Step, variables: &Variables, references: &References) -> Self {
        let pick = |own: &Option<crate::Flag>, root: &Option<crate::Flag>| {
            own.iter().chain(root).find_map(|flag| flag.resolve(variables, references))
        };
        Self {
            fail_fast: pick(&step.fail_fast, &pipeline.fail_fast).unwrap_or(true),
            strict_fail_fast: pick(&step.strict_fail_fast, &pipeline.strict_fail_fast).unwrap_or(false),
        }
    }
}

/// The course of a build whose steps run one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    states: Vec<StepState>,
    aborted: bool,
    failed: bool,
    terminated: bool,
}

impl Plan {
    /// A build of some steps, none begun.
    #[must_use]
    pub fn new(steps: usize) -> Self {
        Self { states: vec![StepState::Pending; steps], aborted: false, failed: false, terminated: false }
    }

    /// The number of the step to begin now, which is then running. `None` while one runs and when the build is over.
    pub fn start_next(&mut self) -> Option<usize> {
        if self.aborted || self.states.contains(&StepState::Running) {
            return None;
        }
        let next = self.states.iter().position(|state| *state == StepState::Pending)?;
        self.states[next] = StepState::Running;
        Some(next)
    }

    /// Notes how the running step ended, and draws the consequences of a failure (rule S5).
    pub fn finish(&mut self, state: StepState, policy: FailurePolicy) {
        let Some(running) = self.states.iter().position(|state| *state == StepState::Running) else { return };
        self.states[running] = state;
        if state.failed() {
            if policy.fail_fast {
                self.aborted = true;
                self.failed = true;
            } else if policy.strict_fail_fast {
                self.failed = true;
            }
        }
    }

    /// Leaves out a step that has not begun (rule S12).
    pub fn skip(&mut self, step: usize) {
        if let Some(state) = self.states.get_mut(step).filter(|state| **state == StepState::Pending) {
            *state = StepState::Skipped;
        }
    }

    /// Stops the build from outside: what runs is terminated, nothing else begins.
    pub fn terminate(&mut self) {
        self.aborted = true;
        self.terminated = true;
        for state in self.states.iter_mut().filter(|state| **state == StepState::Running) {
            *state = StepState::Terminated;
        }
    }

    /// The state of every step.
    #[must_use]
    pub fn states(&self) -> &[StepState] {
        &self.states
    }

    /// What the build came to; `None` while it is not over.
    #[must_use]
    pub fn result(&self) -> Option<BuildResult> {
        let open = |state: &StepState| matches!(state, StepState::Pending | StepState::Running);
        if self.terminated {
            Some(BuildResult::Terminated)
        } else if !self.aborted && self.states.iter().any(open) {
            None
        } else if self.failed {
            Some(BuildResult::Error)
        } else {
            Some(BuildResult::Success)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::variables::Layer;

    fn course(policy: (bool, bool), first: StepState) -> (Vec<StepState>, BuildResult) {
        let policy = FailurePolicy { fail_fast: policy.0, strict_fail_fast: policy.1 };
        let mut plan = Plan::new(2);
        assert_eq!(plan.start_next(), Some(0));
        assert_eq!((plan.start_next(), plan.result()), (None, None));
        plan.finish(first, policy);
        if plan.start_next() == Some(1) {
            plan.finish(StepState::Success, policy);
        }
        (plan.states().to_vec(), plan.result().expect("over"))
    }

    #[test]
    fn s5_the_table_of_fail_fast_and_strict_fail_fast() {
        use StepState::{Error, Pending, Success};
        for strict in [false, true] {
            assert_eq!(course((true, strict), Error), (vec![Error, Pending], BuildResult::Error));
            assert_eq!(course((true, strict), Success), (vec![Success, Success], BuildResult::Success));
        }
        assert_eq!(course((false, false), Error), (vec![Error, Success], BuildResult::Success));
        assert_eq!(course((false, true), Error), (vec![Error, Success], BuildResult::Error));
    }

    #[test]
    fn f25_a_timeout_counts_as_a_failure() {
        let terminated = StepState::Terminated;
        assert_eq!(course((true, false), terminated), (vec![terminated, StepState::Pending], BuildResult::Error));
        assert_eq!(course((false, false), terminated).1, BuildResult::Success);
    }

    #[test]
    fn s1_states_have_the_official_words() {
        let all = [StepState::Pending, StepState::Running, StepState::Success, StepState::Error, StepState::Terminated];
        assert_eq!(all.map(StepState::as_str), ["pending", "running", "success", "error", "terminated"]);
        assert_eq!(StepState::Skipped.as_str(), "skipped");
    }

    #[test]
    fn s2_a_build_stopped_from_outside_is_terminated() {
        let mut plan = Plan::new(2);
        plan.start_next();
        plan.terminate();
        assert_eq!((plan.start_next(), plan.result()), (None, Some(BuildResult::Terminated)));
        assert_eq!(plan.states(), [StepState::Terminated, StepState::Pending]);
        assert_eq!(BuildResult::Terminated.as_str(), "terminated");
    }

    #[test]
    fn s3_conditions_say_success_and_failure() {
        let words = [StepState::Success, StepState::Error, StepState::Terminated, StepState::Running];
        assert_eq!(words.map(StepState::result_word), [Some("success"), Some("failure"), Some("failure"), None]);
    }

    #[test]
    fn s4_zero_is_success_and_all_else_is_failure() {
        assert_eq!(StepState::from_exit_status(0), StepState::Success);
        for status in [1, 127, 255] {
            assert_eq!(StepState::from_exit_status(status), StepState::Error);
        }
    }

    #[test]
    fn s6_the_step_beats_the_root_and_a_variable_is_asked_when_it_starts() {
        let text = "version: 1.0\nfail_fast: false\nstrict_fail_fast: true\nsteps:\n  a: {image: x}\n  \
                    b: {image: x, fail_fast: true, strict_fail_fast: false}\n  c: {image: x, fail_fast: '${{F}}'}\n";
        let pipeline = Pipeline::read(text).pipeline.expect("valid");
        let mut variables = Variables::new();
        let of = |step: usize, variables: &Variables| {
            let policy = FailurePolicy::of(&pipeline, &pipeline.steps[step], variables, &References::new());
            (policy.fail_fast, policy.strict_fail_fast)
        };
        assert_eq!(of(0, &variables), (false, true));
        assert_eq!(of(1, &variables), (true, false));
        assert_eq!(of(2, &variables), (false, true));
        variables.set(Layer::Build, "F", "yes");
        assert_eq!(of(2, &variables), (true, true));
    }

    #[test]
    fn s8_the_worst_of_several_builds_counts() {
        use BuildResult::{Error, Success, Terminated};
        assert_eq!([Error, Terminated, Success].into_iter().max(), Some(Terminated));
        assert_eq!([Success, Error, Terminated].map(BuildResult::official_exit_code), [0, 1, 2]);
    }

    #[test]
    fn s12_a_step_that_is_left_out_is_skipped() {
        let mut plan = Plan::new(2);
        plan.skip(0);
        assert_eq!(plan.start_next(), Some(1));
        plan.finish(StepState::Success, FailurePolicy { fail_fast: true, strict_fail_fast: false });
        assert_eq!((plan.states()[0], plan.result()), (StepState::Skipped, Some(BuildResult::Success)));
    }

    #[test]
    fn s5_a_build_of_no_steps_succeeds() {
        assert_eq!(Plan::new(0).result(), Some(BuildResult::Success));
    }
}

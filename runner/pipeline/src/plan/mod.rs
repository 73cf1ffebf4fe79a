//! The course of a build: which steps may start, what the end of a step means for the others, and what the build comes
//! to (sections 5 and 6 of the specification).
//!
//! Steps have numbers: their places in [`crate::Pipeline::flat`], a group before its members. The plan knows neither
//! conditions nor expressions: whoever drives it asks which steps may start ([`Plan::startable`]), looks at their
//! conditions, and says what became of each. A group is a step that others run inside of (`type: parallel`).

mod policy;
mod state;
mod step_result;

pub use policy::FailurePolicy;
pub use state::{BuildResult, StepState};
pub use step_result::StepResult;

/// Whether steps run in their order, or each as soon as it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// One after the other, as they stand in the file.
    #[default]
    Sequential,
    /// Each when its condition allows (rule P8).
    Parallel,
}

/// The place of a step in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanStep {
    /// The group that it is a member of.
    pub parent: Option<usize>,
    /// Whether it is a group.
    pub group: bool,
}

/// What the end of a step means for others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consequences {
    /// Running steps that must be stopped (rule P12).
    pub stop: Vec<usize>,
    /// Groups whose members are all over now: [`Plan::finish_group`] is to be called for each.
    pub complete: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    parent: Option<usize>,
    group: bool,
    state: StepState,
    policy: FailurePolicy,
    /// Skipped because its condition never became true in parallel mode.
    never: bool,
}

/// Where a step stands, for a build that goes on later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanStanding {
    /// Its state.
    pub state: StepState,
    /// Whether it was skipped because its condition never became true in parallel mode (rule P9).
    pub never: bool,
    /// What its failure means, where it has begun.
    pub policy: FailurePolicy,
}

impl PlanStanding {
    /// A step that has not begun.
    pub const PENDING: Self = Self { state: StepState::Pending, never: false, policy: DEFAULT_POLICY };
}

/// The course of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    mode: Mode,
    nodes: Vec<Node>,
    /// Nothing starts any more.
    aborted: bool,
    failed: bool,
    /// Failed whatever policies and criteria say.
    broken: bool,
    terminated: bool,
}

/// Where nobody has said another one.
const DEFAULT_POLICY: FailurePolicy = FailurePolicy { fail_fast: true, strict_fail_fast: false };

impl Plan {
    /// A build of some steps, none begun. A parent stands before its members.
    #[must_use]
    pub fn new(mode: Mode, steps: &[PlanStep]) -> Self {
        let node = |step: &PlanStep| Node {
            parent: step.parent,
            group: step.group,
            state: StepState::Pending,
            policy: DEFAULT_POLICY,
            never: false,
        };
        let nodes = steps.iter().map(node).collect();
        Self { mode, nodes, aborted: false, failed: false, broken: false, terminated: false }
    }

    /// A build that goes on: each step from where it stands, those for which nothing is said from the beginning. What
    /// failed before ends nothing now; whether it counts is known from the policies.
    #[must_use]
    pub fn resume(mode: Mode, steps: &[PlanStep], standings: &[PlanStanding]) -> Self {
        let mut plan = Self::new(mode, steps);
        for (node, standing) in plan.nodes.iter_mut().zip(standings) {
            (node.state, node.never, node.policy) = (standing.state, standing.never, standing.policy);
        }
        // A group fails for its members, and strictness counts wherever it stands (rule S5).
        let counts = |node: &Node| {
            let fatal = node.policy.fail_fast && node.parent.is_none();
            node.state.failed() && (fatal || !node.policy.fail_fast && node.policy.strict_fail_fast && !node.group)
        };
        plan.failed = plan.nodes.iter().any(counts);
        plan
    }

    /// Where a step stands, for [`Plan::resume`].
    #[must_use]
    pub fn standing(&self, step: usize) -> PlanStanding {
        self.nodes.get(step).map_or(PlanStanding::PENDING, |node| PlanStanding {
            state: node.state,
            never: node.never,
            policy: node.policy,
        })
    }

    /// The steps whose turn it is, if their conditions allow it. In sequential mode that is the next step, or the
    /// members of the group that has begun (rule P2); in parallel mode every step that has not begun (rule P8).
    #[must_use]
    pub fn startable(&self) -> Vec<usize> {
        if self.aborted {
            return vec![];
        }
        let pending = |number: &usize| self.nodes[*number].state == StepState::Pending;
        let inside = |number: &usize| {
            self.nodes[*number].parent.is_some_and(|parent| self.nodes[parent].state == StepState::Running)
        };
        let mut found: Vec<usize> = (0..self.nodes.len()).filter(|number| pending(number) && inside(number)).collect();
        let roots = || (0..self.nodes.len()).filter(|number| self.nodes[*number].parent.is_none());
        match self.mode {
            Mode::Parallel => found.extend(roots().filter(pending)),
            Mode::Sequential if roots().any(|number| self.nodes[number].state == StepState::Running) => {}
            Mode::Sequential => found.extend(roots().find(pending)),
        }
        found.sort_unstable();
        found
    }

    /// A step begins. `policy` says what its failure will mean.
    pub fn start(&mut self, step: usize, policy: FailurePolicy) -> Consequences {
        if let Some(node) = self.nodes.get_mut(step).filter(|node| node.state == StepState::Pending) {
            node.state = StepState::Running;
            node.policy = policy;
        }
        self.consequences(vec![])
    }

    /// A step is left out because somebody wants that, and with a group its members (rule S12).
    pub fn skip(&mut self, step: usize) -> Consequences {
        self.leave_out(step, false);
        self.consequences(vec![])
    }

    /// A step is left out because of its condition, and with a group its members (rule C4). In parallel mode it is shown
    /// as skipped, and is not so for those that wait for it (rule P9): see [`Plan::result_of`].
    pub fn decline(&mut self, step: usize) -> Consequences {
        self.leave_out(step, self.mode == Mode::Parallel);
        self.consequences(vec![])
    }

    /// Declines steps that wait although nothing runs: nothing can make them start any more (rule P9). What is innermost
    /// comes first, because groups then end, which others may wait for: to be called until it declines nothing. The
    /// steps that are left out now, and what that means.
    pub fn give_up(&mut self) -> (Vec<usize>, Consequences) {
        if !self.running().is_empty() {
            return (vec![], Consequences::default());
        }
        let depth = |number: &usize| std::iter::successors(Some(*number), |at| self.nodes[*at].parent).count();
        let waiting = self.startable();
        let innermost = waiting.iter().map(depth).max();
        let chosen: Vec<usize> = waiting.into_iter().filter(|number| Some(depth(number)) == innermost).collect();
        let pending = |nodes: &[Node]| -> Vec<usize> {
            (0..nodes.len()).filter(|number| nodes[*number].state == StepState::Pending).collect()
        };
        let mut left = pending(&self.nodes);
        for number in chosen {
            self.leave_out(number, self.mode == Mode::Parallel);
        }
        left.retain(|number| self.nodes[*number].state != StepState::Pending);
        (left, self.consequences(vec![]))
    }

    fn leave_out(&mut self, step: usize, never: bool) {
        if self.state(step) != StepState::Pending {
            return;
        }
        for number in step..self.nodes.len() {
            if (number == step || self.is_inside(number, step)) && self.nodes[number].state == StepState::Pending {
                self.nodes[number].state = StepState::Skipped;
                self.nodes[number].never = never;
            }
        }
    }

    /// A running step that is no group has ended.
    pub fn finish(&mut self, step: usize, state: StepState) -> Consequences {
        let Some(node) = self.nodes.get_mut(step).filter(|node| node.state == StepState::Running) else {
            return Consequences::default();
        };
        node.state = state;
        let policy = node.policy;
        let mut stop = vec![];
        if state.failed() {
            if policy.fail_fast {
                stop = self.fail(step);
            } else if policy.strict_fail_fast {
                self.failed = true;
            }
        }
        self.consequences(stop)
    }

    /// A group whose members are all over has ended. `criteria` is what its success criteria say, where it has some;
    /// without them it fails where a member failed whose failure counts. Its state, and what that means.
    pub fn finish_group(&mut self, group: usize, criteria: Option<bool>) -> (StepState, Consequences) {
        let members = || self.nodes.iter().filter(|node| node.parent == Some(group));
        let state = match criteria {
            _ if self.terminated => StepState::Terminated,
            _ if self.aborted && members().any(|node| !node.state.over() || node.state == StepState::Terminated) => {
                StepState::Terminated
            }
            Some(true) => StepState::Success,
            Some(false) => StepState::Error,
            None if members().any(|node| node.state.failed() && node.policy.fail_fast) => StepState::Error,
            None if members().all(|node| node.state == StepState::Skipped) => StepState::Skipped,
            None => StepState::Success,
        };
        let never = self.nodes.iter().filter(|node| node.parent == Some(group)).all(|node| node.never);
        let Some(node) = self.nodes.get_mut(group).filter(|node| node.state == StepState::Running) else {
            return (state, Consequences::default());
        };
        node.never = never && state == StepState::Skipped;
        // Rule P17: without `fail_fast` a group is successful, and `strict_fail_fast` changes nothing.
        let state = if state == StepState::Error && !node.policy.fail_fast { StepState::Success } else { state };
        node.state = state;
        let stop = if state == StepState::Error { self.fail(group) } else { vec![] };
        (state, self.consequences(stop))
    }

    /// A failure that ends the build. Inside a group the group decides, when all its members are over (rule P2).
    fn fail(&mut self, step: usize) -> Vec<usize> {
        if self.nodes[step].parent.is_some() {
            return vec![];
        }
        self.aborted = true;
        self.failed = true;
        self.running()
    }

    /// The steps that run, without groups.
    #[must_use]
    pub fn running(&self) -> Vec<usize> {
        let runs = |number: &usize| {
            let node = &self.nodes[*number];
            node.state == StepState::Running && !node.group
        };
        (0..self.nodes.len()).filter(runs).collect()
    }

    /// Stops the build from outside: what runs is terminated, nothing else begins.
    pub fn terminate(&mut self) {
        self.aborted = true;
        self.terminated = true;
        for node in self.nodes.iter_mut().filter(|node| node.state == StepState::Running) {
            node.state = StepState::Terminated;
        }
    }

    /// Ends the build as failed: nothing else begins, whatever policies and criteria say.
    pub fn abort(&mut self) {
        (self.aborted, self.failed, self.broken) = (true, true, true);
    }

    /// The state of a step.
    #[must_use]
    pub fn state(&self, step: usize) -> StepState {
        self.nodes.get(step).map_or(StepState::Pending, |node| node.state)
    }

    /// What a step has come to for the conditions of others. In parallel mode one whose condition never became true has
    /// not begun, and those that wait for it wait on (rule P9).
    #[must_use]
    pub fn result_of(&self, step: usize) -> StepResult {
        let never = self.nodes.get(step).is_some_and(|node| node.never);
        if never { StepResult::Pending } else { self.state(step).into() }
    }

    /// The members of a group, in their order.
    #[must_use]
    pub fn members(&self, group: usize) -> Vec<usize> {
        (0..self.nodes.len()).filter(|number| self.nodes[*number].parent == Some(group)).collect()
    }

    /// Whether something failed that counts.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether nothing runs and nothing may start.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let open = |node: &Node| !node.state.over();
        let runs = |node: &Node| node.state == StepState::Running;
        self.terminated || if self.aborted { !self.nodes.iter().any(runs) } else { !self.nodes.iter().any(open) }
    }

    /// What the build came to; `None` while it is not over. `criteria` is what the success criteria of the root say,
    /// where it has some: they decide in place of the steps (rule P15).
    #[must_use]
    pub fn result(&self, criteria: Option<bool>) -> Option<BuildResult> {
        if !self.is_over() {
            return None;
        }
        Some(match criteria {
            _ if self.terminated => BuildResult::Terminated,
            _ if self.broken => BuildResult::Error,
            Some(true) => BuildResult::Success,
            Some(false) => BuildResult::Error,
            None if self.failed => BuildResult::Error,
            None => BuildResult::Success,
        })
    }

    fn is_inside(&self, step: usize, group: usize) -> bool {
        let mut at = step;
        while let Some(parent) = self.nodes[at].parent {
            if parent == group {
                return true;
            }
            at = parent;
        }
        false
    }

    fn consequences(&self, stop: Vec<usize>) -> Consequences {
        let open = |node: &Node| match node.state {
            StepState::Pending => !self.aborted,
            state => !state.over(),
        };
        let mut complete = vec![];
        for (number, node) in self.nodes.iter().enumerate() {
            let mut members = self.nodes.iter().filter(|member| member.parent == Some(number));
            if node.group && node.state == StepState::Running && !members.any(open) {
                complete.push(number);
            }
        }
        Consequences { stop, complete }
    }
}

#[cfg(test)]
mod tests;

//! The hooks of a build on their way (section 11.1 of the specification): each is a small course of steps beside the main one.
//!
//! Their steps have numbers behind those of the steps of the pipeline. A hook sees the variables and steps of the build as they
//! are when it begins; what it exports stays its own (rule V20).

use std::time::Instant;

use stepbox_pipeline::{
    BuildResult, Consequences, FailurePolicy, Flag, FlatStep, Hook, HookMoment, Hooks, Mode, Pipeline, Plan, PlanStep,
    References, Step, StepState, Variables,
};

use crate::build::Build;

/// One hook.
pub(crate) struct HookCourse<'a> {
    /// The step whose hook it is; the pipeline's where there is none.
    pub(crate) owner: Option<usize>,
    pub(crate) moment: HookMoment,
    pub(crate) hook: &'a Hook,
    /// The number of its first step.
    first: usize,
    flat: Vec<FlatStep<'a>>,
    /// While it runs.
    plan: Option<Plan>,
    variables: Variables,
    references: References,
    pub(crate) started: Instant,
    /// Why it failed.
    pub(crate) reason: Option<String>,
}

/// All hooks of a build, in the order of their numbers.
pub(crate) struct HookCourses<'a> {
    all: Vec<HookCourse<'a>>,
}

impl<'a> HookCourses<'a> {
    /// The hooks of a pipeline and of its steps.
    pub(crate) fn new(pipeline: &'a Pipeline, flat: &[FlatStep<'a>]) -> Self {
        let mut all = vec![];
        let mut first = flat.len();
        let mut add = |owner: Option<usize>, hooks: &'a Hooks| {
            for (moment, hook) in hooks.iter() {
                let flat = hook.course.flat();
                let count = flat.len();
                all.push(HookCourse {
                    owner,
                    moment,
                    hook,
                    first,
                    flat,
                    plan: None,
                    variables: Variables::new(),
                    references: References::new(),
                    started: Instant::now(),
                    reason: None,
                });
                first += count;
            }
        };
        add(None, &pipeline.hooks);
        for (number, one) in flat.iter().enumerate() {
            add(Some(number), &one.step.hooks);
        }
        Self { all }
    }

    /// The hook of a step, or of the pipeline.
    pub(crate) fn find(&self, owner: Option<usize>, moment: HookMoment) -> Option<usize> {
        self.all.iter().position(|one| one.owner == owner && one.moment == moment)
    }

    pub(crate) fn get(&self, hook: usize) -> &HookCourse<'a> {
        &self.all[hook]
    }

    /// A hook that has come to its end, and what it came to.
    pub(crate) fn over(&self) -> Option<(usize, BuildResult)> {
        self.all.iter().enumerate().find_map(|(hook, one)| Some((hook, one.plan.as_ref()?.result(None)?)))
    }

    /// Whether any runs.
    pub(crate) fn any(&self) -> bool {
        self.all.iter().any(|one| one.plan.is_some())
    }

    /// The hook that a number is a step of.
    fn of(&self, number: usize) -> Option<usize> {
        let behind = self.all.partition_point(|one| one.first <= number);
        // Those without steps share the number of the next one.
        (0..behind).rev().find(|hook| number < self.all[*hook].first + self.all[*hook].flat.len())
    }
}

impl HookCourse<'_> {
    /// Whether its failure counts: that of `on_elected` does, unless it says otherwise (rule H7).
    pub(crate) fn counts(&self) -> bool {
        self.moment == HookMoment::Elected && self.hook.course.fail_fast != Some(Flag::Value(false))
    }

    /// Where its steps are told, by number: those that run now.
    pub(crate) fn running(&self) -> Vec<usize> {
        let running = self.plan.as_ref().map(Plan::running).unwrap_or_default();
        running.into_iter().map(|number| number + self.first).collect()
    }
}

fn moved(consequences: Consequences, by: usize) -> Consequences {
    let all = |numbers: Vec<usize>| numbers.into_iter().map(|number| number + by).collect();
    Consequences { stop: all(consequences.stop), complete: all(consequences.complete) }
}

impl<'a> Build<'a, '_, '_> {
    /// Begins a hook.
    pub(crate) fn begin_hook(&mut self, hook: usize) {
        let one = &mut self.hooks.all[hook];
        let steps: Vec<PlanStep> = one.flat.iter().map(FlatStep::plan_step).collect();
        one.plan = Some(Plan::new(one.hook.course.mode, &steps));
        one.variables = self.variables.clone();
        one.references = self.references.for_hook();
        one.started = Instant::now();
        one.reason = None;
    }

    /// A hook is over.
    pub(crate) fn end_hook(&mut self, hook: usize) {
        self.hooks.all[hook].plan = None;
    }

    /// Says why a hook fails, if nobody has said so.
    pub(crate) fn hook_failed(&mut self, number: usize, reason: String) {
        if let Some(hook) = self.hooks.of(number) {
            self.hooks.all[hook].reason.get_or_insert(reason);
        }
    }

    /// Leaves out the steps of hooks that nothing can make start any more (rule P9); whether there were some.
    pub(crate) fn give_up_hooks(&mut self) -> bool {
        let mut plans = self.hooks.all.iter_mut().filter_map(|one| one.plan.as_mut());
        plans.any(|plan| !plan.give_up().0.is_empty())
    }

    /// All hooks are over, whatever they do.
    pub(crate) fn forget_hooks(&mut self) {
        self.hooks.all.iter_mut().for_each(|one| one.plan = None);
    }

    /// The hook that a number is a step of.
    pub(crate) fn hook_of(&self, number: usize) -> Option<&HookCourse<'a>> {
        self.hooks.of(number).map(|hook| &self.hooks.all[hook])
    }

    /// The step of a number, one of a hook too.
    pub(crate) fn step(&self, number: usize) -> &'a Step {
        match self.hook_of(number) {
            Some(hook) => hook.flat[number - hook.first].step,
            None => self.flat[number].step,
        }
    }

    /// The name under which people see what a step does: that of the step whose hook it belongs to, or of the hook.
    pub(crate) fn label(&self, number: usize) -> String {
        match self.hook_of(number) {
            Some(HookCourse { owner: Some(owner), .. }) => self.flat[*owner].step.name.to_string(),
            Some(hook) => hook.moment.as_str().to_owned(),
            None => self.flat[number].step.name.to_string(),
        }
    }

    /// The pipeline, or the hook, that a step belongs to.
    pub(crate) fn course_of(&self, number: usize) -> &'a Pipeline {
        match self.hook_of(number) {
            Some(hook) => &hook.hook.course,
            None => &self.parts.pipeline,
        }
    }

    /// Does something with the variables and the known steps that a step sees.
    pub(crate) fn within<T>(&mut self, number: usize, work: impl FnOnce(&mut Self) -> T) -> T {
        match self.hooks.of(number) {
            Some(hook) => self.within_hook(hook, work),
            None => work(self),
        }
    }

    /// Does something with the variables and the known steps that a hook sees.
    pub(crate) fn within_hook<T>(&mut self, hook: usize, work: impl FnOnce(&mut Self) -> T) -> T {
        self.exchange(hook);
        let done = work(self);
        self.exchange(hook);
        done
    }

    fn exchange(&mut self, hook: usize) {
        let one = &mut self.hooks.all[hook];
        std::mem::swap(&mut self.variables, &mut one.variables);
        std::mem::swap(&mut self.references, &mut one.references);
    }

    /// The steps whose turn it is, those of hooks too.
    pub(crate) fn startable(&self) -> Vec<usize> {
        let mut all = if self.elected { self.plan.startable() } else { vec![] };
        for one in &self.hooks.all {
            all.extend(one.plan.iter().flat_map(Plan::startable).map(|number| number + one.first));
        }
        all
    }

    fn on_plan<T>(&mut self, number: usize, work: impl FnOnce(&mut Plan, usize) -> T) -> (Option<T>, usize) {
        match self.hooks.of(number) {
            Some(hook) => {
                let HookCourse { plan, first, .. } = &mut self.hooks.all[hook];
                (plan.as_mut().map(|plan| work(plan, number - *first)), *first)
            }
            None => (Some(work(&mut self.plan, number)), 0),
        }
    }

    fn follow_plan(&mut self, number: usize, work: impl FnOnce(&mut Plan, usize) -> Consequences) -> Consequences {
        let (consequences, first) = self.on_plan(number, work);
        moved(consequences.unwrap_or_default(), first)
    }

    pub(crate) fn state_of(&self, number: usize) -> StepState {
        match self.hook_of(number) {
            Some(hook) => hook.plan.as_ref().map_or(StepState::Pending, |plan| plan.state(number - hook.first)),
            None => self.plan.state(number),
        }
    }

    pub(crate) fn start_step(&mut self, number: usize, policy: FailurePolicy) -> Consequences {
        self.follow_plan(number, |plan, number| plan.start(number, policy))
    }

    pub(crate) fn decline_step(&mut self, number: usize) -> Consequences {
        self.follow_plan(number, Plan::decline)
    }

    pub(crate) fn finish_step(&mut self, number: usize, state: StepState) -> Consequences {
        self.follow_plan(number, |plan, number| plan.finish(number, state))
    }

    pub(crate) fn finish_group(&mut self, group: usize, criteria: Option<bool>) -> (StepState, Consequences) {
        let (done, first) = self.on_plan(group, |plan, group| plan.finish_group(group, criteria));
        let (state, consequences) = done.unwrap_or((StepState::Terminated, Consequences::default()));
        (state, moved(consequences, first))
    }

    /// The build, and the hook that a step belongs to, are stopped from outside.
    pub(crate) fn terminate(&mut self, number: usize) {
        self.on_plan(number, |plan, _| plan.terminate());
        self.plan.terminate();
    }

    /// Nothing more can run.
    pub(crate) fn abort(&mut self, number: usize) {
        self.on_plan(number, |plan, _| plan.abort());
        self.plan.abort();
    }

    /// The numbers of all steps beside a step, and whether they run at once.
    pub(crate) fn beside(&self, number: usize) -> (std::ops::Range<usize>, bool) {
        match self.hook_of(number) {
            Some(hook) => (hook.first..hook.first + hook.flat.len(), hook.hook.course.mode == Mode::Parallel),
            None => (0..self.flat.len(), self.parts.pipeline.mode == Mode::Parallel),
        }
    }

    /// The step that a step is inside of.
    pub(crate) fn parent_of(&self, number: usize) -> Option<usize> {
        match self.hook_of(number) {
            Some(hook) => hook.flat[number - hook.first].parent.map(|parent| parent + hook.first),
            None => self.flat[number].parent,
        }
    }

    /// What a step has come to for the conditions of others.
    pub(crate) fn result_of(&self, number: usize) -> stepbox_pipeline::StepResult {
        match self.hook_of(number) {
            Some(hook) => {
                hook.plan.as_ref().map_or_else(|| StepState::Pending.into(), |plan| plan.result_of(number - hook.first))
            }
            None => self.plan.result_of(number),
        }
    }

    /// The members of a group.
    pub(crate) fn members(&self, group: usize) -> Vec<usize> {
        self.beside(group).0.filter(|number| self.parent_of(*number) == Some(group)).collect()
    }
}

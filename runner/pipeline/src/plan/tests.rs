use proptest::prelude::*;

use super::*;
use crate::pipeline::Pipeline;
use crate::references::References;
use crate::variables::{Layer, Variables};

const FAST: FailurePolicy = FailurePolicy { fail_fast: true, strict_fail_fast: false };
const SLOW: FailurePolicy = FailurePolicy { fail_fast: false, strict_fail_fast: false };
const STRICT: FailurePolicy = FailurePolicy { fail_fast: false, strict_fail_fast: true };

const STEP: PlanStep = PlanStep { parent: None, group: false };
const GROUP: PlanStep = PlanStep { parent: None, group: true };

fn inside(parent: usize) -> PlanStep {
    PlanStep { parent: Some(parent), group: false }
}

fn states(plan: &Plan) -> String {
    (0..plan.nodes.len()).map(|number| plan.state(number).as_str()).collect::<Vec<_>>().join(" ")
}

fn complete(group: usize) -> Consequences {
    Consequences { stop: vec![], complete: vec![group] }
}

/// Two steps one after the other, of which the first ends so.
fn course(policy: FailurePolicy, first: StepState) -> (String, BuildResult) {
    let mut plan = Plan::new(Mode::Sequential, &[STEP, STEP]);
    assert_eq!(plan.startable(), [0]);
    plan.start(0, policy);
    assert_eq!((plan.startable(), plan.result(None)), (vec![], None));
    plan.finish(0, first);
    if plan.startable() == [1] {
        plan.start(1, policy);
        plan.finish(1, StepState::Success);
    }
    (states(&plan), plan.result(None).expect("over"))
}

#[test]
fn s5_the_table_of_fail_fast_and_strict_fail_fast() {
    use StepState::{Error, Success};
    let strict = FailurePolicy { fail_fast: true, strict_fail_fast: true };
    for policy in [FAST, strict] {
        assert_eq!(course(policy, Error), ("error pending".into(), BuildResult::Error));
        assert_eq!(course(policy, Success), ("success success".into(), BuildResult::Success));
    }
    assert_eq!(course(SLOW, Error), ("error success".into(), BuildResult::Success));
    assert_eq!(course(STRICT, Error), ("error success".into(), BuildResult::Error));
}

#[test]
fn a7_a_denial_counts_as_a_failure_and_an_approval_does_not() {
    assert_eq!(course(FAST, StepState::Denied), ("denied pending".into(), BuildResult::Error));
    assert_eq!(course(SLOW, StepState::Denied), ("denied success".into(), BuildResult::Success));
    assert_eq!(course(FAST, StepState::Approved), ("approved success".into(), BuildResult::Success));
}

#[test]
fn s11_a_build_goes_on_from_where_its_steps_stand() {
    let steps = [STEP, GROUP, inside(1), inside(1), STEP, STEP];
    for (mode, policy, expected) in [
        (Mode::Sequential, SLOW, BuildResult::Success),
        (Mode::Sequential, STRICT, BuildResult::Error),
        (Mode::Parallel, SLOW, BuildResult::Success),
    ] {
        let mut plan = Plan::new(mode, &steps);
        plan.start(0, policy);
        plan.finish(0, StepState::Error);
        plan.start(1, FAST);
        plan.start(2, FAST);
        plan.finish(2, StepState::Success);
        plan.decline(3);
        plan.finish_group(1, None);
        plan.start(4, FAST);
        let standings: Vec<PlanStanding> = (0..steps.len()).map(|step| plan.standing(step)).collect();
        let mut resumed = Plan::resume(mode, &steps, &standings);
        assert_eq!(resumed, plan);
        resumed.finish(4, StepState::Approved);
        assert_eq!(resumed.startable(), [5]);
        resumed.start(5, FAST);
        resumed.finish(5, StepState::Success);
        assert_eq!(resumed.result(None), Some(expected), "{mode:?} {policy:?}");
    }
    let short =
        Plan::resume(Mode::Sequential, &steps, &[PlanStanding { state: StepState::Skipped, ..PlanStanding::PENDING }]);
    assert_eq!(
        (states(&short).as_str(), short.startable()),
        ("skipped pending pending pending pending pending", vec![1])
    );
}

#[test]
fn f25_a_timeout_counts_as_a_failure() {
    assert_eq!(course(FAST, StepState::Terminated), ("terminated pending".into(), BuildResult::Error));
    assert_eq!(course(SLOW, StepState::Terminated).1, BuildResult::Success);
}

#[test]
fn s1_states_have_the_official_words() {
    let all = [StepState::Pending, StepState::Running, StepState::Success, StepState::Error, StepState::Terminated];
    assert_eq!(all.map(StepState::as_str), ["pending", "running", "success", "error", "terminated"]);
    let others = [StepState::Skipped, StepState::Approved, StepState::Denied];
    assert_eq!(others.map(StepState::as_str), ["skipped", "approved", "denied"]);
    assert_eq!(others.map(StepState::result_word), [Some("skipped"), Some("approved"), Some("denied")]);
}

#[test]
fn a7_what_is_denied_has_failed_and_what_is_approved_has_not() {
    use StepState::{Approved, Denied};
    assert_eq!(course(FAST, Denied), ("denied pending".into(), BuildResult::Error));
    assert_eq!(course(SLOW, Denied), ("denied success".into(), BuildResult::Success));
    assert_eq!(course(STRICT, Denied), ("denied success".into(), BuildResult::Error));
    assert_eq!(course(FAST, Approved), ("approved success".into(), BuildResult::Success));
    assert_eq!([Approved, Denied].map(StepResult::from), [StepResult::Approved, StepResult::Denied]);
}

#[test]
fn s2_a_build_stopped_from_outside_is_terminated() {
    let mut plan = Plan::new(Mode::Sequential, &[GROUP, inside(0), STEP]);
    plan.start(0, FAST);
    plan.start(1, FAST);
    plan.terminate();
    assert_eq!((plan.startable(), plan.result(Some(true))), (vec![], Some(BuildResult::Terminated)));
    assert_eq!(states(&plan), "terminated terminated pending");
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
fn c4_s12_a_step_that_is_left_out_is_skipped_with_all_inside_of_it() {
    let mut plan = Plan::new(Mode::Sequential, &[GROUP, inside(0), inside(0), STEP]);
    plan.skip(0);
    assert_eq!((plan.startable(), states(&plan)), (vec![3], "skipped skipped skipped pending".into()));
    plan.start(3, FAST);
    plan.finish(3, StepState::Success);
    assert_eq!(plan.result(None), Some(BuildResult::Success));
}

#[test]
fn s5_a_build_of_no_steps_succeeds() {
    assert_eq!(Plan::new(Mode::Sequential, &[]).result(None), Some(BuildResult::Success));
}

#[test]
fn p2_members_start_together_and_the_next_step_waits_for_all() {
    let mut plan = Plan::new(Mode::Sequential, &[GROUP, inside(0), inside(0), STEP]);
    assert_eq!(plan.startable(), [0]);
    plan.start(0, FAST);
    assert_eq!(plan.startable(), [1, 2]);
    plan.start(1, FAST);
    plan.start(2, FAST);
    assert_eq!(plan.finish(2, StepState::Success), Consequences::default());
    assert_eq!(plan.startable(), [0; 0]);
    assert_eq!(plan.finish(1, StepState::Success), complete(0));
    assert_eq!(plan.finish_group(0, None), (StepState::Success, Consequences::default()));
    assert_eq!(plan.startable(), [3]);
}

#[test]
fn p2_a_failed_member_stops_nobody_and_fails_the_group() {
    let mut plan = Plan::new(Mode::Sequential, &[GROUP, inside(0), inside(0), STEP]);
    for step in 0..3 {
        plan.start(step, FAST);
    }
    assert_eq!(plan.finish(1, StepState::Error), Consequences::default());
    assert_eq!(plan.finish(2, StepState::Success), complete(0));
    assert_eq!(plan.finish_group(0, None).0, StepState::Error);
    assert_eq!((plan.startable(), plan.result(None)), (vec![], Some(BuildResult::Error)));
    assert_eq!(states(&plan), "error error success pending");
}

#[test]
fn p3_groups_stand_in_groups() {
    let inner = PlanStep { parent: Some(0), group: true };
    let mut plan = Plan::new(Mode::Sequential, &[GROUP, inner, inside(1), inside(0)]);
    plan.start(0, FAST);
    assert_eq!(plan.startable(), [1, 3]);
    plan.start(1, FAST);
    plan.start(3, FAST);
    assert_eq!(plan.startable(), [2]);
    plan.start(2, FAST);
    plan.finish(3, StepState::Success);
    assert_eq!(plan.finish(2, StepState::Error), complete(1));
    let (state, after) = plan.finish_group(1, None);
    assert_eq!((state, after), (StepState::Error, complete(0)));
    assert_eq!(plan.finish_group(0, None).0, StepState::Error);
    assert_eq!(plan.result(None), Some(BuildResult::Error));
}

#[test]
fn p17_a_group_without_fail_fast_is_successful_and_strict_changes_nothing() {
    for policy in [SLOW, STRICT] {
        let mut plan = Plan::new(Mode::Sequential, &[GROUP, inside(0)]);
        plan.start(0, policy);
        plan.start(1, FAST);
        plan.finish(1, StepState::Error);
        assert_eq!(plan.finish_group(0, None).0, StepState::Success);
        assert_eq!(plan.result(None), Some(BuildResult::Success), "{policy:?}");
    }
    // A member without `fail_fast` does not count, one that is strict counts at the end.
    for (policy, result) in [(SLOW, BuildResult::Success), (STRICT, BuildResult::Error)] {
        let mut plan = Plan::new(Mode::Sequential, &[GROUP, inside(0)]);
        plan.start(0, FAST);
        plan.start(1, policy);
        plan.finish(1, StepState::Error);
        assert_eq!(plan.finish_group(0, None).0, StepState::Success);
        assert_eq!(plan.result(None), Some(result));
    }
}

#[test]
fn p15_criteria_decide_in_place_of_the_steps() {
    for (criteria, state, result) in
        [(true, StepState::Success, BuildResult::Success), (false, StepState::Error, BuildResult::Error)]
    {
        for member in [StepState::Success, StepState::Error] {
            let mut plan = Plan::new(Mode::Sequential, &[GROUP, inside(0)]);
            plan.start(0, FAST);
            plan.start(1, FAST);
            plan.finish(1, member);
            assert_eq!(plan.finish_group(0, Some(criteria)).0, state);
            assert_eq!(plan.result(None), Some(result));
            assert_eq!(plan.result(Some(!criteria)), plan.result(Some(!criteria)));
        }
    }
    let mut plan = Plan::new(Mode::Sequential, &[STEP]);
    plan.start(0, FAST);
    plan.finish(0, StepState::Error);
    assert_eq!(plan.result(Some(true)), Some(BuildResult::Success), "of the root");
}

#[test]
fn p15_criteria_do_not_make_a_build_whole_that_broke() {
    let mut plan = Plan::new(Mode::Sequential, &[STEP, STEP]);
    plan.start(0, FAST);
    plan.finish(0, StepState::Success);
    plan.abort();
    assert_eq!((plan.startable(), plan.result(Some(true))), (vec![], Some(BuildResult::Error)));
}

#[test]
fn p8_p9_in_parallel_mode_every_step_may_start_and_the_rest_is_left_out() {
    let mut plan = Plan::new(Mode::Parallel, &[STEP, GROUP, inside(1), STEP]);
    assert_eq!(plan.startable(), [0, 1, 3]);
    plan.start(0, FAST);
    assert_eq!((plan.startable(), plan.give_up()), (vec![1, 3], (vec![], Consequences::default())));
    plan.finish(0, StepState::Success);
    assert_eq!(plan.give_up(), (vec![1, 2, 3], Consequences::default()));
    assert_eq!(
        (states(&plan), plan.result(None)),
        ("success skipped skipped skipped".into(), Some(BuildResult::Success))
    );
    assert_eq!(plan.give_up(), (vec![], Consequences::default()));
}

#[test]
fn p9_what_waits_innermost_is_given_up_first_and_its_group_ends() {
    // a group with a member that ran, one that waits, and a group of which one waits; a step that waits for the group.
    let inner = PlanStep { parent: Some(0), group: true };
    let mut plan = Plan::new(Mode::Parallel, &[GROUP, inside(0), inside(0), inner, inside(3), STEP]);
    for step in [0, 1, 3] {
        plan.start(step, FAST);
    }
    plan.finish(1, StepState::Success);
    assert_eq!(plan.give_up(), (vec![4], complete(3)));
    assert_eq!(plan.finish_group(3, None), (StepState::Skipped, Consequences::default()));
    assert_eq!(plan.give_up(), (vec![2], complete(0)));
    assert_eq!(plan.finish_group(0, None).0, StepState::Success);
    assert_eq!((plan.startable(), plan.result(None)), (vec![5], None));
    plan.start(5, FAST);
    plan.finish(5, StepState::Success);
    assert_eq!(plan.result(None), Some(BuildResult::Success));
}

#[test]
fn p9_a_step_that_never_runs_is_not_skipped_for_those_that_wait_for_it() {
    let results = |plan: &Plan| (0..4).map(|step| plan.result_of(step)).collect::<Vec<_>>();
    for (mode, result) in [(Mode::Parallel, StepResult::Pending), (Mode::Sequential, StepResult::Skipped)] {
        let mut plan = Plan::new(mode, &[STEP, GROUP, inside(1), STEP]);
        plan.decline(0);
        plan.start(1, FAST);
        assert_eq!(plan.decline(2), complete(1));
        assert_eq!(plan.finish_group(1, None).0, StepState::Skipped);
        // One that nobody wants is skipped in both modes (rule S12).
        plan.skip(3);
        assert_eq!(results(&plan), [result, result, result, StepResult::Skipped], "{mode:?}");
        assert_eq!((states(&plan), plan.is_over()), ("skipped skipped skipped skipped".into(), true));
    }
}

#[test]
fn p12_a_failure_in_parallel_mode_stops_what_runs() {
    let mut plan = Plan::new(Mode::Parallel, &[STEP, GROUP, inside(1), inside(1), STEP, STEP]);
    for step in [0, 1, 2, 4] {
        plan.start(step, FAST);
    }
    assert_eq!(plan.finish(0, StepState::Error), Consequences { stop: vec![2, 4], complete: vec![] });
    assert_eq!((plan.startable(), plan.result(None)), (vec![], None));
    plan.finish(4, StepState::Terminated);
    assert_eq!(plan.finish(2, StepState::Terminated), complete(1));
    assert_eq!(plan.finish_group(1, None).0, StepState::Terminated);
    assert_eq!(plan.give_up().0, [0; 0]);
    assert_eq!(states(&plan), "error terminated terminated pending terminated pending");
    assert_eq!(plan.result(None), Some(BuildResult::Error));
    // Without `fail_fast` nothing is stopped.
    let mut plan = Plan::new(Mode::Parallel, &[STEP, STEP]);
    plan.start(0, SLOW);
    plan.start(1, SLOW);
    assert_eq!(plan.finish(0, StepState::Error), Consequences::default());
}

#[test]
fn p12_a_group_of_which_no_member_has_begun_ends_with_the_build() {
    let mut plan = Plan::new(Mode::Parallel, &[STEP, GROUP, inside(1)]);
    plan.start(0, FAST);
    plan.start(1, FAST);
    assert_eq!(plan.finish(0, StepState::Error), complete(1));
    assert_eq!(plan.finish_group(1, None).0, StepState::Terminated);
    assert_eq!(plan.result(None), Some(BuildResult::Error));
}

proptest! {
    #[test]
    fn every_course_ends_and_no_step_starts_twice(
        shape in proptest::collection::vec((any::<bool>(), 0_usize..8), 1..24),
        parallel in any::<bool>(),
        choices in proptest::collection::vec(0_u8..32, 200),
    ) {
        let mut steps: Vec<PlanStep> = vec![];
        for (group, parent) in shape {
            let parent = Some(parent).filter(|parent| steps.get(*parent).is_some_and(|step| step.group));
            steps.push(PlanStep { parent, group });
        }
        let mode = if parallel { Mode::Parallel } else { Mode::Sequential };
        let mut plan = Plan::new(mode, &steps);
        let mut choices = choices.into_iter().cycle();
        let mut choose = move || choices.next().unwrap_or(0);
        let mut started = vec![false; steps.len()];
        let mut waits = 0;
        for _ in 0..20 * steps.len() + 20 {
            let mut todo = vec![];
            let mut moved = false;
            for number in plan.startable() {
                if plan.state(number) != StepState::Pending {
                    continue;
                }
                match choose() % 8 {
                    0 => todo.push(plan.decline(number)),
                    1 => todo.push(plan.skip(number)),
                    2 | 3 if waits < 100 => {
                        waits += 1;
                        continue;
                    }
                    _ => {
                        prop_assert!(!std::mem::replace(&mut started[number], true), "started twice");
                        let before = (0..number).filter(|before| steps[*before].parent == steps[number].parent);
                        let alone = !parallel && steps[number].parent.is_none();
                        prop_assert!(!alone || before.into_iter().all(|before| plan.state(before).over()), "in order");
                        let policy = [FAST, SLOW, STRICT][usize::from(choose() % 3)];
                        todo.push(plan.start(number, policy));
                    }
                }
                moved = true;
            }
            let running = plan.running();
            if running.is_empty() && !moved {
                todo.push(plan.give_up().1);
            }
            if let Some(number) = running.get(usize::from(choose()) % running.len().max(1)).copied() {
                let state = if choose() % 3 == 0 { StepState::Error } else { StepState::Success };
                todo.push(plan.finish(number, state));
            }
            while let Some(consequences) = todo.pop() {
                for number in consequences.stop {
                    todo.push(plan.finish(number, StepState::Terminated));
                }
                for group in consequences.complete {
                    if plan.state(group) == StepState::Running {
                        for member in plan.members(group) {
                            prop_assert!(plan.state(member) != StepState::Running, "the barrier holds");
                        }
                        let criteria = [None, None, Some(true), Some(false)][usize::from(choose() % 4)];
                        todo.push(plan.finish_group(group, criteria).1);
                    }
                }
            }
        }
        prop_assert!(plan.is_over(), "{plan:?}");
        prop_assert!(plan.result(None).is_some());
        for (number, started) in started.into_iter().enumerate() {
            let ran = !matches!(plan.state(number), StepState::Pending | StepState::Skipped);
            prop_assert!(plan.state(number) != StepState::Running, "{plan:?}");
            // A group may begin and have all its members left out.
            prop_assert!(started == ran || (started && steps[number].group), "{number} {plan:?}");
        }
    }
}

//! Whether a step runs: `when` and a situation, read as a pipeline writes them.

use stepbox_pipeline::{
    Decision, Layer, Pipeline, References, Situation, StepFacts, StepResult, StepStanding, Variables, When,
    WorkflowResult,
};

/// A build in the middle, changed as a test needs it.
#[must_use]
struct Build {
    variables: Variables,
    references: References,
    steps: Vec<(&'static str, StepResult)>,
    workflow: WorkflowResult,
    branch: Option<&'static str>,
    parallel: bool,
}

/// On branch `dev`, with one step of each kind of end.
fn build() -> Build {
    let mut variables = Variables::new();
    variables.extend(Layer::System, [("CF_BRANCH", "dev"), ("CF_COMMIT_MESSAGE", "say \\\"hi\\\" and \\\\")]);
    variables.extend(Layer::Build, [("YES", "true"), ("EMPTY", ""), ("QUOTES", "a\"b'c\\"), ("failed", "mine")]);
    let mut references = References::new();
    references.insert(StepFacts {
        name: "clone".into(),
        type_name: "git-clone".into(),
        working_directory: Some("/codefresh/volume/app".into()),
        result: Some("success".into()),
        revision: Some("abc".into()),
        ..StepFacts::default()
    });
    Build {
        variables,
        references,
        steps: vec![
            ("clone", StepResult::Success),
            ("failed", StepResult::Failure),
            ("skipped", StepResult::Skipped),
            ("stopped", StepResult::Terminated),
            ("approval", StepResult::Approved),
            ("with-dash", StepResult::Success),
            ("running", StepResult::Running),
            ("jim", StepResult::Pending),
            ("later", StepResult::Pending),
        ],
        workflow: WorkflowResult::Failure,
        branch: Some("dev"),
        parallel: false,
    }
}

fn when(text: &str) -> When {
    let others = ["clone", "failed", "skipped", "stopped", "approval", "with-dash", "running", "later"];
    let others: String = others.map(|name| format!("  {name}: {{image: x}}\n")).concat();
    let reading = Pipeline::read(&format!("version: 1\nsteps:\n  jim:\n    image: x\n    when: {text}\n{others}"));
    let errors: Vec<String> = reading.errors().map(ToString::to_string).collect();
    assert_eq!(errors, [""; 0], "{text}");
    reading.pipeline.and_then(|pipeline| pipeline.step("jim").and_then(|step| step.when.clone())).expect("a when")
}

impl Build {
    fn branch(mut self, branch: Option<&'static str>) -> Self {
        self.branch = branch;
        self
    }

    fn parallel(mut self) -> Self {
        self.parallel = true;
        self
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.set(Layer::Build, name, value);
        self
    }

    fn steps(mut self, steps: &[(&'static str, StepResult)]) -> Self {
        self.steps = steps.to_vec();
        self
    }

    fn decide(&self, text: &str) -> Decision {
        let steps: Vec<StepStanding<'_>> = self
            .steps
            .iter()
            .map(|(name, result)| StepStanding { name, type_name: "freestyle", result: *result })
            .collect();
        when(text).decide(
            "jim",
            &Situation {
                variables: &self.variables,
                references: &self.references,
                steps: &steps,
                workflow: self.workflow,
                branch: self.branch,
                parallel: self.parallel,
            },
        )
    }

    /// `run`, or why not.
    fn said(&self, text: &str) -> String {
        match self.decide(text) {
            Decision::Run => "run".to_owned(),
            Decision::Skip(reason) => format!("skip: {reason}"),
            Decision::Wait(reason) => format!("wait: {reason}"),
        }
    }

    /// What one expression in `all` comes to.
    fn expression(&self, expression: &str) -> String {
        let said = self.said(&format!("{{condition: {{all: {{a: {expression:?}}}}}}}"));
        said.strip_prefix("skip: `when.condition.all.a`: ").unwrap_or(&said).to_owned()
    }
}

#[test]
fn c5_c6_branches_are_names_or_regular_expressions() {
    for (filter, branch, expected) in [
        ("{only: [main, dev]}", "dev", "run"),
        ("{only: [main, /^release/i]}", "dev", "skip: branch `dev` is none of `only`: `main`, `/^release/i`"),
        ("{only: [main, /^release/i]}", "Release/1", "run"),
        ("{only: [/ev/]}", "dev", "run"),
        ("{only: ['*', 'de*', 'de.']}", "dev", "skip: branch `dev` is none of `only`: `*`, `de*`, `de.`"),
        ("{only: [DEV]}", "dev", "skip: branch `dev` is none of `only`: `DEV`"),
        ("{only: []}", "dev", "skip: branch `dev` is none of `only`: "),
        ("{only: ['/^((?!main).)*$/g']}", "main", "skip: branch `main` is none of `only`: `/^((?!main).)*$/g`"),
        ("{only: ['/^((?!main).)*$/g']}", "dev", "run"),
        ("{only: [/feature/x]}", "/feature/x", "run"),
        ("{only: ['${{NAME}}', '/^${{NAME}}$/']}", "dev", "run"),
        ("{ignore: [main]}", "dev", "run"),
        ("{ignore: [main, '/^d/']}", "dev", "skip: branch `dev` is one of `ignore`: `/^d/`"),
        ("{only: [/./], ignore: [dev]}", "dev", "skip: branch `dev` is one of `ignore`: `dev`"),
        ("{only: [/./], ignore: [main]}", "dev", "run"),
        ("{}", "dev", "run"),
        ("{ignore: ['/(/']}", "dev", "skip: branch entry `/(/`: Invalid regular expression: /(/: Unterminated group"),
        (
            "{ignore: ['/(a+)+\\1b/']}",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "skip: branch entry `/(a+)+\\1b/`: the expression takes too long to evaluate",
        ),
    ] {
        let build = build().set("NAME", "d.v").branch(Some(branch));
        assert_eq!(build.said(&format!("{{branch: {filter}}}")), expected, "{filter} {branch}");
    }
}

#[test]
fn c7_without_a_branch_only_is_false_and_ignore_is_true() {
    let build = build().branch(None);
    assert_eq!(build.said("{branch: {only: [/./]}}"), "skip: no branch is known, so it is none of `only`: `/./`");
    assert_eq!(build.said("{branch: {ignore: [/./]}}"), "run");
}

#[test]
fn c3_branch_steps_and_condition_must_all_hold() {
    let parts = |branch: &str, step: &str, condition: bool| {
        build().said(&format!(
            "{{branch: {{only: [{branch}]}}, steps: [{{name: {step}}}], condition: {{all: {{a: '{condition}'}}}}}}"
        ))
    };
    assert_eq!(parts("dev", "clone", true), "run");
    assert_eq!(parts("main", "failed", false), "skip: branch `dev` is none of `only`: `main`");
    assert_eq!(parts("dev", "failed", false), "skip: `when.steps`: step `failed` is failure, not success");
    assert_eq!(parts("dev", "clone", false), "skip: `when.condition.all.a`: `false` is false");
    assert_eq!(build().said("{}"), "run");
}

#[test]
fn c8_c9_c10_what_expressions_see_of_steps_and_build() {
    for (expression, expected) in [
        ("steps.clone.result == 'success'", "run"),
        ("clone.result == 'success' && clone.type == 'freestyle' && clone.name == 'clone'", "run"),
        ("clone.revision + clone.workingDirectory == 'abc/codefresh/volume/app'", "run"),
        ("steps.failed.result == 'failure' && steps.stopped.result == 'failure'", "run"),
        ("steps.skipped.result == 'skipped' && steps.approval.result == 'approved'", "run"),
        ("steps.running.result == 'running' && steps.later.result == 'pending' && jim.result == 'pending'", "run"),
        ("Member(steps, 'with-dash').result == 'success'", "run"),
        ("Member('with-dash', 'result') == 'success'", "run"),
        ("Member(Variable('with-dash'), 'result') == 'success'", "run"),
        ("steps.main_clone.result == 'success' && main_clone.result == 'success'", "run"),
        ("steps.clone == clone", "run"),
        // A variable of the same name wins.
        ("failed == 'mine'", "run"),
        ("workflow.result == 'failure'", "run"),
        ("'${{steps.later.result}}' == 'pending' && '${{failed.result}}' == 'failure'", "run"),
        ("clone.result == 'finished'", "`clone.result == 'finished'` is false (`clone.result` is \"success\")"),
        (
            "steps.nope.result == 'success'",
            "`steps.nope.result == 'success'` is false: Undefined identifier member: 'nope'",
        ),
        ("clone", "`clone` is false: Cannot evaluate object variable directly"),
        ("later.revision == 'a'", "`later.revision == 'a'` is false: Undefined identifier member: 'revision'"),
    ] {
        assert_eq!(build().expression(expression), expected, "{expression}");
    }
}

#[test]
fn v4_c12_variables_are_replaced_and_stay_within_their_quotes() {
    for (expression, expected) in [
        ("'${{CF_BRANCH}}' == 'main'", "`'dev' == 'main'` is false"),
        ("CF_BRANCH == 'main'", "`CF_BRANCH == 'main'` is false (`CF_BRANCH` is \"dev\")"),
        ("includes('${{NOPE}}', '{{NOPE}}')", "run"),
        ("includes('${{YES}}', '{{YES}}') == false", "run"),
        ("Boolean('${{EMPTY}}') == false", "run"),
        ("'${{QUOTES}}' == QUOTES && \"${{QUOTES}}\" == QUOTES", "run"),
        ("includes('${{CF_COMMIT_MESSAGE}}', 'say \"hi\" and \\\\')", "run"),
        ("match('${{CF_BRANCH}}', '^DEV$', true) == true", "run"),
        (
            "CF_PULL_REQUEST_ACTION == null",
            "`CF_PULL_REQUEST_ACTION == null` is false: Invalid identifier: 'CF_PULL_REQUEST_ACTION'",
        ),
    ] {
        assert_eq!(build().expression(expression), expected, "{expression}");
    }
}

#[test]
fn c11_unquoted_variables_are_read_as_part_of_the_expression() {
    let operators = "It can only be used with the types: number,string,nullableString,object,boolean";
    assert_eq!(
        build().expression("${{YES}} == 'true'"),
        format!("`true == 'true'` is false: The operator == cannot be used with boolean,string. {operators}")
    );
    assert_eq!(build().expression("${{CF_BRANCH}} == 'dev'"), "`dev == 'dev'` is false: Invalid identifier: 'dev'");
    assert_eq!(
        build().expression("${{steps.clone.result}} === 'success'"),
        "`success === 'success'` is false: Invalid identifier: 'success'"
    );
    assert_eq!(build().expression("'${{steps.clone.result}}' === 'success'"), "run");
    assert_eq!(build().set("N", "5").expression("${{N}} > 4"), "run");
}

#[test]
fn c13_all_and_any() {
    for (condition, expected) in [
        ("{all: {a: 'true', b: 'true'}}", "run"),
        ("{all: {a: 'true', b: '1 > 2', c: 'nope'}}", "skip: `when.condition.all.b`: `1 > 2` is false"),
        ("{all: {}}", "run"),
        ("{any: {a: 'nope', b: 'true'}}", "run"),
        (
            "{any: {a: 'nope', b: 'false'}}",
            "skip: `when.condition.any`: `a`: `nope` is false: Invalid identifier: 'nope'; `b`: `false` is false",
        ),
        ("{any: {}}", "skip: `when.condition.any` is empty"),
        ("{all: {a: 'true'}, any: {b: 'false'}}", "skip: `when.condition.any`: `b`: `false` is false"),
        ("{all: {a: 'false'}, any: {b: 'true'}}", "skip: `when.condition.all.a`: `false` is false"),
        ("{}", "run"),
    ] {
        assert_eq!(build().said(&format!("{{condition: {condition}}}")), expected, "{condition}");
    }
}

#[test]
fn c14_c15_every_word_and_every_result() {
    let words = [
        "success",
        "running",
        "failure",
        "skipped",
        "pending",
        "terminating",
        "terminated",
        "finished",
        "approved",
        "denied",
    ];
    for (result, expected) in [
        (StepResult::Pending, &["pending"][..]),
        (StepResult::Running, &["running"]),
        (StepResult::Success, &["success", "finished"]),
        (StepResult::Failure, &["failure", "finished"]),
        (StepResult::Skipped, &["skipped", "finished"]),
        (StepResult::Terminating, &["terminating"]),
        (StepResult::Terminated, &["failure", "terminated", "finished"]),
        (StepResult::Approved, &["approved"]),
        (StepResult::Denied, &["denied"]),
    ] {
        let build = build().steps(&[("clone", result)]);
        let holding: Vec<&str> = words
            .into_iter()
            .filter(|word| build.decide(&format!("{{steps: [{{name: clone, on: [{word}]}}]}}")) == Decision::Run)
            .collect();
        assert_eq!(holding, expected, "{result:?}");
    }
}

#[test]
fn c16_c17_c18_steps_all_and_any() {
    for (steps, expected) in [
        ("[{name: clone}, {name: failed, on: [failure]}]", "run"),
        ("[{name: failed, on: [skipped, failure]}]", "run"),
        (
            "{all: [{name: clone}, {name: failed, on: [success, skipped]}]}",
            "skip: `when.steps`: step `failed` is failure, not success or skipped",
        ),
        ("{any: [{name: failed}, {name: clone}]}", "run"),
        (
            "{any: [{name: failed}, {name: later, on: [running]}]}",
            "skip: `when.steps.any`: step `failed` is failure, not success; step `later` is pending, not running",
        ),
        ("[{name: approval, on: [approved]}]", "run"),
        ("[{name: main_clone}]", "run"),
        ("[{name: main_clone, on: [failure]}]", "skip: `when.steps`: step `main_clone` is success, not failure"),
    ] {
        assert_eq!(build().said(&format!("{{steps: {steps}}}")), expected, "{steps}");
    }
}

#[test]
fn p8_in_parallel_mode_what_may_still_come_true_is_waited_for() {
    let parallel = build().parallel();
    for (when, expected) in [
        ("{branch: {only: [main]}}", "skip: branch `dev` is none of `only`: `main`"),
        ("{steps: [{name: running}]}", "wait: `when.steps`: step `running` is running, not success"),
        ("{steps: [{name: later}, {name: failed}]}", "skip: `when.steps`: step `failed` is failure, not success"),
        (
            "{steps: {any: [{name: failed}, {name: later}]}}",
            "wait: `when.steps.any`: step `failed` is failure, not success; step `later` is pending, not success",
        ),
        ("{steps: {any: [{name: failed}]}}", "skip: `when.steps.any`: step `failed` is failure, not success"),
        (
            "{condition: {all: {a: 'later.result == \"success\"'}}}",
            "wait: `when.condition.all.a`: `later.result == \"success\"` is false (`later.result` is \"pending\")",
        ),
        ("{condition: {all: {a: 'clone.result == \"success\"'}}}", "run"),
    ] {
        assert_eq!(parallel.said(when), expected, "{when}");
    }
    let over = build().parallel().steps(&[("clone", StepResult::Success), ("jim", StepResult::Pending)]);
    assert_eq!(over.said("{condition: {all: {a: 'false'}}}"), "skip: `when.condition.all.a`: `false` is false");
    assert_eq!(
        build().said("{steps: [{name: running}]}"),
        "skip: `when.steps`: step `running` is running, not success"
    );
}

#[test]
fn c4_reasons_are_short_and_on_one_line() {
    let build = build().set("LONG", &"x\n\u{1b}".repeat(1_000));
    let said = build.expression("'${{LONG}}' == ''");
    assert!(said.starts_with("`'x\\n\\u{1b}x"), "{said}");
    assert!(said.ends_with("…` is false"), "{said}");
    assert!(said.len() < 2_500 && !said.contains(['\n', '\u{1b}']));
    let many: String = (0..20).map(|number| format!("a{number}: 'false', ")).collect();
    let said = build.said(&format!("{{condition: {{any: {{{many}}}}}}}"));
    assert!(said.ends_with("`a4`: `false` is false; 15 more"), "{said}");
}

#[test]
fn c4_lengths_are_bounded_before_and_after_substitution() {
    let build = build().set("LONG", &"x".repeat(12_000));
    assert!(
        build
            .expression("'${{LONG}}' == ''")
            .ends_with("is false: the expression has 12008 characters, more than the 12000 that are allowed")
    );
    let long = format!("'{}' == '${{{{EMPTY}}}}'", "x".repeat(11_987));
    assert!(
        build.expression(&long).ends_with("the expression has 12005 characters, more than the 12000 that are allowed")
    );
    assert_eq!(build.expression("length(LONG) == 12000"), "run");
}

#[test]
fn c4_many_costly_expressions_take_no_longer_than_one() {
    let build = build().set("BIG", &"a".repeat(1 << 20));
    let many: String = (0..2_000).map(|number| format!("a{number}: 'match(BIG, \"(?:a|b|aa)*c\", false)', ")).collect();
    let said = build.said(&format!("{{condition: {{any: {{{many}}}}}}}"));
    assert!(said.contains("the expression takes too long to evaluate"), "{said}");
}

//! A build from the pipeline's text to its result, with steps that are played: how the parts work together.

use stepbox_pipeline::{
    BuildFacts, BuildResult, Exports, FailurePolicy, FlatStep, Layer, Masker, Pipeline, Plan, PlanStep, References,
    Script, Step, StepFacts, StepKind, StepState, SubstituteError, Template, Variables, clone_parent, repository_name,
    resolve, step_environment, substitute, system_variables, working_directory,
};

/// What a played step does: the text of its script gives exit status and export file.
type Player = fn(script: &str) -> (u8, &'static str);

/// A build in memory.
struct Build {
    pipeline: Pipeline,
    variables: Variables,
    references: References,
    player: Player,
    log: Vec<String>,
}

impl Build {
    fn of(text: &str, player: Player) -> Self {
        let reading = Pipeline::read(text);
        assert!(reading.is_runnable(), "{reading:?}");
        let mut variables = Variables::new();
        let facts = BuildFacts {
            repo_owner: Some("octo".into()),
            repo_name: Some("app".into()),
            branch: Some("main".into()),
            ..BuildFacts::default()
        };
        variables.extend(Layer::System, system_variables(&facts));
        let mut pipeline = reading.pipeline.expect("runnable");
        if pipeline.needs_implicit_main_clone(false) {
            pipeline.steps.insert(0, Step::implicit_main_clone(None));
        }
        Self { pipeline, variables, references: References::new(), player, log: Vec::new() }
    }

    #[must_use]
    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.set(Layer::Build, name, value);
        self
    }

    /// Runs it to its end: the log and the result, or the first error.
    fn run(mut self) -> Result<(Vec<String>, BuildResult), SubstituteError> {
        let flat: Vec<PlanStep> = self.pipeline.flat().iter().map(FlatStep::plan_step).collect();
        let mut plan = Plan::new(self.pipeline.mode, &flat);
        while let Some(number) = plan.startable().first().copied() {
            let step = self.pipeline.steps[number].clone();
            let policy = FailurePolicy::of(&self.pipeline, &step, &self.variables, &self.references);
            plan.start(number, policy);
            let mut facts = StepFacts {
                name: step.name.to_string(),
                type_name: step.kind.type_name().to_owned(),
                ..StepFacts::default()
            };
            let state = match &step.kind {
                StepKind::GitClone(clone) => {
                    let repo = resolve(&clone.repo, "the repository", &self.variables, &self.references)?;
                    let parent = clone_parent(clone.working_directory.as_ref(), &self.variables, &self.references)?;
                    let path = format!("{}/{}", parent.path, repository_name(&repo).expect("a name"));
                    self.log.push(format!("{}: clone {repo} to {path}", step.name));
                    facts.working_directory = Some(path);
                    facts.repo = Some(repo);
                    StepState::Success
                }
                StepKind::Approval(_) | StepKind::Parallel(_) | StepKind::Unsupported(_) => {
                    panic!("not in these builds")
                }
                StepKind::Freestyle(freestyle) => {
                    let environment = step_environment(
                        &step.name,
                        &freestyle.environment,
                        (1, step.retry.max_attempts),
                        &mut self.variables,
                        &self.references,
                    )?;
                    let image = resolve(&freestyle.image, "the image", &self.variables, &self.references)?;
                    let directory = working_directory(
                        freestyle.working_directory.as_ref(),
                        &self.variables,
                        &self.references,
                        None,
                    )?;
                    let commands: Vec<String> = freestyle
                        .commands
                        .iter()
                        .flatten()
                        .map(|command| substitute(command, &self.variables, &self.references).map(|found| found.text))
                        .collect::<Result<_, _>>()?;
                    let script = Script::from_commands(commands);
                    let (status, exported) = (self.player)(script.text());
                    let line = script.text().trim_end().replace('\n', "; ");
                    let own = environment.values.get("OWN").map(|own| format!(" OWN={own}")).unwrap_or_default();
                    self.log.push(format!("{}: [{image}] {}:{own} {line} = {status}", step.name, directory.path));
                    self.variables.clear(Layer::Step);
                    self.variables.extend(Layer::Exported, Exports::parse(exported.as_bytes()).values);
                    facts.working_directory = Some(directory.path);
                    StepState::from_exit_status(status)
                }
            };
            facts.result = state.result_word().map(str::to_owned);
            self.references.insert(facts);
            plan.finish(number, state);
        }
        Ok((self.log, plan.result(None).expect("over")))
    }
}

fn succeed(_: &str) -> (u8, &'static str) {
    (0, "")
}

#[test]
fn g2_g3_the_original_step_runs_unchanged_after_an_implicit_clone() {
    let text = "version: '1.0'\nsteps:\n  copy:\n    image: ${{build_prj}}\n    working_directory: ${{main_clone}}\n    \
                fail_fast: false\n    commands:\n      - cp path/to/file /codefresh/volume/filename\n";
    let (log, result) = Build::of(text, |_| (1, "")).variable("build_prj", "alpine").run().expect("a build");
    assert_eq!(
        log,
        [
            "main_clone: clone octo/app to /codefresh/volume/app",
            "copy: [alpine] /codefresh/volume/app: cp path/to/file /codefresh/volume/filename = 1",
        ]
    );
    assert_eq!(result, BuildResult::Success);
    let error = Build::of(text, succeed).run().expect_err("no image");
    assert_eq!(error.to_string(), "`${{build_prj}}` is not defined, so the image is not known");
    assert_eq!((error.place().line, error.place().column), (4, 12));
}

#[test]
fn v7_v17_v22_an_export_is_seen_by_the_next_step_and_wins() {
    let text = "version: '1.0'\nsteps:\n  main_clone: {image: a, commands: ['first ${{TAG}}'], environment: [OWN=1]}\n  \
                two: {image: 'b:${{TAG}}', commands: ['second ${{TAG}} ${{main_clone.result}} ${{OWN}}']}\n";
    let player: Player = |script| (0, if script.starts_with("first") { "TAG=\"v2\"\n" } else { "" });
    let (log, result) = Build::of(text, player).variable("TAG", "v1").run().expect("a build");
    assert_eq!(
        log,
        [
            "main_clone: [a] /codefresh/volume: OWN=1 first v1 = 0",
            "two: [b:v2] /codefresh/volume: second v2 success ${{OWN}} = 0",
        ]
    );
    assert_eq!(result, BuildResult::Success);
}

#[test]
fn s5_a_failure_ends_the_build_unless_it_may_fail() {
    let text = |fail_fast: &str| {
        format!(
            "version: '1.0'\nfail_fast: {fail_fast}\nsteps:\n  clone: {{type: git-clone, repo: a/b}}\n  \
             one: {{image: x, working_directory: '${{{{clone}}}}', commands: [bad]}}\n  \
             two: {{image: x, working_directory: '${{{{one}}}}/sub', commands: [good]}}\n"
        )
    };
    let player: Player = |script| (if script == "bad\n" { 3 } else { 0 }, "");
    let (log, result) = Build::of(&text("true"), player).run().expect("a build");
    assert_eq!((log.len(), result), (2, BuildResult::Error));
    let (log, result) = Build::of(&text("false"), player).run().expect("a build");
    assert_eq!(log[2], "two: [x] /codefresh/volume/b/sub: good = 0");
    assert_eq!(result, BuildResult::Success);
}

#[test]
fn v4_v5_an_undefined_variable_of_a_command_stays_as_it_is() {
    let text = "version: '1.0'\nsteps:\n  main_clone: {image: x, commands: ['echo ${{NOPE}} $NOPE']}\n";
    let (log, _) = Build::of(text, succeed).run().expect("a build");
    assert_eq!(log, ["main_clone: [x] /codefresh/volume: echo ${{NOPE}} $NOPE = 0"]);
}

#[test]
fn v32_a_title_that_holds_a_secret_is_masked_after_substitution() {
    let mut variables = Variables::new();
    variables.set(Layer::Build, "TOKEN", "hunter2");
    let title = substitute(&Template::literal("with ${{TOKEN}}"), &variables, &References::new()).expect("short");
    assert_eq!(Masker::new(variables.get("TOKEN")).mask(&title.text), "with ****");
}

//! Approvals by the program: answered beforehand, on a terminal, or later by `stepbox approve` and `stepbox deny`.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use stepbox_tests::{Place, Run, program, send};

const GATED: &str = "version: '1.0'
steps:
  before:
    image: alpine
    commands:
      - echo kept > /codefresh/volume/note
      - cf_export COLOUR=green
      - echo before
  gate:
    type: pending-approval
    title: Deploy?
  after:
    image: alpine
    commands:
      - echo \"$COLOUR $(cat /codefresh/volume/note) ${{gate.result}} ${{gate.authEntity.name}}\"
";

const RUN: [&str; 3] = ["run", "-v", "CF_SKIP_MAIN_CLONE=true"];

fn place() -> Place {
    Place::new().file("codefresh.yml", GATED)
}

/// Runs without anybody at a terminal, as `sam`.
fn run(place: &Place, arguments: &[&str]) -> Run {
    let run = place.finish(place.command(arguments).env("USER", "sam"));
    let run = place.settled(run);
    Run { stderr: settled(&run.stderr), ..run }
}

/// What changes from run to run in texts about approvals: dates.
fn settled(text: &str) -> String {
    let line = |line: &str| {
        let line = match (line.find(" until "), line.find(" UTC")) {
            (Some(from), Some(to)) => format!("{} until [TIME]{}", &line[..from], &line[to..]),
            _ => line.to_owned(),
        };
        line + "\n"
    };
    text.lines().map(line).collect()
}

const STOPPED: &str = "build: [ID]
volume: [PLACE]/project/codefresh.yml, empty

==> before
before: success (N s)

==> Deploy?

step    result          time  stage
before  success        N s  default
gate    pending            -  default
after   pending            -  default

volume kept for this build: [ID]
build waits for an approval (N s)
waits for an answer to step `gate` until [TIME] UTC; then the step is terminated
  stepbox approve [ID]
  stepbox deny [ID]
";

#[test]
fn a9_without_a_terminal_the_build_stops_and_approve_goes_on() {
    let place = place();
    run(&place, &RUN).expect(5, "before\n", STOPPED);
    place.run(["volume", "ls"]).expect(0, "", "no build has left a volume yet\n");
    run(&place, &["approve", "latest"]).expect(
        0,
        "green kept approved sam\n",
        "build: [ID], which goes on
Deploy?: approved: by `stepbox approve` (N s)

==> after
after: success (N s)

step    result          time  stage
before  success        N s  default
gate    approved       N s  default
after   success        N s  default

volume saved: [ID]
build succeeded (N s)
",
    );
    let again = "error: build `[ID]` does not wait for an approval: step `gate` was approved, and it succeeded\nhint: `stepbox \
                 builds show [ID]` tells more\n";
    let masked = |run: Run| {
        let words = run.stderr.split_inclusive(' ').map(|word| {
            let bare = word.trim_matches(|c: char| !c.is_ascii_hexdigit());
            if bare.len() == 24 { word.replace(bare, "[ID]") } else { word.to_owned() }
        });
        Run { stderr: words.collect(), ..run }
    };
    for verb in ["approve", "deny"] {
        masked(run(&place, &[verb, "latest"])).expect(2, "", again);
    }
    assert!(place.run(["volume", "ls"]).stdout.contains("codefresh.yml"));
}

#[test]
fn a7_deny_ends_the_build_as_failed() {
    let place = place();
    assert_eq!(run(&place, &RUN).status, 5);
    let denied = run(&place, &["deny", "latest", "gate", "--quiet"]);
    denied.expect(1, "", "build failed\n");
    let list = place.run(["builds", "ls"]);
    assert!(list.stdout.lines().nth(1).is_some_and(|line| line.contains(" failure ")), "{list:?}");
}

#[test]
fn a9_answers_beforehand() {
    let place = place();
    let with = |flags: &[&str]| run(&place, &[&RUN[..], &["--quiet"], flags].concat());
    with(&["--approve", "gate"]).expect(0, "before\ngreen kept approved sam\n", "");
    with(&["--deny=gate"]).expect(1, "before\n", "build failed\n");
    with(&["--approve", "gat"]).expect(
        2,
        "",
        "error: there is no step `gat`, which `--approve` names\nhint: did you mean `gate`?\n",
    );
    with(&["--deny", "after"]).expect(
        2,
        "",
        "error: step `after`, which `--deny` names, is no approval\nhint: its approvals are `gate`\n",
    );
    with(&["--deny", "gate", "--approve", "gate"]).expect(
        2,
        "",
        "error: `--approve gate` and `--deny gate` contradict each other\nhint: give one of them\n",
    );
}

#[test]
fn a9_a_waiting_build_is_listed_shown_and_removed_with_its_volume() {
    let place = place();
    assert_eq!(run(&place, &RUN).status, 5);
    let list = place.run(["builds", "ls"]);
    assert!(list.stdout.lines().nth(1).is_some_and(|line| line.contains(" waiting ")), "{list:?}");
    let shown = place.run(["builds", "show"]);
    assert!(shown.stdout.contains("\nresult: waiting\n") && shown.stdout.contains("\n  stepbox approve "), "{shown:?}");
    let blobs = || place.tree("state/store/blobs/sha256").len();
    assert_eq!(blobs(), 4);
    // Other builds, and the sweep that comes after one that died, leave it alone.
    place.write(
        "other.yml",
        "version: '1.0'\nsteps:\n  a:\n    image: alpine\n    commands: [echo x > /codefresh/volume/x]\n",
    );
    let killed = place.finish(
        place
            .command(["run", "other.yml", "-v", "CF_SKIP_MAIN_CLONE=true"])
            .env("STEPBOX_TEST_KILL_AT", "publish.kept.rename"),
    );
    assert_eq!(killed.status, -1, "{killed:?}");
    let other = place.run(["run", "other.yml", "-v", "CF_SKIP_MAIN_CLONE=true"]);
    assert_eq!(other.status, 0, "{other:?}");
    let removed = place.run([
        "volume",
        "rm",
        &place.path("project/other.yml").canonicalize().expect("there").display().to_string(),
    ]);
    assert_eq!((removed.status, blobs()), (0, 4), "{removed:?}");
    let builds = place.run(["builds", "ls"]);
    let build = builds.stdout.lines().find(|line| line.contains(" waiting ")).and_then(|line| line.split(' ').next());
    let build = build.expect("listed");
    assert_eq!(place.run(["builds", "rm", build]).status, 0);
    assert_eq!(blobs(), 0);
    place.run(["approve", build]).expect(
        2,
        "",
        "error: there is no build `[ID]`\nhint: `stepbox builds ls` lists them\n".replace("[ID]", build).as_str(),
    );
}

#[test]
fn a9_two_answers_at_once_are_one() {
    let place = place();
    for _ in 0..3 {
        assert_eq!(run(&place, &RUN).status, 5);
        let children =
            ["approve", "approve", "deny"].map(|verb| place.start(&mut place.command([verb, "latest", "--quiet"])));
        let ends = children.map(|child| place.result(&child.wait_with_output().expect("ends")));
        let refused = |run: &&Run| {
            run.status == 2
                && (run.stderr.contains("does not wait") || run.stderr.contains("somebody has answered just now"))
        };
        assert_eq!(ends.iter().filter(refused).count(), 2, "{ends:?}");
    }
}

#[test]
fn a9_an_answer_that_dies_before_the_build_goes_on_can_be_given_again() {
    let place = place();
    assert_eq!(run(&place, &RUN).status, 5);
    for point in ["unpack.manifest.read", "unpack.file.create"] {
        let died = place.finish(place.command(["approve", "latest"]).env("STEPBOX_TEST_KILL_AT", point));
        assert_eq!(died.status, 4, "{died:?}");
        assert!(place.run(["builds", "ls"]).stdout.contains(" waiting "));
    }
    let done = run(&place, &["approve", "latest", "--quiet"]);
    done.expect(0, "green kept approved sam\n", "");
}

#[test]
fn v31_secrets_are_given_again() {
    let text = GATED
        .replace("      - echo before\n", "      - echo \"before $TOKEN\"\n")
        .replace("${{gate.authEntity.name}}", "$TOKEN");
    let place = Place::new().file("codefresh.yml", text);
    let stopped = run(&place, &[&RUN[..], &["--secret", "TOKEN=hunter2"]].concat());
    assert_eq!((stopped.status, stopped.stdout.as_str()), (5, "before ****\n"));
    assert!(
        stopped.stderr.ends_with("  stepbox approve [ID] --secret TOKEN\n  stepbox deny [ID] --secret TOKEN\n"),
        "{stopped:?}"
    );
    for path in place.tree("state/builds").keys().filter(|path| path.is_file()) {
        let bytes = std::fs::read(path).expect("reads");
        let bytes = if path.extension().is_some_and(|ext| ext == "zst") {
            zstd::decode_all(&*bytes).expect("whole")
        } else {
            bytes
        };
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"), "{}", path.display());
    }
    let missing = run(&place, &["approve", "latest"]);
    assert!(
        missing.status == 2 && missing.stderr.contains("needs values again that are recorded nowhere: `TOKEN`"),
        "{missing:?}"
    );
    let done = run(&place, &["approve", "latest", "--secret", "TOKEN=hunter2", "--quiet"]);
    done.expect(0, "green kept approved ****\n", "");
}

#[test]
fn a9_events_of_a_build_that_waits_as_json() {
    let place = place();
    let names = |run: &Run| -> Vec<String> {
        let name = |line: &str| {
            serde_json::from_str::<serde_json::Value>(line).expect("json")["event"].as_str().map(str::to_owned)
        };
        run.stdout.lines().filter_map(name).filter(|name| name != "output").collect()
    };
    let stopped = run(&place, &[&RUN[..], &["--output", "json"]].concat());
    let expected = [
        "build_started",
        "worker_started",
        "step_started",
        "step_finished",
        "step_started",
        "approval_awaited",
        "volume_held",
        "build_waiting",
    ];
    assert_eq!((stopped.status, names(&stopped)), (5, expected.map(str::to_owned).to_vec()), "{stopped:?}");
    let done = run(&place, &["approve", "latest", "--output", "json"]);
    let expected = [
        "build_continued",
        "worker_started",
        "volume_restored",
        "step_finished",
        "step_started",
        "step_finished",
        "volume_saved",
        "build_finished",
    ];
    assert_eq!((done.status, names(&done)), (0, expected.map(str::to_owned).to_vec()), "{done:?}");
    let logs = place.run(["builds", "logs", "--output", "json"]);
    assert_eq!(names(&logs), [names(&stopped), names(&done)].concat());
}

/// Runs the program at a terminal that `script` makes, with a person who types; `None` where there is no `script`.
fn at_terminal(place: &Place, typed: &str, no_color: bool) -> Option<Run> {
    let program = program();
    let command = format!("'{}' run -v CF_SKIP_MAIN_CLONE=true; echo status $?", program.display());
    let prepared = place.command([""; 0]);
    let mut script = Command::new("script");
    script.args(["-qfc", &command, "/dev/null"]).current_dir(place.path("project")).env_clear().env("USER", "sam");
    script.envs(prepared.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
    script.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    if no_color {
        script.env("NO_COLOR", "1");
    }
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let (mut keys, mut shown) = (child.stdin.take()?, child.stdout.take()?);
    let (mut seen, mut typed, mut piece) = (vec![], typed.split_inclusive(['\n', '\u{3}', '\u{4}']), [0; 4096]);
    let mut asked = 0;
    loop {
        match shown.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(count) => seen.extend_from_slice(&piece[..count]),
        }
        // Each answer is typed when it is asked for.
        let questions = String::from_utf8_lossy(&seen).matches("[yes/no/later] ").count();
        while asked < questions {
            asked += 1;
            let Some(answer) = typed.next() else { break };
            keys.write_all(answer.as_bytes()).expect("types");
        }
    }
    drop(keys);
    let mut output = child.wait_with_output().expect("ends");
    output.stdout = seen;
    let run = place.result(&output);
    Some(Run { stdout: run.stdout.replace('\r', ""), ..run })
}

#[test]
fn a9_somebody_at_the_terminal_is_asked() {
    for (typed, states, status) in [
        ("yes\n", ["gate    approved", "after   success"], 0),
        ("what\nNO\n", ["gate    denied", "after   pending"], 1),
        ("later\n", ["gate    pending", "after   pending"], 5),
        ("\u{4}", ["gate    pending", "after   pending"], 5),
    ] {
        let place = place();
        let Some(run) = at_terminal(&place, typed, true) else { return };
        assert!(run.stdout.contains("approve step `gate` (Deploy?)? [yes/no/later] "), "{run:?}");
        assert!(!run.stdout.contains('\u{1b}'), "NO_COLOR: {run:?}");
        assert_eq!(run.stdout.contains("answer `yes`, `no`, or `later`"), typed.starts_with("what"), "{run:?}");
        for state in states {
            assert!(run.stdout.contains(state), "{typed:?}: {run:?}");
        }
        assert!(run.stdout.ends_with(&format!("status {status}\n")), "{typed:?}: {run:?}");
    }
    let place = place();
    let Some(run) = at_terminal(&place, "yes\n", false) else { return };
    assert!(run.stdout.contains("\u{1b}[1mapprove step `gate` (Deploy?)?\u{1b}[0m [yes/no/later] "), "{run:?}");
}

#[test]
fn a9_an_interrupt_while_somebody_is_asked_ends_the_build() {
    let place = place();
    // Control-C at the terminal.
    let Some(run) = at_terminal(&place, "\u{3}", true) else { return };
    assert!(run.stdout.contains("gate    terminated") && run.stdout.contains("build terminated"), "{run:?}");
    place.expect_no_processes();
    place.run(["volume", "ls"]).expect(0, "", "no build has left a volume yet\n");
}

#[test]
fn a9_an_interrupt_after_the_answer_terminates_the_build() {
    let text = GATED.replace("      - echo \"$COLOUR", "      - echo ready; sleep 1000; echo \"$COLOUR");
    let place = Place::new().file("codefresh.yml", text);
    assert_eq!(run(&place, &RUN).status, 5);
    let mut child = place.start(place.command(["approve", "latest"]).env("USER", "sam"));
    let mut lines = std::io::BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    while !line.contains("ready") {
        line.clear();
        assert_ne!(std::io::BufRead::read_line(&mut lines, &mut line).expect("reads"), 0, "it ended");
    }
    send(&child, Signal::INT);
    let ended = place.result(&child.wait_with_output().expect("ends"));
    assert_eq!(ended.status, 3, "{ended:?}");
    place.expect_no_processes();
    assert_eq!(run(&place, &["approve", "latest"]).status, 2);
}

#[test]
fn a9_several_builds_of_a_variable_file_all_wait() {
    let place = place().file("many.json", "[{\"X\": \"1\"}, {\"X\": \"2\"}]");
    let both = run(&place, &[&RUN[..], &["--quiet", "--var-file", "many.json"]].concat());
    assert_eq!((both.status, both.stderr.matches("  stepbox approve [ID]\n").count()), (5, 2), "{both:?}");
}

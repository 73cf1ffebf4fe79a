//! `stepbox builds …`.

use stepbox_tests::{Place, Run};

const TWO: &str = "version: '1.0'
steps:
  one:
    image: alpine
    commands: [echo from one]
  two:
    image: alpine
    commands: [echo from two]
    when: {branch: {only: [main]}}
";

fn place() -> Place {
    let place = Place::new().file("codefresh.yml", TWO);
    let run = place.run(["run", "-v", "CF_SKIP_MAIN_CLONE=true", "--branch", "dev", "--secret", "TOKEN=hunter2"]);
    assert_eq!(run.status, 0, "{run:?}");
    place
}

/// What changes from run to run is replaced in what is printed, too.
fn filtered(place: &Place, run: Run) -> String {
    let root = place.path("").canonicalize().expect("is there").display().to_string();
    let digits = |word: &str| word.len() >= 24 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let line = |line: &str| {
        // How wide columns are is not what is looked at.
        let words =
            line.split_whitespace().map(|word| match word.trim_start_matches("sha256:").trim_end_matches(',') {
                bare if digits(bare) => "[ID]".to_owned(),
                bare if bare.starts_with("20") && bare.len() == 10 => "[DAY]".to_owned(),
                bare if bare.matches(':').count() == 2 && bare.len() == 8 => "[TIME]".to_owned(),
                bare if bare.parse::<f64>().is_ok() && bare.contains('.') => "N".to_owned(),
                _ => word.to_owned(),
            });
        words.collect::<Vec<_>>().join(" ") + "\n"
    };
    run.stdout.replace(&root, "[PLACE]").lines().map(line).collect()
}

#[test]
fn builds_are_listed_and_shown() {
    let place = place();
    let list = place.run(["builds", "ls"]);
    assert_eq!(
        filtered(&place, list),
        "\
build began (UTC) result time branch pipeline
[ID] [DAY] [TIME] success N s dev [PLACE]/project/codefresh.yml
"
    );
    let shown = filtered(&place, place.run(["builds", "show"]));
    let shown: String =
        shown.lines().filter(|line| !line.starts_with("saved")).map(|line| line.to_owned() + "\n").collect();
    assert_eq!(
        shown,
        "\
build: [ID]
result: success
began: [DAY] [TIME] UTC
time: N s
pipeline: [PLACE]/project/codefresh.yml
volume: [PLACE]/project/codefresh.yml, empty
branch: dev
variable: CF_SKIP_MAIN_CLONE=true
variable: TOKEN=**** (a secret)

step result time stage
one success N s default
two skipped - default
"
    );
}

#[test]
fn logs_print_what_was_printed() {
    let place = place();
    let Run { status, stdout, stderr } = place.run(["builds", "logs"]);
    let told = "\n==> one\none: success (N s)\ntwo: skipped: branch `dev` is none of `only`: `main`\n";
    assert_eq!((status, stdout.as_str()), (0, "from one\n"));
    assert!(stderr.ends_with(told), "{stderr}");
    place.run(["builds", "logs", "--step", "one"]).expect(0, "from one\n", "");
    let run = place.run(["builds", "logs", "latest", "--step", "three"]);
    run.expect(
        2,
        "",
        "error: no step `three` has begun in build [ID]\nhint: `stepbox builds show [ID]` lists its steps\n"
            .replace("`stepbox builds show [ID]`", &stderr_hint(&run))
            .as_str(),
    );
    let json = place.run(["builds", "logs", "--output", "json"]);
    let events: Vec<serde_json::Value> =
        json.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((events[0]["event"].as_str(), json.status), (Some("build_started"), 0));
}

#[test]
fn a_list_can_be_that_of_one_pipeline_and_tells_that_there_are_older_builds() {
    let place = place();
    assert_eq!(place.run(["run", "--pipeline", "other", "-v", "CF_SKIP_MAIN_CLONE=true"]).status, 0);
    let json = |arguments: &[&str]| -> Vec<String> {
        let run = place.run(["builds", "ls", "--output", "json"].iter().chain(arguments));
        let build = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
        run.stdout.lines().map(|line| build(line)["pipeline"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(json(&["--pipeline", "other"]), ["other"]);
    assert_eq!((json(&[]).len(), json(&["-n", "1"]).as_slice()), (2, &["other".to_owned()][..]));
    let list = place.run(["builds", "ls", "-n", "1"]);
    assert_eq!(list.stderr, "and older ones: give `-n 0` for all\n");
}

/// The command of the hint, whose digits stand between back quotes.
fn stderr_hint(run: &Run) -> String {
    run.stderr
        .lines()
        .last()
        .and_then(|line| line.strip_prefix("hint: ")?.strip_suffix(" lists its steps"))
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn records_are_removed_and_missing_ones_are_told() {
    let place = Place::new();
    place.run(["builds", "ls"]).expect(0, "", "no build has run yet\n");
    place.run(["builds", "show"]).expect(2, "", "error: there is no build yet\n");
    place.run(["builds", "rm", "abcdef"]).expect(
        2,
        "",
        "error: there is no build `abcdef`\nhint: `stepbox builds ls` lists them\n",
    );
    let place = self::place();
    assert_eq!(place.run(["builds", "rm", "latest"]).status, 0);
    place.run(["builds", "ls"]).expect(0, "", "no build has run yet\n");
    let volume = place.run(["volume", "ls"]);
    assert!(volume.stdout.contains("codefresh.yml"), "the volume stays: {volume:?}");
}

//! What lies in a repository asks, and never grants.

use std::os::unix::fs::symlink;

use stepbox_tests::{Place, Run};

#[track_caller]
fn says(run: &Run, status: i32, text: &str) {
    assert!(run.status == status && format!("{}{}", run.stdout, run.stderr).contains(text), "{text}\n{run:?}");
}

const ASKS: &str = "environment: [CANARY]\nsecrets: [HUSH]\nallow_clone: [example.invalid]\nnetwork: [example.com]\n\
                    limits: {memory: 2GiB}\n";

fn run(place: &Place, words: &[&str]) -> Run {
    place.finish(place.command(words).env("CANARY", "canary-1").env("HUSH", "canary-2"))
}

#[test]
fn a_project_gets_nothing_that_it_only_asks_for() {
    let place = Place::new().commands(&["echo '${{CANARY}} ${{HUSH}}'; env"]).file("stepbox.yaml", ASKS);
    let got = run(&place, &["run"]);
    assert_eq!(got.status, 0, "{got:?}");
    assert!(!format!("{}{}", got.stdout, got.stderr).contains("canary-"), "{got:?}");
    let notes: Vec<&str> = got.stderr.lines().filter(|line| line.starts_with("note: ")).collect();
    assert_eq!(
        notes,
        [
            "note: `stepbox.yaml` asks for `memory` of 2 GiB, and it stays at 1 GiB: `--limit memory=2GiB` or `stepbox trust` allows it",
            "note: `stepbox.yaml` asks for clones from `example.invalid`, and does not get them: `--allow-clone` or `stepbox trust` allows it",
            "note: `stepbox.yaml` asks for the environment variable `CANARY`, and does not get it: `--env CANARY` or `stepbox trust` allows it",
            "note: `stepbox.yaml` asks for the secret `HUSH`, and does not get it: `--secret HUSH` or `stepbox trust` allows it",
            "note: `stepbox.yaml` asks for the network host `example.com`, and no step has a network",
        ]
    );
}

#[test]
fn the_user_grants_by_flags_configuration_and_trust_until_something_changes() {
    let place = Place::new().commands(&["echo 'got ${{CANARY}}'"]).file("stepbox.yaml", ASKS);
    says(&run(&place, &["run", "--env", "CANARY"]), 0, "got canary-1\n");
    std::fs::create_dir_all(place.path("home/.config/stepbox")).expect("makes");
    std::fs::write(place.path("home/.config/stepbox/config.yaml"), "environment: [CANARY]\n").expect("writes");
    says(&run(&place, &["run"]), 0, "got canary-1\n");
    std::fs::remove_file(place.path("home/.config/stepbox/config.yaml")).expect("removes");
    says(&run(&place, &["run"]), 0, "got ${{CANARY}}\n");

    says(&run(&place, &["trust"]), 0, "  variable of your environment `CANARY`\n");
    let trusted = run(&place, &["run"]);
    says(&trusted, 0, "got canary-1\n");
    assert!(!trusted.stderr.contains("does not get") && !trusted.stderr.contains("stays at"), "{trusted:?}");
    place.write("stepbox.yaml", format!("{ASKS}# changed\n"));
    says(&run(&place, &["run"]), 0, "got ${{CANARY}}\n");
    place.write("stepbox.yaml", ASKS);
    says(&run(&place, &["run"]), 0, "got canary-1\n");
    place.write("policy.yaml", "trust: false\n");
    says(&run(&place, &["run", "--policy", "policy.yaml"]), 0, "got ${{CANARY}}\n");
    place.write("policy.yaml", "environment: []\n");
    says(&run(&place, &["run", "--policy", "policy.yaml"]), 0, "got ${{CANARY}}\n");
    says(&run(&place, &["trust", "--remove"]), 0, "is not trusted\n");
    says(&run(&place, &["run"]), 0, "got ${{CANARY}}\n");
}

#[test]
fn a_secret_that_a_trusted_project_gets_is_masked() {
    let place = Place::new().commands(&["echo ${{HUSH}}"]).file("stepbox.yaml", "secrets: [HUSH]\n");
    assert_eq!(run(&place, &["trust"]).status, 0);
    let got = run(&place, &["run"]);
    assert!(got.status == 0 && !got.stdout.contains("canary-2") && !got.stdout.contains("HUSH"), "{got:?}");
}

#[test]
fn paths_in_a_projects_file_stay_inside_of_the_project() {
    let place = Place::new().commands(&["true"]);
    for (target, why) in [
        ("../../.ssh", "it leads out of the project by `..`"),
        ("a/../../b", "it leads out of the project by `..`"),
        ("/etc/passwd", "it is absolute; it must be one below the project"),
        ("./link", "it leads out of the project by a link"),
        ("link/passwd.wasm", "it leads out of the project by a link"),
        ("./none", "No such file or directory"),
    ] {
        let link = place.path("project/link");
        let _ = std::fs::remove_file(&link);
        symlink("/etc", link).expect("links");
        place.write("stepbox.yaml", format!("images: {{node: {target}}}\n"));
        let got = place.run(["run"]);
        got.expect(2, "", &format!("error: stepbox.yaml: the path `{target}`: {why}\n"));
    }
    std::fs::remove_file(place.path("project/stepbox.yaml")).expect("removes");
    symlink("/etc/hostname", place.path("project/stepbox.yaml")).expect("links");
    place.run(["run"]).expect(2, "", "error: cannot read stepbox.yaml: it leads out of the project by a link\n");
}

#[test]
fn a_policy_says_from_where_anybody_may_clone() {
    let pipeline = "version: '1.0'\nsteps:\n  get:\n    type: git-clone\n    repo: https://example.invalid/a/b\n";
    let place = Place::new().file("codefresh.yml", pipeline).file("policy.yaml", "allow_clone: [github.com]\n");
    let got = place.run(["run", "--policy", "policy.yaml", "--allow-clone", "example.invalid"]);
    says(&got, 1, "the policy of this host does not allow clones from `example.invalid`");
}

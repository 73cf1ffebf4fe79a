//! Whether the second wall holds where the first has holes: against a program that was built with deliberate ones (feature `holes`).
//!
//! Each hole reads `/etc/passwd` on a stranger's word. Behind the wall the kernel must say EACCES; without it the same hole must
//! give the file away, so that a hole that is none cannot pass for a wall that holds.

use std::fs;

use stepbox_tests::{Place, Run};

/// What the kernel says, in the words of Rust, of the C library of guests, or of the error of a step.
const DENIED: &str = "Permission denied";

/// What stands in `/etc/passwd` of this host and not in that of steps.
fn secret() -> String {
    let text = fs::read_to_string("/etc/passwd").expect("the host has one");
    text.lines().find(|line| !line.starts_with("root:")).expect("another user").to_owned()
}

/// Runs a command with the wall and without it: what both printed must differ as the wall says.
fn wall_holds(place: &Place, command: &[&str], flag_at: usize, prepare: impl Fn()) {
    let run = |flag: Option<&str>| -> Run {
        prepare();
        let mut words = command.to_vec();
        words.splice(flag_at..flag_at, flag);
        place.run(words)
    };
    let (locked, open) = (run(None), run(Some("--no-lockdown")));
    let text = |run: &Run| format!("{}{}", run.stdout, run.stderr);
    assert!(text(&open).contains(&secret()), "the hole is none: {open:?}");
    assert!(!text(&locked).contains(&secret()), "the wall has a hole: {locked:?}");
    assert!(text(&locked).contains(DENIED), "the kernel was not asked: {locked:?}");
}

#[test]
fn a_hole_in_the_host_of_guests_does_not_reach_the_host() {
    let place = Place::new().commands(&["sed '' stepbox-hole:/etc/passwd"]);
    wall_holds(&place, &["run"], 1, || {});
    wall_holds(&place, &["sh", "-c", "sed '' stepbox-hole:/etc/passwd"], 1, || {});
}

#[test]
fn a_hole_in_the_shell_does_not_reach_the_host() {
    let place = Place::new().commands(&["stepbox-hole /etc/passwd"]);
    wall_holds(&place, &["run"], 1, || {});
    wall_holds(&place, &["sh", "-c", "stepbox-hole /etc/passwd"], 1, || {});
}

#[test]
fn a_hole_in_the_reader_of_archives_does_not_reach_the_host() {
    let place = Place::new().commands(&[
        "cd /codefresh/volume && { cat stepbox-hole.read || true; } && rm -f stepbox-hole.read && : > stepbox-hole",
    ]);
    assert_eq!(place.run(["run", "--volume", "v"]).status, 0);
    // A tree that an earlier build has left is not read from an archive.
    let cold = || {
        let _ = fs::remove_dir_all(place.path("state/warm"));
    };
    wall_holds(&place, &["run", "--volume", "v"], 1, cold);
    wall_holds(&place, &["volume", "cat", "v", "stepbox-hole"], 1, || {});
    // Into a directory, and looked at from outside.
    for (flag, there) in [(None, false), (Some("--no-lockdown"), true)] {
        let name = format!("restored-{there}");
        let mut words = vec!["volume"];
        words.extend(flag);
        words.extend(["restore", "--volume", "v", &name]);
        let run = place.run(words);
        assert_eq!(run.status, 0, "{run:?}");
        let read = fs::read_to_string(place.path("project").join(&name).join("stepbox-hole.read")).expect("read");
        assert_eq!((read.contains(&secret()), read.contains(DENIED)), (there, !there), "{read}");
    }
}

#[test]
fn a_hole_in_the_reader_of_yaml_does_not_reach_the_host() {
    let place = Place::new().file("codefresh.yml", "# stepbox-hole: /etc/passwd\n");
    for command in ["run", "plan", "check"] {
        wall_holds(&place, &[command], 1, || {});
    }
    wall_holds(&place, &["validate", "codefresh.yml"], 1, || {});
    let place = Place::new().commands(&["true"]).file("stepbox.yaml", "# stepbox-hole: /etc/passwd\n");
    for command in ["run", "plan", "check"] {
        wall_holds(&place, &[command], 1, || {});
    }
    let place = Place::new().commands(&["true"]).file("vars.yml", "# stepbox-hole: /etc/passwd\n");
    wall_holds(&place, &["run", "--var-file", "vars.yml"], 1, || {});
}

//! Makes cargo build the program for the end-to-end tests of the workspace's `tests/`, and checks what it says of itself.

use std::process::Command;

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stepbox")).args(arguments).output().expect("starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn version_and_help_are_results() {
    let (status, out, err) = run(&["--version"]);
    assert_eq!(
        (status, out.as_str(), err.as_str()),
        (Some(0), concat!("stepbox ", env!("CARGO_PKG_VERSION"), "\n"), "")
    );
    let (status, out, _) = run(&["--help"]);
    assert_eq!(status, Some(0));
    assert!(out.contains("Exit status: 0 the build succeeded"), "{out}");
    assert!(!out.contains("__worker"), "{out}");
}

#[test]
fn wrong_usage_has_status_2() {
    let (status, out, err) = run(&["frobnicate"]);
    assert_eq!((status, out.as_str()), (Some(2), ""));
    assert!(err.contains("unrecognized subcommand 'frobnicate'"), "{err}");
}

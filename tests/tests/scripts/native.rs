//! The same cases by native programs, in a root of their own: what is expected of ours is what these do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{Case, place_files};

/// Set, the cases are run natively as well. It takes `bwrap`, bash, dash, busybox and jq.
const VARIABLE: &str = "STEPBOX_SCRIPTS_NATIVE";

/// Cases whose native program is not to be had in a package.
const NO_NATIVE_PROGRAM: &[(&str, &str)] = &[
    ("image-version-yq", "yq 4"),
    ("candidate-tag-yq", "yq 4"),
    ("yq-inplace", "yq 4"),
    ("yq-v3-write", "yq 3"),
    ("yq-v3-read", "yq 3"),
];

/// Where ours is not the word of a native shell.
const ANOTHER_WORD: &[(&str, &str, &str)] =
    // The message of busybox names neither the line nor the command; dash takes `]]` for `]`.
    &[("versions-typo", "sh: missing ]\n", "sh: 2: [: missing ]\n")];

/// `cf_export` as the specification says, for a native shell.
const CF_EXPORT: &str = "#!/bin/sh\nfor word; do\n  case $word in\n  *=*) ;;\n  *) eval \"word=\\$word=\\$$word\" ;;\n  esac\n  \
                         printf '%s\\n' \"$word\" >> /codefresh/volume/env_vars_to_export\ndone\n";

/// What a native shell makes of a case: its status and what it prints, and what is printed behind it.
struct Outcome {
    status: i32,
    output: String,
}

pub(crate) fn is_asked_for() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|value| !value.is_empty())
}

/// Compares a case with every native shell that its image could have; what is wrong where none agrees.
pub(crate) fn compare(case: &Case, script: &Value) -> Option<String> {
    if let Some((id, program)) = NO_NATIVE_PROGRAM.iter().find(|(id, _)| *id == case.id) {
        println!("{id}: not compared, there is no native {program}");
        return None;
    }
    let shells: &[&str] = match script["shell"].as_str() {
        Some("bash") => &["bash"],
        _ => &["dash", "busybox"],
    };
    let mut report = String::new();
    for shell in shells {
        let mut outcome = run(case, script, shell);
        for (_, word, ours) in ANOTHER_WORD.iter().filter(|(id, _, _)| *id == case.id) {
            outcome.output = outcome.output.replace(word, ours);
        }
        if outcome.status == case.status && outcome.output == case.stdout {
            println!("{}: as {shell}", case.id);
            return None;
        }
        // Files of a directory have no order.
        if outcome.status == case.status && sorted(&outcome.output) == sorted(case.stdout) {
            println!("{}: as {shell}, but for the order of lines", case.id);
            return None;
        }
        report.push_str(&format!("--- {} ends with {}\n{}", shell, outcome.status, outcome.output));
    }
    Some(format!("{}: expected {}\n{}{report}", case.id, case.status, case.stdout))
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}

fn run(case: &Case, script: &Value, shell: &str) -> Outcome {
    let root = tempfile::tempdir().expect("makes a directory");
    let project = root.path().join("volume/project");
    place_files(case, &project);
    write(&root.path().join("bin/cf_export"), CF_EXPORT);
    let mut text = format!("{}\n", case.before);
    for command in script["commands"].as_array().expect("commands") {
        text.push_str(&expanded(command.as_str().expect("text"), case));
        text.push('\n');
    }
    let mut variables = case.variables.to_vec();
    let path = match case.stubs {
        [] => "/codefresh/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        _ => "/codefresh/bin:/codefresh/volume/project/stubs:/usr/bin:/bin",
    };
    variables.push(("PATH", path));
    let mut outcome = step(root.path(), shell, &text, &variables);
    if outcome.status == 0 {
        let exported = fs::read_to_string(root.path().join("volume/env_vars_to_export")).unwrap_or_default();
        variables.extend(exported.lines().filter_map(exported_variable));
        outcome.output.push_str(&step(root.path(), shell, case.after, &variables).output);
    }
    outcome
}

/// A line of the file of exports; one pair of double quotes around the value goes (V25).
fn exported_variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    Some((name, inner.unwrap_or(value)))
}

/// One step by a native shell that sees `/usr`, an empty `/tmp` and the volume.
fn step(root: &Path, shell: &str, text: &str, variables: &[(&str, &str)]) -> Outcome {
    let mut command = Command::new("bwrap");
    command.args(["--unshare-all", "--die-with-parent", "--clearenv", "--ro-bind", "/usr", "/usr"]);
    for name in ["bin", "lib", "lib64", "sbin"] {
        command.args(["--symlink", &format!("usr/{name}"), &format!("/{name}")]);
    }
    // Where Debian's awk is.
    command.args(["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"]);
    command.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/root", "--bind"]);
    command.arg(root).args(["/codefresh", "--chdir", "/codefresh/volume/project", "--setenv", "HOME", "/root"]);
    for (name, value) in variables {
        command.args(["--setenv", name, value]);
    }
    // Both streams in one, as a log has them, and the name that a step's shell has.
    command.args(["bash", "-c", "exec 2>&1; program=$1; shift; exec -a sh $program \"$@\"", "bash"]);
    command.args([shell, "-e", "-c", text, "sh"]);
    let output = command.stdin(Stdio::null()).output().expect("bwrap starts");
    Outcome {
        status: output.status.code().expect("ends by itself"),
        output: String::from_utf8(output.stdout).expect("text") + &String::from_utf8_lossy(&output.stderr),
    }
}

/// A command with the variables of the pipeline in it, as they are put in before a shell sees it.
fn expanded(command: &str, case: &Case) -> String {
    const GIVEN: &[(&str, &str)] = &[
        ("steps.linting.result", "success"),
        ("steps.unit_tests.result", "success"),
        ("CF_VOLUME_PATH", "/codefresh/volume"),
    ];
    let mut text = command.to_owned();
    for (name, value) in GIVEN.iter().chain(case.variables) {
        text = text.replace(&format!("${{{{{name}}}}}"), value);
    }
    text
}

/// Writes a program.
fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
    fs::write(path, text).expect("writes");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("sets the mode");
}

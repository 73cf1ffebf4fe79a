//! The test suite of WASI itself (github.com/WebAssembly/wasi-testsuite, branch `prod/testsuite-base`), preview 1. Not part of this
//! repository: `WASI_TESTSUITE=DIR cargo test -p stepbox-tests --test wasi_testsuite` runs the checkout in DIR.
//!
//! Most of its programs print nothing and end with 0, as a program would that is not run at all. A case counts only where
//! the report of `stepbox exec` says that one module was started and ended with the same status.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use stepbox_tests::program;

/// What a case is run with, and what it must do.
struct Case {
    wasm: PathBuf,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    root: Option<PathBuf>,
    status: i32,
    stdout: Option<String>,
    stderr: Option<String>,
}

impl Case {
    fn read(wasm: PathBuf) -> Self {
        let specification: Value = match fs::read_to_string(wasm.with_extension("json")) {
            Ok(text) => serde_json::from_str(&text).expect("a specification"),
            Err(_) => Value::Null,
        };
        let text = |name: &str| specification.get(name).and_then(Value::as_str).map(str::to_owned);
        let strings = |value: &Value| value.as_str().expect("a string").to_owned();
        let list = specification.get("args").and_then(Value::as_array);
        let map = specification.get("env").and_then(Value::as_object);
        Self {
            arguments: list.map(|list| list.iter().map(strings).collect()).unwrap_or_default(),
            environment: map
                .map(|map| map.iter().map(|(name, value)| (name.clone(), strings(value))).collect())
                .unwrap_or_default(),
            root: text("root").and_then(|root| Some(wasm.parent()?.join(root))),
            status: specification.get("exit_code").and_then(Value::as_i64).map_or(0, |code| code as i32),
            stdout: text("stdout"),
            stderr: text("stderr"),
            wasm,
        }
    }

    /// What is wrong, if anything is.
    fn run(&self) -> Option<String> {
        let place = tempfile::tempdir().expect("a directory");
        let report = place.path().join("report");
        let mut command = Command::new(program());
        command.arg("exec").arg("--report").arg(&report);
        for (name, value) in &self.environment {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        if let Some(root) = &self.root {
            // A copy: the checkout stays as it is.
            let copy = place.path().join("root");
            copy_tree(root, &copy);
            command.arg("--mount").arg(format!("{}::/", copy.display()));
        }
        command.arg(&self.wasm).arg("--").args(&self.arguments).stdin(Stdio::null());
        let output = command.output().expect("starts");
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let told = || format!("{:?}\n{stdout}{stderr}", output.status);
        if output.status.code() != Some(self.status) {
            return Some(told());
        }
        let wrong = |expected: &Option<String>, got: &str| expected.as_ref().is_some_and(|expected| expected != got);
        if wrong(&self.stdout, &stdout) || wrong(&self.stderr, &stderr) {
            return Some(told());
        }
        let expected = format!("{{\"status\":{},\"modules\":1}}\n", self.status);
        let report = fs::read_to_string(&report).unwrap_or_default();
        (report != expected).then(|| format!("no proof that it ran: `{report}`"))
    }
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir(to).expect("makes");
    for entry in fs::read_dir(from).expect("reads") {
        let entry = entry.expect("reads");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("told").is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("copies");
        }
    }
}

#[test]
fn every_case_of_preview_1_passes() {
    let Some(suite) = std::env::var_os("WASI_TESTSUITE") else { return };
    let mut cases = vec![];
    for language in ["assemblyscript", "c", "rust"] {
        let directory = Path::new(&suite).join("tests").join(language).join("testsuite/wasm32-wasip1");
        for entry in fs::read_dir(&directory).expect("a checkout of the suite") {
            let path = entry.expect("reads").path();
            if path.extension().is_some_and(|extension| extension == "wasm") {
                cases.push(Case::read(path));
            }
        }
    }
    cases.sort_by(|a, b| a.wasm.cmp(&b.wasm));
    let failed: Vec<_> = cases.iter().filter_map(|case| Some((&case.wasm, case.run()?))).collect();
    for (wasm, why) in &failed {
        eprintln!("{}: {why}", wasm.display());
    }
    println!("{} of {} cases pass", cases.len() - failed.len(), cases.len());
    assert!(failed.is_empty(), "{} of {} cases fail", failed.len(), cases.len());
    assert!(cases.len() >= 72, "{} cases: the suite has 72", cases.len());
}

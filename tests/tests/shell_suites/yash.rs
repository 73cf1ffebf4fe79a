//! The POSIX tests of yash-rs (`yash-cli/tests/scripted_test/*-p.sh`), driven by their own `run-test.sh`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use stepbox_tests::Place;

use crate::shell::Shell;
use crate::verdict::{Verdicts, numbered};

/// The files whose cases need a terminal and job control.
const WITH_TERMINAL: [&str; 4] = ["bg-p.sh", "fg-p.sh", "job-p.sh", "kill4-p.sh"];

/// The variables that the tests set around the shell.
const VARIABLES: [&str; 7] = ["HOME", "LANG", "LC_CTYPE", "LOGNAME", "ORIGPWD", "TEST_NO", "TRAILER"];

pub(crate) fn run(checkout: &Path, shell: &Shell) -> Verdicts {
    let directory = checkout.join("yash-cli/tests/scripted_test");
    let mut files: Vec<String> = fs::read_dir(&directory)
        .expect("a checkout of yash-rs")
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with("-p.sh") && !WITH_TERMINAL.contains(&name.as_str()))
        .collect();
    files.sort();
    let place = Place::new();
    let wrapper = shell.wrapper(&fs::canonicalize(place.path("")).expect("is there"), &VARIABLES);
    Verdicts::of(&files, |file| {
        let log = place.path(&format!("{file}.log"));
        let driver = Command::new("sh")
            .arg("run-test.sh")
            .args([&wrapper, Path::new(file), &log])
            .current_dir(&directory)
            .env("TMPDIR", fs::canonicalize(place.path("project")).expect("is there"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("sh starts");
        assert!(driver.success(), "{file}: run-test.sh ended with {driver}");
        let log = String::from_utf8_lossy(&fs::read(&log).expect("a log")).into_owned();
        if let Some(kept) = std::env::var_os("STEPBOX_SUITE_LOGS").filter(|_| shell.is_ours()) {
            fs::write(Path::new(&kept).join(format!("{file}.log")), &log).expect("keeps the log");
        }
        let mut seen = BTreeMap::new();
        log.lines().filter_map(verdict).map(|(name, passes)| (numbered(&mut seen, name), passes)).collect()
    })
}

/// `%%% OK[PASSED]: FILE:LINE: NAME`, or the same with `ERROR[…]`. The line is not always that of the case.
fn verdict(line: &str) -> Option<(String, bool)> {
    let line = line.strip_prefix("%%% ")?;
    let (kind, place) = line.split_once(": ")?;
    let (file, name) = place.split_once(": ")?;
    let name = format!("{}: {name}", file.split("-p.sh").next()?);
    match kind.split('[').next()? {
        "OK" => Some((name, true)),
        "ERROR" => Some((name, false)),
        _ => None,
    }
}

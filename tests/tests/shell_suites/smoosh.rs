//! The tests of smoosh (`tests/shell/*.test`): standard output (`.out`), standard error (`.err`) and status (`.ec`).

use std::fs;
use std::path::Path;

use stepbox_tests::Place;

use crate::shell::{Shell, run as run_case};
use crate::verdict::Verdicts;

/// Where the tests are seen inside.
const TESTS_INSIDE: &str = "/smoosh";

pub(crate) fn run(checkout: &Path, shell: &Shell) -> Verdicts {
    let directory = checkout.join("tests/shell");
    let mut names: Vec<String> = fs::read_dir(&directory)
        .expect("a checkout of smoosh")
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok()?.strip_suffix(".test").map(str::to_owned))
        .collect();
    names.sort();
    let root = if shell.is_ours() { TESTS_INSIDE.to_owned() } else { directory.display().to_string() };
    Verdicts::of(&names, |name| {
        let place = Place::new();
        let helpers = shell.helpers();
        let variables = [("TEST_SHELL", shell.mode.tag()), ("TEST_UTIL", &helpers)];
        let script = format!("{root}/{name}.test");
        let command = shell.command(&place, &variables, Some((&directory, TESTS_INSIDE)), [script.as_str()]);
        let wanted = |extension: &str| fs::read(directory.join(format!("{name}.{extension}"))).ok();
        let status = wanted("ec").and_then(|text| String::from_utf8_lossy(&text).trim().parse().ok()).unwrap_or(0);
        let ended = run_case(&place, command, b"");
        let passes = ended.as_ref().is_some_and(|ended| {
            ended.status == status
                && wanted("out").is_none_or(|wanted| wanted == ended.stdout)
                && wanted("err").is_none_or(|wanted| wanted == ended.stderr)
        });
        if let Some(kept) = std::env::var_os("STEPBOX_SUITE_LOGS").filter(|_| !passes && shell.is_ours()) {
            let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let got = ended.map(|ended| (shown(&ended.stdout), shown(&ended.stderr), ended.status));
            fs::write(Path::new(&kept).join(name), format!("got {got:?}\n")).expect("keeps the log");
        }
        vec![(name.clone(), passes)]
    })
}

//! The cases of brush (`brush-shell/tests/cases/compat`): a command line, files and standard input, whose standard output and
//! status are to be those of bash.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_yaml::Value;
use stepbox_tests::Place;

use crate::shell::{Ended, Shell, run as run_case, write_program};
use crate::verdict::{Verdicts, numbered};

struct Case {
    name: String,
    /// The file that it stands in.
    file: PathBuf,
    case: Value,
    /// Files that all cases of the file have.
    common: Vec<Value>,
}

pub(crate) fn run(checkout: &Path, shell: &Shell, oracle: &Shell) -> Verdicts {
    let mut files = vec![];
    find(&checkout.join("brush-shell/tests/cases/compat"), &mut files);
    files.sort();
    let mut seen = BTreeMap::new();
    let cases: Vec<Case> = files.iter().flat_map(|file| cases_of(file, &mut seen)).collect();
    Verdicts::of(&cases, |case| {
        let expected = ended(case, oracle);
        let got = if shell.is_ours() { ended(case, shell) } else { ended(case, oracle) };
        let same = match (&expected, &got) {
            (Some(expected), Some(got)) => {
                (flag(&case.case, "ignore_stdout") || expected.stdout == got.stdout)
                    && (flag(&case.case, "ignore_exit_status") || expected.status == got.status)
            }
            _ => false,
        };
        if let Some(kept) = std::env::var_os("STEPBOX_SUITE_LOGS").filter(|_| !same && shell.is_ours()) {
            let shown = |ended: &Option<Ended>| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                ended.as_ref().map(|ended| (text(&ended.stdout), text(&ended.stderr), ended.status))
            };
            let stdin = case.case.get("stdin").and_then(Value::as_str).unwrap_or_default();
            let (expected, got) = (shown(&expected), shown(&got));
            let text = format!("#### {}\n{stdin}\nexpected {expected:?}\ngot      {got:?}\n", case.name);
            fs::write(Path::new(&kept).join(case.name.replace(['/', ' '], "_")), text).expect("keeps the log");
        }
        vec![(case.name.clone(), same)]
    })
}

fn find(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a checkout of brush").flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
}

/// The cases of a file that need neither a terminal nor a newer bash.
fn cases_of(file: &Path, seen: &mut BTreeMap<String, u32>) -> Vec<Case> {
    let text = fs::read_to_string(file).expect("it is there");
    let set: Value = serde_yaml::from_str(&text).expect("cases are YAML");
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_sequence).cloned().unwrap_or_default();
    let common = list(&set, "common_test_files");
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let runs = |case: &Value| {
        let newer = case.get("min_oracle_version").is_some_and(|version| {
            let text = version.as_str().map(str::to_owned).or(version.as_f64().map(|number| number.to_string()));
            text.is_some_and(|text| text.starts_with("5.3"))
        });
        !newer && !["skip", "pty", "snapshot", "skip_oracle"].iter().any(|name| flag(case, name))
    };
    let cases = list(&set, "cases").into_iter().filter(runs);
    cases
        .map(|case| {
            let name = case.get("name").and_then(Value::as_str).unwrap_or("without a name");
            let name = numbered(seen, format!("{stem}: {name}"));
            Case { name, file: file.to_owned(), case, common: common.clone() }
        })
        .collect()
}

fn flag(case: &Value, name: &str) -> bool {
    case.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn ended(case: &Case, shell: &Shell) -> Option<Ended> {
    let place = Place::new();
    let own = case.case.get("test_files").and_then(Value::as_sequence).into_iter().flatten();
    for file in case.common.iter().chain(own) {
        let name = text(file, "path");
        let source = text(file, "source_path");
        let contents = if source.is_empty() {
            text(file, "contents").as_bytes().to_vec()
        } else {
            fs::read(case.file.with_file_name(source)).unwrap_or_default()
        };
        place.write(name, contents.clone());
        if flag(file, "executable") {
            write_program(&place.path("project").join(name), contents);
        }
    }
    let words = |name: &str| -> Vec<String> {
        let list = case.case.get(name).and_then(Value::as_sequence).into_iter().flatten();
        list.filter_map(|word| word.as_str().map(str::to_owned)).collect()
    };
    let removed = words("removed_default_args");
    let mut arguments: Vec<String> = ["--norc", "--noprofile"].map(str::to_owned).into();
    arguments.retain(|argument| !removed.contains(argument));
    arguments.extend(words("args"));
    let variables: Vec<(&str, &str)> = match case.case.get("env") {
        Some(Value::Mapping(map)) => map.iter().filter_map(|(name, v)| Some((name.as_str()?, v.as_str()?))).collect(),
        _ => vec![],
    };
    let command = shell.command(&place, &variables, None, arguments.iter().map(String::as_str));
    run_case(&place, command, text(&case.case, "stdin").as_bytes())
}

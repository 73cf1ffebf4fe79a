//! Small scripts and what dash 0.5.12 prints for them: each table is a file of cases `=== NAME`, the script,
//! `--- STATUS`, the standard output (`\\ no newline` where its last line has none).

mod support;

use std::fmt::Write as _;

/// Cases where the shell differs from dash, each for a reason; one that starts to agree fails the test.
const DIFFERENT: &[(&str, &str)] = &[
    ("utilities 24", "`echo` replaces escapes only with `-e`, as in busybox and bash"),
    ("utilities 49", "a script that is missing has status 127 (POSIX XCU sh), as in bash"),
    ("backslash newline between operator characters", "an operator is not broken over lines"),
    ("dot in a condition", "`set -e` rests in the whole of a condition (XCU set), as in bash"),
];

struct Case<'a> {
    name: &'a str,
    source: String,
    status: u8,
    stdout: String,
}

fn cases(table: &str) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = vec![];
    let mut in_output = false;
    for line in table.lines() {
        if let Some(name) = line.strip_prefix("=== ") {
            cases.push(Case { name, source: String::new(), status: 0, stdout: String::new() });
            in_output = false;
            continue;
        }
        let case = cases.last_mut().expect("a table begins with a case");
        if let Some(status) = line.strip_prefix("--- ") {
            case.status = status.parse().expect("a status");
            in_output = true;
        } else if line == "\\ no newline" {
            case.stdout.pop();
        } else {
            let text = if in_output { &mut case.stdout } else { &mut case.source };
            text.push_str(line);
            text.push('\n');
        }
    }
    cases
}

/// Runs every case, then says which of them differ.
fn check(table: &str) {
    let cases = cases(table);
    let mut wrong = String::new();
    for Case { name, source, status, stdout } in &cases {
        let ran = support::script(source.trim_end_matches('\n'));
        let agrees = ran.stdout == *stdout && ran.status == *status;
        let known = DIFFERENT.iter().any(|(known, _)| known == name);
        if agrees && known {
            let _ = write!(wrong, "\n=== {name}\nagrees now: take it off the list");
        } else if !agrees && !known {
            let (got, stderr) = (&ran.stdout, &ran.stderr);
            let _ = write!(
                wrong,
                "\n=== {name}\n{source}expected {status}:\n{stdout}got {}:\n{got}stderr:\n{stderr}",
                ran.status
            );
        }
    }
    assert!(!cases.is_empty() && wrong.is_empty(), "{} cases; wrong:{wrong}", cases.len());
}

macro_rules! tables {
    ($($name:ident: $file:literal;)*) => {
        $(#[test]
        fn $name() {
            check(include_str!(concat!("dash_table/", $file)));
        })*
    };
}

tables! {
    f5_xcu_2_2_quoting: "quoting.txt";
    f5_xcu_2_5_2_6_2_parameters: "parameters.txt";
    f5_xcu_2_6_3_substitution: "substitution.txt";
    f5_xcu_2_6_4_arithmetic: "arithmetic.txt";
    f5_xcu_2_6_5_field_splitting: "splitting.txt";
    f5_xcu_2_7_redirections: "redirections.txt";
    f5_xcu_2_8_errexit: "errexit.txt";
    f5_xcu_2_9_2_12_commands: "compound.txt";
    f5_xcu_2_11_traps_signals_and_jobs: "traps.txt";
    f5_xcu_2_13_patterns: "globs.txt";
    f5_xcu_2_14_builtins: "builtins.txt";
    f8_reading: "reading.txt";
}

//! Tables of cases: `=== NAME`, the script, `--- STATUS`, the standard output (`\\ no newline` where its last line has none).
//! Behind the status of a case in which the table's shell is not followed stands why; the output is then what POSIX says.

use std::fmt::Write as _;

use stepbox_shell::Mode;

use super::Script;

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
            case.status = status.split(' ').next().and_then(|status| status.parse().ok()).expect("a status");
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

/// Runs every case, then says which of them differ; those of `different` must.
pub fn check(table: &str, mode: Mode, different: &[(&str, &str)]) {
    let cases = cases(table);
    let mut wrong = String::new();
    for Case { name, source, status, stdout } in &cases {
        let ran = Script::new(source.trim_end_matches('\n')).mode(mode).run();
        let agrees = ran.stdout == *stdout && ran.status == *status;
        let known = different.iter().any(|(known, _)| known == name);
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

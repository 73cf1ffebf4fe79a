//! What the official validator says, compared with what we say, on its own cases.
//!
//! The cases are not part of the project; where they are absent this test has nothing to say. Compared are, in this
//! order: whether a document is valid, the first message, all messages with the steps they are about.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;
use stepbox_pipeline::{BuildVersion, Diagnostic, Severity, validate};

fn cases(name: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/cases/validator");
    let Ok(text) = std::fs::read_to_string(PathBuf::from(folder).join(name)) else { return Vec::new() };
    text.lines().map(|line| serde_json::from_str(line).expect("a case")).collect()
}

/// A message without what depends on the form of the output.
fn plain(message: &str) -> String {
    message.split(". Current value:").next().unwrap_or_default().trim().to_owned()
}

type Said = (String, String);

fn expected(case: &Value, kind: &str) -> Vec<Said> {
    let all = case["expected"][kind].as_array().into_iter().flatten();
    all.map(|one| {
        let step = one["stepName"].as_str().filter(|step| *step != "undefined").unwrap_or_default();
        (step.to_owned(), plain(one["message"].as_str().unwrap_or_default()))
    })
    .collect()
}

fn ours(diagnostics: &[Diagnostic], severity: Severity) -> Vec<Said> {
    let all = diagnostics.iter().filter(|one| one.severity == severity);
    all.map(|one| (one.step.clone().unwrap_or_default(), plain(&one.message))).collect()
}

fn said(case: &Value) -> Vec<Diagnostic> {
    let text = match &case["document"] {
        Value::String(text) => text.clone(),
        document => document.to_string(),
    };
    let build = match case["options"]["build"]["buildVersion"].as_str() {
        Some("V2") => BuildVersion::V2,
        _ => BuildVersion::V1,
    };
    validate(&text, build)
}

fn set(all: &[Said]) -> BTreeSet<&Said> {
    all.iter().collect()
}

/// How far a case agrees.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Agreement {
    Nothing,
    Verdict,
    First,
    All,
}

fn agreement(case: &Value) -> (Agreement, String) {
    let diagnostics = said(case);
    let (mine, theirs) = (ours(&diagnostics, Severity::Error), expected(case, "errors"));
    let detail = format!("ours {mine:?}; theirs {theirs:?}");
    let grade = if mine.is_empty() != (case["expected"]["ok"] == Value::Bool(true)) {
        Agreement::Nothing
    } else if mine.first().map(|(_, message)| message) != theirs.first().map(|(_, message)| message) {
        Agreement::Verdict
    } else if set(&mine) != set(&theirs) {
        Agreement::First
    } else {
        Agreement::All
    };
    (grade, detail)
}

#[test]
fn measure() {
    for name in ["valid.jsonl", "invalid.jsonl"] {
        let mut count = std::collections::BTreeMap::new();
        for case in cases(name) {
            let (grade, detail) = agreement(&case);
            if grade != Agreement::All {
                println!("{:?} {}: {detail}", grade, &case["id"].as_str().unwrap_or("?")[..4]);
            }
            let warned = expected(&case, "warnings");
            let mine = ours(&said(&case), Severity::Warning);
            if set(&warned) != set(&mine) {
                println!("WARN {}: ours {mine:?} theirs {warned:?}", &case["id"].as_str().unwrap_or("?")[..4]);
            }
            *count.entry(format!("{grade:?}")).or_insert(0) += 1;
        }
        println!("{name} {count:?}");
    }
}

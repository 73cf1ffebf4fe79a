//! What the official validator says, compared with what we say, on its own cases.
//!
//! The cases are not part of the project; where they are absent this test has nothing to say. Compared are documents
//! of the root, of freestyle, git-clone, parallel and custom steps: other types are refused by name, not checked.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;
use stepbox_pipeline::Pipeline;

/// The types whose fields we check.
const CHECKED: &[&str] = &["freestyle", "git-clone", "parallel"];

fn cases(name: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/cases/validator");
    let Ok(text) = std::fs::read_to_string(PathBuf::from(folder).join(name)) else { return Vec::new() };
    text.lines().map(|line| serde_json::from_str(line).expect("a case")).filter(is_ours).collect()
}

/// Root, freestyle and clone; not the server's integrations, hooks and conditions, which are refused as a whole.
fn is_ours(case: &Value) -> bool {
    let types = case["stepTypes"].as_array().expect("types");
    case["group"] == "core"
        && case["call"] == "validate"
        && case["document"].is_object()
        && types.iter().all(|one| one.as_str().is_some_and(|one| CHECKED.contains(&one) || is_custom(one)))
}

fn is_custom(name: &str) -> bool {
    name.contains("${{") || name.starts_with("random-id") || name.starts_with("invalid")
}

/// A message without what depends on the form of the output.
fn plain(message: &str) -> String {
    message.split(". Current value:").next().unwrap_or_default().trim().to_owned()
}

fn expected(case: &Value, kind: &str) -> BTreeSet<(String, String)> {
    case["expected"][kind]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            let step = one["stepName"].as_str().filter(|step| *step != "undefined").unwrap_or_default();
            (step.to_owned(), plain(one["message"].as_str().unwrap_or_default()))
        })
        .collect()
}

/// The first quoted word of a message: the field it is about.
fn field(message: &str) -> String {
    message.split('"').nth(1).unwrap_or(message).to_owned()
}

/// Our errors are all among theirs, and each field that they complain about is one of ours. Of two messages about one
/// field (`must be a boolean`, `must be a string`) one is enough.
fn agrees(case: &Value) -> Result<(), String> {
    let reading = Pipeline::read(&case["document"].to_string());
    let ours: BTreeSet<(String, String)> =
        reading.errors().map(|one| (one.step.clone().unwrap_or_default(), plain(&one.message))).collect();
    let theirs = expected(case, "errors");
    let extra: Vec<_> = ours.difference(&theirs).collect();
    let fields = |all: &BTreeSet<(String, String)>| -> BTreeSet<(String, String)> {
        all.iter().map(|(step, message)| (step.clone(), field(message))).collect()
    };
    let (our_fields, their_fields) = (fields(&ours), fields(&theirs));
    let missing: Vec<_> = their_fields.difference(&our_fields).collect();
    let warned: BTreeSet<(String, String)> =
        reading.warnings().map(|one| (one.step.clone().unwrap_or_default(), plain(&one.message))).collect();
    let silent: Vec<_> = expected(case, "warnings").into_iter().filter(|one| !warned.contains(one)).collect();
    if extra.is_empty() && missing.is_empty() && silent.is_empty() {
        Ok(())
    } else {
        Err(format!("only ours {extra:?}; only theirs {missing:?}; not warned {silent:?}"))
    }
}

/// Cases on which we differ, by the beginning of their names, each for a reason. One that agrees fails the run.
const KNOWN: &[(&str, &str)] = &[
    ("006-", "hooks are refused as a whole, their fields are not checked"),
    ("138-", "the same words, but we name the step"),
    ("150-", "hooks are refused as a whole, their fields are not checked"),
    ("151-", "hooks are refused as a whole, their fields are not checked"),
    ("153-", "hooks are refused as a whole, their fields are not checked"),
    ("154-", "hooks are refused as a whole, their fields are not checked"),
    ("155-", "hooks are refused as a whole, their fields are not checked"),
    ("156-", "hooks are refused as a whole, their fields are not checked"),
    ("157-", "hooks are refused as a whole, their fields are not checked"),
    ("158-", "hooks are refused as a whole, their fields are not checked"),
];

/// Valid cases that we refuse, each for a reason.
const KNOWN_VALID: &[(&str, &str)] = &[
    ("172-", "rule C18: the step that is waited for is not there"),
    ("173-", "rule C18: the step that is waited for is not there"),
];

/// How many cases there are, and which differ without being known, or agree though they are known.
fn run(name: &str, known: &[(&str, &str)]) -> (usize, Vec<String>) {
    let cases = cases(name);
    let mut odd = Vec::new();
    for case in &cases {
        let id = case["id"].as_str().unwrap_or("?");
        let reason = known.iter().find(|(known, _)| id.starts_with(known));
        match (agrees(case), reason) {
            (Err(error), None) => odd.push(format!("{id}: {error}")),
            (Ok(()), Some((_, reason))) => odd.push(format!("{id}: agrees, though known for: {reason}")),
            _ => {}
        }
    }
    (cases.len(), odd)
}

#[test]
fn r1_r14_valid_documents_of_the_official_validator_are_valid() {
    let (all, odd) = run("valid.jsonl", KNOWN_VALID);
    assert!(odd.is_empty(), "{} of {all}:\n{}", odd.len(), odd.join("\n"));
    assert!(all == 0 || all >= 151, "only {all} cases are compared");
}

#[test]
fn r1_r14_invalid_documents_get_the_official_messages() {
    let (all, odd) = run("invalid.jsonl", KNOWN);
    assert!(odd.is_empty(), "{} of {all}:\n{}", odd.len(), odd.join("\n"));
    assert!(all == 0 || all >= 60, "only {all} cases are compared");
}

//! What the official validator says, compared with what we say, on its own cases.
//!
//! The cases are not part of the project; where they are absent these tests have nothing to say. Compared are, in this
//! order: whether a document is valid, the first message, all messages with the steps they are about, the warnings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;
use stepbox_pipeline::yaml::parse;
use stepbox_pipeline::{
    BuildVersion, Diagnostic, GitIntegration, Integrations, RegistryIntegration, Severity, check_integrations, lint,
    validate,
};

fn cases(name: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/cases/validator");
    let Ok(text) = std::fs::read_to_string(PathBuf::from(folder).join(name)) else { return Vec::new() };
    text.lines().map(case).collect()
}

/// A case, with the text of its document as it stands there: what a mapping holds has an order.
fn case(line: &str) -> Value {
    let mut case: Value = serde_json::from_str(line).expect("a case");
    let tree = parse(line).expect("JSON is YAML");
    if let Some(document) = tree.get("document").filter(|document| document.is_mapping()) {
        let place = document.span;
        case["document"] = line[place.offset..place.offset + place.length].into();
    }
    case
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

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn integrations(context: &Value) -> Integrations {
    let list = |name: &str| context[name].as_array().cloned().unwrap_or_default();
    let is = |value: &Value| value.as_bool().unwrap_or_default();
    let git =
        |one: &Value| GitIntegration { name: text(&one["metadata"]["name"]), default: is(&one["metadata"]["default"]) };
    let registry = |one: &Value| RegistryIntegration {
        name: text(&one["name"]),
        default: is(&one["default"]),
        kind: text(&one["kind"]),
        provider: text(&one["provider"]),
        domain: text(&one["domain"]),
    };
    let variables = context["variables"].as_object().into_iter().flatten();
    Integrations {
        git: list("git").iter().map(git).collect(),
        registries: list("registries").iter().map(registry).collect(),
        clusters: list("clusters").iter().map(|one| text(&one["selector"])).collect(),
        variables: variables.map(|(name, value)| (name.clone(), text(value))).collect(),
        auto_push: is(&context["autoPush"]),
        disable_push: is(&context["disablePush"]),
    }
}

/// What we say about a case. The text is looked at where the case is about it; then, what is wrong with it is all.
fn ours(case: &Value) -> Vec<Diagnostic> {
    let document = text(&case["document"]);
    let build = match case["options"]["build"]["buildVersion"].as_str() {
        Some("V2") => BuildVersion::V2,
        _ => BuildVersion::V1,
    };
    if case["call"] != "validateWithContext" {
        return validate(&document, build);
    }
    let mut all = lint(case["yaml"].as_str().unwrap_or_default());
    if all.iter().all(|one| one.severity == Severity::Warning) {
        all.extend(validate(&document, build));
        all.extend(check_integrations(&document, &integrations(&case["context"])));
    }
    if case["options"]["ignoreValidation"] == true {
        all.retain(|one| one.severity == Severity::Error);
    }
    all
}

fn said(diagnostics: &[Diagnostic], severity: Severity) -> Vec<Said> {
    let all = diagnostics.iter().filter(|one| one.severity == severity);
    all.map(|one| (one.step.clone().unwrap_or_default(), plain(&one.message))).collect()
}

fn set(all: &[Said]) -> BTreeSet<&Said> {
    all.iter().collect()
}

/// How far a case agrees; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Agreement {
    Nothing,
    Verdict,
    First,
    Errors,
    All,
}

fn agreement(case: &Value) -> (Agreement, String) {
    let diagnostics = ours(case);
    let (errors, their_errors) = (said(&diagnostics, Severity::Error), expected(case, "errors"));
    let (warnings, their_warnings) = (said(&diagnostics, Severity::Warning), expected(case, "warnings"));
    let first = |all: &[Said]| all.first().map(|(_, message)| message.clone());
    let agreement = if errors.is_empty() != (case["expected"]["ok"] == true) {
        Agreement::Nothing
    } else if first(&errors) != first(&their_errors) {
        Agreement::Verdict
    } else if set(&errors) != set(&their_errors) {
        Agreement::First
    } else if set(&warnings) != set(&their_warnings) {
        Agreement::Errors
    } else {
        Agreement::All
    };
    let detail = format!("ours {errors:?} {warnings:?}; theirs {their_errors:?} {their_warnings:?}");
    (agreement, detail)
}

/// Cases that do not agree in all, by the beginning of their names, with how far they do, each for a reason. One that
/// agrees more or less than is written here fails the run.
const VALID: &[(&str, Agreement, &str)] = &[
    ("148-", Agreement::Errors, "we name the step whose image has capitals in its name"),
    ("171-", Agreement::Errors, "we warn about an unknown field of a freestyle step (rule R14)"),
    ("194-", Agreement::Errors, "the end of support for Helm 2 is history"),
    ("197-", Agreement::Errors, "the end of support for Helm 2 is history"),
];
const INVALID: &[(&str, Agreement, &str)] = &[
    ("138-", Agreement::First, "we name the step"),
    ("150-", Agreement::First, "we name the step that has the hook"),
    ("151-", Agreement::First, "we name the step that has the hook"),
    ("154-", Agreement::First, "we name the step that has the hook"),
    ("158-", Agreement::First, "we name the step that has the hook"),
    ("160-", Agreement::Errors, "we warn about unknown fields of a freestyle step (rule R14)"),
    ("173-", Agreement::Verdict, "theirs are in the order of lines of a text that is not the document"),
];

/// Compares all cases of a file; says how many agree how far.
fn run(name: &str, known: &[(&str, Agreement, &str)]) -> BTreeMap<Agreement, usize> {
    let mut odd = Vec::new();
    let mut counts = BTreeMap::new();
    for case in &cases(name) {
        let id = case["id"].as_str().unwrap_or("?");
        let (found, detail) = agreement(case);
        *counts.entry(found).or_default() += 1;
        let wanted =
            known.iter().find(|(known, ..)| id.starts_with(known)).map_or(Agreement::All, |(_, wanted, _)| *wanted);
        if found != wanted {
            odd.push(format!("{id}: {found:?}, not {wanted:?}: {detail}"));
        }
    }
    println!("{name}: {counts:?}");
    assert!(odd.is_empty(), "{} of {name}:\n{}", odd.len(), odd.join("\n"));
    counts
}

#[test]
fn r1_r14_valid_documents_of_the_official_validator_are_valid() {
    let counts = run("valid.jsonl", VALID);
    let all: usize = counts.values().sum();
    assert!(all == 0 || (all == 197 && counts.keys().all(|one| *one >= Agreement::Errors)), "{counts:?}");
}

#[test]
fn r1_r14_invalid_documents_get_the_official_messages() {
    let counts = run("invalid.jsonl", INVALID);
    let all: usize = counts.values().sum();
    let first: usize = counts.iter().filter(|(one, _)| **one >= Agreement::First).map(|(_, count)| count).sum();
    assert!(all == 0 || (all == 198 && first >= 197 && !counts.contains_key(&Agreement::Nothing)), "{counts:?}");
}

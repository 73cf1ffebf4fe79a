//! Documents of the world outside: both YAML readers agree on them, and none makes the reader of pipelines panic.
//!
//! They are not part of the project; where they are absent these tests have nothing to say.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use stepbox_pipeline::Pipeline;
use stepbox_pipeline::yaml::{Node, Value, parse};

fn documents() -> Vec<(String, String)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/cases/pipelines"));
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut all: Vec<(String, String)> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|ending| ending != "tsv"))
        .filter_map(|entry| {
            let text = std::fs::read(entry.path()).ok()?;
            Some((entry.file_name().to_string_lossy().into_owned(), String::from_utf8_lossy(&text).into_owned()))
        })
        .collect();
    all.sort();
    all
}

/// The kind of every document, as whoever found it says.
fn kinds() -> HashMap<String, String> {
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/cases/pipelines/sources.tsv");
    let text = std::fs::read_to_string(table).unwrap_or_default();
    let rows = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter_map(|row| Some(((*row.first()?).to_owned(), (*row.last()?).to_owned()))).collect()
}

/// What the other reader understands, merges applied.
fn oracle(text: &str) -> Result<serde_yaml::Value, String> {
    let mut value: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    value.apply_merge().map_err(|error| error.to_string())?;
    Ok(value)
}

/// Says where two trees differ.
fn difference(ours: &Node, theirs: &serde_yaml::Value, path: &str) -> Option<String> {
    use serde_yaml::Value as Other;
    let same = match (&ours.value, theirs) {
        (Value::Null, Other::Null) => true,
        (Value::Bool(left), Other::Bool(right)) => left == right,
        (Value::Integer { .. } | Value::Float { .. }, Other::Number(right)) => {
            let left = ours.as_number().unwrap_or(f64::NAN);
            right.as_f64().is_some_and(|right| (left - right).abs() <= left.abs() * 1e-9)
        }
        (Value::String(left), Other::String(right)) => left == right,
        (Value::Sequence(left), Other::Sequence(right)) if left.len() == right.len() => {
            return left
                .iter()
                .zip(right)
                .enumerate()
                .find_map(|(at, (left, right))| difference(left, right, &format!("{path}[{at}]")));
        }
        (Value::Mapping(left), Other::Mapping(right)) if left.len() == right.len() => {
            return left.iter().find_map(|(key, value)| {
                let name = key.scalar_text().unwrap_or_default();
                let other = right.iter().find(|(other, _)| difference(key, other, "").is_none());
                match other {
                    Some((_, other)) => difference(value, other, &format!("{path}.{name}")),
                    None => Some(format!("{path}.{name} is missing")),
                }
            });
        }
        _ => false,
    };
    (!same).then(|| format!("{path}: {} and {theirs:?}", ours.kind()))
}

/// Documents that the two readers understand differently, each for a reason.
const KNOWN: &[(&str, &str)] = &[];

#[test]
fn y1_y4_y8_both_readers_agree_on_every_document() {
    let documents = documents();
    let mut odd = Vec::new();
    let (mut agreed, mut refused) = (0, 0);
    for (name, text) in &documents {
        let verdict = match (parse(text), oracle(text)) {
            (Ok(ours), Ok(theirs)) => {
                agreed += 1;
                difference(&ours, &theirs, "")
            }
            (Err(_), Err(_)) => {
                refused += 1;
                None
            }
            (Ok(_), Err(theirs)) => Some(format!("only the other reader refuses it: {theirs}")),
            (Err(ours), Ok(_)) => Some(format!("only ours refuses it: {ours} at {}", ours.place)),
        };
        let known = KNOWN.iter().find(|(known, _)| known == name);
        match (verdict, known) {
            (Some(verdict), None) => odd.push(format!("{name}: {verdict}")),
            (None, Some((_, reason))) => odd.push(format!("{name}: agreed, though known for: {reason}")),
            _ => {}
        }
    }
    assert!(odd.is_empty(), "{} of {}:\n{}", odd.len(), documents.len(), odd.join("\n"));
    if !documents.is_empty() {
        assert!(agreed >= 438, "{agreed} read by both, {refused} refused by both, of {}", documents.len());
    }
}

#[test]
fn r1_no_document_makes_the_reader_panic_and_every_place_is_in_it() {
    for (name, text) in documents() {
        let reading = Pipeline::read(&text);
        let places = reading.diagnostics.iter().filter_map(|diagnostic| diagnostic.place);
        for place in places.chain(reading.unsupported.iter().map(|one| one.place)) {
            assert!(text.get(place.offset..place.offset + place.length).is_some(), "{name}: {place:?}");
            let line = text[..place.offset].matches('\n').count() + 1;
            assert_eq!(line, place.line, "{name}: {place:?}");
        }
        assert!(
            reading.pipeline.is_some() || !reading.diagnostics.is_empty() || !reading.unsupported.is_empty(),
            "{name}"
        );
    }
}

/// Documents of the official documentation that are refused, each for a reason.
const REFUSED: &[(&str, &str)] = &[
    ("check-potentially-unstable-service-L26", "a piece of a document"),
    ("cli__spec-L100", "a piece of a document"),
    ("cli__spec-L74", "a piece of a document"),
    ("codefresh-api-L165", "a piece of a document"),
    ("codefresh-api-L250", "a piece of a document"),
    ("custom-helm-uploads-L106", "a piece of a document"),
    ("custom-helm-uploads-L54", "a piece of a document"),
    ("deploy-to-heroku-L144", "a key stands twice (rule Y3)"),
    ("git-clone-L446", "a step without fields"),
    ("hooks-L542", "shows what is refused (rule H9)"),
    ("jenkins-integration-L636", "the image of a build is `image_name`"),
    ("jenkins-integration-L732", "the image of a build is `image_name`"),
    ("jenkins-integration-L791", "the image of a build is `image_name`"),
    ("microservices-L176", "a stage that is not declared"),
    ("pipeline-execution-context-L34", "a piece of a document"),
    ("push-L218", "a stage that is not declared"),
    ("run-step-build-trigger-by-webhook-L35", "a piece of a document"),
    ("run-step-if-file-exist-L27", "a piece of a document"),
    ("set-branch-depending-on-push-vs-pr-L26", "a piece of a document"),
    ("set-branch-depending-on-push-vs-pr-L45", "a piece of a document"),
    ("monitoring-child-once-step-is-reached-L31", "a piece of a document"),
    ("what-is-the-codefresh-yaml-L251", "shows what is refused (rule Y6)"),
    ("steps__README-L12", "a step type"),
    ("steps__README-L24.2", "a step type"),
    ("steps__README-L38", "a step type"),
    ("steps__README-L42", "`when` is a list"),
];

#[test]
fn r1_documents_of_the_documentation_are_valid() {
    let kinds = kinds();
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut odd = Vec::new();
    for (name, text) in documents() {
        let reading = Pipeline::read(&text);
        let kind = kinds.get(&name).map_or("?", String::as_str);
        let verdict = match (reading.errors().next(), reading.is_runnable()) {
            (Some(_), _) => 2,
            (None, false) => 1,
            (None, true) => 0,
        };
        counts.entry(kind.to_owned()).or_default()[verdict] += 1;
        let known = REFUSED.iter().find(|(known, _)| name.contains(&format!("{known}.yml")));
        match (kind, verdict, known) {
            ("docs", 2, None) => odd.push(format!("{name}: {}", reading.errors().next().expect("an error"))),
            ("docs", 0 | 1, Some((_, reason))) => odd.push(format!("{name}: valid, though refused for: {reason}")),
            _ => {}
        }
    }
    for (kind, [runnable, valid, refused]) in &counts {
        println!("{kind}: {runnable} can run, {valid} are valid but cannot run here, {refused} are refused");
    }
    assert!(odd.is_empty(), "{}:\n{}", odd.len(), odd.join("\n"));
}

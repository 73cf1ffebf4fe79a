//! Which rules of the specification have a test that names them.
//!
//! The specification is not part of the project; where it is absent this test has nothing to say.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Sections whose rules apply to what runs here, by their numbers.
const SECTIONS: [&str; 9] = ["0", "1", "2", "3", "4", "5", "6", "8", "11"];

/// Rules without a test, and why. One that has a test by now fails the run.
const WITHOUT: &[(&[&str], &str)] = &[
    (&["R11", "R13", "V12", "V15", "V27"], "typed steps are not executed yet"),
    (&["S7"], "hooks settle inside of their step: H6 to H11 have tests"),
    (&["V14"], "there is no store of secrets yet"),
    (&["V30"], "steps that run at once share one file: see ARCHITECTURE"),
    (&["S9"], "optional: our own bound on output stands in its place"),
    (&["F7"], "what runs without commands has no shell that could know `cf_export`"),
    (&["V8"], "compositions need docker"),
    (&["V19", "S10"], "say what a server does, and nothing that could be tested here"),
    (&["P6"], "points to F26 and P15, which have tests"),
    (&["P7"], "says that nothing is done"),
    (&["P10"], "an implicit clone is a step like any other in parallel mode: P8 and G3 have tests"),
    (&["G5"], "a missing revision means what is checked out: section 8.1"),
];

fn rules(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut applies = false;
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            applies = SECTIONS.contains(&heading.split('.').next().unwrap_or_default());
        }
        let item = line.strip_prefix("* ").or_else(|| line.split_once(". ").map(|(_, rest)| rest));
        let word = item.unwrap_or_default().trim_start_matches('*').split(' ').next().unwrap_or_default();
        let (letter, digits) = word.split_at_checked(1).unwrap_or_default();
        let number = digits.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let is_rule = letter.bytes().all(|byte| byte.is_ascii_uppercase()) && number.parse::<u32>().is_ok();
        let first = line.starts_with("* ") || line.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
        if applies && is_rule && first {
            found.insert(word.to_owned());
        }
    }
    found
}

/// The rules that names of test functions begin with: `f6_f7_what_it_checks`.
fn tested(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
            tested(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            for line in fs::read_to_string(&path).unwrap_or_default().lines() {
                let Some(name) = line.trim_start().strip_prefix("fn ") else { continue };
                for word in name.split('_') {
                    let number = word.get(1..).unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_lowercase());
                    if number.is_empty() || number.parse::<u32>().is_err() {
                        break;
                    }
                    found.insert(format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..]));
                }
            }
        }
    }
}

#[test]
fn every_rule_has_a_test_or_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let Ok(text) = fs::read_to_string(root.join("../shared/spec/codefresh.md")) else { return };
    let (rules, mut found) = (rules(&text), BTreeSet::new());
    tested(root, &mut found);
    let missing: Vec<&String> = rules.difference(&found).collect();
    println!("{} rules, {} without a test: {missing:?}", rules.len(), missing.len());
    let argued: BTreeSet<&str> = WITHOUT.iter().flat_map(|(names, _)| names.iter().copied()).collect();
    let missing: BTreeSet<&str> = missing.into_iter().map(String::as_str).collect();
    assert_eq!(missing, argued);
    assert!(rules.len() > 150, "only {} rules were found", rules.len());
}

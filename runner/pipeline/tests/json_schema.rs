//! The schema for editors: it is JSON, its references lead somewhere, and it knows what the checker knows.

use serde_json::Value;
use stepbox_pipeline::json_schema;

fn schema() -> Value {
    serde_json::from_str(&json_schema()).expect("JSON")
}

fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(pairs) => {
            found.extend(pairs.get("$ref").and_then(Value::as_str));
            pairs.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_to_a_definition() {
    let schema = schema();
    let mut found = Vec::new();
    references(&schema, &mut found);
    assert!(found.len() > 20);
    for name in found {
        let pointer = name.strip_prefix('#').expect("within the document");
        assert!(schema.pointer(pointer).is_some(), "{name}");
    }
}

#[test]
fn r1_r9_r14_the_root_and_the_types_have_their_fields() {
    let schema = schema();
    let keys = |pointer: &str| -> Vec<String> {
        let pairs = schema.pointer(pointer).and_then(Value::as_object).expect(pointer);
        pairs.keys().cloned().collect()
    };
    let mut root = keys("/else/properties");
    root.sort();
    let expected = [
        "build_version",
        "fail_fast",
        "hooks",
        "indicators",
        "mode",
        "services",
        "stages",
        "steps",
        "strict_fail_fast",
        "success_criteria",
        "version",
    ];
    assert_eq!(root, expected);
    assert_eq!(schema["else"]["additionalProperties"], false);
    for (name, field) in [
        ("freestyle", "commands"),
        ("git-clone", "repo"),
        ("build", "disable_push"),
        ("push", "candidate"),
        ("composition", "composition_candidates"),
        ("pending-approval", "timeout"),
        ("parallel", "steps"),
    ] {
        let pointer = format!("/definitions/type-{name}/properties");
        assert!(keys(&pointer).contains(&field.to_owned()), "{name} {field}");
    }
    assert_eq!(schema["definitions"]["type-freestyle"].get("additionalProperties"), None);
    assert_eq!(schema["definitions"]["type-git-clone"]["additionalProperties"], false);
    assert_eq!(
        schema["definitions"]["type-freestyle"]["properties"]["shell"]["enum"],
        serde_json::json!(["sh", "bash"])
    );
}

#[test]
fn the_text_is_indented_and_ends_in_a_line_feed() {
    let text = json_schema();
    assert!(text.starts_with("{\n  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"));
    assert!(text.ends_with("}\n") && text.lines().count() > 500);
}

//! No input makes the reader panic or take long.

use proptest::prelude::*;
use stepbox_pipeline::{
    BuildVersion, Exports, Integrations, Masker, Pipeline, Severity, check_integrations, lint, parse_variable_file,
    validate,
};

/// Pieces of pipelines, so that random documents get past the scanner.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "version: 1\n",
        "steps:\n",
        "  a:\n",
        "    image: ",
        "    commands:\n",
        "    - ",
        "type: git-clone\n",
        "repo: x\n",
        "<<: *a\n",
        "&a ",
        "*a",
        "${{",
        "}}",
        "A",
        "é",
        "'",
        "\"",
        "[",
        "]",
        "{",
        "}",
        ",",
        ": ",
        "\n",
        "\t",
        "  ",
        "- ",
        "|\n",
        ">-\n",
        "#",
        "!!str ",
        "---\n",
        "...\n",
        "? ",
        "null",
        "1.5e3",
        "0x",
        "\u{feff}",
        "\0",
        "\r",
        "%YAML 1.2\n",
        "\u{2028}",
        "&",
        "*",
        "!",
        "arguments:\n",
        "retry: {maxAttempts: 3}\n",
        "timeout: 5m\n",
        "type: parallel\n",
        "    scale:\n",
        "scale: {b: {}, c: {image: x}}\n",
        "    matrix: {image: [x, y], environment: [[A=1], B=2]}\n",
        "stages: [a]\n",
        "\\",
        "@",
        "`",
        "|2\n",
        ">1-\n",
    ];
    proptest::sample::select(words.map(str::to_owned).to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn y3_no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = Pipeline::read(&text);
        let _ = parse_variable_file(&text);
    }

    #[test]
    fn y3_no_mix_of_pieces_makes_the_reader_panic(pieces in proptest::collection::vec(piece(), 0..60)) {
        let text = pieces.concat();
        let reading = Pipeline::read(&text);
        for place in reading.diagnostics.iter().filter_map(|diagnostic| diagnostic.place) {
            prop_assert!(text.get(place.offset..place.offset + place.length).is_some(), "{place:?} of {text:?}");
        }
        prop_assert!(reading.pipeline.is_some() == reading.errors().next().is_none() || !reading.unsupported.is_empty());
    }

    #[test]
    fn r1_errors_never_differ_between_validating_and_reading(pieces in proptest::collection::vec(piece(), 0..60)) {
        let text = format!("version: 1\nsteps:\n  a:\n    image: x\n{}", pieces.concat());
        let errors: Vec<_> = validate(&text, BuildVersion::V2).into_iter().filter(|one| one.severity == Severity::Error).collect();
        prop_assert_eq!(Pipeline::read(&text).errors().cloned().collect::<Vec<_>>(), errors);
    }

    #[test]
    fn v23_no_export_file_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        let _ = Exports::parse(&bytes);
    }

    #[test]
    fn v31_the_cuts_of_a_stream_do_not_matter(
        secrets in proptest::collection::vec("[ab]{1,4}", 0..4),
        text in "[abc]{0,40}",
        size in 1usize..7,
    ) {
        let mut masker = Masker::new(secrets.iter().map(String::as_str));
        let mut cut = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            cut.extend(masker.feed(piece));
        }
        cut.extend(masker.finish());
        prop_assert_eq!(String::from_utf8_lossy(&cut).into_owned(), Masker::new(secrets.iter().map(String::as_str)).mask(&text));
        for secret in secrets {
            let shown = String::from_utf8_lossy(&cut).into_owned();
            prop_assert!(!shown.contains(&secret), "{} shows {}", shown, secret);
        }
    }
}

/// Many of one thing, within a mapping or a list.
fn many(before: &str, one: impl Fn(usize) -> String, count: usize) -> String {
    (0..count).fold(before.to_owned(), |text, number| text + &one(number))
}

#[test]
fn r1_large_documents_full_of_mistakes_are_read_within_bounds() {
    let long = "n".repeat(100_000);
    let step = "version: 1\nsteps:\n  a:\n    image: x\n";
    let documents = [
        many(step, |number| format!("    k{number}: 1\n"), 60_000),
        many("version: 1\nsteps: {}\n", |number| format!("k{number}: 1\n"), 60_000),
        many(
            &format!("{step}    arguments: {{{}}}\n", many("a: 1", |number| format!(",k{number}: 1"), 30_000)),
            |number| format!("    k{number}: 1\n"),
            30_000,
        ),
        many(&format!("{step}    commands:\n"), |_| "    - {}\n".to_owned(), 60_000),
        many(
            &format!("{step}    on_success:\n      annotations:\n        set:\n        - annotations:\n"),
            |_| "          - {a-b: [], c: {d: 1}}\n".to_owned(),
            20_000,
        ),
        many(&format!("{step}    when:\n      steps:\n"), |_| "      - {on: [x]}\n".to_owned(), 30_000),
        many("version: 1\nsteps:\n", |number| format!("  s{number}: {{type: git-clone, repos: 1}}\n"), 20_000),
        many(
            &format!("version: 1\nsteps:\n  {long}:\n    type: parallel\n    steps:\n"),
            |number| format!("      s{number}: {{type: helm}}\n"),
            20_000,
        ),
        format!("{step}    retry: &r {{{long}: 1}}\n    stage: {long}\n    shell: {long}\n    fail_fast: {long}\n"),
        many(
            "version: 1\nstages: [a]\nhooks:\n  on_fail:\n    steps:\n",
            |number| format!("      s{number}: {{stage: a}}\n"),
            20_000,
        ),
        many(&format!("{step}    scale:\n"), |number| format!("      s{number}: {{image: 5}}\n"), 20_000),
        many(&format!("{step}    commands:\n    - >-\n      x\n"), |_| "       \ty\n".to_owned(), 60_000),
    ];
    for text in documents {
        let reading = Pipeline::read(&text);
        assert!(reading.diagnostics.len() <= 501 && reading.unsupported.len() <= 500);
        let shown: usize = reading.diagnostics.iter().map(|one| one.message.len() + one.path.len()).sum();
        assert!(shown < 1_000_000, "{shown}");
        let _ = (lint(&text), check_integrations(&text, &Integrations::default()));
    }
}

#[test]
fn p3_parallel_steps_are_nested_as_deep_as_a_document_may_be() {
    let mut text = "{image: x}".to_owned();
    for number in 0..61 {
        text = format!("{{type: parallel, steps: {{s{number}: {text}}}}}");
    }
    let reading = Pipeline::read(&format!("version: 1\nsteps: {{a: {text}}}"));
    assert_eq!(reading.errors().next(), None);
}

#[test]
fn p14c_copies_cost_no_more_than_a_document() {
    let (long, items) = ("x".repeat(100_000), vec!["A=1"; 2000].join(", "));
    let copies: String = (0..100).map(|number| format!("c{number}: {{}}, ")).collect();
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for (fields, message) in [
        (format!("title: {long}, scale: {{{copies}}}"), "\"scale\" makes copies that are too large together"),
        (format!("environment: [{items}], scale: {{{copies}}}"), "\"scale\" makes copies that are too large together"),
        (
            format!("metadata: {}, scale: {{a: {{}}}}", deep(124)),
            "\"scale\" makes steps that are nested more than 128 levels deep",
        ),
        (format!("scale: {{a: {{metadata: {}}}}}", deep(122)), ""),
    ] {
        let reading = Pipeline::read(&format!("version: 1\nsteps:\n  jim: {{image: x, {fields}}}\n"));
        let errors: Vec<&str> = reading.errors().map(|error| error.message.as_str()).collect();
        assert_eq!(errors, Vec::from_iter(Some(message).filter(|message| !message.is_empty())));
    }
    // Copies of copies, as deep as a document may be, and with names of the steps that they are copies of.
    let nested = |name: fn(usize) -> String| {
        let all =
            (0..60).rev().fold("{}".to_owned(), |inner, number| format!("{{scale: {{{}: {inner}}}}}", name(number)));
        Pipeline::read(&format!("version: 1\nsteps:\n  jim: {{image: x, nope: 1, <<: {all}}}\n"))
    };
    let reading = nested(|number| format!("c{number}"));
    assert_eq!((reading.errors().count(), reading.warnings().count()), (0, 1));
    let reading = nested(|number| format!("c{}", number % 2));
    assert_eq!(reading.errors().next().map(|error| error.message.as_str()), Some("step name exist more than once"));
}

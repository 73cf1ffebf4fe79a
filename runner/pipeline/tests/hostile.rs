//! No input makes the reader panic or take long.

use proptest::prelude::*;
use stepbox_pipeline::{Exports, Masker, Pipeline, parse_variable_file};

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

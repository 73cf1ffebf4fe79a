//! Texts around the pipeline: holes and what is put into them, exports, files of variables, masks.
//!
//! Three parts between NUL bytes: a template, a value, a secret.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stepbox_pipeline::{
    CustomVolume, Exports, Layer, Masker, References, Template, Variables, holes, parse_assignment, parse_timeout,
    parse_variable_file, substitute,
};

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(3, |byte| *byte == 0).map(|part| std::str::from_utf8(part).unwrap_or_default());
    let (text, value, secret) =
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let exports = Exports::parse(data);
    for (name, value) in &exports.values {
        assert!(!name.is_empty() && !value.contains('\n'), "{name}={value}");
    }
    let _ = (parse_assignment(text), parse_timeout(text), parse_variable_file(text));
    if let Ok(volume) = CustomVolume::parse(text) {
        assert!(volume.target.starts_with('/') && volume.target.len() > 1, "{volume:?}");
        let part_is_plain = |part: &str| !matches!(part, "." | "..");
        assert!(volume.source.split('/').chain(volume.target.split('/')).all(part_is_plain), "{volume:?}");
    }
    holes_are_filled(text, value);
    masked(text, secret);
});

/// What stands between holes stays, and a value is put in as it is: its own holes are none.
fn holes_are_filled(text: &str, value: &str) {
    let found = holes(text);
    let mut variables = Variables::new();
    for hole in &found {
        assert!(hole.start + 5 < hole.end && text[hole.start..hole.end].starts_with("${{"), "{hole:?}");
        variables.set(Layer::Build, hole.name.clone(), value);
    }
    let mut expected = String::new();
    let mut from = 0;
    for hole in &found {
        expected.push_str(&text[from..hole.start]);
        expected.push_str(value);
        from = hole.end;
    }
    expected.push_str(&text[from..]);
    if let Ok(done) = substitute(&Template::literal(text), &variables, &References::new()) {
        assert_eq!((done.text, done.unresolved.len()), (expected, 0));
    }
}

/// No line of a secret is in what comes out, however it is cut into pieces.
fn masked(text: &str, secret: &str) {
    let whole = Masker::new([secret]).mask(text);
    for size in [1, 2, 3, 7] {
        let mut masker = Masker::new([secret]);
        let mut out: Vec<u8> = vec![];
        for piece in text.as_bytes().chunks(size) {
            out.extend(masker.feed(piece));
        }
        out.extend(masker.finish());
        assert_eq!(String::from_utf8_lossy(&out), whole, "pieces of {size}");
    }
    for line in secret.split(['\n', '\r']).filter(|line| !line.is_empty()) {
        // A secret of the mask's own characters, or one that the mask completes, is still there by accident.
        if !line.contains('*') {
            assert!(!whole.contains(line), "{line:?} in {whole:?}");
        }
    }
}

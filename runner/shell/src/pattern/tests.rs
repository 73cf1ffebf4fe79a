use proptest::prelude::*;

use super::{Pattern, PatternOptions, Unit};

/// A pattern in which nothing is quoted.
fn pattern(text: impl AsRef<[u8]>) -> Pattern {
    Pattern::new(
        &text.as_ref().iter().map(|byte| Unit { byte: *byte, active: true }).collect::<Vec<_>>(),
        PatternOptions::default(),
    )
}

/// A pattern in which what stands between `<` and `>` is quoted.
fn partly_quoted(text: &str) -> Pattern {
    let mut active = true;
    let mut units = vec![];
    for byte in text.bytes() {
        match byte {
            b'<' => active = false,
            b'>' => active = true,
            byte => units.push(Unit { byte, active }),
        }
    }
    Pattern::new(&units, PatternOptions::default())
}

#[test]
fn xcu_2_14_patterns_match_as_in_dash() {
    for (text, subject, expected) in [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("**", "ab", true),
        ("a*b*c", "aXbYc", true),
        ("a*b*c", "aXbY", false),
        ("*ab", "aab", true),
        ("a*", "ba", false),
        ("?", "", false),
        ("??", "ab", true),
        ("*?", "", false),
        ("*.tar.*", "x.tar.gz", true),
        ("a\\*", "a*", true),
        ("a\\*", "ab", false),
        ("a\\", "a\\", true),
        ("*/*", "a/b", true),
        ("[/]", "/", true),
    ] {
        assert_eq!(pattern(text).matches(subject.as_bytes()), expected, "{text} against {subject}");
    }
}

#[test]
fn xbd_9_3_5_brackets_match_as_in_dash() {
    for (text, subject, expected) in [
        ("[a-c]x", "bx", true),
        ("[!a-c]x", "bx", false),
        ("[!a-c]x", "dx", true),
        ("[^a-c]x", "dx", true),
        ("[]a]", "]", true),
        ("[!]a]", "]", false),
        ("[!]a]", "b", true),
        ("[a-]", "-", true),
        ("[-a]", "-", true),
        ("[a-]", "b", false),
        ("[c-a]", "b", false),
        ("[a", "[a", true),
        ("[a", "a", false),
        ("[]", "[]", true),
        ("[!]", "[!]", true),
        ("[[]", "[", true),
        ("[a!]", "!", true),
        ("[\\]a]", "]", true),
        ("[a\\-c]", "b", false),
        ("[a\\-c]", "-", true),
        ("[[:digit:]]*", "1a", true),
        ("[[:digit:]]*", "a1", false),
        ("[![:digit:]]", "a", true),
        ("[x[:digit:]y]", "y", true),
        ("[[:alpha:][:digit:]]", "7", true),
        ("[[:upper:]]", "a", false),
        ("[[:space:]]", "\u{b}", true),
        ("[[:punct:]]", "_", true),
        ("[[:xdigit:]]", "F", true),
        ("[[:alpha:]", "[:alpha:]", false),
        ("[:alpha:]", "l", true),
        ("[[.-.]]", "-", true),
        ("[[.a.]-c]", "b", true),
        ("[[=a=]b]", "a", true),
    ] {
        assert_eq!(pattern(text).matches(subject.as_bytes()), expected, "{text} against {subject}");
    }
}

#[test]
fn xcu_2_14_1_what_is_quoted_is_literal() {
    for (text, subject, expected) in [
        ("<*>", "*", true),
        ("<*>", "a", false),
        ("a<*>*", "a*b", true),
        ("<[a]>", "[a]", true),
        ("[<a]>]", "]", true),
        ("[<!>a]", "!", true),
        ("[<!>a]", "b", false),
        ("[a<->c]", "b", false),
        ("[a<->c]", "-", true),
        ("<\\>*", "\\x", true),
        ("[<\\>]", "\\", true),
    ] {
        assert_eq!(partly_quoted(text).matches(subject.as_bytes()), expected, "{text} against {subject}");
    }
}

#[test]
fn xcu_2_14_a_character_is_one_and_a_stray_byte_is_one() {
    for (text, subject, expected) in [
        (&b"?"[..], "é".as_bytes(), true),
        (b"??", "é".as_bytes(), false),
        (b"?", b"\xff", true),
        (b"??", b"\xff\xc3", true),
        (b"?", b"\xc3\xa9\xff", false),
        ("[é]".as_bytes(), "é".as_bytes(), true),
        ("[à-ü]".as_bytes(), "é".as_bytes(), true),
        ("[é]".as_bytes(), b"\xe9", false),
        (b"[\xff]", b"\xff", true),
        (b"[!a]", b"\xff", true),
        (b"[[:alpha:]]", "é".as_bytes(), true),
        (b"[[:alpha:]]", b"\xe9", false),
        (b"*\xff*", b"a\xffb", true),
    ] {
        assert_eq!(pattern(text).matches(subject), expected, "{text:?} against {subject:?}");
    }
}

#[test]
fn xcu_2_6_2_prefixes_and_suffixes_are_the_shortest_or_the_longest() {
    // The pattern, the text, and the lengths: shortest and longest prefix, shortest and longest suffix.
    for (text, subject, expected) in [
        ("*/", "a/b/c", [Some(2), Some(4), None, None]),
        ("/*", "a/b/c", [None, None, Some(2), Some(4)]),
        ("*", "abc", [Some(0), Some(3), Some(0), Some(3)]),
        ("", "abc", [Some(0), Some(0), Some(0), Some(0)]),
        ("abc", "abc", [Some(3), Some(3), Some(3), Some(3)]),
        ("abcd", "abc", [None; 4]),
        ("?", "é", [Some(2), Some(2), Some(2), Some(2)]),
        ("a*a", "aXaYa", [Some(3), Some(5), Some(3), Some(5)]),
        ("*a*b", "aabab", [Some(3), Some(5), Some(2), Some(5)]),
        ("[a-z][a-z]*", "ab1", [Some(2), Some(3), Some(3), Some(3)]),
        ("*.*", "a.b.c", [Some(2), Some(5), Some(2), Some(5)]),
        ("*", "", [Some(0), Some(0), Some(0), Some(0)]),
        ("?", "", [None; 4]),
    ] {
        let (pattern, subject) = (pattern(text), subject.as_bytes());
        let behind = |at: usize| subject.len() - at;
        let found = [
            pattern.prefix(subject, false),
            pattern.prefix(subject, true),
            pattern.suffix(subject, false).map(behind),
            pattern.suffix(subject, true).map(behind),
        ];
        assert_eq!(found, expected, "{text} in {subject:?}");
    }
}

#[test]
fn the_literal_text_is_known_where_there_is_nothing_else() {
    for (text, expected) in
        [("abc", Some("abc")), ("a\\*é", Some("a*é")), ("[", Some("[")), ("a*", None), ("[a]", None)]
    {
        assert_eq!(pattern(text).literal(), expected.map(|text| text.as_bytes().to_vec()), "{text}");
    }
    assert_eq!(pattern(b"\xff\xc3\\\xa9").literal(), Some(b"\xff\xc3\xa9".to_vec()));
    assert!(
        pattern(".a*").begins_with_dot()
            && pattern("\\.*").begins_with_dot()
            && partly_quoted("<.>*").begins_with_dot()
    );
    assert!(!pattern("[.]a").begins_with_dot() && !pattern("*.").begins_with_dot());
}

#[test]
fn long_texts_and_many_stars_do_not_take_for_ever() {
    let stars = "*a".repeat(60);
    assert!(!pattern(&stars).matches("a".repeat(59).as_bytes()));
    assert!(!pattern(format!("{stars}b")).matches("a".repeat(20_000).as_bytes()));
    // Each of these took the square of the length, or its cube.
    let long = "a".repeat(4 << 20);
    for text in ["*/", "/*", "*b", "*a*a*b", "b*a*", "?*b"] {
        let pattern = pattern(text);
        for longest in [false, true] {
            assert_eq!(pattern.prefix(long.as_bytes(), longest), None, "{text}");
            assert_eq!(pattern.suffix(long.as_bytes(), longest), None, "{text}");
        }
    }
    for text in ["[", "[\\]", "[[:alpha:]", "[a-"] {
        assert!(!pattern(text.repeat(1 << 18)).matches(b""), "{text}");
    }
}

/// What the tokens mean, said as simply as can be.
fn naive(pattern: &[u8], text: &str) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return text.is_empty() };
    let mut characters = text.chars();
    match first {
        b'*' => text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| naive(rest, &text[at..])),
        b'?' => characters.next().is_some() && naive(rest, characters.as_str()),
        byte => characters.next() == Some(char::from(*byte)) && naive(rest, characters.as_str()),
    }
}

proptest! {
    #[test]
    fn no_pattern_panics(text in proptest::collection::vec(prop_oneof![any::<u8>(), proptest::sample::select(&b"[]!^-:.=*?\\a/"[..])], 0..24), subject in proptest::collection::vec(any::<u8>(), 0..12)) {
        let pattern = pattern(&text);
        let _ = (pattern.matches(&subject), pattern.literal());
        for longest in [false, true] {
            let _ = (pattern.prefix(&subject, longest), pattern.suffix(&subject, longest));
        }
    }

    #[test]
    fn matching_is_what_it_means(text in "[*?ab]{0,8}", subject in "[abé]{0,10}") {
        let pattern = pattern(&text);
        prop_assert_eq!(pattern.matches(subject.as_bytes()), naive(text.as_bytes(), &subject));
        let places: Vec<usize> = subject.char_indices().map(|(at, _)| at).chain([subject.len()]).collect();
        let prefixes: Vec<usize> = places.iter().copied().filter(|at| naive(text.as_bytes(), &subject[..*at])).collect();
        let suffixes: Vec<usize> = places.iter().copied().filter(|at| naive(text.as_bytes(), &subject[*at..])).collect();
        prop_assert_eq!(pattern.prefix(subject.as_bytes(), false), prefixes.first().copied());
        prop_assert_eq!(pattern.prefix(subject.as_bytes(), true), prefixes.last().copied());
        prop_assert_eq!(pattern.suffix(subject.as_bytes(), true), suffixes.first().copied());
        prop_assert_eq!(pattern.suffix(subject.as_bytes(), false), suffixes.last().copied());
    }
}

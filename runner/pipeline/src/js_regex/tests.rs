//! What patterns find, and what is wrong with others. Expectations are those of a JavaScript engine.

use super::*;

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn search(pattern: &str, flags: &str, text: &str) -> Result<bool, OutOfWork> {
    let regex = JsRegex::new(&units(pattern), flags).unwrap_or_else(|error| panic!("{error}"));
    regex.is_match(&units(text), &mut Work::new())
}

fn complaint(pattern: &str, flags: &str) -> String {
    JsRegex::new(&units(pattern), flags).map_or_else(|error| error.to_string(), |_| "none".to_owned())
}

#[test]
fn c5_what_is_found_and_what_is_not() {
    for (pattern, flags, found, not_found) in [
        ("ab", "", &["ab", "xaby"][..], &["", "a", "aB"][..]),
        ("^release", "i", &["RELEASE/1"], &["my-release"]),
        ("^((?!main).)*$", "", &["dev", ""], &["main", "x-main-y"]),
        ("^((?!main).)*$", "g", &["dev"], &["main"]),
        ("^JIRA-\\d+$", "", &["JIRA-12"], &["JIRA-", "JIRA-1x"]),
        ("^v\\d+\\.\\d+(?:-rc\\.\\d+)?$", "", &["v1.2", "v1.2-rc.3"], &["v1.2-rc"]),
        ("feature\\/.+", "", &["feature/x"], &["feature/"]),
        ("(?<=a)b", "", &["ab"], &["b", "cb"]),
        ("(?<!a)b", "", &["b", "cb"], &["ab"]),
        ("(?<=(\\w)\\1)c", "", &["aac", "abc"], &["c"]),
        ("(?<=\\1(\\w))c", "", &["aac"], &["abc"]),
        ("(a*)*b", "", &["aab", "b"], &["aa"]),
        ("^(?:a|(b))*\\1$", "", &["ba", "bb", "abb", ""], &["bc"]),
        ("^(a)?\\1$", "", &["", "aa"], &["b"]),
        ("^(?<x>.)\\k<x>$", "", &["aa"], &["ab"]),
        ("^\\k<x>$", "", &["k<x>"], &["x"]),
        ("(?=(a+))\\1b", "", &["aab"], &["aa"]),
        ("^a{2,3}$", "", &["aa", "aaa"], &["a", "aaaa"]),
        ("^a{,2}$", "", &["a{,2}"], &["a"]),
        ("^a{0}$", "", &[""], &["a"]),
        ("^(?:){3,5}$", "", &[""], &["a"]),
        ("^a{9999999999999999999999}$", "", &[], &["a", ""]),
        ("^a{0,9999999999999999999999}$", "", &["", "aaa"], &["b"]),
        ("^[^]$", "", &["\n", "a"], &["", "ab"]),
        ("[]", "", &[], &["", "a"]),
        ("^[\\d-x]+$", "", &["1-x"], &["5a"]),
        ("^[\\b]$", "", &["\u{8}"], &["b"]),
        ("^\\0\\101\\x41\\u0041\\cA\\8$", "", &["\0AAA\u{1}8"], &["0"]),
        ("^\\c\\u\\x$", "", &["\\cux"], &["c"]),
        ("^.$", "", &["a", "\u{85}"], &["\n", "\u{2028}", "😀"]),
        ("^.$", "s", &["\n"], &[""]),
        ("^.$", "u", &["😀"], &["\n"]),
        ("^b", "m", &["a\nb"], &["ab"]),
        ("a$", "m", &["a\nb"], &["ab"]),
        ("a", "y", &["ab"], &["ba"]),
        ("^\\u{1F600}[😀-😂]$", "u", &["😀😁"], &["😀a"]),
        ("^\\ud83d\\ude00$", "u", &["😀"], &["a"]),
        ("^u{2}$", "", &["uu"], &["u"]),
        ("^\\u{2}$", "", &["uu"], &["\u{2}"]),
        ("^\\s$", "", &["\u{FEFF}", "\u{2028}", "\t"], &["\u{85}", "a"]),
        ("^\\w$", "", &["_", "a"], &["é", "-"]),
        ("^\\w$", "i", &["K"], &["ſ"]),
        ("^[^\\W]$", "iu", &["s"], &["-"]),
        ("^É$", "i", &["é"], &["e"]),
        ("^[à-ÿ]$", "i", &["É"], &["E"]),
        ("^s$", "i", &["S"], &["ſ"]),
        ("^s$", "iu", &["S", "ſ"], &["z"]),
        ("^[^s]$", "iu", &["t"], &["S", "ſ"]),
        ("^ß$", "i", &["ß"], &["SS", "\u{1E9E}"]),
        ("\\bfix\\b", "", &["a fix b", "fix"], &["prefix", "fix_"]),
        ("a|b|", "", &["", "c"], &[]),
        ("", "", &["", "a"], &[]),
    ] {
        for text in found {
            assert_eq!(search(pattern, flags, text), Ok(true), "/{pattern}/{flags} in {text:?}");
        }
        for text in not_found {
            assert_eq!(search(pattern, flags, text), Ok(false), "/{pattern}/{flags} in {text:?}");
        }
    }
}

#[test]
fn c5_what_is_wrong_is_said_in_the_usual_words() {
    for (pattern, flags, expected) in [
        ("(", "", "Unterminated group"),
        ("(?:a", "i", "Unterminated group"),
        (")", "", "Unmatched ')'"),
        ("a**", "", "Nothing to repeat"),
        ("^*", "", "Nothing to repeat"),
        ("\\b+", "", "Nothing to repeat"),
        ("{1}", "", "Nothing to repeat"),
        ("{2,1}", "", "Nothing to repeat"),
        ("a{2,1}", "", "numbers out of order in {} quantifier"),
        ("(?<=a)*", "", "Invalid quantifier"),
        ("[a", "", "Unterminated character class"),
        ("[z-a]", "", "Range out of order in character class"),
        ("\\", "", "\\ at end of pattern"),
        ("[\\", "", "\\ at end of pattern"),
        ("(?x)", "", "Invalid group"),
        ("(?<1>a)", "", "Invalid capture group name"),
        ("(?<a", "", "Invalid capture group name"),
        ("(?<a>.)(?<a>.)", "", "Duplicate capture group name"),
        ("(?<a>.)\\k<b>", "", "Invalid named capture referenced"),
        ("(?<a>.)\\k", "", "Invalid named reference"),
        ("a{", "u", "Incomplete quantifier"),
        ("}", "u", "Lone quantifier brackets"),
        ("{", "u", "Lone quantifier brackets"),
        ("(?=a){", "u", "Incomplete quantifier"),
        ("(?=a)*", "u", "Invalid quantifier"),
        ("[\\8]", "u", "Invalid escape"),
        ("[\\1]", "u", "Invalid class escape"),
        ("\\00", "u", "Invalid decimal escape"),
        ("\\c1", "u", "Invalid Unicode escape"),
        ("\\u{110000}", "u", "Invalid Unicode escape"),
        ("\\-", "u", "Invalid escape"),
        ("[\\d-x]", "u", "Invalid character class"),
        ("\\p{L}", "u", "\\p{…} is not supported"),
    ] {
        let whole = format!("Invalid regular expression: /{pattern}/{flags}: {expected}");
        assert_eq!(complaint(pattern, flags), whole);
    }
    assert_eq!(complaint("a", "x"), "Invalid regular expression flags: x");
    assert_eq!(complaint("a", "gg"), "Invalid regular expression flags: gg");
    assert_eq!(complaint("a", "v"), "Invalid regular expression flags: v");
}

#[test]
fn c5_hostile_patterns_end() {
    let text = "a".repeat(5_000);
    for pattern in
        ["(a+)+$b", "(a|aa)+$b", "(a*)*b", "(?:a?){500}b", "(a|a|a|a)*c", "^(?=(?:a*)*b)", "(?:(?:a*)*)*(?<=b)"]
    {
        assert_eq!(search(pattern, "", &text), Ok(false), "{pattern}");
    }
    for pattern in ["(a+)+\\1b", "((a*)*)*\\2b", "(?:a{1,4000}){1,4000}b", "(?:(?:){5000}){5000}"] {
        assert_eq!(search(pattern, "", &text), Err(OutOfWork), "{pattern}");
    }
    let deep = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(search(&deep(MAX_DEPTH), "", "a"), Ok(true));
    assert!(complaint(&deep(MAX_DEPTH + 1), "").ends_with("Regular expression too large"));
    assert!(complaint(&"(?=".repeat(100_000), "").ends_with("Regular expression too large"));
    assert_eq!(search(&"a?".repeat(6_000), "", &text), Ok(true));
}

#[test]
fn c5_a_lookahead_that_matched_before_matches_again() {
    // What is remembered as tried within a lookaround must not count as failed once it succeeded.
    assert_eq!(search("^(?:(?=.*x)a)*x$", "", "aaaax"), Ok(true));
    assert_eq!(search("(?:(?=(?:a|b)*c)(?:a|b))+c", "", "abababc"), Ok(true));
    assert_eq!(search("(?:(?!(?:a|b)*c)(?:a|b))+$", "", "ababab"), Ok(true));
}

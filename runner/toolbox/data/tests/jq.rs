//! What jq prints, on the same input, beside what ours prints. `jq.jsonl` was made with jq 1.6; where jq 1.7 differs, which is what
//! ours is like, there is no case here but one of those below.

use serde_json::Value;
use stepbox_tool::testing::run;

#[test]
fn ours_prints_what_jq_prints() {
    let mut wrong = String::new();
    for line in include_str!("jq.jsonl").lines() {
        let case: Value = serde_json::from_str(line).expect("a case");
        let words: Vec<&str> =
            case["words"].as_array().expect("words").iter().map(|word| word.as_str().expect("text")).collect();
        let words = [["jq"].as_slice(), &words].concat();
        let got = run(stepbox_data::find_tool, &words, case["input"].as_str().expect("text"));
        let text = |name: &str| case[name].as_str().expect("text").to_owned();
        let status = i32::try_from(case["status"].as_i64().expect("a number")).expect("a status");
        let expected = (text("output"), text("errors"), status);
        if got != expected {
            wrong.push_str(&format!("{words:?} < {}\n  jq:   {expected:?}\n  ours: {got:?}\n", case["input"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_version_1_7_changed_is_as_there() {
    let cases = [
        (&["-c", "."][..], "[1.0,1.10,100000000000000000000,0.10]", "[1.0,1.10,100000000000000000000,0.10]\n"),
        (&["-c", "(.[] | select(. >= 2)) |= empty"], "[1,5,3,0,7]", "[1,0]\n"),
        (&["-c", "[limit(0; 1, 2)]"], "null", "[]\n"),
        (&["-c", "pick(.a, .b.c)"], r#"{"a":1,"b":{"c":2,"d":3},"e":4}"#, "{\"a\":1,\"b\":{\"c\":2}}\n"),
        (&["-c", "[abs, toarray]"], "-1", "[1,[-1]]\n"),
        (&["-c", "[.[] | trim, ltrim, rtrim]"], r#"[" a "]"#, "[\"a\",\"a \",\" a\"]\n"),
        (&["-c", "try input catch ."], "1", "\"No more inputs\"\n"),
        (&["-r", "@base32, (@base32 | @base32d)"], r#""hi""#, "NBUQ====\nhi\n"),
        (&["--raw-output0", ".[]"], r#"["a","b"]"#, "a\0b\0"),
        (&["-c", "[splits(\"a+\"; \"g\")], [ascii_downcase]"], r#""XaaY""#, "[\"X\",\"Y\"]\n[\"xaay\"]\n"),
        (&["if . then 1 end"], "false", "false\n"),
    ];
    for (words, input, expected) in cases {
        let words = [["jq"].as_slice(), words].concat();
        assert_eq!(run(stepbox_data::find_tool, &words, input), (expected.to_owned(), String::new(), 0), "{words:?}");
    }
}

#[test]
fn faults_of_a_call_have_the_statuses_of_jq() {
    let jq = |words: &[&str], input: &str| run(stepbox_data::find_tool, &[["jq"].as_slice(), words].concat(), input);
    let (output, errors, status) = jq(&[".a b"], "1");
    assert_eq!((output.as_str(), status), ("", 3));
    assert!(errors.starts_with("jq: error: syntax error") && errors.ends_with("jq: 1 compile error\n"), "{errors}");
    let missing = "jq: error: foo/1 is not defined at <top-level>, line 1:\nfoo(1)\njq: 1 compile error\n";
    assert_eq!(jq(&["foo(1)"], "1"), (String::new(), missing.to_owned(), 3));
    let missing = "jq: error: $x is not defined at <top-level>, line 1:\n$x\njq: 1 compile error\n";
    assert_eq!(jq(&["$x"], "1"), (String::new(), missing.to_owned(), 3));
    let missing = "jq: error: Could not open file /no/file: No such file or directory\n";
    assert_eq!(jq([".", "/no/file"].as_slice(), ""), (String::new(), missing.to_owned(), 2));
    let (_, errors, status) = jq(&["--seq", "."], "1");
    assert_eq!((errors.lines().next(), status), (Some("jq: Unknown option: --seq"), 2));
    assert_eq!(jq(&["-n", "\"bye\\n\" | halt_error(3)"], ""), (String::new(), "bye\n".to_owned(), 3));
    assert_eq!(jq(&["-n", "{a: 1} | halt_error"], ""), (String::new(), "{\"a\":1}\n".to_owned(), 5));
    let deep = "[".repeat(10_000);
    assert_eq!(jq(&["."], &deep).2, 2);
}

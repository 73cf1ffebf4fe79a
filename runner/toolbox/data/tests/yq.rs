//! The three dialects of yq.

use std::fs;

use stepbox_tool::testing::run;
use tempfile::TempDir;

const CHART: &str = "\
# the chart
image:
  repository: nginx # the repo
  tag: \"1.2.3\"   # keep

# list of things
list:
- a
- b: 1
  c: 'x'
nested:
    deep:
        - one
        # about two
        - two
flow: {a: 1, b: [x, y]}
text: |
  line 1

  line 2
anchor: &base
  k: v
use:
  <<: *base
  more: true
empty:
last: ~
# the end
";

/// Runs `yq` on a file of its own: what it prints, and the file afterwards.
fn yq(words: &str, text: &str) -> (String, String, i32, String) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("f.yml");
    fs::write(&path, text).expect("writes");
    let path = path.to_str().expect("text");
    let words: Vec<&str> = std::iter::once("yq").chain(words.split('~')).chain([path]).collect();
    let (output, errors, status) = run(stepbox_data::find_tool, &words, "");
    (output, errors.replace(path, "FILE"), status, fs::read_to_string(path).expect("reads"))
}

#[test]
fn a_document_is_written_as_it_was_read() {
    assert_eq!(yq("eval~.", CHART), (CHART.to_owned(), String::new(), 0, CHART.to_owned()));
    for text in [
        "a: 1\n---\nb: 2\n",
        "- - 1\n  - 2\n- {}\n- []\n",
        "a: \"x\\ty\"\nb: 'it''s'\n",
        "plain\n",
        "a: >-\n  folded\n  text\n",
    ] {
        assert_eq!(yq("eval~.", text).0, text);
    }
}

#[test]
fn a_change_in_place_leaves_everything_else() {
    let changed = |words: &str| {
        let (output, errors, status, text) = yq(words, CHART);
        assert_eq!((output.as_str(), errors.as_str(), status), ("", "", 0), "{words}");
        text
    };
    let expected = CHART.replace("\"1.2.3\"", "\"2.0\"");
    assert_eq!(changed("-i~.image.tag = \"2.0\""), expected);
    let expected = CHART.replace("repository: nginx", "repository: httpd");
    assert_eq!(changed("-i~.image.repository = \"httpd\""), expected);
    // A text that would be read as a number gets quotes.
    assert_eq!(changed("-i~.image.repository = \"1.0\""), CHART.replace(": nginx", ": \"1.0\""));
    assert_eq!(changed("-i~del(.nested.deep[0])"), CHART.replace("        - one\n", ""));
    assert_eq!(changed("-i~.flow.a = 2"), CHART.replace("{a: 1,", "{a: 2,"));
    assert_eq!(changed("-i~.list[1].c = \"y\""), CHART.replace("'x'", "'y'"));
    assert_eq!(changed("-i~.list += [\"z\"]"), CHART.replace("  c: 'x'\n", "  c: 'x'\n- z\n"));
    assert_eq!(changed("-i~.new.a = true"), CHART.replace("last: ~\n", "last: ~\nnew:\n  a: true\n"));
}

#[test]
fn version_4_evaluates_its_language() {
    let cases = [
        (".image.tag", "1.2.3\n"),
        (".image", "repository: nginx # the repo\ntag: \"1.2.3\"   # keep\n"),
        (".list[]", "a\nb: 1\nc: 'x'\n"),
        (".list | length", "2\n"),
        (".use.k", "v\n"),
        (".x // \"none\"", "none\n"),
        (".list[] | select(.b == 1) | .c", "x\n"),
        (".image.tag |= . + \"-x\" | .image.tag", "1.2.3-x\n"),
        ("with(.image; .tag = \"9\" | .x = 1) | .image | keys", "- repository\n- tag\n- x\n"),
        (".image | to_entries | .[0].key", "repository\n"),
        ("[.nested.deep[] | upcase]", "- ONE\n- TWO\n"),
        (".nested.deep | join(\",\")", "one,two\n"),
        (".image.tag | split(\".\") | .[0]", "1\n"),
        ("\"v\" + .image.tag + \"\\(.list[0])\"", "v1.2.3a\n"),
        (
            ".image.tag style=\"single\" | .image.tag line_comment=\"hi\" | .image",
            "repository: nginx # the repo\ntag: '1.2.3' # hi\n",
        ),
        ("explode(.) | .use", "k: v\nmore: true\n"),
        (".flow.b[0] = \"z\" | .flow", "{a: 1, b: [z, y]}\n"),
        (".image | has(\"tag\")", "true\n"),
        (".list | map(tag)", "- '!!str'\n- '!!map'\n"),
        (".nested.deep | sort | reverse | .[0]", "two\n"),
        (".image.tag | test(\"^1\")", "true\n"),
        (".flow | sort_keys(.) | to_json(0)", "{\"a\":1,\"b\":[\"x\",\"y\"]}\n\n"),
        (".last, .empty", "~\n\n"),
        ("{\"a\": .image.tag, \"n\": 1}", "a: \"1.2.3\"   # keep\nn: 1\n"),
        (".list as $l | $l[0]", "a\n"),
        (".nested.deep[] as $x ireduce (\"\"; . + $x)", "onetwo\n"),
        (".image.* ", "nginx\n1.2.3\n"),
    ];
    for (expression, expected) in cases {
        let (output, errors, status, _) = yq(&format!("eval~{expression}"), CHART);
        assert_eq!((output.as_str(), errors.as_str(), status), (expected, "", 0), "{expression}");
    }
    let json = "{\n  \"a\": 1,\n  \"b\": [\n    \"x\",\n    \"y\"\n  ]\n}\n";
    assert_eq!(yq("-o=json~.flow", CHART).0, json);
    assert_eq!(yq("-o~json~-I0~.flow", CHART).0, "{\"a\":1,\"b\":[\"x\",\"y\"]}\n");
    assert_eq!(yq("-P~.flow", CHART).0, "a: 1\nb:\n  - x\n  - y\n");
    assert_eq!(yq("-o=props~.flow", CHART).0, "a = 1\nb.0 = x\nb.1 = y\n");
}

#[test]
fn version_4_merges_all_files_together() {
    let directory = TempDir::new().expect("a directory");
    let files = [("a.yml", "a: 1\nb: {c: 3}\n"), ("b.yml", "b: {d: 4}\ne: x\n")].map(|(name, text)| {
        let path = directory.path().join(name);
        fs::write(&path, text).expect("writes");
        path.to_str().expect("text").to_owned()
    });
    for expression in ["select(fileIndex == 0) * select(fileIndex == 1)", ". as $item ireduce ({}; . * $item)"] {
        let got = run(stepbox_data::find_tool, &["yq", "eval-all", expression, &files[0], &files[1]], "");
        assert_eq!(got, ("a: 1\nb: {c: 3, d: 4}\ne: x\n".to_owned(), String::new(), 0), "{expression}");
    }
}

#[test]
fn version_3_has_its_commands() {
    let read = |words: &str| {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("f.yml");
        fs::write(&path, CHART).expect("writes");
        let words: Vec<&str> =
            words.split(' ').map(|word| if word == "F" { path.to_str().expect("text") } else { word }).collect();
        let (output, errors, status) = run(stepbox_data::find_tool, &words, "");
        let text = fs::read_to_string(&path).expect("reads");
        (output, errors.replace(path.to_str().expect("text"), "F"), status, text)
    };
    for (words, output) in [
        ("yq r F image.tag", "1.2.3\n"),
        ("yq r F list[0]", "a\n"),
        ("yq r F list[*].b", "1\n"),
        ("yq r F list.(b==1).c", "x\n"),
        ("yq r F nothing", ""),
        ("yq r -p pv F image.*", "image.repository: nginx\nimage.tag: 1.2.3\n"),
        ("yq r -j F flow", "{\"a\":1,\"b\":[\"x\",\"y\"]}\n"),
        ("yq r -l F list", "2\n"),
        ("yq n a.b c", "a:\n  b: c\n"),
        ("yq v F", ""),
    ] {
        assert_eq!(read(words), (output.to_owned(), String::new(), 0, CHART.to_owned()), "{words}");
    }
    assert_eq!(read("yq w -i F image.tag abc1").3, CHART.replace("1.2.3", "abc1"));
    assert_eq!(read("yq w -i F list[+] z").3, CHART.replace("  c: 'x'\n", "  c: 'x'\n- z\n"));
    assert_eq!(read("yq d -i F flow").3, CHART.replace("flow: {a: 1, b: [x, y]}\n", ""));
    let (output, errors, status, _) = read("yq z F");
    assert_eq!(output, "");
    assert_ne!(status, 0, "{errors}");
}

#[test]
fn pythons_is_jq_over_yaml() {
    for (words, output) in [
        (".flow", "{\n  \"a\": 1,\n  \"b\": [\n    \"x\",\n    \"y\"\n  ]\n}\n"),
        ("-r~.image.tag", "1.2.3\n"),
        ("-c~.flow", "{\"a\":1,\"b\":[\"x\",\"y\"]}\n"),
        ("-y~.image", "repository: nginx\ntag: 1.2.3\n"),
        ("-y~.list", "- a\n- b: 1\n  c: x\n"),
        ("-y~{a: \"1\", b: \"true\"}", "a: '1'\nb: 'true'\n"),
    ] {
        let (got, errors, status, _) = yq(words, CHART);
        assert_eq!((got.as_str(), errors.as_str(), status), (output, "", 0), "{words}");
    }
    assert_eq!(yq("-iy~.image.tag = \"2\" | {image}", CHART).3, "image:\n  repository: nginx\n  tag: '2'\n");
    assert_eq!(run(stepbox_data::find_tool, &["yq", "-r", ".a.b"], "a: {b: 1}\n").0, "1\n");
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    for (words, expected) in [
        ("eval~foo(.a)", "Error: function `foo` with 1 arguments is not supported\n"),
        ("eval~foo", "Error: function `foo` is not supported\n"),
        ("-o=xml~.", "Error: output format `xml` is not supported\n"),
        ("eval~--split-exp~.", "Error: unknown flag: --split-exp\n"),
        ("-x~.", "yq: option `-x` is not supported\n"),
        ("eval~.a b", "Error: unexpected `b` in `.a b`\n"),
    ] {
        let (output, errors, status, _) = yq(words, "a: 1\n");
        assert_eq!((output.as_str(), errors.as_str()), ("", expected), "{words}");
        assert_ne!(status, 0, "{words}");
    }
    let (_, errors, status, _) = yq("eval~.", "a: [1\n");
    assert_eq!((errors.split(": ").nth(1), status), (Some("bad file 'FILE'"), 1), "{errors}");
}

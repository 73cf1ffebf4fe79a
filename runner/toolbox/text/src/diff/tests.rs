use std::path::Path;

use stepbox_tool::testing::unescaped;

use crate::testing::run;

/// Recorded comparisons: options, both files, then status and output of the real tool.
const CASES: &str = include_str!("cases.txt");

#[test]
fn output_is_that_of_the_real_one() {
    // Made with GNU diff 3.8.
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("text").to_owned();
    let (mut words, mut wrong) = (vec![], vec![]);
    for line in CASES.lines() {
        let (kind, text) = line.split_at_checked(2).expect("a kind and a text");
        match kind {
            "- " => words = text.split(' ').map(str::to_owned).collect(),
            "< " => std::fs::write(path("old"), unescaped(text)).expect("writes"),
            "> " => std::fs::write(path("new"), unescaped(text)).expect("writes"),
            _ => {
                let mut call = vec!["diff"];
                call.extend(words.iter().map(String::as_str));
                let (old, new) = (path("old"), path("new"));
                call.extend(["-L", "old", "-L", "new", &old, &new]);
                let (output, _, status) = run(&call, "");
                let expected = String::from_utf8_lossy(&unescaped(text)).into_owned();
                if format!("{status} {output}") != expected {
                    let files = ["old", "new"].map(|name| std::fs::read_to_string(path(name)).unwrap_or_default());
                    wrong.push(format!("{words:?} {files:?}:\n{status} {output}not\n{expected}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// Two directories that differ in every way.
fn directories(root: &Path) {
    for (name, text) in [
        ("a/same", "x\n"),
        ("b/same", "x\n"),
        ("a/changed", "one\ntwo\n"),
        ("b/changed", "one\n2\n"),
        ("a/sub/deep", "1\n"),
        ("b/sub/deep", "2\n"),
        ("a/gone", "gone\n"),
        ("b/come", "come\n"),
        ("a/kind", ""),
        ("b/kind/x", ""),
        ("a/skip.o", "1"),
        ("b/skip.o", "2"),
    ] {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().expect("has one")).expect("makes");
        std::fs::write(path, text).expect("writes");
    }
}

#[test]
fn directories_are_compared_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    directories(directory.path());
    let root = directory.path().to_str().expect("text");
    let (a, b) = (format!("{root}/a"), format!("{root}/b"));
    let output = |options: &[&str]| {
        let words: Vec<&str> = ["diff"].iter().chain(options).copied().chain([a.as_str(), b.as_str()]).collect();
        let (output, errors, status) = run(&words, "");
        assert_eq!((errors.as_str(), status), ("", 1));
        output.replace(root, "D").replace('\t', " ")
    };
    assert_eq!(
        output(&["-r", "-x", "*.o"]),
        "diff -r -x '*.o' D/a/changed D/b/changed\n2c2\n< two\n---\n> 2\nOnly in D/b: come\nOnly in D/a: gone\n\
         File D/a/kind is a regular file while file D/b/kind is a directory\n\
         diff -r -x '*.o' D/a/sub/deep D/b/sub/deep\n1c1\n< 1\n---\n> 2\n"
    );
    assert_eq!(
        output(&["-q"]),
        "Files D/a/changed and D/b/changed differ\nOnly in D/b: come\nOnly in D/a: gone\n\
         File D/a/kind is a regular file while file D/b/kind is a directory\nFiles D/a/skip.o and D/b/skip.o differ\n\
         Common subdirectories: D/a/sub and D/b/sub\n"
    );
    let whole = output(&["-ruN", "-x*.o", "-xkind"]);
    assert!(
        whole.contains("--- D/b/come 1970-01-01")
            || whole.contains("--- D/a/come 1970-01-01 00:00:00.000000000 +0000\n+++ D/b/come"),
        "{whole}"
    );
    assert!(whole.contains("@@ -0,0 +1 @@\n+come\n") && whole.contains("@@ -1 +0,0 @@\n-gone\n"), "{whole}");
}

#[test]
fn files_that_cannot_be_compared_are_trouble() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("text").to_owned();
    std::fs::write(path("one"), "x\n").expect("writes");
    std::fs::write(path("zero"), "x\0\n").expect("writes");
    let message = "diff: /nowhere: No such file or directory\n".to_owned();
    assert_eq!(run(&["diff", &path("one"), "/nowhere"], ""), (String::new(), message, 2));
    assert_eq!(run(&["diff", "-y", "a", "b"], "").1, "diff: option `-y` is not supported\n");
    assert_eq!(run(&["diff", "a"], "").1, "diff: a file is missing after 'a'\n");
    assert_eq!(run(&["diff", &path("one"), "-"], "x\n"), (String::new(), String::new(), 0));
    assert_eq!(run(&["diff", &path("one"), directory.path().to_str().expect("text")], "").2, 0);
    let told = format!("Binary files {} and {} differ\n", path("one"), path("zero"));
    assert_eq!(run(&["diff", &path("one"), &path("zero")], ""), (told, String::new(), 1));
    let told = format!("Files {0} and {0} are identical\n", path("one"));
    assert_eq!(run(&["diff", "-s", &path("one"), &path("one")], ""), (told, String::new(), 0));
}

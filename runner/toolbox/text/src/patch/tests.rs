use stepbox_tool::testing::unescaped;

use crate::testing::run;

/// Recorded calls: options, the file, the patch, then status and output of the real tool, the file and what was rejected.
const CASES: &str = include_str!("cases.txt");

#[test]
fn output_and_files_are_those_of_the_real_one() {
    // Made with GNU patch 2.7.6.
    let (mut words, mut wrong, mut patch) = (vec![], vec![], vec![]);
    let mut file = vec![];
    for line in CASES.lines() {
        let (kind, text) = line.split_at_checked(2).expect("a kind and a text");
        match kind {
            "- " => words = text.split(' ').map(str::to_owned).collect(),
            "< " => file = unescaped(text),
            "> " => patch = unescaped(text),
            _ => {
                let directory = tempfile::tempdir().expect("a directory");
                let root = directory.path().to_str().expect("text");
                std::fs::write(directory.path().join("f"), &file).expect("writes");
                std::fs::write(directory.path().join("p"), &patch).expect("writes");
                let mut call = vec!["patch", "-d", root, "-i", "p"];
                call.extend(words.iter().map(String::as_str));
                let (output, errors, status) = run(&call, "");
                let text = |name| match std::fs::read(directory.path().join(name)) {
                    Ok(text) => String::from_utf8_lossy(&text).into_owned(),
                    Err(_) => "none".to_owned(),
                };
                let found = format!("{status} {output}{errors}|{}|{}|{}", text("f"), text("f.rej"), text("f.orig"));
                let expected = String::from_utf8_lossy(&unescaped(text_of(line))).into_owned();
                if found != expected {
                    let patch = String::from_utf8_lossy(&patch).into_owned();
                    wrong.push(format!(
                        "{words:?} {:?} {patch}\n{found}\nnot\n{expected}",
                        String::from_utf8_lossy(&file)
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

fn text_of(line: &str) -> &str {
    &line[2..]
}

#[test]
fn files_are_made_removed_and_renamed() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().to_str().expect("text");
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("gone"), "x\n").expect("writes");
    std::fs::write(path("before"), "a\nb\n").expect("writes");
    let text = "diff --git a/sub/new b/sub/new\nnew file mode 100755\n--- /dev/null\n+++ b/sub/new\n@@ -0,0 +1 @@\n+#!/bin/sh\n\
                diff --git a/gone b/gone\ndeleted file mode 100644\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\
                diff --git a/before b/after\nrename from before\nrename to after\n--- a/before\n+++ b/after\n@@ -1,2 +1,2 @@\n a\n-b\n+B\n";
    let told = "patching file sub/new\npatching file gone\npatching file after (renamed from before)\n".to_owned();
    assert_eq!(run(&["patch", "-p1", "-d", root], text), (told, String::new(), 0));
    assert_eq!(std::fs::read_to_string(path("after")).ok().as_deref(), Some("a\nB\n"));
    assert!(path("sub/new").exists() && !path("gone").exists() && !path("before").exists());
}

#[test]
fn what_is_no_patch_or_names_a_file_elsewhere_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().to_str().expect("text");
    let call = |patch: &str| run(&["patch", "-p0", "-d", root], patch);
    let message = "patch: **** only garbage was found in the patch input\n".to_owned();
    assert_eq!(call("hello\n"), (String::new(), message, 2));
    let outside = call("--- ../x\n+++ ../x\n@@ -0,0 +1 @@\n+x\n");
    assert_eq!((outside.0.lines().next(), outside.2), (Some("can't find file to patch: `../x`"), 1));
    let message = "patch: **** malformed patch at line 4: the patch ends within a hunk\n";
    assert_eq!(call("--- x\n+++ x\n@@ -1 +1 @@\n").1, message);
}

//! The transcript of README is true.

use std::fs;
use std::path::Path;

use stepbox_tests::Place;

const README: &str = include_str!("../../README.md");

/// What stands in the transcript, with times and sizes of directories taken out.
fn shape(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| {
            !line.starts_with("build:")
                && !line.starts_with("volume")
                && !line.trim_start().starts_with("5 entries")
                && !line.contains("in the store")
        })
        .map(|line| line.split_whitespace().map(word_shape).collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect()
}

fn word_shape(word: &str) -> String {
    if word.ends_with("/examples/shared-volumes,") {
        return "[SOURCE],".to_owned();
    }
    let changing =
        word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':' | b'(')) || MONTHS.contains(&word);
    if changing { "N".to_owned() } else { word.to_owned() }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[test]
fn the_transcript_is_what_the_example_prints() {
    let transcript = README
        .split("<!-- transcript")
        .nth(1)
        .and_then(|text| text.split("```console\n").nth(1))
        .expect("a transcript");
    let transcript = transcript.split("```").next().expect("its end");
    let (command, expected) = transcript.split_once('\n').expect("a command");
    assert_eq!(command, "$ stepbox run examples/shared-volumes/codefresh.yml");

    let place = Place::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/shared-volumes");
    for name in ["codefresh.yml", "count-builds.yml", "artifact/artifact.example"] {
        place.write(&format!("examples/shared-volumes/{name}"), fs::read(examples.join(name)).expect("an example"));
    }
    // As in a clone of this repository: the example lies below a work tree.
    gix::init(place.path("project")).expect("makes");
    let arguments = ["run", "examples/shared-volumes/codefresh.yml"];
    assert_eq!(place.run(arguments).status, 0);
    // Both streams into one file, in the order in which a terminal would show them.
    let path = place.path("printed");
    let file = fs::File::create(&path).expect("makes");
    let status =
        place.command(arguments).stdout(file.try_clone().expect("clones")).stderr(file).status().expect("starts");
    assert!(status.success());
    let printed = fs::read_to_string(&path).expect("reads");
    assert_eq!(shape(&printed), shape(expected), "{printed}");
}

#[test]
fn every_example_runs() {
    let place = Place::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/shared-volumes");
    place.write("shared-volumes/count-builds.yml", fs::read(examples.join("count-builds.yml")).expect("an example"));
    let run = place.run(["run", "shared-volumes/count-builds.yml"]);
    assert_eq!(run.status, 0, "{run:?}");
}

//! The main job: what one build leaves on the volume, the next one finds.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr};

use stepbox_tests::{Place, damage};

const PIPELINE: &str = include_str!("../../examples/shared-volumes/codefresh.yml");
const COUNT: &str = include_str!("../../examples/shared-volumes/count-builds.yml");

fn shared_volumes() -> Place {
    Place::new()
        .file("shared-volumes/codefresh.yml", PIPELINE)
        .file("shared-volumes/artifact/artifact.example", "an artifact\n")
}

#[test]
fn l5_the_second_build_finds_what_the_first_one_left() {
    let place = shared_volumes();
    let first = place.run(["run", "shared-volumes/codefresh.yml"]);
    assert_eq!(first.status, 0, "{first:?}");
    let list = first.stdout.split("/codefresh/volume/shared-volumes\n").next().expect("there is one");
    assert!(!list.contains("artifact.example"), "{first:?}");
    let second = place.run(["run", "shared-volumes/codefresh.yml"]);
    assert_eq!(second.status, 0, "{second:?}");
    let list = second.stdout.split("/codefresh/volume/shared-volumes\n").next().expect("there is one");
    assert!(list.contains(" artifact.example\n"), "{second:?}");
    assert!(
        second.stderr.contains("volume: [PLACE]/project/shared-volumes/codefresh.yml, from build [ID]"),
        "{second:?}"
    );
}

#[test]
fn the_course_of_a_build_is_told() {
    let place = Place::new().commands(&["echo hello"]);
    let run = place.run(["run"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.ends_with("hello\n"), "{run:?}");
    let expected = "build: [ID]
volume: [PLACE]/project/codefresh.yml, empty

==> Cloning main repository
Cloning main repository: success (N s)

==> work
work: success (N s)

step        result          time  stage
main_clone  success        N s  default
work        success        N s  default

volume saved: [ID]
              2 entries, 117 B (+117 B), 969 B in the store
build succeeded (N s)
";
    let sizes = |text: &str| text.lines().filter(|line| !line.contains("entries,")).collect::<Vec<_>>().join("\n");
    assert_eq!(sizes(&run.stderr), sizes(expected), "{}", run.stderr);
}

#[test]
fn l6_n_builds_make_n_lines() {
    let place = Place::new().file("count-builds.yml", COUNT);
    for build in 1..=3 {
        let run = place.run(["run", "count-builds.yml"]);
        assert_eq!(run.status, 0, "{run:?}");
        assert!(run.stdout.contains(&format!("{build} /codefresh/volume/builds.txt\n")), "{run:?}");
    }
}

#[test]
fn l12_reset_volume_starts_empty() {
    let place = Place::new().file("count-builds.yml", COUNT);
    for arguments in [
        &["run", "count-builds.yml"][..],
        &["run", "--reset-volume", "count-builds.yml"],
        &["run", "-rv", "count-builds.yml"],
    ] {
        let run = place.run(arguments);
        assert!(run.stdout.contains("1 /codefresh/volume/builds.txt\n"), "{arguments:?}: {run:?}");
    }
}

#[test]
fn l7_a_failed_build_is_saved_too() {
    let place = Place::new().commands(&["echo kept > /codefresh/volume/note", "exit 7"]);
    let run = place.run(["run"]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stderr.contains("work: error: exit status 7"), "{run:?}");
    place.write(
        "codefresh.yml",
        fs::read_to_string(place.path("project/codefresh.yml"))
            .expect("reads")
            .replace("exit 7", "cat /codefresh/volume/note"),
    );
    let run = place.run(["run"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.ends_with("kept\n"), "{run:?}");
}

#[test]
fn state_may_be_anywhere_and_the_home_empty_or_missing() {
    let place = shared_volumes();
    let elsewhere = place.path("elsewhere");
    let run = place.finish(
        place.command(["run", "shared-volumes/codefresh.yml"]).env("STEPBOX_HOME", &elsewhere).env_remove("HOME"),
    );
    assert_eq!(run.status, 0, "{run:?}");
    assert!(elsewhere.join("store/oci-layout").exists());
    let run = place.finish(place.command(["run", "shared-volumes/codefresh.yml"]).env_remove("STEPBOX_HOME"));
    assert_eq!(run.status, 0, "{run:?}");
    assert!(place.path("home/.local/share/stepbox/store/oci-layout").exists());
    let run = place.finish(
        place
            .command(["run", "../../nowhere/codefresh.yml"])
            .current_dir(place.path("project/shared-volumes/artifact")),
    );
    assert_eq!(run.status, 2, "{run:?}");
    let run = place
        .finish(place.command(["run", "../codefresh.yml"]).current_dir(place.path("project/shared-volumes/artifact")));
    assert_eq!(run.status, 0, "{run:?}");
}

/// What waits for its output to be read.
struct Held {
    number: u32,
    child: Child,
    stderr: BufReader<ChildStderr>,
}

#[test]
fn l8_l9_ten_builds_at_once_end_well_and_the_last_to_finish_is_the_latest() {
    // Each prints more than pipes hold, so it cannot end before its output is read: the test says who finishes when.
    let place = Place::new().commands(&[
        "cat /codefresh/volume/who >> /codefresh/volume/seen || true",
        "seq 1 400000",
        "echo $NUMBER > /codefresh/volume/who",
    ]);
    assert_eq!(place.run(["run", "-v", "NUMBER=first"]).status, 0);
    let mut held: Vec<Held> = (0..10)
        .map(|number| {
            let mut child = place.start(&mut place.command(["run", "-v", &format!("NUMBER={number}")]));
            let stderr = BufReader::new(child.stderr.take().expect("is a pipe"));
            Held { number, child, stderr }
        })
        .collect();
    for one in &mut held {
        // The step runs: its build has started from the snapshot of the first.
        let mut line = String::new();
        while line.trim_end() != "==> work" {
            line.clear();
            assert!(one.stderr.read_line(&mut line).expect("reads") > 0, "ended early");
        }
        assert_eq!(one.child.try_wait().expect("asks"), None, "it waits for its reader");
    }
    let order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7];
    held.sort_by_key(|one| order.iter().position(|number| *number == one.number));
    for mut one in held {
        let rest = std::thread::spawn(move || std::io::copy(&mut one.stderr, &mut std::io::sink()));
        std::io::copy(&mut one.child.stdout.take().expect("is a pipe"), &mut std::io::sink()).expect("reads");
        assert!(one.child.wait().expect("ends").success(), "build {}", one.number);
        rest.join().expect("ends").expect("reads");
    }
    let show = place.run(["volume", "show", "codefresh.yml"]);
    assert_eq!((show.status, show.stdout.matches("digest:").count()), (0, 11), "{show:?}");
    place.write(
        "codefresh.yml",
        "version: '1.0'\nsteps:\n  look:\n    image: alpine\n    commands:\n      - cat /codefresh/volume/who /codefresh/volume/seen\n",
    );
    let next = place.run(["run"]);
    assert!(next.status == 0 && next.stdout.ends_with("\n7\nfirst\n"), "{next:?}");
}

#[test]
fn the_archive_is_what_counts() {
    let place = Place::new().file("count-builds.yml", COUNT);
    assert_eq!(place.run(["run", "count-builds.yml"]).status, 0);
    fs::create_dir(place.path("moved")).expect("makes");
    fs::rename(place.path("state/store"), place.path("moved/store")).expect("moves");
    fs::remove_dir_all(place.path("state")).expect("removes");
    let run = place.finish(place.command(["run", "count-builds.yml"]).env("STEPBOX_HOME", place.path("moved")));
    assert!(run.stdout.contains("2 /codefresh/volume/builds.txt\n"), "{run:?}");
}

#[test]
fn a_flipped_byte_in_the_base_layer_is_told_and_no_wrong_bytes_are_used() {
    let place = Place::new().file("count-builds.yml", COUNT);
    assert_eq!(place.run(["run", "count-builds.yml"]).status, 0);
    assert_eq!(place.run(["run", "count-builds.yml"]).status, 0);
    let blobs = place.path("state/store/blobs/sha256");
    let mut layers: Vec<_> = fs::read_dir(&blobs)
        .expect("lists")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| fs::read(path).is_ok_and(|data| data.starts_with(&[0x5b, 0x2a, 0x4d, 0x18])))
        .collect();
    layers.sort_by_key(|path| fs::metadata(path).and_then(|metadata| metadata.modified()).expect("a time"));
    assert_eq!(layers.len(), 2);
    damage(&layers[1]);
    // The tree that the last build has left would be taken over, and is whole.
    fs::remove_dir_all(place.path("state/warm")).expect("removes");
    let run = place.run(["run", "count-builds.yml"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stderr.contains("warning: "), "{run:?}");
    assert!(run.stderr.contains("is damaged"), "{run:?}");
    assert!(run.stdout.contains("2 /codefresh/volume/builds.txt\n"), "falls back to the first build: {run:?}");
}

#[test]
fn the_step_of_the_original_document_runs_unchanged_with_the_file_and_without() {
    let pipeline = "version: '1.0'\nsteps:\n  copy_file:\n    title: Copy file\n    image: ${{build_prj}}\n    working_directory: ${{main_clone}}\n    fail_fast: false\n    commands:\n      - cp path/to/file /codefresh/volume/filename\n  look:\n    image: alpine\n    commands:\n      - ls /codefresh/volume\n";
    let place = Place::new().file("codefresh.yml", pipeline).file("path/to/file", "contents");
    let run = place.run(["run", "-v", "build_prj=alpine"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.contains("\nfilename\n"), "{run:?}");
    let place = Place::new().file("codefresh.yml", pipeline);
    let run = place.run(["run", "--var", "build_prj=alpine"]);
    assert_eq!(run.status, 0, "the build goes on: {run:?}");
    assert!(run.stdout.contains("cp: ") && !run.stdout.contains("\nfilename\n"), "{run:?}");
}

#[test]
fn export_gives_a_tarball_and_equal_states_give_equal_ones() {
    let place = Place::new().commands(&[
        "mkdir -p /codefresh/volume/d && echo data > /codefresh/volume/d/file",
        "touch -d '2024-01-02 03:04:05' /codefresh/volume/d/file /codefresh/volume/d",
    ]);
    let run = place.run(["run", "--volume", "one"]);
    assert_eq!(run.status, 0, "{run:?}");
    let export = |name: &str| {
        let run = place.run(["volume", "export", "one", "-o", name]);
        assert_eq!(run.status, 0, "{run:?}");
        fs::read(place.path("project").join(name)).expect("reads")
    };
    let (first, second) = (export("a.tar.zst"), export("b.tar.zst"));
    assert!(first == second);
    let tar = zstd::stream::decode_all(&first[..]).expect("zstd reads it");
    assert!(tar.windows(6).any(|window| window == b"d/file"));
    let list = place.run(["volume", "ls"]);
    assert!(list.stdout.contains("one"), "{list:?}");
    let removed = place.run(["volume", "rm", "one"]);
    assert_eq!(removed.status, 0, "{removed:?}");
    assert_eq!(place.run(["volume", "show", "one"]).status, 2);
}

#[test]
fn json_output_is_one_event_a_line() {
    let place = Place::new().commands(&["echo hello"]);
    let run = place.run(["run", "--output", "json"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    let names: Vec<String> = run
        .stdout
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("JSON")["event"].as_str().expect("a name").to_owned()
        })
        .collect();
    assert_eq!(names.first().map(String::as_str), Some("build_started"), "{names:?}");
    assert_eq!(names.last().map(String::as_str), Some("build_finished"), "{names:?}");
    for name in ["step_started", "output", "step_finished", "volume_saved"] {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
}

#[test]
fn quiet_prints_what_steps_print() {
    let place = Place::new().commands(&["echo hello"]);
    let run = place.run(["run", "--quiet"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    assert!(run.stdout.ends_with("hello\n"), "{run:?}");
}

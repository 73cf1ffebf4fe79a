//! What may not be written, and whose state it is: one message with its cause, and the last snapshot whole.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::Command;

use stepbox_tests::{Place, Run, program};

/// Says what the last build has left and leaves `N` lines.
const LINES: &str = "version: '1.0'
steps:
  work:
    image: alpine
    commands:
      - if [ -f /codefresh/volume/f ]; then tail -n 1 /codefresh/volume/f; else echo none; fi
      - seq 1 $N > /codefresh/volume/f
";

/// Runs a build whose files must not grow beyond a number of blocks of 512 bytes.
fn limited(place: &Place, blocks: u32, signal: &str, arguments: &[&str]) -> Run {
    let like_a_build = place.command(["unused"]);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{signal} ulimit -f {blocks}; exec \"$0\" \"$@\"")]).arg(program()).args(arguments);
    command.current_dir(place.path("project")).env_clear().env("PATH", "/usr/bin:/bin");
    command.envs(like_a_build.get_envs().filter_map(|(name, value)| Some((name, value?))));
    place.finish(&mut command)
}

#[test]
fn a_file_that_may_not_grow_is_told_and_the_volume_stays_as_it_was() {
    let place = Place::new().file("codefresh.yml", LINES);
    assert_eq!(place.run(["run", "-v", "N=10"]).status, 0);
    // Small files in the source make an archive that is too large.
    let mut state = 1u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    for number in 0..8 {
        place.write(&format!("random-{number}"), (0..20_000).map(|_| byte()).collect::<Vec<_>>());
    }
    let run = limited(&place, 100, "trap '' XFSZ;", &["run", "--quiet", "--require-save", "-v", "N=11"]);
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (4, "warning: volume not saved: cannot write the layer: file too large\n"),
        "{run:?}"
    );
    // Without the trap the system kills the worker.
    let run = limited(&place, 100, "", &["run", "--quiet", "-v", "N=12"]);
    assert!(run.status == 0 && run.stderr.starts_with("warning: volume not saved: "), "{run:?}");
    assert!(run.stderr.contains("the worker died: signal "), "{run:?}");
    let run = place.run(["run", "-v", "N=13"]);
    assert!(run.status == 0 && run.stdout.ends_with("\n10\n"), "{run:?}");
}

#[test]
fn the_state_of_another_user_is_refused() {
    let place = Place::new().file("codefresh.yml", LINES);
    let state = place.path("state");
    if fs::metadata(&state).expect("is there").uid() != 0 || chown(&state, Some(12345), None).is_err() {
        eprintln!("skipped: only root can give a directory away");
        return;
    }
    let run = place.run(["run"]);
    run.expect(
        4,
        "",
        "\
error: `[PLACE]/state` belongs to user 12345, and this is user 0
hint: name a state directory of your own with the environment variable `STEPBOX_HOME`
",
    );
    assert_eq!(fs::read_dir(&state).expect("lists").count(), 0, "nothing is written there");
}

#[test]
fn state_that_others_can_read_is_closed() {
    let place = Place::new().file("codefresh.yml", LINES);
    fs::set_permissions(place.path("state"), fs::Permissions::from_mode(0o755)).expect("sets");
    assert_eq!(place.run(["run", "-v", "N=1"]).status, 0);
    for name in ["state", "state/store", "state/builds", "state/work"] {
        let mode = fs::metadata(place.path(name)).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{name}");
    }
}

#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let place = Place::new().file("codefresh.yml", LINES);
    assert_eq!(place.run(["run", "-v", "N=1"]).status, 0);
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let output = place.command(["volume", "ls"]).stdout(full).output().expect("starts");
    place.result(&output).expect(4, "", "error: not all of the output could be written: no space left on device\n");
}

#[test]
fn a_volume_is_found_by_the_file_of_its_pipeline() {
    let place = Place::new().file("codefresh.yml", LINES).file("other.yml", LINES);
    assert_eq!(place.run(["run", "-v", "N=1"]).status, 0);
    let show = place.run(["volume", "show", "./codefresh.yml"]);
    assert!(show.status == 0 && show.stdout.contains("/project/codefresh.yml\nscope: a pipeline\n"), "{show:?}");
    place.run(["volume", "show", "other.yml"]).expect(
        2,
        "",
        "error: there is no volume `other.yml`\nhint: `stepbox volume ls` lists them\n",
    );
    assert_eq!(place.run(["volume", "rm", "codefresh.yml"]).status, 0);
    place.run(["volume", "ls"]).expect(0, "", "no build has left a volume yet\n");
}

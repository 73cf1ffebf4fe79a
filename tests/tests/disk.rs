//! Disks that are full or read-only: one message with its cause, and no snapshot is lost.
//!
//! The state directory is a small file system of its own, in a mount namespace; where the system grants none, as some
//! containers do not, these tests say so and check nothing.

use std::process::Command;

use stepbox_tests::{Place, Run, program};

/// Runs a shell script beside a state directory of three megabytes; `run TEXT FLAGS…` in it makes a build of one step with
/// this command. What each build printed and its status comes back.
fn with_small_disk(script: &str) -> Option<(Place, Vec<Run>)> {
    let place = Place::new();
    let prelude = r#"
        mount -t tmpfs -o size=3m,mode=700 none "$STEPBOX_HOME" || exit 99
        count=0
        run() {
            printf "version: '1.0'\nsteps:\n  work:\n    image: alpine\n    commands:\n      - |-\n        %s\n" "$1" > codefresh.yml
            shift
            count=$((count + 1))
            "$PROGRAM" run "$@" > "../out-$count" 2> "../err-$count"
            echo $? > "../status-$count"
        }
    "#;
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", &format!("{prelude}\n{script}")]);
    command.current_dir(place.path("project")).env("PROGRAM", program());
    for (name, value) in place.command(["run"]).get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let output = command.output().ok()?;
    if !place.path("status-1").exists() {
        eprintln!("not checked, as no file system can be mounted here: {output:?}");
        return None;
    }
    let read = |name: &str, number| std::fs::read(place.path(&format!("{name}-{number}"))).ok();
    let runs = (1..).map_while(|number| {
        let status = String::from_utf8(read("status", number)?).ok()?.trim().parse::<i32>().ok()?;
        let output = std::process::Output {
            status: std::os::unix::process::ExitStatusExt::from_raw(status << 8),
            stdout: read("out", number)?,
            stderr: read("err", number)?,
        };
        Some(place.result(&output))
    });
    let runs = runs.collect();
    Some((place, runs))
}

/// The lines of a kind.
fn lines<'a>(run: &'a Run, start: &str) -> Vec<&'a str> {
    run.stderr.lines().filter(|line| line.starts_with(start)).collect()
}

#[test]
fn a_volume_that_does_not_fit_is_not_saved_and_the_last_one_stays() {
    let script = r#"
        run 'echo one > /codefresh/volume/state'
        run 'echo two > /codefresh/volume/state; head -c 1800000 < /dev/urandom > /codefresh/volume/big'
        run 'echo two > /codefresh/volume/state; head -c 1800000 < /dev/urandom > /codefresh/volume/big' --require-save
        run 'cat /codefresh/volume/state; rm -f /codefresh/volume/big'
    "#;
    let Some((_, runs)) = with_small_disk(script) else { return };
    let statuses: Vec<i32> = runs.iter().map(|run| run.status).collect();
    assert_eq!(statuses, [0, 0, 4, 0], "{runs:#?}");
    for run in &runs[1..3] {
        let warnings = lines(run, "warning: volume not saved: ");
        assert_eq!(warnings.len(), 1, "{run:?}");
        let told = "\
warning: volume not saved: cannot write the layer: no space left on device
hint: the next build starts from the volume that this one started from
build succeeded (N s)
";
        assert!(run.stderr.ends_with(told), "{run:?}");
    }
    assert!(runs[3].stdout.ends_with("\none\n"), "{:?}", runs[3]);
}

#[test]
fn a_step_that_fills_the_disk_fails_and_the_runner_does_not() {
    let script = r#"
        run 'echo one > /codefresh/volume/state'
        run 'head -c 9000000 < /dev/urandom > /codefresh/volume/big'
        run 'cat /codefresh/volume/state; rm -f /codefresh/volume/big'
    "#;
    let Some((place, runs)) = with_small_disk(script) else { return };
    let statuses: Vec<i32> = runs.iter().map(|run| run.status).collect();
    assert_eq!(statuses, [0, 1, 0], "{runs:#?}");
    let run = Run { stdout: runs[1].stdout.clone(), stderr: runs[1].stderr.clone(), ..runs[1] };
    place.settled(run).expect(
        1,
        "\
source: [PLACE]/project, 1 files, 0.0 MB, without history
head: error writing 'standard output': No space left on device
",
        "\
build: [ID]
volume: [PLACE]/project/codefresh.yml, from build [ID]

==> Cloning main repository
Cloning main repository: success (N s)

==> work
work: error: exit status 1 (N s)
  `head -c 9000000 < /dev/urandom > /codefresh/volume/big`, line 1 of the commands (codefresh.yml:7:9)

step        result          time  stage
main_clone  success        N s  default
work        error          N s  default

warning: volume not saved: cannot write the layer: no space left on device
hint: the next build starts from the volume that this one started from
build failed (N s)
",
    );
    assert!(runs[2].stdout.ends_with("\none\n"), "{:?}", runs[2]);
}

#[test]
fn a_disk_that_is_full_from_the_start_is_told() {
    let script = r#"
        run 'echo one > /codefresh/volume/state'
        head -c 9000000 < /dev/zero > "$STEPBOX_HOME/fill"
        run 'cat /codefresh/volume/state'
        rm "$STEPBOX_HOME/fill"
        run 'cat /codefresh/volume/state'
    "#;
    let Some((_, runs)) = with_small_disk(script) else { return };
    let statuses: Vec<i32> = runs.iter().map(|run| run.status).collect();
    assert_eq!(statuses, [0, 4, 0], "{runs:#?}");
    // Which file meets the end of the disk first is nobody's business.
    let stderr = ["state", "project/codefresh.yml"]
        .iter()
        .fold(runs[1].stderr.clone(), |text, file| text.replace(&format!("`{file}`"), "[FILE]"));
    Run { stderr, stdout: runs[1].stdout.clone(), ..runs[1] }.expect(
        4,
        "",
        "\
build: [ID]
volume: [PLACE]/project/codefresh.yml, from build [ID]
warning: the build is not recorded: no space left on device
error: cannot restore the volume that build [ID] left: cannot restore [FILE]: no space left on device
hint: nothing is lost: once the cause is mended, run the build again
",
    );
    assert!(runs[2].stdout.ends_with("\none\n"), "{:?}", runs[2]);
}

#[test]
fn a_store_that_cannot_be_written_is_told_and_can_still_be_read() {
    let script = r#"
        run 'echo one > /codefresh/volume/state' --volume shared
        # Landlock lets go of the directories of a worker a moment after its end; until then the kernel calls them busy.
        tries=0
        until mount -o remount,ro "$STEPBOX_HOME" || [ $((tries += 1)) -gt 2000 ]; do :; done
        run 'cat /codefresh/volume/state' --volume shared
        "$PROGRAM" volume ls > ../out-3 2> ../err-3; echo $? > ../status-3
        "$PROGRAM" volume export shared -o ../volume.tar.zst > ../out-4 2> ../err-4; echo $? > ../status-4
        "$PROGRAM" volume rm shared > ../out-5 2> ../err-5; echo $? > ../status-5
    "#;
    let Some((place, runs)) = with_small_disk(script) else { return };
    let statuses: Vec<i32> = runs.iter().map(|run| run.status).collect();
    assert_eq!(statuses, [0, 4, 0, 0, 4], "{runs:#?}");
    runs[1].expect(
        4,
        "",
        "\
error: `[PLACE]/state` is not writable: read-only file system
hint: name another state directory with the environment variable `STEPBOX_HOME`
",
    );
    assert!(runs[2].stdout.contains("shared"), "{:?}", runs[2]);
    assert!(place.path("volume.tar.zst").metadata().is_ok_and(|metadata| metadata.len() > 0));
    assert_eq!(lines(&runs[4], "error: ").len(), 1, "{:?}", runs[4]);
}

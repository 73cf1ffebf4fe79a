//! Folders of the volume that a step sees elsewhere.

use stepbox_tests::Place;

fn pipeline(volumes: &str, commands: &[&str]) -> String {
    let commands: String = commands.iter().map(|command| format!("      - |-\n        {command}\n")).collect();
    format!(
        "version: '1.0'\nsteps:\n  make:\n    image: alpine\n    commands:\n      - cd /codefresh/volume && mkdir -p deep/cache && \
         echo kept > deep/cache/file\n      - ln -s deep/cache inside; ln -s ../../../../etc outside; ln -s ../.. up\n  use:\n    image: alpine\n    \
         volumes: {volumes}\n    commands:\n{commands}"
    )
}

#[test]
fn f18_f21_folders_are_seen_by_the_shell_and_by_commands_and_are_live() {
    let place = Place::new().file(
        "codefresh.yml",
        pipeline(
            "['./deep/cache:/root/.cache', '/deep:/opt/${{CF_STEP_NAME}}:ro', './new:/var/new', 'inside:/link']",
            &[
                "cat /root/.cache/file; echo two > /root/.cache/two; cat /codefresh/volume/deep/cache/two",
                "ls /opt /opt/use /var /link",
                "read line < /link/two && echo \"$line\"",
                "if echo no > /opt/use/x; then exit 5; fi",
                "if touch /opt/use/y; then exit 6; fi",
                "cp /root/.cache/two /var/new/three && mv /var/new/three /var/new/four && ls /codefresh/volume/new",
                "cd /root/.cache && pwd && cat file",
            ],
        ),
    );
    let run = place.run(["run", "--quiet"]);
    let expected = "kept\ntwo\n/link:\nfile\ntwo\n\n/opt:\nuse\n\n/opt/use:\ncache\n\n/var:\nnew\ntmp\ntwo\nsh: 4: cannot create /opt/use/x: \
                    Read-only file system\n";
    assert_eq!(run.status, 0, "{run:?}");
    let printed = run.stdout.split_once("without history\n").map_or(run.stdout.as_str(), |(_, rest)| rest);
    assert!(printed.starts_with(expected), "{printed}");
    assert!(printed.ends_with("four\n/root/.cache\nkept\n"), "{printed}");
}

#[test]
fn f19_f20_what_leads_out_or_covers_something_is_an_error_before_anything_runs() {
    let place = Place::new().file("codefresh.yml", pipeline("['a:/x', '../x:/y', './a:/codefresh/volume']", &["true"]));
    place.run(["run"]).expect(
        2,
        "",
        "error: step `use`: the volume `../x:/y` leads out of /codefresh/volume\n  --> codefresh.yml:10:23\n   |\n10 |     volumes: ['a:/x', \
         '../x:/y', './a:/codefresh/volume']\n   |                       ^^^^^^^^^\nhint: write `- ./folder:/path`, where the folder \
         is one of the volume\nerror: the pipeline `codefresh.yml` cannot be run\n",
    );
    for (volumes, reason) in [
        (
            "['${{CF_VOLUME_PATH}}:/codefresh/volume']",
            "the volume `/codefresh/volume:/codefresh/volume` has a duplicate mount point: /codefresh/volume",
        ),
        ("['outside:/x']", "cannot mount `outside` of the volume: "),
        ("['up/etc:/x']", "cannot mount `up/etc` of the volume: "),
        ("['./deep/cache/file:/x']", "cannot mount `deep/cache/file` of the volume: it is no folder"),
    ] {
        let place = Place::new().file("codefresh.yml", pipeline(volumes, &["ls /x"]));
        let run = place.run(["run"]);
        assert_eq!(run.status, 1, "{volumes} {run:?}");
        assert!(run.stderr.contains(&format!("use: error: {reason}")), "{volumes} {run:?}");
    }
}

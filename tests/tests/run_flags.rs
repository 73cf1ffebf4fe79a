//! Flags of `run` that say what the volume is and what starts the build.

use stepbox_tests::Place;

fn place() -> Place {
    Place::new().commands(&["cd /codefresh/volume", "echo x >> seen", "wc -l < seen"])
}

#[test]
fn l16_a_folder_is_the_volume_from_build_to_build() {
    let place = place();
    let table = "\nstep        result          time  stage\nmain_clone  success        N s  default\nwork        success        \
                 N s  default\n\n";
    let expected = |folder: &str| {
        format!(
            "build: [ID]\nUsing {folder} as a local volume.\n\n==> Cloning main repository\nCloning main repository: \
             success (N s)\n\n==> work\nwork: success (N s)\n{table}volume: stays in {folder}\nbuild succeeded (N s)\n"
        )
    };
    for (number, flag) in ["--local-volume=../folder", "-lv=../folder"].iter().enumerate() {
        let run = place.settled(place.run(["run", flag]));
        assert!(run.stdout.ends_with(&format!("\n{}\n", number + 1)), "{run:?}");
        assert_eq!((run.status, run.stderr), (0, expected("[PLACE]/folder")));
    }
    // Stepbox's own, and what cannot be one.
    let run = place.run(["run", "-lv"]);
    assert!(run.stdout.ends_with("\n1\n") && run.stderr.contains("Using [PLACE]/state/volumes/v-"), "{run:?}");
    place.run(["run", "-lv", "../folder"]).expect(
        2,
        "",
        "error: cannot read the pipeline: `../folder` is a directory\nhint: name the file, such as \
         `../folder/codefresh.yml`\nhint: to name the folder of the volume, write `--local-volume=DIR`\n",
    );
    place.run(["run", "--local-volume=."]).expect(
        2,
        "",
        "error: `[PLACE]/project` cannot be a local volume: it holds the pipeline or its source\nhint: steps may change and \
         remove everything in it: name a folder of its own, such as `--local-volume=./volume`\n",
    );
}

#[test]
fn l7_l13_when_to_save_and_whether_to_use_the_cache() {
    let place = place();
    let last = |arguments: &[&str]| {
        let run = place.settled(place.run([&["run"], arguments].concat()));
        let line = run.stderr.lines().find(|line| line.starts_with("volume ") && !line.contains("[PLACE]"));
        (run.status, run.stdout.lines().last().map(str::to_owned), line.map(|line| line.replace("[ID]", "")))
    };
    let seen = |count: &str, line: &str| (0, Some(count.to_owned()), Some(line.to_owned()));
    let never = "volume not saved: it is never saved, as the caller wants it";
    assert_eq!(last(&["--save-volume", "never"]), seen("1", never));
    assert_eq!(last(&["--save-volume", "success"]), seen("1", "volume saved: "));
    assert_eq!(last(&["--no-cache", "--concurrent-volume", "empty"]), seen("2", "volume saved: "));
    assert_eq!(last(&["-nc", "--save-volume", "always"]), seen("3", "volume saved: "));
}

#[test]
fn r2_a_trigger_gives_its_variables() {
    let place = Place::new().file(
        "codefresh.yml",
        "version: '1.0'\nkind: pipeline\nmetadata: {name: shop/test}\nspec:\n  triggers:\n  - name: push\n    variables: [{key: \
         WHO, value: trigger}]\n  variables: [{key: WHO, value: pipeline}]\n  steps:\n    work:\n      image: alpine\n      \
         commands: [\"echo $WHO '${{WH}}'\"]\n",
    );
    let run = |arguments: &[&str]| place.run([&["run", "--quiet"], arguments].concat());
    let first = run(&[]);
    assert!(first.stdout.ends_with("\npipeline ${{WH}}\n"), "{first:?}");
    let note = "`${{WH}}` is not defined and stays as it is";
    assert!(first.stderr.contains(note), "{first:?}");
    for flag in ["--trigger", "-t"] {
        assert!(run(&[flag, "push"]).stdout.ends_with("\ntrigger ${{WH}}\n"));
    }
    assert_eq!(run(&["-t", "push", "-v", "WHO=build"]).stdout.lines().last(), Some("build ${{WH}}"));
    run(&["-t", "pusj"]).expect(2, "", "error: there is no trigger `pusj`\nhint: did you mean `push`?\n");
}

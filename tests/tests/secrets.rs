//! Secrets of the command line.

use stepbox_tests::Place;

fn place() -> Place {
    Place::new().commands(&["echo ${#TOKEN}", "echo \"it is $TOKEN\"", "echo $TOKEN > /codefresh/volume/kept"])
}

#[test]
fn v31_a_secret_comes_from_the_command_line_a_file_or_the_environment_and_is_masked() {
    let place = place().file("token", "hunter2\n");
    for given in ["TOKEN=hunter2", "TOKEN@token", "TOKEN"] {
        let run = place.finish(place.command(["run", "--quiet", "--secret", given]).env("TOKEN", "hunter2"));
        assert!(run.status == 0 && run.stdout.ends_with("\n7\nit is ****\n"), "{given}: {run:?}");
        assert!(!run.stdout.contains("hunter2") && !run.stderr.contains("hunter2"), "{given}: {run:?}");
    }
    for (path, _) in place.tree("state/builds") {
        let text = std::fs::read(&path).unwrap_or_default();
        assert!(!text.windows(7).any(|window| window == b"hunter2"), "{}", path.display());
    }
}

#[test]
fn a_secret_without_value_is_told_and_no_value_is_repeated() {
    let place = place().file("binary", [0xff, 0xfe]);
    for (given, told) in [
        (
            "TOKEN",
            "error: the secret `TOKEN` has no value: no environment variable has its name\n\
             hint: write `--secret TOKEN=VALUE`, `--secret TOKEN@FILE`, or set the environment variable `TOKEN`\n",
        ),
        ("TOKEN@missing", "error: cannot read the secret `TOKEN` from `missing`: no such file or directory\n"),
        ("TOKEN@binary", "error: cannot read the secret `TOKEN`: `binary` is not UTF-8 text\n"),
        (
            "=hunter2",
            "error: `--secret` has no name before its value\n\
             hint: write `--secret NAME=VALUE`, `--secret NAME@FILE` or `--secret NAME`\n",
        ),
    ] {
        place.run(["run", "--secret", given]).expect(2, "", told);
    }
}

//! `stepbox check`.

use stepbox_tests::Place;

const MIXED: &str = "version: '1.0'
services: {name: x, composition: {a: {image: b}}}
steps:
  make:
    image: alpine
    commands: [ls, \"sh -c 'make all'\"]
  both:
    type: parallel
    steps:
      node:
        image: node:20
        commands:
          - |-
            ls
            npm ci
      python: {image: 'python:3', commands: [cat x]}
  build:
    type: build
    image_name: a/b
  typed: {type: helm:1.0.0, arguments: {}}
  broken:
    image: alpine
    commands: ['if true; then']
";

#[test]
fn each_step_says_what_it_needs_and_where() {
    Place::new().file("codefresh.yml", MIXED).run(["check"]).expect(
        1,
        "\
-       needs Docker: `services` (codefresh.yml:2:1)
make    needs command `make` (codefresh.yml:6:28)
both    runs
node    needs image `node:20` (codefresh.yml:11:16): the toolbox lacks `npm`
python  needs image `python:3` (codefresh.yml:16:23): the toolbox would do
build   needs Docker: `type: build` (codefresh.yml:18:11)
typed   needs `type: helm:1.0.0` (codefresh.yml:20:17): typed steps other than `freestyle` and `git-clone` are not executed yet
broken  needs a shell that reads its script (codefresh.yml:23:16): 2: syntax error: end of file unexpected

1 of 7 steps can run
",
        "",
    );
}

#[test]
fn images_and_variables_of_the_caller_count() {
    let text =
        "version: '1.0'\nsteps:\n  a:\n    image: ${{IMAGE}}\n    commands:\n      - |-\n        ls\n        npm ci\n";
    let place = Place::new().file("codefresh.yml", text);
    place.run(["check", "-v", "IMAGE=debian:12"]).expect(
        1,
        "a     needs command `npm` (codefresh.yml:8:9)\n\n0 of 1 steps can run\n",
        "",
    );
    let place = Place::new().file("codefresh.yml", text.replace("npm ci", "cat x"));
    place.run(["check", "-v", "IMAGE=node:20", "--image", "node=toolbox"]).expect(
        0,
        "a     runs\n\neverything can run\n",
        "",
    );
    assert!(!place.path("state/store").exists(), "nothing is made");
}

#[test]
fn json_tells_the_same() {
    let place = Place::new().file(
        "codefresh.yml",
        "version: '1.0'\nsteps:\n  a: {image: 'node:20', commands: [npm ci]}\n  b: {image: alpine, commands: [ls]}\n",
    );
    place.run(["check", "--output", "json"]).expect(
        1,
        "{\"runs\":false,\"steps\":[{\"step\":\"a\",\"place\":\"codefresh.yml:3:3\",\"missing\":[{\"needs\":\"image\",\"image\":\"node:20\",\
         \"place\":\"codefresh.yml:3:14\",\"toolbox\":{\"lacks\":[\"npm\"]}}]},{\"step\":\"b\",\"place\":\"codefresh.yml:4:3\",\"missing\":[]}],\"pipeline\":[]}\n",
        "",
    );
}

#[test]
fn a_pipeline_that_is_wrong_is_told_as_everywhere() {
    let place = Place::new().file("codefresh.yml", "version: 1\n");
    let run = place.run(["check"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.starts_with("error: \"steps\" is required\n --> codefresh.yml:1:1\n"), "{run:?}");
}

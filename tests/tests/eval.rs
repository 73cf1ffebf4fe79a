//! `stepbox eval`.

use stepbox_tests::Place;

#[test]
fn the_verdict_or_the_value_is_printed() {
    let place = Place::new().file("vars.json", r#"{"n": 5, "s": "a\"b", "o": {"x": null, "y": true}, "none": null}"#);
    for (arguments, printed) in [
        (&["n > 4 && o.y"][..], "true\n"),
        (&["none"], "false\n"),
        (&[""], "false\n"),
        (&["\"${{s}}\" == s"], "true\n"),
        (&["\"${{n}}\" == '5'"], "true\n"),
        (&["--value", "n + 0.5"], "5.5\n"),
        (&["--value", "upper(s)"], "\"A\\\"B\"\n"),
        (&["--value", "o"], "{\"x\":null,\"y\":true}\n"),
        (&["-v", "X=main", "X == 'main'"], "true\n"),
        (&["--value", "replace('hello there', 'e', 'a')"], "\"hallo thara\"\n"),
        (&["--value", "--official", "replace('hello there', 'e', 'a')"], "\"hallo there\"\n"),
    ] {
        let all = ["eval", "--variables", "vars.json"].iter().chain(arguments).copied();
        place.run(all).expect(0, printed, "");
    }
    let told = "warning: `===` is no operator of conditions, it is taken as `==`\n";
    place.run(["eval", "1 === 1"]).expect(0, "true\n", told);
}

#[test]
fn what_has_no_value_is_told_with_exit_status_1() {
    let place = Place::new();
    for (expression, told) in [
        ("A", "error: Invalid identifier: 'A'\n"),
        ("1 +", "error: Expected expression after + at character 3\n"),
        (
            "1 == '1'",
            "error: The operator == cannot be used with number,string. It can only be used with the types: number,string,nullableString,object,boolean\n",
        ),
    ] {
        place.run(["eval", expression]).expect(1, "", told);
    }
    place.run(["eval", "--official", "1 === 1"]).expect(1, "", "error: Invalid binary operator: ===\n");
}

#[test]
fn wrong_files_of_variables_are_told_with_their_places() {
    let place = Place::new()
        .file("broken.json", "{\"a\": 1,\n \"b\": }\n")
        .file("list.json", "[1]")
        .file("in.json", "{\"a\": [1]}");
    for (file, told) in [
        (
            "broken.json",
            "error: expected value at line 2 column 7\n --> broken.json:2:7\n  |\n2 |  \"b\": }\n  |       ^\n",
        ),
        (
            "list.json",
            "error: the variables must be one object of names and values\n --> list.json:1:1\n  |\n1 | [1]\n  | ^\n",
        ),
        (
            "in.json",
            "error: the variable `a` holds a list, which conditions do not know\n --> in.json:1:1\n  |\n1 | {\"a\": [1]}\n  | ^\n",
        ),
        ("missing.json", "error: cannot read the variables `missing.json`: no such file or directory\n"),
    ] {
        place.run(["eval", "--variables", file, "a"]).expect(2, "", told);
    }
}

//! `stepbox tools`: the commands that every step can use.

use stepbox_tests::Place;

#[test]
fn every_command_is_listed_with_its_family_version_and_origin() {
    let run = Place::new().run(["tools"]);
    let rows: Vec<Vec<&str>> = run.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((run.status, rows[0].as_slice()), (0, ["command", "family", "version", "origin"].as_slice()));
    let row = |name: &str| rows.iter().find(|row| row[0] == name).unwrap_or_else(|| panic!("{name}"))[1..].to_vec();
    assert_eq!(row("sort"), ["core", "0.12.0", "uutils"]);
    assert_eq!(row("xargs"), ["host", env!("CARGO_PKG_VERSION"), "stepbox"]);
    assert_eq!(row("jq"), ["data", env!("CARGO_PKG_VERSION"), "stepbox"]);
}

#[test]
fn one_command_is_described() {
    let place = Place::new();
    let version = env!("CARGO_PKG_VERSION");
    let told = format!("tac {version} (stepbox, family text)\nusage: tac [-b] [-s SEPARATOR] [FILE]…\n");
    place.run(["tools", "tac"]).expect(0, &told, "");
    let json = "{\"name\":\"sort\",\"family\":\"core\",\"version\":\"0.12.0\",\"origin\":\"uutils\",\"usage\":null}\n";
    place.run(["tools", "sort", "--output", "json"]).expect(0, json, "");
    assert!(place.run(["tools", "sort"]).stdout.contains("--reverse"));
    place.run(["sh", "-c", "tac --help"]).expect(0, "usage: tac [-b] [-s SEPARATOR] [FILE]…\n", "");
    place.run(["tools", "nothing"]).expect(2, "", "error: the toolbox has no command `nothing`\n");
}

//! Small scripts with what dash prints for them and its status, in `dash_table/table.txt`:
//! `=== name`, the script, `--- status`, the output (`%no newline%` where its last line has no end).

mod support;

const TABLE: &str = include_str!("dash_table/table.txt");

/// Cases where the shell differs from dash, each for a reason; one that starts to agree fails the test.
const DIFFERENT: &[(&str, &str)] = &[
    ("utilities 24", "`echo` replaces escapes only with `-e`, as in busybox and bash"),
    ("utilities 49", "a script that is missing has status 127 (POSIX XCU sh), as in bash"),
    ("f8 items in one program 3", "a script is parsed as a whole: nothing runs before a syntax error"),
];

#[test]
fn f5_xcu_2_scripts_do_what_dash_does() {
    let mut failed = vec![];
    let mut count = 0;
    for case in TABLE.split("=== ").skip(1) {
        let (name, rest) = case.split_once('\n').expect("a name");
        let (script, rest) = rest.rsplit_once("\n--- ").expect("a status");
        let (status, output) = rest.split_once('\n').expect("an output");
        let expected = (output.replace("%no newline%\n", ""), status.parse::<u8>().expect("a status"));
        let ran = support::script(script);
        count += 1;
        let known = DIFFERENT.iter().find(|(known, _)| *known == name);
        let agrees = (ran.stdout.clone(), ran.status) == expected;
        match known {
            Some(_) if agrees => failed.push(format!("{name}: agrees now; take it off the list")),
            None if !agrees => failed.push(format!(
                "{name}\n{script}\nexpected {expected:?}\n     got {:?}\n{}",
                (ran.stdout, ran.status),
                ran.stderr
            )),
            _ => {}
        }
    }
    assert!(count > 200, "{count}");
    assert!(failed.is_empty(), "{} of {count} differ:\n\n{}", failed.len(), failed.join("\n\n"));
}

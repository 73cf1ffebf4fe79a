//! Which command a script has failed with, for whoever started it.

mod support;

use stepbox_shell::Mode;
use support::Script;

/// The command that a script fails with under `set -e`: `status: line: text`, with function, file and line of the script where
/// they say more.
fn failed(source: &str) -> String {
    told(Script::new(source), true)
}

fn told(script: Script, errexit: bool) -> String {
    let library = "f() {\n  false\n}\n\nif true; then\n  ${WRONG:-true} 7\nfi\n";
    let (ran, failed) = script.file("/work/lib.sh", library).run_as_step(errexit);
    let Some(failed) = failed else { return ran.status.to_string() };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut told = format!("{}: {}: {}", ran.status, failed.line, text(&failed.text));
    if let Some(function) = &failed.function {
        told += &format!(" in {}", text(function));
    }
    if let Some(file) = &failed.file {
        told += &format!(" of {}", text(file));
    }
    if failed.script_line != failed.line {
        told += &format!(" from {}", failed.script_line);
    }
    told
}

#[test]
fn f6_the_command_that_ends_a_step_is_told_as_it_was_typed() {
    assert_eq!(failed("true\ncat   nosuch  >\"$HOME/x\"\ntrue"), "1: 2: cat nosuch > \"$HOME/x\"");
    assert_eq!(failed("true\nif true; then\n  (exit 3)\nfi"), "3: 3: exit 3");
    assert_eq!(failed("true; nosuch"), "127: 1: nosuch");
    assert_eq!(failed("a=1\n a=$((1/0))"), "2: 2: a=$((1/0))");
    assert_eq!(failed("echo x\n: ${x?is missing}"), "2: 2: : ${x?is missing}");
    assert_eq!(failed("{ echo x; } > /nosuch/x"), "2: 1: ");
    assert_eq!(failed("true"), "0");
    assert_eq!(failed("false || true; if false; then :; fi"), "0");
}

#[test]
fn f6_the_innermost_command_of_functions_and_files_is_told() {
    assert_eq!(failed("f() {\n  g\n}\ng() {\n  false\n}\nf"), "1: 5: false in g from 7");
    assert_eq!(failed("f() {\n  return 4\n}\n\nf"), "4: 2: return 4 in f from 5");
    assert_eq!(failed(". ./lib.sh\nf"), "1: 2: false in f of ./lib.sh");
    assert_eq!(failed("\n\nWRONG=nosuch\n. ./lib.sh"), "127: 6: ${WRONG:-true} 7 of ./lib.sh from 4");
    assert_eq!(failed("eval 'true; (exit 5)'"), "5: 1: exit 5");
    let bash = told(Script::new("f() {\n  [[ a = b ]]\n}\nf").mode(Mode::Bash), true);
    assert_eq!(bash, "1: 2: [[ a = b ]] in f from 4");
}

#[test]
fn f6_stages_subshells_and_substitutions_tell_their_commands() {
    assert_eq!(failed("echo x | {\n  cat; false\n}"), "1: 2: false");
    assert_eq!(failed("set -o pipefail\necho x | (exit 9) | cat"), "9: 2: exit 9");
    assert_eq!(failed("true\nx=$(\n  exit 6)"), "6: 3: exit 6");
    assert_eq!(failed("cat $(exit 6) nosuch"), "1: 1: cat $(exit 6) nosuch");
    assert_eq!(failed("! true\n! true && false\n! true"), "1: 3: ! true");
}

#[test]
fn the_last_command_is_told_without_errexit() {
    assert_eq!(told(Script::new("false\ntrue\ncat nosuch"), false), "1: 3: cat nosuch");
    assert_eq!(told(Script::new("true && (exit 3) && true"), false), "3: 1: exit 3");
    assert_eq!(told(Script::new("for i in 1 2; do\n  cat nosuch$i; done"), false), "1: 2: cat nosuch$i");
    assert_eq!(told(Script::new("echo 1 | while read x; do\n  cat nosuch; done"), false), "1: 2: cat nosuch");
}

#[test]
fn what_leaves_with_a_status_is_told_and_what_only_passes_it_on_is_not() {
    assert_eq!(failed("cat nosuch || exit"), "1: 1: cat nosuch");
    assert_eq!(failed("cat nosuch || exit $?"), "1: 1: cat nosuch");
    assert_eq!(failed("cat nosuch || {\n echo no\n exit 1\n}"), "1: 3: exit 1");
    assert_eq!(failed("trap 'echo end; false' EXIT\ncat nosuch"), "1: 2: cat nosuch");
    assert_eq!(failed("trap 'exit 8' EXIT\ncat nosuch"), "8: 2: exit 8");
    // What no command has failed with.
    assert_eq!(failed("cat nosuch || true\nif"), "2");
    assert_eq!(failed("cat nosuch || true\nkill -TERM $$"), "143");
}

#[test]
fn messages_of_a_sourced_file_name_it_and_its_line() {
    let library = "f() {\n  nosuch1\n}\n\nnosuch2\n";
    let source = ". ./lib.sh\nf\nnosuch3";
    let ran = Script::new(source).file("/work/lib.sh", library).run();
    let said = ran.stderr.lines().filter(|line| !line.starts_with("hint")).collect::<Vec<_>>().join("\n");
    assert_eq!(said, "./lib.sh: 5: nosuch2: not found\n./lib.sh: 2: nosuch1: not found\nsh: 3: nosuch3: not found");
    let ran = Script::new(source).file("/work/lib.sh", library).mode(Mode::Bash).run();
    let said = ran.stderr.lines().filter(|line| !line.starts_with("hint")).collect::<Vec<_>>().join("\n");
    assert_eq!(
        said,
        "./lib.sh: line 5: nosuch2: command not found\n./lib.sh: line 2: nosuch1: command not found\n\
         bash: line 3: nosuch3: command not found"
    );
    let ran = Script::new(". ./lib.sh").file("/work/lib.sh", "true\n  fi\n").run();
    assert_eq!(ran.stderr, "./lib.sh: 2: syntax error: \"fi\" unexpected\n");
}

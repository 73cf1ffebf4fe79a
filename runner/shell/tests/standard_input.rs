//! What a shell's standard input gives to the shell and what to its commands.

mod support;

use support::{Script, script};

#[test]
fn f8_a_script_on_standard_input_leaves_what_stands_behind_a_line_to_its_commands() {
    let text = "read x; echo \"got $x\"\nfor the command\nif true; then\n  echo yes\nfi\ncat\nthe rest\nof it\n";
    let ran = Script::command_line(&[b"-s", b"argument"]).stdin(text).run();
    assert_eq!((ran.stdout.as_str(), ran.status), ("got for the command\nyes\nthe rest\nof it\n", 0), "{}", ran.stderr);
}

#[test]
fn f8_a_pipe_is_not_read_ahead() {
    let ran = script("printf '%s\\n' 'read x; echo \"got $x\"' line2 'head -n 1' line3 'echo end' | sh");
    assert_eq!((ran.stdout.as_str(), ran.status), ("got line2\nline3\nend\n", 0), "{}", ran.stderr);
}

#[test]
fn f8_what_stands_before_a_syntax_error_on_standard_input_runs() {
    let ran = Script::command_line(&[]).stdin("echo one\nfi\necho two\n").run();
    assert_eq!((ran.stdout.as_str(), ran.status), ("one\n", 2));
    assert!(ran.stderr.contains("sh: 2: syntax error"), "{}", ran.stderr);
}

#[test]
fn f8_one_command_on_standard_input_is_bounded_and_the_script_is_not() {
    let ran = Script::command_line(&[]).stdin("x=1\n".repeat(1_500_000) + "echo $x\n").run();
    assert_eq!((ran.stdout.as_str(), ran.status), ("1\n", 0), "{:.300}", ran.stderr);
    let ran = Script::command_line(&[]).stdin("x".repeat(5 << 20)).run();
    assert!(ran.status == 2 && ran.stderr.contains("the script is larger than"), "{} {:.300}", ran.status, ran.stderr);
}

#[test]
fn read_takes_one_line_of_a_file_that_others_go_on_with() {
    let ran =
        Script::new("{ read -r a; head -n 1; read -r b; cat; } < f; echo \"$a|$b\"").file("/work/f", "1\n2\n3\n4\n");
    let ran = ran.run();
    assert_eq!((ran.stdout.as_str(), ran.status), ("2\n4\n1|3\n", 0), "{}", ran.stderr);
}

#[test]
fn read_has_the_options_of_ash() {
    let ran = script(
        "printf 'a\\n:b c\\nd' | { IFS= read -d : x; read -r -n 2 y; read -p 'a prompt' z; read -s w; \
         printf '[%s]' \"$x\" \"$y\" \"$z\" \"$w\"; }; read -n x; echo $?",
    );
    assert_eq!((ran.stdout.as_str(), ran.status), ("[a\n][b][c][d]2\n", 0), "{}", ran.stderr);
}

#[test]
fn aliases_that_grow_without_end_are_an_error() {
    let mut text = String::from("alias a0='echo x'\n");
    for number in 1..40 {
        text.push_str(&format!("alias a{number}='a{}; a{}'\n", number - 1, number - 1));
    }
    let ran = script(&(text + "a39\n"));
    assert!(ran.status == 2 && ran.stderr.contains("aliases give more than"), "{} {:.300}", ran.status, ran.stderr);
}

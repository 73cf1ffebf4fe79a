//! The freestyle step.

use stepbox_pipeline::{Shell, Words};

use crate::{errors, freestyle, step, texts, warnings};

#[test]
fn y6_a_command_that_became_a_mapping_is_an_error_with_advice() {
    let reading = step("image: x\ncommands:\n- echo hello: world");
    let error = reading.errors().next().expect("an error");
    assert_eq!((error.message.as_str(), error.path.as_str()), ("\"0\" must be a string", "steps.jim.commands[0]"));
    assert!(error.hints[0].contains("block scalar"), "{:?}", error.hints);
    assert_eq!(error.place.map(|place| place.line), Some(7));
}

#[test]
fn r14_unknown_fields_of_a_freestyle_step_are_warned_about() {
    let reading = step("image: x\ncomands: [a]\nwhatever: 1");
    assert!(reading.is_runnable());
    assert_eq!(
        warnings(&reading),
        [
            "a freestyle step has no field `comands`, it is ignored",
            "a freestyle step has no field `whatever`, it is ignored"
        ]
    );
    assert_eq!(reading.diagnostics[0].hints, ["did you mean `commands`?"]);
    assert_eq!(reading.diagnostics[1].hints, [""; 0]);
}

#[test]
fn f1_commands_and_cmd_exclude_each_other() {
    assert_eq!(errors(&step("image: x\ncmd: a\ncommands: [b]")), ["\"commands\" conflict with forbidden peer \"cmd\""]);
}

#[test]
fn f2_shell_and_cmd_exclude_each_other() {
    assert_eq!(errors(&step("image: x\ncmd: a\nshell: sh")), ["\"shell\" conflict with forbidden peer \"cmd\""]);
}

#[test]
fn f3_commands_and_entry_point_are_accepted() {
    let found = freestyle("image: x\nentry_point: [a, b]\ncommands: [c]");
    assert!(matches!(&found.entry_point, Some(Words::List(words)) if texts(words) == ["a", "b"]));
    assert_eq!(texts(&found.commands.expect("commands")), ["c"]);
}

#[test]
fn f4_fields_that_no_source_knows_are_unknown() {
    for field in ["docker_registry", "no_cf_export"] {
        assert_eq!(warnings(&step(&format!("image: x\n{field}: y"))).len(), 1, "{field}");
    }
}

#[test]
fn f9_without_commands_there_is_cmd_or_nothing() {
    assert_eq!(freestyle("image: x").commands, None);
    assert_eq!(freestyle("image: x\ncommands: []").commands, None);
    assert!(matches!(freestyle("image: x\ncmd: a b").cmd, Some(Words::Text(text)) if text.text() == "a b"));
    assert!(matches!(freestyle("image: x\ncmd: [a, b]").cmd, Some(Words::List(words)) if words.len() == 2));
}

#[test]
fn f10_the_shell_is_sh_or_bash() {
    assert_eq!(freestyle("image: x").shell, Shell::Sh);
    assert_eq!(freestyle("image: x\nshell: bash\ncommands: [a]").shell, Shell::Bash);
    assert_eq!(errors(&step("image: x\nshell: bashh")), ["\"shell\" must be one of [sh, bash]"]);
}

#[test]
fn an_image_is_required_and_a_string() {
    assert_eq!(errors(&step("title: x")), ["\"image\" is required"]);
    assert_eq!(errors(&step("image: {}")), ["\"image\" must be a string"]);
    assert_eq!(errors(&step("image: ''")), ["\"image\" is not allowed to be empty"]);
    assert_eq!(errors(&step("matrix: {image: [a, b]}")), [""; 0]);
}

#[test]
fn f5_commands_are_a_list_of_strings() {
    assert_eq!(errors(&step("image: x\ncommands: echo")), ["\"commands\" must be an array"]);
    assert_eq!(errors(&step("image: x\ncommands: ['', {}, 5, ok]")).len(), 3);
}

#[test]
fn f14_f15_the_environment_is_a_list_of_strings() {
    let found = freestyle("image: x\nenvironment: [A=b, ALONE, 'C=${{D}}']");
    assert_eq!(texts(&found.environment), ["A=b", "ALONE", "C=${{D}}"]);
    let reading = step("image: x\nenvironment: {A: b}");
    assert_eq!(errors(&reading), ["\"environment\" must be an array"]);
    assert_eq!(reading.errors().next().expect("an error").hints, ["write the variables as a list of `- KEY=value`"]);
    assert_eq!(errors(&step("image: x\nenvironment: [A: b]")), ["\"0\" must be a string"]);
}

#[test]
fn w5_the_working_directory_has_an_alias_and_is_a_string() {
    let text = |fields: &str| freestyle(fields).working_directory.map(|directory| directory.text().to_owned());
    assert_eq!(text("image: x\nworking_directory: /a"), Some("/a".to_owned()));
    assert_eq!(text("image: x\nworking-directory: /a"), Some("/a".to_owned()));
    assert_eq!(errors(&step("image: x\nworking_directory: {}")), ["\"working_directory\" must be a string"]);
}

//! The freestyle step (section 2.1 of the specification).

use super::context::{Context, Scope};
use super::fields::Fields;
use super::step::{COMMON, NOT_YET, ignore};
use super::suggest;
use crate::pipeline::{Freestyle, Shell};
use crate::yaml::Node;

/// The fields that only this type has.
const FIELDS: &[&str] = &[
    "image",
    "commands",
    "cmd",
    "entry_point",
    "shell",
    "environment",
    "working_directory",
    "working-directory",
    "volumes",
    "services",
    "registry_context",
    "registry_contexts",
    "role_arn",
    "annotations",
    "metadata",
    "scale",
    "matrix",
];

/// Reads the fields; `None` where there is no image to run in.
pub(super) fn read(context: &mut Context<'_>, scope: Scope<'_>, node: &Node, fields: &Fields<'_>) -> Option<Freestyle> {
    refuse(context, scope, fields);
    conflicts(context, scope, fields);
    unknown(context, scope, fields);
    // An image may come from `matrix` or `scale`, which are refused anyway.
    let elsewhere = fields.get("image").is_none() && (fields.get("matrix").is_some() || fields.get("scale").is_some());
    let image = if elsewhere { None } else { context.required(scope, "image", node, fields.get("image")) };
    let working_directory = fields.get_alias("working_directory", "working-directory");
    let working_directory = context.string(scope, "working_directory", working_directory);
    let commands = fields.get("commands").and_then(|node| {
        let hint = "write the commands as a list, each after `- `";
        context.strings(scope, "commands", node, hint, false)
    });
    let cmd = context.words(scope, "cmd", fields.get("cmd"));
    let entry_point = context.words(scope, "entry_point", fields.get("entry_point"));
    let shell = shell(context, scope, fields);
    let environment = fields.get("environment").and_then(|node| {
        let hint = "write the variables as a list of `- KEY=value`";
        context.strings(scope, "environment", node, hint, false)
    });
    // No commands and an empty list of commands are the same: the entry point runs.
    let commands = commands.filter(|commands| !commands.is_empty());
    let environment = environment.unwrap_or_default();
    Some(Freestyle { image: image?, working_directory, commands, cmd, entry_point, shell, environment })
}

fn shell(context: &mut Context<'_>, scope: Scope<'_>, fields: &Fields<'_>) -> Shell {
    let Some(node) = fields.get("shell") else { return Shell::Sh };
    match node.as_str() {
        Some("sh") => Shell::Sh,
        Some("bash") => Shell::Bash,
        _ => {
            context.error(scope, "shell", node.span, "\"shell\" must be one of [sh, bash]");
            Shell::Sh
        }
    }
}

/// Rules F1 and F2.
fn conflicts(context: &mut Context<'_>, scope: Scope<'_>, fields: &Fields<'_>) {
    if fields.get("cmd").is_none() {
        return;
    }
    for name in ["commands", "shell"] {
        if let Some((key, _)) = fields.entry(name) {
            let message = format!("\"{name}\" conflict with forbidden peer \"cmd\"");
            context.error_with_hint(scope, name, key.span, message, format!("remove `{name}` or `cmd`"));
        }
    }
}

/// What is valid and not executed, by name.
fn refuse(context: &mut Context<'_>, scope: Scope<'_>, fields: &Fields<'_>) {
    for name in ["scale", "matrix", "annotations"] {
        if let Some((key, _)) = fields.entry(name) {
            context.refuse(scope, name, key.span, NOT_YET, None);
        }
    }
    if let Some((key, _)) = fields.entry("services") {
        context.refuse(scope, "services", key.span, "services are containers, which need docker", None);
    }
    if let Some((key, node)) = fields.entry("volumes") {
        if let Some(items) = context.strings(scope, "volumes", node, "write `- ./folder:/path`", false) {
            for (number, item) in items.iter().enumerate().filter(|(_, item)| !item.text().contains(':')) {
                let text = item.text();
                let message = format!("\"{number}\" with value \"{text}\" fails to match the required pattern: /:/");
                context.error(scope, &format!("volumes[{number}]"), item.place(), message);
            }
        }
        context.refuse(scope, "volumes", key.span, NOT_YET, Some("link to the folder of the volume instead"));
    }
    for name in ["registry_context", "role_arn", "metadata"] {
        if let Some((key, _)) = fields.entry(name) {
            ignore(context, scope, name, key);
        }
    }
    if let Some((key, _)) = fields.entry("registry_contexts") {
        context.error(scope, "registry_contexts", key.span, "'registry_contexts' not allowed");
    }
}

/// Unknown fields are no error here, but never go unseen (rule R14).
fn unknown(context: &mut Context<'_>, scope: Scope<'_>, fields: &Fields<'_>) {
    let known: Vec<&str> = FIELDS.iter().chain(COMMON).copied().collect();
    // `success_criteria` and `mode` belong to parallel steps; here they would change nothing, as any unknown field.
    for (key, _) in fields.entries() {
        let name = key.scalar_text().unwrap_or_default();
        if known.contains(&name.as_ref()) {
            continue;
        }
        if name == "success_criteria" {
            context.refuse(scope, "success_criteria", key.span, NOT_YET, None);
            continue;
        }
        let hint = suggest::careful(&name, &known).map(|near| format!("did you mean `{near}`?"));
        context.warn(scope, &name, key.span, format!("a freestyle step has no field `{name}`, it is ignored"), hint);
    }
}

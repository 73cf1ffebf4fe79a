//! The git-clone step (section 8.1 of the specification).

use super::context::{Context, Scope};
use super::fields::Fields;
use super::step::COMMON;
use super::suggest;
use crate::pipeline::{Credentials, GitClone};
use crate::yaml::Node;

/// The fields that only this type has; a closed set together with the common ones.
const FIELDS: &[&str] = &[
    "repo",
    "revision",
    "git",
    "working_directory",
    "credentials",
    "depth",
    "exclude_blobs",
    "skip_tags_on_update",
    "use_proxy",
];

/// Reads the fields; `None` where there is no repository to clone.
pub(super) fn read(context: &mut Context<'_>, scope: Scope<'_>, node: &Node, fields: &Fields<'_>) -> Option<GitClone> {
    let known: Vec<&str> = FIELDS.iter().chain(COMMON).copied().collect();
    let aliases = ["working-directory"];
    for (key, _) in fields.entries() {
        let name = key.scalar_text().unwrap_or_default();
        if !known.contains(&name.as_ref()) && !aliases.contains(&name.as_ref()) {
            let near = suggest::official(&name, &known).map(|near| format!(". Did you mean \"{near}\"?"));
            let message = format!("\"{name}\" is not allowed{}", near.unwrap_or_default());
            context.error(scope, &name, key.span, message);
        }
    }
    let repo = context.required(scope, "repo", node, fields.get("repo"));
    let revision = context.string(scope, "revision", fields.get("revision"));
    let git = context.string(scope, "git", fields.get("git"));
    let working_directory = fields.get_alias("working_directory", "working-directory");
    let working_directory = context.string(scope, "working_directory", working_directory);
    let credentials = credentials(context, scope, fields);
    let depth = depth(context, scope, fields);
    let exclude_blobs = context.boolean(scope, "exclude_blobs", fields.get("exclude_blobs"));
    let skip_tags_on_update = context.boolean(scope, "skip_tags_on_update", fields.get("skip_tags_on_update"));
    let use_proxy = context.boolean(scope, "use_proxy", fields.get("use_proxy"));
    Some(GitClone {
        repo: repo?,
        revision,
        git,
        working_directory,
        credentials,
        depth,
        exclude_blobs,
        skip_tags_on_update,
        use_proxy,
    })
}

fn credentials(context: &mut Context<'_>, scope: Scope<'_>, fields: &Fields<'_>) -> Option<Credentials> {
    let node = fields.get("credentials")?;
    if !node.is_mapping() {
        context.error(scope, "credentials", node.span, "\"credentials\" must be an object");
        return None;
    }
    for (key, _) in node.entries() {
        let name = key.scalar_text().unwrap_or_default();
        if name != "username" && name != "password" {
            let field = format!("credentials.{name}");
            context.error(scope, &field, key.span, format!("\"{name}\" is not allowed"));
        }
    }
    let username = context.required(scope, "username", node, node.get("username"));
    let password = context.required(scope, "password", node, node.get("password"));
    Some(Credentials { username: username?, password: password? })
}

fn depth(context: &mut Context<'_>, scope: Scope<'_>, fields: &Fields<'_>) -> Option<u32> {
    let node = fields.get("depth")?;
    let number = node.as_number().or_else(|| node.as_str().and_then(|text| text.parse().ok()));
    match number {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        Some(number) if number >= 1.0 && number <= f64::from(u32::MAX) => Some(number as u32),
        Some(_) => {
            context.warn(scope, "depth", node.span, "\"depth\" must be at least 1, it is ignored", None);
            None
        }
        None => {
            context.error(scope, "depth", node.span, "\"depth\" must be a number");
            None
        }
    }
}

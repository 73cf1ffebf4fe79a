//! The git-clone step (section 8.1 of the specification).

use super::context::{Context, Scope};
use super::values::boolean;
use crate::pipeline::{Credentials, GitClone};
use crate::schema::{Fields, number};
use crate::yaml::Node;

/// Reads the fields; `None` where there is no repository to clone.
pub(super) fn read(context: &mut Context<'_>, scope: Scope<'_>, fields: &Fields<'_>) -> Option<GitClone> {
    let depth = depth(context, scope, fields);
    Some(GitClone {
        repo: context.text(fields.get("repo"))?,
        revision: context.text(fields.get("revision")),
        git: context.text(fields.get("git")),
        working_directory: context.text(fields.get("working_directory")),
        credentials: fields.get("credentials").and_then(|node| credentials(context, node)),
        depth,
        exclude_blobs: boolean(fields.get("exclude_blobs")),
        skip_tags_on_update: boolean(fields.get("skip_tags_on_update")),
        use_proxy: boolean(fields.get("use_proxy")),
    })
}

fn credentials(context: &Context<'_>, node: &Node) -> Option<Credentials> {
    let username = context.text(node.get("username"))?;
    Some(Credentials { username, password: context.text(node.get("password"))? })
}

/// The validator takes any number; one that counts no commits is ignored with a warning.
fn depth(context: &mut Context<'_>, scope: Scope<'_>, fields: &Fields<'_>) -> Option<u32> {
    let node = fields.get("depth")?;
    match number(node) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        Some(number) if number >= 1.0 && number <= f64::from(u32::MAX) => Some(number as u32),
        Some(_) => {
            context.warn(scope, "depth", node.span, "\"depth\" must be at least 1, it is ignored", None);
            None
        }
        None => None,
    }
}

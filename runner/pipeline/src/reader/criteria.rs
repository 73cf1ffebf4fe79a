//! `success_criteria` (rules P15, P16).

use std::collections::BTreeSet;

use super::context::{Context, Scope};
use super::when;
use crate::criteria::SuccessCriteria;
use crate::place::Place;
use crate::schema::{clip, key_text, nearest};
use crate::step_name::MAIN_CLONE;
use crate::yaml::Node;

/// Reads success criteria; `None` where there are none. `members` is the mapping of the steps that can decide: a name
/// that none of them has would decide nothing, unseen.
pub(super) fn read(
    context: &mut Context<'_>,
    scope: Scope<'_>,
    node: Option<&Node>,
    members: Option<&Node>,
) -> Option<SuccessCriteria> {
    let node = node.filter(|node| node.is_mapping())?;
    let steps = node.get("steps");
    // A plain list is `only`.
    let only = steps.filter(|steps| steps.as_sequence().is_some()).or_else(|| steps?.get("only"));
    let ignore = steps.and_then(|steps| steps.get("ignore"));
    let known: BTreeSet<&str> = members.into_iter().flat_map(Node::entries).map(|(key, _)| key_text(key)).collect();
    for name in only.iter().chain(&ignore).flat_map(|list| list.as_sequence().unwrap_or_default()) {
        // The clone of the source may be implicit, at the root.
        let implicit = scope.step.is_none() && name.as_str() == Some(MAIN_CLONE);
        if let Some(text) = name.as_str().filter(|text| !known.contains(text) && !implicit) {
            unknown(context, scope, text, name.span, &known);
        }
    }
    Some(SuccessCriteria {
        only: only.map(names),
        ignore: ignore.map(names).unwrap_or_default(),
        condition: node
            .get("condition")
            .map(|node| when::conditions(context, scope, "success_criteria.condition", node)),
    })
}

fn unknown(context: &mut Context<'_>, scope: Scope<'_>, name: &str, place: Place, known: &BTreeSet<&str>) {
    let message = format!("there is no step `{}` that could decide", clip(name));
    let known: Vec<&str> = known.iter().copied().collect();
    match nearest(name, &known) {
        Some(near) => {
            let hint = format!("did you mean `{near}`?");
            context.error_with_hint(scope, "success_criteria.steps", place, message, hint);
        }
        None => context.error(scope, "success_criteria.steps", place, message),
    }
}

fn names(list: &Node) -> BTreeSet<String> {
    list.as_sequence().unwrap_or_default().iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

//! `success_criteria` (rules P15, P16).

use std::collections::BTreeSet;

use super::context::{Context, Scope};
use super::when;
use crate::criteria::SuccessCriteria;
use crate::yaml::Node;

/// Reads success criteria; `None` where there are none.
pub(super) fn read(context: &mut Context<'_>, scope: Scope<'_>, node: Option<&Node>) -> Option<SuccessCriteria> {
    let node = node.filter(|node| node.is_mapping())?;
    let steps = node.get("steps");
    // A plain list is `only`.
    let only = steps.filter(|steps| steps.as_sequence().is_some()).or_else(|| steps?.get("only"));
    Some(SuccessCriteria {
        only: only.map(names),
        ignore: steps.and_then(|steps| steps.get("ignore")).map(names).unwrap_or_default(),
        condition: node
            .get("condition")
            .map(|node| when::conditions(context, scope, "success_criteria.condition", node)),
    })
}

fn names(list: &Node) -> BTreeSet<String> {
    list.as_sequence().unwrap_or_default().iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

//! What a pipeline's specification says beside the pipeline (section 10.4 of the specification).

use super::context::Context;
use super::values::{boolean, written};
use crate::pipeline_spec::{PipelineSpec, SpecOptions, SpecTrigger, SpecVariable};
use crate::yaml::Node;

/// Reads name, variables, options and triggers; `None` where the document has no `spec` or no name.
pub(super) fn read(context: &Context<'_>, root: &Node) -> Option<PipelineSpec> {
    let spec = root.get("spec").filter(|spec| spec.is_mapping())?;
    let name = context.text(root.get("metadata")?.get("name"))?.text().to_owned();
    let triggers = ["triggers", "cronTriggers"].into_iter().flat_map(|field| list(spec, field));
    Some(PipelineSpec {
        name,
        variables: variables(context, spec),
        options: options(spec),
        triggers: triggers.filter_map(|node| trigger(context, node)).collect(),
    })
}

fn list<'n>(node: &'n Node, field: &str) -> &'n [Node] {
    node.get(field).and_then(Node::as_sequence).unwrap_or_default()
}

/// A trigger; one without a name cannot be named and is nothing here.
fn trigger(context: &Context<'_>, node: &Node) -> Option<SpecTrigger> {
    let text = |field: &str| node.get(field).and_then(Node::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let id = text("id");
    let name = text("name").or_else(|| id.clone())?;
    Some(SpecTrigger { name, id, variables: variables(context, node), options: options(node) })
}

fn variables(context: &Context<'_>, node: &Node) -> Vec<SpecVariable> {
    list(node, "variables").iter().filter_map(|node| variable(context, node)).collect()
}

fn options(node: &Node) -> SpecOptions {
    let options = node.get("options");
    let option = |name: &str| boolean(options.and_then(|options| options.get(name)));
    SpecOptions {
        no_cache: option("noCache"),
        no_cf_cache: option("noCfCache"),
        reset_volume: option("resetVolume"),
        enable_notifications: option("enableNotifications"),
        keep_volume_while_waiting: option("keepPVCsForPendingApproval"),
    }
}

fn variable(context: &Context<'_>, node: &Node) -> Option<SpecVariable> {
    let value = node.get("value");
    Some(SpecVariable {
        key: context.text(node.get("key"))?.text().to_owned(),
        value: written(value),
        encrypted: boolean(node.get("encrypted")),
        place: value.unwrap_or(node).span,
    })
}

//! What a pipeline's specification says beside the pipeline (section 10.4 of the specification).

use super::context::Context;
use super::values::{boolean, written};
use crate::pipeline_spec::{PipelineSpec, SpecOptions, SpecVariable};
use crate::yaml::Node;

/// Reads name, variables and options; `None` where the document has no `spec` or no name.
pub(super) fn read(context: &Context<'_>, root: &Node) -> Option<PipelineSpec> {
    let spec = root.get("spec").filter(|spec| spec.is_mapping())?;
    let name = context.text(root.get("metadata")?.get("name"))?.text().to_owned();
    let variables = spec.get("variables").and_then(Node::as_sequence).unwrap_or_default();
    let options = spec.get("options");
    let option = |name: &str| boolean(options.and_then(|options| options.get(name)));
    Some(PipelineSpec {
        name,
        variables: variables.iter().filter_map(|node| variable(context, node)).collect(),
        options: SpecOptions {
            no_cache: option("noCache"),
            no_cf_cache: option("noCfCache"),
            reset_volume: option("resetVolume"),
            enable_notifications: option("enableNotifications"),
            keep_volume_while_waiting: option("keepPVCsForPendingApproval"),
        },
    })
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

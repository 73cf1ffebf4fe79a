//! The approval step (rule A6).

use std::time::Duration;

use super::context::{Context, Scope};
use crate::approval::{Approval, FinalState, MAX_APPROVAL_WAIT};
use crate::schema::{Fields, number};
use crate::yaml::Node;

/// Reads the fields; what is absent has its default.
pub(super) fn read(context: &mut Context<'_>, scope: Scope<'_>, fields: &Fields<'_>) -> Approval {
    if let Some(entry) = fields.entry("retry") {
        let message = "`retry` has no effect: an approval is asked for once".to_owned();
        context.warn(scope, "retry", entry.key.span, message, None);
    }
    let mut approval = Approval::default();
    let Some(timeout) = fields.get("timeout") else { return approval };
    let unit = match timeout.get("timeUnit").and_then(Node::as_str) {
        Some("minutes") => 60.0,
        _ => 3600.0,
    };
    let count = timeout.get("duration").and_then(number).filter(|count| *count > 0.0);
    let seconds = count.map(|count| count * unit);
    let default = approval.wait.as_secs_f64() / 3600.0 * unit;
    // What cannot be a duration is longer than the longest.
    let wait = Duration::try_from_secs_f64(seconds.unwrap_or(default)).unwrap_or(MAX_APPROVAL_WAIT);
    approval.wait = wait.min(MAX_APPROVAL_WAIT);
    if let Some(state) = timeout.get("finalState").and_then(Node::as_str).and_then(FinalState::from_word) {
        approval.final_state = state;
    }
    approval
}

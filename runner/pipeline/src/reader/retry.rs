//! How often a step is tried (rules F28-F30).

use super::context::{Context, Scope};
use crate::retry::Retry;
use crate::schema::{Fields, number};

/// Reads `retry`: numbers outside the documented ranges are moved into them, with a warning.
pub(super) fn read(context: &mut Context<'_>, scope: Scope<'_>, fields: &Fields<'_>) -> Retry {
    let mut retry = Retry::default();
    let Some(node) = fields.get("retry") else { return retry };
    let ranges = [("maxAttempts", 1.0, 10.0), ("delay", 5.0, 60.0), ("exponentialFactor", 1.0, 5.0)];
    for (name, least, most) in ranges {
        let Some(node) = node.get(name) else { continue };
        let Some(number) = number(node).filter(|number| *number > 0.0) else { continue };
        let whole = if name == "maxAttempts" { number.floor() } else { number };
        let clamped = whole.clamp(least, most);
        if (clamped - number).abs() > f64::EPSILON {
            let message = format!("\"{name}\" is {number}, outside {least} to {most}: {clamped} is taken");
            context.warn(scope, &format!("retry.{name}"), node.span, message, None);
        }
        match name {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1..=10")]
            "maxAttempts" => retry.max_attempts = clamped as u32,
            "delay" => retry.delay = clamped,
            _ => retry.exponential_factor = clamped,
        }
    }
    retry
}

//! What holds of all that is said of limits.

use stepbox_engine::{BadLimit, Limit, Limits, Wanted};

use crate::arguments::LimitArguments;
use crate::error::CliError;
use crate::{configuration, policy};

/// What `--limit` says.
pub(crate) fn of_flags(arguments: &LimitArguments) -> Result<Wanted, CliError> {
    let mut wanted = Wanted::new();
    for text in &arguments.limits {
        wanted.assign(text).map_err(|error| bad(&error).hint(format!("`--limit {text}` was given")))?;
    }
    Ok(wanted)
}

/// The limits of a command without a build: `stepbox exec` and `stepbox sh`.
pub(crate) fn of_one(arguments: &LimitArguments) -> Result<Limits, CliError> {
    // One shell has the room of a whole build.
    let mut room = Wanted::new();
    room.insert(Limit::Commands, Limit::Commands.most());
    let user = room.or(&configuration::user()?.limits).or(&of_flags(arguments)?);
    let settled = Limits::settle(&Wanted::new(), false, &user, &policy::limits(arguments.policy.as_deref())?);
    settled.refused.iter().for_each(|note| eprintln!("note: {note}"));
    Ok(settled.limits)
}

fn bad(error: &BadLimit) -> CliError {
    let names: Vec<&str> = Limit::ALL.iter().map(|limit| limit.name()).collect();
    let wrong = CliError::usage(error.to_string());
    match error {
        BadLimit::Unknown { .. } => wrong.hint(format!("the limits are {}", names.join(", "))),
        _ => wrong,
    }
}

//! The trigger that a caller names: its variables and options are those of the build (section 3.4 of the specification).

use stepbox_pipeline::{Diagnostic, PipelineSpec, SpecTrigger, nearest};

use crate::error::{EngineError, EngineErrorKind};
use crate::request::BuildRequest;

/// The trigger that a request names, by its name or its id.
///
/// # Errors
/// [`EngineErrorKind::Usage`] where the pipeline has no such trigger, or more than one.
pub(crate) fn find<'a>(request: &BuildRequest, spec: &'a PipelineSpec) -> Result<Option<&'a SpecTrigger>, EngineError> {
    let Some(wanted) = &request.trigger else { return Ok(None) };
    let mut found = spec.triggers.iter().filter(|one| one.name == *wanted || one.id.as_ref() == Some(wanted));
    match (found.next(), found.next()) {
        (Some(trigger), None) => return Ok(Some(trigger)),
        (Some(_), Some(_)) => {
            let message = format!("the pipeline has several triggers `{wanted}`");
            return Err(EngineError::new(EngineErrorKind::Usage, message).hint("give them names of their own"));
        }
        (None, _) => {}
    }
    let error = EngineError::new(EngineErrorKind::Usage, format!("there is no trigger `{wanted}`"));
    let names: Vec<&str> = spec.triggers.iter().map(|one| one.name.as_str()).collect();
    Err(match nearest(wanted, &names) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None if names.is_empty() => {
            error.hint("triggers stand in a specification (`kind: pipeline`, under `spec.triggers`)")
        }
        None => error.hint(format!("its triggers are {}", crate::error::listed(&names))),
    })
}

/// Whether a warning is true where a trigger is named: that triggers are ignored is not.
pub(crate) fn concerns(request: &BuildRequest, warning: &Diagnostic) -> bool {
    request.trigger.is_none() || !matches!(warning.path.as_str(), "spec.triggers" | "spec.cronTriggers")
}

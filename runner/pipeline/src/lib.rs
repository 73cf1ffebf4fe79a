//! codefresh.yml: read, validate, variables, plan. Pure: no files, no clock, no environment.

mod diagnostic;
mod pipeline;
mod place;
mod reader;
mod retry;
mod step_name;
mod template;
mod timeout;
pub mod yaml;

pub use diagnostic::{Diagnostic, Severity, Unsupported};
pub use pipeline::{Credentials, Flag, Freestyle, GitClone, Pipeline, Shell, Step, StepKind, Words};
pub use place::Place;
pub use reader::Reading;
pub use retry::{MAX_WAIT, Retry};
pub use step_name::{MAIN_CLONE, StepName, StepNameError};
pub use template::{Hole, Template, holes};
pub use timeout::{BadTimeout, MAX_TIMEOUT, StepTimeout, parse_timeout};

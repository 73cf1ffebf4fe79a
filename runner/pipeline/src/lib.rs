//! codefresh.yml: read, validate, variables, conditions, plan. Pure: no files, no clock, no environment.
//!
//! The way of the data: text → [`yaml`] (a tree with places) → copies of steps (`scale`, `matrix`) → the schema, the one description of all fields, which
//! says every problem ([`validate`]) → [`Pipeline::read`] (typed) → [`Plan`] (which steps next). When a step's turn comes,
//! its [`When`] and the [`Situation`] make a [`Decision`] (the language of conditions is [`expression`]). When it starts,
//! its texts meet the [`Variables`] and the [`References`] to earlier steps ([`substitute`], [`resolve`]), which gives its
//! [`working_directory`], its [`step_environment`] and its [`Script`]; when it ends, [`Exports`] are what it hands on.
//! The rules and their numbers are those of the
//! specification of Codefresh's behaviour.

mod annotations;
mod approval;
mod condition;
mod criteria;
mod custom_volume;
mod diagnostic;
mod environment;
mod expansion;
mod exports;
pub mod expression;
mod flat;
mod hooks;
mod integrations;
mod js_regex;
mod lint;
mod masking;
mod pipeline;
mod pipeline_spec;
mod place;
mod plan;
mod reader;
mod references;
mod retry;
mod schema;
mod script;
mod step_name;
mod substitute;
mod system_variables;
mod template;
mod timeout;
mod unknown_names;
mod variable_file;
mod variables;
mod when;
mod work;
mod working_directory;
pub mod yaml;

pub use annotations::{Annotation, AnnotationValue, Annotations};
pub use approval::{Approval, DEFAULT_APPROVAL_WAIT, FinalState, MAX_APPROVAL_WAIT};
pub use condition::{
    Decision, FalseExpression, Judge, OtherStep, Reason, Situation, StepStanding, ValueError, WorkflowResult, quoted,
    substitute_condition, unquoted_holes,
};
pub use criteria::SuccessCriteria;
pub use custom_volume::{BadVolume, CustomVolume, MAX_CUSTOM_VOLUMES};
pub use diagnostic::{Diagnostic, Severity, Unsupported};
pub use environment::{EnvironmentWarning, StepEnvironment, step_environment};
pub use expansion::{MAX_COPIES, MAX_COPIES_OF_STEP};
pub use exports::{EXPORT_FILE, ExportWarning, Exports, MAX_EXPORT_BYTES, MAX_EXPORTS};
pub use flat::FlatStep;
pub use hooks::{HOOK_IMAGE, Hook, HookMoment, Hooks};
pub use integrations::{GitIntegration, Integrations, RegistryIntegration, check_integrations};
pub use js_regex::RegexError;
pub use lint::lint;
pub use masking::{MASK, Masker};
pub use pipeline::{Credentials, Flag, Freestyle, GitClone, ParallelSteps, Pipeline, Shell, Step, StepKind, Words};
pub use pipeline_spec::{PipelineSpec, SpecOptions, SpecTrigger, SpecVariable};
pub use place::Place;
pub use plan::{BuildResult, Consequences, FailurePolicy, Mode, Plan, PlanStanding, PlanStep, StepResult, StepState};
pub use reader::{Reading, validate};
pub use references::{References, StepFacts};
pub use retry::{MAX_WAIT, Retry};
pub use schema::{BuildVersion, json_schema, nearest};
pub use script::Script;
pub use step_name::{MAIN_CLONE, StepName, StepNameError};
pub use substitute::{MAX_SUBSTITUTED, SubstituteError, Substituted, Unresolved, resolve, substitute, substitute_text};
pub use system_variables::{BuildFacts, system_variables};
pub use template::{Hole, Template, holes};
pub use timeout::{BadTimeout, MAX_TIMEOUT, StepTimeout, parse_timeout};
pub use variable_file::{BadAssignment, VariableList, parse_assignment, parse_variable_file, read_variable_file};
pub use variables::{Layer, Variables};
pub use when::{BranchFilter, Conditions, On, StepCondition, StepConditions, When};
pub use work::MAX_WORK;
pub use working_directory::{
    IMAGE_WORK_DIR, VOLUME_PATH, WorkingDirectory, clone_parent, repository_name, working_directory,
};

//! The types of steps and their fields (sections 1.3, 2.1, 8.1 and 11.3 of the specification).

use super::common::{COMMON, NOT_YET, TIMED};
use super::docker::{BUILD_V1, BUILD_V2, COMPOSITION, DEPLOY, INTEGRATION_TEST, LAUNCH_COMPOSITION, PUSH, PUSH_TAG};
use super::docker::{SIMPLE_TRAVIS, TRAVIS};
use super::root::SUCCESS_CRITERIA;
use super::shape::{ANY_MAP, Field, Least, List, Object, Others, Pattern, Rule, Shape, Support, TEXTS, WORDS};
use crate::diagnostic::{NEEDS_DOCKER, SERVICES};

/// Which fields steps of type `build` have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BuildVersion {
    /// Without `registry`, `tags` and `disable_push`: the official default.
    #[default]
    V1,
    /// With them, as today's accounts have it.
    V2,
}

/// A built-in type.
#[derive(Debug)]
pub(crate) struct StepType {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its fields.
    pub(crate) object: &'static Object,
    /// What Stepbox does with it.
    pub(crate) support: Support,
}

const fn kind(name: &'static str, object: &'static Object, support: Support) -> StepType {
    StepType { name, object, support }
}

const DOCKER: Support = Support::Refused(NEEDS_DOCKER, None);

/// The built-in types (rule R9).
static TYPES: &[StepType] = &[
    kind("freestyle", &FREESTYLE, Support::Full),
    kind("git-clone", &GIT_CLONE, Support::Full),
    kind("build", &BUILD_V1, DOCKER),
    kind("push", &PUSH, DOCKER),
    kind("push-tag", &PUSH_TAG, DOCKER),
    kind("composition", &COMPOSITION, DOCKER),
    kind("launch-composition", &LAUNCH_COMPOSITION, DOCKER),
    kind("deploy", &DEPLOY, Support::Refused("it needs a cluster", None)),
    kind("pending-approval", &PENDING_APPROVAL, Support::Full),
    kind("parallel", &PARALLEL, Support::Full),
    kind("services", &OTHER, Support::Refused(SERVICES, None)),
    kind("integration-test", &INTEGRATION_TEST, DOCKER),
    kind("travis", &TRAVIS, DOCKER),
    kind("simple_travis", &SIMPLE_TRAVIS, DOCKER),
    kind("freestyle-ssh", &OTHER, DOCKER),
    kind("github-action", &OTHER, DOCKER),
];

/// All built-in types.
pub(super) fn all() -> impl Iterator<Item = &'static StepType> {
    TYPES.iter()
}

/// The built-in type that a `type` means; `None` where it is a custom one (rules R9, R10).
pub(crate) fn built_in(text: &str) -> Option<&'static StepType> {
    let base = text.split(':').next().unwrap_or_default();
    TYPES.iter().find(|one| one.name == base && !text.contains("${{"))
}

/// The fields of a built-in type.
pub(super) fn object(one: &StepType, build: BuildVersion) -> &'static Object {
    if one.name == "build" && build == BuildVersion::V2 { &BUILD_V2 } else { one.object }
}

/// The fields of a custom type that every step has; its own are those of its definition.
pub(super) static CUSTOM: Object = Object::open(&[COMMON, TIMED]);

/// A type of which only the common fields are known.
static OTHER: Object = Object::open(&[COMMON, TIMED]);

static FREESTYLE: Object = Object {
    fields: &[COMMON, TIMED, FREESTYLE_FIELDS],
    others: Others::Warned("a freestyle step"),
    rules: &[
        Rule::Without("commands", "cmd"),
        Rule::Without("shell", "cmd"),
        Rule::With("role_arn", "registry_context"),
    ],
};

const FREESTYLE_FIELDS: &[Field] = &[
    Field::new("working_directory", Shape::Text, "Where the commands run").alias("working-directory"),
    Field::new("image", Shape::Text, "The image whose commands there are").required(),
    Field::new("commands", TEXTS, "The commands, run by one shell")
        .hint("write the commands as a list, each after `- `"),
    Field::new("cmd", WORDS, "The arguments of the entry point").hint("write a string or a list of strings"),
    Field::new("entry_point", WORDS, "What runs instead of the image's entry point")
        .hint("write a string or a list of strings"),
    Field::new("environment", TEXTS, "Variables of this step, each `KEY=value`")
        .hint("write the variables as a list of `- KEY=value`"),
    Field::new("volumes", VOLUMES, "Folders of the volume to see elsewhere, each `./folder:/path`")
        .hint("write `- ./folder:/path`"),
    Field::new("shell", Shape::Word(&["sh", "bash"]), "The shell of the commands, `sh` by default"),
    Field::new("services", Shape::OneOf(&[ANY_MAP, TEXTS]), "Containers that live as long as the step")
        .refused(SERVICES, None),
    Field::new("registry_context", Shape::Text, "The registry of the image").ignored(),
    Field::new("registry_contexts", Shape::Any, "").forbidden("'registry_contexts' not allowed"),
    Field::new("role_arn", Shape::Text, "The role to fetch the image with").ignored(),
    Field::new("annotations", Shape::Any, "Notes on the build, which only hooks can make").ignored(),
    Field::new("metadata", Shape::Any, "Notes on images").ignored(),
    // On a parallel step it decides; here it is a leftover that would be lost in silence.
    Field::new("success_criteria", Shape::Any, "What decides about the result").refused(NOT_YET, None),
];

const VOLUMES: Shape = Shape::List(&List { item: Shape::Matching(Pattern::Colon), least: Least::None });

static GIT_CLONE: Object = Object::closed(&[COMMON, TIMED, GIT_CLONE_FIELDS]);

const GIT_CLONE_FIELDS: &[Field] = &[
    Field::new("working_directory", Shape::Text, "The folder in which the clone's folder is made")
        .alias("working-directory"),
    Field::new("repo", Shape::Text, "`owner/name` or an address").required(),
    Field::new("revision", Shape::Text, "A branch, a tag or a commit"),
    CREDENTIALS,
    Field::new("git", Shape::Text, "The name of the git integration"),
    Field::new("depth", Shape::Number, "How many commits of history"),
    Field::new("exclude_blobs", Shape::Flag, "Fetch files only when they are needed"),
    Field::new("skip_tags_on_update", Shape::Flag, "Fetch no tags into a clone that is there"),
    Field::new("use_proxy", Shape::Flag, "Go through the proxy"),
];

/// A user and a password.
pub(super) const CREDENTIALS: Field = Field::new(
    "credentials",
    Shape::Object(&Object::closed(&[&[
        Field::new("username", Shape::Text, "The user").required(),
        Field::new("password", Shape::Text, "The password").required(),
    ]])),
    "A user and a password",
);

/// Rule A6: its `timeout` is a mapping.
static PENDING_APPROVAL: Object = Object::closed(&[COMMON, APPROVAL_FIELDS]);

const APPROVAL_FIELDS: &[Field] = &[Field::new(
    "timeout",
    Shape::Object(&Object::closed(&[&[
        Field::new("timeUnit", Shape::Word(&["hours", "minutes"]), "What the duration counts, `hours` by default"),
        Field::new("duration", Shape::Positive, "How long to wait, 168 by default"),
        Field::new(
            "finalState",
            Shape::Word(&["approved", "denied", "terminated"]),
            "The state when nobody answered, `terminated` by default",
        ),
    ]])),
    "How long to wait for an answer",
)];

static PARALLEL: Object = Object::open(&[
    COMMON,
    TIMED,
    &[
        Field::new("steps", Shape::Any, "The steps, which run at once"),
        Field::new("success_criteria", SUCCESS_CRITERIA, "Which steps decide about the result"),
    ],
]);

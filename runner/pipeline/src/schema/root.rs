//! The root of a document (section 1.1 of the specification) and of a pipeline's specification (section 10.4).

use super::common::{CONDITION, HOOKS, NOT_YET};
use super::shape::{ANY_MAP, Field, Least, List, Object, Others, STRICT_SWITCH, Shape, TEXTS};
use crate::diagnostic::SERVICES;

/// The root of a codefresh.yml.
pub(super) static ROOT: Object =
    Object { fields: &[&[VERSION, STEPS.required()], BODY], others: Others::RefusedWithHint, rules: &[] };

const VERSION: Field = Field::new("version", Shape::Version, "The version of this format, `1.0`")
    .required()
    .hint("write `version: \"1.0\"` first");

const STEPS: Field = Field::new("steps", Shape::Steps, "The steps, in their order")
    .hint("write the steps as `name:` with their fields indented below");

/// What both kinds of document hold beside their steps.
const BODY: &[Field] = &[
    Field::new("stages", Shape::List(&List { item: Shape::Label, least: Least::None }), "Columns to show steps in")
        .hint("write them as a list of strings"),
    Field::new("mode", Shape::Word(&["sequential", "parallel"]), "Whether steps run in their order or when they can"),
    Field::new(
        "fail_fast",
        Shape::OneOf(&[Shape::Flag, Shape::Label, ANY_MAP]),
        "Whether a failing step ends the build, true by default",
    ),
    Field::new("strict_fail_fast", STRICT_SWITCH, "Whether failures that do not end the build fail it at its end")
        .hint("write true or false without quotes, or `${{VARIABLE}}`"),
    Field::new("success_criteria", SUCCESS_CRITERIA, "What decides about the result"),
    Field::new("hooks", Shape::Object(&HOOKS), "What runs before and after all steps"),
    Field::new("indicators", Shape::List(&List { item: Shape::Any, least: Least::None }), "A place for YAML anchors"),
    Field::new("services", ANY_MAP, "Containers that live as long as the build").refused(SERVICES, None),
    Field::new("build_version", Shape::Word(&["v1", "v2"]), "Which fields steps of type `build` have"),
];

/// What decides about the result of a build or of a parallel step (rules P15, P16).
pub(super) const SUCCESS_CRITERIA: Shape = Shape::Object(&Object::closed(&[&[
    Field::new(
        "steps",
        Shape::OneOf(&[
            Shape::Object(&Object::closed(&[&[
                Field::new("only", SOME_NAMES, "Only these steps decide"),
                Field::new("ignore", SOME_NAMES, "These steps do not decide"),
            ]])),
            SOME_NAMES,
        ]),
        "The steps that decide",
    ),
    Field::new("condition", Shape::Object(&CONDITION), "Expressions that decide"),
]]));

const SOME_NAMES: Shape = Shape::List(&List { item: Shape::Text, least: Least::One });

/// The root of a pipeline's specification (rule R2).
pub(super) static DOCUMENT: Object = Object {
    fields: &[&[
        Field::new("version", Shape::Version, "The version of this format, `1.0`"),
        Field::new("kind", Shape::Word(&["pipeline"]), "`pipeline`").required(),
        Field::new("metadata", Shape::Object(&METADATA), "What the pipeline is called").required(),
        Field::new("spec", Shape::Object(&SPEC), "The pipeline").required(),
    ]],
    others: Others::Warned("a pipeline's specification"),
    rules: &[],
};

static METADATA: Object =
    Object::open(&[&[Field::new("name", Shape::Text, "The name, like `project/pipeline`").required()]]);

/// What a specification says of its pipeline.
pub(super) static SPEC: Object =
    Object { fields: &[&[STEPS], BODY, SPEC_ONLY], others: Others::Warned("`spec`"), rules: &[] };

/// The name of the field under which a specification says where its steps are.
pub(super) const SPEC_TEMPLATE: &str = "specTemplate";

const SPEC_ONLY: &[Field] = &[
    Field::new("variables", Shape::List(&List { item: Shape::Object(&VARIABLE), least: Least::None }), "Variables")
        .hint("write the variables as a list of `- key: NAME` with `value:` below"),
    Field::new("options", Shape::Object(&OPTIONS), "What builds do by default"),
    Field::new(SPEC_TEMPLATE, ANY_MAP, "Where the steps are")
        .refused("its steps are kept in another place", Some("give the file that holds the steps instead")),
    Field::new("externalResources", ANY_LIST, "Files of other repositories")
        .refused(NOT_YET, Some("clone what is needed with a git-clone step")),
    Field::new("triggers", ANY_LIST, "What starts builds").ignored(),
    Field::new("cronTriggers", ANY_LIST, "When builds start").ignored(),
    Field::new("contexts", TEXTS, "Shared configuration").ignored(),
    Field::new("runtimeEnvironment", ANY_MAP, "Where builds run").ignored(),
    Field::new("concurrency", Shape::Number, "How many builds run at once").ignored(),
    Field::new("branchConcurrency", Shape::Number, "How many builds of a branch run at once").ignored(),
    Field::new("triggerConcurrency", Shape::Number, "How many builds of a trigger run at once").ignored(),
    Field::new("priority", Shape::Number, "Which builds come first").ignored(),
    Field::new("terminationPolicy", ANY_LIST, "Which builds end others").ignored(),
    Field::new("requiredAvailableStorage", Shape::Any, "How much disk is needed").ignored(),
    Field::new("permitRestartFromFailedSteps", Shape::Flag, "Whether builds can go on where they failed").ignored(),
    Field::new("packId", Shape::Any, "The size of the machine").ignored(),
    Field::new("debug", ANY_MAP, "Breakpoints").ignored(),
];

const ANY_LIST: Shape = Shape::List(&List { item: Shape::Any, least: Least::None });

const VARIABLE: Object = Object::closed(&[&[
    Field::new("key", Shape::Text, "The name of the variable").required(),
    Field::new("value", Shape::OneOf(&[Shape::Label, Shape::Number, Shape::Flag]), "Its value, empty by default"),
    Field::new("encrypted", Shape::Flag, "Whether it is a secret"),
    Field::new("description", Shape::Label, "What it is for"),
]]);

static OPTIONS: Object = Object {
    fields: &[&[
        Field::new("noCache", Shape::Flag, "Do not use what is compiled already"),
        Field::new("noCfCache", Shape::Flag, "Of no effect here"),
        Field::new("resetVolume", Shape::Flag, "Begin with an empty volume"),
        Field::new("enableNotifications", Shape::Flag, "Of no effect here"),
        Field::new("keepPVCsForPendingApproval", Shape::Flag, "Keep the volume while a build waits"),
        Field::new("pendingApprovalConcurrencyApplied", Shape::Flag, "Count builds that wait"),
    ]],
    others: Others::Warned("`options`"),
    rules: &[],
};

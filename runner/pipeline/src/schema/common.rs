//! The fields that steps of every type have (section 1.4 of the specification).

use super::shape::{
    ANY_MAP, Field, Least, List, Map, Object, Others, Pattern, Rule, STRICT_SWITCH, SWITCH, Shape, TEXTS,
};
use crate::when::On;

/// The reason for what Stepbox will execute one day.
pub(crate) const NOT_YET: &str = "Stepbox does not execute it yet";

/// Every step's fields.
pub(super) const COMMON: &[Field] = &[
    Field::new("title", Shape::Label, "The name that is shown"),
    Field::new("description", Shape::Label, "What the step is about"),
    Field::new("stage", Shape::Stage, "The stage that the step is shown in"),
    Field::new("fail_fast", SWITCH, "Whether a failure ends the build, true by default").alias("fail-fast"),
    Field::new("strict_fail_fast", STRICT_SWITCH, "Whether a failure that does not end the build fails it at its end")
        .hint("write true or false without quotes, or `${{VARIABLE}}`"),
    Field::new("docker_machine", DOCKER_MACHINE, "The machine to run on").ignored(),
    Field::new("when", Shape::Object(&WHEN), "Conditions under which the step runs"),
    Field::new("on_success", AFTER, "What to note after success"),
    Field::new("on_fail", AFTER, "What to note after a failure"),
    Field::new("on_finish", AFTER, "What to note at the end"),
    Field::new("hooks", Shape::Object(&HOOKS), "What runs before and after the step"),
    Field::new("retry", Shape::Object(&RETRY), "How often a failing step is tried"),
    // Where these are well, copies were made and they are gone; but not in hooks, which are not executed.
    Field::new("scale", SCALE, "Copies of the step, each with fields of its own").unsuggested(),
    Field::new("matrix", MATRIX, "Copies of the step, one for each combination of values").unsuggested(),
    Field::new("debug", Shape::Object(&DEBUG), "Breakpoints").ignored(),
    Field::new("arguments", ANY_MAP, "Fields of the type, as an alternative to writing them beside `type`"),
    TYPE,
    Field::new("env", Shape::Object(&ENV), "The deployment environment to report").ignored(),
];

/// The `timeout` of all types but those that give it another meaning (rule F22).
pub(super) const TIMED: &[Field] = &[Field::new("timeout", Shape::Timeout, "How long the step may take, like `45m`")];

/// The type of a step.
const TYPE: Field = Field::new("type", Shape::Text, "The type of the step, `freestyle` by default");

/// Fields that cannot stand in the steps of hooks (rule H4).
pub(super) const NOT_IN_HOOKS: &[&str] = &["stage", "debug", "hooks", "on_start", "on_fail", "on_finish"];

/// The old hooks, which exclude their new namesakes (rule H9).
pub(super) const OLD_HOOKS: &[&str] = &["on_success", "on_fail", "on_finish"];

const DOCKER_MACHINE: Shape = Shape::OneOf(&[
    Shape::Object(&Object::closed(&[&[Field::new(
        "create",
        Shape::Object(&Object::closed(&[&[Field::new("provider", Shape::Text, "Who provides the machine")]])),
        "A machine to make",
    )]])),
    Shape::Object(&Object::closed(&[&[Field::new(
        "use",
        Shape::Object(&Object::closed(&[&[Field::new("node", Shape::Text, "The name of the machine")]])),
        "A machine that is there",
    )]])),
]);

const SCALE: Shape = Shape::Map(&Map { key: None, value: ANY_MAP });
const MATRIX: Shape = Shape::Map(&Map { key: None, value: Shape::List(&List { item: Shape::Any, least: Least::One }) });

/// Rules C1, C2, C14.
static WHEN: Object = Object::closed(&[&[
    Field::new("branch", Shape::Object(&BRANCH), "Branches"),
    Field::new("condition", Shape::Object(&CONDITION), "Expressions"),
    Field::new("steps", WHEN_STEPS, "States of other steps"),
]]);

static BRANCH: Object = Object::closed(&[&[
    Field::new("only", TEXTS, "Run on these branches only").hint("write the branches as a list"),
    Field::new("ignore", TEXTS, "Do not run on these branches").hint("write the branches as a list"),
]]);

/// `all` and `any` of labelled expressions.
pub(super) const CONDITION: Object = Object::closed(&[&[
    Field::new("all", EXPRESSIONS, "All of these hold"),
    Field::new("any", EXPRESSIONS, "At least one of these holds"),
]]);

const EXPRESSIONS: Shape = Shape::Map(&Map { key: Some(Pattern::Name), value: Shape::Text });

const WHEN_STEPS: Shape = Shape::OneOf(&[
    Shape::Object(&Object {
        fields: &[&[
            Field::new("all", STATES, "All of these steps are in these states"),
            Field::new("any", STATES, "At least one of these steps is in these states"),
        ]],
        others: Others::Refused,
        rules: &[Rule::Either("all", "any")],
    }),
    STATES,
]);

const STATES: Shape = Shape::List(&List { item: Shape::Object(&STATE), least: Least::One });

static STATE: Object = Object::closed(&[&[
    Field::new("name", Shape::Text, "The name of a step").required(),
    Field::new("on", Shape::List(&List { item: Shape::Word(&On::WORDS), least: Least::None }), "Its states")
        .hint("write the states as a list"),
]]);

/// Rule F28.
static RETRY: Object = Object::closed(&[&[
    Field::new("maxAttempts", Shape::Positive, "How often the step runs at most, 1 to 10"),
    Field::new("delay", Shape::Positive, "Seconds before the second attempt, 5 to 60"),
    Field::new("exponentialFactor", Shape::Positive, "The power that the delay is raised to each time, 1 to 5"),
]]);

static DEBUG: Object = Object::closed(&[&[Field::new(
    "phases",
    Shape::Object(&Object::closed(&[&[
        Field::new("before", Shape::Any, "Stop before the step"),
        Field::new("after", Shape::Any, "Stop after the step"),
        Field::new("override", Shape::Any, "Stop instead of the step"),
    ]])),
    "Where to stop",
)]]);

static ENV: Object = Object::closed(&[&[
    Field::new("name", Shape::Text, "The name of the environment").required(),
    Field::new(
        "endpoints",
        Shape::List(&List {
            item: Shape::Object(&Object::closed(&[&[
                Field::new("name", Shape::Text, "What is there"),
                Field::new("url", Shape::Text, "Its address"),
            ]])),
            least: Least::None,
        }),
        "Where it can be reached",
    ),
    Field::new("type", Shape::Word(&["kubernetes", "helm-release"]), "What it runs on"),
    Field::new("change", Shape::Text, "What changed"),
    Field::new("filters", Shape::List(&List { item: ANY_MAP, least: Least::None }), "What belongs to it"),
]]);

/// The new hooks of a step or of the pipeline (rule H1).
pub(super) static HOOKS: Object = Object::closed(&[&[
    Field::new("on_elected", Shape::Hook, "Runs first"),
    Field::new("on_success", Shape::Hook, "Runs after success"),
    Field::new("on_fail", Shape::Hook, "Runs after a failure"),
    Field::new("on_finish", Shape::Hook, "Runs at the end"),
]]);

/// An old hook: notes on images and other things (rules A1, A4).
const AFTER: Shape = Shape::Object(&Object::closed(&[&[IMAGE_METADATA, ANNOTATIONS]]));

/// Notes on images, each under the image's id.
pub(super) const IMAGE_METADATA: Field = Field::new(
    "metadata",
    Shape::Object(&Object::closed(&[&[Field::new(
        "set",
        Shape::List(&List { item: Shape::Map(&Map { key: None, value: NOTES }), least: Least::None }),
        "What to set, under the id of an image",
    )]])),
    "Notes on images",
);

/// Notes on the image that a step builds.
pub(super) const BUILT_METADATA: Field = Field::new(
    "metadata",
    Shape::Object(&Object::closed(&[&[Field::new("set", NOTES, "What to set")]])),
    "Notes on the image",
);

/// Notes on a project, a pipeline, a build or an image (rules A1, A2).
pub(super) const ANNOTATIONS: Field = Field::new(
    "annotations",
    Shape::Object(&Object::closed(&[&[
        Field::new(
            "set",
            Shape::List(&List {
                item: Shape::Object(&Object::closed(&[
                    ENTITY,
                    &[
                        Field::new("annotations", NOTES, "The notes"),
                        Field::new("display", Shape::Text, "The note that is shown first"),
                    ],
                ])),
                least: Least::None,
            }),
            "What to set",
        ),
        Field::new(
            "unset",
            Shape::List(&List {
                item: Shape::Object(&Object::closed(&[
                    ENTITY,
                    &[Field::new(
                        "annotations",
                        Shape::List(&List { item: Shape::Matching(Pattern::Name), least: Least::None }),
                        "Their names",
                    )],
                ])),
                least: Least::None,
            }),
            "What to remove",
        ),
    ]])),
    "Notes on the build and other things",
);

const ENTITY: &[Field] = &[
    Field::new("entity_type", Shape::Text, "What kind of thing it is, `build` by default"),
    Field::new("entity_id", Shape::Text, "Which one, the running build by default"),
];

/// Rule A2: a name alone, or names with values.
const NOTES: Shape = Shape::List(&List {
    item: Shape::OneOf(&[Shape::Map(&Map { key: Some(Pattern::Name), value: NOTE }), Shape::Matching(Pattern::Name)]),
    least: Least::None,
});

const NOTE: Shape = Shape::OneOf(&[
    Shape::Text,
    Shape::Flag,
    Shape::Number,
    Shape::Object(&Object::closed(&[&[
        Field::new("evaluate", Shape::Text, "The expression whose value it is").required()
    ]])),
]);

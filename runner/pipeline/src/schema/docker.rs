//! The types of steps that need docker or a cluster: checked like all others, never executed.

use super::common::{ANNOTATIONS, BUILT_METADATA, COMMON, TIMED};
use super::shape::{ANY_MAP, Field, Least, List, Map, Object, Others, Pattern, Rule, SWITCH, Shape, TEXTS, WORDS};
use super::types::CREDENTIALS;

const BUILD_RULES: &[Rule] = &[Rule::WhileOn("platform", "buildx")];

/// A build without what the second version adds.
pub(super) static BUILD_V1: Object =
    Object { fields: &[COMMON, TIMED, BUILD_FIELDS], others: Others::Refused, rules: BUILD_RULES };

/// A build as today's accounts have it.
pub(super) static BUILD_V2: Object =
    Object { fields: &[COMMON, TIMED, BUILD_FIELDS, BUILD_V2_FIELDS], others: Others::Refused, rules: BUILD_RULES };

const BUILD_FIELDS: &[Field] = &[
    Field::new("working_directory", Shape::Text, "The build context").alias("working-directory"),
    Field::new(
        "dockerfile",
        Shape::OneOf(&[
            Shape::Text,
            Shape::Object(&Object::closed(&[&[Field::new("content", Shape::Text, "The text").required()]])),
        ]),
        "The path or the text of the Dockerfile",
    ),
    Field::new("no_cache", SWITCH, "Build without docker's cache").alias("no-cache"),
    Field::new("no_cf_cache", SWITCH, "Build without the server's cache").alias("no-cf-cache"),
    Field::new("squash", SWITCH, "Make one layer of all"),
    Field::new("image_name", Shape::Text, "The name of the image").required().alias("image-name"),
    Field::new("build_arguments", TEXTS, "Arguments of the Dockerfile").alias("build-arguments"),
    Field::new("tag", Shape::Text, "The tag of the image"),
    Field::new("tag_policy", Shape::Word(&["original", "lowercase"]), "What happens to capitals in the tag")
        .alias("tag-policy"),
    Field::new("target", Shape::Text, "The stage of the Dockerfile to stop at"),
    Field::new("registry_contexts", TEXTS, "Registries of base images"),
    Field::new("region", Shape::Text, "The region of the registry"),
    Field::new("role_arn", Shape::Text, "The role to push with"),
    Field::new("aws_session_name", Shape::Text, "The name of the session"),
    Field::new("aws_duration_seconds", Shape::Number, "How long the session is valid"),
    Field::new("provider", ANY_MAP, "Who builds"),
    BUILT_METADATA,
    ANNOTATIONS,
    Field::new("cache_from", TEXTS, "Images to use as cache"),
    Field::new("cache_to", TEXTS, "Where to keep the cache"),
    Field::new("buildkit", SWITCH, "Build with BuildKit"),
    Field::new("progress", Shape::Text, "The form of the output"),
    Field::new("secrets", Shape::List(&List { item: ANY_MAP, least: Least::None }), "Secrets of the build"),
    Field::new("ssh", WORDS, "Keys of the build"),
    Field::new("buildx", Shape::OneOf(&[Shape::Flag, Shape::Variable, BUILDX]), "Build with Buildx"),
    Field::new("platform", Shape::Text, "The platforms of the image, while `buildx` is on"),
    Field::new(
        "cosign",
        Shape::Object(&Object::closed(&[&[
            Field::new("sign", SWITCH, "Whether to sign").required(),
            Field::new("options", Shape::Map(&Map { key: None, value: Shape::Text }), "Options of cosign"),
        ]])),
        "Signing of the image",
    ),
];

const BUILDX: Shape = Shape::Object(&Object::closed(&[&[
    Field::new(
        "qemu",
        Shape::Object(&Object::closed(&[&[
            Field::new("image", Shape::Text, "The image to install from"),
            Field::new("platforms", Shape::Text, "The platforms to install"),
        ]])),
        "Emulation",
    ),
    Field::new(
        "builder",
        Shape::Object(&Object::closed(&[&[
            Field::new("driver", Shape::Text, "The driver"),
            Field::new("driver_opts", Shape::Text, "Its options").alias("driver-opts"),
        ]])),
        "The builder",
    ),
]]));

const BUILD_V2_FIELDS: &[Field] = &[
    Field::new("tags", TEXTS, "The tags of the image"),
    Field::new("registry", Shape::Text, "The registry to push to"),
    Field::new("disable_push", SWITCH, "Do not push"),
];

/// A push.
pub(super) static PUSH: Object = Object::closed(&[
    COMMON,
    TIMED,
    &[
        Field::new("candidate", Shape::Text, "The image to push").required(),
        Field::new("registry", Shape::Text, "The registry to push to"),
        Field::new("registry_context", Shape::Text, "The registry of the image"),
        CREDENTIALS,
        Field::new("tag", Shape::Text, "The tag to push"),
        Field::new("tags", TEXTS, "The tags to push"),
        Field::new("image_name", Shape::Text, "The name to push under").alias("image-name"),
        Field::new("provider", Shape::Text, "The kind of registry"),
        Field::new("accessKeyId", Shape::Text, "The id of the key"),
        Field::new("secretAccessKey", Shape::Text, "The key"),
        Field::new("region", Shape::Text, "The region of the registry"),
        Field::new("role_arn", Shape::Text, "The role to push with"),
        Field::new("aws_session_name", Shape::Text, "The name of the session"),
        Field::new("aws_duration_seconds", Shape::Number, "How long the session is valid"),
    ],
]);

/// More tags for an image of a registry.
pub(super) static PUSH_TAG: Object = Object::closed(&[
    COMMON,
    TIMED,
    &[
        Field::new("image_name", Shape::Text, "The image").required(),
        Field::new("tags", TEXTS, "Its new tags").required(),
        Field::new("registry", Shape::Text, "The registry"),
    ],
]);

const COMPOSITION_TEXT: Field =
    Field::new("composition", Shape::OneOf(&[Shape::Text, ANY_MAP]), "The composition, or where it is").required();
const COMPOSITION_VARIABLES: Field =
    Field::new("composition_variables", TEXTS, "Variables of the composition").alias("composition-variables");
const COMPOSITION_DIRECTORY: Field =
    Field::new("working_directory", Shape::Text, "Where the composition is").alias("working-directory");

/// A composition with services that decide.
pub(super) static COMPOSITION: Object = Object::open(&[
    COMMON,
    TIMED,
    &[
        COMPOSITION_DIRECTORY,
        COMPOSITION_TEXT,
        Field::new(
            "composition_candidates",
            Shape::Map(&Map { key: None, value: Shape::Object(&CANDIDATE) }),
            "The services that decide",
        )
        .required()
        .alias("composition-candidates"),
        COMPOSITION_VARIABLES,
        Field::new("registry_contexts", TEXTS, "Registries of the images"),
    ],
]);

static CANDIDATE: Object = Object::open(&[&[
    Field::new("image", Shape::Text, "The image"),
    Field::new("working_directory", Shape::Any, "").forbidden("\"working_directory\" is not allowed"),
]]);

/// A composition that stays.
pub(super) static LAUNCH_COMPOSITION: Object =
    Object::open(&[COMMON, TIMED, &[COMPOSITION_DIRECTORY, COMPOSITION_TEXT, COMPOSITION_VARIABLES]]);

/// A deployment. Its `timeout` counts seconds.
pub(super) static DEPLOY: Object = Object::closed(&[
    COMMON,
    &[
        Field::new("timeout", Shape::OneOf(&[Shape::Number, Shape::Text]), "Seconds to wait"),
        Field::new("kind", Shape::Text, "`kubernetes`").required(),
        Field::new("cluster", Shape::Text, "The cluster").required(),
        Field::new("namespace", Shape::Text, "The namespace").required(),
        Field::new("service", Shape::Any, "The service to deploy again"),
        Field::new("file_path", Shape::Text, "The manifest to deploy"),
        Field::new(
            "candidate",
            Shape::Object(&Object::closed(&[&[
                Field::new("image", Shape::Text, "The image").required(),
                Field::new("registry", Shape::Text, "Its registry"),
            ]])),
            "The image to deploy",
        ),
        Field::new("image", Shape::Text, "The image to deploy"),
        Field::new("registry", Shape::Text, "Its registry"),
        Field::new("commands", TEXTS, "The commands to deploy with"),
    ],
]);

/// Services that tests of compositions know by name.
const KNOWN_SERVICES: &[&str] = &[
    "mysql",
    "postgresql",
    "mariadb",
    "mongodb",
    "couchdb",
    "rabbitmq",
    "memcached",
    "redis",
    "cassandra",
    "neo4j",
    "elasticsearch",
    "rethinkdb",
];

const NAMED_SERVICES: Shape = Shape::List(&List { item: Shape::Word(KNOWN_SERVICES), least: Least::None });
const SERVICE_MAP: Shape = Shape::Map(&Map { key: None, value: Shape::Object(&SERVICE) });

static SERVICE: Object = Object::open(&[&[
    Field::new("image", Shape::Text, "The image").required(),
    Field::new("ports", Shape::List(&List { item: PORT, least: Least::None }), "Its ports"),
    Field::new(
        "environment",
        Shape::OneOf(&[
            Shape::List(&List { item: Shape::Matching(Pattern::Assignment), least: Least::None }),
            Shape::Map(&Map { key: None, value: Shape::Text }),
        ]),
        "Its variables",
    ),
]]);

const PORT: Shape = Shape::OneOf(&[Shape::Number, Shape::Text]);

const TEST_IMAGE: Field = Field::new("image", Shape::Text, "The image").required();
const TEST_DIRECTORY: Field = Field::new("working_directory", Shape::Text, "Where the test runs");

const ONE_COMMAND: Field = Field::new(
    "test",
    Shape::Object(&Object::closed(&[&[
        TEST_IMAGE,
        Field::new("command", Shape::Text, "The command").required(),
        TEST_DIRECTORY,
    ]])),
    "The test",
)
.required();

/// A test with services.
pub(super) static INTEGRATION_TEST: Object = Object::closed(&[
    COMMON,
    TIMED,
    &[
        Field::new(
            "test",
            Shape::Object(&Object::closed(&[&[
                TEST_IMAGE,
                Field::new("commands", Shape::List(&List { item: Shape::Text, least: Least::OneGood }), "The commands")
                    .required(),
                TEST_DIRECTORY,
            ]])),
            "The test",
        )
        .required(),
        Field::new("services", SERVICE_MAP, "Services"),
        Field::new("preconfigured_services", NAMED_SERVICES, "Services that are known by name"),
    ],
]);

/// A test of one command with services.
pub(super) static TRAVIS: Object =
    Object::closed(&[COMMON, TIMED, &[ONE_COMMAND, Field::new("services", SERVICE_MAP, "Services").required()]]);

/// A test of one command with services that are known by name.
pub(super) static SIMPLE_TRAVIS: Object =
    Object::closed(&[COMMON, TIMED, &[ONE_COMMAND, Field::new("services", NAMED_SERVICES, "Services").required()]]);

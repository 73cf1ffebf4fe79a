//! The typed pipeline.

use crate::approval::Approval;
use crate::criteria::SuccessCriteria;
use crate::hooks::Hooks;
use crate::place::Place;
use crate::plan::Mode;
use crate::retry::Retry;
use crate::step_name::{MAIN_CLONE, StepName};
use crate::template::Template;
use crate::timeout::StepTimeout;
use crate::when::{Conditions, When};

/// A pipeline whose steps can be executed.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// The version of the schema; only `1.0` exists (rule Y2).
    pub version: String,
    /// The stages in their order, for display only.
    pub stages: Vec<String>,
    /// Whether steps run in their order.
    pub mode: Mode,
    /// What decides about the result; the steps where it is not given.
    pub success_criteria: Option<SuccessCriteria>,
    /// The default of every step's `fail_fast`; true where it is not given.
    pub fail_fast: Option<Flag>,
    /// The default of every step's `strict_fail_fast`; false where it is not given.
    pub strict_fail_fast: Option<Flag>,
    /// What runs before and after all steps.
    pub hooks: Hooks,
    /// The steps in the order of the file (rule Y8).
    pub steps: Vec<Step>,
}

/// A step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name.
    pub name: StepName,
    /// Its title, shown instead of its name.
    pub title: Option<Template>,
    /// What it is about.
    pub description: Option<Template>,
    /// The stage it is shown in.
    pub stage: Option<String>,
    /// Whether its failure ends the build.
    pub fail_fast: Option<Flag>,
    /// Whether its failure makes the build fail at its end.
    pub strict_fail_fast: Option<Flag>,
    /// When it runs; always where it is not given.
    pub when: Option<When>,
    /// How long it may take.
    pub timeout: Option<StepTimeout>,
    /// How often it is tried.
    pub retry: Retry,
    /// What runs before and after it.
    pub hooks: Hooks,
    /// What it does.
    pub kind: StepKind,
    /// Where its name stands.
    pub place: Place,
    /// Whether it was not written but inserted (rule G3).
    pub implicit: bool,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// Runs commands.
    Freestyle(Freestyle),
    /// Clones a repository.
    GitClone(GitClone),
    /// Runs steps at once.
    Parallel(ParallelSteps),
    /// Waits for an answer.
    Approval(Approval),
    /// Of a type that is not executed here, which is among [`crate::Reading::unsupported`].
    Unsupported(String),
}

impl StepKind {
    /// The name of the type as pipelines write it.
    #[must_use]
    pub fn type_name(&self) -> &str {
        match self {
            Self::Freestyle(_) => "freestyle",
            Self::GitClone(_) => "git-clone",
            Self::Parallel(_) => "parallel",
            Self::Approval(_) => "pending-approval",
            Self::Unsupported(name) => name,
        }
    }
}

/// A step that runs others at once (section 5.1 of the specification).
#[derive(Debug, Clone, PartialEq)]
pub struct ParallelSteps {
    /// They; at least one.
    pub steps: Vec<Step>,
    /// What decides about the result; the steps where it is not given.
    pub success_criteria: Option<SuccessCriteria>,
}

/// A step that runs commands in an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Freestyle {
    /// The image.
    pub image: Template,
    /// Where it runs (rules W1-W7).
    pub working_directory: Option<Template>,
    /// The commands, one shell program together (rule F5); `None` where the image's entry point runs (rule F9).
    pub commands: Option<Vec<Template>>,
    /// Arguments of the entry point.
    pub cmd: Option<Words>,
    /// Replaces the entry point of the image.
    pub entry_point: Option<Words>,
    /// The shell of the commands.
    pub shell: Shell,
    /// Items `KEY=value` or `KEY`, split after substitution (rules F14, F15).
    pub environment: Vec<Template>,
    /// Folders of the volume to be seen elsewhere, read after substitution (rules F18-F21).
    pub volumes: Vec<Template>,
}

/// A command line, as one text or as a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// One text, for a shell to split.
    Text(Template),
    /// The words.
    List(Vec<Template>),
}

/// The shell of a step's commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shell {
    /// `/bin/sh`.
    #[default]
    Sh,
    /// `/bin/bash`.
    Bash,
}

/// A step that clones a repository onto the volume.
#[derive(Debug, Clone, PartialEq)]
pub struct GitClone {
    /// `owner/name` or an address.
    pub repo: Template,
    /// Branch, tag or hash.
    pub revision: Option<Template>,
    /// The name of the git integration.
    pub git: Option<Template>,
    /// The parent of the clone's directory.
    pub working_directory: Option<Template>,
    /// A user and a password.
    pub credentials: Option<Credentials>,
    /// How many commits of history.
    pub depth: Option<u32>,
    /// Fetch without blobs.
    pub exclude_blobs: bool,
    /// Fetch no tags into a clone that is there.
    pub skip_tags_on_update: bool,
    /// Honour the proxy.
    pub use_proxy: bool,
}

/// A user and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub username: Template,
    /// The password.
    pub password: Template,
}

/// Yes, no, or what a variable says when the step starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flag {
    /// Known.
    Value(bool),
    /// Exactly `${{VAR}}`.
    Variable(Template),
}

impl Flag {
    /// What a text says: `true`, `yes`, `on`, `1` and their opposites.
    #[must_use]
    pub fn from_text(text: &str) -> Option<bool> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        }
    }
}

impl Pipeline {
    /// The step of a name, wherever it stands.
    #[must_use]
    pub fn step(&self, name: &str) -> Option<&Step> {
        self.flat().into_iter().map(|flat| flat.step).find(|step| step.name.as_str() == name)
    }

    /// Whether any text refers to a step.
    #[must_use]
    pub fn refers_to(&self, name: &str) -> bool {
        self.flat().iter().any(|flat| flat.step.refers_to(name))
    }

    /// Whether the source must be cloned before the first step (rule G3): nobody defines `main_clone`, and the
    /// document refers to it or has no git-clone step. `skip` is `CF_SKIP_MAIN_CLONE=true`.
    #[must_use]
    pub fn needs_implicit_main_clone(&self, skip: bool) -> bool {
        let clones = self.flat().iter().any(|flat| matches!(flat.step.kind, StepKind::GitClone(_)));
        !skip && self.step(MAIN_CLONE).is_none() && (!clones || self.refers_to(MAIN_CLONE))
    }
}

impl Step {
    /// The clone of the source that runs before the first step (rule G3), at a revision where one is asked for.
    #[must_use]
    pub fn implicit_main_clone(revision: Option<&str>) -> Self {
        Self {
            name: StepName::main_clone(),
            title: Some(Template::literal("Cloning main repository")),
            description: None,
            stage: None,
            fail_fast: Some(Flag::Value(true)),
            strict_fail_fast: None,
            when: None,
            timeout: None,
            retry: Retry::default(),
            hooks: Hooks::default(),
            kind: StepKind::GitClone(GitClone {
                repo: Template::literal("${{CF_REPO_OWNER}}/${{CF_REPO_NAME}}"),
                revision: revision.map(Template::literal),
                git: None,
                working_directory: None,
                credentials: None,
                depth: None,
                exclude_blobs: false,
                skip_tags_on_update: false,
                use_proxy: false,
            }),
            place: Place::default(),
            implicit: true,
        }
    }

    /// Whether a text of this step refers to a step: `${{name}}`, `${{name.member}}`, `${{steps.name.member}}`.
    #[must_use]
    pub fn refers_to(&self, name: &str) -> bool {
        self.references().any(|reference| reference == name)
    }

    /// What the texts of this step may refer to: names of steps, which hold no dots (rule R3), and of variables.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        self.templates().into_iter().flat_map(Template::holes).map(|hole| {
            let prefixes = ["steps.", "parentSteps."];
            let reference = prefixes.iter().find_map(|prefix| hole.name.strip_prefix(prefix)).unwrap_or(&hole.name);
            reference.split('.').next().unwrap_or(reference)
        })
    }

    /// Every text of the step and its hooks in which `${{…}}` is replaced; those of the steps inside of it are theirs.
    #[must_use]
    pub fn templates(&self) -> Vec<&Template> {
        let mut all: Vec<&Template> = self.title.iter().chain(&self.description).collect();
        for flag in self.fail_fast.iter().chain(&self.strict_fail_fast) {
            if let Flag::Variable(template) = flag {
                all.push(template);
            }
        }
        all.extend(self.when.iter().flat_map(When::templates));
        all.extend(self.hooks.steps().flat_map(Step::templates));
        all.extend(self.hooks.iter().flat_map(|(_, hook)| hook.annotations.templates()));
        match &self.kind {
            StepKind::Freestyle(freestyle) => {
                all.push(&freestyle.image);
                all.extend(&freestyle.working_directory);
                all.extend(freestyle.commands.iter().flatten());
                for words in freestyle.cmd.iter().chain(&freestyle.entry_point) {
                    match words {
                        Words::Text(text) => all.push(text),
                        Words::List(list) => all.extend(list),
                    }
                }
                all.extend(&freestyle.environment);
                all.extend(&freestyle.volumes);
            }
            StepKind::GitClone(clone) => {
                all.push(&clone.repo);
                all.extend(clone.revision.iter().chain(&clone.git).chain(&clone.working_directory));
                all.extend(clone.credentials.iter().flat_map(|both| [&both.username, &both.password]));
            }
            StepKind::Approval(_) | StepKind::Unsupported(_) => {}
            StepKind::Parallel(parallel) => {
                let conditions = parallel.success_criteria.iter().flat_map(|criteria| &criteria.condition);
                all.extend(conditions.flat_map(Conditions::templates));
            }
        }
        all
    }
}

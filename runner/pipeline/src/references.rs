//! What later steps can say about earlier ones: `${{step}}`, `${{step.member}}` (rules V10, V11).

use std::collections::BTreeMap;

use crate::step_name::MAIN_CLONE;

/// What is known of a step that has run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepFacts {
    /// Its name.
    pub name: String,
    /// Its type, such as `freestyle`.
    pub type_name: String,
    /// Its description.
    pub description: Option<String>,
    /// The directory of its clone, or the one it ran in (rules W3, W4).
    pub working_directory: Option<String>,
    /// The word of rule S3.
    pub result: Option<String>,
    /// Of a git-clone step: what was checked out (rule G4).
    pub revision: Option<String>,
    /// Of a git-clone step: the repository.
    pub repo: Option<String>,
    /// Of an approval: who answered.
    pub answered_by: Option<String>,
}

impl StepFacts {
    /// The members that are known, by their names (rule V11).
    pub(crate) fn members(&self) -> impl Iterator<Item = (&'static str, &str)> {
        const NAMES: [&str; 7] = ["name", "type", "description", "workingDirectory", "result", "revision", "repo"];
        NAMES.into_iter().filter_map(|name| Some((name, self.member(name)?)))
    }

    /// The members of `authEntity`, of an approval that somebody answered (rule V11).
    pub(crate) fn auth_entity(&self) -> Option<[(&'static str, &str); 2]> {
        self.answered_by.as_deref().map(|name| [("name", name), ("type", "user")])
    }

    fn member(&self, name: &str) -> Option<&str> {
        match name {
            "name" => Some(&self.name),
            "type" => Some(&self.type_name),
            "description" => self.description.as_deref(),
            "workingDirectory" => self.working_directory.as_deref(),
            "result" => self.result.as_deref(),
            "revision" => self.revision.as_deref(),
            "repo" => self.repo.as_deref(),
            _ => {
                let member = name.strip_prefix("authEntity.")?;
                self.auth_entity()?.into_iter().find_map(|(name, value)| (name == member).then_some(value))
            }
        }
    }
}

/// The steps that have run so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    steps: BTreeMap<String, StepFacts>,
    in_hook: bool,
}

impl References {
    /// No steps.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same steps as a hook sees them: there `parentSteps` stands for the steps of the pipeline (rules V13, W8).
    #[must_use]
    pub fn for_hook(&self) -> Self {
        Self { steps: self.steps.clone(), in_hook: true }
    }

    /// Adds a step, or replaces what was known of it.
    pub fn insert(&mut self, facts: StepFacts) {
        self.steps.insert(facts.name.clone(), facts);
    }

    /// What is known of a step.
    #[must_use]
    pub fn facts(&self, step: &str) -> Option<&StepFacts> {
        self.steps.get(step)
    }

    /// The directory of `main_clone`, if it has run (rules W1, G2).
    #[must_use]
    pub fn main_clone(&self) -> Option<&str> {
        self.steps.get(MAIN_CLONE).and_then(|facts| facts.working_directory.as_deref())
    }

    /// The value of `step`, `step.member`, `steps.step` or `steps.step.member`, in hooks of `parentSteps.step` too. A step
    /// without member is its directory.
    #[must_use]
    pub fn get(&self, reference: &str) -> Option<&str> {
        let member = |prefix| self.lookup(reference.strip_prefix(prefix)?);
        let parent = || if self.in_hook { member("parentSteps.") } else { None };
        self.lookup(reference).or_else(|| member("steps.")).or_else(parent)
    }

    fn lookup(&self, reference: &str) -> Option<&str> {
        // Names hold no dots (rule R3).
        match reference.split_once('.') {
            None => self.steps.get(reference)?.working_directory.as_deref(),
            Some((step, member)) => self.steps.get(step)?.member(member),
        }
    }
}

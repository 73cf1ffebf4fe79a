//! Whether a step runs (section 4 of the specification): its [`When`] and a [`Situation`] make a [`Decision`].
//!
//! Whatever is wrong with a condition makes it false, as officially; the [`Reason`] says so.

mod branch;
mod quoting;
mod reason;
mod situation;

use std::cell::OnceCell;
use std::collections::HashMap;

pub(crate) use branch::entry_error;
pub use quoting::{quoted, substitute_condition, unquoted_holes};
pub use reason::{FalseExpression, OtherStep, Reason};
pub use situation::{Situation, StepStanding, WorkflowResult};

use crate::expression::{Dialect, Expression, ExpressionError, MAX_LENGTH, Scope, Value};
use crate::plan::StepResult;
use crate::step_name::MAIN_CLONE;
use crate::substitute::{SubstituteError, substitute};
use crate::template::Template;
use crate::when::{BranchFilter, Conditions, StepCondition, StepConditions, When};
use crate::work::Work;

/// Whether a step runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It does.
    Run,
    /// It does not, and nothing can change that.
    Skip(Reason),
    /// Not now; to be asked again when another step has ended. Only in parallel mode (rule P8): a step that waits when
    /// nothing runs any more never runs (rule P9).
    Wait(Reason),
}

/// What keeps a step from running, and whether that may change.
enum Hindrance {
    ForGood(Reason),
    SoFar(Reason),
}

impl When {
    /// Whether the step of this name runs. Branch, steps and condition must all hold (rule C3) and are looked at in
    /// this order.
    #[must_use]
    pub fn decide(&self, step: &str, situation: &Situation<'_>) -> Decision {
        Judge::new(situation).decide(step, self)
    }
}

impl Situation<'_> {
    /// The value of an expression that stands outside of conditions (rule A2).
    ///
    /// # Errors
    /// Why it has none.
    pub fn evaluate(&self, expression: &Template) -> Result<Value, ValueError> {
        let judge = Judge::new(self);
        let (_, parsed) = judge.parse(expression)?;
        match parsed?.evaluate(judge.scope(), Dialect::Stepbox)? {
            Value::Object(_) => Err(ExpressionError::Object.into()),
            value => Ok(value),
        }
    }
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ValueError {
    /// It is too long once its variables are replaced.
    #[error(transparent)]
    Text(#[from] SubstituteError),
    /// What the language says.
    #[error(transparent)]
    Expression(#[from] ExpressionError),
}

/// A situation, made ready to be looked at by many conditions.
pub struct Judge<'s> {
    situation: &'s Situation<'s>,
    results: HashMap<&'s str, StepResult>,
    /// How many steps have not ended.
    open: usize,
    /// What expressions know, once one has asked.
    scope: OnceCell<Scope>,
}

impl<'s> Judge<'s> {
    /// Makes a situation ready.
    #[must_use]
    pub fn new(situation: &'s Situation<'s>) -> Self {
        let mut results: HashMap<&str, StepResult> =
            situation.steps.iter().map(|step| (step.name, step.result)).collect();
        // A clone that nobody asked for has been made already (rule C18).
        results.entry(MAIN_CLONE).or_insert(StepResult::Success);
        let open = results.values().filter(|result| !result.is_final()).count();
        Self { situation, results, open, scope: OnceCell::new() }
    }

    /// Whether the step of this name runs, as [`When::decide`] says.
    #[must_use]
    pub fn decide(&self, step: &str, when: &When) -> Decision {
        let waits = self.situation.parallel && self.is_someone_else_to_end(step);
        match self.judge(when) {
            Ok(()) => Decision::Run,
            Err(Hindrance::SoFar(reason)) if waits => Decision::Wait(reason),
            Err(Hindrance::SoFar(reason) | Hindrance::ForGood(reason)) => Decision::Skip(reason),
        }
    }

    fn is_someone_else_to_end(&self, step: &str) -> bool {
        let itself = self.results.get(step).is_some_and(|result| !result.is_final());
        self.open > usize::from(itself)
    }

    fn judge(&self, when: &When) -> Result<(), Hindrance> {
        let mut work = Work::new();
        if let Some(branch) = &when.branch {
            self.branch(branch, &mut work).map_err(Hindrance::ForGood)?;
        }
        if let Some(steps) = &when.steps {
            self.steps(steps)?;
        }
        match &when.condition {
            Some(condition) => self.condition(condition, &mut work).map_err(Hindrance::SoFar),
            None => Ok(()),
        }
    }

    /// Rules C6, C7: one of `only` must mean the branch and none of `ignore`.
    fn branch(&self, filter: &BranchFilter, work: &mut Work) -> Result<(), Reason> {
        let branch = self.situation.branch;
        if let Some(only) = &filter.only {
            let only = self.texts(only)?;
            if self.first_match(&only, work)?.is_none() {
                return Err(Reason::NotOnly { branch: branch.map(str::to_owned), only });
            }
        }
        if let Some(ignore) = &filter.ignore {
            let ignore = self.texts(ignore)?;
            if let (Some(branch), Some(entry)) = (branch, self.first_match(&ignore, work)?) {
                return Err(Reason::Ignored { branch: branch.to_owned(), entry: entry.to_owned() });
            }
        }
        Ok(())
    }

    fn texts(&self, entries: &[Template]) -> Result<Vec<String>, Reason> {
        let Situation { variables, references, .. } = self.situation;
        let texts = entries.iter().map(|entry| substitute(entry, variables, references).map(|done| done.text));
        texts.collect::<Result<_, _>>().map_err(Reason::Text)
    }

    /// The first entry that means the branch.
    fn first_match<'e>(&self, entries: &'e [String], work: &mut Work) -> Result<Option<&'e str>, Reason> {
        let Some(branch) = self.situation.branch else { return Ok(None) };
        for entry in entries {
            match branch::matches(entry, branch, work) {
                Ok(true) => return Ok(Some(entry)),
                Ok(false) => {}
                Err(error) => return Err(Reason::Entry { entry: entry.clone(), error }),
            }
        }
        Ok(None)
    }

    /// Rules C15, C16.
    fn steps(&self, steps: &StepConditions) -> Result<(), Hindrance> {
        let result = |item: &StepCondition| self.results.get(item.name.as_str()).copied();
        let holds = |item: &StepCondition| result(item).is_some_and(|result| item.on.iter().any(|on| result.is(*on)));
        // What has ended, or is not there, never becomes anything else.
        let lost = |item: &StepCondition| !holds(item) && result(item).is_none_or(StepResult::is_final);
        let told = |item: &StepCondition| OtherStep {
            name: item.name.clone(),
            is: result(item).map(StepResult::as_str),
            on: item.on.clone(),
        };
        let missing: Vec<&StepCondition> = steps.items.iter().filter(|item| !holds(item)).collect();
        let (held, reason, for_good) = if steps.any {
            let held = missing.len() < steps.items.len();
            let reason = Reason::NoStep(missing.iter().map(|item| told(item)).collect());
            (held, reason, missing.iter().all(|item| lost(item)))
        } else {
            // One that is lost says more than one that is only not there yet.
            let Some(worst) = missing.iter().find(|item| lost(item)).or(missing.first()) else { return Ok(()) };
            (false, Reason::Step(told(worst)), lost(worst))
        };
        match (held, for_good) {
            (true, _) => Ok(()),
            (false, true) => Err(Hindrance::ForGood(reason)),
            (false, false) => Err(Hindrance::SoFar(reason)),
        }
    }

    /// Rule C13.
    fn condition(&self, conditions: &Conditions, work: &mut Work) -> Result<(), Reason> {
        let scope = self.scope();
        for (label, expression) in conditions.all.iter().flatten() {
            self.expression(label, expression, scope, work)?.map_err(|one| Reason::All(Box::new(one)))?;
        }
        let Some(any) = &conditions.any else { return Ok(()) };
        let mut wrong = Vec::new();
        for (label, expression) in any {
            match self.expression(label, expression, scope, work)? {
                Ok(()) => return Ok(()),
                Err(one) => wrong.push(one),
            }
        }
        Err(Reason::Any(wrong))
    }

    /// Whether an expression is true.
    fn expression(
        &self,
        label: &str,
        written: &Template,
        scope: &Scope,
        work: &mut Work,
    ) -> Result<Result<(), FalseExpression>, Reason> {
        let (text, parsed) = self.parse(written).map_err(Reason::Text)?;
        let (verdict, seen) = match parsed {
            Ok(expression) => {
                let judgement = expression.judge_within(scope, Dialect::Stepbox, work);
                (judgement.verdict, judgement.seen)
            }
            Err(error) => (Err(error), Vec::new()),
        };
        let error = match verdict {
            Ok(true) => return Ok(Ok(())),
            Ok(false) => None,
            Err(error) => Some(error),
        };
        let expression = text.trim().to_owned();
        Ok(Err(FalseExpression { label: label.to_owned(), expression, error, seen }))
    }

    /// An expression, its variables replaced, as text and read.
    fn parse(&self, written: &Template) -> Result<(String, Result<Expression, ExpressionError>), SubstituteError> {
        let Situation { variables, references, .. } = self.situation;
        let result = |name: &str| {
            let (step, member) = name.strip_prefix("steps.").unwrap_or(name).split_once('.')?;
            (member == "result").then(|| self.results.get(step).map(|result| result.as_str())).flatten()
        };
        let text = quoting::substitute_expression(written, variables, references, result)?.text;
        // Rule of section 4.3: so long at most before and after. The second is the parser's.
        let length = written.text().encode_utf16().count();
        let parsed = if length > MAX_LENGTH { Err(ExpressionError::TooLong(length)) } else { Expression::parse(&text) };
        Ok((text, parsed))
    }

    fn scope(&self) -> &Scope {
        self.scope.get_or_init(|| self.known_names())
    }

    /// The names that expressions know: variables, steps by their bare names where no variable has it, `steps`,
    /// `workflow`.
    fn known_names(&self) -> Scope {
        let Situation { variables, references, steps, workflow, .. } = self.situation;
        let mut objects: Vec<(&str, Value)> = steps
            .iter()
            .map(|step| {
                let facts = references.facts(step.name);
                let known = facts.into_iter().flat_map(|facts| facts.members());
                let texts = |members: [(&'static str, &str); 2]| members.map(|(name, text)| (name, Value::from(text)));
                let who =
                    facts.and_then(|facts| facts.auth_entity()).map(|who| ("authEntity", Value::object(texts(who))));
                let own = [("name", step.name), ("type", step.type_name), ("result", step.result.as_str())];
                (step.name, Value::object(known.chain(own).map(|(name, text)| (name, Value::from(text))).chain(who)))
            })
            .collect();
        if !steps.iter().any(|step| step.name == MAIN_CLONE) {
            let own = [("name", MAIN_CLONE), ("type", "git-clone"), ("result", StepResult::Success.as_str())];
            objects.push((MAIN_CLONE, Value::object(own.map(|(name, text)| (name, Value::from(text))))));
        }
        let mut scope = Scope::new();
        for (name, object) in &objects {
            scope.set(*name, object.clone());
        }
        for (name, value) in variables.effective() {
            scope.set(name, value);
        }
        scope.set("steps", Value::object(objects));
        scope.set("workflow", Value::object([("result", Value::from(workflow.as_str()))]));
        scope
    }
}

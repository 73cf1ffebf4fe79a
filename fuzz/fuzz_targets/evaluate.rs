//! Any text as a condition, in both dialects, and as a branch filter.
//!
//! The text ends at a NUL byte; what stands behind it is the value of the variable `V`, and the branch.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stepbox_pipeline::expression::{Dialect, Expression, ExpressionError, MAX_LENGTH, Scope, Value};
use stepbox_pipeline::{
    BranchFilter, Conditions, Decision, Layer, References, Situation, StepResult, StepStanding, Template, Variables,
    When, WorkflowResult, quoted, unquoted_holes,
};

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (Ok(text), Ok(value)) =
        (std::str::from_utf8(&data[..end]), std::str::from_utf8(data.get(end + 1..).unwrap_or_default()))
    else {
        return;
    };
    let mut scope = Scope::new();
    scope.set("o", Value::object([("a", Value::from(1.0)), ("b", Value::from("x"))]));
    scope.set("s", value);
    scope.set("n", 4.0);
    scope.set("t", true);
    match Expression::parse(text) {
        Ok(expression) => {
            let ours = expression.judge(&scope, Dialect::Stepbox);
            assert_eq!(ours, expression.judge(&scope, Dialect::Stepbox), "judging is not repeatable");
            let official = expression.judge(&scope, Dialect::Official);
            // Decisions 3 and 5, and looking into variables, are all in which they differ.
            let differs = text.contains("===")
                || text.contains("!==")
                || text.to_lowercase().contains("replace")
                || text.to_lowercase().contains("member");
            if !differs {
                assert_eq!(ours.verdict, official.verdict, "the dialects differ");
            }
            if let Some(error) = expression.certain_error() {
                assert!(ours.verdict.is_err(), "{error} is certain, and did not come");
            }
            // Brackets around everything change nothing.
            let wrapped = Expression::parse(&format!("({text})"));
            if let Ok(wrapped) = wrapped {
                let verdict = wrapped.judge(&scope, Dialect::Stepbox).verdict;
                // Blanks at the ends are taken off first; inside, one that is not ASCII is part of a name.
                let whole = !text.is_empty() && text.trim() == text;
                if whole && ours.verdict.is_ok() && !text.contains([',', ';', '\n', '(', ')', '"', '\'']) {
                    assert_eq!(verdict, ours.verdict, "brackets matter");
                }
            }
        }
        Err(error) => {
            let known = matches!(
                error,
                ExpressionError::TooLong(_) | ExpressionError::TooDeep { .. } | ExpressionError::Syntax { .. }
            );
            assert!(known || !error.to_string().is_empty());
            assert!(text.encode_utf16().count() <= MAX_LENGTH || matches!(error, ExpressionError::TooLong(_)));
        }
    }
    let mut variables = Variables::new();
    variables.set(Layer::Build, "V", value);
    let template = Template::literal(text);
    let _ = (unquoted_holes(&template), quoted(&template));
    let when = When {
        condition: Some(Conditions { all: Some(vec![("a".to_owned(), template.clone())]), any: None }),
        branch: Some(BranchFilter { only: Some(vec![template]), ignore: None }),
        ..When::default()
    };
    let steps = [StepStanding { name: "a", type_name: "freestyle", result: StepResult::Success }];
    let situation = Situation {
        variables: &variables,
        references: &References::new(),
        steps: &steps,
        workflow: WorkflowResult::Running,
        branch: Some(value),
        parallel: false,
    };
    // As texts: what is not a number is not equal to itself.
    let value_of = || format!("{:?}", situation.evaluate(&Template::literal(text)));
    assert_eq!(value_of(), value_of(), "evaluating is not repeatable");
    let decision = when.decide("a", &situation);
    if let Decision::Skip(reason) = &decision {
        assert!(!reason.to_string().is_empty());
    }
    assert_eq!(decision, when.decide("a", &situation), "deciding is not repeatable");

    // A value in quotes is a text, whatever is in it.
    let compare = When {
        condition: Some(Conditions {
            all: Some(vec![("a".to_owned(), Template::literal("\"${{V}}\" == s"))]),
            any: None,
        }),
        ..When::default()
    };
    match compare.decide("a", &situation) {
        // `s` is no variable here: whatever V is, the comparison has no value, and never another meaning.
        Decision::Skip(_) => {}
        other => panic!("the value became syntax: {other:?}"),
    }
});

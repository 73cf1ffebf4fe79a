//! `stepbox eval`: what a condition comes to.

use std::path::Path;

use stepbox_engine::expression::{Dialect, Expression, Scope, Value};
use stepbox_engine::{Layer, Variables, substitute_condition};

use crate::arguments::EvalArguments;
use crate::error::CliError;
use crate::exit_code;
use crate::results::print;
use crate::run::{assignments, read_file};

/// Evaluates; the exit status, 1 where the expression has no value.
pub(crate) fn run(arguments: &EvalArguments) -> Result<u8, CliError> {
    let (mut scope, mut variables) = (Scope::new(), Variables::new());
    if let Some(file) = &arguments.variables {
        from_file(file, &mut scope, &mut variables)?;
    }
    for (name, value) in assignments("-v", &arguments.texts)? {
        scope.set(name.as_str(), value.as_str());
        variables.set(Layer::Build, name, value);
    }
    let dialect = if arguments.official { Dialect::Official } else { Dialect::Stepbox };
    match evaluate(&arguments.expression, &scope, &variables, dialect, arguments.value) {
        Ok(text) => {
            print(&format!("{text}\n"))?;
            Ok(exit_code::SUCCESS)
        }
        Err(message) => {
            CliError::usage(message).print();
            Ok(exit_code::BUILD_FAILED)
        }
    }
}

fn evaluate(text: &str, scope: &Scope, variables: &Variables, dialect: Dialect, value: bool) -> Result<String, String> {
    let text = substitute_condition(text, variables).map_err(|error| error.to_string())?.text;
    let expression = Expression::parse(&text).map_err(|error| error.to_string())?;
    if dialect == Dialect::Stepbox {
        for (found, meant) in expression.foreign_operators() {
            eprintln!("warning: `{found}` is no operator of conditions, it is taken as `{meant}`");
        }
    }
    let found = expression.evaluate(scope, dialect).map_err(|error| error.to_string())?;
    if value {
        return Ok(shown(&found));
    }
    found.truth().map(|truth| truth.to_string()).map_err(|error| error.to_string())
}

/// A value as JSON; numbers that JSON does not have as JavaScript writes them.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => serde_json::Value::from(text.to_string()).to_string(),
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}:{}", serde_json::Value::from(name.as_str()), shown(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Number(_) | Value::Boolean(_) | Value::Null => value.to_string(),
    }
}

/// Variables with their types for names in expressions; scalars as texts for `${{NAME}}`.
fn from_file(file: &Path, scope: &mut Scope, variables: &mut Variables) -> Result<(), CliError> {
    let text = read_file(file, "the variables")?;
    let wrong = |message: String, line, column| CliError::File {
        path: file.display().to_string(),
        text: text.clone(),
        message,
        line,
        column,
    };
    let json: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| wrong(error.to_string(), error.line(), error.column()))?;
    let serde_json::Value::Object(members) = json else {
        return Err(wrong("the variables must be one object of names and values".to_owned(), 1, 1));
    };
    for (name, member) in members {
        let text = match &member {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
            other => Some(other.to_string()),
        };
        variables.extend(Layer::Build, text.map(|text| (name.clone(), text)));
        let value = typed(&member)
            .ok_or_else(|| wrong(format!("the variable `{name}` holds a list, which conditions do not know"), 1, 1))?;
        scope.set(name, value);
    }
    Ok(())
}

/// `None` for lists. JSON is at most 128 levels deep, which the parser sees to.
fn typed(json: &serde_json::Value) -> Option<Value> {
    Some(match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Boolean(*value),
        serde_json::Value::Number(number) => Value::Number(number.as_f64()?),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(_) => return None,
        serde_json::Value::Object(members) => Value::object(
            members.iter().map(|(name, member)| Some((name.clone(), typed(member)?))).collect::<Option<Vec<_>>>()?,
        ),
    })
}

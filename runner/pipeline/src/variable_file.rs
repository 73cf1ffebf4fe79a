//! Variables from the command line: `NAME=VALUE`, and files of them.

use crate::diagnostic::{Diagnostic, Severity};
use crate::place::Place;
use crate::reader::yaml_diagnostic;
use crate::yaml::{Node, Value, YamlError, parse};

/// The variables of one build.
pub type VariableList = Vec<(String, String)>;

/// A text that is no `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid environment variable format. please enter [key]=[value]")]
pub struct BadAssignment {
    /// The text.
    pub text: String,
}

/// Reads `NAME=VALUE`; the value is all after the first `=`, and may be empty (rule V18).
///
/// # Errors
/// Where there is no `=` or nothing before it.
pub fn parse_assignment(text: &str) -> Result<(String, String), BadAssignment> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err(BadAssignment { text: text.to_owned() }),
    }
}

/// Reads a file of variables, YAML or JSON: a mapping is one build, a list of mappings one build each.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_variable_file(text: &str) -> Result<Vec<VariableList>, Vec<Diagnostic>> {
    read_variable_file(parse(text))
}

/// The same of a text that is parsed already.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_variable_file(parsed: Result<Node, YamlError>) -> Result<Vec<VariableList>, Vec<Diagnostic>> {
    let root = parsed.map_err(|error| vec![yaml_diagnostic(error)])?;
    let mut problems = Vec::new();
    let builds: Vec<VariableList> = match &root.value {
        Value::Mapping(_) => vec![build(&root, "", &mut problems)],
        Value::Sequence(items) if items.is_empty() => {
            problems.push(problem(root.span, "", "the list of builds is empty".to_owned()));
            Vec::new()
        }
        Value::Sequence(items) => items
            .iter()
            .enumerate()
            .map(|(number, item)| match item.value {
                Value::Mapping(_) => build(item, &format!("[{number}]."), &mut problems),
                _ => {
                    let message = format!("each build must be a mapping of variables, this is {}", item.kind());
                    problems.push(problem(item.span, &format!("[{number}]"), message));
                    Vec::new()
                }
            })
            .collect(),
        _ => {
            let message = format!("variables must be a mapping or a list of mappings, this is {}", root.kind());
            problems.push(problem(root.span, "", message));
            Vec::new()
        }
    };
    if problems.is_empty() { Ok(builds) } else { Err(problems) }
}

fn build(node: &Node, prefix: &str, problems: &mut Vec<Diagnostic>) -> VariableList {
    let mut variables = Vec::new();
    for (key, value) in node.entries() {
        let name = key.scalar_text().unwrap_or_default().into_owned();
        let path = format!("{prefix}{name}");
        if name.is_empty() || name.contains('=') {
            problems.push(problem(key.span, &path, format!("`{name}` cannot be the name of a variable")));
        } else if let Some(text) = value.scalar_text() {
            variables.push((name, text.into_owned()));
        } else {
            let message =
                format!("the value of `{name}` must be a string, a number or a boolean, this is {}", value.kind());
            problems.push(problem(value.span, &path, message));
        }
    }
    variables
}

fn problem(place: Place, path: &str, message: String) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        message,
        place: Some(place),
        other: None,
        step: None,
        path: path.to_owned(),
        hints: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(pairs: &[(&str, &str)]) -> VariableList {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn v18_an_assignment_has_a_name_and_a_value() {
        assert_eq!(parse_assignment("A=b=c"), Ok(("A".into(), "b=c".into())));
        assert_eq!(parse_assignment("A="), Ok(("A".into(), String::new())));
        for text in ["A", "", "=x"] {
            let error = parse_assignment(text).expect_err(text);
            assert_eq!(error.to_string(), "Invalid environment variable format. please enter [key]=[value]");
        }
    }

    #[test]
    fn a_map_is_one_build() {
        let text = "A: 1.0\nB: yes\nC: true\nD:\nE: 'x: y'\n";
        let expected = list(&[("A", "1.0"), ("B", "yes"), ("C", "true"), ("D", ""), ("E", "x: y")]);
        assert_eq!(parse_variable_file(text), Ok(vec![expected]));
    }

    #[test]
    fn an_array_is_one_build_for_each_element() {
        let text = r#"[{"A": "1"}, {"A": 2, "B": "x"}, {}]"#;
        let expected = vec![list(&[("A", "1")]), list(&[("A", "2"), ("B", "x")]), list(&[])];
        assert_eq!(parse_variable_file(text), Ok(expected));
    }

    #[test]
    fn what_is_no_variable_is_told_with_its_place() {
        let problems = parse_variable_file("- A: [1]\n- text\n- B: {x: y}\n").expect_err("bad");
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            all,
            [
                "1:6: the value of `A` must be a string, a number or a boolean, this is a list",
                "2:3: each build must be a mapping of variables, this is a string",
                "3:6: the value of `B` must be a string, a number or a boolean, this is a mapping",
            ]
        );
        assert!(parse_variable_file("text").is_err());
        assert!(parse_variable_file("").is_err());
        assert!(parse_variable_file("[]").is_err());
        assert!(parse_variable_file("a: [").is_err());
    }
}

//! `scale` and `matrix`: a step that is several (rules P11, P13, P14). They become a parallel step with one member for each.
//!
//! A member is the step with some fields replaced; `environment` is merged, the member's items win. What is about the
//! whole stays with the parallel step: its title, conditions, criteria and what its failure means. The names of members
//! are those of `scale`, or the step's with a number, counted from 1; each shows the values of `matrix` in its title.

use super::context::{Context, Scope};
use super::step::{self, Home};
use crate::pipeline::Step;
use crate::schema::Fields;
use crate::step_name::StepName;
use crate::yaml::{Node, Value};

/// How many members one step may have.
const MAX_MEMBERS: usize = 256;

/// How many members all steps of a document may have together.
pub(super) const MAX_ALL_MEMBERS: usize = 1024;

/// Fields that stay with the parallel step.
const OF_THE_WHOLE: &[&str] = &[
    "scale",
    "matrix",
    "title",
    "description",
    "when",
    "fail_fast",
    "strict_fail_fast",
    "success_criteria",
    "arguments",
    "hooks",
    "on_success",
    "on_fail",
    "on_finish",
];

/// A member: its name, where that stands, what its title says of it, and the fields in which it differs.
struct Member {
    name: String,
    key: Node,
    title: Option<String>,
    fields: Vec<(Node, Node)>,
}

/// Whether a step is several.
pub(super) fn is_several(fields: &Fields<'_>) -> bool {
    ["scale", "matrix"].iter().any(|name| fields.get(name).is_some_and(|value| value.entries().next().is_some()))
}

/// The members of a step that is several. `key` is its name as written.
pub(super) fn read(
    context: &mut Context<'_>,
    scope: Scope<'_>,
    key: &Node,
    fields: &Fields<'_>,
    home: Home,
) -> Vec<Step> {
    let (scale, matrix) = (fields.entry("scale"), fields.entry("matrix"));
    for entry in scale.iter().chain(&matrix).filter(|_| home.parallel_mode) {
        let message = format!("\"{}\" cannot be used in mode: parallel", entry.name);
        context.error_with_hint(scope, entry.name, entry.key.span, message, "write the copies as steps of their own");
    }
    let members = match (scale, matrix) {
        (Some(scale), Some(_)) => {
            let reason = "a step is multiplied in one way only";
            context.refuse(scope, "scale and matrix", scale.key.span, reason, Some("keep one of the two"));
            return vec![];
        }
        (Some(scale), None) => scaled(scale.value),
        (None, Some(matrix)) => combined(key, matrix.value),
        (None, None) => return vec![],
    };
    let place = scale.or(matrix).map_or(key.span, |entry| entry.key.span);
    let members = members.filter(|members| context.count_members(members.len()));
    let Some(members) = members else {
        let message = format!(
            "too many copies: at most {MAX_MEMBERS} of one step and {MAX_ALL_MEMBERS} in a document are allowed"
        );
        context.error(scope, "", place, message);
        return vec![];
    };
    let mut steps = vec![];
    for member in members {
        let node = Node { value: Value::Mapping(merged(fields, &member)), span: member.key.span };
        let path = format!("{}.{}", scope.path, member.name);
        let name = match StepName::new(&member.name) {
            Ok(name) => Some(name),
            Err(error) => {
                context.error(scope, "scale", member.key.span, error.to_string());
                None
            }
        };
        let scope = Scope { step: Some(&member.name), path: &path };
        let read = step::read_one(context, scope, (&member.key, &node), name, home);
        steps.extend(read.map(|step| Step {
            title: step.title.or_else(|| member.title.as_deref().map(crate::template::Template::literal)),
            ..step
        }));
    }
    steps
}

/// Rule P13.
fn scaled(scale: &Node) -> Option<Vec<Member>> {
    let member = |(key, copy): (&Node, &Node)| Member {
        name: key.scalar_text().unwrap_or_default().into_owned(),
        key: key.clone(),
        title: None,
        fields: copy.entries().map(|(key, value)| (key.clone(), value.clone())).collect(),
    };
    let members: Vec<Member> = scale.entries().take(MAX_MEMBERS + 1).map(member).collect();
    (members.len() <= MAX_MEMBERS).then_some(members)
}

/// Rule P14: every combination, the last field changing first.
fn combined(step: &Node, matrix: &Node) -> Option<Vec<Member>> {
    let mut rows: Vec<Vec<(Node, Node)>> = vec![vec![]];
    for (key, values) in matrix.entries() {
        let values = values.as_sequence().unwrap_or_default();
        if rows.len().saturating_mul(values.len()) > MAX_MEMBERS {
            return None;
        }
        rows = rows
            .iter()
            .flat_map(|row| {
                values.iter().map(|value| {
                    let mut row = row.clone();
                    row.push((key.clone(), listed(key, value)));
                    row
                })
            })
            .collect();
    }
    let name = step.scalar_text().unwrap_or_default();
    let members = rows.into_iter().enumerate().map(|(number, fields)| {
        let values: Vec<String> = fields.iter().map(|(_, value)| shown(value)).collect();
        Member {
            name: format!("{name}_{}", number + 1),
            key: step.clone(),
            title: Some(format!("{name} ({})", values.join(", "))),
            fields,
        }
    });
    Some(members.collect())
}

/// Of a field that is a list, one text is taken for a list of one.
fn listed(key: &Node, value: &Node) -> Node {
    let is_list = key.as_str().is_some_and(|key| ["environment", "commands", "volumes"].contains(&key));
    if is_list && value.as_str().is_some() {
        Node { value: Value::Sequence(vec![value.clone()]), span: value.span }
    } else {
        value.clone()
    }
}

fn shown(value: &Node) -> String {
    match value.as_sequence() {
        Some(items) => items.iter().map(shown).collect::<Vec<_>>().join(" "),
        None => value.scalar_text().unwrap_or_default().into_owned(),
    }
}

/// The fields of a member.
fn merged(fields: &Fields<'_>, member: &Member) -> Vec<(Node, Node)> {
    let own = |name: &str| member.fields.iter().find(|(key, _)| key.as_str() == Some(name));
    let mut all: Vec<(Node, Node)> = vec![];
    for entry in fields.entries().iter().filter(|entry| !OF_THE_WHOLE.contains(&entry.name)) {
        // Under its present name, wherever it was written.
        let key = Node { value: Value::String(entry.name.to_owned()), span: entry.key.span };
        match own(entry.name) {
            None => all.push((key, entry.value.clone())),
            Some((own_key, own)) if entry.name == "environment" => {
                all.push((own_key.clone(), environment(entry.value, own)));
            }
            Some(_) => {}
        }
    }
    let merged = |key: &Node| {
        key.as_str() == Some("environment") && all.iter().any(|(other, _)| other.as_str() == Some("environment"))
    };
    let rest: Vec<(Node, Node)> = member.fields.iter().filter(|(key, _)| !merged(key)).cloned().collect();
    all.extend(rest);
    all
}

/// The items of both lists; of equal names those of the member win.
fn environment(whole: &Node, own: &Node) -> Node {
    fn name(item: &Node) -> &str {
        item.as_str().unwrap_or_default().split('=').next().unwrap_or_default()
    }
    let own_items = own.as_sequence().unwrap_or_default();
    let kept = whole.as_sequence().unwrap_or_default().iter();
    let kept = kept.filter(|item| !own_items.iter().any(|other| name(other) == name(item)));
    Node { value: Value::Sequence(kept.chain(own_items).cloned().collect()), span: own.span }
}

//! `scale` and `matrix` (rules P11, P13, P14): copies of a step, made in the tree before anything else looks at it.
//!
//! A step with one of them becomes a parallel step of the same name, and its copies the steps inside. Where it has both,
//! each copy that `scale` makes has the `matrix`. What is checked and read afterwards are ordinary steps, whose nodes
//! still stand where they were written. What a copy is: [`copy`]; what it is called: [`names`].
//!
//! A step whose `scale` or `matrix` is not of the right shape stays as it is, for the schema to say so. Parallel steps, for
//! which the reader refuses them, and steps of hooks are not multiplied.

mod copy;
mod names;
mod once;

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Severity};
use crate::place::Place;
use crate::schema::{BuildVersion, StepView, body_mut, clip, is_specification, key_text};
use crate::yaml::{MAX_DEPTH, MAX_NODES, MAX_TEXT, Node, Value};
use copy::{Copy, of_matrix, of_scale};
use names::Names;

/// The most copies that one `scale` or `matrix` may make.
pub const MAX_COPIES_OF_STEP: usize = 256;
/// The most copies of a document.
pub const MAX_COPIES: usize = 1024;

/// What became of the copies.
#[derive(Debug, Default)]
pub(crate) struct Expansion {
    /// What is wrong, at most one for each `scale` and `matrix`.
    pub(crate) problems: Vec<Diagnostic>,
    /// Under the name of each copy the name of the step that it is one of.
    originals: HashMap<String, String>,
}

/// Makes the copies. The root must be a mapping.
pub(crate) fn expand(root: &mut Node, build: BuildVersion) -> Expansion {
    let specification = is_specification(root);
    let Some(body) = body_mut(root) else { return Expansion::default() };
    let parallel_mode = body.get("mode").and_then(Node::as_str) == Some("parallel");
    let Some(steps) = body.get_mut("steps") else { return Expansion::default() };
    let mut expander = Expander {
        build,
        parallel_mode,
        names: Names::of(steps),
        copies: 0,
        nodes: 0,
        text: 0,
        expansion: Expansion::default(),
    };
    expander.steps(steps, "steps", if specification { 3 } else { 2 });
    expander.expansion
}

struct Expander {
    build: BuildVersion,
    parallel_mode: bool,
    names: Names,
    /// How many copies there are so far, and what they weigh.
    copies: usize,
    nodes: usize,
    text: usize,
    expansion: Expansion,
}

impl Expander {
    /// Makes the copies of the steps of a mapping, which is so deep in the tree, and of those inside of them. The
    /// recursion is as deep as the tree, whose depth is bounded, copies included.
    fn steps(&mut self, steps: &mut Node, path: &str, depth: usize) {
        let Value::Mapping(entries) = &mut steps.value else { return };
        for (key, step) in entries {
            let has = |name| step.get(name).or_else(|| step.get("arguments")?.get(name)).is_some();
            let (multiplied, nested) = (has("scale") || has("matrix"), has("steps"));
            if !multiplied && !nested {
                continue;
            }
            let path = format!("{path}.{}", clip(key_text(key)));
            if multiplied && !StepView::new(step, self.build).kind.is("parallel") {
                self.step(key, step, &path, depth + 1);
            }
            if StepView::new(step, self.build).children().is_none() {
                continue;
            }
            let own = step.get("steps").is_some();
            let holder = if own { Some(step) } else { step.get_mut("arguments") };
            if let Some(children) = holder.and_then(|holder| holder.get_mut("steps")) {
                self.steps(children, &format!("{path}.steps"), depth + 2);
            }
        }
    }

    /// Makes a parallel step of a step that has copies.
    fn step(&mut self, key: &Node, step: &mut Node, path: &str, depth: usize) {
        let object = StepView::new(step, self.build).object;
        let find = |name| Some((name, copy::field(step, object, name).filter(|(_, node)| !node.is_null())?));
        let Some((name, (field, node))) = find("scale").or_else(|| find("matrix")) else { return };
        if self.parallel_mode {
            let message = format!("\"{name}\" cannot be used in mode: parallel");
            let hint = "write the copies as steps of their own";
            return self.say(key, path, name, field.span, message, Some(hint));
        }
        if node.entries().next().is_none() {
            if node.is_mapping() {
                let message = format!("\"{name}\" must contain at least 1 items");
                self.say(key, path, name, node.span, message, None);
            }
            return;
        }
        let place = field.span;
        let Some(count) = copy::count(name, node) else { return };
        if let Err(message) = self.afford(name, step, node, count, depth) {
            return self.say(key, path, name, place, message, None);
        }
        let copies = match name {
            "scale" => of_scale(step, node, object),
            _ => of_matrix(key, step, node, object, &mut self.names),
        };
        self.remember(key, &copies);
        *step = copy::group(step, object, name, place, copies);
    }

    /// Takes what some copies cost from what is left, for copies of a step that is so deep in the tree.
    fn afford(&mut self, name: &str, step: &Node, node: &Node, count: usize, depth: usize) -> Result<(), String> {
        if count > MAX_COPIES_OF_STEP || self.copies + count > MAX_COPIES {
            return Err(format!(
                "too many copies: at most {MAX_COPIES_OF_STEP} of one step and {MAX_COPIES} in a document are allowed"
            ));
        }
        let cost = copy::weigh(name, step, node, count);
        let (nodes, text) = (self.nodes.saturating_add(cost.nodes), self.text.saturating_add(cost.text));
        if nodes > MAX_NODES || text > MAX_TEXT {
            return Err(format!("\"{name}\" makes copies that are too large together"));
        }
        // Between the step and what its copies hold comes the mapping of the copies.
        if depth + 1 + cost.depth > MAX_DEPTH {
            return Err(format!("\"{name}\" makes steps that are nested more than {MAX_DEPTH} levels deep"));
        }
        self.copies += count;
        (self.nodes, self.text) = (nodes, text);
        Ok(())
    }

    fn remember(&mut self, key: &Node, copies: &[Copy]) {
        for copy in copies {
            self.expansion.originals.insert(key_text(&copy.key).to_owned(), key_text(key).to_owned());
        }
    }

    fn say(&mut self, key: &Node, path: &str, field: &str, place: Place, message: String, hint: Option<&str>) {
        self.expansion.problems.push(Diagnostic {
            severity: Severity::Error,
            message,
            place: Some(place),
            other: None,
            step: Some(clip(key_text(key)).to_owned()),
            path: format!("{path}.{field}"),
            hints: hint.map(str::to_owned).into_iter().collect(),
        });
    }
}

/// How much there is of a node.
#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    nodes: usize,
    text: usize,
    depth: usize,
}

impl Weight {
    fn of(node: &Node) -> Self {
        let mut whole = Self { nodes: 1, text: 0, depth: 1 };
        let mut add = |part: Self| {
            whole.nodes += part.nodes;
            whole.text += part.text;
            whole.depth = whole.depth.max(part.depth + 1);
        };
        match &node.value {
            Value::Sequence(items) => items.iter().map(Self::of).for_each(add),
            Value::Mapping(entries) => {
                entries.iter().flat_map(|(key, value)| [key, value]).map(Self::of).for_each(&mut add);
            }
            _ => whole.text = node.scalar_text().map_or(0, |text| text.len()),
        }
        whole
    }
}

//! The descriptions as a JSON Schema (draft 7), for editors.
//!
//! Rules that the format cannot say (names that are used twice, stages that are not declared) are left to the checker;
//! nothing that the checker accepts is refused, but for spellings that only a conversion makes right.

use std::fmt::Write as _;

use super::common::COMMON;
use super::hooks;
use super::root::{DOCUMENT, ROOT};
use super::shape::{Field, Least, List, Map, Object, Others, Presence, Rule, Shape};
use super::types::{self, BuildVersion, CUSTOM};

/// The JSON Schema of codefresh.yml, as indented text that ends in a line feed.
///
/// It describes both kinds of document: a codefresh.yml and a pipeline's specification (`kind: pipeline`). The fields of
/// steps of type `build` are those of today's accounts.
#[must_use]
pub fn json_schema() -> String {
    let specification = object([("required", list(["kind"].map(text)))]);
    let schema = object([
        ("$schema", text("http://json-schema.org/draft-07/schema#")),
        ("title", text("codefresh.yml")),
        ("if", specification),
        ("then", fields(&DOCUMENT, Requires::Here)),
        ("else", fields(&ROOT, Requires::Here)),
        ("definitions", definitions()),
    ]);
    let mut out = String::new();
    schema.write(&mut out, 0);
    out.push('\n');
    out
}

/// A value of JSON.
enum Json {
    True,
    False,
    Text(String),
    Number(u8),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

fn text(value: &str) -> Json {
    Json::Text(value.to_owned())
}

fn list(items: impl IntoIterator<Item = Json>) -> Json {
    Json::List(items.into_iter().collect())
}

fn object<'a>(pairs: impl IntoIterator<Item = (&'a str, Json)>) -> Json {
    Json::Object(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn of_type(name: &str) -> Json {
    object([("type", text(name))])
}

fn reference(name: &str) -> Json {
    object([("$ref", text(&format!("#/definitions/{name}")))])
}

/// Where fields that must stand may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Requires {
    /// In the mapping.
    Here,
    /// In the mapping, under its `arguments`, or in what it is multiplied with.
    Step,
}

fn definitions() -> Json {
    let mut all = vec![
        ("steps".to_owned(), object([("type", text("object")), ("additionalProperties", reference("step"))])),
        ("step".to_owned(), step()),
        ("hook".to_owned(), hook()),
    ];
    all.extend(COMMON.iter().map(|field| (format!("field-{}", field.name), described(field))));
    for one in types::all() {
        all.push((format!("type-{}", one.name), fields(types::object(one, BuildVersion::V2), Requires::Step)));
    }
    all.push(("type-custom".to_owned(), fields(&CUSTOM, Requires::Step)));
    Json::Object(all)
}

/// A step is described by its type; without one it is freestyle (rule R8).
fn step() -> Json {
    let named =
        |pattern: String| object([("properties", object([("type", object([("pattern", Json::Text(pattern))]))]))]);
    let mut cases: Vec<Json> = Vec::new();
    for one in types::all() {
        let condition = named(format!("^{}(:|$)", one.name));
        let condition = if one.name == "freestyle" {
            condition
        } else {
            object([("allOf", list([condition, object([("required", list(["type"].map(text)))])]))])
        };
        cases.push(object([("if", condition), ("then", reference(&format!("type-{}", one.name)))]));
    }
    let names: Vec<&str> = types::all().map(|one| one.name).collect();
    let built_in = object([(
        "anyOf",
        list([
            named(format!("^({})(:|$)", names.join("|"))),
            object([("not", object([("required", list(["type"].map(text)))]))]),
        ]),
    )]);
    cases.push(object([("if", object([("not", built_in)])), ("then", reference("type-custom"))]));
    object([("type", text("object")), ("allOf", Json::List(cases))])
}

/// All forms of a hook (rule H2).
fn hook() -> Json {
    let commands = object([("type", text("array")), ("items", of_type("string"))]);
    let forms = hooks::forms().map(|form| fields(form, Requires::Here));
    object([("anyOf", list([commands].into_iter().chain(forms).chain([reference("step")])))])
}

fn fields(description: &'static Object, requires: Requires) -> Json {
    let mut properties = Vec::new();
    let mut required = Vec::new();
    for field in description.fields() {
        match field.presence {
            Presence::Forbidden(_) => {
                properties.push((field.name.to_owned(), Json::False));
                continue;
            }
            Presence::Required => required.push(field),
            Presence::Optional => {}
        }
        let shared = requires == Requires::Step && COMMON.iter().any(|common| common.name == field.name);
        let say = || if shared { reference(&format!("field-{}", field.name)) } else { described(field) };
        properties.push((field.name.to_owned(), say()));
        if let Some(alias) = field.alias {
            properties.push((alias.to_owned(), say()));
        }
    }
    let mut all = vec![("type", text("object")), ("properties", Json::Object(properties))];
    let mut holds: Vec<Json> = required.iter().map(|field| one_stands(field, requires)).collect();
    holds.extend(description.rules.iter().map(|rule| between(*rule)));
    if !holds.is_empty() {
        all.push(("allOf", Json::List(holds)));
    }
    if matches!(description.others, Others::Refused | Others::RefusedWithHint) {
        all.push(("additionalProperties", Json::False));
    }
    object(all)
}

fn described(field: &Field) -> Json {
    let Json::Object(mut pairs) = value(field.shape) else { return Json::True };
    // A description beside `$ref` would be lost in this version of the format.
    if pairs.first().is_some_and(|(name, _)| name == "$ref") {
        pairs = vec![("allOf".to_owned(), Json::List(vec![Json::Object(pairs)]))];
    }
    if !field.about.is_empty() {
        pairs.insert(0, ("description".to_owned(), text(field.about)));
    }
    Json::Object(pairs)
}

fn stands(name: &str) -> Json {
    object([("required", list([text(name)]))])
}

fn one_stands(field: &Field, requires: Requires) -> Json {
    let mut ways = vec![stands(field.name)];
    ways.extend(field.alias.map(stands));
    if requires == Requires::Step {
        ways.extend(["arguments", "scale", "matrix"].map(stands));
    }
    object([("anyOf", Json::List(ways))])
}

fn between(rule: Rule) -> Json {
    match rule {
        Rule::Without(one, other) => object([("not", object([("allOf", list([stands(one), stands(other)]))]))]),
        // What an author turned off by a variable is not known here.
        Rule::With(one, other) | Rule::WhileOn(one, other) => {
            object([("if", stands(one)), ("then", object([("anyOf", list([other, "arguments"].map(stands)))]))])
        }
        Rule::Either(one, other) => object([("oneOf", list([one, other].map(stands)))]),
    }
}

fn value(shape: Shape) -> Json {
    match shape {
        Shape::Any => object([]),
        Shape::Text | Shape::Stage => object([("type", text("string")), ("minLength", Json::Number(1))]),
        Shape::Label => of_type("string"),
        Shape::Word(words) => object([("enum", list(words.iter().copied().map(text)))]),
        Shape::Matching(pattern) => {
            let source = pattern.source().trim_matches('/');
            object([("type", text("string")), ("pattern", text(source))])
        }
        Shape::Variable => object([("type", text("string")), ("pattern", text("^\\$\\{\\{.+\\}\\}$"))]),
        Shape::Number => object([("type", list(["number", "string"].map(text)))]),
        Shape::Positive => {
            object([("type", list(["number", "string"].map(text))), ("exclusiveMinimum", Json::Number(0))])
        }
        Shape::Flag => {
            let words = ["true", "false", "yes", "no", "on", "off"].map(text);
            object([(
                "enum",
                list([Json::True, Json::False, Json::Number(1), Json::Number(0)].into_iter().chain(words)),
            )])
        }
        Shape::StrictFlag => of_type("boolean"),
        Shape::List(List { item, least }) => {
            let mut pairs = vec![("type", text("array")), ("items", value(*item))];
            if *least != Least::None {
                pairs.push(("minItems", Json::Number(1)));
            }
            object(pairs)
        }
        Shape::Map(Map { key, value: of }) => match key {
            None => object([("type", text("object")), ("additionalProperties", value(*of))]),
            Some(pattern) => object([
                ("type", text("object")),
                ("patternProperties", object([(pattern.source().trim_matches('/'), value(*of))])),
                ("additionalProperties", Json::False),
            ]),
        },
        Shape::Object(description) => fields(description, Requires::Here),
        Shape::OneOf(shapes) => object([("anyOf", list(shapes.iter().map(|shape| value(*shape))))]),
        Shape::Version => object([("enum", list([text("1.0"), text("1"), Json::Number(1)]))]),
        Shape::Timeout => object([("type", list(["string", "null"].map(text)))]),
        Shape::Steps => reference("steps"),
        Shape::Hook => reference("hook"),
    }
}

impl Json {
    fn write(&self, out: &mut String, depth: usize) {
        match self {
            Self::True => out.push_str("true"),
            Self::False => out.push_str("false"),
            Self::Number(number) => out.push_str(&number.to_string()),
            Self::Text(text) => quote(text, out),
            Self::List(items) => group(out, depth, ['[', ']'], items, |item, out| item.write(out, depth + 1)),
            Self::Object(pairs) => group(out, depth, ['{', '}'], pairs, |(name, value), out| {
                quote(name, out);
                out.push_str(": ");
                value.write(out, depth + 1);
            }),
        }
    }
}

fn group<T>(out: &mut String, depth: usize, signs: [char; 2], items: &[T], write: impl Fn(&T, &mut String)) {
    out.push(signs[0]);
    for (number, item) in items.iter().enumerate() {
        out.push_str(if number == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(depth + 1));
        write(item, out);
    }
    if !items.is_empty() {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
    out.push(signs[1]);
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // Writing into a string does not fail.
            c if c < ' ' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

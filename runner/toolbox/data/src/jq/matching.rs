use fancy_regex::{Regex, RegexBuilder};
use jaq_core::ValR;

use super::arithmetic::fault;
use super::value::{Map, Value};

/// How much a backtracking expression may try.
const MAX_STEPS: usize = 1_000_000;

/// The matches of a regular expression: those of all with the flag `g`, as the objects that `match` gives.
pub(crate) fn matches(value: &Value, expression: &Value, flags: &Value) -> ValR<Value> {
    let Some(text) = value.as_str() else {
        return Err(fault(format!("{} cannot be matched, as it is not a string", value.described())));
    };
    let Some(expression) = expression.as_str() else {
        return Err(fault(format!("{} is not a string", expression.described())));
    };
    let flags = flags.as_str().unwrap_or_default();
    let regex = compile(expression, flags)?;
    let global = flags.contains('g');
    let mut found = vec![];
    let (mut characters, mut counted) = (0, 0);
    // Offsets are in characters; counted on from the last, they cost one pass in all.
    let mut offset = |at: usize| {
        if at < counted {
            (characters, counted) = (0, 0);
        }
        characters += text[counted..at].chars().count();
        counted = at;
        characters
    };
    for captures in regex.captures_iter(text) {
        let captures =
            captures.map_err(|error| fault(format!("{expression} (at offset 0) is not a valid regex: {error}")))?;
        let mut groups = vec![];
        for (at, name) in regex.capture_names().enumerate() {
            let part = captures.get(at);
            let start = part.as_ref().map(|part| offset(part.start()));
            let string = part.as_ref().map_or(Value::Null, |part| Value::text(part.as_str()));
            let length = part.as_ref().map_or(0, |part| part.as_str().chars().count());
            let offset = start.map_or(Value::from(-1.0), Value::from);
            let mut fields = vec![("offset", offset), ("length", Value::from(length)), ("string", string)];
            if start.is_none() {
                // The order of a group that took no part.
                fields.swap(1, 2);
            }
            if at > 0 {
                fields.push(("name", name.map_or(Value::Null, Value::text)));
            }
            groups.push(fields);
        }
        let mut groups = groups.into_iter().map(object);
        let mut whole = match groups.next() {
            Some(Value::Object(map)) => map,
            _ => continue,
        };
        std::rc::Rc::make_mut(&mut whole).insert("captures".into(), groups.collect());
        if !(flags.contains('n') && whole.get("length").is_some_and(|length| length.as_number() == Some(0.0))) {
            found.push(Value::Object(whole));
        }
        if !global && !found.is_empty() {
            break;
        }
    }
    Ok(Value::array(found))
}

fn object(fields: Vec<(&str, Value)>) -> Value {
    Value::object(fields.into_iter().map(|(name, value)| (name.into(), value)).collect::<Map>())
}

/// Oniguruma's flags, as far as they have a meaning here.
fn compile(expression: &str, flags: &str) -> Result<Regex, jaq_core::Error<Value>> {
    let mut own = String::new();
    for flag in flags.chars() {
        match flag {
            'g' | 'n' => {}
            'i' | 'x' => own.push(flag),
            // Oniguruma's names: a single line, and a dot that matches ends of lines.
            's' => {}
            'p' | 'l' => own.push('s'),
            other => return Err(fault(format!("{flags} is not a valid modifier string ({other})"))),
        }
    }
    // In Ruby's syntax `^` and `$` are those of each line.
    let expression_here = if own.is_empty() { format!("(?m){expression}") } else { format!("(?m{own}){expression}") };
    let built = RegexBuilder::new(&expression_here).backtrack_limit(MAX_STEPS).build();
    built.map_err(|error| fault(format!("{expression} (at offset 0) is not a valid regex: {error}")))
}

//! Replacing the variables of an expression (rules C11, C12).

use crate::references::References;
use crate::substitute::{SubstituteError, Substituted, fill};
use crate::template::Template;
use crate::variables::{Layer, Variables};

/// The quote in which each hole of an expression stands, from left to right; `None` for one outside of quotes.
fn quotes(expression: &Template) -> Vec<Option<char>> {
    let mut quotes = Vec::with_capacity(expression.holes().len());
    let (mut from, mut open) = (0, None);
    for hole in expression.holes() {
        open = after(&expression.text()[from..hole.start], open);
        quotes.push(open);
        from = hole.end;
    }
    quotes
}

/// The quote that is open behind a text which begins within another one, or not.
fn after(text: &str, mut open: Option<char>) -> Option<char> {
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match open {
            Some(_) if c == '\\' => {
                characters.next();
            }
            Some(quote) if c == quote => open = None,
            None if matches!(c, '\'' | '"') => open = Some(c),
            _ => {}
        }
    }
    open
}

/// The numbers of the holes of an expression that stand outside of quotes. What replaces them is read as part of the
/// expression: a word becomes a name, `true` a boolean, which makes most comparisons false (rule C11, decision 4).
#[must_use]
pub fn unquoted_holes(expression: &Template) -> Vec<usize> {
    let quotes = quotes(expression);
    (0..quotes.len()).filter(|number| quotes[*number].is_none()).collect()
}

/// Replaces the variables of an expression that stands in no document, as those of a condition are replaced.
///
/// # Errors
/// Where the expression becomes too long.
pub fn substitute_condition(text: &str, variables: &Variables) -> Result<Substituted, SubstituteError> {
    substitute_expression(&Template::literal(text), variables, &References::new(), |_| None)
}

/// An expression with its unquoted holes in quotes, to show what was meant.
#[must_use]
pub fn quoted(expression: &Template) -> String {
    let mut out = String::with_capacity(expression.text().len() + 8);
    let mut from = 0;
    for number in unquoted_holes(expression) {
        let hole = &expression.holes()[number];
        out.push_str(&expression.text()[from..hole.start]);
        out.push('"');
        out.push_str(&expression.text()[hole.start..hole.end]);
        out.push('"');
        from = hole.end;
    }
    out.push_str(&expression.text()[from..]);
    out
}

/// Replaces the variables of an expression. Within quotes the quote and the backslash of a value are escaped (rule
/// C12), so that a value stays one text, whatever it holds. What nobody defines stays as it is (rule V4); `result`
/// knows the results of steps beyond what [`References`] knows.
///
/// # Errors
/// [`SubstituteError::TooLong`].
pub(super) fn substitute_expression<'v>(
    expression: &Template,
    variables: &'v Variables,
    references: &'v References,
    result: impl Fn(&str) -> Option<&'v str>,
) -> Result<Substituted, SubstituteError> {
    let quotes = quotes(expression);
    fill(
        expression.text(),
        expression.holes(),
        expression.place(),
        |name| variables.get(name).or_else(|| references.get(name)).or_else(|| result(name)),
        |number, value, out| match quotes.get(number).copied().flatten() {
            None => out.push_str(value),
            Some(quote) => {
                let name = &expression.holes()[number].name;
                let system = variables.layer_of(name) == Some(Layer::System);
                match name.as_str() {
                    // Its quotes are escaped already, its backslashes are not.
                    "CF_COMMIT_MESSAGE" if system => {
                        escape(&value.replace("\\'", "'").replace("\\\"", "\""), quote, out);
                    }
                    "CF_COMMIT_MESSAGE_ESCAPED" if system => out.push_str(value),
                    _ => escape(value, quote, out),
                }
            }
        },
    )
}

fn escape(value: &str, quote: char, out: &mut String) {
    for c in value.chars() {
        if c == quote || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(expression: &str, value: &str) -> String {
        let mut variables = Variables::new();
        variables.set(Layer::Build, "V", value);
        variables.set(Layer::System, "CF_COMMIT_MESSAGE", value);
        variables.set(Layer::System, "CF_COMMIT_MESSAGE_ESCAPED", value);
        let template = Template::literal(expression);
        substitute_expression(&template, &variables, &References::new(), |_| None).expect("short").text
    }

    #[test]
    fn c12_within_quotes_the_quote_and_the_backslash_are_escaped() {
        for (expression, value, expected) in [
            (r#""${{V}}""#, r#"a"b'c\"#, r#""a\"b'c\\""#),
            (r"'${{V}}'", r#"a"b'c\"#, r#"'a"b\'c\\'"#),
            (r"'x\'${{V}}'", "'", r"'x\'\''"),
            (r"'it' == '${{V}}' || ${{V}}", "'", r"'it' == '\'' || '"),
            (r#"'"' == "${{V}}""#, "'\"", r#"'"' == "'\"""#),
            (r"'${{NOPE}}'", "", r"'${{NOPE}}'"),
            (r#""${{CF_COMMIT_MESSAGE}}""#, r#"say \"hi\" don\'t C:\"#, r#""say \"hi\" don't C:\\""#),
            (r#""${{CF_COMMIT_MESSAGE_ESCAPED}}""#, r#"say \"hi\""#, r#""say \"hi\"""#),
        ] {
            assert_eq!(filled(expression, value), expected, "{expression}");
        }
    }

    #[test]
    fn c11_holes_outside_of_quotes_are_found_and_shown_quoted() {
        for (expression, unquoted, shown) in [
            ("${{A}} == 'x'", vec![0], "\"${{A}}\" == 'x'"),
            ("'${{A}}' == ${{B}}", vec![1], "'${{A}}' == \"${{B}}\""),
            (r"'\'${{A}}' == '\\' + ${{B}}", vec![1], r#"'\'${{A}}' == '\\' + "${{B}}""#),
            ("\"'${{A}}'\"", vec![], "\"'${{A}}'\""),
            ("a == 'b'", vec![], "a == 'b'"),
        ] {
            let template = Template::literal(expression);
            assert_eq!(unquoted_holes(&template), unquoted, "{expression}");
            assert_eq!(quoted(&template), shown, "{expression}");
        }
    }
}

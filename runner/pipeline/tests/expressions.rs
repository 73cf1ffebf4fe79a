//! The condition language: what the official evaluator says about its own cases, and what the specification says.

use std::path::PathBuf;

use stepbox_pipeline::expression::{Dialect, Expression, ExpressionError, Scope, Value, verdict};

fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Boolean(*value),
        serde_json::Value::Number(number) => Value::Number(number.as_f64().expect("a double")),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(_) => panic!("no variable is a list"),
        serde_json::Value::Object(members) => Value::object(members.iter().map(|(name, one)| (name, value(one)))),
    }
}

/// Ids on which our dialect differs, each for a reason. One that agrees fails the run.
const DIFFERENT: &[(&str, &str)] = &[("string comparison 4", "decision 5: `===` is `==`")];

/// The cases are not part of the project; where they are absent this test has nothing to say.
#[test]
fn c4_the_official_cases_have_the_official_values_and_errors() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/cases/expressions/table.json");
    let Ok(text) = std::fs::read_to_string(PathBuf::from(path)) else { return };
    let table: serde_json::Value = serde_json::from_str(&text).expect("a table");
    let mut scope = Scope::new();
    for (name, json) in table["variables"].as_object().expect("variables") {
        scope.set(name, value(json));
    }
    let mut odd = Vec::new();
    let cases = table["cases"].as_array().expect("cases");
    for case in cases {
        let id = case["id"].as_str().expect("an id");
        let expected = match case["error"].as_str() {
            None => Ok(case["result"].as_bool().expect("a result")),
            Some(error) => Err(error.to_owned()),
        };
        let text = case["expression"].as_str().expect("an expression");
        for dialect in [Dialect::Official, Dialect::Stepbox] {
            let ours = verdict(text, &scope, dialect).map_err(|error| error.to_string());
            let different = dialect == Dialect::Stepbox && DIFFERENT.iter().any(|(known, _)| *known == id);
            if (ours == expected) == different {
                odd.push(format!("{id} {dialect:?}: {text}: {ours:?}, expected {expected:?}"));
            }
        }
    }
    assert_eq!(odd, [""; 0], "of {}", cases.len());
    assert!(cases.len() >= 207, "only {} cases", cases.len());
}

fn scope() -> Scope {
    let mut scope = Scope::new();
    scope.set("n", 5.0);
    scope.set("zero", 0.0);
    scope.set("s", "hello");
    scope.set("empty", "");
    scope.set("yes", true);
    scope.set("nothing", Value::Null);
    scope.set("with-dash", "dashed");
    scope.set("grin", "😀!");
    let inner = Value::object([("deep", Value::from("down")), ("none", Value::Null)]);
    scope.set("o", Value::object([("a", Value::from(1.0)), ("in", inner), ("key.dot", Value::from("dotted"))]));
    scope.set("other", Value::object([("a", Value::from(1.0))]));
    scope
}

fn said(text: &str, dialect: Dialect) -> String {
    match Expression::parse(text).and_then(|expression| expression.evaluate(&scope(), dialect)) {
        Ok(value) => value.to_string(),
        Err(error) => error.to_string(),
    }
}

/// Each expression with its value, or the text of its error, alike in both dialects.
fn table(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        for dialect in [Dialect::Official, Dialect::Stepbox] {
            assert_eq!(said(text, dialect), *expected, "{text} {dialect:?}");
        }
    }
}

#[test]
fn c4_operators_bind_as_in_javascript_and_equal_ones_go_from_left_to_right() {
    table(&[
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 4 - 3", "3"),
        ("100 / 10 / 5", "2"),
        ("2 * 7 % 4", "2"),
        ("1 + 1 == 2 && 3 > 2", "true"),
        ("false && false || true", "true"),
        ("true || false && false", "true"),
        ("1 < 2 == true", "true"),
        ("-2 - -3", "1"),
        ("- - 2", "2"),
        ("!true == false", "true"),
        ("'a' + 'b' == 'ab'", "true"),
        ("+5", "5"),
        ("-n + +n", "0"),
    ]);
}

#[test]
fn c4_texts_and_numbers_are_written_as_in_javascript() {
    table(&[
        (r#"'a\n\r\t\b\f\v\q\\\'"'"#, r#""a\n\r\t\u{8}\u{c}\u{b}q\\'\"""#),
        ("'it''s'", "Cannot handle compound expressions."),
        ("\"it's\"", "\"it's\""),
        (".5", "0.5"),
        ("5.", "5"),
        ("1.5e3", "1500"),
        ("1E-2", "0.01"),
        ("1e21", "1e+21"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("010", "10"),
        ("1e400", "Infinity"),
        ("0x10", "Variable names cannot start with a number (0x) at character 1"),
        ("1abc", "Variable names cannot start with a number (1a) at character 1"),
        ("1e", "Expected exponent (1e) at character 2"),
        ("1e+x", "Expected exponent (1e+x) at character 3"),
        ("1.2.3", "Unexpected period at character 3"),
        (".", "NaN"),
    ]);
}

#[test]
fn c4_what_cannot_be_read_is_said_with_its_place() {
    table(&[
        ("'abc", "Unclosed quote after \"abc\" at character 4"),
        ("'ab\\", "Unclosed quote after \"ab\" at character 5"),
        ("(1", "Unclosed ( at character 2"),
        ("(1 2)", "Unclosed ( at character 3"),
        ("o[1", "Unclosed [ at character 3"),
        ("upper(", "Expected ) at character 6"),
        ("upper('a'", "Expected ) at character 9"),
        ("upper(,)", "Unexpected token , at character 7"),
        ("upper('a',)", "Unexpected token ) at character 11"),
        ("upper(*)", "Expected expression after * at character 7"),
        ("upper(@)", "Expected comma at character 6"),
        ("[1", "Expected ] at character 2"),
        ("5 ==", "Expected expression after == at character 4"),
        ("5 === ", "Expected expression after === at character 5"),
        ("1 + * 2", "Expected expression after + at character 4"),
        ("1 ? 2", "Expected : at character 5"),
        ("1 ? : 2", "Expected expression at character 4"),
        ("1 ? 2 :", "Expected expression at character 7"),
        ("a = b", "Unexpected \"=\" at character 2"),
        ("{}", "Unexpected \"{\" at character 0"),
        ("  `a`", "Unexpected \"`\" at character 0"),
        ("'😀' @", "Unexpected \"@\" at character 5"),
        ("o.", "Unexpected  at character 2"),
        ("o.1", "Unexpected 1 at character 2"),
        ("'a'.length", "Variable names cannot start with a number (.l) at character 4"),
    ]);
}

#[test]
fn c4_what_can_be_read_and_has_no_meaning_is_an_error_when_it_is_evaluated() {
    table(&[
        ("5 | 3", "Invalid binary operator: |"),
        ("5 << 3", "Invalid binary operator: <<"),
        ("5 >>> 3", "Invalid binary operator: >>>"),
        ("5 ^ 3 & 1", "Invalid binary operator: &"),
        ("nope | 3", "Invalid identifier: 'nope'"),
        ("~5", "Invalid unary operator: ~"),
        ("~nope", "Invalid identifier: 'nope'"),
        ("yes ? nope : 1", "Trinary operator (?:) currently not supported."),
        ("nope == [1, , 2]", "Invalid identifier: 'nope'"),
        ("[nope]", "Array literals ([1, 2, 3]) currently not supported."),
        ("this.a", "keyword 'this' not supported."),
        ("1 2", "Cannot handle compound expressions."),
        ("1; 2", "Cannot handle compound expressions."),
        ("nope, nope", "Cannot handle compound expressions."),
        (";5;", "5"),
        ("()", "false"),
        ("().a", "Unknown expression detected! Very strange."),
        ("!", "Unknown expression detected! Very strange."),
        ("== 5", "Unknown expression detected! Very strange."),
        ("o['a']", "Invalid identifier member: 'undefined'"),
        ("o[a]", "1"),
        ("o[o.a]", "Invalid identifier member: 'undefined'"),
        ("o.true", "Invalid identifier member: 'undefined'"),
        ("o.a()", "Invalid function name type: 'MemberExpression'"),
        ("'a'()", "\"a\""),
        ("('a')()", "Invalid function name type: 'Literal'"),
        ("upper('a')()", "Invalid function name type: 'CallExpression'"),
        ("(1 + 1)()", "Invalid function name type: 'BinaryExpression'"),
        ("(yes && yes)()", "Invalid function name type: 'LogicalExpression'"),
        ("(yes == yes && yes)()", "Invalid function name type: 'LogicalExpression'"),
        ("()()", "Invalid function name type: 'undefined'"),
        ("toString()", "Cannot read properties of undefined (reading 'length')"),
        ("toString(nope)", "Invalid identifier: 'nope'"),
        ("nope(alsoNot)", "Unknown function: 'nope'"),
        ("upper(nope)(1)", "Invalid function name type: 'CallExpression'"),
        ("upper('a' 'b')", "Expected 1 arguments for function 'upper'."),
    ]);
}

#[test]
fn c4_types_go_together_or_are_an_error() {
    let equality = "It can only be used with the types: number,string,nullableString,object,boolean";
    let both = |text: &'static str, expected: String| table(&[(text, expected.as_str())]);
    both("n == s", format!("The operator == cannot be used with number,string. {equality}"));
    both("yes != 'true'", format!("The operator != cannot be used with boolean,string. {equality}"));
    both("n == null", format!("The operator == cannot be used with number,null. {equality}"));
    both("o == s", format!("The operator == cannot be used with object,string. {equality}"));
    table(&[
        ("s == null", "false"),
        ("null != s", "true"),
        ("null == nothing", "true"),
        ("o == null", "false"),
        ("o == o", "true"),
        ("o == other", "false"),
        ("o.in == Member(o, 'in')", "true"),
        ("'a' < 'b'", "true"),
        ("'Z' < 'a'", "true"),
        ("'😀' < '\u{FFFD}'", "true"),
        ("'' < 'a' && 'a' <= 'a'", "true"),
        (
            "null < null",
            "The operator < cannot be used with null,null. It can only be used with the types: number,string",
        ),
        ("s - 1", "The operator - cannot be used with string,number. It can only be used with the types: number"),
        ("yes && s", "The operator && cannot be used with boolean,string. It can only be used with the types: boolean"),
        ("!s", "The operator ! cannot be used with string. It can only be used with the types: number,boolean"),
        ("-s", "The operator - cannot be used with string. It can only be used with the types: number"),
        ("!n", "false"),
        ("1 / 0", "Division of 1 by 0"),
        ("1e300 / 1e-300", "Division of 1e+300 by 0"),
        ("-5 / 0", "-Infinity"),
        ("0 / 0", "NaN"),
        ("5 % 0", "Modulo of 5 by 0"),
        ("-7 % 3", "-1"),
        ("1e308 * 10", "Numeric overflow"),
        ("-1e308 * 10", "-Infinity"),
        ("1e308 + 1e308", "Infinity"),
        (". < 1 || . >= 1", "false"),
    ]);
}

#[test]
fn c10_both_sides_are_always_evaluated() {
    table(&[
        ("true || nope", "Invalid identifier: 'nope'"),
        ("false && nope", "Invalid identifier: 'nope'"),
        ("nope || alsoNot", "Invalid identifier: 'nope'"),
    ]);
}

#[test]
fn c4_names_and_members() {
    table(&[
        ("s", "\"hello\""),
        ("nope", "Invalid identifier: 'nope'"),
        ("$x_1é", "Invalid identifier: '$x_1é'"),
        ("nothing", "null"),
        ("o.in.deep", "\"down\""),
        ("o . in\n. deep", "\"down\""),
        ("(o.in).deep", "\"down\""),
        ("o.in.none", "null"),
        ("o.in.none.x", "Cannot read properties of null (reading 'hasOwnProperty')"),
        ("o.nope", "Undefined identifier member: 'nope'"),
        ("o.toString", "Undefined identifier member: 'toString'"),
        ("n.a", "Undefined identifier member: 'a'"),
        ("s.length", "5"),
        ("Variable('with-dash')", "\"dashed\""),
        ("Variable('nope')", "Invalid identifier: 'nope'"),
        ("Variable('o').a", "1"),
        ("Member(o, 'a')", "1"),
        ("Member(o, 'key.dot')", "\"dotted\""),
        ("Member(o, 'in.deep')", "\"down\""),
        ("Member(o, 'in[\"deep\"]')", "\"down\""),
        ("Member(o, 'nope')", "Undefined identifier member: 'nope'"),
        ("Member(null, 'a')", "Invalid argument #0 of type null for function 'Member': expected object"),
    ]);
}

#[test]
fn c4_functions_of_numbers() {
    table(&[
        ("round(2.5)", "3"),
        ("round(-2.5)", "-2"),
        ("round(0.49999999999999994)", "0"),
        ("floor(-1.5)", "-2"),
        ("String(1e21)", "\"1e+21\""),
        ("String(0.000001)", "\"0.000001\""),
        ("String(-0)", "\"0\""),
        ("String(s)", "\"hello\""),
        ("String(yes)", "Invalid argument #0 of type boolean for function 'String': expected number,string"),
        ("Number('')", "0"),
        ("Number(' 12 ')", "12"),
        ("Number('0x10')", "16"),
        ("Number('1e1000')", "Error converting value '1e1000' to number"),
        ("Number('x')", "Error converting value 'x' to number"),
        ("Number(1e400)", "Error converting value 'Infinity' to number"),
        ("Boolean('false')", "true"),
        ("Boolean(.)", "false"),
        ("round()", "Expected 1 arguments for function 'round'."),
    ]);
}

#[test]
fn c4_functions_of_texts() {
    table(&[
        ("upper('straße ŉ')", "\"STRASSE ʼN\""),
        ("lower('ΑΣ ΑΣΑ İ')", "\"ας ασα i\\u{307}\""),
        ("trim('\u{FEFF} a\u{A0} ')", "\"a\""),
        ("trimLeft('  a  ')", "\"a  \""),
        ("trimRight('  a  ')", "\"  a\""),
        ("length('😀')", "2"),
        ("length(substring('😀', 0, 1))", "1"),
        ("substring(grin, 0, 1) + substring(grin, 1, 3) == grin", "true"),
        ("substring('abcdef', 1, 3)", "\"bc\""),
        ("substring('abcdef', 3, 1)", "\"def\""),
        ("substring('abcdef', -5, 2)", "\"ab\""),
        ("substring('abcdef', 2, 99)", "\"cdef\""),
        ("substring('abcdef', 1.9, 2.1)", "\"b\""),
        ("substring('abcdef', ., 2)", "\"ab\""),
        ("substring('abcdef', '1', 2)", "Invalid argument #1 of type string for function 'substring': expected number"),
        ("includes('abc', '')", "true"),
        ("indexOf('a😀b', 'b')", "3"),
        ("indexOf('abc', 'd')", "-1"),
        ("match('feature/x', '^FEATURE', true)", "true"),
        ("match('1.2.3', '^[0-9]+\\.[0-9]+\\.[0-9]+$', false)", "true"),
        ("match('1x2.3', '^[0-9]+\\\\.[0-9]+', false)", "false"),
        ("match('FB-1', '/FB-/', true)", "false"),
        ("match('a', '(', false)", "Invalid regular expression: /(/: Unterminated group"),
        ("match('a', '(', true)", "Invalid regular expression: /(/i: Unterminated group"),
    ]);
}

#[test]
fn c4_decision_3_replace_replaces_every_occurrence_literally() {
    for (text, stepbox, official) in [
        ("replace('hello there', 'e', 'a')", "\"hallo thara\"", "\"hallo there\""),
        ("replace('aXb', 'X', '$&$$')", "\"a$&$$b\"", "\"aX$b\""),
        ("replace('aXb', 'X', \"[$`$'$1$\")", "\"a[$`$'$1$b\"", "\"a[ab$1$b\""),
        ("replace('ab', '', '-')", "\"-a-b-\"", "\"-ab\""),
        ("replace('', '', '-')", "\"-\"", "\"-\""),
        ("replace('aaa', 'aa', 'b')", "\"ba\"", "\"ba\""),
        ("replace('abc', 'd', 'e')", "\"abc\"", "\"abc\""),
    ] {
        assert_eq!(said(text, Dialect::Stepbox), stepbox, "{text}");
        assert_eq!(said(text, Dialect::Official), official, "{text}");
    }
}

#[test]
fn p16_decision_5_strict_operators_are_accepted_and_told() {
    for (text, stepbox, official) in [
        ("s === 'hello'", "true", "Invalid binary operator: ==="),
        ("s !== 'hello'", "false", "Invalid binary operator: !=="),
        (
            "s === 5",
            "The operator == cannot be used with string,number. It can only be used with the types: number,string,nullableString,object,boolean",
            "Invalid binary operator: ===",
        ),
    ] {
        assert_eq!(said(text, Dialect::Stepbox), stepbox, "{text}");
        assert_eq!(said(text, Dialect::Official), official, "{text}");
    }
    let foreign = |text: &str| Expression::parse(text).expect("an expression").foreign_operators();
    assert_eq!(foreign("1 === 2 || 1 === 3 || 1 !== 4"), [("===", "=="), ("!==", "!=")]);
    assert_eq!(foreign("'===' == '!=='"), []);
}

#[test]
fn c4_a_text_as_first_argument_of_member_is_the_name_of_a_variable() {
    assert_eq!(said("Member('o', 'a')", Dialect::Stepbox), "1");
    assert_eq!(said("Member('nope', 'a')", Dialect::Stepbox), "Invalid identifier: 'nope'");
    assert_eq!(
        said("Member('s', 'a')", Dialect::Stepbox),
        "Invalid argument #0 of type string for function 'Member': expected object"
    );
    assert_eq!(
        said("Member('o', 'a')", Dialect::Official),
        "Invalid argument #0 of type string for function 'Member': expected object"
    );
}

#[test]
fn c4_what_values_mean() {
    for (text, expected) in [
        ("", Ok(false)),
        (" \u{FEFF}\n", Ok(false)),
        ("null", Ok(false)),
        ("''", Ok(false)),
        ("0", Ok(false)),
        (".", Ok(false)),
        ("' '", Ok(true)),
        ("-1", Ok(true)),
        ("o", Err(ExpressionError::Object)),
    ] {
        assert_eq!(verdict(text, &scope(), Dialect::Stepbox), expected, "{text}");
    }
}

#[test]
fn c4_a_judgement_tells_the_values_that_were_seen() {
    let judgement = Expression::parse("o.in.deep == s && s == 'x' && nope.x").expect("an expression");
    let judgement = judgement.judge(&scope(), Dialect::Stepbox);
    assert_eq!(judgement.verdict, Err(ExpressionError::UnknownName("nope".into())));
    assert_eq!(judgement.seen, [("o.in.deep".into(), Value::from("down")), ("s".into(), Value::from("hello"))]);
}

//! No expression, no pattern and no value makes a condition panic, take long, or mean something else.

use proptest::prelude::*;
use stepbox_pipeline::expression::{
    Dialect, Expression, ExpressionError, MAX_DEPTH, MAX_LENGTH, Scope, Text, Value, verdict,
};
use stepbox_pipeline::{
    BranchFilter, Conditions, Decision, Layer, References, Situation, StepResult, StepStanding, Template, Variables,
    When, WorkflowResult, quoted, unquoted_holes,
};

/// The least stack that the deepest expressions and patterns may need; threads of builds have far more.
const STACK: usize = 1 << 20;

fn scope() -> Scope {
    let mut scope = Scope::new();
    scope.set("o", Value::object([("a", Value::from(1.0))]));
    scope.set("s", "text");
    scope
}

fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work).expect("a thread");
    thread.join().expect("no panic");
}

/// Whether a `when` lets a step run, on a branch.
fn runs(when: &When, variables: &Variables, branch: &str) -> Decision {
    let steps = [StepStanding { name: "a", type_name: "freestyle", result: StepResult::Success }];
    when.decide(
        "jim",
        &Situation {
            variables,
            references: &References::new(),
            steps: &steps,
            workflow: WorkflowResult::Running,
            branch: Some(branch),
            parallel: false,
        },
    )
}

fn condition(expression: &str) -> When {
    let all = Some(vec![("a".to_owned(), Template::literal(expression))]);
    When { condition: Some(Conditions { all, any: None }), ..When::default() }
}

fn only(entry: &str) -> When {
    let only = Some(vec![Template::literal(entry)]);
    When { branch: Some(BranchFilter { only, ignore: None }), ..When::default() }
}

#[test]
fn c4_the_deepest_expressions_and_patterns_fit_on_a_small_stack() {
    on_small_stack(|| {
        for (open, inside, close) in [
            ("(", "1", ")"),
            ("-(", "1", ")"),
            ("upper(", "'a'", ")"),
            ("[", "1", "]"),
            ("o[", "a", "]"),
            ("1 + (", "1", ") * 2"),
            ("1 ? 1 : ", "1", ""),
            ("(1 ? ", "1", " : 1)"),
        ] {
            for levels in [100, MAX_DEPTH / 2, MAX_DEPTH, 2_000] {
                let text = format!("{}{inside}{}", open.repeat(levels), close.repeat(levels));
                let _ = verdict(&text, &scope(), Dialect::Stepbox);
            }
        }
        for (open, close) in
            [("(", ")"), ("(?:", ")*"), ("(?=", ")"), ("(?<!", ")"), ("(?:a|(", "))"), ("(?<=\\1(", "))")]
        {
            for levels in [90, 199, 200, 5_000] {
                let text = format!("/{}a{}/", open.repeat(levels), close.repeat(levels));
                let _ = runs(&only(&text), &Variables::new(), "aaaa");
            }
        }
    });
}

#[test]
fn c4_hostile_expressions_have_their_errors() {
    for (text, expected) in [
        ("\0", "Unexpected \"\0\" at character 0"),
        ("\u{85}", "Invalid identifier: '\u{85}'"),
        ("\u{202e}", "Invalid identifier: '\u{202e}'"),
        ("'\u{0}'", "true"),
        ("${{A}}", "Unexpected \"{\" at character 1"),
        ("$(id)", "Unknown function: '$'"),
        ("__proto__", "Invalid identifier: '__proto__'"),
        ("constructor.constructor('x')()", "Invalid function name type: 'CallExpression'"),
        ("o.__proto__", "Undefined identifier member: '__proto__'"),
        ("o.constructor", "Undefined identifier member: 'constructor'"),
        ("Variable('constructor')", "Invalid identifier: 'constructor'"),
        ("Member(o, '__proto__.a')", "Undefined identifier member: '__proto__.a'"),
        ("Member(o, '....')", "Undefined identifier member: '....'"),
        ("substring(s, -1e400, 1e400)", "true"),
        ("substring(s, 1e400, -1e400)", "false"),
        ("String(1e308 * -1e308)", "true"),
        ("round(1e400) == 1e400", "true"),
        ("1e99999999999999999999 > 1", "true"),
        ("1e-99999999999999999999 == 0", "true"),
        ("Number('0x' + 'f')", "true"),
        ("match('a', '[', false) || true", "Invalid regular expression: /[/: Unterminated character class"),
        ("match(s, '(?:x{65535}){65535}', false)", "false"),
        ("match(s, '(?:x{0,65535}){65535}', false)", "the expression takes too long to evaluate"),
        ("match(s, '(((.*)*)*)*$', false)", "true"),
    ] {
        let found =
            verdict(text, &scope(), Dialect::Stepbox).map_or_else(|error| error.to_string(), |is| is.to_string());
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn c4_hostile_expressions_are_bounded() {
    let parse = |text: &str| Expression::parse(text).map(|_| ());
    assert_eq!(parse(&"(".repeat(MAX_LENGTH)), Err(ExpressionError::TooDeep));
    assert_eq!(parse(&"[".repeat(MAX_LENGTH)), Err(ExpressionError::TooDeep));
    assert_eq!(parse(&"o[".repeat(MAX_LENGTH / 2)), Err(ExpressionError::TooDeep));
    assert_eq!(parse(&"f(".repeat(MAX_LENGTH / 2)), Err(ExpressionError::TooDeep));
    assert_eq!(parse(&"1?".repeat(MAX_LENGTH / 2)), Err(ExpressionError::TooDeep));
    let levels = |count: usize| format!("{}1{}", "(".repeat(count), ")".repeat(count));
    assert_eq!(verdict(&levels(MAX_DEPTH - 1), &scope(), Dialect::Stepbox), Ok(true));
    assert_eq!(parse(&levels(MAX_DEPTH)), Err(ExpressionError::TooDeep));
    for (repeated, end, expected) in [
        ("-", "1", Ok(true)),
        ("!", "1", Ok(true)),
        ("1+", "1", Ok(true)),
        ("1;", "", Err(ExpressionError::Compound)),
        ("()", "", Ok(false)),
    ] {
        let text = format!("{}{end}", repeated.repeat((MAX_LENGTH - 2) / repeated.len() / 2 * 2));
        let found = verdict(&text, &scope(), Dialect::Stepbox);
        // `()()…` is one long call.
        let expected = if repeated == "()" { Err(ExpressionError::NotAFunction("CallExpression")) } else { expected };
        assert_eq!(found, expected, "{repeated}");
    }
    let members = format!("o{}", ".a".repeat(5_000));
    assert_eq!(verdict(&members, &scope(), Dialect::Stepbox), Err(ExpressionError::UnknownMember("a".into())));
}

#[test]
fn c4_an_expression_has_at_most_12_000_characters() {
    let text = |count: usize| format!("'{}'", "é".repeat(count - 2));
    assert_eq!(verdict(&text(MAX_LENGTH), &scope(), Dialect::Stepbox), Ok(true));
    assert_eq!(
        verdict(&text(MAX_LENGTH + 1), &scope(), Dialect::Stepbox),
        Err(ExpressionError::TooLong(MAX_LENGTH + 1))
    );
}

#[test]
fn c4_what_an_expression_makes_and_how_long_it_takes_are_bounded() {
    let mut scope = Scope::new();
    scope.set("big", Value::String(Text::from_units(&vec![u16::from(b'a'); 1 << 20])));
    let bound = |text: &str| verdict(text, &scope, Dialect::Stepbox);
    let grown = format!("{}'aaaaaaaaaaaaaaaa'{}", "replace(".repeat(20), ",'a','aaaaaaaaaaaaaaaa')".repeat(20));
    assert_eq!(bound(&grown), Err(ExpressionError::TooMuchText));
    assert_eq!(bound("big + big + big + big + 'a'"), Err(ExpressionError::TooMuchText));
    assert_eq!(bound(&format!("{}false", "includes(big, 'b') || ".repeat(500))), Err(ExpressionError::TooMuchWork));
    assert_eq!(bound("match(big, '(a+)+$b', false)"), Ok(false));
    assert_eq!(bound(r"match(big, '(a+)+\\1$b', false)"), Err(ExpressionError::TooMuchWork));
    assert_eq!(bound("includes(big, substring(big, 0, 500000) + 'b')"), Ok(false));
}

/// Pieces of expressions, so that random ones get past the parser.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "o",
        "s",
        ".a",
        ".",
        "(",
        ")",
        "[",
        "]",
        ",",
        ";",
        "?",
        ":",
        "==",
        "!=",
        "===",
        "<",
        ">=",
        "+",
        "-",
        "*",
        "/",
        "%",
        "&&",
        "||",
        "!",
        "~",
        "|",
        "1",
        "0",
        "1e9",
        ".5",
        "'a'",
        "\"b\"",
        "'",
        "\"",
        "\\",
        " ",
        "upper(",
        "replace(",
        "substring(",
        "match(",
        "'(a+)+\\1'",
        "Number(",
        "Variable(",
        "Member(",
        "'o'",
        "true",
        "false",
        "null",
        "this",
        "é",
        "😀",
        "\u{feff}",
        "${{V}}",
        "${{",
        "}}",
    ];
    proptest::sample::select(words.map(str::to_owned).to_vec())
}

/// Pieces of patterns.
fn pattern_piece() -> impl Strategy<Value = String> {
    let words = [
        "a", "b", "é", "😀", ".", "^", "$", "|", "(", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?<n>", ")", "[", "[^",
        "]", "-", "*", "+", "?", "{2}", "{1,}", "{0,3}?", "{", "}", "\\1", "\\k<n>", "\\d", "\\W", "\\s", "\\b",
        "\\u{61}", "\\u0061", "\\ud83d", "\\c", "\\x4", "\\", "/", "\\/", "\n",
    ];
    proptest::sample::select(words.map(str::to_owned).to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn c4_no_text_makes_an_expression_panic(text in any::<String>()) {
        let _ = verdict(&text, &scope(), Dialect::Stepbox);
        let _ = verdict(&text, &scope(), Dialect::Official);
    }

    #[test]
    fn c4_no_mix_of_pieces_makes_an_expression_panic(pieces in proptest::collection::vec(piece(), 0..30), value in any::<String>()) {
        let text = pieces.concat();
        let mut variables = Variables::new();
        variables.set(Layer::Build, "V", value);
        let _ = runs(&condition(&text), &variables, "main");
        let template = Template::literal(&text);
        prop_assert!(unquoted_holes(&Template::literal(&quoted(&template))).is_empty(), "{}", text);
    }

    #[test]
    fn c5_no_pattern_makes_a_branch_panic(
        pieces in proptest::collection::vec(pattern_piece(), 0..12),
        flags in "[dgimsuy]{0,3}",
        branch in "[ab😀é\n]{0,8}",
    ) {
        let _ = runs(&only(&format!("/{}/{flags}", pieces.concat())), &Variables::new(), &branch);
        let _ = runs(&only(&pieces.concat()), &Variables::new(), &branch);
    }

    #[test]
    fn c5_any_text_is_a_branch_that_means_itself(branch in "[^/$].{0,20}") {
        prop_assert_eq!(runs(&only(&branch), &Variables::new(), &branch), Decision::Run);
    }

    #[test]
    fn c12_no_value_leaves_its_quotes(value in any::<String>(), quote in "['\"]") {
        let mut variables = Variables::new();
        variables.set(Layer::Build, "V", value);
        let expression = format!("{quote}${{{{V}}}}{quote} == V && {quote}x${{{{V}}}}{quote} != V");
        prop_assert_eq!(runs(&condition(&expression), &variables, "main"), Decision::Run);
    }

    #[test]
    fn c4_a_search_finds_what_is_there(left in "[ab]{0,12}", needle in "[ab]{0,4}", right in "[ab]{0,12}") {
        let text = format!("{left}{needle}{right}");
        let expected = text.find(&needle).expect("it is there");
        let expression = format!("indexOf('{text}', '{needle}') == {expected} && match('{text}', '{needle}', false)");
        prop_assert_eq!(verdict(&expression, &scope(), Dialect::Official), Ok(true));
    }
}

//! The YAML layer: rules Y1-Y8 and its bounds.

use stepbox_pipeline::Place;
use stepbox_pipeline::yaml::{MAX_BYTES, Node, Value, YamlErrorKind, parse};

fn read(text: &str) -> Node {
    parse(text).unwrap_or_else(|error| panic!("{text:?}: {} at {}", error, error.place))
}

fn kind(text: &str) -> YamlErrorKind {
    parse(text).expect_err(text).kind
}

fn keys(node: &Node) -> Vec<String> {
    node.entries().map(|(key, _)| key.scalar_text().expect("a scalar").into_owned()).collect()
}

fn text_at(node: &Node, key: &str) -> String {
    node.get(key).and_then(Node::scalar_text).expect(key).into_owned()
}

#[test]
fn y1_on_off_yes_no_are_strings_also_as_keys() {
    let node = read("on: off\nyes: no\nt: TRUE\nq: 'true'\n");
    assert_eq!(keys(&node), ["on", "yes", "t", "q"]);
    assert_eq!(node.get("on").map(|node| &node.value), Some(&Value::String("off".into())));
    assert_eq!(node.get("t").map(|node| &node.value), Some(&Value::Bool(true)));
    assert_eq!(node.get("q").map(|node| &node.value), Some(&Value::String("true".into())));
}

#[test]
fn y1_tags_of_the_core_schema_decide() {
    assert_eq!(read("!!str 12").value, Value::String("12".into()));
    assert_eq!(read("! 12").value, Value::String("12".into()));
    assert_eq!(read("!!int 12").value, Value::Integer { value: 12, source: "12".into() });
    assert!(matches!(kind("!!int x"), YamlErrorKind::BadTagged { .. }));
    assert!(matches!(kind("!secret x"), YamlErrorKind::UnknownTag(_)));
    assert!(matches!(kind("!!set {a, b}"), YamlErrorKind::UnknownTag(_)));
}

#[test]
fn y3_duplicate_keys_are_an_error_with_both_places() {
    let error = parse("a: 1\nb: 2\na: 3\n").expect_err("duplicate");
    assert_eq!(error.to_string(), "duplicated mapping key `a`");
    assert_eq!((error.place.line, error.place.column), (3, 1));
    assert_eq!(error.other.map(|place| (place.line, place.column)), Some((1, 1)));
    assert_eq!(kind("1: x\n'1': y\n"), YamlErrorKind::DuplicateKey("1".into()));
    assert_eq!(kind("{x: {a: 1, a: 2}}"), YamlErrorKind::DuplicateKey("a".into()));
}

#[test]
fn y4_aliases_stand_for_what_their_anchor_names() {
    let node = read("a: &x [1, two]\nb: *x\n");
    assert_eq!(node.get("a").map(|node| &node.value), node.get("b").map(|node| &node.value));
    assert!(parse("a: *nobody").is_err());
    assert_eq!(kind("a: &x [1, *x]"), YamlErrorKind::RecursiveAlias);
}

#[test]
fn y4_merged_keys_are_overridden_before_and_after() {
    let node = read("base: &b {x: 1, y: 2, z: 3}\nuse:\n  x: own\n  <<: *b\n  y: mine\n");
    let used = node.get("use").expect("use");
    assert_eq!(keys(used), ["x", "y", "z"]);
    assert_eq!(["x", "y", "z"].map(|key| text_at(used, key)), ["own", "mine", "3"]);
}

#[test]
fn y4_of_a_list_of_merges_the_first_wins() {
    let node = read("- &a {x: 1}\n- &b {x: 2, y: 2}\n- <<: [*a, *b]\n");
    let merged = &node.as_sequence().expect("list")[2];
    assert_eq!((text_at(merged, "x"), text_at(merged, "y")), ("1".into(), "2".into()));
    assert_eq!(kind("<<: text"), YamlErrorKind::BadMerge);
    assert_eq!(kind("<<: [{a: 1}, 2]"), YamlErrorKind::BadMerge);
    assert_eq!(text_at(&read("'<<': text"), "<<"), "text");
}

#[test]
fn y6_a_colon_in_a_command_makes_a_mapping() {
    let node = read("- echo hello: world\n");
    assert!(node.as_sequence().expect("list")[0].is_mapping());
    let node = read("- |-\n  echo hello: world\n- >-\n  a\n  b\n");
    let items: Vec<&str> = node.as_sequence().expect("list").iter().filter_map(Node::as_str).collect();
    assert_eq!(items, ["echo hello: world", "a b"]);
}

#[test]
fn y7_a_tab_in_the_indentation_is_told_with_its_place() {
    let error = parse("a:\n\tb: 1\n").expect_err("tab");
    assert!(matches!(error.kind, YamlErrorKind::Tab(_)), "{error:?}");
    assert_eq!(error.place.line, 2);
}

#[test]
fn y8_the_order_of_the_file_is_kept() {
    assert_eq!(keys(&read("z: 1\na: 2\n10: 3\n9: 4\n")), ["z", "a", "10", "9"]);
}

#[test]
fn y8_nodes_know_where_they_stand() {
    let text = "\u{feff}é: x\nlist:\n  - 'quoted'\n  - {k: v}\n\n\n";
    let node = read(text);
    let at = |place: Place| &text[place.offset..place.offset + place.length];
    let items = node.get("list").and_then(Node::as_sequence).expect("list");
    assert_eq!((at(items[0].span), items[0].span.line, items[0].span.column), ("'quoted'", 3, 5));
    assert_eq!((at(items[1].span), items[1].span.line), ("{k: v}", 4));
    assert_eq!(at(node.get("é").expect("é").span), "x");
}

#[test]
fn y3_one_document_only() {
    let error = parse("a: 1\n---\nb: 2\n").expect_err("two");
    assert_eq!((error.kind, error.place.line), (YamlErrorKind::SecondDocument, 2));
    assert_eq!(text_at(&read("---\na: 1\n...\n"), "a"), "1");
    assert!(read("").is_null());
    assert!(read("# nothing\n").is_null());
}

#[test]
fn y4_what_aliases_expand_to_is_bounded() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for level in 1..30 {
        let before = level - 1;
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(",")));
    }
    assert!(matches!(kind(&bomb), YamlErrorKind::TooManyNodes(_)));
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 1000].join(","));
    assert!(matches!(kind(&long), YamlErrorKind::TooMuchText(_)));
    let merges = format!("a: &a {{{}}}\n", (0..1000).map(|n| format!("k{n}: 1")).collect::<Vec<_>>().join(","))
        + &(0..1000).map(|n| format!("m{n}: {{<<: *a}}\n")).collect::<String>();
    assert!(matches!(kind(&merges), YamlErrorKind::TooManyNodes(_)));
}

#[test]
fn y4_an_alias_that_does_not_fit_is_refused_before_it_is_copied() {
    let text = format!("- &a [{}]\n- [{}]\n", vec!["x"; 10_000].join(","), vec!["*a"; 10_000].join(","));
    let place = parse(&text).expect_err("too many").place;
    assert_eq!((place.line, &text[place.offset..place.offset + place.length]), (2, "*a"));
}

#[test]
fn y8_depth_and_length_are_bounded() {
    assert!(parse(&format!("{}{}", "[".repeat(100), "]".repeat(100))).is_ok());
    for text in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "? ".repeat(100_000)] {
        assert!(parse(&text).is_err());
    }
    let mut deep = String::from("a0: &a0 [[[[[[[[[[1]]]]]]]]]]\n");
    for level in 1..20 {
        deep.push_str(&format!("a{level}: &a{level} [[[[[[[[[[*a{}]]]]]]]]]]\n", level - 1));
    }
    assert!(matches!(kind(&deep), YamlErrorKind::TooDeep(_)));
    assert!(matches!(kind(&" ".repeat(MAX_BYTES + 1)), YamlErrorKind::TooLong(_)));
}

#[test]
fn y3_keys_are_scalars() {
    assert_eq!(kind("? [a]\n: b\n"), YamlErrorKind::KeyNotScalar);
    assert_eq!(kind("{{a: b}: c}"), YamlErrorKind::KeyNotScalar);
}

#[test]
fn y4_the_bounds_of_nodes_text_and_depth_are_exact() {
    let list = |count: usize| format!("[{}]", vec!["x"; count].join(","));
    assert_eq!(read(&list(199_999)).as_sequence().map(<[Node]>::len), Some(199_999));
    assert_eq!(kind(&list(200_000)), YamlErrorKind::TooManyNodes(200_000));
    // What an anchor keeps counts as well.
    assert!(parse(&format!("- {}", list(120_000))).is_ok());
    assert_eq!(kind(&format!("- &a {}", list(120_000))), YamlErrorKind::TooManyNodes(200_000));
    // So does the text below an alias.
    let long = format!("a: &a [[{}]]\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 1000].join(","));
    assert!(matches!(kind(&long), YamlErrorKind::TooMuchText(_)));
    let nested = |depth: usize, inside: &str| format!("{}{inside}{}", "[".repeat(depth), "]".repeat(depth));
    let deep = |outer: usize| format!("a: &a {}\nb: {}\n", nested(64, "x"), nested(outer, "*a"));
    assert!(parse(&deep(63)).is_ok());
    assert_eq!(kind(&deep(64)), YamlErrorKind::TooDeep(128));
}

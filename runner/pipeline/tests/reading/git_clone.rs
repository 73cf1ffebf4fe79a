//! The git-clone step, and the implicit one.

use stepbox_pipeline::{Pipeline, Step, StepKind, Template};

use crate::{clean, clone, errors, only, step, warnings};

#[test]
fn r14_unknown_fields_of_a_clone_are_errors_with_the_official_suggestion() {
    for (field, message) in [
        ("exclude_blob", "\"exclude_blob\" is not allowed. Did you mean \"exclude_blobs\"?"),
        ("image_name", "\"image_name\" is not allowed"),
        ("dockerfile", "\"dockerfile\" is not allowed"),
        ("revison", "\"revison\" is not allowed. Did you mean \"revision\"?"),
    ] {
        assert_eq!(errors(&step(&format!("type: git-clone\nrepo: a/b\n{field}: x"))), [message]);
    }
}

#[test]
fn a_clone_has_its_fields() {
    let found = clone(
        "repo: a/b\nrevision: '${{R}}'\ngit: github\nworking_directory: deep\ndepth: 1\nexclude_blobs: true\nskip_tags_on_update: true\nuse_proxy: false\ncredentials: {username: u, password: p}",
    );
    assert_eq!((found.repo.text(), found.revision.as_ref().map(Template::text)), ("a/b", Some("${{R}}")));
    assert_eq!(
        (found.depth, found.exclude_blobs, found.skip_tags_on_update, found.use_proxy),
        (Some(1), true, true, false)
    );
    assert_eq!(found.credentials.map(|both| both.username.text().to_owned()), Some("u".to_owned()));
    assert_eq!(clone("repo: a/b").revision, None);
    for (fields, messages) in [
        ("title: x", vec!["\"repo\" is required"]),
        ("repo: []", vec!["\"repo\" must be a string"]),
        ("repo: a/b\nrevision: []", vec!["\"revision\" must be a string"]),
        ("repo: a/b\ndepth: x", vec!["\"depth\" must be a number"]),
        ("repo: a/b\ndepth: .nan", vec!["\"depth\" must be a number"]),
        ("repo: a/b\nuse_proxy: x", vec!["\"use_proxy\" must be a boolean"]),
        ("repo: a/b\ncredentials: {}", vec!["\"username\" is required", "\"password\" is required"]),
    ] {
        assert_eq!(errors(&step(&format!("type: git-clone\n{fields}"))), messages, "{fields}");
    }
}

#[test]
fn g3_the_source_is_cloned_first_where_it_is_needed() {
    let needs = |steps: &str, skip: bool| {
        clean(Pipeline::read(&format!("version: 1\nsteps:\n{steps}\n"))).needs_implicit_main_clone(skip)
    };
    let other = "  other: {type: git-clone, repo: a/b}";
    assert!(needs("  a: {image: x}", false));
    assert!(!needs("  a: {image: x}", true));
    assert!(!needs(other, false));
    assert!(needs(&format!("{other}\n  a: {{image: x, working_directory: '${{{{main_clone}}}}'}}"), false));
    assert!(needs(
        &format!("{other}\n  a: {{image: x, commands: ['echo ${{{{steps.main_clone.revision}}}}']}}"),
        false
    ));
    assert!(!needs(&format!("{other}\n  a: {{image: x, commands: ['echo ${{{{main_clone_2}}}}']}}"), false));
    assert!(!needs("  main_clone: {type: git-clone, repo: a/b}", false));
    let step = Step::implicit_main_clone(None);
    assert!(step.implicit && step.name.is_main_clone());
    assert_eq!(step.title.as_ref().map(Template::text), Some("Cloning main repository"));
}

#[test]
fn a_depth_that_is_no_number_of_commits_is_ignored_with_a_warning() {
    for depth in ["0", "-1", "0.5", "4294967296", ".inf"] {
        let reading = step(&format!("type: git-clone\nrepo: a/b\ndepth: {depth}"));
        assert_eq!(warnings(&reading), ["\"depth\" must be at least 1, it is ignored"], "{depth}");
        match only(reading.pipeline.expect("a pipeline")).kind {
            StepKind::GitClone(clone) => assert_eq!(clone.depth, None, "{depth}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(clone("repo: a/b\ndepth: '4294967295'").depth, Some(u32::MAX));
}

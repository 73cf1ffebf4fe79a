//! `scale` and `matrix`: copies of a step (section 5.3 of the specification).

use stepbox_pipeline::{
    BuildVersion, Flag, MAX_COPIES, MAX_COPIES_OF_STEP, Pipeline, Reading, Step, StepKind, Template, validate,
};

use crate::{clean, errors, only, refused, step, texts, warnings};

const TOO_MANY: &str = "too many copies: at most 256 of one step and 1024 in a document are allowed";

/// The copies of the only step, which became a parallel step.
fn copies(fields: &str) -> (Step, Vec<Step>) {
    let step = only(clean(step(fields)));
    let StepKind::Parallel(parallel) = &step.kind else { panic!("{step:?}") };
    let copies = parallel.steps.clone();
    (step, copies)
}

/// Name, image, commands and environment of a step.
fn told(step: &Step) -> String {
    let StepKind::Freestyle(freestyle) = &step.kind else { panic!("{step:?}") };
    let commands = texts(freestyle.commands.as_deref().unwrap_or_default()).join("; ");
    format!("{}: {} [{commands}] {}", step.name, freestyle.image.text(), texts(&freestyle.environment).join(" "))
}

fn all_told(fields: &str) -> Vec<String> {
    copies(fields).1.iter().map(told).collect()
}

fn titles(steps: &[Step]) -> Vec<&str> {
    steps.iter().map(|step| step.title.as_ref().map_or("", Template::text)).collect()
}

#[test]
fn p13_scale_makes_a_copy_for_each_entry_with_its_own_fields() {
    assert_eq!(
        all_told(
            "image: x\ncommands: [shared]\nenvironment: [A=1, B=2, C]\nscale:\n  one: {}\n  two: {image: y, commands: [own, two]}\n  \
             three: {environment: [B=3, D=4, C=5]}"
        ),
        ["one: x [shared] A=1 B=2 C", "two: y [own; two] A=1 B=2 C", "three: x [shared] A=1 B=3 D=4 C=5"]
    );
}

#[test]
fn p13_what_concerns_all_copies_stays_at_the_parallel_step() {
    let (group, copies) = copies(
        "title: Test\ndescription: what\nstage: two\nimage: x\nfail-fast: false\nstrict_fail_fast: true\ntimeout: 5m\nretry: {maxAttempts: 2}\n\
         when: {branch: {only: [main]}}\nsuccess_criteria: {steps: {ignore: [b]}}\nscale: {a: {timeout: null}, b: {title: Own}}",
    );
    let shown = |step: &Step| {
        let text = |template: &Option<Template>| template.as_ref().map_or(String::new(), |text| text.text().to_owned());
        (text(&step.title), text(&step.description), step.stage.clone().unwrap_or_default())
    };
    let both = |title: &str| (title.to_owned(), "what".to_owned(), "two".to_owned());
    assert_eq!([&group, &copies[0], &copies[1]].map(shown), [both("Test"), both(""), both("Own")]);
    for step in [&group, &copies[0], &copies[1]] {
        assert_eq!(step.fail_fast, Some(Flag::Value(false)));
        assert_eq!(step.strict_fail_fast, Some(Flag::Value(true)));
    }
    assert_eq!([&group, &copies[0], &copies[1]].map(|step| step.when.is_some()), [true, false, false]);
    assert_eq!([&group, &copies[0], &copies[1]].map(|step| step.retry.max_attempts), [1, 2, 2]);
    assert_eq!([&group, &copies[0], &copies[1]].map(|step| step.timeout.is_some()), [false, false, true]);
    let StepKind::Parallel(parallel) = group.kind else { panic!("a group") };
    assert!(parallel.success_criteria.is_some_and(|criteria| criteria.ignore.contains("b")));
}

#[test]
fn p13_a_copy_may_have_its_own_condition() {
    let (group, copies) =
        copies("image: x\nwhen: {branch: {only: [main]}}\nscale: {a: {when: {branch: {only: [dev]}}}, b: {}}");
    let branch = |step: &Step| {
        let only = step.when.as_ref().and_then(|when| when.branch.as_ref()?.only.as_ref());
        only.map(|only| only[0].text().to_owned())
    };
    assert_eq!(branch(&group), None);
    assert_eq!(copies.iter().map(branch).collect::<Vec<_>>(), [Some("dev".to_owned()), Some("main".to_owned())]);
}

#[test]
fn p14_matrix_makes_a_copy_for_each_combination() {
    let fields = "commands: [go test]\nenvironment: [A=0]\nmatrix:\n  image: ['golang:1.11', 'golang:1.12', 'golang:1.13']\n  \
                  environment:\n  - [CGO=1, A=1]\n  - [CGO=0]\n  shell: [sh, bash]";
    let found = all_told(fields);
    assert_eq!(found.len(), 12);
    assert_eq!(found[0], "jim_1: golang:1.11 [go test] CGO=1 A=1");
    assert_eq!(found[1], "jim_2: golang:1.11 [go test] CGO=1 A=1");
    assert_eq!(found[2], "jim_3: golang:1.11 [go test] A=0 CGO=0");
    assert_eq!(found[11], "jim_12: golang:1.13 [go test] A=0 CGO=0");
    assert_eq!(titles(&copies(fields).1)[11], "jim (golang:1.13, CGO=0, bash)");
}

#[test]
fn p14_alternatives_of_a_list_are_lists_and_one_text_is_a_list_of_one() {
    assert_eq!(
        all_told("image: x\nmatrix:\n  environment: [INDEX=0, INDEX=1]\n  commands: [[a, b], c]"),
        ["jim_1: x [a; b] INDEX=0", "jim_2: x [c] INDEX=0", "jim_3: x [a; b] INDEX=1", "jim_4: x [c] INDEX=1"]
    );
}

#[test]
fn p14_the_title_tells_copies_apart() {
    let found = copies("title: Test\nimage: x\nmatrix:\n  commands:\n  - [one, \"two\\nlines\"]\n  - ['a command that is much too long to be shown whole']").1;
    assert_eq!(titles(&found), ["jim (one two lines)", "jim (a command that is much too long to be sh…)"]);
    assert_eq!(titles(&copies("image: x\nmatrix: {title: [One, Two]}").1), ["One", "Two"]);
    assert_eq!(titles(&copies("image: x\nscale: {a: {}, b: {}}").1), ["", ""]);
}

#[test]
fn r5_names_of_a_matrix_leave_out_those_that_are_taken() {
    let text = "version: 1\nsteps:\n  a: {matrix: {image: [x, y]}}\n  a_1: {image: x}\n  p:\n    type: parallel\n    steps:\n      a_3: {image: x}\n  \
                b: {image: x, scale: {a_4: {}}}\n";
    let names: Vec<String> = clean(Pipeline::read(text)).flat().iter().map(|flat| flat.step.name.to_string()).collect();
    assert_eq!(names, ["a", "a_2", "a_5", "a_1", "p", "a_3", "b", "a_4"]);
}

#[test]
fn r4_long_names_are_cut_for_the_number() {
    let text = |name: &str| format!("version: 1\nsteps:\n  {name}: {{matrix: {{image: [x, y]}}}}\n");
    let names = |name: &str| -> Vec<String> {
        clean(Pipeline::read(&text(name))).flat().iter().map(|flat| flat.step.name.to_string()).collect()
    };
    let long = "n".repeat(150);
    assert_eq!(names(&long), [long.clone(), format!("{}_1", "n".repeat(148)), format!("{}_2", "n".repeat(148))]);
    let wide = "\u{1F600}".repeat(75);
    assert_eq!(names(&wide)[1], format!("{}_1", "\u{1F600}".repeat(74)));
}

#[test]
fn r5_copies_of_scale_have_names_like_any_step() {
    for text in [
        "version: 1\nsteps:\n  a: {image: x, scale: {b: {}}}\n  b: {image: x}\n",
        "version: 1\nsteps:\n  a: {image: x, scale: {a: {}}}\n",
        "version: 1\nsteps:\n  a: {image: x, scale: {b: {scale: {a: {}}}}}\n",
    ] {
        assert_eq!(errors(&Pipeline::read(text)), ["step name exist more than once"], "{text}");
    }
    let message = "step name cannot contain \".\", \"#\", \"$\", \"[\", or \"]\"";
    assert_eq!(errors(&step("image: x\nscale: {a.b: {}}")), [message]);
}

#[test]
fn p13_p14_both_together_multiply() {
    let (_, found) = copies("image: x\nscale: {a: {}, b: {environment: [C=1]}}\nmatrix: {environment: [[A=1], [A=2]]}");
    let inner: Vec<Vec<String>> = found
        .iter()
        .map(|copy| match &copy.kind {
            StepKind::Parallel(parallel) => parallel.steps.iter().map(told).collect(),
            _ => panic!("{copy:?}"),
        })
        .collect();
    assert_eq!(inner, [["a_1: x [] A=1", "a_2: x [] A=2"], ["b_1: x [] C=1 A=1", "b_2: x [] C=1 A=2"]]);
}

#[test]
fn r12_copies_are_made_of_what_stands_under_arguments_too() {
    assert_eq!(
        all_told(
            "arguments:\n  image: x\n  commands: [a]\n  environment: [A=1]\n  matrix: {image: [y, z], environment: [B=2]}"
        ),
        ["jim_1: y [a] A=1 B=2", "jim_2: z [a] A=1 B=2"]
    );
    assert_eq!(
        all_told(
            "image: x\narguments: {commands: [a]}\nscale: {a: {arguments: {image: y, commands: [b]}}, b: {commands: [c]}}"
        ),
        ["a: y [b] ", "b: x [c] "]
    );
    assert_eq!(all_told("image: x\nworking-directory: a\nscale: {a: {working_directory: b}}"), ["a: x [] "]);
}

#[test]
fn p14b_the_copies_are_checked_and_not_the_step() {
    assert_eq!(errors(&step("title: x\nscale: {a: {image: x}, b: {}}")), ["\"image\" is required"]);
    let reading = step("type: git-clone\nrepo: o/r\nscale: {a: {revision: x}, b: {image: x}}");
    assert_eq!(errors(&reading), ["\"image\" is not allowed. Did you mean \"stage\"?"]);
    assert_eq!(
        errors(&step("image: x\ncmd: y\nscale: {a: {commands: [z]}}")),
        ["\"commands\" conflict with forbidden peer \"cmd\""]
    );
    assert_eq!(errors(&step("type: pending-approval\nscale: {a: {}}")), ["\"type\" can't be pending-approval"]);
    let reading = step("type: push\ncandidate: x\nscale: {a: {registry: b}, c: {registry: d}}");
    assert_eq!((errors(&reading), refused(&reading)), (vec![], vec!["type: push"]));
    assert_eq!(reading.unsupported[0].step.as_deref(), Some("jim"));
    let reading = step("type: parallel\nsteps: {a: {image: x}}\nmatrix: {shell: [sh]}");
    assert_eq!(refused(&reading), ["matrix"]);
}

fn first(reading: &Reading) -> (String, Option<String>, String, (usize, usize)) {
    let error = reading.errors().next().expect("an error");
    let place = error.place.expect("a place");
    (error.message.clone(), error.step.clone(), error.path.clone(), (place.line, place.column))
}

#[test]
fn p14b_errors_point_to_where_the_text_stands() {
    let text =
        "version: 1\nsteps:\n  jim:\n    commands: [5]\n    scale:\n      a:\n        image: {}\n      b: {image: x}\n";
    let reading = Pipeline::read(text);
    assert_eq!(errors(&reading), ["\"image\" must be a string", "\"0\" must be a string"]);
    assert_eq!(
        first(&reading),
        ("\"image\" must be a string".into(), Some("a".into()), "steps.jim.steps.a.image".into(), (7, 16))
    );
}

#[test]
fn what_is_wrong_with_all_copies_is_told_once_about_the_step() {
    let text = "version: 1\nsteps:\n  jim:\n    commands: x\n    nope: 1\n    environment: ['${{A}}']\n    when: {steps: [{name: gone}]}\n    matrix:\n      image: [a, b, c]\n";
    for (messages, place) in [(validate(text, BuildVersion::V1), 4), (Pipeline::read(text).diagnostics, 4)] {
        let told: Vec<_> = messages
            .iter()
            .map(|one| {
                (one.message.as_str(), one.step.as_deref(), one.path.as_str(), one.place.map(|place| place.line))
            })
            .collect();
        assert_eq!(
            told,
            [
                ("\"commands\" must be an array", Some("jim"), "steps.jim.commands", Some(place)),
                ("a freestyle step has no field `nope`, it is ignored", Some("jim"), "steps.jim.nope", Some(5)),
            ]
        );
    }
    let reading =
        step("image: x\nservices: [a]\nretry: {maxAttempts: 99}\nscale: {a: {}, b: {}, c: {scale: {d: {}, e: {}}}}");
    assert_eq!((refused(&reading), warnings(&reading).len()), (vec!["services"], 1));
}

#[test]
fn p14_what_is_of_another_shape_is_an_error() {
    for (fields, message) in [
        ("scale: [a]", "\"scale\" must be an object"),
        ("scale: {a: x}", "\"a\" must be an object"),
        ("scale: {}", "\"scale\" must contain at least 1 items"),
        ("matrix: x", "\"matrix\" must be an object"),
        ("matrix: {}", "\"matrix\" must contain at least 1 items"),
        ("matrix: {commands: x}", "\"commands\" must be an array"),
        ("matrix: {commands: []}", "\"commands\" must contain at least 1 items"),
    ] {
        let reading = step(&format!("image: x\n{fields}"));
        assert_eq!((errors(&reading), refused(&reading)), (vec![message.to_owned()], vec![]), "{fields}");
    }
}

#[test]
fn p11_there_are_no_copies_in_mode_parallel() {
    for name in ["scale: {b: {}}", "matrix: {image: [y, z]}"] {
        let text = format!("version: 1\nmode: parallel\nsteps:\n  a: {{image: x, {name}}}\n");
        let reading = Pipeline::read(&text);
        let field = name.split(':').next().expect("a field");
        let message = format!("\"{field}\" cannot be used in mode: parallel");
        assert_eq!(first(&reading), (message.clone(), Some("a".into()), format!("steps.a.{field}"), (4, 17)));
        assert_eq!((errors(&reading).len(), refused(&reading)), (1, vec![]));
    }
}

#[test]
fn p14c_copies_are_bounded() {
    let list = |count: usize| vec!["x"; count].join(", ");
    let matrix = |count: usize| format!("matrix: {{image: [{}], environment: [[A=1], [A=2]]}}", list(count));
    assert_eq!(copies(&matrix(MAX_COPIES_OF_STEP / 2)).1.len(), MAX_COPIES_OF_STEP);
    assert_eq!(errors(&step(&matrix(129))), [TOO_MANY]);
    let axes: String = (0..60).map(|axis| format!("f{axis}: [1, 2, 3, 4], ")).collect();
    assert_eq!(errors(&step(&format!("image: x\nmatrix: {{{axes}}}"))), [TOO_MANY]);
    let steps = |last: usize| -> String {
        let sizes = [MAX_COPIES_OF_STEP; MAX_COPIES / MAX_COPIES_OF_STEP].into_iter().chain([last]);
        let matrix = |(number, size)| format!("  s{number}: {{image: x, matrix: {{image: [{}]}}}}\n", list(size));
        "version: 1\nsteps:\n".to_owned() + &sizes.filter(|size| *size > 0).enumerate().map(matrix).collect::<String>()
    };
    assert_eq!(clean(Pipeline::read(&steps(0))).flat().len(), 4 + MAX_COPIES);
    assert_eq!(errors(&Pipeline::read(&steps(1))), [TOO_MANY]);
}

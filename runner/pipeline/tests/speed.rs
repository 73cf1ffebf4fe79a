//! How long reading takes. Ignored, because machines differ: `cargo test --release --test speed -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use stepbox_pipeline::{BuildVersion, Pipeline, validate};

fn pipeline(steps: usize) -> String {
    let mut text = String::from("version: '1.0'\nstages: [build, test]\nsteps:\n");
    for number in 0..steps {
        text.push_str(&format!(
            "  step_{number}:\n    title: Step ${{{{CF_BRANCH}}}} {number}\n    stage: test\n    image: alpine:3.20\n    \
             working_directory: ${{{{main_clone}}}}/app\n    environment:\n    - A=b\n    - NUMBER={number}\n    \
             commands:\n    - echo one two three\n    - make test\n    when:\n      branch:\n        only: [main, \
             /^feature/i]\n    retry: {{maxAttempts: 3, delay: 5}}\n    timeout: 10m\n"
        ));
    }
    text
}

/// The shortest of some runs.
fn best(mut run: impl FnMut()) -> Duration {
    (0..9)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

#[test]
#[ignore = "it measures"]
fn reading_against_parsing() {
    for steps in [10, 100, 1000, 3000] {
        let text = pipeline(steps);
        let parse = best(|| drop(stepbox_pipeline::yaml::parse(&text)));
        let check = best(|| drop(validate(&text, BuildVersion::V2)));
        let read = best(|| drop(Pipeline::read(&text)));
        let ratio = read.as_secs_f64() / parse.as_secs_f64();
        println!(
            "{steps} steps, {} bytes: parse {parse:?}, validate {check:?}, read {read:?}, {ratio:.2} times",
            text.len()
        );
    }
}

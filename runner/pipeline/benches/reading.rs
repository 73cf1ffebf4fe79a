//! What reading and validating a pipeline of 1 000 steps cost, as multiples of what the YAML parser alone costs:
//! `cargo bench -p stepbox-pipeline --profile dev --bench reading`.
//!
//! Nothing is asserted: times depend on the machine. Each figure is the median of interleaved rounds.

use std::hint::black_box;
use std::time::{Duration, Instant};

use saphyr_parser::{Event, Parser, SpannedEventReceiver};
use stepbox_pipeline::{BuildVersion, Pipeline, validate};

const ROUNDS: usize = 31;
const STEPS: usize = 1000;

/// Looks at each event and keeps nothing.
struct Count(usize);

impl<'i> SpannedEventReceiver<'i> for Count {
    fn on_event(&mut self, event: Event<'i>, _: saphyr_parser::Span) {
        self.0 += usize::from(!matches!(event, Event::Nothing));
    }
}

fn document() -> String {
    let mut text = "version: '1.0'\nstages: [one, two]\nsteps:\n".to_owned();
    for number in 0..STEPS {
        text.push_str(&format!(
            "  step_{number}:\n    title: Step {number} of ${{{{CF_BRANCH}}}}\n    image: alpine:3.18\n    stage: one\n    \
             commands:\n      - echo hello {number} ${{{{CF_REVISION}}}}\n      - test -f x || true\n    environment: [A=1, B=2]\n    \
             when:\n      condition:\n        all:\n          main: '\"${{{{CF_BRANCH}}}}\" == \"main\"'\n"
        ));
    }
    text
}

fn time(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() {
    let text = document();
    let (mut parser, mut reading, mut validating) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        parser.push(time(|| {
            let mut count = Count(0);
            Parser::new_from_str(&text).load(&mut count, true).expect("YAML");
            black_box(count.0);
        }));
        reading.push(time(|| assert!(black_box(Pipeline::read(&text)).pipeline.is_some())));
        validating.push(time(|| assert!(black_box(validate(&text, BuildVersion::V2)).is_empty())));
    }
    let (parser, reading, validating) = (median(parser), median(reading), median(validating));
    println!("{STEPS} steps, {} bytes; median of {ROUNDS}", text.len());
    println!("the YAML parser alone {parser:>10.2?}");
    for (what, time) in [("Pipeline::read", reading), ("validate", validating)] {
        println!("{what:<21} {time:>10.2?}  {:.2} times", time.as_secs_f64() / parser.as_secs_f64());
    }
}

//! The shell's own speed against dash and bash, in one run: `cargo bench -p stepbox-tests --profile dev --bench shell`.
//!
//! Nothing is asserted: times depend on the machine. Each figure is the median of interleaved rounds, the start of the process
//! included.

use std::process::{Command, Stdio};
use std::time::Instant;

use stepbox_tests::Place;

const ROUNDS: usize = 11;
const LOOP: &str = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done\n";
const SUBSTITUTIONS: &str = "i=0; while [ $i -lt 2000 ]; do x=$(echo hi); i=$((i+1)); done\n";

fn main() {
    let place = Place::new();
    place.write("loop.sh", LOOP);
    place.write("substitutions.sh", SUBSTITUTIONS);
    place.write("functions.sh", functions());
    println!(
        "{:<36} {:>9} {:>9} {:>9} {:>7} {:>7}",
        "what (ms, median of 11)", "stepbox", "dash", "bash", "/dash", "/bash"
    );
    row(&place, "100 000 turns of a loop", &["loop.sh"]);
    row(&place, "2 000 x=$(echo hi)", &["substitutions.sh"]);
    row(&place, "reading 11 000 lines (-n)", &["-n", "functions.sh"]);
    row(&place, "starting (-c :)", &["-c", ":"]);
}

/// 11 004 lines, in functions of twelve, of what scripts are made of.
fn functions() -> String {
    let function = |number: usize| {
        format!(
            "build_{number}() {{\n  for part in one two \"$three\"; do\n    if [ \"$part\" = \"${{name:-x}}\" ] && test -n \"$to\"; then\n      \
             echo \"part: $(basename \"$part\" .c)\" | sed -e 's/x/y/' > /dev/null\n    fi\n    case $part in *.c|*.h) n=$((n + 1));; *) : ;; esac\n  \
             done\n  while read -r line; do last=${{line%%:*}}; done < /dev/null\n  cat <<EOF\ntext $last\nEOF\n}}\n"
        )
    };
    (0..917).map(function).collect()
}

/// Milliseconds that a command takes; it must succeed.
fn milliseconds(command: &mut Command) -> f64 {
    let begin = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().expect("starts");
    assert!(status.success(), "{command:?}: {status}");
    begin.elapsed().as_secs_f64() * 1000.0
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn row(place: &Place, what: &str, arguments: &[&str]) {
    let mut times: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        let ours = place.command(["sh"].iter().chain(arguments));
        let [dash, bash] = ["dash", "bash"].map(|shell| {
            let mut command = Command::new(shell);
            command.args(arguments).current_dir(place.path("project"));
            command
        });
        for (mut command, times) in [ours, dash, bash].into_iter().zip(&mut times) {
            times.push(milliseconds(&mut command));
        }
    }
    let [ours, dash, bash] = times.map(median);
    println!("{what:<36} {ours:>9.1} {dash:>9.1} {bash:>9.1} {:>7.2} {:>7.2}", ours / dash, ours / bash);
}

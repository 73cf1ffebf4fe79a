//! Ratios against native tools, from one run on one machine: `cargo bench -p stepbox-tests --profile dev`.
//!
//! Nothing is asserted: times depend on the machine. Each row is the median of interleaved rounds.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use stepbox_tests::Place;

const ROUNDS: usize = 5;
const LOOP: &str = "i=0; while [ $i -lt 10000 ]; do /bin/true; i=$((i+1)); done";
const COUNTING: &str = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";

fn main() {
    println!("{:<44} {:>10} {:>10} {:>7}", "what (seconds, median of 5)", "stepbox", "native", "ratio");
    first_command();
    next_step();
    script("10 000 external /bin/true, against sh", LOOP);
    script("300 000 additions, against sh", COUNTING);
    small_files();
}

/// Seconds that a command takes; it must succeed.
fn seconds(command: &mut Command) -> f64 {
    let begin = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("starts");
    assert!(status.success(), "{command:?}: {status}");
    begin.elapsed().as_secs_f64()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn row(what: &str, ours: Vec<f64>, theirs: Vec<f64>) {
    let (ours, theirs) = (median(ours), median(theirs));
    println!("{what:<44} {ours:>10.3} {theirs:>10.3} {:>7.2}", ours / theirs);
}

fn native(text: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", text]);
    command
}

/// A whole build whose step is one command, a warm cache given.
fn first_command() {
    let place = Place::new().commands(&["/bin/true"]);
    seconds(&mut place.command(["run"]));
    let (mut ours, mut theirs) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        ours.push(seconds(&mut place.command(["run"])));
        theirs.push(seconds(&mut native("/bin/true")));
    }
    row("a whole build of one /bin/true, against sh", ours, theirs);
}

fn script(what: &str, text: &str) {
    let place = Place::new().commands(&[text]);
    let (mut ours, mut theirs) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        ours.push(seconds(&mut place.command(["run"])));
        theirs.push(seconds(&mut native(text)));
    }
    row(what, ours, theirs);
}

/// What one more step costs whose only command is started by path: the way from the end of a step to the end of the next.
fn next_step() {
    const STEPS: usize = 50;
    let place = Place::new();
    let mut text = "version: '1.0'\nsteps:\n".to_owned();
    for number in 0..=STEPS {
        text.push_str(&format!("  s{number}:\n    image: alpine\n    commands: [/bin/true]\n"));
        if number == 0 {
            place.write("one.yml", &text);
        }
    }
    place.write("many.yml", &text);
    let (mut ours, mut theirs) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        let one = seconds(&mut place.command(["run", "one.yml"]));
        ours.push((seconds(&mut place.command(["run", "many.yml"])) - one) / STEPS as f64);
        let begin = Instant::now();
        for _ in 0..STEPS {
            seconds(&mut native("/bin/true; exit"));
        }
        theirs.push(begin.elapsed().as_secs_f64() / STEPS as f64);
    }
    row("one more step of one /bin/true, against sh", ours, theirs);
}

/// 20 000 files of 8 kB: cloned from the source, saved by a build and restored by the next, as the build's own events say.
fn small_files() {
    let place = Place::new();
    make_files(&place.path("project/many"));
    place.write("codefresh.yml", "version: '1.0'\nsteps:\n  a:\n    image: alpine\n    commands: [\"true\"]\n");
    let (project, archive, copy) = (place.path("project"), place.path("a.tar.zst"), place.path("copy"));
    let (project, archive, copy) = (project.display(), archive.display(), copy.display());
    let removing = format!("rm -rf '{copy}'");
    let copying = format!("cp -r '{project}' '{copy}'");
    let packing = format!("tar -C '{copy}' -cf - . | zstd -q -3 -T0 -f -o '{archive}'");
    let unpacking = format!("rm -rf '{copy}'; mkdir '{copy}'; zstd -q -d -c '{archive}' | tar -C '{copy}' -xf -");
    let mut times: [(Vec<f64>, Vec<f64>); 3] = Default::default();
    for _ in 0..ROUNDS {
        let events = events(&place, &["run", "--reset-volume", "--output", "json"]);
        times[0].0.push(duration(&events, "step_finished"));
        times[1].0.push(duration(&events, "volume_saved"));
        times[2].0.push(duration(&self::events(&place, &["run", "--output", "json"]), "volume_restored"));
        for (command, (_, theirs)) in [&copying, &packing, &unpacking].into_iter().zip(&mut times) {
            if command != &packing {
                seconds(&mut native(&removing));
            }
            theirs.push(seconds(&mut native(command)));
        }
    }
    let [clone, save, restore] = times;
    row("clone 20 000 files (160 MB), against cp -r", clone.0, clone.1);
    row("save 20 000 files, against tar|zstd -3", save.0, save.1);
    row("restore 20 000 files, against zstd -d|tar", restore.0, restore.1);
}

/// The events of a build that succeeds.
fn events(place: &Place, arguments: &[&str]) -> Vec<serde_json::Value> {
    let run = place.run(arguments);
    assert_eq!(run.status, 0, "{run:?}");
    run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Seconds of the first event of a kind.
fn duration(events: &[serde_json::Value], kind: &str) -> f64 {
    let event = events.iter().find(|event| event["event"] == kind || event["type"] == kind).expect("such an event");
    event["duration_ms"].as_f64().expect("a number") / 1000.0
}

fn make_files(root: &Path) {
    let mut state = 88_172_645_463_325_252_u64;
    for directory in 0..200 {
        let path = root.join(format!("package-{directory}"));
        fs::create_dir_all(&path).expect("makes");
        for file in 0..100 {
            let mut text = String::with_capacity(8200);
            while text.len() < 8000 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                // Words that compress about as source does.
                text.push_str(
                    ["function ", "return ", "const ", "export ", "value", "(", ")", ";\n", " = ", "{\n", "}\n"]
                        [(state % 11) as usize],
                );
                if state.is_multiple_of(7) {
                    text.push_str(&format!("{:x}", state & 0xffff));
                }
            }
            fs::write(path.join(format!("file-{file}.js")), text).expect("writes");
        }
    }
}

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

/// 20 000 files of 8 kB: saved by a build, and restored by the next, against `tar | zstd -3`.
fn small_files() {
    let place = Place::new();
    let many = place.path("project/many");
    make_files(&many);
    place.write("codefresh.yml", "version: '1.0'\nsteps:\n  a:\n    image: alpine\n    commands: [\"true\"]\n");
    let empty = Place::new().commands(&["true"]);
    let (mut ours, mut base, mut theirs) = (vec![], vec![], vec![]);
    for _ in 0..3 {
        // What the clone of the source costs is in it too; the row says so.
        ours.push(seconds(place.command(["run", "--reset-volume"]).current_dir(place.path("project"))));
        base.push(seconds(&mut empty.command(["run", "--reset-volume"])));
        let tar = format!(
            "tar -C '{}' -cf - . | zstd -q -3 -T0 -f -o '{}'",
            many.display(),
            place.path("a.tar.zst").display()
        );
        theirs.push(seconds(&mut native(&tar)));
    }
    row("clone and save 20 000 files, against tar|zstd", ours, theirs);
    println!("{:<44} {:>10.3}", "  (the same build without the files)", median(base));
    let (mut ours, mut theirs) = (vec![], vec![]);
    for _ in 0..3 {
        ours.push(restoring(&place));
        let target = place.path("untarred");
        let _ = fs::remove_dir_all(&target);
        fs::create_dir(&target).expect("makes");
        let tar =
            format!("zstd -q -d -c '{}' | tar -C '{}' -xf -", place.path("a.tar.zst").display(), target.display());
        theirs.push(seconds(&mut native(&tar)));
    }
    row("restore 20 000 files, against zstd -d|tar", ours, theirs);
}

/// How long the restore of a build takes, as its own events say.
fn restoring(place: &Place) -> f64 {
    let run = place.run(["run", "--output", "json"]);
    let line = run.stdout.lines().find(|line| line.contains("\"volume_restored\"")).expect("a restore");
    let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
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

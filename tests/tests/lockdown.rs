//! The second wall: what runs steps, shells and modules is locked by the kernel, and says so.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use stepbox_tests::{Place, send};

fn place() -> Place {
    Place::new().commands(&["echo ready; sleep 30"])
}

/// The events of a build, one a line.
fn events(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn wall(events: &[serde_json::Value]) -> &serde_json::Value {
    events.iter().find(|event| event["event"] == "worker_started").expect("the worker was there")
}

/// The only child of a process.
fn child(parent: u32) -> PathBuf {
    let text = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).expect("reads");
    Path::new("/proc").join(text.trim())
}

fn status(process: &Path, name: &str) -> String {
    let text = fs::read_to_string(process.join("status")).expect("reads");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).expect("a line");
    line.trim().to_owned()
}

#[test]
fn the_worker_of_a_build_is_locked_and_has_nothing_of_its_caller() {
    let place = place();
    let inherited = File::open(place.path("project/codefresh.yml")).expect("opens");
    // Without the flag that closes it.
    let inherited = rustix::io::dup(inherited.as_fd()).expect("duplicates");
    let mut build =
        place.start(place.command(["run", "--quiet", "-v", "CF_SKIP_MAIN_CLONE=true"]).env("CANARY", "canary"));
    let mut line = String::new();
    BufReader::new(build.stdout.take().expect("piped")).read_line(&mut line).expect("reads");
    assert_eq!(line, "ready\n");
    drop(inherited);
    let worker = child(build.id());
    assert_eq!(status(&worker, "Seccomp"), "2");
    assert_eq!(status(&worker, "NoNewPrivs"), "1");
    assert_eq!(fs::read(worker.join("environ")).expect("reads"), b"");
    let open: Vec<PathBuf> = fs::read_dir(worker.join("fd"))
        .expect("lists")
        .filter_map(|file| fs::read_link(file.expect("reads").path()).ok())
        .collect();
    let state = fs::canonicalize(place.path("state")).expect("is there");
    for file in &open {
        let kind = file.to_string_lossy();
        let own = ["socket:", "pipe:", "anon_inode:", "/memfd:", "/dev/null", "/proc/"];
        assert!(
            file.starts_with(&state) || own.iter().any(|own| kind.starts_with(own)) || kind.contains("/test-cache/"),
            "{open:?}"
        );
    }
    send(&build, Signal::TERM);
    assert_eq!(build.wait().expect("ends").code(), Some(3));
}

#[test]
fn the_record_and_the_events_tell_of_the_wall() {
    let place = Place::new().commands(&["true"]);
    let run = place.run(["run", "--output", "json", "--require-lockdown"]);
    assert_eq!(run.status, 0, "{run:?}");
    let told = events(&run.stdout);
    let ready = wall(&told);
    assert_eq!((&ready["locked"], &ready["seccomp"]), (&true.into(), &true.into()));
    assert!(ready["landlock"].as_u64().is_some_and(|version| version >= 3), "{ready}");

    let run = place.run(["run", "--output", "json", "--no-lockdown"]);
    assert_eq!(run.status, 0, "{run:?}");
    let told = events(&run.stdout);
    assert_eq!(
        wall(&told),
        &serde_json::json!({"event": "worker_started", "locked": false, "landlock": null, "seccomp": false})
    );
    let run = place.run(["run", "--no-lockdown", "--require-lockdown"]);
    assert_eq!(run.status, 2, "{run:?}");
}

#[test]
fn shells_and_single_modules_lock_themselves_and_leave_nothing_behind() {
    // A module with a memory and a `_start` that does nothing.
    let module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01\x07\x13\x02\x06memory\x02\0\x06_start\0\0\x0a\x04\x01\x02\0\x0b";
    let place = Place::new().file("module.wasm", module);
    let temporary = place.path("temporary");
    fs::create_dir(&temporary).expect("makes");
    let script = "echo written > /tmp/x; cat /tmp/x; mkdir -p a/b; cp /tmp/x y; mv y a/b/x; ls a/b; cat /etc/hostname";
    let run = place.finish(place.command(["sh", "-c", script]).env("TMPDIR", &temporary));
    run.expect(0, "written\nx\nstepbox\n", "");
    assert_eq!(fs::read_dir(&temporary).expect("lists").count(), 0);
    let run = place.run(["exec", "--require-lockdown", "--report", "report.json", "module.wasm"]);
    run.expect(0, "", "");
    assert_eq!(fs::read_to_string(place.path("project/report.json")).expect("reads"), "{\"status\":0,\"modules\":1}\n");

    let mut shell = place.command(["sh", "-c", "echo ready; sleep 30"]);
    let mut shell = place.start(&mut shell);
    let mut line = String::new();
    BufReader::new(shell.stdout.take().expect("piped")).read_line(&mut line).expect("reads");
    let process = PathBuf::from(format!("/proc/{}", shell.id()));
    assert_eq!((status(&process, "Seccomp"), status(&process, "NoNewPrivs")), ("2".to_owned(), "1".to_owned()));
    send(&shell, Signal::KILL);
    assert_eq!(shell.wait().expect("ends").code(), None);
}

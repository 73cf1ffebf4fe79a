//! Builds whose supervisor is killed while it publishes.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use stepbox_volume::SAVE_POINTS;

use super::bench::Bench;
use crate::{BuildRequest, Directories, Interrupt, WorkerLaunch};

const HOME: &str = "STEPBOX_ENGINE_TEST_HOME";
const POINT: &str = "STEPBOX_ENGINE_TEST_POINT";

/// The process that the other test kills: this very program, told to run this one test.
#[test]
#[ignore = "the supervisor of another test"]
fn as_supervisor() {
    let home = std::path::PathBuf::from(std::env::var_os(HOME).expect("a directory"));
    let text = "version: '1.0'\nsteps:\n  a:\n    image: alpine\n    commands: [write f new]\n";
    let mut request = BuildRequest::new(home.join("codefresh.yml"), text.to_owned(), |_, _| Ok(vec![]));
    request.variables.push(("CF_SKIP_MAIN_CLONE".into(), "true".into()));
    request.kill_at = std::env::var(POINT).ok();
    let directories = Directories { state: home.join("state"), cache: None };
    let launch = WorkerLaunch::InProcess(super::worker::serve_archives);
    crate::run(&directories, &launch, &request, &Interrupt::new(), &mut |_| {}).expect("runs");
}

#[test]
fn l9_a_build_that_is_killed_while_it_publishes_leaves_the_old_state_or_the_new() {
    let mut killed = 0;
    for point in SAVE_POINTS.iter().filter(|point| point.starts_with("publish.")).step_by(3) {
        let bench = Bench::new();
        let write = "  a:\n    image: alpine\n    commands: [write f old]\n";
        assert!(bench.steps(write).stored().run().is_saved());
        let status = Command::new(std::env::current_exe().expect("this program"))
            .args(["tests::crashes::as_supervisor", "--exact", "--ignored"])
            .env(HOME, bench.home.path())
            .env(POINT, point)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("starts");
        killed += usize::from(status.signal() == Some(9));
        let done = bench.steps("  a:\n    image: alpine\n    commands: [cat f]\n").stored().run();
        assert!(matches!(done.output().as_str(), "old\n" | "new\n"), "{point}: {}", done.output());
        assert!(done.is_saved() && done.warnings().is_empty(), "{point}: {:?}", done.warnings());
        let left = std::fs::read_dir(bench.home.path().join("state/work")).expect("there").count();
        assert_eq!(left, 0, "{point}");
    }
    // Some points are met only once in the life of a volume.
    assert!(killed >= 8, "{killed}");
}

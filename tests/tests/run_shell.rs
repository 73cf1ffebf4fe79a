//! Shells inside a build: `run --shell-at`, `run --shell-on-failure`.

use rustix::process::{Pid, Signal, kill_process};
use stepbox_tests::{Place, Terminal};

const PIPELINE: &str = "version: '1.0'
steps:
  prepare:
    image: alpine
    commands: [cd /codefresh/volume, echo prepared > state]
  build:
    image: alpine
    working_directory: /codefresh/volume/sub
    environment: [COLOR=blue]
    volumes: ['./shared:/srv/shared']
    timeout: 60s
    commands: [cat ../state, test -e allowed]
  last:
    image: alpine
    commands: [cat /codefresh/volume/state]
";

fn place() -> Place {
    Place::new().file("codefresh.yml", PIPELINE)
}

#[test]
fn a_person_comes_in_before_a_step_and_what_is_done_there_stays() {
    let place = place();
    let Some(mut terminal) = Terminal::start(&place, "xterm", "exec stepbox run --shell-at build") else { return };
    let before = terminal.wait_for("shell at step `build`, before its commands run; `exit` runs them");
    terminal.wait_for("$ ");
    assert!(before.contains("==> build") && !before.contains("==> last"), "{before}");
    terminal.type_in("pwd; echo $COLOR; ls -d /srv/*; cat ../state\r");
    terminal.wait_for("\r\n/codefresh/volume/sub\r\nblue\r\n/srv/shared\r\nprepared\r\n$ ");
    // A program that reads is given a line; Ctrl-C ends a command and neither shell nor build.
    // Typed only when the terminal takes lines again: Ctrl-D is no end of file before.
    terminal.type_in("echo be$((1))gun; cat > ../state\r");
    terminal.wait_for("be1gun\r\n");
    terminal.type_in("by hand\n\x04");
    terminal.wait_for("$ ");
    for blocked in ["while :; do :; done", "sleep 1000", "cat"] {
        terminal.type_in(&format!("echo be$((1))gun; {blocked}\r"));
        terminal.wait_for("be1gun\r\n");
        terminal.type_in("\x03");
        terminal.wait_for("$ ");
    }
    terminal.type_in("echo $?; > allowed; set -e; false\r");
    terminal.wait_for("130\r\n");
    // The shell has ended: the step runs, on what was made there.
    let (rest, status) = terminal.end();
    let head: Vec<&str> = rest.lines().take(3).collect();
    assert_eq!((head[0], status), ("by hand", Some(0)), "{rest}");
    assert!(rest.contains("build succeeded"), "{rest}");
}

#[test]
fn a_person_comes_in_after_a_step_has_failed_and_finds_what_it_left() {
    let line = "exec stepbox run --shell-on-failure";
    let place = place();
    let Some(mut terminal) = Terminal::start(&place, "dumb", line) else { return };
    terminal.wait_for("shell at step `build`, which failed with exit status 1; `exit` goes on with the build\r\n$ ");
    terminal.type_in("pwd; cat ../state; echo $COLOR > ../state\n");
    terminal.wait_for("/codefresh/volume/sub\r\nprepared\r\n$ ");
    terminal.type_in("\x04");
    let (rest, status) = terminal.end();
    assert!(rest.contains("build: error: exit status 1") && !rest.contains("==> last"), "{rest}");
    assert_eq!(status, Some(1));
}

#[test]
fn an_interrupted_build_gives_the_terminal_back() {
    let place = place();
    let line = "sh -c 'echo $$ > pid; exec stepbox run --shell-at build'; echo status $?; \
                stty -a | tr ' ;' '\\n\\n' | grep -x -e isig -e icanon -e echo";
    let Some(mut terminal) = Terminal::start(&place, "xterm", line) else { return };
    terminal.wait_for("$ ");
    let pid = std::fs::read_to_string(place.path("project/pid")).expect("written before it starts");
    let pid = pid.trim().parse().ok().and_then(Pid::from_raw).expect("a process");
    kill_process(pid, Signal::TERM).expect("it lives");
    terminal.wait_for("status 3\r\n");
    assert_eq!(terminal.end().0, "isig\r\nicanon\r\necho\r\n");
}

#[test]
fn what_cannot_be_opened_is_told_before_anything_runs() {
    let place = place();
    place.run(["run", "--shell-at", "build"]).expect(
        2,
        "",
        "error: `--shell-at build` needs a terminal, and standard input is none\nhint: run it at a terminal, without \
         redirections\nhint: to look at what a build has left: `stepbox volume ls`, and `stepbox volume restore` into a \
         directory\n",
    );
    place.run(["run", "--shell-on-failure", "--output", "json"]).expect(
        2,
        "",
        "error: `--shell-on-failure` opens a shell for a person, and `--output json` is for programs\nhint: leave one of \
         them out\n",
    );
    for (step, told) in [
        ("buil", "error: there is no step `buil`, which `--shell-at` names\r\nhint: did you mean `build`?\r\n"),
        (
            "main_clone",
            "error: step `main_clone`, which `--shell-at` names, runs no commands\r\nhint: name one that does: `prepare`, \
             `build`, `last`\r\n",
        ),
    ] {
        let line = format!("exec stepbox run --shell-at {step}");
        let Some(terminal) = Terminal::start(&place, "dumb", &line) else { return };
        assert_eq!(terminal.end(), (told.to_owned(), Some(2)));
    }
}

//! `stepbox sh`: the shell of a step without a build around it.

use std::io::Write;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use stepbox_tests::{Place, send};

#[test]
fn commands_run_in_a_step_s_environment_with_the_current_directory_as_the_volume() {
    let place = Place::new().file("a.txt", "text\n");
    let script = "pwd; cat a.txt; echo new > b.txt; id -un; echo $0 $# $1; ls /etc; env | sort";
    place.run(["sh", "-c", script, "name", "one"]).expect(
        0,
        "/codefresh/volume\ntext\nroot\nname 1 one\ngroup\nhostname\npasswd\nHOME=/root\nHOSTNAME=stepbox\n\
         PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n\
         PWD=/codefresh/volume\n",
        "",
    );
    assert_eq!(std::fs::read_to_string(place.path("project/b.txt")).expect("reads"), "new\n");
}

#[test]
fn a_script_is_a_file_inside_and_its_status_is_the_program_s() {
    let place = Place::new().file("s.sh", "echo $0 $*\nexit 7\n");
    place.run(["sh", "s.sh", "a", "-b"]).expect(7, "s.sh a -b\n", "");
    place.run(["sh", "-e", "/codefresh/volume/s.sh"]).expect(7, "/codefresh/volume/s.sh\n", "");
    place.run(["sh", "none.sh"]).expect(127, "", "none.sh: 0: cannot open none.sh: No such file or directory\n");
    place.run(["sh", "-c", "kill -TERM $$"]).expect(143, "", "");
}

#[test]
fn a_script_is_read_by_what_its_first_line_names() {
    let place = Place::new()
        .file("env", "#!/usr/bin/env -S sh -e\nfalse\necho not reached\n")
        .file("windows", "#!/bin/sh\r\necho from windows\r\n")
        .file("bash", "#!/bin/bash\na=(1 2)\necho ${#a[@]}\n")
        .file("reader", "#!/bin/cat\nread by cat\n")
        .file("none", "#!/usr/bin/none\n");
    let script = "for s in env windows bash reader none; do ./$s; echo $?; done";
    place.run(["sh", "-c", script]).expect(
        0,
        "1\nfrom windows\n0\n2\n0\n#!/bin/cat\nread by cat\n0\n127\n",
        "stepbox: ./none: /usr/bin/none: bad interpreter: the image does not provide it\n",
    );
}

#[test]
fn a_script_may_be_read_by_a_script_and_needs_no_first_line() {
    let place = Place::new()
        .file("tool", "#!/bin/sh\necho \"tool: $#: $*\"\n")
        .file("script", "#!./tool one argument\n")
        .file("empty-line", "#!\necho empty line: $0\n")
        .file("plain", "echo plain $1\n")
        .file("nothing", "")
        .file("loop", "#!./loop\n")
        .file("binary", "\u{1}\0\n");
    let script = "chmod +x *; for s in script empty-line plain nothing loop binary; do ./$s a b; echo $?; done";
    place.run(["sh", "-c", script]).expect(
        0,
        "tool: 4: one argument ./script a b\n0\nempty line: ./empty-line\n0\nplain a\n0\n0\n126\n126\n",
        "stepbox: /codefresh/volume/loop: more than 5 scripts are read by one another\n\
         sh: 1: ./binary: Exec format error\n",
    );
}

#[test]
fn scripts_are_named_as_they_are_started_and_may_have_just_been_made() {
    let place = Place::new().file("bin/say", "#!/bin/sh\necho \"$0|$#|$*\"\n").file(
        "all.sh",
        "bin/say a 'b c'\n\
         bash bin/say x\n\
         sh ./bin/say\n\
         (cd bin; ../bin/say; env -i ./say e; echo x | xargs ./say; command ./say c)\n\
         PATH=$PWD/bin:$PATH; say found\n\
         printf 'X=%s; return 4\\n' sourced > lib.sh; . ./lib.sh; echo $? $X\n\
         printf '#!/usr/bin/env bash\\na=(1 2 3); echo ${#a[@]} $0\\n' > made; ./made\n\
         echo 'echo without mode' > plain; ./plain; echo $?; chmod +x plain; ./plain; echo $?\n\
         cat bin/say > copied; ./copied; cp bin/say copy; ./copy; ln -s bin/say link; ./link\n\
         exec bin/say last\n",
    );
    place.run(["sh", "-c", "chmod +x bin/say; . ./all.sh"]).expect(
        0,
        "bin/say|2|a b c\nbin/say|1|x\n./bin/say|0|\n../bin/say|0|\n./say|1|e\n./say|1|x\n./say|1|c\n\
         /codefresh/volume/bin/say|1|found\n4 sourced\n3 ./made\n126\nwithout mode\n0\n\
         ./copied|0|\n./copy|0|\n./link|0|\nbin/say|1|last\n",
        "./all.sh: 8: ./plain: Permission denied\n",
    );
}

#[test]
fn standard_input_is_the_script_and_what_its_commands_read() {
    let place = Place::new();
    for arguments in [&["sh"][..], &["sh", "-"], &["sh", "-s"]] {
        let mut command = place.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(b"read x\nthe line\necho got $x\ncat\nrest\n").expect("writes");
        drop(input);
        let output = child.wait_with_output().expect("ends");
        place.result(&output).expect(0, "got the line\nrest\n", "");
    }
}

#[test]
fn mounts_are_seen_where_they_are_said_to_be_and_nothing_else() {
    let place = Place::new().file("in/a", "1\n").file("out/b", "2\n").file("c", "3\n");
    let mounts = ["sh", "--mount", "in::/in:ro", "--mount", "out::/srv/out"];
    let script = "pwd; cat a /srv/out/b; echo no > /in/x; echo yes > /srv/out/x; cd /codefresh/volume; ls";
    let run = place.run(mounts.iter().chain(&["-c", script]));
    run.expect(0, "/in\n1\n2\n", "sh: 1: cannot create /in/x: Read-only file system\n");
    assert_eq!(std::fs::read_to_string(place.path("project/out/x")).expect("reads"), "yes\n");
    place.run(mounts.iter().chain(&["-C", "/srv", "-c", "ls"])).expect(0, "out\n", "");
}

#[test]
fn what_cannot_be_mounted_is_told() {
    let place = Place::new().file("f", "");
    for (arguments, told) in [
        (
            &["--mount", "here"][..],
            "error: `--mount here` does not say what is mounted where\n\
             hint: write `--mount HOST::GUEST` with an absolute GUEST, and `:ro` behind it where nothing may be written\n",
        ),
        (&["--mount", "none::/x"], "error: cannot use the directory `none`: no such file or directory\n"),
        (&["--mount", "f::/x"], "error: cannot use the directory `f`: not a directory\n"),
        (&["-C", "none"], "error: the shell cannot run: `/codefresh/volume/none`: No such file or directory\n"),
        (
            &["--image", "node"],
            "error: nobody provides the image `node`\nhint: leave `--image` out for the commands of the toolbox\n",
        ),
        (
            &["--env", "=x"],
            "error: `--env =x` names no variable\nhint: write `--env NAME=VALUE`, or `--env NAME` for the value that it has here\n",
        ),
    ] {
        let run = place.run(["sh"].iter().chain(arguments).chain(&["-c", ":"]));
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", told), "{arguments:?}");
        assert!(matches!(run.status, 2 | 4), "{arguments:?}: {}", run.status);
    }
}

#[test]
fn neither_the_home_directory_nor_what_is_above_it_is_a_volume() {
    let place = Place::new().file("home/x", "");
    let home = place.path("project/home");
    for (directory, what) in
        [(home.clone(), "your home directory"), (place.path("project"), "above your home directory")]
    {
        let run = place.finish(place.command(["sh", "-c", "rm -r *"]).env("HOME", &home).current_dir(directory));
        let told = format!(
            "error: the current directory is {what}, which is no volume for a shell\nhint: go into a project's directory\n\
             hint: or say what the shell may see: `--mount HOST::/codefresh/volume`\n"
        );
        run.expect(2, "", &told);
    }
    assert!(home.join("x").exists());
}

#[test]
fn variables_are_handed_on_by_name_only() {
    let place = Place::new();
    let mut command =
        place.command(["sh", "--env", "A=1 2", "--env", "B", "--env", "NONE", "-c", "echo \"$A,$B,$C,${NONE-unset}\""]);
    place.finish(command.env("B", "b").env("C", "c").env_remove("NONE")).expect(0, "1 2,b,,unset\n", "");
}

#[test]
fn the_umask_of_the_caller_is_not_that_of_the_step() {
    let place = Place::new();
    let script = "umask; mkdir d; echo > f; umask u=r; mkdir e; echo > g; : >> f; stat -c '%a %n' d e f g";
    let inner = place.command(["sh", "-c", script]);
    let mut command = Command::new("sh");
    command.args(["-c", "umask 777; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    command.current_dir(place.path("project"));
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().expect("starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0022\n755 d\n455 e\n644 f\n444 g\n");
}

#[test]
fn a_signal_reaches_the_shell_s_trap_and_otherwise_ends_what_it_runs() {
    let place = Place::new();
    let run = |script: &str, signal| {
        let mut command = place.command(["sh", "-c", script]);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        let mut stdout = child.stdout.take().expect("a pipe");
        let mut first = [0; 6];
        std::io::Read::read_exact(&mut stdout, &mut first).expect("says that it runs");
        send(&child, signal);
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut stdout, &mut rest).expect("reads");
        (rest, child.wait().expect("ends").code())
    };
    for blocked in [
        "while :; do :; done",
        "sleep 1000",
        "cat /dev/zero > /dev/null",
        "sleep 1000 | cat",
        "sleep 1000 | read x",
        "yes | sleep 1000",
        "cat <<E | sleep 1000\n$(yes | head -c 200000)\nE\n:",
        "x=$(sleep 1000)",
        "wait",
        "read x < /dev/tty; sleep 1000",
    ] {
        let script = format!("sleep 1000 & echo ready; {blocked}; sleep 1000");
        assert_eq!(run(&script, Signal::TERM), (String::new(), Some(143)), "{blocked}");
    }
    let script = "trap 'echo trapped; exit 5' INT; echo ready; while :; do :; done";
    assert_eq!(run(script, Signal::INT), ("trapped\n".to_owned(), Some(5)));
}

#[test]
fn hostile_scripts_end_with_an_error() {
    let place = Place::new();
    for (script, status, told) in [
        ("$(".repeat(3000), 2, "more than 200 constructs stand inside one another"),
        ("f() { f; }; f".to_owned(), 2, "functions and commands are nested"),
        // It may be over before it has grown.
        ("f() { f | f & }; f; wait".to_owned(), 0, ""),
        // So many at once that the first shell itself may be refused one.
        ("f() { f & f & wait; }; (f); :".to_owned(), 0, ""),
        ("x=x; while :; do x=$x$x; done".to_owned(), 2, "a word expands to more than"),
    ] {
        let run = place.run(["sh", "-c", &script]);
        assert_eq!(run.status, status, "{script:.40}: {:.300}", run.stderr);
        assert!(run.stderr.contains(told), "{script:.40}: {:.300}", run.stderr);
    }
    place.run(["sh", "-c", "yes | while read x; do echo $x; break; done"]).expect(0, "y\n", "");
}

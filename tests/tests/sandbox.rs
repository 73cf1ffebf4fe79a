//! What a step sees of the host: nothing.

use std::fs;

use stepbox_tests::Place;

#[test]
fn a_step_sees_nothing_of_the_host() {
    let place = Place::new().commands(&[
        "set +e",
        "cat /etc/passwd",
        "ls /proc",
        "cat ../../../../etc/shadow",
        "cd / && find .",
        "env; printenv; set",
        "ls -la / /tmp /root /home /codefresh /dev",
        "cat /proc/self/environ /proc/1/cmdline",
        "cat ../../../../../../../../tmp/stepbox-canary-file",
        "for n in 3 4 5 6 7 8 9; do cat /dev/fd/$n; cat <&$n; done",
        "true",
    ]);
    let canary = "canary-e94c1f";
    let host_file = std::env::temp_dir().join(format!("stepbox-canary-file-{}", std::process::id()));
    fs::write(&host_file, canary).expect("writes");
    fs::write(place.path("home/secret"), canary).expect("writes");
    let run = place.finish(place.command(["run", "--verbose"]).env("SECRET", canary).env("AWS_ACCESS_KEY_ID", canary));
    fs::remove_file(&host_file).expect("removes");
    assert_eq!(run.status, 0, "{run:?}");
    let printed = format!("{}{}", run.stdout, run.stderr);
    assert!(!printed.contains(canary), "{printed}");
    assert!(!printed.contains("stepbox-canary-file-"), "{printed}");
    let host_passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    for line in host_passwd.lines().filter(|line| !line.starts_with("root:")) {
        assert!(!printed.contains(line), "{line}");
    }
    assert!(printed.contains("root:x:0:0:root:/root:/bin/sh\n"), "the step's own passwd: {printed}");
}

#[test]
fn the_same_commands_do_succeed_on_files_of_the_volume() {
    let place = Place::new().commands(&[
        "cd /codefresh/volume && mkdir -p a/b && echo found > a/b/file",
        "cat a/b/file; ls a; cd a/b && cat ../../a/b/file; cd .. && find .",
    ]);
    let run = place.run(["run"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.ends_with("found\nb\nfound\n.\n./b\n./b/file\n"), "{run:?}");
}

#[test]
fn links_lead_through_the_step_s_own_tree_as_in_a_container() {
    let place = Place::new().commands(&[
        "cd /codefresh/volume && ln -s ../../../../../../etc up && cat up/passwd",
        "ln -s /etc/hostname name && cat name && echo text > file && ln -s /codefresh/volume/file /tmp/y && cat /tmp/y",
        "cat < /tmp/y; echo more >> /tmp/y; cat file; readlink /tmp/y; realpath /tmp/y; cd /tmp && cat ../codefresh/volume/file",
        "ln -s /proc/self/environ out; cat out || { ln -s loop loop; cat loop; }",
    ]);
    let run = place.run(["run"]);
    assert_eq!(run.status, 1, "{run:?}");
    let expected = "root:x:0:0:root:/root:/bin/sh\nstepbox\ntext\ntext\ntext\nmore\n/codefresh/volume/file\n\
                    /codefresh/volume/file\ntext\nmore\ncat: out: No such file or directory\n\
                    cat: loop: Symbolic link loop\n";
    assert!(run.stdout.ends_with(expected), "{run:?}");
}

#[test]
fn modes_are_kept_and_decide_what_can_be_executed() {
    let place = Place::new().commands(&[
        "cd /codefresh/volume && echo 'echo ran' > s && stat -c %a s && chmod 755 s && stat -c %a s && ./s",
        "printf '#!/bin/sh\\necho script\\n' > t && ./t && chmod -x t && { ./t || echo status $?; } && stat -c %a t",
        "chmod 400 s && stat -c %a s && cat s && echo more >> s && chmod u=rwx,go= s && ls -l s | cut -c1-10 && test -x s && echo yes",
        "install -m 750 s i && stat -c %a i && mkdir d && chmod 700 d && stat -c %a d && chmod -R a+rX . && stat -c %a d i",
    ]);
    let run = place.run(["run"]);
    assert_eq!(run.status, 0, "{run:?}");
    let expected = "644\n755\nran\nscript\nsh: ./t: Permission denied\nstatus 126\n644\n400\necho ran\n-rwx------\nyes\n\
                    750\n700\n755\n755\n";
    assert!(run.stdout.contains("644\n755\nran\nscript\n"), "{run:?}");
    assert!(run.stdout.ends_with(&expected[expected.find("status 126").expect("there")..]), "{run:?}");
}

#[test]
fn names_are_bytes_and_directories_are_listed_whole() {
    let place = Place::new().commands(&[
        "cd /codefresh/volume && mkdir many && cd many && i=0; while [ $i -lt 3000 ]; do : > f$i; i=$((i+1)); done",
        "ls | wc -l; n=$(printf 'caf\\351'); echo one > \"$n\"; cat \"$n\"; ls | wc -l; rm \"$n\"; ls | wc -l",
    ]);
    let run = place.run(["run"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.ends_with("3000\none\n3001\n3000\n"), "{run:?}");
}

#[test]
fn f5_f6_commands_are_one_program_and_the_first_failure_ends_it() {
    let place = Place::new().commands(&["X=1; cd /tmp", "echo $X $PWD", "false", "echo never"]);
    let run = place.run(["run"]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stdout.ends_with("1 /tmp\n"), "{run:?}");
}

#[test]
fn pipelines_scripts_and_commands_that_start_commands_run() {
    let place = Place::new().file("hello.sh", "#!/bin/sh\necho \"hello $1\"\n").commands(&[
        "seq 1 20000 | sort -rn | head -n 2",
        "printf 'a b\\nc' | xargs -n1 echo item",
        "sh hello.sh world; chmod +x hello.sh; ./hello.sh again",
        "env -i A=1 printenv A; timeout 5 echo in time; sh -c 'exit 3' || echo status $?",
        "yes | head -n 1; x=$(echo sub | tr a-z A-Z); echo $x",
        "cat <<EOF | wc -l\n1\n2\nEOF",
    ]);
    let run = place.run(["run"]);
    assert_eq!(run.status, 0, "{run:?}");
    let expected = "20000\n19999\nitem a\nitem b\nitem c\nhello world\nhello again\n1\nin time\nstatus 3\ny\nSUB\n2\n";
    assert!(run.stdout.ends_with(expected), "{run:?}");
}

#[test]
fn every_status_from_0_to_255_reaches_the_result() {
    for status in [1, 125, 126, 127, 130, 200, 255] {
        let place = Place::new().commands(&[&format!("sh -c 'exit {status}'")]);
        let run = place.run(["run"]);
        assert!(run.stderr.contains(&format!("work: error: exit status {status} (")), "{status}: {run:?}");
    }
}

#[test]
fn a_command_found_by_its_path_is_a_module_each_time() {
    let place = Place::new().commands(&["i=0; while [ $i -lt 50 ]; do /bin/true; i=$((i+1)); done"]);
    let run = place.run(["run", "--verbose"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stderr.contains("work: success (N s), 50 modules started"), "{run:?}");
}

#[test]
fn v21_v22_v31_exports_reach_later_steps_and_masked_ones_are_hidden() {
    let pipeline = "version: '1.0'\nsteps:\n  one:\n    image: alpine\n    commands:\n      - export A=shell\n      - cf_export A B=given\n      - cf_export --mask TOKEN=s3cr3t-t0ken\n      - echo C=direct >> /codefresh/volume/env_vars_to_export\n      - echo \"now B=$B\"\n  two:\n    image: alpine\n    title: with ${{B}}\n    commands:\n      - echo \"$A $B $C ${{B}}\"\n      - echo \"token $TOKEN\"\n";
    let place = Place::new().file("codefresh.yml", pipeline);
    let run = place.run(["run"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.ends_with("now B=\nshell given direct given\ntoken ****\n"), "{run:?}");
    assert!(run.stderr.contains("==> with given"), "{run:?}");
}

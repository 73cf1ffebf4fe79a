//! `examples/shared-host`, with a repository that means harm.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use stepbox_tests::{Place, Run, program};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/shared-host").join(name)
}

/// The wrapper, as the service calls it, on the place's project.
fn run_build(place: &Place) -> Run {
    let mut command = Command::new(example("run-build"));
    command.arg(place.path("project")).arg("acme").env_clear().env("PATH", "/usr/bin:/bin");
    command.env("STEPBOX", program()).env("STEPBOX_POLICY", example("policy.yaml"));
    command.env("STEPBOX_HOME", place.path("state")).env("SERVICE_TOKEN", "canary-1");
    command.env("XDG_CACHE_HOME", program().parent().expect("a directory").join("test-cache"));
    place.finish(&mut command)
}

/// What a stranger submits: a step that looks for everything, and a file that asks for everything.
fn hostile(place: Place) -> Place {
    std::fs::create_dir(place.path(".ssh")).expect("makes");
    std::fs::write(place.path(".ssh/id_ed25519"), "canary-2").expect("writes");
    place
        .commands(&[
            "set +e",
            "env; set; echo '${{SERVICE_TOKEN}}'",
            "cat /codefresh/volume/*/etc/passwd /codefresh/volume/*/key etc/passwd key",
            "cat /etc/passwd ../../../../.ssh/id_ed25519; find / -name 'id_*'",
            "wget http://example.com; curl http://example.com; nc example.com 80; echo > /dev/tcp/127.0.0.1/22",
            "head -c 600M /dev/zero | sort | tail -c 1",
            "true",
        ])
        .file("stepbox.yaml", "network: [example.com]\nenvironment: [SERVICE_TOKEN]\nlimits: {memory: 4GiB}\n")
}

#[test]
fn a_hostile_repository_gets_nothing_of_what_it_asks_for() {
    let place = hostile(Place::new());
    symlink("/etc", place.path("project/etc")).expect("links");
    symlink(place.path(".ssh/id_ed25519"), place.path("project/key")).expect("links");
    let run = run_build(&place);
    let told = format!("{}{}", run.stdout, run.stderr);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(!told.contains("canary-"), "{told}");
    let host = std::fs::read_to_string("/etc/passwd").expect("reads");
    for line in host.lines().filter(|line| !line.starts_with("root:")) {
        assert!(!told.contains(line), "{line}");
    }
    assert!(told.contains("the limit `memory` of 512 MiB for one command (set by the policy of this host)"), "{told}");
    assert!(told.contains("asks for the environment variable `SERVICE_TOKEN`, and does not get it"), "{told}");
    assert!(told.contains("asks for the network host `example.com`, and no step has a network"), "{told}");
}

#[test]
fn a_bundle_elsewhere_and_a_file_that_is_a_link_are_refused() {
    let place = hostile(Place::new());
    place.write("stepbox.yaml", "images: {alpine: ../../.ssh}\n");
    run_build(&place).expect(
        2,
        "",
        "error: stepbox.yaml: the path `../../.ssh`: it leads out of the project by `..`\n",
    );
    place.write("stepbox.yaml", "images: {alpine: ./etc}\n");
    symlink("/etc", place.path("project/etc")).expect("links");
    run_build(&place).expect(2, "", "error: stepbox.yaml: the path `./etc`: it leads out of the project by a link\n");
}

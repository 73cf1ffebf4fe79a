//! Real freestyle scripts, to their expected end: `shared/cases/scripts/scripts.json`, where it is there. Commands are run as they
//! stand; what they need and what comes of it is said here. Programs that the toolbox has not are stubs on the volume.
//! `STEPBOX_SCRIPTS_NATIVE=1` compares what is said here with native shells and programs (with `--nocapture`, by which shell).

mod native;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};
use stepbox_tests::Place;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/cases/scripts/scripts.json");

/// What a script finds, and what it leaves.
#[derive(Clone, Copy)]
struct Case {
    id: &'static str,
    /// Files of the project.
    files: &'static [(&'static str, &'static str)],
    /// Scripts that stand for programs.
    stubs: &'static [(&'static str, &'static str)],
    variables: &'static [(&'static str, &'static str)],
    /// What is done before.
    before: &'static str,
    /// What is looked at in a step behind it.
    after: &'static str,
    status: i32,
    stdout: &'static str,
}

const NOTHING: Case =
    Case { id: "", files: &[], stubs: &[], variables: &[], before: ":", after: ":", status: 0, stdout: "" };

const MANIFEST: (&str, &str) = ("package.json", "{\"version\": \"1.2.3\", \"dockerRepo\": \"team/app\"}\n");

const NEEDS_NOTHING: &[Case] = &[
    Case {
        id: "semver-normalise",
        files: &[MANIFEST],
        variables: &[("CF_BRANCH_TAG_NORMALIZED", "My_Branch"), ("TEMP_BRANCH_NAME", "tmp"), ("CF_REVISION", "abc")],
        after: "echo $CURRENT_VERSION $CHRAT_FULL_SEMVER $NAMESPACE_NAME",
        stdout: "1.2.3 1.2.3-my-branch my-branch\n",
        ..NOTHING
    },
    Case {
        id: "find-ami",
        files: &[("image-details.json", "{\"Images\":[{\"ImageId\":\"ami-1\"}]}")],
        after: "echo after $IMAGE_ID",
        stdout: "ami-1\nafter ami-1\n",
        ..NOTHING
    },
    Case {
        id: "aws-credentials-file",
        variables: &[("AWS_CREDENTIALS_FILE", "W2RlZmF1bHRdCmtleT0xCg==")],
        after: "echo $AWS_SHARED_CREDENTIALS_FILE; cat $AWS_SHARED_CREDENTIALS_FILE",
        stdout: "/codefresh/volume/project/.aws/credentials\n[default]\nkey=1\n",
        ..NOTHING
    },
    Case {
        id: "image-version-yq",
        files: &[("step.yaml", "kind: step-type\nmetadata:\n  version: 1.4.0\n")],
        after: "echo $IMAGE_VERSION",
        stdout: "Current version: 1.4.0\n1.4.0\n",
        ..NOTHING
    },
    Case {
        id: "candidate-source-if",
        variables: &[("SOURCE_FILE", "a.yaml")],
        after: "echo \"<$CANDIDATE_SOURCE> <$CANDIDATE_IMAGE_TAG>\"",
        stdout: "<a.yaml> <>\n",
        ..NOTHING
    },
    Case {
        id: "candidate-source-if",
        variables: &[("CF_PULL_REQUEST_HEAD_BRANCH", "Feature"), ("CF_PULL_REQUEST_HEAD_COMMIT_SHA", "0AF")],
        after: "echo \"<$CANDIDATE_SOURCE> <$CANDIDATE_IMAGE_TAG>\"",
        stdout: "<> <feature-0af>\n",
        ..NOTHING
    },
    Case {
        id: "candidate-tag-yq",
        files: &[("values.yaml", "image:\n  tag: 'V1-Beta'\n")],
        variables: &[("CANDIDATE_SOURCE", "values.yaml"), ("SOURCE_FILE_IMAGE_TAG_PLACEMENT", ".image.tag")],
        after: "echo $CANDIDATE_IMAGE_TAG",
        stdout: "v1-beta\n",
        ..NOTHING
    },
    Case {
        id: "yq-inplace",
        files: &[("values.yaml", "# kept\nimage:\n  tag: v1 # this too\n")],
        variables: &[
            ("TARGET_FILE", "values.yaml"),
            ("TARGET_FILE_IMAGE_TAG_PLACEMENT", ".image.tag"),
            ("CANDIDATE_IMAGE_TAG", "v2"),
        ],
        stdout: "Before Changes\n# kept\nimage:\n  tag: v1 # this too\nAfter Changes\n# kept\nimage:\n  tag: v2 # this too\n",
        ..NOTHING
    },
    Case {
        id: "repo-settings",
        files: &[MANIFEST],
        after: "echo $REPO $VERSION",
        stdout: "team/app 1.2.3\n",
        ..NOTHING
    },
    Case {
        id: "branch-if-in-subst",
        variables: &[("CF_BRANCH", "master"), ("CF_SHORT_REVISION", "abc"), ("HELM_VERSION", "3")],
        stdout: "3\nmaster\n",
        ..NOTHING
    },
    Case {
        id: "branch-if-in-subst",
        variables: &[("CF_BRANCH", "dev"), ("CF_SHORT_REVISION", "abc"), ("HELM_VERSION", "3")],
        stdout: "3\ndev-abc\n",
        ..NOTHING
    },
    Case {
        id: "backtick-base64",
        variables: &[("TEST", "aGVsbG8gd29ybGQK")],
        stdout: "aGVsbG8gd29ybGQK\nhello world\n",
        ..NOTHING
    },
    Case {
        id: "decide-on-status",
        variables: &[("INTEGRATION_FAILED", "true")],
        status: 1,
        stdout: "integration tests failed\n",
        ..NOTHING
    },
    Case { id: "decide-on-status", variables: &[("INTEGRATION_FAILED", "false")], ..NOTHING },
    Case { id: "decide-on-status", stdout: "sh: 2: [: ==: unexpected operator\n", ..NOTHING },
    Case {
        id: "yq-v3-write",
        files: &[("simple-java-app/values.yaml", "image:\n  name: app\n  tag: old\n")],
        variables: &[("CF_SHORT_REVISION", "abc1234")],
        stdout: "image:\n  name: app\n  tag: abc1234\n",
        ..NOTHING
    },
    Case {
        id: "yq-v3-read",
        files: &[("service.yaml", "name: cloner\nversion: 2.0.1\n")],
        after: "echo $SERVICE_VERSION $IMAGE_NAME",
        stdout: "2.0.1 codefresh/cf-git-cloner\n",
        ..NOTHING
    },
    Case { id: "date-export", after: "echo \"$DATE\" | grep -cE '^[0-9]{8}_[0-9]{6}$'", stdout: "1\n", ..NOTHING },
    Case {
        id: "k8s-template",
        files: &[("my-k8s-deployment.yaml", "image: app:${TAG}\nname: ${NAME}\n")],
        variables: &[("TAG", "v7")],
        after: "cat my-k8s-deployment.yaml",
        stdout: "image: app:v7\nname: ${NAME}\n",
        ..NOTHING
    },
    Case {
        id: "cf-export-multi",
        after: "echo $VAR1 $VAR2 $EXISTING_VAR",
        stdout: "alpine:latest VALUE2 www.example.com\n",
        ..NOTHING
    },
    Case { id: "env-vars-to-export-file", after: "echo $VAR1 $hey", stdout: "192.168.0.1 alpine:3.9\n", ..NOTHING },
    Case {
        id: "export-quiet",
        variables: &[("MASTER_AWS_ACCESS_KEY_ID", "key")],
        after: "echo $AWS_ACCESS_KEY_ID",
        stdout: "key\n",
        ..NOTHING
    },
    Case {
        id: "heredoc-unterminated",
        after: "wc -l < helmVersionsList; head -n 1 helmVersionsList; tail -n 1 helmVersionsList",
        stdout: "24\n2.9.0\n3.0.2\n",
        ..NOTHING
    },
    Case {
        id: "versions-typo",
        variables: &[("VERSION", "1"), ("FILE_VERSION", "2")],
        stdout: "sh: 2: [: missing ]\nversion are equal\n",
        ..NOTHING
    },
    Case {
        id: "symlink-cd",
        variables: &[("CF_REPO_NAME", "project")],
        before: "cd /tmp",
        stdout: "make test\n",
        ..NOTHING
    },
    Case {
        id: "steps-result",
        status: 1,
        stdout: "Result of Linting was: success\nResult of Unit Testing was: success\n",
        ..NOTHING
    },
];

const SAYS_ITS_ARGUMENTS: &str = "#!/bin/sh\necho \"${0##*/} $*\"\n";

const NEEDS_STUBS: &[Case] = &[
    Case {
        id: "bash-c-array",
        stubs: &[
            ("apk", SAYS_ITS_ARGUMENTS),
            (
                "codefresh",
                "#!/bin/sh\ncase $1 in\nget) echo no available resources ;;\nrun) echo build-$2 ;;\n*) echo \"codefresh $*\" ;;\nesac\n",
            ),
        ],
        variables: &[
            ("CODEFRESH_CLI_KEY", "k"),
            ("CF_BRANCH_TAG_NORMALIZED", "main"),
            ("CF_SHORT_REVISION", "abc"),
            ("PARALLEL_PIPELINES_IDS", "one two three"),
            ("CF_BRANCH", "main"),
        ],
        stdout: "apk add bash\ncodefresh auth create-context --api-key k\nChecking if images exist...\nno available resources\nrebuild\n\
                 codefresh wait build-one build-two build-three\n",
        ..NOTHING
    },
    Case {
        id: "while-poll",
        stubs: &[
            ("sleep", "#!/bin/sh\necho \"sleep $*\"\n"),
            ("kubectl", "#!/bin/sh\necho x >> $3\n[ $(wc -l < $3) -lt 3 ] || echo 10.0.0.$(wc -l < $3)\n"),
        ],
        variables: &[("KUBE_NAMESPACE", "default")],
        after: "echo $VOTEIP $RESULTIP",
        stdout: "Waiting for end point...\nsleep 10\nWaiting for end point...\nsleep 10\nWaiting for end point...\nEnd point ready-\n10.0.0.3\n\
                 Waiting for end point...\nsleep 10\nWaiting for end point...\nsleep 10\nWaiting for end point...\nEnd point ready-\n10.0.0.3\n\
                 10.0.0.3 10.0.0.3\n",
        ..NOTHING
    },
    Case {
        id: "junit-grep",
        stubs: &[(
            "testim",
            "#!/bin/sh\necho ran with $2\necho b-77 > /codefresh/volume/batchid\n\
             echo '<testsuites tests=\"12\" failure=\"3\">' > /codefresh/volume/testim-results.xml\n",
        )],
        variables: &[("VOTEIP", "1.2.3.4"), ("RESULTIP", "1.2.3.5"), ("token", "t0"), ("project", "p"), ("label", "l")],
        after: "echo $TESTS $TESTSFAILED; cat ../testims",
        stdout: "Test data:\n{ \"voteURL\":\"http://1.2.3.4\", \"resultsURL\":\"http://1.2.3.5\" }\nStart testim\n\
                 testim --token \"t0\" --project \"p\" --grid \"Testim-Grid\" --label \"l\" --report-file \
                 /codefresh/volume/testim-results.xml --params-file testimparams.json \nran with t0\n0\n2\n4\n12 3\nran with t0\n",
        ..NOTHING
    },
    Case {
        id: "git-commit-step",
        stubs: &[
            (
                "git",
                "#!/bin/sh\ncase $1 in\nremote) echo https://github.com/team/app.git ;;\n*) echo \"git $*\" ;;\nesac\n",
            ),
            ("ssh-keygen", SAYS_ITS_ARGUMENTS),
            ("ssh-keyscan", "#!/bin/sh\necho \"# comment\" >&2\necho key of $2\n"),
            ("gpg", SAYS_ITS_ARGUMENTS),
            ("apt-get", SAYS_ITS_ARGUMENTS),
            ("apt", SAYS_ITS_ARGUMENTS),
        ],
        variables: &[
            ("WORKING_DIRECTORY", "/codefresh/volume/project"),
            ("GPG_KEY_ID", "id"),
            ("GPG_SECRET_KEY", "c2VjcmV0Cg=="),
            ("GIT_USER_NAME", "Ann Lee"),
            ("GIT_USER_EMAIL", "ann@example.com"),
            ("ADD_FILES", "."),
            ("COMMIT_MESSAGE", "two words"),
            ("GIT_ACCESS_TOKEN", "a/b c"),
            ("GIT_ACCESS_TOKEN_USER", "x"),
            ("USE_SSH", "true"),
            ("PRIVATE_KEY", "\"one\\ntwo\""),
            ("REPO", "ssh://git@example.com:team/app.git"),
            ("BASE_BRANCH", "main"),
        ],
        before: "mkdir -p ~/.ssh",
        stdout: "apt-get update\napt install -y gnupg\ngpg --import /tmp/private.key\ngit config --global user.signingkey id\n\
                 git config --global commit.gpgsign true\nGIT_USER_NAME=Ann Lee GIT_USER_EMAIL=ann@example.com\n\
                 git config --global user.name Ann Lee\ngit config --global user.email ann@example.com\ngit add .\n\
                 git commit -m two words\ngit status\nAdding example.com to known_hosts\nssh-keygen -R example.com\n\
                 git push git@example.com:team/app.git main\n",
        ..NOTHING
    },
    Case {
        id: "oidc-token",
        stubs: &[("curl", "#!/bin/sh\necho \"$3\" > asked\necho '{\"id_token\":\"secret-0\"}'\n")],
        variables: &[("CF_OIDC_REQUEST_URL", "https://oidc.example.com"), ("AUDIENCE", "a b&c")],
        after: "cat asked; echo \"${#ID_TOKEN}\"",
        stdout: "https://oidc.example.com?audience=a%20b%26c\n8\n",
        ..NOTHING
    },
    Case {
        id: "json-to-exports",
        stubs: &[(
            "skopeo",
            "#!/bin/sh\ncase $1 in\ninspect) echo '{\"Labels\":{\"a\":\"1\",\"b\":2},\"Architecture\":\"amd64\",\"Os\":\"linux\",\"Digest\":\"sha256:00\"}' ;;\n\
             *) echo \"skopeo $*\" ;;\nesac\n",
        )],
        variables: &[
            ("IMAGE_TAG", "registry.example.com/team/app:1"),
            ("JSON_KEY", "j"),
            ("USERNAME", "u"),
            ("PASSWORD", "p"),
        ],
        after: "echo $CF_IMAGE_a $CF_IMAGE_b $CF_IMAGE_ARCH $CF_IMAGE_OS $CF_IMAGE_ID",
        stdout: "skopeo login -u _json_key --password-stdin registry.example.com\nskopeo login -u u -p p registry.example.com\n\
                 {\"Labels\":{\"a\":\"1\",\"b\":2},\"Architecture\":\"amd64\",\"Os\":\"linux\",\"Digest\":\"sha256:00\"}\n\
                 1 2 amd64 linux sha256:00\n",
        ..NOTHING
    },
    Case {
        id: "backup-tar",
        files: &[("backup/today/a", "a"), ("backup/today/sub/b", "b")],
        stubs: &[("aws", "#!/bin/sh\ntar -tzf \"$3\" | sort\n")],
        variables: &[("DATE", "today"), ("S3_URL", "s3://bucket")],
        after: "ls -d backup cf-backup* 2>&1 | grep -v 'No such'; ls backup",
        stdout: "backup/today/\nbackup/today/a\nbackup/today/sub/\nbackup/today/sub/b\nUploading to S3\n\
                 backup/today/\nbackup/today/a\nbackup/today/sub/\nbackup/today/sub/b\nbackup\n",
        ..NOTHING
    },
    Case {
        id: "backup-or-subshell",
        stubs: &[("curl", "#!/bin/sh\necho snapshot\n")],
        variables: &[("DATE", "today")],
        after: "cat backup/today/consul/consul.bkp",
        stdout: "Starting Consul backup\nConsul backup completed successfully\nsnapshot\n",
        ..NOTHING
    },
    Case {
        id: "backup-or-subshell",
        stubs: &[("curl", "#!/bin/sh\nexit 7\n")],
        variables: &[("DATE", "today")],
        status: 1,
        stdout: "Starting Consul backup\nConsul backup has failed for date today\n",
        ..NOTHING
    },
    Case {
        id: "tf-clean",
        files: &[
            ("a/.terraform/x", ""),
            ("a/terraform.tfstate", ""),
            ("a/terraform.tfstate.backup", ""),
            ("a/main.tf", ""),
            ("b/c/.terraform/y", ""),
        ],
        stubs: &[("make", SAYS_ITS_ARGUMENTS), ("git", SAYS_ITS_ARGUMENTS)],
        after: "find a b | sort; echo $PATH",
        stdout: "make init\ngit -C build-harness checkout master\nmake -C test/ clean init TEST_HARNESS_BRANCH=master\n\
                 make -C test/src clean init\na\na/main.tf\nb\nb/c\n\
                 /usr/local/terraform/0.12/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
        ..NOTHING
    },
];

/// Puts a case's files and its stubs into a project.
fn place_files(case: &Case, project: &Path) {
    fs::create_dir_all(project).expect("makes");
    let stubs = case.stubs.iter().map(|(name, text)| (format!("stubs/{name}"), text, 0o755));
    for (name, text, mode) in case.files.iter().map(|(name, text)| ((*name).to_owned(), text, 0o644)).chain(stubs) {
        let path = project.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
        fs::write(&path, text).expect("writes");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("sets the mode");
    }
}

/// Runs a case; what is wrong with it.
fn run(case: &Case, script: &Value) -> Option<String> {
    let text = |name: &str| script[name].as_str().map(str::to_owned);
    let place = Place::new();
    place_files(case, &place.path("project"));
    let image = text("image").filter(|image| image != "(none)" && !image.contains("${{")).unwrap_or("alpine".into());
    let mut commands = vec![json!(case.before)];
    commands.extend(script["commands"].as_array().expect("commands").iter().cloned());
    let mut step = json!({"image": image, "commands": commands});
    if let Some(shell) = text("shell") {
        step["shell"] = json!(shell);
    }
    if !case.stubs.is_empty() {
        step["environment"] = json!(["PATH=/codefresh/volume/project/stubs:/usr/bin:/bin"]);
    }
    let small = |command: &str| json!({"image": "alpine", "commands": [command]});
    // In this order, which a map would not keep.
    let steps = [("linting", small(":")), ("unit_tests", small(":")), ("script", step), ("after", small(case.after))];
    let steps: Vec<String> = steps.iter().map(|(name, step)| format!("{}: {step}", json!(name))).collect();
    place.write("codefresh.yml", format!("{{\"version\": \"1.0\", \"steps\": {{{}}}}}", steps.join(", ")));
    let mut arguments = vec!["run".to_owned()];
    // Images of the cases that are no ordinary ones; their programs are the toolbox's here.
    for name in ["codefresh*", "quay.io/codefresh*", "node", "golang", "testim/*", "mesosphere/*", "consul"] {
        arguments.extend(["--image".to_owned(), format!("{name}=toolbox")]);
    }
    for (name, value) in case.variables {
        arguments.extend(["-v".to_owned(), format!("{name}={value}")]);
    }
    let run = place.run(&arguments);
    // The first line is that of the clone.
    let stdout = run.stdout.split_once('\n').map_or("", |(_, rest)| rest);
    (run.status != case.status || stdout != case.stdout).then(|| {
        format!(
            "{}: {} instead of {}\n--- expected\n{}--- got\n{}--- stderr\n{}",
            case.id, run.status, case.status, case.stdout, stdout, run.stderr
        )
    })
}

fn run_all(kind: &str, cases: &[Case]) {
    let Ok(text) = fs::read_to_string(SCRIPTS) else {
        eprintln!("skipped: {SCRIPTS} is not there");
        return;
    };
    let all: Value = serde_json::from_str(&text).expect("json");
    let scripts: BTreeMap<&str, &Value> = all[kind]
        .as_array()
        .expect("a list")
        .iter()
        .map(|script| (script["id"].as_str().expect("an id"), script))
        .collect();
    let untold: Vec<_> = scripts.keys().filter(|id| cases.iter().all(|case| case.id != **id)).collect();
    assert!(untold.is_empty(), "scripts without an expectation: {untold:?}");
    let mut wrong: Vec<String> = cases.iter().filter_map(|case| run(case, scripts[case.id])).collect();
    if native::is_asked_for() {
        wrong.extend(cases.iter().filter_map(|case| native::compare(case, scripts[case.id])));
    }
    assert!(wrong.is_empty(), "{} of {} cases\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn scripts_that_need_the_toolbox_alone() {
    run_all("T_only", NEEDS_NOTHING);
}

#[test]
fn scripts_that_need_programs_of_others() {
    run_all("near_T", NEEDS_STUBS);
}

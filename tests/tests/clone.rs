//! git-clone steps by the built program.

use std::fs;

use gix::objs::tree::EntryKind;
use stepbox_tests::{Place, Run};

/// A place whose project is a git repository of these files, committed to `main`.
fn repository(files: &[(&str, &str)]) -> Place {
    let place = Place::new();
    for (name, text) in files {
        place.write(name, text);
    }
    commit(&place, files);
    place
}

/// Commits exactly these files; the index is that of the commit.
fn commit(place: &Place, files: &[(&str, &str)]) {
    let path = place.path("project");
    let options = gix::open::Options::isolated();
    let repository = if path.join(".git").exists() {
        options.open(&path).expect("opens")
    } else {
        let kind = gix::create::Kind::WithWorktree;
        gix::ThreadSafeRepository::init_opts(&path, kind, Default::default(), options).expect("inits")
    };
    let repository = repository.to_thread_local();
    fs::write(path.join(".git/HEAD"), "ref: refs/heads/main\n").expect("writes");
    let mut editor = repository.edit_tree(repository.empty_tree().id).expect("an editor");
    for (name, text) in files {
        let blob = repository.write_blob(text).expect("writes").detach();
        editor.upsert(*name, EntryKind::Blob, blob).expect("adds");
    }
    let tree = editor.write().expect("writes").detach();
    let who =
        gix::actor::SignatureRef { name: "Ada".into(), email: "ada@example.com".into(), time: "1700000000 +0000" };
    let parent = repository.head_id().ok().map(gix::Id::detach);
    repository.commit_as(who, who, "HEAD", "Add files", tree, parent).expect("commits");
    repository.index_from_tree(&tree).expect("an index").write(Default::default()).expect("writes");
}

const SHARED_VOLUMES: &str = include_str!("../../examples/shared-volumes/codefresh.yml");

fn stdout(run: &Run) -> Vec<&str> {
    assert_eq!(run.status, 0, "{run:?}");
    run.stdout.lines().collect()
}

#[test]
fn the_shared_volume_pipeline_runs_in_a_git_repository() {
    let files = [("codefresh.yml", SHARED_VOLUMES), ("artifact/artifact.example", "an artifact\n")];
    let place = repository(&files);
    // `repo: example/shared-volumes` is the source by its origin here, not by its directory.
    let config = place.path("project/.git/config");
    let text = fs::read_to_string(&config).expect("reads");
    let origin = "[remote \"origin\"]\n\turl = git@github.com:example/shared-volumes.git\n";
    fs::write(&config, text + origin).expect("writes");
    let first = place.run(["run"]);
    let source = place.path("project");
    let source = format!("source: {}, 2 files, 0.0 MB, 0 modified, 0 untracked", source.display());
    assert_eq!(stdout(&first)[0], source);
    assert!(!first.stdout.split("/codefresh/volume/shared-volumes").next().unwrap_or("").contains("artifact.example"));
    let second = place.run(["run"]);
    let listing = second.stdout.split("/codefresh/volume/shared-volumes").next().unwrap_or_default();
    assert!(listing.lines().any(|line| line.ends_with(" artifact.example")), "{second:?}");
}

const NODE: &str = "\
version: '1.0'
steps:
  main_clone:
    type: git-clone
    repo: ${{CF_REPO_OWNER}}/${{CF_REPO_NAME}}
    revision: ${{CF_REVISION}}
  work:
    image: alpine
    commands:
      - ls -A; cat node_modules/installed 2>/dev/null || true
      - mkdir -p node_modules; echo kept > node_modules/installed; echo x > left; echo changed > a
      - echo ${{CF_REPO_OWNER}} ${{CF_REPO_NAME}} ${{CF_BRANCH}} ${{CF_COMMIT_AUTHOR}} ${{CF_COMMIT_MESSAGE}}
";

#[test]
fn g7_g8_ignored_folders_survive_between_builds_and_the_rest_does_not() {
    let place = repository(&[(".gitignore", "node_modules\n"), ("a", "1\n"), ("codefresh.yml", NODE)]);
    let first = place.run(["run"]);
    let facts = "local project main Ada Add files";
    assert_eq!(stdout(&first)[1..], [".git", ".gitignore", "a", "codefresh.yml", facts]);
    let second = place.run(["run"]);
    assert_eq!(stdout(&second)[1..], [".git", ".gitignore", "a", "codefresh.yml", "node_modules", "kept", facts]);
}

const SHOW: &str = "\
version: '1.0'
steps:
  main_clone:
    type: git-clone
    repo: any/project
    revision: ${{WANTED}}
  show:
    image: alpine
    commands: [cat a, ls]
";

#[test]
fn the_flags_of_the_source_decide_what_is_cloned() {
    let old = [("a", "old\n"), ("codefresh.yml", SHOW)];
    let place = repository(&old);
    let repository = gix::open(place.path("project")).expect("opens");
    let first = repository.head_id().expect("a commit").to_string();
    commit(&place, &[("a", "new\n"), ("codefresh.yml", SHOW)]);
    place.write("a", "working\n");
    place.write("b", "untracked\n");

    let wanted = format!("WANTED={first}");
    let run = place.run(["run", "-v", &wanted]);
    assert_eq!(stdout(&run)[1..], ["working", "a", "b", "codefresh.yml"]);
    assert!(run.stderr.contains("`--strict-revision` clones what it asks for"), "{run:?}");
    let run = place.run(["run", "-v", "WANTED=main", "--source-tracked-only"]);
    assert_eq!(stdout(&run)[1..], ["working", "a", "codefresh.yml"]);
    assert!(!run.stderr.contains("warning"), "{run:?}");
    let run = place.run(["run", "-v", &wanted, "--strict-revision"]);
    assert_eq!(stdout(&run)[1..], ["old", "a", "codefresh.yml"]);
    let run = place.run(["run", "-v", "WANTED=gone", "--strict-revision"]);
    assert_eq!(run.status, 1);
    assert!(run.stderr.contains("the source has no revision `gone`; it is at `main` ("), "{run:?}");
}

const PLANT: &str = "\
version: '1.0'
steps:
  main_clone:
    type: git-clone
    repo: any/project
    revision: main
  look:
    image: alpine
    commands:
      - ls -A .git .git/hooks .git/info 2>/dev/null | sort; cat .git/config
  plant:
    image: alpine
    commands:
      - mkdir -p .git/hooks .git/info .git/objects/info
      - printf '#!/bin/sh\\ntouch MARKER\\n' | tee .git/hooks/post-checkout > .git/hooks/pre-commit
      - echo '* filter=evil' > .git/info/attributes
      - echo /etc > .git/objects/info/alternates
      - |
        cat >> .git/config <<'END'
        [core]
          sshCommand = touch MARKER
          fsmonitor = touch MARKER
          hooksPath = /
        [filter \"evil\"]
          clean = touch MARKER
          smudge = touch MARKER
          process = touch MARKER
        [include]
          path = /etc/passwd
        [credential]
          helper = !touch MARKER
        END
      - echo refs/heads/evil > .git/HEAD
";

#[test]
fn what_a_step_plants_in_git_has_no_effect_on_the_next_build() {
    let marker = tempfile::tempdir().expect("a directory");
    let plant = PLANT.replace("MARKER", &marker.path().join("marker").display().to_string());
    let place = repository(&[("a", "1\n"), ("codefresh.yml", &plant)]);
    let first = place.run(["run"]);
    let second = place.run(["run"]);
    assert_eq!(stdout(&second), stdout(&first));
    assert_eq!(fs::read_dir(marker.path()).expect("reads").count(), 0);
}

const OTHER: &str = "\
version: '1.0'
steps:
  other:
    type: git-clone
    repo: octo/tools
    revision: main
";

#[test]
fn other_repositories_need_a_grant() {
    let place = repository(&[("codefresh.yml", OTHER)]);
    let run = place.run(["run"]);
    assert_eq!(run.status, 1);
    assert_eq!(
        run.stderr.lines().find(|line| line.starts_with("other: error")),
        Some(
            "other: error: cannot clone `https://github.com/octo/tools.git`: `github.com` is not the host of this \
             source's origin; allow it with `--allow-clone github.com` (N s)"
        ),
        "{run:?}"
    );
    let remote = Place::new();
    remote.write("tool", "a tool\n");
    commit(&remote, &[("tool", "a tool\n")]);
    fs::rename(remote.path("project"), remote.path("tools")).expect("renames");
    let path = fs::canonicalize(remote.path("tools")).expect("a path");
    place.write("codefresh.yml", OTHER.replace("octo/tools", &format!("file://{}", path.display())));
    assert_eq!(place.run(["run"]).status, 1);
    let run = place.run(["run".as_ref(), "--allow-clone".as_ref(), path.as_os_str()]);
    assert!(stdout(&run)[0].ends_with(", 1 files, 0.0 MB"), "{run:?}");
    // What the user settles once.
    let home = place.path("home/.config/stepbox");
    fs::create_dir_all(&home).expect("makes");
    fs::write(home.join("config.yaml"), format!("allow_clone: ['{}']\n", path.display())).expect("writes");
    assert_eq!(place.run(["run"]).status, 0);
}

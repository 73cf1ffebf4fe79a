//! A source, a volume and what is cloned.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use gix::ObjectId;
use gix::objs::tree::EntryKind;

use crate::directories::Directories;
use crate::error::EngineError;
use crate::git::Clones;
use crate::repository::{CloneRequest, Cloned, Repository, Told};
use crate::request::BuildRequest;

/// A directory with `app` (the source), `volume` and `state`.
pub(crate) struct Place {
    directory: tempfile::TempDir,
}

/// What a clone came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) result: Result<Cloned, String>,
    pub(crate) lines: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["app", "volume", "outside"] {
            std::fs::create_dir(directory.path().join(name)).expect("makes");
        }
        Self { directory }
    }

    /// With a git repository of one commit on `main` in `app`.
    pub(crate) fn with_repository(files: &[(&str, &str)]) -> Self {
        let place = Self::new();
        place.init("app");
        place.write_all("app", files);
        place.commit("app", files);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        std::fs::canonicalize(self.directory.path()).expect("a path").join(name)
    }

    pub(crate) fn init(&self, name: &str) {
        let options = gix::open::Options::isolated().config_overrides(["init.defaultBranch=main"]);
        let kind = gix::create::Kind::WithWorktree;
        gix::ThreadSafeRepository::init_opts(self.path(name), kind, Default::default(), options).expect("inits");
        std::fs::write(self.path(name).join(".git/HEAD"), "ref: refs/heads/main\n").expect("writes");
    }

    pub(crate) fn write_all(&self, root: &str, files: &[(&str, &str)]) {
        for (name, text) in files {
            self.write(&format!("{root}/{name}"), text);
        }
    }

    /// Writes a file; `-> target` makes a link, `#!` at the start an executable file, `=> commit` the directory of a
    /// submodule.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
        if let Some(target) = text.strip_prefix("-> ") {
            std::os::unix::fs::symlink(target, path).expect("links");
            return;
        }
        if text.starts_with("=> ") {
            std::fs::create_dir_all(path).expect("makes");
            return;
        }
        std::fs::write(&path, text).expect("writes");
        if text.starts_with("#!") {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("sets");
        }
    }

    /// Commits exactly these files to the branch that is checked out, and makes the index equal to the commit.
    pub(crate) fn commit(&self, name: &str, files: &[(&str, &str)]) -> ObjectId {
        let repository = self.repository(name);
        let mut editor = repository.edit_tree(repository.empty_tree().id).expect("an editor");
        for (path, text) in files {
            if let Some(commit) = text.strip_prefix("=> ") {
                let commit = ObjectId::from_hex(commit.as_bytes()).expect("a hash");
                editor.upsert(*path, EntryKind::Commit, commit).expect("adds");
                continue;
            }
            let (kind, text) = match text.strip_prefix("-> ") {
                Some(target) => (EntryKind::Link, target),
                None if text.starts_with("#!") => (EntryKind::BlobExecutable, *text),
                None => (EntryKind::Blob, *text),
            };
            let blob = repository.write_blob(text).expect("writes").detach();
            editor.upsert(*path, kind, blob).expect("adds");
        }
        let tree = editor.write().expect("writes").detach();
        let parent = repository.head_id().ok().map(gix::Id::detach);
        let who =
            gix::actor::SignatureRef { name: "Ada".into(), email: "ada@example.com".into(), time: "1700000000 +0000" };
        let message = format!("Commit \"{}\" files\n\nwith a body\n", files.len());
        let commit = repository.commit_as(who, who, "HEAD", &message, tree, parent).expect("commits").detach();
        let mut index = repository.index_from_tree(&tree).expect("an index");
        index.write(Default::default()).expect("writes");
        commit
    }

    pub(crate) fn repository(&self, name: &str) -> gix::Repository {
        crate::git::work_tree::open_isolated(&self.path(name).join(".git")).expect("opens")
    }

    pub(crate) fn reference(&self, name: &str, reference: &str, id: ObjectId) {
        self.write(&format!("{name}/.git/{reference}"), &format!("{id}\n"));
    }

    /// A build of the pipeline in `app`.
    pub(crate) fn build(&self) -> BuildRequest {
        BuildRequest::new(self.path("app/codefresh.yml"), String::new(), |_, _| Ok(vec![]))
    }

    pub(crate) fn clones(&self, request: &BuildRequest) -> Result<Clones, EngineError> {
        self.write("app/codefresh.yml", "");
        let clones = Clones::find(request, &Directories { state: self.path("state"), cache: None });
        std::fs::remove_file(self.path("app/codefresh.yml")).expect("removes");
        clones
    }

    /// Clones with everything as it is where nobody says anything.
    pub(crate) fn clone(&self, repo: &str, revision: Option<&str>) -> Done {
        self.clone_with(&self.build(), &Self::request(repo, revision))
    }

    pub(crate) fn request(repo: &str, revision: Option<&str>) -> CloneRequest {
        CloneRequest {
            repo: repo.into(),
            revision: revision.map(str::to_owned),
            git: None,
            credentials: None,
            depth: None,
            parent: String::new(),
        }
    }

    pub(crate) fn clone_with(&self, build: &BuildRequest, request: &CloneRequest) -> Done {
        let clones = self.clones(build).map_err(|error| error.message).expect("a source");
        let volume = Dir::open_ambient_dir(self.path("volume"), ambient_authority()).expect("opens");
        let (mut lines, mut warnings) = (vec![], vec![]);
        let mut tell = |told| match told {
            Told::Line(line) => lines.push(line),
            Told::Warning(warning) => warnings.push(warning),
        };
        let result = clones.clone_onto(request, &volume, &|| false, &mut tell);
        Done { result, lines, warnings }
    }

    /// Everything below a directory, without `.git`: links as `-> target`, executable files with a `*`.
    pub(crate) fn tree(&self, name: &str) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        collect(&self.path(name), "", &mut tree);
        tree
    }
}

fn collect(directory: &Path, prefix: &str, tree: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(directory).expect("reads") {
        let entry = entry.expect("reads");
        let name = entry.file_name().into_string().expect("text");
        if prefix.is_empty() && name == ".git" {
            continue;
        }
        let path = entry.path();
        let metadata = path.symlink_metadata().expect("reads");
        let full = format!("{prefix}{name}");
        if metadata.is_dir() {
            collect(&path, &format!("{full}/"), tree);
        } else if metadata.is_symlink() {
            tree.insert(full, format!("-> {}", std::fs::read_link(&path).expect("reads").display()));
        } else {
            let star = if metadata.permissions().mode() & 0o111 != 0 { "*" } else { "" };
            let bytes = std::fs::read(&path).expect("reads");
            tree.insert(full, format!("{star}{}", String::from_utf8_lossy(&bytes)));
        }
    }
}

/// For comparisons with [`Place::tree`].
pub(crate) fn tree(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

//! The `.git` of a clone on the volume: always an output.

use std::collections::BTreeMap;

use cap_std::fs::Dir;
use gix::ObjectId;
use gix::bstr::BString;
use gix::index::write::{Extensions, Options};

use super::contents::Contents;
use super::descent::make_directory;
use super::desired::{Content, Desired, Node};
use super::error::GitError;
use super::objects::Objects;
use super::write::{KeepNothing, write};

/// What is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Head {
    /// A branch, by its full name; without commits it is not yet in the references.
    Branch(String),
    /// A commit.
    Detached(ObjectId),
}

/// A `.git` that is to be.
pub(super) struct GitDirectory<'a> {
    pub(super) repository: &'a gix::Repository,
    pub(super) head: Head,
    /// Full names and what they point at.
    pub(super) references: BTreeMap<String, ObjectId>,
    /// The origin's address, without credentials.
    pub(super) origin: Option<String>,
    /// What git is to think of as staged.
    pub(super) index: gix::index::State,
}

impl GitDirectory<'_> {
    /// Writes it into a clone; whatever else its `.git` holds is removed, unread.
    ///
    /// # Errors
    /// Where the repository cannot be read or the volume not be written.
    pub(super) fn write_to(&self, clone: &Dir, stop: &dyn Fn() -> bool) -> Result<(), GitError> {
        let objects = Objects::open(self.repository)?;
        let desired = self.desired(&objects, stop)?;
        let failed = || GitError::io("cannot write the clone's `.git`");
        let directory = make_directory(clone, ".git".as_ref()).map_err(failed())?;
        let mut contents = Contents::new(Some(objects.directory()), None).below("objects/");
        write(&directory, &desired, &mut contents, &mut KeepNothing, None, stop).map_err(failed())?;
        Ok(())
    }

    fn desired(&self, objects: &Objects, stop: &dyn Fn() -> bool) -> Result<Desired, GitError> {
        let mut desired = Desired::default();
        let mut insert =
            |path: BString, content: Content| desired.insert(path, Node::File { content, executable: false });
        for path in objects.files(stop)? {
            insert(BString::from([b"objects/", path.as_slice()].concat()), Content::Same)?;
        }
        insert("HEAD".into(), Content::Bytes(self.head_file()))?;
        insert("config".into(), Content::Bytes(self.config()?))?;
        insert("index".into(), Content::Bytes(self.index_file()?))?;
        insert("packed-refs".into(), Content::Bytes(self.packed_references()))?;
        if let Some(shallow) = self.shallow()? {
            insert("shallow".into(), Content::Bytes(shallow))?;
        }
        // Git takes a directory for a repository only where these two directories are; a tree has none that are empty.
        insert("refs/.keep".into(), Content::Bytes(vec![]))?;
        insert("objects/.keep".into(), Content::Bytes(vec![]))?;
        Ok(desired)
    }

    fn head_file(&self) -> Vec<u8> {
        match &self.head {
            Head::Branch(name) => format!("ref: {name}\n").into_bytes(),
            Head::Detached(id) => format!("{id}\n").into_bytes(),
        }
    }

    fn config(&self) -> Result<Vec<u8>, GitError> {
        let failed = || GitError::git("cannot write the configuration of the clone");
        let mut config = gix::config::File::default();
        let sha256 = self.repository.object_hash() != gix::hash::Kind::Sha1;
        let version = if sha256 { "1" } else { "0" };
        for (name, value) in [("repositoryformatversion", version), ("filemode", "true"), ("bare", "false")] {
            config.set_raw_value_by("core", None, name, value).map_err(failed())?;
        }
        if sha256 {
            config.set_raw_value_by("extensions", None, "objectformat", "sha256").map_err(failed())?;
        }
        if let Some(origin) = &self.origin {
            let origin_name = Some("origin".into());
            config.set_raw_value_by("remote", origin_name, "url", origin.as_str()).map_err(failed())?;
            let fetch = "+refs/heads/*:refs/remotes/origin/*";
            config.set_raw_value_by("remote", origin_name, "fetch", fetch).map_err(failed())?;
        }
        Ok(config.to_bstring().into())
    }

    /// All references in one file, tags with what they are tags of.
    fn packed_references(&self) -> Vec<u8> {
        let mut text = "# pack-refs with: peeled fully-peeled sorted \n".to_owned();
        for (name, id) in &self.references {
            // A reference to what is not there would make git fail.
            let Ok(object) = self.repository.find_object(*id) else { continue };
            text.push_str(&format!("{id} {name}\n"));
            if object.kind == gix::objs::Kind::Tag
                && let Ok(peeled) = object.peel_tags_to_end()
            {
                text.push_str(&format!("^{}\n", peeled.id));
            }
        }
        text.into_bytes()
    }

    /// The index without times and inodes: two clones of one state are equal, and git looks at each file once.
    fn index_file(&self) -> Result<Vec<u8>, GitError> {
        let mut index = self.index.clone();
        for entry in index.entries_mut() {
            entry.stat = gix::index::entry::Stat::default();
        }
        let file = gix::index::File::from_state(index, "index");
        let mut bytes = vec![];
        file.write_to(&mut bytes, Options { extensions: Extensions::None, skip_hash: false })
            .map_err(GitError::git("cannot write the index of the clone"))?;
        Ok(bytes)
    }

    /// The commits at which the history is cut off.
    fn shallow(&self) -> Result<Option<Vec<u8>>, GitError> {
        let commits =
            self.repository.shallow_commits().map_err(GitError::git("cannot read the repository's history"))?;
        Ok(commits.map(|commits| commits.iter().map(|id| format!("{id}\n")).collect::<String>().into_bytes()))
    }
}

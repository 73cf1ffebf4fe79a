//! Which commit a revision names.

use gix::ObjectId;
use gix::bstr::BStr;

/// Finds the commit of a branch, tag or hash, in the order in which a clone of the repository would: a branch, a branch
/// of its origin, a tag, a hash or the beginning of one.
pub(super) fn find_commit(repository: &gix::Repository, revision: &str) -> Option<ObjectId> {
    let revision = revision.trim();
    let named = candidates(revision).into_iter().find_map(|name| {
        let reference = repository.try_find_reference(name.as_str()).ok().flatten()?;
        reference.into_fully_peeled_id().ok().map(gix::Id::detach)
    });
    let id = match named {
        Some(id) => id,
        // Only hashes: what else a revision of git may say (`HEAD~2`, `:/text`) no clone step knows.
        None if (4..=64).contains(&revision.len()) && revision.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            repository.rev_parse_single(BStr::new(revision)).ok()?.detach()
        }
        None => return None,
    };
    let commit = repository.find_object(id).ok()?.peel_to_kind(gix::objs::Kind::Commit).ok()?;
    Some(commit.id)
}

/// The branch, as a clone would name it, that a revision is of; `None` for tags and hashes.
pub(super) fn branch_of(repository: &gix::Repository, revision: &str) -> Option<String> {
    let found = |name: &String| repository.try_find_reference(name.as_str()).ok().flatten().is_some();
    let name = candidates(revision.trim()).into_iter().find(found)?;
    (!name.starts_with("refs/tags/")).then(|| name.replacen("refs/remotes/origin/", "refs/heads/", 1))
}

/// What a name may be, in the order that counts.
fn candidates(revision: &str) -> [String; 3] {
    let name = revision.strip_prefix("refs/heads/").unwrap_or(revision);
    let tag = revision.strip_prefix("refs/tags/").unwrap_or(revision);
    [format!("refs/heads/{name}"), format!("refs/remotes/origin/{name}"), format!("refs/tags/{tag}")]
}

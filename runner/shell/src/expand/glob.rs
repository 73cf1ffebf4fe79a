//! Pathname expansion (XCU 2.14.3): component by component through the file tree.

use stepbox_system::{Vfs, VirtualPath};

use crate::pattern::{Pattern, Unit};

/// How many names one pattern may give.
const MAX_NAMES: usize = 1_000_000;

/// The paths that match, sorted; none where nothing does, or where nothing in the word is special after all (`a\*` out of
/// a variable stays as it is).
pub(super) fn glob(units: &[Unit], cwd: &VirtualPath, vfs: &dyn Vfs, max_bytes: usize) -> Result<Vec<Vec<u8>>, String> {
    let mut found: Vec<Vec<u8>> = vec![vec![]];
    let mut rest = units;
    let mut is_pattern = false;
    while !rest.is_empty() {
        let slashes = rest.iter().take_while(|unit| unit.byte == b'/').count();
        for path in &mut found {
            path.resize(path.len() + slashes, b'/');
        }
        rest = &rest[slashes..];
        let length = rest.iter().position(|unit| unit.byte == b'/').unwrap_or(rest.len());
        let (component, behind) = rest.split_at(length);
        if component.is_empty() {
            break;
        }
        rest = behind;
        let pattern = Pattern::new(component);
        let mut next = vec![];
        match pattern.literal() {
            Some(text) => {
                for mut path in found {
                    path.extend_from_slice(&text);
                    let exists = cwd.join(&path).is_ok_and(|full| vfs.metadata(&full, !rest.is_empty()).is_ok());
                    if exists {
                        next.push(path);
                    }
                }
            }
            None => {
                is_pattern = true;
                let hidden = pattern.begins_with_dot();
                let mut bytes = 0;
                for path in found {
                    let base = if path.is_empty() { Ok(cwd.clone()) } else { cwd.join(&path) };
                    let Some(entries) = base.ok().and_then(|base| vfs.read_dir(&base).ok()) else { continue };
                    let mut names: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
                    if hidden {
                        names.extend([b".".to_vec(), b"..".to_vec()]);
                    }
                    for name in names {
                        if name.starts_with(b".") != hidden || !pattern.matches(&name) {
                            continue;
                        }
                        let mut full = path.clone();
                        full.extend_from_slice(&name);
                        let must_be_directory = !rest.is_empty();
                        if must_be_directory
                            && !cwd.join(&full).is_ok_and(|full| vfs.metadata(&full, true).is_ok_and(|m| m.is_dir()))
                        {
                            continue;
                        }
                        bytes += full.len();
                        next.push(full);
                        if next.len() > MAX_NAMES || bytes > max_bytes {
                            return Err("a pattern matches too many names".to_owned());
                        }
                    }
                }
            }
        }
        found = next;
    }
    if !is_pattern {
        return Ok(vec![]);
    }
    found.sort();
    Ok(found)
}

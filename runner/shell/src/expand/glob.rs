//! Pathname expansion (XCU 2.14.3): component by component through the file tree.

use stepbox_system::{FileKind, Vfs, VirtualPath};

use crate::pattern::{Pattern, PatternOptions, Unit};

/// How many names one pattern may give.
const MAX_NAMES: usize = 1_000_000;

/// What a pattern may match; bash's `shopt` says.
pub(super) struct GlobOptions {
    pub(super) pattern: PatternOptions,
    /// Names that begin with a dot too.
    pub(super) hidden: bool,
    /// `.` and `..` are never meant.
    pub(super) skips_dots: bool,
    /// `**` stands for any number of directories.
    pub(super) deep: bool,
    /// How long the names may be together.
    pub(super) max_bytes: usize,
}

/// The paths that match, sorted. `None` where nothing in the word is special after all (`a\*` out of a variable stays as it
/// is).
pub(super) fn glob(
    units: &[Unit],
    cwd: &VirtualPath,
    vfs: &dyn Vfs,
    options: &GlobOptions,
) -> Result<Option<Vec<Vec<u8>>>, String> {
    let mut walk = Walk { cwd, vfs, options, bytes: 0 };
    let mut found: Vec<Vec<u8>> = vec![vec![]];
    let mut rest = units;
    let mut is_pattern = false;
    while !rest.is_empty() {
        let slashes = rest.iter().take_while(|unit| unit.byte == b'/').count();
        for path in &mut found {
            path.resize(path.len() + slashes, b'/');
        }
        rest = &rest[slashes..];
        let (component, behind) = rest.split_at(component_length(rest, options.pattern.extended));
        if component.is_empty() {
            break;
        }
        rest = behind;
        walk.bytes = 0;
        let stars = component.len() == 2 && component.iter().all(|unit| unit.active && unit.byte == b'*');
        if options.deep && stars {
            is_pattern = true;
            let only_directories = !rest.is_empty();
            // `**/` stands for no directory too, and with it goes the slash.
            let skipped = rest.iter().take_while(|unit| unit.byte == b'/').count();
            rest = &rest[skipped..];
            let mut next = vec![];
            for path in found {
                walk.below(path, only_directories, rest.is_empty() && only_directories, &mut next)?;
            }
            found = next;
            continue;
        }
        let mut pattern = Pattern::new(component, options.pattern);
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
                let asks_for_hidden = pattern.begins_with_dot();
                if !options.hidden {
                    pattern.guard_dot();
                }
                for path in found {
                    let mut names: Vec<_> = walk.entries(&path).into_iter().map(|(name, _)| name).collect();
                    if asks_for_hidden && !options.skips_dots {
                        names.extend([b".".to_vec(), b"..".to_vec()]);
                    }
                    for name in names {
                        let seen = !name.starts_with(b".") || asks_for_hidden || options.hidden;
                        if !seen || !pattern.matches(&name) {
                            continue;
                        }
                        let full = [&path[..], &name].concat();
                        if !rest.is_empty() && !walk.is_directory(&full) {
                            continue;
                        }
                        walk.add(full, &mut next)?;
                    }
                }
            }
        }
        found = next;
    }
    if !is_pattern {
        return Ok(None);
    }
    found.sort();
    Ok(Some(found))
}

/// The patterns of `GLOBIGNORE`, between colons; one in brackets is no end.
pub(super) fn ignored(text: &[u8], options: PatternOptions) -> Vec<Pattern> {
    let mut patterns = vec![];
    let (mut begin, mut in_brackets) = (0, false);
    for (at, byte) in text.iter().chain(b":").enumerate() {
        match byte {
            b'[' => in_brackets = true,
            b']' => in_brackets = false,
            b':' if !in_brackets || at == text.len() => {
                let units: Vec<Unit> = text[begin..at].iter().map(|byte| Unit { byte: *byte, active: true }).collect();
                if !units.is_empty() {
                    patterns.push(Pattern::new(&units, options));
                }
                begin = at + 1;
            }
            _ => {}
        }
    }
    patterns
}

/// How long the first component is: up to a slash, but for one in an extended pattern.
fn component_length(units: &[Unit], extended: bool) -> usize {
    let slash = units.iter().position(|unit| unit.byte == b'/').unwrap_or(units.len());
    if !extended || !units[..slash].iter().any(|unit| unit.active && unit.byte == b'(') {
        return slash;
    }
    let mut open = 0u32;
    for (at, unit) in units.iter().enumerate() {
        match unit.byte {
            b'(' if unit.active => open += 1,
            b')' if unit.active => open = open.saturating_sub(1),
            b'/' if open == 0 => return at,
            _ => {}
        }
    }
    if open == 0 { units.len() } else { slash }
}

struct Walk<'a> {
    cwd: &'a VirtualPath,
    vfs: &'a dyn Vfs,
    options: &'a GlobOptions,
    /// The names that the last component has given, in bytes.
    bytes: usize,
}

impl Walk<'_> {
    fn add(&mut self, path: Vec<u8>, found: &mut Vec<Vec<u8>>) -> Result<(), String> {
        self.bytes += path.len();
        found.push(path);
        if found.len() > MAX_NAMES || self.bytes > self.options.max_bytes {
            return Err("a pattern matches too many names".to_owned());
        }
        Ok(())
    }

    /// The names in a directory, and of what kind they are; none where it cannot be read.
    fn entries(&self, path: &[u8]) -> Vec<(Vec<u8>, FileKind)> {
        let directory = if path.is_empty() { Ok(self.cwd.clone()) } else { self.cwd.join(path) };
        let entries = directory.ok().and_then(|directory| self.vfs.read_dir(&directory).ok()).unwrap_or_default();
        entries.into_iter().map(|entry| (entry.name, entry.kind)).collect()
    }

    fn is_directory(&self, path: &[u8]) -> bool {
        self.cwd.join(path).is_ok_and(|full| self.vfs.metadata(&full, true).is_ok_and(|metadata| metadata.is_dir()))
    }

    /// `**`: everything below `path`, which is empty or ends in a slash. Links to directories are not followed.
    fn below(
        &mut self,
        path: Vec<u8>,
        only_directories: bool,
        is_last: bool,
        found: &mut Vec<Vec<u8>>,
    ) -> Result<(), String> {
        // `**` itself names no empty path, `**/x` is also `x`.
        if (only_directories && !is_last) || !path.is_empty() {
            self.add(path.clone(), found)?;
        }
        let mut open = vec![path];
        while let Some(directory) = open.pop() {
            for (name, kind) in self.entries(&directory) {
                if name.starts_with(b".") && !self.options.hidden {
                    continue;
                }
                let mut full = [&directory[..], &name].concat();
                let is_directory = kind == FileKind::Directory;
                if is_directory {
                    open.push([&full[..], b"/"].concat());
                }
                if is_directory && only_directories {
                    full.push(b'/');
                }
                if is_directory || !only_directories {
                    self.add(full, found)?;
                }
            }
        }
        Ok(())
    }
}

use std::fmt;

/// An absolute path of the virtual tree: bytes that begin with `/` and hold no NUL. `.`, `..` and doubled slashes may be
/// in it; [`VirtualPath::normalized`] takes them out.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct VirtualPath(Vec<u8>);

/// Bytes that are no path of the virtual tree.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidPath {
    /// It does not begin with `/`.
    #[error("not an absolute path")]
    Relative,
    /// It holds a NUL byte.
    #[error("a path cannot hold a NUL byte")]
    Nul,
}

impl VirtualPath {
    /// A path from its bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, InvalidPath> {
        let bytes = bytes.into();
        if bytes.contains(&0) {
            Err(InvalidPath::Nul)
        } else if bytes.first() == Some(&b'/') {
            Ok(Self(bytes))
        } else {
            Err(InvalidPath::Relative)
        }
    }

    /// `/`.
    pub fn root() -> Self {
        Self(vec![b'/'])
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// `path` seen from here: itself where it is absolute. NUL bytes are an error.
    pub fn join(&self, path: &[u8]) -> Result<Self, InvalidPath> {
        if path.contains(&0) {
            return Err(InvalidPath::Nul);
        }
        if path.first() == Some(&b'/') {
            return Ok(Self(path.to_vec()));
        }
        let mut bytes = self.0.clone();
        if bytes.last() != Some(&b'/') {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(path);
        Ok(Self(bytes))
    }

    /// Its components, without empty ones and `.`; `..` stays.
    pub fn components(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".")
    }

    /// The path without `.`, `..` and doubled or trailing slashes, by its text alone; `..` above `/` is `/`.
    pub fn normalized(&self) -> Self {
        let mut parts: Vec<&[u8]> = vec![];
        for part in self.components() {
            if part == b".." {
                parts.pop();
            } else {
                parts.push(part);
            }
        }
        let mut bytes = vec![];
        for part in parts {
            bytes.push(b'/');
            bytes.extend_from_slice(part);
        }
        if bytes.is_empty() {
            bytes.push(b'/');
        }
        Self(bytes)
    }

    /// Whether the text ends in a slash (and so must name a directory).
    pub fn has_trailing_slash(&self) -> bool {
        self.0.len() > 1 && self.0.last() == Some(&b'/')
    }

    /// The last component, if there is one.
    pub fn file_name(&self) -> Option<&[u8]> {
        self.components().last()
    }

    /// The directory that holds it; `/` holds itself. Works on the normalized path.
    pub fn parent(&self) -> Self {
        let mut path = self.normalized();
        let cut = path.0.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        path.0.truncate(cut.max(1));
        path
    }

    /// What remains of this path below `base` (both normalized): empty for `base` itself, `None` where it is elsewhere.
    pub fn strip_prefix(&self, base: &Self) -> Option<&[u8]> {
        if base.0 == b"/" {
            return Some(&self.0[1..]);
        }
        match self.0.strip_prefix(base.0.as_slice())? {
            [] => Some(&[]),
            [b'/', rest @ ..] => Some(rest),
            _ => None,
        }
    }
}

impl fmt::Display for VirtualPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(&self.0).fmt(f)
    }
}

impl fmt::Debug for VirtualPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(&self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> VirtualPath {
        VirtualPath::new(text).expect("a path")
    }

    #[test]
    fn normalizing_takes_out_dots_and_slashes() {
        for (given, expected) in
            [("/", "/"), ("//a//b/", "/a/b"), ("/a/./b/../c", "/a/c"), ("/../../x", "/x"), ("/a/..", "/")]
        {
            assert_eq!(path(given).normalized(), path(expected), "{given}");
        }
    }

    #[test]
    fn joining_and_stripping() {
        assert_eq!(path("/a").join(b"b/c").expect("joins"), path("/a/b/c"));
        assert_eq!(path("/").join(b"b").expect("joins"), path("/b"));
        assert_eq!(path("/a").join(b"/b").expect("joins"), path("/b"));
        assert_eq!(path("/a").join(b"b\0").expect_err("NUL"), InvalidPath::Nul);
        assert_eq!(path("/a/b").strip_prefix(&path("/a")), Some(&b"b"[..]));
        assert_eq!(path("/ab").strip_prefix(&path("/a")), None);
        assert_eq!(path("/ab").strip_prefix(&path("/")), Some(&b"ab"[..]));
        assert_eq!(path("/a/b").parent(), path("/a"));
        assert_eq!(path("/a").parent(), path("/"));
    }
}

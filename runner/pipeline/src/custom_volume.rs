//! Folders of the volume that a step sees elsewhere (section 2.5 of the specification).

use std::error::Error;
use std::fmt;

use crate::working_directory::VOLUME_PATH;

/// The most custom volumes of one step.
pub const MAX_CUSTOM_VOLUMES: usize = 64;

/// A folder of the volume at another place: `./folder:/path` or `./folder:/path:ro`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomVolume {
    /// The folder, as a path in the volume without `.` and `..`; empty for the volume itself.
    pub source: String,
    /// Where it is seen: an absolute path without `.` and `..`.
    pub target: String,
    /// Whether it is only read there (rule F21).
    pub read_only: bool,
}

/// Why a custom volume cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadVolume {
    text: String,
    why: String,
}

impl BadVolume {
    /// Whether this is the item that cannot be.
    #[must_use]
    pub fn is_about(&self, text: &str) -> bool {
        self.text == text
    }
}

impl fmt::Display for BadVolume {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the volume `{}` {}", self.text, self.why)
    }
}

impl Error for BadVolume {}

impl CustomVolume {
    /// Reads an item of `volumes`, its variables replaced.
    ///
    /// # Errors
    /// Where it has not two or three parts, or leads out of the volume (rule F19), or to a place that cannot be mounted
    /// (rule F20).
    pub fn parse(text: &str) -> Result<Self, BadVolume> {
        let bad = |why: &str| Err(BadVolume { text: text.to_owned(), why: why.to_owned() });
        if text.contains('\0') {
            return bad("holds a NUL byte");
        }
        let mut parts = text.split(':');
        let (Some(source), Some(target), option, None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return bad("is not of the form `./folder:/path` or `./folder:/path:ro`");
        };
        let read_only = match option {
            None | Some("rw") => false,
            Some("ro") => true,
            Some(_) => return bad("has an option other than `ro` and `rw`"),
        };
        if source.trim().is_empty() || target.trim().is_empty() {
            return bad("names no folder or no path");
        }
        // An absolute source means the same as a relative one (rule F18).
        let inside = source.strip_prefix(VOLUME_PATH).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let Some(source) = normalized(inside.unwrap_or(source)) else {
            return bad(&format!("leads out of {VOLUME_PATH}"));
        };
        if !target.starts_with('/') {
            return bad("is to be seen at a path that is not absolute");
        }
        let Some(target) = normalized(target).map(|path| format!("/{path}")) else {
            return bad("is to be seen at a path above `/`");
        };
        let below =
            |place: &str| target == place || target.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'));
        if target == VOLUME_PATH {
            return bad(&format!("has a duplicate mount point: {VOLUME_PATH}"));
        }
        if below(VOLUME_PATH) {
            return bad(&format!("is to be seen below {VOLUME_PATH}, which is there as it is"));
        }
        if target == "/"
            || VOLUME_PATH.starts_with(&format!("{target}/"))
            || ["/dev", "/proc", "/sys"].into_iter().any(below)
        {
            return bad("is to be seen where other things are");
        }
        Ok(Self { source, target, read_only })
    }

    /// Reads all items of a step.
    ///
    /// # Errors
    /// As [`CustomVolume::parse`], and where two are at one place or there are more than [`MAX_CUSTOM_VOLUMES`].
    pub fn parse_all<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Vec<Self>, BadVolume> {
        let mut all: Vec<Self> = Vec::new();
        for text in texts {
            let volume = Self::parse(text)?;
            if all.iter().any(|other| other.target == volume.target) {
                let why = format!("has a duplicate mount point: {}", volume.target);
                return Err(BadVolume { text: text.to_owned(), why });
            }
            if all.len() == MAX_CUSTOM_VOLUMES {
                let why = format!("is one of more than {MAX_CUSTOM_VOLUMES}");
                return Err(BadVolume { text: text.to_owned(), why });
            }
            all.push(volume);
        }
        Ok(all)
    }
}

/// A path without empty parts, `.` and `..`; `None` where it leads above its beginning.
fn normalized(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, String, bool), String> {
        let volume = CustomVolume::parse(text).map_err(|error| error.to_string())?;
        Ok((volume.source, volume.target, volume.read_only))
    }

    #[test]
    fn f18_the_source_is_always_in_the_volume() {
        for (text, source, target) in [
            ("./x:/y", "x", "/y"),
            ("/x:/y", "x", "/y"),
            ("x/:/y/", "x", "/y"),
            ("/codefresh/volume/x:/y", "x", "/y"),
            ("/codefresh/volumes:/y", "codefresh/volumes", "/y"),
            ("/etc:/b", "etc", "/b"),
            ("./a/../b//c/.:/usr/./lib/../local", "b/c", "/usr/local"),
            (".:/data", "", "/data"),
            ("/:/data", "", "/data"),
        ] {
            assert_eq!(read(text), Ok((source.to_owned(), target.to_owned(), false)), "{text}");
        }
    }

    #[test]
    fn f19_f20_what_escapes_or_covers_something_is_an_error() {
        let out = "leads out of /codefresh/volume";
        let other = "is to be seen where other things are";
        for (text, why) in [
            ("..:/y", out),
            ("./a/../../b:/y", out),
            ("/codefresh/volume/../x:/y", out),
            ("./x:/codefresh/volume", "has a duplicate mount point: /codefresh/volume"),
            ("./x:/codefresh/./volume/", "has a duplicate mount point: /codefresh/volume"),
            ("./x:/codefresh/volume/y", "is to be seen below /codefresh/volume, which is there as it is"),
            ("./x:/codefresh", other),
            ("./x:/", other),
            ("./x:/dev", other),
            ("./x:/proc/self", other),
            ("./x:y", "is to be seen at a path that is not absolute"),
            ("./x:/../y", "is to be seen at a path above `/`"),
            ("./x", "is not of the form `./folder:/path` or `./folder:/path:ro`"),
            ("a:/b:ro:z", "is not of the form `./folder:/path` or `./folder:/path:ro`"),
            ("a:/b:cached", "has an option other than `ro` and `rw`"),
            (":/b", "names no folder or no path"),
            ("a:", "names no folder or no path"),
            ("a\0b:/c", "holds a NUL byte"),
        ] {
            assert_eq!(read(text), Err(format!("the volume `{text}` {why}")));
        }
        let twice = CustomVolume::parse_all(["a:/x", "b:/x/"]).expect_err("refused");
        assert_eq!(twice.to_string(), "the volume `b:/x/` has a duplicate mount point: /x");
        let many: Vec<String> = (0..=MAX_CUSTOM_VOLUMES).map(|number| format!("a:/x{number}")).collect();
        let many = CustomVolume::parse_all(many.iter().map(String::as_str)).expect_err("refused");
        assert_eq!(many.to_string(), "the volume `a:/x64` is one of more than 64");
    }

    #[test]
    fn f21_read_only_is_a_third_part() {
        assert_eq!(read("./x:/y:ro"), Ok(("x".into(), "/y".into(), true)));
        assert_eq!(read("./x:/y:rw"), Ok(("x".into(), "/y".into(), false)));
    }
}

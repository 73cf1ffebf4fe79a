use stepbox_tool::glob;

/// What GNU takes away from the beginning of a name, and the rest: a `/`, or everything up to the last `..`.
pub(crate) fn safe(name: &str) -> (&str, &str) {
    let mut start = 0;
    let mut at = 0;
    for part in name.split('/') {
        at += part.len();
        if part == ".." {
            start = at;
        }
        at += 1;
    }
    let rest = name.get(start..).unwrap_or_default();
    let rest = rest.trim_start_matches('/');
    name.split_at(name.len() - rest.len())
}

/// Whether a pattern of `--exclude` means a name: all of it, or its end behind a slash, or a directory that it is in.
pub(crate) fn excluded(name: &str, patterns: &[String]) -> bool {
    let name = name.trim_end_matches('/');
    patterns.iter().any(|pattern| {
        let pattern = pattern.trim_end_matches('/');
        let ends = name.match_indices('/').map(|(at, _)| at).chain([name.len()]);
        let starts: Vec<usize> = std::iter::once(0).chain(name.match_indices('/').map(|(at, _)| at + 1)).collect();
        ends.into_iter()
            .any(|end| starts.iter().any(|start| *start < end && glob::matches(pattern, &name[*start..end], false)))
    })
}

/// Whether a name was asked for: itself, or a directory that it is in.
pub(crate) fn selected(name: &str, wanted: &str, wildcards: bool) -> bool {
    let (name, wanted) = (name.trim_end_matches('/'), wanted.trim_end_matches('/'));
    if wildcards {
        return glob::matches(wanted, name, false)
            || name.match_indices('/').any(|(at, _)| glob::matches(wanted, &name[..at], false));
    }
    name == wanted || name.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('/'))
}

/// A name without so many of its first parts; nothing where none is left.
pub(crate) fn stripped(name: &str, count: usize) -> Option<String> {
    let mut rest = name;
    for _ in 0..count {
        rest = rest.trim_start_matches('/').split_once('/')?.1;
    }
    let rest = rest.trim_start_matches('/');
    (count == 0 || !rest.is_empty()).then(|| if count == 0 { name.to_owned() } else { rest.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_leads_out() {
        let cases = [
            ("a/b", ("", "a/b")),
            ("/a/b", ("/", "a/b")),
            ("../../a", ("../../", "a")),
            ("a/../../etc/passwd", ("a/../../", "etc/passwd")),
            ("a..b/..c", ("", "a..b/..c")),
            ("a/..", ("a/..", "")),
            ("//x", ("//", "x")),
        ];
        for (name, expected) in cases {
            assert_eq!(safe(name), expected, "{name}");
        }
    }

    #[test]
    fn patterns_mean_names_and_what_is_in_them() {
        let patterns = |text: &str| vec![text.to_owned()];
        for (name, pattern, expected) in [
            ("d/a.o", "*.o", true),
            ("d/node_modules/x", "node_modules", true),
            ("d/x", "d/x", true),
            ("e/d/x", "d/x", true),
            ("d/xy", "x", false),
            ("./.git/", ".git", true),
        ] {
            assert_eq!(excluded(name, &patterns(pattern)), expected, "{name} {pattern}");
        }
        assert_eq!(stripped("a/b/c", 1).as_deref(), Some("b/c"));
        assert_eq!(stripped("a", 1), None);
        assert_eq!(stripped("a/", 1), None);
        assert!(selected("a/b", "a", false) && !selected("ab", "a", false) && selected("x/y.c", "*.c", true));
    }
}

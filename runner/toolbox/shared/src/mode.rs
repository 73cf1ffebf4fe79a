//! Modes of files: what changes them, and the words for changes.

use std::io;
use std::path::Path;

/// Sets the mode of a file, links followed.
pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    #[cfg(target_os = "wasi")]
    return crate::abi::set_mode(path, mode);
    #[cfg(not(target_os = "wasi"))]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

/// The mode that a change (`755`, `u+x,go-w`, `a=rX`) makes of `mode`; nothing where it is no mode. The umask is 022.
pub fn apply(change: &str, mode: u32, directory: bool) -> Option<u32> {
    if change.starts_with(|character: char| character.is_ascii_digit()) {
        let mode = u32::from_str_radix(change, 8).ok()?;
        return (mode <= 0o7777).then_some(mode);
    }
    change.split(',').try_fold(mode, |mode, clause| apply_clause(clause, mode, directory))
}

fn apply_clause(clause: &str, mut mode: u32, directory: bool) -> Option<u32> {
    let operators = clause.find(['+', '-', '='])?;
    let (who, mut rest) = clause.split_at(operators);
    let mut mask = 0;
    for character in who.chars() {
        mask |= match character {
            'u' => 0o4700,
            'g' => 0o2070,
            'o' => 0o1007,
            'a' => 0o7777,
            _ => return None,
        };
    }
    let umask = if mask == 0 { 0o022 } else { 0 };
    let mask = if mask == 0 { 0o7777 } else { mask };
    while let Some(operator) = rest.chars().next() {
        let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |end| end + 1);
        let mut bits = 0;
        for character in rest[1..end].chars() {
            bits |= match character {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                'X' if directory || mode & 0o111 != 0 => 0o111,
                'X' => 0,
                's' => 0o6000,
                't' => 0o1000,
                'u' => (mode >> 6 & 7) * 0o111,
                'g' => (mode >> 3 & 7) * 0o111,
                'o' => (mode & 7) * 0o111,
                _ => return None,
            };
        }
        let bits = bits & mask & !umask;
        mode = match operator {
            '+' => mode | bits,
            '-' => mode & !bits,
            _ => mode & !(mask & !(0o6000 * u32::from(directory))) | bits,
        };
        rest = &rest[end..];
    }
    Some(mode)
}

#[cfg(test)]
mod tests {
    use super::apply;

    #[test]
    fn changes_of_modes_are_read_as_in_posix() {
        for (change, before, after) in [
            ("755", 0o600, Some(0o755)),
            ("u+x", 0o644, Some(0o744)),
            ("+x", 0o644, Some(0o755)),
            ("+w", 0o444, Some(0o644)),
            ("go-r,u=rwx", 0o644, Some(0o700)),
            ("a=rX", 0o744, Some(0o555)),
            ("a=rX", 0o644, Some(0o444)),
            ("g=u", 0o640, Some(0o660)),
            ("u+s", 0o755, Some(0o4755)),
            ("o=", 0o777, Some(0o770)),
            ("u+r-w", 0o200, Some(0o400)),
            ("77777", 0, None),
            ("9", 0, None),
            ("u", 0, None),
            ("z+x", 0, None),
            ("u+q", 0, None),
        ] {
            assert_eq!(apply(change, before, false), after, "{change}");
        }
    }
}

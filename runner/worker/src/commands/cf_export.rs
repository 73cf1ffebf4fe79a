//! `cf_export [--mask] NAME[=VALUE]…` (rules V21 to V24): hands variables to the steps that follow.

use stepbox_system::{ExitStatus, OpenOptions, VirtualPath, error_text};

use super::Invocation;

/// Where the shared volume is, as every step sees it.
pub(crate) const VOLUME: &str = "/codefresh/volume";
/// The export file at the volume's top (rule V23).
pub(crate) const EXPORT_FILE: &str = "env_vars_to_export";

pub(super) fn run(invocation: Invocation<'_>) -> ExitStatus {
    let arguments = invocation.arguments();
    // The flag may stand before or after the words and holds for all of them.
    let masked = arguments.iter().any(|word| word == b"--mask");
    let mut lines = vec![];
    let mut names = vec![];
    for word in arguments.iter().filter(|word| *word != b"--mask") {
        let (name, value) = match word.iter().position(|byte| *byte == b'=') {
            Some(at) => (&word[..at], Some(&word[at + 1..])),
            None => {
                let known = invocation.request.env.iter().find(|(name, _)| name == word);
                (&word[..], known.map(|(_, value)| value.as_slice()))
            }
        };
        if !is_name(name) {
            let shown = String::from_utf8_lossy(word);
            return invocation.fail(1, &format!("`{shown}`: not a valid variable name"));
        }
        let Some(value) = value else {
            let shown = String::from_utf8_lossy(name);
            return invocation
                .fail(1, &format!("`{shown}` is not an exported variable of this shell; write {shown}=VALUE"));
        };
        let first_line = value.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if first_line.len() < value.len() {
            let shown = String::from_utf8_lossy(name);
            invocation.complain(&format!("the value of `{shown}` has several lines; only the first is kept"));
        }
        lines.extend_from_slice(name);
        lines.push(b'=');
        lines.extend_from_slice(first_line);
        lines.push(b'\n');
        names.push(name.to_vec());
    }
    if names.is_empty() {
        return invocation.fail(1, "usage: cf_export [--mask] NAME[=VALUE]...");
    }
    let path = match VirtualPath::new(format!("{VOLUME}/{EXPORT_FILE}")) {
        Ok(path) => path,
        Err(error) => return invocation.fail(1, &error.to_string()),
    };
    // Known as masked before the value can be read by anybody.
    if masked {
        invocation.programs.mask(names);
    }
    let appended = invocation
        .programs
        .vfs()
        .open(&path, &OpenOptions::appending(0o022))
        .and_then(|file| file.write_all(&lines, invocation.cancel()));
    match appended {
        Ok(()) => ExitStatus::SUCCESS,
        Err(error) => invocation.fail(1, &format!("{path}: {}", error_text(&error))),
    }
}

/// Whether a shell could hold a variable of this name.
fn is_name(name: &[u8]) -> bool {
    !name.is_empty()
        && !name[0].is_ascii_digit()
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

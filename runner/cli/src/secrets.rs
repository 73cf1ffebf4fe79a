//! `--secret`: where a value comes from.

use std::path::Path;

use crate::environment;
use crate::error::CliError;
use crate::run::cannot_read;

/// How long a secret may be, in bytes.
const MAX_SECRET: u64 = 1 << 20;

/// Reads `NAME=VALUE`, `NAME@FILE` or `NAME`. No error repeats a value.
pub(crate) fn read(text: &str) -> Result<(String, String), CliError> {
    let end = text.find(['=', '@']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let name = name.trim();
    if name.is_empty() {
        return Err(CliError::usage("`--secret` has no name before its value")
            .hint("write `--secret NAME=VALUE`, `--secret NAME@FILE` or `--secret NAME`"));
    }
    let value = match rest.split_at_checked(1) {
        Some(("=", value)) => value.to_owned(),
        Some((_, file)) => from_file(name, Path::new(file))?,
        None => from_environment(name)?,
    };
    Ok((name.to_owned(), value))
}

/// The contents of a file, without the line break at its end.
fn from_file(name: &str, file: &Path) -> Result<String, CliError> {
    let what = format!("the secret `{name}`");
    let failed = |error: std::io::Error| cannot_read(file, &format!("{what} from"), &error);
    let metadata = std::fs::metadata(file).map_err(failed)?;
    if metadata.len() > MAX_SECRET {
        let message = format!("cannot read {what}: `{}` is larger than {MAX_SECRET} bytes", file.display());
        return Err(CliError::usage(message));
    }
    let mut value = std::fs::read(file).map_err(failed).and_then(|bytes| {
        let message = format!("cannot read {what}: `{}` is not UTF-8 text", file.display());
        String::from_utf8(bytes).map_err(|_| CliError::usage(message))
    })?;
    let kept = value.strip_suffix('\n').map_or(value.len(), |rest| rest.strip_suffix('\r').unwrap_or(rest).len());
    value.truncate(kept);
    Ok(value)
}

fn from_environment(name: &str) -> Result<String, CliError> {
    let hint =
        format!("write `--secret {name}=VALUE`, `--secret {name}@FILE`, or set the environment variable `{name}`");
    match environment::secret(name).map(std::ffi::OsString::into_string) {
        Some(Ok(value)) => Ok(value),
        Some(Err(_)) => {
            Err(CliError::usage(format!("the value of the environment variable `{name}`, a secret, is not UTF-8 text")))
        }
        None => Err(CliError::usage(format!("the secret `{name}` has no value: no environment variable has its name"))
            .hint(hint)),
    }
}

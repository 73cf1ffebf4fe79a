//! The user's `config.yaml`, and how such files are read. Unknown keys are errors with their place.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use stepbox_engine::{Reader, SettingsError, Wanted};

use crate::error::CliError;
use crate::{environment, reader};

/// How large such a file may be, in bytes.
pub(crate) const MAX_FILE: u64 = 1 << 20;

/// `config.yaml`: what the user has settled.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct User {
    /// Names of git integrations, and the prefix of addresses that each stands for.
    #[serde(default)]
    pub(crate) git: BTreeMap<String, String>,
    /// Hosts that git-clone steps may reach.
    #[serde(default)]
    pub(crate) allow_clone: Vec<String>,
    /// The pipeline's name, as `--pipeline` gives it.
    pub(crate) pipeline: Option<String>,
    /// What builds may use, where no flag says so.
    #[serde(default)]
    pub(crate) limits: Wanted,
    /// Variables of the user's environment that every build has.
    #[serde(default)]
    pub(crate) environment: Vec<String>,
}

/// The user's file.
pub(crate) fn user() -> Result<User, CliError> {
    match environment::configuration() {
        Some(path) => read(&path),
        None => Ok(User::default()),
    }
}

/// Reads a file that is trusted: the user's, or that of the host's owner.
pub(crate) fn read<T: DeserializeOwned + Default>(path: &Path) -> Result<T, CliError> {
    let shown = path.display().to_string();
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(T::default()),
        Err(error) if error.raw_os_error() == Some(20) => return Ok(T::default()),
        Ok(metadata) if metadata.len() > MAX_FILE => {
            return Err(CliError::usage(format!("{shown} is larger than {MAX_FILE} bytes")));
        }
        _ => {}
    }
    let text =
        std::fs::read_to_string(path).map_err(|error| CliError::usage(format!("cannot read {shown}: {error}")))?;
    parse(&Reader::here(), &shown, &text)
}

/// Reads the text of a file that is called so; an empty one says nothing.
pub(crate) fn parse<T: DeserializeOwned + Default>(reader: &Reader, shown: &str, text: &str) -> Result<T, CliError> {
    if text.trim().is_empty() {
        return Ok(T::default());
    }
    let settings = reader.settings(text).map_err(reader::failed)?;
    settings.map_err(|SettingsError { message, line, column }| CliError::File {
        path: shown.to_owned(),
        text: text.to_owned(),
        message,
        line,
        column,
    })
}

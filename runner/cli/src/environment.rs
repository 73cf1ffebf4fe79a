//! Every environment variable that Stepbox reads. Nothing else in the workspace looks at the environment.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// Where state lives: the store, build records, mirrors, running builds.
const STEPBOX_HOME: &str = "STEPBOX_HOME";
/// Name of the pipeline, as `--pipeline` gives it.
const STEPBOX_PIPELINE: &str = "STEPBOX_PIPELINE";
/// What git-clone steps show to hosts: lines such as `https://USER:TOKEN@HOST`. They count before those of the file
/// `git-credentials` beside the user's `config.yaml`.
const STEPBOX_GIT_CREDENTIALS: &str = "STEPBOX_GIT_CREDENTIALS";
/// For tests of Stepbox alone: the point in saving or restoring at which the process kills itself.
const STEPBOX_TEST_KILL_AT: &str = "STEPBOX_TEST_KILL_AT";

/// Whether the environment asks for no colours (any value that is not empty).
pub(crate) fn no_color() -> bool {
    value("NO_COLOR").is_some() || env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Whether the terminal is one whose cursor can be moved.
pub(crate) fn terminal_moves() -> bool {
    value("TERM").is_some_and(|term| term != "dumb")
}

/// The user's home directory.
pub(crate) fn home() -> Option<PathBuf> {
    value("HOME").map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The state directory: `STEPBOX_HOME`, else `stepbox` in the XDG data directory.
pub(crate) fn state() -> Option<PathBuf> {
    if let Some(home) = value(STEPBOX_HOME) {
        // A relative one is seen from the working directory.
        return std::path::absolute(PathBuf::from(home)).ok();
    }
    xdg("XDG_DATA_HOME", ".local/share")
}

/// The directory of compiled modules.
pub(crate) fn cache() -> Option<PathBuf> {
    xdg("XDG_CACHE_HOME", ".cache")
}

/// The user's configuration file.
pub(crate) fn configuration() -> Option<PathBuf> {
    xdg("XDG_CONFIG_HOME", ".config").map(|directory| directory.join("config.yaml"))
}

/// See [`STEPBOX_GIT_CREDENTIALS`]: where it comes from, for errors, and its text.
pub(crate) fn git_credentials() -> Option<(String, OsString)> {
    let what = format!("the environment variable `{STEPBOX_GIT_CREDENTIALS}`");
    value(STEPBOX_GIT_CREDENTIALS).map(|text| (what, text))
}

/// The user's file of git credentials.
pub(crate) fn git_credentials_file() -> Option<PathBuf> {
    xdg("XDG_CONFIG_HOME", ".config").map(|directory| directory.join("git-credentials"))
}

/// The pipeline's name.
pub(crate) fn pipeline() -> Option<String> {
    value(STEPBOX_PIPELINE).and_then(|name| name.into_string().ok())
}

/// See [`STEPBOX_TEST_KILL_AT`].
pub(crate) fn test_kill_at() -> Option<String> {
    value(STEPBOX_TEST_KILL_AT).and_then(|name| name.into_string().ok())
}

/// The value of a variable that the user names as a secret on the command line; the one place where a name is not ours.
pub(crate) fn secret(name: &str) -> Option<OsString> {
    env::var_os(name)
}

/// A variable that the user hands on to a shell; its name is not ours either.
pub(crate) fn passed(name: &std::ffi::OsStr) -> Option<OsString> {
    env::var_os(name)
}

/// Who starts the build.
pub(crate) fn user() -> String {
    value("USER").or_else(|| value("LOGNAME")).and_then(|name| name.into_string().ok()).unwrap_or_default()
}

fn xdg(name: &str, below_home: &str) -> Option<PathBuf> {
    // The XDG specification: a relative path there is invalid and ignored.
    let base = value(name).map(PathBuf::from).filter(|path| path.is_absolute());
    base.or_else(|| home().map(|home| home.join(below_home))).map(|base| base.join("stepbox"))
}

fn value(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

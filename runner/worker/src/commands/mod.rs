//! Commands that start other commands, or that know of the build. They run here and not as modules, because starting a
//! command is the shell's and the worker's business; a guest has no such power yet.

mod cf_export;
mod env;
mod nice;
mod nohup;
mod time;
mod timeout;
mod xargs;

pub(crate) use cf_export::{EXPORT_FILE, VOLUME};

use stepbox_system::{CancelToken, ExitStatus, OpenFile, SpawnRequest, error_text};

use crate::programs::Programs;

/// One of the commands of this module.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum HostCommand {
    CfExport,
    Env,
    Nice,
    Nohup,
    Time,
    Timeout,
    Xargs,
}

impl HostCommand {
    pub(crate) const ALL: [(&'static str, Self); 7] = [
        ("cf_export", Self::CfExport),
        ("env", Self::Env),
        ("nice", Self::Nice),
        ("nohup", Self::Nohup),
        ("time", Self::Time),
        ("timeout", Self::Timeout),
        ("xargs", Self::Xargs),
    ];

    /// Runs it to its end on this thread.
    pub(crate) fn run(self, programs: &Programs, request: SpawnRequest) -> ExitStatus {
        let invocation = Invocation { programs, request };
        match self {
            Self::CfExport => cf_export::run(invocation),
            Self::Env => env::run(invocation),
            Self::Nice => nice::run(invocation),
            Self::Nohup => nohup::run(invocation),
            Self::Time => time::run(invocation),
            Self::Timeout => timeout::run(invocation),
            Self::Xargs => xargs::run(invocation),
        }
    }
}

/// A command as it was called, and the way to start others.
pub(crate) struct Invocation<'a> {
    programs: &'a Programs,
    request: SpawnRequest,
}

impl Invocation<'_> {
    /// Its arguments, without its name.
    fn arguments(&self) -> Vec<Vec<u8>> {
        self.request.argv.iter().skip(1).cloned().collect()
    }

    fn cancel(&self) -> &CancelToken {
        &self.request.cancel
    }

    fn stdin(&self) -> OpenFile {
        self.request.files.get(&0).cloned().unwrap_or_else(OpenFile::null)
    }

    /// Prints; the status where the output cannot be written.
    fn print(&self, text: &[u8]) -> Result<(), ExitStatus> {
        let Some(out) = self.request.files.get(&1) else { return Err(ExitStatus::FAILURE) };
        out.write_all(text, self.cancel()).map_err(|error| {
            self.complain(&format!("write error: {}", error_text(&error)));
            ExitStatus::FAILURE
        })
    }

    /// Prints a line on standard error, behind the command's name.
    fn complain(&self, message: &str) {
        let name =
            self.request.argv.first().map_or(&b"?"[..], |name| name.rsplit(|b| *b == b'/').next().unwrap_or(name));
        let line = format!("{}: {message}\n", String::from_utf8_lossy(name));
        if let Some(err) = self.request.files.get(&2) {
            // Nobody is left to tell where standard error fails.
            let _ = err.write_all(line.as_bytes(), self.cancel());
        }
    }

    /// Complains and gives the status.
    fn fail(&self, status: u8, message: &str) -> ExitStatus {
        self.complain(message);
        ExitStatus::new(status)
    }

    /// Starts `argv` with the environment and descriptors of this command, and waits for it.
    fn start(&self, argv: Vec<Vec<u8>>) -> ExitStatus {
        self.start_with(argv, |_| {})
    }

    /// The same, after `adapt` has changed what it is started with.
    fn start_with(&self, argv: Vec<Vec<u8>>, adapt: impl FnOnce(&mut SpawnRequest)) -> ExitStatus {
        let mut request = self.request.clone();
        request.argv = argv;
        request.depth += 1;
        adapt(&mut request);
        self.programs.start(request, &|message| self.complain(message))
    }
}

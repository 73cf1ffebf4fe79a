//! The worker: one build behind the wall.
//!
//! The supervisor starts the program again, with a socket as its standard input, and sends requests
//! ([`stepbox_protocol`]). The worker restores the volume, runs the steps and packs the volume. It owns whatever handles
//! foreign bytes: the shell, the guests, the archives. It opens no path of the host: every directory comes as a handle, all of them
//! with the first request, after which it locks itself ([`stepbox_lockdown`]).

mod commands;
mod error;
mod exec;
mod host_stream;
mod output;
mod programs;
mod serve;
mod session;
mod step;
mod step_shell;

pub use error::WorkerError;
pub use exec::{Exec, ExecSetup};
pub use serve::serve;
pub use session::{Session, SessionMount, SessionSetup, SessionSignals};
pub use stepbox_limits::{Limit, Limits};
pub use stepbox_lockdown::Wall;
pub use stepbox_sandbox::WasiHost;
pub use stepbox_shell::{Line, LineEditor, Mode, SyntaxError, commands_of};

/// A command that every step can use.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// The family of the toolbox that it is of; `host` where it starts other commands and is no module.
    pub family: &'static str,
    /// Where its code comes from: `stepbox`, `uutils`, or both.
    pub origin: &'static str,
    /// The version of that; of two, of the other.
    pub version: &'static str,
    /// How it is called, where it is ours alone.
    pub help: Option<&'static str>,
}

/// The shells, as they are called.
const SHELLS: [&str; 4] = ["ash", "bash", "dash", "sh"];

/// Every command that steps can use, sorted by name.
pub fn tools() -> Vec<Tool> {
    let host = SHELLS.into_iter().chain(commands::HostCommand::ALL.iter().map(|(name, _)| *name));
    let ours = env!("CARGO_PKG_VERSION");
    let host = host.map(|name| Tool { name, family: "host", origin: "stepbox", version: ours, help: None });
    let mut tools: Vec<Tool> = stepbox_builtin::commands()
        .map(|command| Tool {
            name: command.name,
            family: command.family,
            origin: command.origin,
            version: if command.origin == "stepbox" { ours } else { stepbox_builtin::UUTILS_VERSION },
            help: None,
        })
        .chain(host)
        .collect();
    for tool in &mut tools {
        tool.help = stepbox_builtin::help(tool.name);
    }
    tools.sort_by_key(|tool| tool.name);
    tools
}

/// Whether every step can use a command of this name: of the toolbox, or one that starts others.
pub fn provides(name: &str) -> bool {
    SHELLS.contains(&name)
        || commands::HostCommand::ALL.iter().any(|(known, _)| *known == name)
        || stepbox_builtin::commands().any(|command| command.name == name)
}

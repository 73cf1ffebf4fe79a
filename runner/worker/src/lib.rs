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

/// Whether every step can use a command of this name: of the toolbox, or one that starts others.
pub fn provides(name: &str) -> bool {
    matches!(name, "sh" | "ash" | "dash" | "bash")
        || commands::HostCommand::ALL.iter().any(|(known, _)| *known == name)
        || stepbox_builtin::commands().any(|command| command.name == name)
}

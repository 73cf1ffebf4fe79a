//! `stepbox approve` and `stepbox deny`.

use stepbox_engine::{Builds, Continuation};

use crate::arguments::AnswerArguments;
use crate::error::CliError;
use crate::run::{Shown, directories, git_credentials, launch, missing_commands, watch_signals};
use crate::{environment, policy, reader, secrets, terminal};

/// Goes on with a build that waits; the exit status.
pub(crate) fn run(arguments: &AnswerArguments, approve: bool) -> Result<u8, CliError> {
    let directories = directories()?;
    let secrets = arguments.secrets.iter().map(|text| secrets::read(text)).collect::<Result<Vec<_>, _>>()?;
    let policy = policy::read(arguments.policy.as_deref())?;
    let continuation = Continuation {
        build: Builds::open(&directories)?.find(&arguments.build)?,
        approve,
        steps: arguments.steps.clone(),
        secrets,
        home: environment::home(),
        git_credentials: git_credentials()?,
        initiator: environment::user(),
        approver: terminal::approver(),
        kill_at: environment::test_kill_at(),
        policy: policy.limits,
        clone_hosts: policy.allow_clone,
        pace: 1.0,
        clock: std::time::SystemTime::now,
        toolbox: missing_commands,
        reader: reader::start(arguments.wall, arguments.shown.in_process)?,
    };
    let launch = launch(arguments.shown.in_process, arguments.wall)?;
    let interrupt = watch_signals(None)?;
    Shown::new(&arguments.shown)
        .build(false, |show| stepbox_engine::continue_build(&directories, &launch, &continuation, &interrupt, show))
}

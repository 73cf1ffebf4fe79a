//! `stepbox exec`: one module alone.

use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use stepbox_worker::{Exec, ExecSetup, SessionMount, WasiHost};

use crate::arguments::{ExecArguments, Wasi};
use crate::error::CliError;
use crate::{limits, sh, wall};

/// How large a module may be, in bytes.
const MAX_MODULE: u64 = 256 << 20;

/// Runs the module; its status is the program's.
pub(crate) fn run(arguments: &ExecArguments) -> Result<u8, CliError> {
    let shown = arguments.module.display();
    let module = std::fs::metadata(&arguments.module)
        .and_then(|metadata| {
            if metadata.len() > MAX_MODULE {
                return Err(std::io::Error::from(std::io::ErrorKind::FileTooLarge));
            }
            std::fs::read(&arguments.module)
        })
        .map_err(|error| {
            CliError::usage(format!("cannot read the module `{shown}`: {}", stepbox_engine::io_text(&error)))
        })?;
    let mut mounts = vec![];
    for text in &arguments.mounts {
        let (host, guest, writable) = sh::mount(text)?;
        mounts.push(SessionMount { at: guest.into_vec(), directory: sh::open(&host)?, writable });
    }
    if let Some(cwd) = arguments.cwd.as_ref().filter(|cwd| cwd.as_bytes().first() != Some(&b'/')) {
        return Err(CliError::usage(format!("`--cwd {}` is not an absolute path", cwd.display()))
            .hint("name a directory as the module sees it, below a `--mount`"));
    }
    let name = arguments.module.file_name().unwrap_or(arguments.module.as_os_str()).as_bytes().to_vec();
    let report = arguments.report.as_ref().map(|path| (path, std::fs::File::create(path)));
    let unwritten = |path: &std::path::Path, error: &std::io::Error| {
        CliError::host(format!("cannot write `{}`: {}", path.display(), stepbox_engine::io_text(error)))
    };
    let report = match report {
        Some((path, Ok(file))) => Some((path, file)),
        Some((path, Err(error))) => return Err(unwritten(path, &error)),
        None => None,
    };
    let setup = ExecSetup {
        module,
        arguments: std::iter::once(name)
            .chain(arguments.arguments.iter().map(|word| word.as_bytes().to_vec()))
            .collect(),
        mounts,
        environment: sh::variables(&arguments.environment)?,
        cwd: arguments.cwd.clone().map(OsStringExt::into_vec),
        standard: [
            rustix::io::dup(rustix::stdio::stdin()).ok(),
            rustix::io::dup(rustix::stdio::stdout()).ok(),
            rustix::io::dup(rustix::stdio::stderr()).ok(),
        ],
        lockdown: !arguments.wall.no_lockdown,
        limits: limits::of_one(&arguments.limits)?,
        fuel: arguments.fuel,
        wasi: match arguments.wasi {
            Wasi::Own => WasiHost::Own,
            Wasi::Stock => WasiHost::Stock,
        },
    };
    let failed = |error: stepbox_worker::WorkerError| CliError::host(format!("the module cannot run: {error}"));
    let signals = sh::signals()?;
    let exec = Exec::new(setup).map_err(failed)?;
    wall::check(arguments.wall, exec.wall())?;
    sh::watch(signals, exec.signals(), None)?;
    let (status, modules) = exec.run().map_err(failed)?;
    if let Some((path, mut file)) = report {
        let text = format!("{{\"status\":{status},\"modules\":{modules}}}\n");
        file.write_all(text.as_bytes()).map_err(|error| unwritten(path, &error))?;
    }
    Ok(status)
}

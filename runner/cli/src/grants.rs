//! What a build gets of what its project asks for. The project asks; the user grants, by flags, configuration or `stepbox trust`;
//! what the owner of the host does not let anybody have stays out.

use stepbox_engine::{BuildRequest, Limit, Limits};

use crate::arguments::RunArguments;
use crate::configuration::User;
use crate::error::CliError;
use crate::policy::Policy;
use crate::project::{Project, ProjectFile};
use crate::{environment, limits, trust};

/// Settles limits, hosts, variables and secrets of a build, and says what is not given.
pub(crate) fn settle(
    request: &mut BuildRequest,
    arguments: &RunArguments,
    file: &ProjectFile,
    user: &User,
    policy: &Policy,
) -> Result<(), CliError> {
    let trusted = policy.trust && trust::is_trusted(&request.pipeline_file, file)?;
    let mut notes = limits_of(request, arguments, &file.project, trusted, user, policy)?;
    hosts(request, &file.project, trusted, policy, &mut notes);
    variables(request, arguments, &file.project, trusted, user, policy, &mut notes)?;
    for host in &file.project.network {
        notes.push(format!("`stepbox.yaml` asks for the network host `{host}`, and no step has a network"));
    }
    for note in notes.iter().filter(|_| !arguments.shown.quiet) {
        // A stranger's names are among it.
        eprintln!("note: {}", crate::sanitize::plain(note));
    }
    Ok(())
}

fn limits_of(
    request: &mut BuildRequest,
    arguments: &RunArguments,
    project: &Project,
    trusted: bool,
    user: &User,
    policy: &Policy,
) -> Result<Vec<String>, CliError> {
    let mut flags = limits::of_flags(&arguments.limits)?;
    if let Some(memory) = arguments.memory {
        flags.insert(Limit::Memory, memory << 20);
    }
    let settled = Limits::settle(&project.limits, trusted, &user.limits.clone().or(&flags), &policy.limits);
    request.limits = settled.limits;
    Ok(settled.refused)
}

fn hosts(request: &mut BuildRequest, project: &Project, trusted: bool, policy: &Policy, notes: &mut Vec<String>) {
    for host in &project.allow_clone {
        if trusted {
            request.allow_clone.push(host.clone());
        } else if !request.allow_clone.contains(host) {
            let how = "`--allow-clone` or `stepbox trust` allows it";
            notes.push(format!("`stepbox.yaml` asks for clones from `{host}`, and does not get them: {how}"));
        }
    }
    request.clone_hosts.clone_from(&policy.allow_clone);
}

fn variables(
    request: &mut BuildRequest,
    arguments: &RunArguments,
    project: &Project,
    trusted: bool,
    user: &User,
    policy: &Policy,
    notes: &mut Vec<String>,
) -> Result<(), CliError> {
    let may = |name: &String| policy.environment.as_ref().is_none_or(|names| names.contains(name));
    let here = |name: &String| {
        let value = environment::passed(name.as_ref()).and_then(|value| value.into_string().ok());
        value.ok_or_else(|| {
            CliError::usage(format!("the environment has no variable `{name}`, or its value is not UTF-8 text"))
        })
    };
    for name in user.environment.iter().chain(&arguments.environment) {
        if !may(name) {
            notes.push(format!("the environment variable `{name}` is not given: the policy of this host has it not"));
            continue;
        }
        request.variables.push((name.clone(), here(name)?));
    }
    for (names, what, flag) in
        [(&project.environment, "environment variable", "--env"), (&project.secrets, "secret", "--secret")]
    {
        for name in names {
            let known = request.variables.iter().chain(&request.secrets).any(|(known, _)| known == name);
            let given = trusted && may(name);
            match given.then(|| here(name).ok()).flatten() {
                _ if known => {}
                Some(value) if flag == "--secret" => request.secrets.push((name.clone(), value)),
                Some(value) => request.variables.push((name.clone(), value)),
                None if given => notes.push(format!("`stepbox.yaml` asks for the {what} `{name}`, and there is none")),
                None => notes.push(format!(
                    "`stepbox.yaml` asks for the {what} `{name}`, and does not get it: `{flag} {name}` or `stepbox trust` allows it"
                )),
            }
        }
    }
    Ok(())
}

//! The way into a build: everything that must be right before its first event.

use std::collections::BTreeSet;
use std::time::{Instant, UNIX_EPOCH};

use stepbox_limits::Limit;
use stepbox_pipeline::{
    BuildFacts, Diagnostic, Layer, Pipeline, PipelineSpec, SpecOptions, SpecVariable, Step, Variables, system_variables,
};
use stepbox_volume::Scope;

use crate::annotations;
use crate::approval;
use crate::build::{self, Parts};
use crate::build_about::BuildAbout;
use crate::build_id::BuildId;
use crate::build_slots::BuildSlot;
use crate::console::check_shells;
use crate::directories::{Directories, State, private_directory};
use crate::earlier::Earlier;
use crate::error::{EngineError, SourcePlace};
use crate::event::{BuildEvent, EVENT_VERSION};
use crate::git::{Clones, collect_mirrors};
use crate::identity::Identity;
use crate::interrupt::Interrupt;
use crate::local_volume::LocalFolder;
use crate::outcome::{Outcome, as_milliseconds};
use crate::preflight::{self, Read};
use crate::reporter::Reporter;
use crate::repository::Repository;
use crate::request::BuildRequest;
use crate::snapshots::{History, Snapshots};
use crate::stored_snapshots::StoredSnapshots;
use crate::unsupported::{self, LeftOut, Omission};
use crate::volume_options::ConcurrentVolume;
use crate::volume_use::VolumeUse;
use crate::warm_trees::WarmTrees;
use crate::work_directory::{WorkDirectory, sweep};
use crate::worker::WorkerLaunch;

/// What a build gets from the rooms beside the engine.
pub(crate) trait Rooms {
    /// The source of the build.
    fn repository(&self, request: &BuildRequest, directories: &Directories)
    -> Result<Box<dyn Repository>, EngineError>;

    /// The snapshots of the build's volume. `crashed` says that a dead build may have left something in the store.
    fn snapshots(
        &self,
        state: &State,
        request: &BuildRequest,
        identity: &Identity,
        crashed: bool,
    ) -> Result<Box<dyn Snapshots>, EngineError>;
}

/// [`crate::run`] with rooms of the caller's choice.
pub(crate) fn run_in(
    rooms: &dyn Rooms,
    directories: &Directories,
    launch: &WorkerLaunch,
    request: &BuildRequest,
    interrupt: &Interrupt,
    events: &mut dyn FnMut(&BuildEvent),
) -> Result<Outcome, EngineError> {
    let started = Instant::now();
    let now = (request.clock)();
    let timestamp = as_milliseconds(now.duration_since(UNIX_EPOCH).unwrap_or_default());
    let Read { mut pipeline, spec, warnings: diagnostics, unsupported } = preflight::read(request)?;
    annotations::check(&request.annotations)?;
    let identity = Identity::of(request)?;
    let earlier = Earlier::find(request, directories, &identity)?;
    let with_variables = earlier.as_ref().map(|earlier| earlier.with_variables(request)).transpose()?;
    let given: BTreeSet<&str> =
        request.variables.iter().chain(&request.secrets).map(|(name, _)| name.as_str()).collect();
    let asked = request;
    let request = with_variables.as_ref().unwrap_or(request);
    let repository = rooms.repository(request, directories)?;
    let id = BuildId::generate(now).map_err(|error| EngineError::state("cannot name the build", &error))?;
    let mut variables = known_variables(request, &spec, repository.facts(), Some((&id, timestamp)));
    insert_main_clone(&mut pipeline, request, &variables);
    let mut chosen = left_out(request, &pipeline)?;
    let resumed = earlier.as_ref().map(|earlier| earlier.take_over(asked, &pipeline, &mut chosen)).transpose()?;
    if let Some(resumed) = &resumed {
        resumed.export(&mut variables, &given);
    }
    let left_out = unsupported::settle(request, &pipeline, unsupported, chosen, &variables)?;

    let state = State::open(&directories.state)?;
    let _slot = BuildSlot::take(&state, request.limits.setting(Limit::Builds))?;
    let folder = LocalFolder::open(request, directories, &identity)?;
    // Rule L13.
    let cache =
        directories.cache.as_deref().filter(|_| !request.no_cache && !option(&spec, |options| options.no_cache));
    let modules = cache.map(private_directory).transpose()?;
    let crashed = sweep(&state);
    collect_mirrors(&state.path, now, request.limits.get(Limit::Cache));
    let snapshots = rooms.snapshots(&state, request, &identity, crashed)?;
    // Until the volume is restored.
    let kept = snapshots.keep()?;
    let reset = request.reset_volume || option(&spec, |options| options.reset_volume);
    let mut in_use = None;
    let mut busy = false;
    let from_step =
        earlier.as_ref().map(|earlier| earlier.snapshot(&*snapshots, folder.as_ref())).transpose()?.flatten();
    let history = match &folder {
        Some(folder) => {
            if reset && earlier.is_none() {
                folder.reset()?;
            }
            History::default()
        }
        None => {
            let how = if earlier.is_some() { ConcurrentVolume::Latest } else { request.concurrent_volume };
            in_use = VolumeUse::begin(&state, &Scope::from(&identity.scope), how)?;
            busy = in_use.is_none();
            match from_step {
                Some(snapshot) => History { snapshots: vec![snapshot], damage: None },
                None if reset || busy => History::default(),
                None => snapshots.history()?,
            }
        }
    };
    let work = WorkDirectory::create(&state, &id)?;

    let mut reporter = Reporter::new(events);
    for secret in secrets(request, &spec) {
        reporter.add_secret(secret);
    }
    let from = history.snapshots.first().map(|snapshot| snapshot.build.clone());
    let about = BuildAbout::new(&id, request, &identity, &variables, from.clone(), timestamp);
    let started_event = BuildEvent::BuildStarted {
        version: EVENT_VERSION,
        build: id.clone(),
        pipeline: identity.pipeline.clone(),
        volume: identity.scope.name().to_owned(),
        folder: folder.as_ref().map(LocalFolder::shown),
        from,
        timestamp,
        steps: pipeline.flat().len(),
    };
    reporter.begin(&work, &state.builds, about, started_event);
    if let Some(damage) = history.damage {
        reporter.warn(None, format!("falling back to an older volume: {damage}"));
    }
    if busy {
        let message = "another build uses the volume: this one starts with an empty volume (`--concurrent-volume`)";
        reporter.warn(None, message);
    }
    for note in earlier.iter().flat_map(Earlier::notes) {
        reporter.warn(None, note);
    }
    warn(request, &diagnostics, &mut reporter);
    let parts = Parts {
        id,
        request,
        pipeline,
        left_out,
        variables,
        snapshots: &*snapshots,
        repository: &*repository,
        launch,
        interrupt,
        work,
        warm: WarmTrees::new(&state, &Scope::from(&identity.scope), request.limits.get(Limit::Cache))?,
        modules,
        history: history.snapshots,
        folder,
        started,
        resumed,
    };
    let outcome = build::run(parts, kept, &mut reporter).inspect_err(|error| {
        reporter.emit(BuildEvent::BuildAborted { message: error.message.clone() });
    });
    drop(in_use);
    outcome
}

/// Whether the pipeline or the trigger of the build has an option on.
pub(crate) fn option(spec: &PipelineSpec, which: impl Fn(&SpecOptions) -> bool) -> bool {
    which(&spec.options) || spec.triggers.iter().any(|trigger| which(&trigger.options))
}

/// The variables that every step can see (rule V16); `build` is its name and when it was made, where there is one.
pub(crate) fn known_variables(
    request: &BuildRequest,
    spec: &PipelineSpec,
    facts: BuildFacts,
    build: Option<(&BuildId, u64)>,
) -> Variables {
    let stem = request.pipeline_file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("pipeline");
    let named = match &facts.repo_name {
        // The specification names it; which builds share a volume it does not say, as a stranger may have written it.
        _ if !spec.name.is_empty() => spec.name.clone(),
        Some(repository) => format!("{repository}/{stem}"),
        None => stem.to_owned(),
    };
    let facts = facts_of(request, facts);
    let facts = BuildFacts {
        build_id: build.map(|(id, _)| id.to_string()),
        build_timestamp: build.map(|(_, timestamp)| timestamp),
        build_initiator: Some(request.initiator.clone()).filter(|name| !name.is_empty()),
        pipeline_name: Some(request.pipeline.clone().unwrap_or(named)),
        ..facts
    };
    let mut variables = Variables::new();
    variables.extend(Layer::System, system_variables(&facts));
    let pair = |one: &SpecVariable| (one.key.clone(), one.value.clone());
    variables.extend(Layer::Pipeline, spec.variables.iter().map(pair));
    variables.extend(Layer::Trigger, spec.triggers.iter().flat_map(|trigger| &trigger.variables).map(pair));
    variables.extend(Layer::Build, request.variables.iter().chain(&request.secrets).cloned());
    variables
}

/// The values that are masked (rule V31): those of `--secret`, of git credentials, and of encrypted variables of the
/// specification.
pub(crate) fn secrets<'a>(request: &'a BuildRequest, spec: &'a PipelineSpec) -> impl Iterator<Item = &'a str> {
    let variables = spec.variables.iter().chain(spec.triggers.iter().flat_map(|trigger| &trigger.variables));
    let encrypted = variables.filter(|one| one.encrypted).map(|one| one.value.as_str());
    let secrets = request.secrets.iter().map(|(_, value)| value.as_str());
    secrets.chain(request.git_credentials.secrets()).chain(encrypted)
}

/// What is known of the commit, where the caller names another branch or commit than the source's.
fn facts_of(request: &BuildRequest, facts: BuildFacts) -> BuildFacts {
    let mut facts = facts;
    if let Some(revision) = request.revision.as_ref().filter(|wanted| facts.revision.as_ref() != Some(*wanted)) {
        let BuildFacts { repo_owner, repo_name, branch, .. } = facts;
        facts = BuildFacts { repo_owner, repo_name, branch, revision: Some(revision.clone()), ..BuildFacts::default() };
    }
    if let Some(branch) = &request.branch {
        facts.branch = Some(branch.clone());
    }
    facts
}

/// The numbers of the steps that the caller does not want (rule S12). The source is cloned all the same, unless that is
/// to be left out by its name.
pub(crate) fn left_out(request: &BuildRequest, pipeline: &Pipeline) -> Result<LeftOut, EngineError> {
    let flat = pipeline.flat();
    for (flag, name) in
        request.only.iter().map(|name| ("--only", name)).chain(request.skip.iter().map(|name| ("--skip", name)))
    {
        approval::named(&flat, flag, name)?;
    }
    approval::check_answers(request, &flat)?;
    check_shells(request, &flat)?;
    let named = |number: usize, names: &[String]| names.iter().any(|name| name == flat[number].step.name.as_str());
    let inside_of = |number: usize| std::iter::successors(Some(number), |number| flat[*number].parent);
    // With a parallel step go those inside of it, and a step needs those that it is inside of.
    let below = |number: usize, names: &[String]| inside_of(number).any(|number| named(number, names));
    let above = |number: usize, names: &[String]| {
        (number..flat.len()).any(|inner| named(inner, names) && inside_of(inner).any(|outer| outer == number))
    };
    let wanted = |number: usize| {
        let only = &request.only;
        (only.is_empty() || flat[number].step.implicit || below(number, only) || above(number, only))
            && !below(number, &request.skip)
    };
    let reason = || Omission { reason: "left out by `--only` or `--skip`".to_owned(), unsupported: false };
    Ok((0..flat.len()).filter(|number| !wanted(*number)).map(|number| (number, reason())).collect())
}

/// Rule G3.
pub(crate) fn insert_main_clone(pipeline: &mut Pipeline, request: &BuildRequest, variables: &Variables) {
    let skip = variables.get("CF_SKIP_MAIN_CLONE").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
    if pipeline.needs_implicit_main_clone(skip) {
        let revision = request.revision.as_ref().or(request.branch.as_ref());
        pipeline.steps.insert(0, Step::implicit_main_clone(revision.map(String::as_str)));
    }
}

fn warn(request: &BuildRequest, diagnostics: &[Diagnostic], reporter: &mut Reporter<'_>) {
    for warning in diagnostics {
        let place = warning.place.map(|place| SourcePlace::new(&request.pipeline_file, &request.pipeline_text, place));
        let mut message = warning.message.clone();
        for hint in &warning.hints {
            message.push_str(&format!(" ({hint})"));
        }
        reporter.warn_at(warning.step.as_deref(), message, place.map(|place| place.to_string()));
    }
}

/// Runs a build.
///
/// What happens is told to `events` while it happens. A build that fails is no error: it has an [`Outcome`].
///
/// # Errors
/// Where no step could run: see [`crate::EngineErrorKind`].
pub fn run(
    directories: &Directories,
    launch: &WorkerLaunch,
    request: &BuildRequest,
    interrupt: &Interrupt,
    events: &mut dyn FnMut(&BuildEvent),
) -> Result<Outcome, EngineError> {
    run_in(&RealRooms, directories, launch, request, interrupt, events)
}

/// The store on disk, and the source.
pub(crate) struct RealRooms;

impl Rooms for RealRooms {
    fn repository(
        &self,
        request: &BuildRequest,
        directories: &Directories,
    ) -> Result<Box<dyn Repository>, EngineError> {
        Ok(Box::new(Clones::find(request, directories)?))
    }

    fn snapshots(
        &self,
        state: &State,
        request: &BuildRequest,
        identity: &Identity,
        crashed: bool,
    ) -> Result<Box<dyn Snapshots>, EngineError> {
        let snapshots = StoredSnapshots::open(
            state,
            &identity.scope,
            request.limits.setting(Limit::Store),
            request.kill_at.as_deref(),
        )?;
        if crashed {
            snapshots.sweep()?;
        }
        Ok(Box::new(snapshots))
    }
}

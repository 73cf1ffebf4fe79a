//! Records that no build has written.

use std::path::PathBuf;
use std::time::Duration;

use crate::{
    BuildAbout, BuildEvent, BuildId, BuildResult, Builds, Directories, EngineError, EngineErrorKind, Outcome,
    RECORD_VERSION, RecordedVariables, StepOutcome, Stream, VolumeOutcome,
};

/// A state directory with records that no build has written.
pub(super) struct Shelf {
    pub(super) home: tempfile::TempDir,
    pub(super) builds: Builds,
}

pub(super) fn id(text: &str) -> BuildId {
    BuildId::parse(&format!("{text:0<24}")).expect("a name")
}

pub(super) fn about(build: &BuildId, pipeline: &str, started: u64) -> BuildAbout {
    BuildAbout {
        version: RECORD_VERSION,
        build: build.clone(),
        pipeline: pipeline.to_owned(),
        file: "/src/codefresh.yml".to_owned(),
        volume: pipeline.to_owned(),
        from: None,
        started,
        branch: Some("main".to_owned()),
        revision: None,
        initiator: None,
        variables: RecordedVariables::default(),
        secrets: vec![],
    }
}

pub(super) fn outcome(build: &BuildId, result: BuildResult) -> Outcome {
    let step = StepOutcome {
        name: "a".into(),
        title: "a".into(),
        stage: None,
        state: "success".into(),
        status: Some(0),
        reason: None,
        failed_command: None,
        duration: Duration::from_millis(1),
        modules: 1,
        attempts: 1,
        unsupported: true,
    };
    Outcome {
        build: build.clone(),
        result,
        steps: vec![step; 5],
        volume: VolumeOutcome::Skipped { reason: String::new() },
        duration: Duration::from_millis(42),
        warnings: vec![],
        exported: RecordedVariables::default(),
        annotations: Default::default(),
        waiting: None,
    }
}

pub(super) fn event(number: usize) -> BuildEvent {
    BuildEvent::Output { step: "a".into(), stream: Stream::Stdout, text: format!("line {number} of 😀\n") }
}

pub(super) fn lines(events: &[BuildEvent]) -> Vec<u8> {
    events.iter().flat_map(|event| (serde_json::to_string(event).expect("json") + "\n").into_bytes()).collect()
}

pub(super) fn packed(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 1).expect("compresses")
}

impl Shelf {
    pub(super) fn new() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let builds = Builds::open(&Directories { state: home.path().join("state"), cache: None }).expect("opens");
        Self { home, builds }
    }

    pub(super) fn path(&self, build: &BuildId) -> PathBuf {
        self.home.path().join("state/builds").join(build.as_str())
    }

    /// A record of a pipeline, begun at some millisecond.
    pub(super) fn put(&self, build: &BuildId, pipeline: &str, started: u64, result: Option<BuildResult>) {
        let path = self.path(build);
        std::fs::create_dir(&path).expect("makes");
        let json = serde_json::to_vec(&about(build, pipeline, started)).expect("json");
        std::fs::write(path.join("build.json"), json).expect("writes");
        std::fs::write(path.join("record.jsonl.zst"), packed(&lines(&[event(1)]))).expect("writes");
        if let Some(result) = result {
            let json = serde_json::to_vec(&outcome(build, result)).expect("json");
            std::fs::write(path.join("outcome.json"), json).expect("writes");
        }
    }

    /// A message without the place of this shelf.
    pub(super) fn told(&self, error: &EngineError) -> String {
        error.message.replace(&self.home.path().display().to_string(), "HOME")
    }

    /// The events of a file, and what became of the rest.
    pub(super) fn read(&self, bytes: &[u8]) -> (Vec<BuildEvent>, Result<bool, String>, u64) {
        let build = id("cafe");
        let _ = std::fs::create_dir(self.path(&build));
        std::fs::write(self.path(&build).join("record.jsonl.zst"), bytes).expect("writes");
        let mut recorded = self.builds.events(&build).expect("opens");
        let (mut events, mut failed) = (vec![], None);
        for event in recorded.by_ref() {
            match event {
                Ok(event) => events.push(event),
                Err(error) => {
                    assert!(failed.is_none(), "nothing comes after an error");
                    assert_eq!(error.kind, EngineErrorKind::Record);
                    failed =
                        Some(self.told(&error).replace(&format!("`HOME/state/builds/{build}/record.jsonl.zst`"), "it"));
                }
            }
        }
        (events, failed.map_or(Ok(recorded.is_cut_off()), Err), recorded.unknown())
    }
}

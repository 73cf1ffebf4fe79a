//! What is kept of a build, while it is written: the directory `builds/<build>`.
//!
//! `build.json` says what is known when the build begins ([`BuildAbout`]), `record.jsonl.zst` has its events
//! ([`BuildEvent`]) one a line, `standing.json` is where it stands when it ends or stops ([`Standing`]), and `outcome.json` is there
//! once it is over, or waits ([`Outcome`]). One that goes on adds its events as a further frame of `zstd`. A process that dies leaves a record
//! that ends early, never half a file of the other two; against a loss of power nothing is done.

use std::io::{self, Write};

use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};
use rustix::fs::{Mode, OFlags};
use serde::Serialize;
use stepbox_pipeline::Masker;
use stepbox_volume::io_text;
use zstd::stream::{AutoFinishEncoder, Encoder};

use crate::build_about::BuildAbout;
use crate::directories::open_directory;
use crate::event::BuildEvent;
use crate::outcome::Outcome;
use crate::standing::Standing;
use crate::work_directory::WorkDirectory;

/// The file of what is known when the build begins.
pub(crate) const ABOUT: &str = "build.json";
/// The file of events.
pub(crate) const EVENTS: &str = "record.jsonl.zst";
/// The file of what the build came to.
pub(crate) const OUTCOME: &str = "outcome.json";
/// The file of where the build stands when it ends or stops.
pub(crate) const STANDING: &str = "standing.json";

/// The most bytes of events, before they are compressed: a step must not fill the disk through its record.
pub(crate) const MAX_RECORD: u64 = 256 << 20;
/// The most bytes of one event.
pub(crate) const MAX_LINE: usize = 16 << 20;
/// The most bytes of the other files.
pub(crate) const MAX_FILE: u64 = 32 << 20;

/// How hard events are compressed: more costs time and gains little on text.
const LEVEL: i32 = 3;

/// The record of a build. It never makes a build fail: the first failure ends it and is told.
pub(crate) struct Record {
    directory: Dir,
    /// Nothing masked.
    about: BuildAbout,
    stream: Option<AutoFinishEncoder<'static, File>>,
    /// How many bytes of events there are, before they are compressed.
    written: u64,
    /// How many there may be: [`MAX_RECORD`], but for tests.
    limit: u64,
    full: bool,
}

impl Record {
    /// Begins the record of a build. Nobody sees it before it has its [`ABOUT`].
    ///
    /// # Errors
    /// In words.
    pub(crate) fn create(
        work: &WorkDirectory,
        builds: &Dir,
        about: BuildAbout,
        masker: &Masker,
    ) -> Result<Self, String> {
        let directory = work.fresh("record").map_err(|error| error.message)?;
        let begun = (|| {
            write(&directory, ABOUT, &about.masked(masker))?;
            let mut stream = Encoder::new(create(&directory, EVENTS)?, LEVEL)?;
            stream.include_checksum(true)?;
            Ok(stream.auto_finish())
        })();
        let stream = begun.map_err(|error: io::Error| io_text(&error))?;
        work.give("record", builds, about.build.as_str()).map_err(|error| error.message)?;
        Ok(Self { directory, about, stream: Some(stream), written: 0, limit: MAX_RECORD, full: false })
    }

    /// Goes on with the record of a build that has waited.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn resume(builds: &Dir, about: BuildAbout) -> Result<Self, String> {
        let begun = (|| {
            let directory = open_directory(builds, about.build.as_str())?;
            let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = File::from_std(rustix::fs::openat(&directory, EVENTS, flags, Mode::empty())?.into());
            // Compressed: somewhat less than there is, and the bound is generous.
            let written = file.metadata()?.len();
            let mut stream = Encoder::new(file, LEVEL)?;
            stream.include_checksum(true)?;
            Ok((directory, stream.auto_finish(), written))
        })();
        let (directory, stream, written) = begun.map_err(|error: io::Error| io_text(&error))?;
        Ok(Self { directory, about, stream: Some(stream), written, limit: MAX_RECORD, full: false })
    }

    /// The build goes on: it waits no longer.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn go_on(&mut self) -> Result<(), String> {
        self.directory.remove_file(OUTCOME).map_err(|error| io_text(&error))
    }

    /// Writes where the build stands.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn stand(&mut self, standing: &Standing) -> Result<(), String> {
        write(&self.directory, STANDING, standing).map_err(|error| io_text(&error))
    }

    /// Whether all events so far are in it.
    pub(crate) fn is_sound(&self) -> bool {
        self.stream.is_some()
    }

    /// Adds an event.
    ///
    /// # Errors
    /// Says why the record ends here; what comes later is not missed again.
    pub(crate) fn add(&mut self, event: &BuildEvent) -> Result<(), String> {
        let result = self.try_add(event);
        self.unless_failed(result)
    }

    fn try_add(&mut self, event: &BuildEvent) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        // As many as the steps want; of all others the pipeline bounds the number.
        let mut endless = matches!(event, BuildEvent::Output { .. } | BuildEvent::Warning { .. });
        if endless && self.full {
            return Ok(());
        }
        let mut line = json_line(event)?;
        if line.len() > MAX_LINE {
            line = note(format!("an event of {} bytes is too long for the record and left out", line.len()))?;
            endless = true;
        }
        if endless && self.written.saturating_add(line.len() as u64) > self.limit {
            if self.full {
                return Ok(());
            }
            self.full = true;
            line = note(format!("the record is full at {} bytes: output and warnings are left out", self.limit))?;
        }
        self.written += line.len() as u64;
        stream.write_all(&line)?;
        // Whoever looks at a build that hangs wants to see where; output may wait for the buffer.
        if matches!(event, BuildEvent::Output { .. }) { Ok(()) } else { stream.flush() }
    }

    /// Replaces what has become a secret since the build began.
    ///
    /// # Errors
    /// As [`Record::add`].
    pub(crate) fn hide(&mut self, masker: &Masker) -> Result<(), String> {
        if self.stream.is_none() {
            return Ok(());
        }
        let result = write(&self.directory, ABOUT, &self.about.masked(masker));
        self.unless_failed(result)
    }

    /// Ends the record.
    ///
    /// # Errors
    /// Says why the outcome is not in it, unless it was already said that the record ends early.
    pub(crate) fn finish(&mut self, outcome: &Outcome) -> Result<(), String> {
        let told = self.stream.take().is_none();
        match write(&self.directory, OUTCOME, outcome) {
            Err(error) if !told => Err(io_text(&error)),
            _ => Ok(()),
        }
    }

    fn unless_failed(&mut self, result: io::Result<()>) -> Result<(), String> {
        result.map_err(|error| {
            self.stream = None;
            io_text(&error)
        })
    }
}

/// A word of the record itself.
fn note(message: String) -> io::Result<Vec<u8>> {
    json_line(&BuildEvent::Warning { step: None, message, place: None })
}

fn json_line(event: &BuildEvent) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    Ok(line)
}

/// Writes a file as a whole: whoever opens it finds all of it, or what was there before.
fn write(directory: &Dir, name: &str, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(value)?;
    if text.len() as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is larger than {MAX_FILE} bytes")));
    }
    let temporary = format!("{name}.new");
    let written = create(directory, &temporary).and_then(|mut file| file.write_all(&text));
    let renamed = written.and_then(|()| directory.rename(&temporary, directory, name));
    if renamed.is_err() {
        let _ = directory.remove_file(&temporary);
    }
    renamed
}

fn create(directory: &Dir, name: &str) -> io::Result<File> {
    directory.open_with(name, OpenOptions::new().write(true).create_new(true).mode(0o600))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::directories::State;
    use crate::event::Stream;
    use crate::{BuildId, BuildQuery, Builds, Directories, RecordedVariables};

    struct Home {
        home: tempfile::TempDir,
        state: State,
        work: WorkDirectory,
        about: BuildAbout,
    }

    impl Home {
        fn new() -> Self {
            let home = tempfile::tempdir().expect("a directory");
            let state = State::open(&home.path().join("state")).expect("opens");
            let build = BuildId::generate(SystemTime::now()).expect("random");
            let work = WorkDirectory::create(&state, &build).expect("made");
            let about = BuildAbout {
                version: 1,
                build,
                pipeline: "p".into(),
                file: "codefresh.yml".into(),
                volume: "p".into(),
                from: None,
                started: 1,
                branch: None,
                revision: None,
                initiator: None,
                variables: RecordedVariables::of([("A".to_owned(), "a secret".to_owned())]),
                secrets: vec![],
            };
            Self { home, state, work, about }
        }

        fn record(&self) -> Result<Record, String> {
            Record::create(&self.work, &self.state.builds, self.about.clone(), &Masker::new([]))
        }

        fn path(&self) -> std::path::PathBuf {
            self.home.path().join("state/builds").join(self.about.build.as_str())
        }

        fn builds(&self) -> Builds {
            Builds::open(&Directories { state: self.home.path().join("state"), cache: None }).expect("opens")
        }

        fn events(&self) -> Vec<BuildEvent> {
            let events = self.builds().events(&self.about.build).expect("opens");
            events.map(|event| event.expect("an event")).collect()
        }
    }

    fn output(text: &str) -> BuildEvent {
        BuildEvent::Output { step: "a".into(), stream: Stream::Stdout, text: text.into() }
    }

    fn warning(message: &str) -> BuildEvent {
        BuildEvent::Warning { step: None, message: message.into(), place: None }
    }

    fn aborted() -> BuildEvent {
        BuildEvent::BuildAborted { message: "over".into() }
    }

    #[test]
    fn what_is_too_much_is_cut_and_told_once() {
        let home = Home::new();
        let mut record = home.record().expect("begins");
        record.limit = 200;
        let kept = output(&"x".repeat(50));
        for event in [&kept, &output(&"y".repeat(150)), &output("z"), &warning("w"), &aborted(), &output("z")] {
            record.add(event).expect("added");
        }
        drop(record);
        let note = warning("the record is full at 200 bytes: output and warnings are left out");
        assert_eq!(home.events(), [kept, note, aborted()]);
    }

    #[test]
    fn a_bound_is_met_exactly() {
        let home = Home::new();
        let mut record = home.record().expect("begins");
        let event = output("1234");
        record.limit = 2 * json_line(&event).expect("json").len() as u64;
        for _ in 0..3 {
            record.add(&event).expect("added");
        }
        drop(record);
        assert_eq!(home.events()[..2], [event.clone(), event]);
        assert!(matches!(home.events()[2..], [BuildEvent::Warning { .. }]));
    }

    #[test]
    fn an_event_that_is_too_long_is_left_out_and_the_next_is_not() {
        let home = Home::new();
        let mut record = home.record().expect("begins");
        let long = BuildEvent::VolumeNotSaved { reason: "\0".repeat(MAX_LINE / 6) };
        let length = json_line(&long).expect("json").len();
        assert!(length > MAX_LINE);
        for event in [&long, &output("next")] {
            record.add(event).expect("added");
        }
        drop(record);
        let note = warning(&format!("an event of {length} bytes is too long for the record and left out"));
        assert_eq!(home.events(), [note, output("next")]);
    }

    #[test]
    fn everything_but_output_can_be_read_at_once() {
        let home = Home::new();
        let mut record = home.record().expect("begins");
        record.add(&output("one")).expect("added");
        assert_eq!(home.events(), []);
        record.add(&warning("two")).expect("added");
        assert_eq!(home.events(), [output("one"), warning("two")]);
        assert!(std::fs::metadata(home.path().join(EVENTS)).expect("there").len() < 200);
    }

    #[test]
    fn secrets_that_are_learned_later_go_and_others_are_not_masked_twice() {
        let home = Home::new();
        let mut record = home.record().expect("begins");
        let value = || home.builds().show(&home.about.build).expect("there").about.variables.values["A"].clone();
        assert_eq!(value(), "a secret");
        record.hide(&Masker::new(["secret"])).expect("hidden");
        assert_eq!(value(), "a ****");
        record.hide(&Masker::new(["secret", "*", "a "])).expect("hidden");
        assert_eq!(value(), "********");
        let names = std::fs::read_dir(home.path()).expect("there").map(|entry| entry.expect("reads").file_name());
        assert_eq!(names.count(), 2, "nothing temporary stays");
    }

    #[test]
    fn a_record_that_cannot_begin_leaves_nothing() {
        let home = Home::new();
        std::fs::create_dir_all(home.path().join("in the way")).expect("makes");
        let reason = home.record().err().expect("refused");
        assert!(reason.starts_with("cannot move `") && reason.ends_with("record`: directory not empty"), "{reason}");
        std::fs::remove_dir_all(home.path()).expect("removes");
        assert_eq!(home.builds().list(&BuildQuery::default()).expect("lists"), crate::BuildList::default());
        home.record().expect("begins");
    }

    #[test]
    fn a_record_that_breaks_is_told_once() {
        let home = Home::new();
        let mut record = home.record().expect("begins");
        std::fs::remove_dir_all(home.path()).expect("removes");
        record.add(&aborted()).expect("its file is open");
        assert_eq!(record.hide(&Masker::new(["secret"])), Err("no such file or directory".to_owned()));
        assert_eq!((record.hide(&Masker::new(["secret"])), record.add(&aborted())), (Ok(()), Ok(())));
    }
}

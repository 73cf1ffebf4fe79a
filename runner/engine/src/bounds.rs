//! How much a worker may say. It has handled foreign bytes and may have been taken over: what it sends is bounded here, before
//! anything is kept of it, and whoever goes beyond broke the protocol.

use std::collections::{BTreeMap, BTreeSet};

use stepbox_protocol::{Event, StepId};

/// How many warnings a worker may send in all, and how long one may be, in bytes.
const WARNINGS: u32 = 1000;
const WARNING: usize = 64 << 10;

/// How much more than its limit the output of a step may come to: what Stepbox itself says in it.
const SLACK: u64 = 1 << 20;

/// How often a step may print nothing.
const EMPTY: u32 = 1000;

/// How many steps may print at once.
const STEPS: usize = 10_000;

/// How long exports may be, in bytes, and how many names may be masked at the end of a step.
const EXPORTS: usize = 4 << 20;
const MASKED: usize = 10_000;

/// How long each text of a failed command may be, in bytes.
const COMMAND: usize = 2048;

/// How many shells for a person may be opened in all, and how long their prompts may be, in bytes.
const SHELLS: u32 = 10_000;
const PROMPT: usize = 64 << 10;

/// What a worker has said so far.
pub(crate) struct Bounds {
    ready: bool,
    warnings: u32,
    /// Bytes that one step may print.
    limit: u64,
    /// What steps that run have printed: bytes, and empty messages.
    printed: BTreeMap<StepId, (u64, u32)>,
    /// Steps in which a shell is open, and how many have been opened.
    open: BTreeSet<StepId>,
    opened: u32,
}

impl Bounds {
    /// Nothing is said yet; one step may print `limit` bytes.
    pub(crate) fn new(limit: u64) -> Self {
        Self { ready: false, warnings: 0, limit, printed: BTreeMap::new(), open: BTreeSet::new(), opened: 0 }
    }

    /// Whether this may be said now; in words why not.
    pub(crate) fn check(&mut self, event: &Event, handles: usize) -> Result<(), String> {
        if handles > 0 {
            return Err("an event came with handles".to_owned());
        }
        if matches!(event, Event::Ready { .. }) == self.ready {
            return Err(if self.ready { "it is ready twice" } else { "it spoke before it was ready" }.to_owned());
        }
        match event {
            Event::Ready { .. } => self.ready = true,
            Event::Output { step, data, .. } => {
                if self.printed.len() > STEPS {
                    return Err("too many steps print".to_owned());
                }
                let (bytes, empty) = self.printed.entry(*step).or_default();
                *bytes = bytes.saturating_add(data.len() as u64);
                *empty += u32::from(data.is_empty());
                if *bytes > self.limit.saturating_add(SLACK) || *empty > EMPTY {
                    return Err("a step prints more than it may".to_owned());
                }
            }
            Event::Warning { message, .. } => {
                self.warnings += 1;
                if self.warnings > WARNINGS || message.len() > WARNING {
                    return Err("too many warnings".to_owned());
                }
            }
            Event::StepFinished(report) => {
                self.printed.remove(&report.step);
                if report.exports.as_ref().is_some_and(|exports| exports.len() > EXPORTS) {
                    return Err("a step exports more than it may".to_owned());
                }
                if report.masked.len() > MASKED {
                    return Err("a step masks more names than it may".to_owned());
                }
                let failed = report.failed.iter();
                let mut texts = failed
                    .flat_map(|command| std::iter::once(&command.text).chain(&command.file).chain(&command.function));
                if texts.any(|text| text.len() > COMMAND) {
                    return Err("a failed command is too long".to_owned());
                }
            }
            Event::ShellOpened { step, .. } => {
                self.opened += 1;
                if self.opened > SHELLS || !self.open.insert(*step) {
                    return Err("too many shells".to_owned());
                }
            }
            Event::ShellAsks { step, prompt, .. } => {
                if !self.open.contains(step) {
                    return Err("a shell asks that is not open".to_owned());
                }
                if prompt.as_ref().is_some_and(|prompt| prompt.len() > PROMPT) {
                    return Err("a prompt is too long".to_owned());
                }
            }
            Event::ShellClosed { step } => {
                if !self.open.remove(step) {
                    return Err("a shell ends that is not open".to_owned());
                }
            }
            Event::Unpacked { .. }
            | Event::UnpackFailed(_)
            | Event::Mounted
            | Event::Packed(_)
            | Event::PackFailed(_)
            | Event::Exported
            | Event::ExportFailed(_) => {}
        }
        Ok(())
    }
}

//! Whole builds, with a worker that follows a script and rooms that live in memory.

mod approvals;
mod bench;
mod builds;
mod choices;
mod clones;
mod conditions;
mod crashes;
mod damaged_records;
mod damaged_streams;
mod earlier;
mod exports;
mod failures;
mod formats;
mod hooks;
mod interrupts;
mod order;
mod parallel;
mod preflight;
mod records;
mod retries;
mod shelf;
mod specification;
mod stored;
mod unsupported;
mod volumes;
mod worker;

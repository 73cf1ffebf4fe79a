//! Whole builds, with a worker that follows a script and rooms that live in memory.

mod bench;
mod choices;
mod clones;
mod conditions;
mod crashes;
mod exports;
mod failures;
mod interrupts;
mod order;
mod parallel;
mod preflight;
mod records;
mod retries;
mod stored;
mod unsupported;
mod volumes;
mod worker;

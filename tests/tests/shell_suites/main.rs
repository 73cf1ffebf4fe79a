//! Suites that others wrote for shells, run from their own checkouts: each variable below names one, and a test without its
//! variable says so and passes. None of their text is here, only the names of the cases that fail, each with a word on why.
//!
//! `STEPBOX_SUITE_YASH` (yash-rs), `STEPBOX_SUITE_OILS`, `STEPBOX_SUITE_SMOOSH`, `STEPBOX_SUITE_BRUSH`: run with
//! `cargo build -p stepbox && cargo test -p stepbox-tests --test shell_suites -- --nocapture`: the program that stands there is
//! measured, whatever it was built from. With `STEPBOX_SUITE_LIST=write` a run writes the lists.

mod brush;
mod case_list;
mod oils;
mod shell;
mod smoosh;
mod verdict;
mod yash;

use std::path::PathBuf;

use case_list::CaseList;
use shell::{Mode, Shell};
use verdict::Verdicts;

/// Where a suite is, if the caller has said so.
fn checkout(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    if path.is_none() {
        println!("skipped: {variable} names no checkout");
    }
    path
}

/// Runs a suite by our shell and by the native one, tells the figures, and compares what fails with the list.
fn measure(list: &str, mode: Mode, verdicts: impl Fn(&Shell) -> Verdicts) {
    let ours = verdicts(&Shell::ours(mode));
    match Shell::native(mode) {
        Some(native) => println!("{list}: {}", ours.beside(&verdicts(&native))),
        None => println!("{list}: {} (no native shell to compare with)", ours.passed()),
    }
    CaseList::read(list).check(&ours);
}

#[test]
fn yash() {
    if let Some(checkout) = checkout("STEPBOX_SUITE_YASH") {
        measure("yash", Mode::Sh, |shell| yash::run(&checkout, shell));
    }
}

#[test]
fn oils_for_dash() {
    if let Some(checkout) = checkout("STEPBOX_SUITE_OILS") {
        measure("oils_dash", Mode::Sh, |shell| oils::run(&checkout, shell));
    }
}

#[test]
fn oils_for_bash() {
    if let Some(checkout) = checkout("STEPBOX_SUITE_OILS") {
        measure("oils_bash", Mode::Bash, |shell| oils::run(&checkout, shell));
    }
}

#[test]
fn smoosh() {
    if let Some(checkout) = checkout("STEPBOX_SUITE_SMOOSH") {
        measure("smoosh", Mode::Sh, |shell| smoosh::run(&checkout, shell));
    }
}

#[test]
fn brush() {
    if let Some(checkout) = checkout("STEPBOX_SUITE_BRUSH") {
        let Some(oracle) = Shell::native(Mode::Bash) else {
            println!("skipped: there is no bash to compare with");
            return;
        };
        measure("brush", Mode::Bash, |shell| brush::run(&checkout, shell, &oracle));
    }
}

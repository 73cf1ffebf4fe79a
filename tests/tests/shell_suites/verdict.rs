//! What became of the cases of a suite.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Cases by name, and whether each passes.
#[derive(Default)]
pub(crate) struct Verdicts(BTreeMap<String, bool>);

impl Verdicts {
    /// Judges every case, several at once.
    pub(crate) fn of<C: Sync>(cases: &[C], judge: impl Fn(&C) -> Vec<(String, bool)> + Sync) -> Self {
        let (next, verdicts) = (AtomicUsize::new(0), Mutex::new(Self::default()));
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get().min(4));
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let judged = judge(case);
                        verdicts.lock().expect("no judge panics").0.extend(judged);
                    }
                });
            }
        });
        verdicts.into_inner().expect("no judge panics")
    }

    /// The names of all cases.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// The names of those that fail.
    pub(crate) fn failing(&self) -> BTreeSet<&str> {
        self.0.iter().filter(|(_, passes)| !**passes).map(|(name, _)| name.as_str()).collect()
    }

    /// How many pass, in words.
    pub(crate) fn passed(&self) -> String {
        format!("{} of {} pass", self.0.len() - self.failing().len(), self.0.len())
    }

    /// The same, beside what another shell does.
    pub(crate) fn beside(&self, native: &Self) -> String {
        let theirs: Vec<_> = native.0.iter().filter(|(_, passes)| **passes).map(|(name, _)| name).collect();
        let both = theirs.iter().filter(|name| self.0.get(**name).is_some_and(|passes| *passes)).count();
        let share = both as f64 * 100.0 / theirs.len().max(1) as f64;
        let missed: Vec<_> = theirs.iter().filter(|name| !self.0.get(**name).is_some_and(|passes| *passes)).collect();
        if let Some(path) = std::env::var_os("STEPBOX_SUITE_MISSED") {
            let text: String = missed.iter().map(|name| format!("{name}\n")).collect();
            std::fs::write(path, text).expect("writes what was missed");
        }
        format!(
            "{}; natively {}; of the {} that pass natively {both} ({share:.1} %)",
            self.passed(),
            native.passed(),
            theirs.len()
        )
    }
}

/// Makes names unique: the second case of a name gets a number.
pub(crate) fn numbered(seen: &mut BTreeMap<String, u32>, name: String) -> String {
    let count = seen.entry(name.clone()).or_default();
    *count += 1;
    if *count == 1 { name } else { format!("{name} ({count})") }
}

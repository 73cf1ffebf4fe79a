use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::verdict::Verdicts;

/// The heading of cases that may pass or fail from run to run.
const UNSTEADY: &str = "unsteady";

/// The heading of what a run with `STEPBOX_SUITE_LIST=write` has found.
const NEW: &str = "not looked at yet";

/// The names of the cases that fail, under headings that say why.
pub(crate) struct CaseList {
    path: PathBuf,
    /// What stands before the first heading.
    about: String,
    sections: Vec<(String, Vec<String>)>,
}

impl CaseList {
    /// Reads `NAME.txt` beside this file; one that is not there is empty.
    pub(crate) fn read(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/shell_suites/{name}.txt"));
        let mut list = Self { path, about: String::new(), sections: vec![] };
        for line in fs::read_to_string(&list.path).unwrap_or_default().lines() {
            if let Some(heading) = line.strip_prefix("== ") {
                list.sections.push((heading.to_owned(), vec![]));
            } else if let Some((_, names)) = list.sections.last_mut() {
                names.extend((!line.is_empty()).then(|| line.to_owned()));
            } else {
                list.about.push_str(line);
                list.about.push('\n');
            }
        }
        list
    }

    /// Compares the list with what fails.
    ///
    /// # Panics
    /// Where they differ.
    pub(crate) fn check(mut self, verdicts: &Verdicts) {
        if std::env::var_os("STEPBOX_SUITE_LIST").is_some_and(|value| value == "write") {
            return self.rewrite(verdicts);
        }
        let (names, failing) = (verdicts.names(), verdicts.failing());
        let mut wrong = String::new();
        let mut listed = BTreeSet::new();
        for (heading, cases) in &self.sections {
            for case in cases {
                listed.insert(case.as_str());
                if !names.contains(case.as_str()) {
                    let _ = writeln!(wrong, "is on the list and not in the suite: {case}");
                } else if !failing.contains(case.as_str()) && !heading.starts_with(UNSTEADY) {
                    let _ = writeln!(wrong, "passes and is on the list: {case}");
                }
            }
        }
        for case in failing.difference(&listed) {
            let _ = writeln!(wrong, "fails and is not on the list: {case}");
        }
        assert!(wrong.is_empty(), "{}:\n{wrong}", self.path.display());
    }

    /// Takes off the list what passes, and puts on it what fails.
    fn rewrite(&mut self, verdicts: &Verdicts) {
        let (names, failing) = (verdicts.names(), verdicts.failing());
        for (heading, cases) in &mut self.sections {
            let unsteady = heading.starts_with(UNSTEADY);
            cases.retain(|case| failing.contains(case.as_str()) || (unsteady && names.contains(case.as_str())));
        }
        let listed: BTreeSet<&str> = self.sections.iter().flat_map(|(_, cases)| cases).map(String::as_str).collect();
        let new: Vec<String> = failing.difference(&listed).map(|case| (*case).to_owned()).collect();
        match self.sections.iter_mut().find(|(heading, _)| heading == NEW) {
            Some((_, cases)) => cases.extend(new),
            None => self.sections.push((NEW.to_owned(), new)),
        }
        let mut text = self.about.clone();
        for (heading, cases) in self.sections.iter().filter(|(_, cases)| !cases.is_empty()) {
            let _ = writeln!(text, "== {heading}\n{}", cases.join("\n"));
        }
        fs::write(&self.path, text).expect("writes the list");
    }
}

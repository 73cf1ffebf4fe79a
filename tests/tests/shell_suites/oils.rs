//! The cases in the folder `spec` of the Oils shell that are meant for a shell (`compare_shells`). One passes where standard
//! output and status are what its file expects of every shell, or of the named one (`OK`, `BUG`, `N-I`).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use stepbox_tests::Place;

use crate::shell::{Ended, Shell, run as run_case};
use crate::verdict::{Verdicts, numbered};

/// Where the checkout is seen inside.
const CHECKOUT_INSIDE: &str = "/oils";

struct Case {
    name: String,
    script: String,
    /// What the shell's own entries say, laid over the common ones, and the common ones.
    expected: [Expected; 2],
}

#[derive(Clone, Default)]
struct Expected {
    stdout: Option<String>,
    status: Option<i32>,
}

impl Expected {
    fn is(&self, ended: &Ended) -> bool {
        self.stdout.as_ref().is_none_or(|stdout| stdout.as_bytes() == ended.stdout)
            && self.status.unwrap_or(0) == ended.status
    }

    fn set(&mut self, field: &str, value: &str) {
        match field {
            "stdout" | "STDOUT" => self.stdout = Some(value.to_owned()),
            "stdout-json" => self.stdout = serde_json::from_str(value).ok(),
            "status" => self.status = value.trim().parse().ok(),
            _ => {}
        }
    }
}

pub(crate) fn run(checkout: &Path, shell: &Shell) -> Verdicts {
    let mut files: Vec<_> = fs::read_dir(checkout.join("spec"))
        .expect("a checkout of oils")
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".test.sh") && !name.contains("ysh"))
        .collect();
    files.sort();
    let mut seen = BTreeMap::new();
    let mut cases = vec![];
    for file in files {
        let text = fs::read(checkout.join("spec").join(&file)).expect("it is there");
        cases.extend(cases_of(&file, &String::from_utf8_lossy(&text), shell.mode.tag(), &mut seen));
    }
    let root = if shell.is_ours() { CHECKOUT_INSIDE.to_owned() } else { checkout.display().to_string() };
    Verdicts::of(&cases, |case| {
        let place = Place::new().file("case.sh", &case.script);
        let here =
            if shell.is_ours() { "/codefresh/volume".to_owned() } else { place.path("project").display().to_string() };
        let variables = [("TMP", here.as_str()), ("SH", shell.mode.tag()), ("REPO_ROOT", &root)];
        let command = shell.command(&place, &variables, Some((checkout, CHECKOUT_INSIDE)), ["case.sh"]);
        let ended = run_case(&place, command, b"");
        let passes = ended.as_ref().is_some_and(|ended| case.expected.iter().any(|expected| expected.is(ended)));
        if let Some(kept) = std::env::var_os("STEPBOX_SUITE_LOGS").filter(|_| !passes && shell.is_ours()) {
            let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let got = ended.map(|ended| (shown(&ended.stdout), shown(&ended.stderr), ended.status));
            let expected = (&case.expected[0].stdout, case.expected[0].status);
            let text = format!("#### {}\n{}\nexpected {expected:?}\ngot {got:?}\n", case.name, case.script);
            let file = case.name.replace(['/', ' '], "_");
            fs::write(Path::new(&kept).join(file), text).expect("keeps the log");
        }
        vec![(case.name.clone(), passes)]
    })
}

/// The cases of a file that are meant for the shell `tag`.
fn cases_of(file: &str, text: &str, tag: &str, seen: &mut BTreeMap<String, u32>) -> Vec<Case> {
    let meant = text
        .lines()
        .find_map(|line| line.strip_prefix("## compare_shells: "))
        .is_some_and(|shells| shells.split(' ').any(|shell| shell.starts_with(tag)));
    if !meant {
        return vec![];
    }
    let stem = file.trim_end_matches(".test.sh");
    let mut cases: Vec<Case> = vec![];
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("#### ") {
            let name = numbered(seen, format!("{stem}: {}", name.trim()));
            cases.push(Case { name, script: String::new(), expected: Default::default() });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        let Some((whom, field, rest)) = field(line) else {
            if !line.starts_with("##") {
                case.script.push_str(line);
                case.script.push('\n');
            }
            continue;
        };
        let mut value = rest.to_owned();
        if matches!(field, "STDOUT" | "STDERR") {
            value.clear();
            let ends = |line: &&str| ["## END", "## OK", "## BUG", "## N-I"].iter().any(|end| line.starts_with(end));
            while let Some(line) = lines.next_if(|line| !ends(line)) {
                value.push_str(line);
                value.push('\n');
            }
            lines.next_if(|line| line.starts_with("## END"));
        } else if field == "stdout" {
            value.push('\n');
        }
        match whom {
            None => {
                // The shell's own entries may stand before the common ones.
                let [own, common] = &mut case.expected;
                common.set(field, &value);
                let missing = match field {
                    "status" => own.status.is_none(),
                    _ => own.stdout.is_none(),
                };
                if missing {
                    own.set(field, &value);
                }
            }
            Some(shells) => {
                let is_meant =
                    |shell: &str| shell == tag || shell.strip_prefix(tag).is_some_and(|rest| rest.starts_with('-'));
                if shells.split('/').any(is_meant) {
                    case.expected[0].set(field, &value);
                }
            }
        }
    }
    cases
}

/// `## [OK|BUG|N-I SHELLS] FIELD: VALUE`.
fn field(line: &str) -> Option<(Option<&str>, &str, &str)> {
    const FIELDS: [&str; 7] = ["stdout", "stderr", "status", "stdout-json", "stderr-json", "STDOUT", "STDERR"];
    let rest = line.strip_prefix("## ")?;
    let (head, value) = rest.split_once(':')?;
    let value = value.strip_prefix(' ').unwrap_or(value);
    let words: Vec<&str> = head.split(' ').collect();
    match words.as_slice() {
        [field] if FIELDS.contains(field) => Some((None, field, value)),
        [kind, shells, field] if FIELDS.contains(field) => {
            // `OK-2` is a second group of shells.
            let kinds = ["OK", "BUG", "N-I"];
            let numbered = |known: &&str| kind.strip_prefix(*known).is_some_and(|rest| rest.starts_with('-'));
            kinds.iter().any(|known| known == kind || numbered(known)).then_some((Some(shells), *field, value))
        }
        _ => None,
    }
}

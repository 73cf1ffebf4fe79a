//! bash's `compgen`, of which scripts use that it lists names, and the built-ins around it, which mean nothing without a person
//! whose words could be completed.

use std::collections::BTreeSet;

use stepbox_system::{Access, ExitStatus, Signal};

use super::describe::{KEYWORDS, builtin_names};
use super::letters::Letters;
use super::options::options_of;
use super::show;
use crate::eval::{Flow, Shell};
use crate::expand::split_line;
use crate::ir::{Part, Word};
use crate::parse::Parser;
use crate::pattern::Pattern;
use crate::switches::{SWITCHES, Switch};
use crate::variables::Value;

const USAGE: &[u8] = b"compgen: usage: compgen [-abcdefgjksuv] [-o option] [-A action] [-G globpat] [-W wordlist] \
[-F function] [-C command] [-X filterpat] [-P prefix] [-S suffix] [word]\n";

/// What is listed, in the order in which bash lists it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Action {
    Alias,
    Keyword,
    Builtin,
    ArrayVariable,
    Command,
    Directory,
    Disabled,
    Export,
    Function,
    Job,
    Option,
    Switch,
    Signal,
    Variable,
    File,
}

impl Action {
    /// Of the name that `-A` takes; `Err` for what a step has none of.
    fn named(name: &[u8]) -> Option<Result<Self, ()>> {
        Some(Ok(match name {
            b"alias" => Self::Alias,
            b"keyword" => Self::Keyword,
            b"builtin" | b"enabled" | b"helptopic" => Self::Builtin,
            b"arrayvar" => Self::ArrayVariable,
            b"command" => Self::Command,
            b"directory" => Self::Directory,
            b"disabled" => Self::Disabled,
            b"export" => Self::Export,
            b"function" => Self::Function,
            b"job" | b"running" => Self::Job,
            b"setopt" => Self::Option,
            b"shopt" => Self::Switch,
            b"signal" => Self::Signal,
            b"variable" => Self::Variable,
            b"file" => Self::File,
            b"binding" | b"group" | b"hostname" | b"service" | b"stopped" | b"user" => return Some(Err(())),
            _ => return None,
        }))
    }

    fn of_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b'a' => Self::Alias,
            b'b' => Self::Builtin,
            b'c' => Self::Command,
            b'd' => Self::Directory,
            b'e' => Self::Export,
            b'f' => Self::File,
            b'j' => Self::Job,
            b'k' => Self::Keyword,
            b'v' => Self::Variable,
            _ => return None,
        })
    }
}

/// `compgen [-abcdefjkv] [-A ACTION] [-G PATTERN] [-W WORDS] [-X PATTERN] [-P PREFIX] [-S SUFFIX] [-o OPTION] [WORD]`: what begins
/// with the word.
pub(super) fn compgen(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut actions = BTreeSet::new();
    let (mut globs, mut lists) = (None, None);
    // Which files are listed too: where nothing else is found, or in any case.
    let (mut instead, mut besides) = (None, None);
    let (mut filter, mut prefix, mut suffix): (_, &[u8], &[u8]) = (None, b"", b"");
    let mut letters = Letters::of(&words[1..]);
    while let Some(letter) = letters.next() {
        if let Some(action) = Action::of_letter(letter) {
            actions.insert(action);
            continue;
        }
        // Names of groups, services and users: a step has none.
        if matches!(letter, b'g' | b's' | b'u') {
            continue;
        }
        if !b"AGWXPSoFC".contains(&letter) {
            shell.complain(&format!("compgen: -{}: invalid option", char::from(letter)));
            shell.print_error(USAGE);
            return Ok(ExitStatus::USAGE);
        }
        let Some(value) = letters.value() else {
            shell.complain(&format!("compgen: -{}: option requires an argument", char::from(letter)));
            shell.print_error(USAGE);
            return Ok(ExitStatus::USAGE);
        };
        match letter {
            b'A' => match Action::named(value) {
                Some(action) => actions.extend(action),
                None => {
                    shell.complain(&format!("compgen: {}: invalid action name", show(value)));
                    return Ok(ExitStatus::USAGE);
                }
            },
            b'G' => globs = Some(value),
            b'W' => lists = Some(value),
            b'X' => filter = Some(value),
            b'P' => prefix = value,
            b'S' => suffix = value,
            b'F' | b'C' => {
                shell
                    .complain(&format!("compgen: -{}: not supported where nobody completes words", char::from(letter)));
                return Ok(ExitStatus::FAILURE);
            }
            _ => match value {
                b"dirnames" => instead = Some(Action::Directory),
                b"default" => instead = instead.or(Some(Action::File)),
                b"plusdirs" => besides = Some(Action::Directory),
                // How completions are shown.
                _ => {}
            },
        }
    }
    let word = letters.operands().first().cloned().unwrap_or_default();
    let mut found: Vec<Vec<u8>> = vec![];
    for action in actions {
        found.extend(names(shell, action, &word));
    }
    if let Some(pattern) = globs {
        found.extend(globbed(shell, pattern)?);
    }
    if let Some(list) = lists {
        found.extend(listed(shell, list)?.into_iter().filter(|text| text.starts_with(&word)));
    }
    if let Some(filter) = filter {
        let is_group = shell.extended_patterns() && filter.starts_with(b"!(");
        let (keeps, filter) = match filter.strip_prefix(b"!").filter(|_| !is_group) {
            Some(filter) => (true, filter),
            None => (false, filter),
        };
        let pattern = pattern(shell, filter, &word)?;
        found.retain(|text| pattern.matches(text) == keeps);
    }
    for name in &mut found {
        *name = [prefix, name, suffix].concat();
    }
    let instead = instead.filter(|_| found.is_empty());
    for action in instead.into_iter().chain(besides) {
        found.extend(names(shell, action, &word));
    }
    let text: Vec<u8> = found.iter().flat_map(|name| [name.as_slice(), b"\n"].concat()).collect();
    let printed = shell.print("compgen", &text);
    // Nobody asked for anything.
    Ok(if found.is_empty() && words.len() > 1 { ExitStatus::FAILURE } else { printed })
}

/// The names of a kind that begin so.
fn names(shell: &Shell, action: Action, begin: &[u8]) -> Vec<Vec<u8>> {
    let known = |names: &mut dyn Iterator<Item = &[u8]>| names.map(<[u8]>::to_vec).collect::<Vec<_>>();
    let sorted = |mut names: Vec<Vec<u8>>| {
        names.sort_unstable();
        names
    };
    let variables = |wanted: &dyn Fn(&[u8]) -> bool| {
        let names = shell.state.variables.names(b"").into_iter().filter(|name| wanted(name));
        sorted(names.cloned().collect())
    };
    let variable = |name: &[u8]| shell.state.variables.get(name);
    let mut found = match action {
        Action::Alias => known(&mut shell.state.aliases.keys().map(Vec::as_slice)),
        Action::Keyword => known(&mut KEYWORDS.iter().copied()),
        Action::Builtin => builtin_names().map(|name| name.as_bytes().to_vec()).collect(),
        Action::Function => sorted(shell.state.functions.keys().cloned().collect()),
        Action::Variable => variables(&|_| true),
        Action::Export => variables(&|name| variable(name).is_some_and(|variable| variable.attributes.exported)),
        Action::ArrayVariable => variables(&|name| {
            matches!(variable(name).map(|variable| &variable.value), Some(Value::Indexed(_) | Value::Associative(_)))
        }),
        Action::Disabled => vec![],
        Action::Job => {
            let first = |text: &[u8]| text.split(|byte| *byte == b' ').next().unwrap_or_default().to_vec();
            shell.jobs.iter().map(|job| first(&job.text)).collect()
        }
        Action::Option => options_of(shell.context.mode).iter().map(|(_, name, _)| name.as_bytes().to_vec()).collect(),
        Action::Switch => SWITCHES.iter().map(|(_, name, _)| name.as_bytes().to_vec()).collect(),
        Action::Signal => Signal::ALL.iter().map(|signal| format!("SIG{}", signal.name()).into_bytes()).collect(),
        Action::Command => {
            let kinds = [Action::Alias, Action::Keyword, Action::Function, Action::Builtin];
            let mut found: Vec<_> = kinds.into_iter().flat_map(|kind| names(shell, kind, begin)).collect();
            found.extend(programs(shell, begin));
            found
        }
        Action::Directory => files(shell, begin, true),
        Action::File => files(shell, begin, false),
    };
    found.retain(|name| name.starts_with(begin));
    found
}

/// The programs of `PATH` whose names begin so.
fn programs(shell: &Shell, begin: &[u8]) -> BTreeSet<Vec<u8>> {
    let path = shell.get(b"PATH").unwrap_or_default();
    let mut found = BTreeSet::new();
    for directory in path.split(|byte| *byte == b':').filter(|_| !begin.contains(&b'/')) {
        for file in files(shell, &[directory, b"/", begin].concat(), false) {
            let runs = shell.path(&file).is_ok_and(|path| {
                shell.vfs().access(&path, Access::Execute)
                    && shell.vfs().metadata(&path, true).is_ok_and(|metadata| !metadata.is_dir())
            });
            if runs {
                found.insert(file[directory.len() + 1..].to_vec());
            }
        }
    }
    found
}

/// The files whose paths begin so; only directories where that is asked for.
fn files(shell: &Shell, begin: &[u8], directories: bool) -> Vec<Vec<u8>> {
    let directory = &begin[..begin.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1)];
    let Ok(path) = shell.path(if directory.is_empty() { b"." } else { directory }) else { return vec![] };
    let Ok(entries) = shell.vfs().read_dir(&path) else { return vec![] };
    let mut found: Vec<Vec<u8>> = entries
        .into_iter()
        .map(|entry| [directory, &entry.name].concat())
        .filter(|name| {
            let is_directory = |path| shell.vfs().metadata(&path, true).is_ok_and(|metadata| metadata.is_dir());
            name.starts_with(begin) && (!directories || shell.path(name).is_ok_and(is_directory))
        })
        .collect();
    found.sort_unstable();
    found
}

/// `-G`: the files that match.
fn globbed(shell: &mut Shell, pattern: &[u8]) -> Result<Vec<Vec<u8>>, Flow> {
    let before = shell.state.switches;
    shell.state.switches.set(Switch::Nullglob, true);
    let found = shell.expand_fields(&[Word { parts: vec![Part::Literal(pattern.to_vec())] }]);
    shell.state.switches = before;
    let mut found = found?;
    found.retain(|name| shell.path(name).is_ok_and(|path| shell.vfs().metadata(&path, false).is_ok()));
    Ok(found)
}

/// `-W`: a text of words, which are expanded.
fn listed(shell: &mut Shell, list: &[u8]) -> Result<Vec<Vec<u8>>, Flow> {
    if !list.iter().any(|byte| b"'\"\\$`".contains(byte)) {
        let units: Vec<_> = list.iter().map(|byte| (*byte, false)).collect();
        let separators = shell.field_separators().into_owned();
        return Ok(split_line(&units, &separators));
    }
    let text = [b"(", list, b")"].concat();
    let parsed = Parser::new(&text, shell.line, shell.context.mode, shell.limits()).compound_text();
    let elements = match parsed {
        Ok(elements) => elements,
        Err(error) => {
            shell.complain(&format!("compgen: {}", error.message));
            return Ok(vec![]);
        }
    };
    let words: Vec<Word> = elements.into_iter().map(|element| element.value).collect();
    let noglob = std::mem::replace(&mut shell.state.options.noglob, true);
    let fields = shell.expand_fields(&words);
    shell.state.options.noglob = noglob;
    fields
}

/// `-X`: a pattern, in which `&` is the word.
fn pattern(shell: &mut Shell, text: &[u8], word: &[u8]) -> Result<Pattern, Flow> {
    let mut parts = vec![];
    let mut literal = vec![];
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        let quoted = match byte {
            b'&' => word.to_vec(),
            b'\\' => bytes.next().into_iter().copied().collect(),
            byte => {
                literal.push(*byte);
                continue;
            }
        };
        parts.push(Part::Literal(std::mem::take(&mut literal)));
        parts.push(Part::Quoted(quoted));
    }
    parts.push(Part::Literal(literal));
    shell.expand_pattern(&Word { parts })
}

/// `complete`: takes what a script of a person's shell defines, for words that nobody types here.
pub(super) fn complete(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let shows = words.get(1).is_some_and(|word| word == b"-p");
    let names = words.get(2..).unwrap_or_default();
    for name in names.iter().filter(|_| shows) {
        shell.complain(&format!("complete: {}: no completion specification", show(name)));
    }
    Ok(if shows && !names.is_empty() { ExitStatus::FAILURE } else { ExitStatus::SUCCESS })
}

/// `compopt`: only from inside a completion.
pub(super) fn compopt(shell: &mut Shell, _: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    shell.complain("compopt: not currently executing completion function");
    Ok(ExitStatus::FAILURE)
}

/// `history`: a shell that runs a script keeps none.
pub(super) fn history(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    match words.get(1).map(Vec::as_slice) {
        Some([b'-', letter, ..]) if !b"acdnrwps".contains(letter) => {
            shell.complain(&format!("history: -{}: invalid option", char::from(*letter)));
            Ok(ExitStatus::USAGE)
        }
        _ => Ok(ExitStatus::SUCCESS),
    }
}

/// `bind`: there are no keys.
pub(super) fn bind(shell: &mut Shell, _: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    shell.complain("bind: warning: line editing not enabled");
    Ok(ExitStatus::SUCCESS)
}

//! `yq` in the three dialects that real scripts use.

mod convert;
mod evaluate;
mod expression;
mod files;
mod functions;
mod merge;
mod operators;
mod python;
mod version3;
mod version4;

pub(crate) use evaluate::ATTRIBUTE;

use std::ffi::OsString;
use std::io;

use crate::Streams;

/// The variable by which the image says which `yq` it has: `3`, `4` or `python`.
pub(crate) const DIALECT_VARIABLE: &str = "STEPBOX_YQ";

/// A dialect of `yq`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Dialect {
    /// mikefarah's, version 3.
    Version3,
    /// mikefarah's, version 4.
    Version4,
    /// kislyuk's: jq over YAML.
    Python,
}

/// `yq`: reads and changes YAML. Which of the programs of that name it is, the image says, else how it is called: version 3 has
/// commands of one letter, version 4 options of its own, and without any sign it is jq over YAML.
///
/// # Errors
/// Those of writing the output.
pub(crate) fn yq(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let words: Vec<String> = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let variable = std::env::var(DIALECT_VARIABLE);
    match variable.ok().as_deref().and_then(named).unwrap_or_else(|| guessed(&words)) {
        Dialect::Version3 => version3::run(&words, streams),
        Dialect::Version4 => version4::run(&words, streams),
        Dialect::Python => python::run(&words, streams),
    }
}

fn named(name: &str) -> Option<Dialect> {
    Some(match name {
        "3" => Dialect::Version3,
        "4" => Dialect::Version4,
        "python" => Dialect::Python,
        _ => return None,
    })
}

/// The dialect that a call is written in.
fn guessed(words: &[String]) -> Dialect {
    let first = words.iter().find(|word| !word.starts_with('-')).map(String::as_str).unwrap_or_default();
    if version3::COMMANDS.iter().any(|(long, short)| first == *long || first == *short) {
        return Dialect::Version3;
    }
    if matches!(first, "eval" | "e" | "eval-all" | "ea") {
        return Dialect::Version4;
    }
    let cluster = |letter: char| {
        words.iter().any(|word| {
            word.starts_with('-')
                && !word.starts_with("--")
                && word[1..].chars().all(char::is_alphabetic)
                && word.contains(letter)
        })
    };
    let long = |name: &str| words.iter().any(|word| word == name || word.starts_with(&format!("{name}=")));
    if cluster('y') || cluster('Y') || long("--yaml-output") || long("--yaml-roundtrip") {
        return Dialect::Python;
    }
    // Changing files in place needs `-y` in the dialect of jq.
    let changes = cluster('i') || long("--inplace");
    let own = cluster('P') || long("--prettyPrint") || long("--output-format") || long("--input-format");
    let format = words.iter().any(|word| word.starts_with("-o") || word.starts_with("-p"));
    if changes || own || format { Dialect::Version4 } else { Dialect::Python }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_tells_its_dialect() {
        let cases = [
            ("r a.yml b", Dialect::Version3),
            ("w -i a.yml b c", Dialect::Version3),
            ("read a.yml b", Dialect::Version3),
            ("eval .a f", Dialect::Version4),
            ("ea .a f", Dialect::Version4),
            ("-i .a=1 f", Dialect::Version4),
            ("-P . f", Dialect::Version4),
            ("-o json . f", Dialect::Version4),
            ("-o=json . f", Dialect::Version4),
            ("-iy .a=1 f", Dialect::Python),
            ("-y .a f", Dialect::Python),
            ("-r .a", Dialect::Python),
            (".a", Dialect::Python),
        ];
        for (call, expected) in cases {
            let words: Vec<String> = call.split(' ').map(str::to_owned).collect();
            assert_eq!(guessed(&words), expected, "{call}");
        }
    }
}

/// How a command of ours is called; nothing for those that others wrote.
pub fn help(name: &str) -> Option<&'static str> {
    HELP.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Sorted by name.
const HELP: &[(&str, &str)] = &[
    ("[", "[ EXPRESSION ]: 0 where it holds, 1 where it does not, 2 where it is none"),
    ("arch", "arch: the machine's architecture"),
    ("ash", "ash [-c COMMANDS | FILE] [ARGUMENT…]: the shell of a step"),
    ("awk", "awk [-F SEPARATOR] [-v NAME=VALUE]… [-f FILE | PROGRAM] [FILE | NAME=VALUE]…"),
    ("basename", "basename NAME [SUFFIX], basename -a [-s SUFFIX] [-z] NAME…"),
    ("bash", "bash [-c COMMANDS | FILE] [ARGUMENT…]: the shell of a step, as bash reads scripts"),
    ("bunzip2", "bunzip2 [-c] [-f] [-k] [-q] [FILE]…"),
    ("bzcat", "bzcat [FILE]…"),
    ("bzip2", "bzip2 [-c] [-d] [-f] [-k] [-q] [-t] [-1…-9] [FILE]…"),
    ("cat", "cat [-A] [-b] [-e] [-E] [-n] [-s] [-t] [-T] [-u] [-v] [FILE]…"),
    ("cf_export", "cf_export [--mask] NAME[=VALUE]…: variables for the steps that follow"),
    ("chgrp", "chgrp [-R] GROUP FILE…: nothing changes, everything belongs to one user"),
    ("chmod", "chmod [-R] [-v] [-c] [-f] MODE FILE…"),
    ("chown", "chown [-R] OWNER[:GROUP] FILE…: nothing changes, everything belongs to one user"),
    ("cmp", "cmp [-b] [-i SKIP] [-l] [-n BYTES] [-s] FILE1 [FILE2]"),
    ("column", "column [-t [-s CHARACTERS] [-o TEXT] [-N NAMES] [-R COLUMNS] [-l COUNT]] [-c WIDTH] [-x] [-L] [FILE]…"),
    ("dash", "dash [-c COMMANDS | FILE] [ARGUMENT…]: the shell of a step"),
    (
        "diff",
        "diff [-u | -U N | -c | -C N] [-a] [-b] [-B] [-d] [-i] [-I PATTERN] [-L LABEL] [-N] [-q] [-r] [-s] [-w] [-x PATTERN] [-Z] OLD NEW",
    ),
    ("dirname", "dirname [-z] NAME…"),
    ("du", "du [-a] [-b] [-c] [-d DEPTH] [-h] [-k] [-m] [-s] [-x] [FILE]…"),
    ("echo", "echo [-n] [-e] [-E] [TEXT]…"),
    ("egrep", "egrep: grep -E"),
    ("env", "env [-i] [-u NAME] [-C DIRECTORY] [NAME=VALUE]… [COMMAND [ARGUMENT]…]"),
    ("envsubst", "envsubst [-v] [TEXT]: variables of standard input, or of it those that TEXT names"),
    ("false", "false: status 1"),
    ("fgrep", "fgrep: grep -F"),
    ("find", "find [-L] [PATH]… [EXPRESSION]"),
    ("gawk", "gawk: awk"),
    (
        "grep",
        "grep [-E | -F | -G | -P] [-a] [-b] [-c] [-h] [-H] [-i] [-I] [-l] [-L] [-m N] [-n] [-o] [-q] [-r | -R] [-s] [-v] [-w] [-x] [-z] [-Z] [-A N] [-B N] [-C N] [--include GLOB] [--exclude GLOB] [--exclude-dir GLOB] (PATTERN | -e PATTERN | -f FILE) [FILE]…",
    ),
    ("groups", "groups"),
    ("gunzip", "gunzip [-c] [-f] [-k] [-q] [FILE]…"),
    ("gzip", "gzip [-c] [-d] [-f] [-k] [-n] [-q] [-t] [-1…-9] [FILE]…"),
    ("hd", "hd: hexdump -C"),
    ("hexdump", "hexdump [-b | -c | -C | -d | -o | -x | -e FORMAT] [-n BYTES] [-s SKIP] [-v] [FILE]…"),
    ("hostname", "hostname"),
    ("id", "id [-u | -g | -G] [-n] [-r]"),
    ("install", "install [-d] [-D] [-m MODE] [-t DIRECTORY] [-T] [-v] FILE… TARGET"),
    ("jq", "jq [OPTION]… FILTER [FILE]…"),
    ("logname", "logname"),
    ("mawk", "mawk: awk"),
    ("mkdir", "mkdir [-m MODE] [-p] [-v] DIRECTORY…"),
    ("nice", "nice [-n N] COMMAND [ARGUMENT]…"),
    ("nohup", "nohup COMMAND [ARGUMENT]…"),
    (
        "patch",
        "patch [-p N] [-R] [-N] [-b] [-d DIRECTORY] [-E] [-f] [-F N] [-i FILE] [-l] [-o FILE] [-r FILE] [-s] [-t] [--dry-run] [FILE [PATCH]]",
    ),
    ("pwd", "pwd [-L | -P]"),
    ("rgrep", "rgrep: grep -r"),
    ("sed", "sed [-E] [-i[SUFFIX]] [-n] [-s] [-u] [-z] (SCRIPT | -e SCRIPT | -f FILE)… [FILE]…"),
    ("sh", "sh [-c COMMANDS | FILE] [ARGUMENT…]: the shell of a step"),
    ("stat", "stat [-c FORMAT | --printf FORMAT] [-L] FILE…"),
    ("sync", "sync"),
    ("tac", "tac [-b] [-s SEPARATOR] [FILE]…"),
    (
        "tar",
        "tar (-c | -t | -x) [-f ARCHIVE] [-z | -j | -J | --zstd] [-v] [-C DIRECTORY] [--strip-components N] [--exclude PATTERN] [FILE]…",
    ),
    ("test", "test EXPRESSION: 0 where it holds, 1 where it does not, 2 where it is none"),
    ("time", "time [-p] COMMAND [ARGUMENT]…"),
    ("timeout", "timeout [-k DURATION] [-s SIGNAL] DURATION COMMAND [ARGUMENT]…"),
    ("true", "true: status 0"),
    ("unxz", "unxz [-c] [-f] [-k] [FILE]…"),
    ("unzip", "unzip [-l] [-t] [-c] [-j] [-o] [-n] [-p] [-q] [-d DIRECTORY] ARCHIVE [FILE]… [-x FILE…]"),
    ("unzstd", "unzstd [-c] [-f] [-k] [FILE]…"),
    ("which", "which [-a] COMMAND…"),
    ("whoami", "whoami"),
    ("xargs", "xargs [-0] [-d CHARACTER] [-I TEXT] [-L LINES] [-n COUNT] [-P COUNT] [-r] [-t] [COMMAND [ARGUMENT]…]"),
    ("xxd", "xxd [-b | -i | -p] [-a] [-c COLUMNS] [-d] [-g BYTES] [-l LENGTH] [-r] [-s OFFSET] [-u] [FILE [OUTPUT]]"),
    ("xz", "xz -d [-c] [-f] [-k] [FILE]…"),
    ("xzcat", "xzcat [FILE]…"),
    ("yq", "yq: of mikefarah, version 3 or 4, or of Python; the image of the step says which"),
    ("zcat", "zcat [FILE]…"),
    ("zip", "zip [-r] [-q] [-j] [-y] [-D] [-m] [-@] [-0…-9] [-x PATTERN]… ARCHIVE FILE…"),
    ("zstd", "zstd [-c] [-d] [-f] [-k] [-q] [-1…-19] [FILE]…"),
    ("zstdcat", "zstdcat [FILE]…"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::COMMANDS;

    #[test]
    fn what_is_ours_has_a_help() {
        assert!(HELP.is_sorted_by(|(a, _), (b, _)| a < b));
        for command in COMMANDS {
            assert_eq!(help(command.name).is_some(), command.origin == "stepbox", "{}", command.name);
        }
    }

    #[test]
    fn the_version_of_others_is_the_one_that_is_built() {
        let manifest = include_str!("../../programs/core/Cargo.toml");
        assert!(manifest.contains(&format!("uu_ls = \"={}\"", crate::UUTILS_VERSION)));
    }
}

//! Small scripts and what bash 5.2 prints for them: each table is a file of cases, as `support::table` reads them.

mod support;

use stepbox_shell::Mode;
use support::table::check;

/// Cases where the shell differs from bash, each for a reason; one that starts to agree fails the test.
const DIFFERENT: &[(&str, &str)] = &[];

macro_rules! tables {
    ($($name:ident: $file:literal;)*) => {
        $(#[test]
        fn $name() {
            check(include_str!(concat!("bash_table/", $file)), Mode::Bash, DIFFERENT);
        })*
    };
}

tables! {
    arithmetic: "arithmetic.txt";
    arrays: "arrays.txt";
    completion: "completion.txt";
    declare: "declare.txt";
    read_and_printf: "read_printf.txt";
    special_variables: "special.txt";
    conditions: "conditions.txt";
    errors: "errors.txt";
    names: "names.txt";
    quoting: "quoting.txt";
    traps: "traps.txt";
    words: "words.txt";
    xtrace: "xtrace.txt";
}

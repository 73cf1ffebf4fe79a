//! Small scripts and what dash 0.5.12 prints for them: each table is a file of cases, as `support::table` reads them.

mod support;

use stepbox_shell::Mode;
use support::table::check;

/// Cases where the shell differs from dash, each for a reason; one that starts to agree fails the test.
const DIFFERENT: &[(&str, &str)] = &[
    ("utilities 24", "`echo` replaces escapes only with `-e`, as in busybox and bash"),
    ("utilities 49", "a script that is missing has status 127 (POSIX XCU sh), as in bash"),
    ("dot in a condition", "`set -e` rests in the whole of a condition (XCU set), as in bash"),
];

macro_rules! tables {
    ($($name:ident: $file:literal;)*) => {
        $(#[test]
        fn $name() {
            check(include_str!(concat!("dash_table/", $file)), Mode::Sh, DIFFERENT);
        })*
    };
}

tables! {
    f5_xcu_2_2_quoting: "quoting.txt";
    f5_xcu_2_5_2_6_2_parameters: "parameters.txt";
    f5_xcu_2_6_3_substitution: "substitution.txt";
    f5_xcu_2_6_4_arithmetic: "arithmetic.txt";
    f5_xcu_2_6_5_field_splitting: "splitting.txt";
    f5_xcu_2_7_redirections: "redirections.txt";
    f5_xcu_2_8_errexit: "errexit.txt";
    f5_xcu_2_9_2_12_commands: "compound.txt";
    f5_xcu_2_11_traps_signals_and_jobs: "traps.txt";
    f5_xcu_2_13_patterns: "globs.txt";
    f5_xcu_2_14_builtins: "builtins.txt";
    f5_xcu_2_14_where_dash_is_not_posix: "posix.txt";
    f8_reading: "reading.txt";
}

use proptest::prelude::*;

use super::{MAX_OUTPUT, format_all};

/// What is printed, and the problems.
fn printf(format: &str, arguments: &[&str]) -> (String, Vec<String>) {
    let arguments: Vec<Vec<u8>> = arguments.iter().map(|argument| argument.as_bytes().to_vec()).collect();
    let done = format_all(format.as_bytes(), &arguments, None);
    (String::from_utf8_lossy(&done.out).into_owned(), done.problems)
}

/// Checks a table of formats, arguments and outputs, none of which has a problem.
fn check(table: &[(&str, &[&str], &str)]) {
    for (format, arguments, expected) in table {
        assert_eq!(printf(format, arguments), ((*expected).to_owned(), vec![]), "{format} {arguments:?}");
    }
}

#[test]
fn xcu_printf_text_is_padded_and_cut_by_bytes() {
    check(&[
        ("%s|%5s|%-5s|%.2s|%5.1s|", &["a", "b", "c", "defg", "hij"], "a|    b|c    |de|    h|"),
        ("%3s|", &["é"], " é|"),
        ("%c%c|%3c|%-3c|", &["abc", "d", "e", "f"], "ad|  e|f  |"),
        ("%c|", &[], "\0|"),
        ("%*s|%-*s|%*s|%.*s|%.*d|", &["3", "a", "3", "b", "-3", "c", "2", "abc", "-1", "5"], "  a|b  |c  |ab|5|"),
    ]);
}

#[test]
fn xcu_printf_integers_have_flags_width_and_precision() {
    check(&[
        (
            "%5d|%-5d|%05d|%+d|% d|%.3d|%8.3d|",
            &["3", "4", "5", "6", "7", "8", "9"],
            "    3|4    |00005|+6| 7|008|     009|",
        ),
        ("%08.3d|%-08d|%+05d|% 05d|%05d", &["5", "5", "5", "5", "-5"], "     005|5       |+0005| 0005|-0005"),
        ("<%.0d><%.d><%.0x><%#.0o>", &["0", "0", "0", "0"], "<><><><0>"),
        ("%#5o|%-#5o|%#05o|%#.4o|%#o", &["8", "8", "8", "8", "0"], "  010|010  |00010|0010|0"),
        ("%u|%o|%x|%X|%#x|%#X|%#x", &["10", "10", "255", "255", "255", "255", "0"], "10|12|ff|FF|0xff|0XFF|0"),
        ("%u %x %o", &["-1", "-1", "-1"], "18446744073709551615 ffffffffffffffff 1777777777777777777777"),
        ("%d %d %d %d %d", &["0x1f", "017", "-0x10", "+5", " 6"], "31 15 -16 5 6"),
        ("%d %d %d %d", &["'a", "\"b", "'", "'é"], "97 98 0 233"),
        ("%d %d", &["-9223372036854775808", "9223372036854775807"], "-9223372036854775808 9223372036854775807"),
        ("%ld %hhd %jd", &["1", "2", "3"], "1 2 3"),
        ("%d|", &[""], "0|"),
    ]);
}

#[test]
fn xcu_printf_numbers_that_are_none_are_told_and_the_rest_is_printed() {
    for (format, argument, out, problem) in [
        ("%d", "abc", "0", "abc: expected numeric value"),
        ("%d", "12abc", "12", "12abc: not completely converted"),
        ("%d", "089", "0", "089: not completely converted"),
        ("%d", "0xg", "0", "0xg: not completely converted"),
        ("%d", "99999999999999999999", "9223372036854775807", "99999999999999999999: Numerical result out of range"),
        ("%d", "-99999999999999999999", "-9223372036854775808", "-99999999999999999999: Numerical result out of range"),
        ("%u", "18446744073709551616", "18446744073709551615", "18446744073709551616: Numerical result out of range"),
        ("%.1f", "1.5x", "1.5", "1.5x: not completely converted"),
        ("%.1f", "xyz", "0.0", "xyz: expected numeric value"),
        ("%f", "1e999", "inf", "1e999: Numerical result out of range"),
        ("a%z", "b", "a", "%z: invalid directive"),
        ("a%", "b", "a", "%: invalid directive"),
    ] {
        assert_eq!(printf(format, &[argument]), (out.to_owned(), vec![problem.to_owned()]), "{format} {argument}");
    }
}

#[test]
fn xcu_printf_floats_are_printed_as_c_does() {
    check(&[
        (
            "%f|%.2f|%8.3f|%-8.1f|%+f|%08.2f",
            &["1.5", "2.345", "3.14159", "4.25", "5", "-6.5"],
            "1.500000|2.35|   3.142|4.2     |+5.000000|-0006.50",
        ),
        (
            "%e|%.2E|%g|%G|%g|%g",
            &["12345.678", "0.00012", "1e10", "1e-10", "100000", "1000000"],
            "1.234568e+04|1.20E-04|1e+10|1E-10|100000|1e+06",
        ),
        (
            "%g|%g|%g|%.3g|%#g|%g",
            &["0", "0.0001", "0.00001", "1234.5", "1.5", "123456789"],
            "0|0.0001|1e-05|1.23e+03|1.50000|1.23457e+08",
        ),
        ("%.0f|%.0f|%.0f|%#.0f|%.0e|%#.0e", &["0.5", "1.5", "2.5", "3", "15", "15"], "0|2|2|3.|2e+01|2.e+01"),
        ("%f|%5.1f|%F|%05f", &["inf", "-inf", "nan", "infinity"], "inf| -inf|NAN|  inf"),
        ("%f %f %f %f", &["0x10", "0x1.8p1", "'a", ".5"], "16.000000 3.000000 97.000000 0.500000"),
        ("%.10g|%.0g|%10.4g|%#.3g", &["3.14159265", "2.5", "1234567", "1e-7"], "3.14159265|2| 1.235e+06|1.00e-07"),
        (
            "%a %.3a %A %a %.0a %a",
            &["1.5", "3.14159", "255", "0", "1.5", "4e-320"],
            "0x1.8p+0 0x1.922p+1 0X1.FEP+7 0x0p+0 0x2p+0 0x0.0000000001fap-1022",
        ),
        ("%10a|%-10a|%010a|%+a|%#.0a", &["1", "1", "1", "1", "1"], "    0x1p+0|0x1p+0    |0x00001p+0|+0x1p+0|0x1.p+0"),
        ("%f|", &[""], "0.000000|"),
    ]);
}

#[test]
fn xcu_printf_escapes_stand_in_the_format_and_behind_b() {
    check(&[
        ("a\\tb\\n\\\\d\\101\\060", &[], "a\tb\n\\dA0"),
        ("\\1012\\z", &[], "A2\\z"),
        ("%b|%b|%b", &["a\\tb", "c\\0101", "\\101"], "a\tb|cA|A"),
        ("%5b|%-5b|%.1b|", &["a", "b", "cd"], "    a|b    |c|"),
        ("x%by\n", &["a\\cb", "z"], "xa"),
        ("%%|%d%%", &["5"], "%|5%"),
    ]);
}

#[test]
fn xcu_printf_the_format_is_used_again() {
    check(&[
        ("%s-%s\n", &["a", "b", "c"], "a-b\nc-\n"),
        ("x\n", &["a", "b"], "x\n"),
        ("", &["a"], ""),
        ("%s|%d|%x\n", &[], "|0|0\n"),
        ("%*s\n", &["3", "a", "5", "b"], "  a\n    b\n"),
    ]);
}

#[test]
fn widths_and_precisions_of_any_size_do_no_harm() {
    for letter in ["d", "i", "u", "o", "x", "X", "e", "E", "f", "F", "g", "G", "a", "A", "s", "b", "c"] {
        for size in ["65536", "70000.70000", ".70000", ".1048576", "1048576", "#.70000", "0100000", "-99999"] {
            let (out, problems) = printf(&format!("%{size}{letter}"), &["1"]);
            assert!(problems.is_empty() && out.len() <= 2 << 20, "%{size}{letter}: {problems:?}");
        }
    }
    for size in ["1048577", ".1048577", "99999999999999999999", "*", ".*"] {
        let (out, problems) = printf(&format!("%{size}d"), &["9223372036854775807"]);
        assert!(out.is_empty() && problems == ["a width is larger than 1048576"], "{size}: {problems:?}");
    }
    let (out, _) = printf("%.70000f", &["1"]);
    assert_eq!(out, format!("1.{}", "0".repeat(70_000)));
}

#[test]
fn the_output_is_bounded_within_one_use_of_the_format() {
    let (out, problems) = printf(&"%1048576d".repeat(100), &[]);
    assert!(out.len() <= MAX_OUTPUT, "{}", out.len());
    assert_eq!(problems, ["the output is larger than 67108864 bytes"]);
}

proptest! {
    #[test]
    fn no_format_panics(format in "[%#0 +*.\\-0-9a-zA-Z\\\\é]{0,24}", arguments in proptest::collection::vec("[-+0-9.xa-fpinXE' ]{0,12}", 0..4)) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let _ = printf(&format, &arguments);
    }

    #[test]
    fn floats_keep_their_value(value in any::<f64>().prop_filter("finite", |value| value.is_finite())) {
        for format in ["%.17e", "%.17g", "%a"] {
            let (out, _) = printf(format, &[&format!("{value:e}")]);
            let (again, problems) = printf("%.17e", &[&out]);
            prop_assert_eq!(&again, &printf("%.17e", &[&format!("{value:e}")]).0, "{} {:?}", out, problems);
        }
    }
}

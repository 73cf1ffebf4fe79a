use std::ffi::OsString;
use std::io;

use stepbox_tool::options::{flag, parse, valued};
use stepbox_tool::{Streams, describe, read_whole};

/// The status where something went wrong.
const TROUBLE: i32 = 2;

/// `cmp`: `-b -i -l -n -s`; 0 where two files are equal, 1 where they are not, 2 where something went wrong.
pub(crate) fn compare_bytes(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let known = [
        flag('b', "print-bytes"),
        valued('i', "ignore-initial"),
        flag('l', "verbose"),
        valued('n', "bytes"),
        flag('s', "quiet"),
        flag('s', "silent"),
    ];
    let parsed = match parse(arguments, &known) {
        Ok(parsed) => parsed,
        Err(message) => return trouble(&message, streams),
    };
    let operands: Vec<String> = parsed.operands.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    let (first, mut second) = match operands.as_slice() {
        [] => return trouble("a file is missing", streams),
        [first] => (first.clone(), "-".to_owned()),
        [_, _, _, _, extra, ..] => return trouble(&format!("extra operand '{extra}'"), streams),
        [first, second, ..] => (first.clone(), second.clone()),
    };
    if first != "-" && second != "-" && std::path::Path::new(&second).is_dir() {
        second = format!("{second}/{}", first.rsplit('/').next().unwrap_or_default());
    }
    let skips: Vec<String> = match parsed.value('i') {
        Some(text) => text.split(':').map(str::to_owned).cycle().take(2).collect(),
        None => operands.iter().skip(2).cloned().chain(["0".to_owned(), "0".to_owned()]).take(2).collect(),
    };
    let mut numbers = vec![];
    for text in skips.iter().map(String::as_str).chain([parsed.value('n').unwrap_or("18446744073709551615")]) {
        match text.parse::<u64>() {
            Ok(number) => numbers.push(usize::try_from(number).unwrap_or(usize::MAX)),
            Err(_) => return trouble(&format!("`{text}` is no number of bytes"), streams),
        }
    }
    let mut files = vec![];
    for (name, skip) in [&first, &second].into_iter().zip(&numbers) {
        match read_whole(name.as_bytes(), streams.input) {
            Ok(data) => {
                let rest = data.get(*skip..).unwrap_or_default();
                files.push(rest[..rest.len().min(numbers[2])].to_vec());
            }
            Err(error) => return trouble(&format!("{name}: {}", describe(&error)), streams),
        }
    }
    let [one, other] = files.as_slice() else { return Ok(TROUBLE) };
    if one == other {
        return Ok(0);
    }
    if parsed.has('s') {
        return Ok(1);
    }
    let width = one.len().min(other.len()).to_string().len();
    let mut different = one.iter().zip(other).enumerate().filter(|(_, (a, b))| a != b);
    let bytes = parsed.has('b');
    if parsed.has('l') {
        for (at, (a, b)) in different.by_ref() {
            let at = at + 1;
            match bytes {
                true => writeln!(streams.output, "{at:>width$} {a:>3o} {:<4} {b:>3o} {}", shown(*a), shown(*b))?,
                false => writeln!(streams.output, "{at:>width$} {a:>3o} {b:>3o}")?,
            }
        }
    } else if let Some((at, (a, b))) = different.next() {
        let line = 1 + one[..at].iter().filter(|byte| **byte == b'\n').count();
        write!(streams.output, "{first} {second} differ: byte {}, line {line}", at + 1)?;
        if bytes {
            write!(streams.output, " is {a:>3o} {} {b:>3o} {}", shown(*a), shown(*b))?;
        }
        writeln!(streams.output)?;
        return Ok(1);
    }
    let (name, short) = if one.len() < other.len() { (&first, one) } else { (&second, other) };
    if one.len() != other.len() {
        let mut message = format!("EOF on {name} after byte {}", short.len());
        if short.is_empty() {
            message = format!("EOF on {name} which is empty");
        } else if !parsed.has('l') {
            let lines = short.iter().filter(|byte| **byte == b'\n').count();
            let within = if short.ends_with(b"\n") { "" } else { "in " };
            message.push_str(&format!(", {within}line {}", lines + usize::from(!within.is_empty())));
        }
        streams.say("cmp", &message);
    }
    Ok(1)
}

fn trouble(message: &str, streams: &mut Streams<'_>) -> io::Result<i32> {
    streams.say("cmp", message);
    Ok(TROUBLE)
}

/// A byte as `cat -v` shows it.
fn shown(byte: u8) -> String {
    let prefix = if byte >= 128 { "M-" } else { "" };
    match byte & 127 {
        low @ 0..32 => format!("{prefix}^{}", char::from(low + 64)),
        127 => format!("{prefix}^?"),
        low => format!("{prefix}{}", char::from(low)),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::run;

    #[test]
    fn the_first_difference_or_all_are_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).to_str().expect("text").to_owned();
        for (name, text) in [("1", "abc\ndef\n"), ("2", "abc\ndeg\n"), ("3", "abc\n"), ("4", ""), ("5", "abc\nd")] {
            std::fs::write(path(name), text).expect("writes");
        }
        let root = format!("{}/", directory.path().to_str().expect("text"));
        let call = |words: &[&str]| {
            let words: Vec<String> = words
                .iter()
                .map(|word| if word.len() == 1 && *word != "-" { path(word) } else { (*word).to_owned() })
                .collect();
            let words: Vec<&str> = ["cmp"].into_iter().chain(words.iter().map(String::as_str)).collect();
            let (output, errors, status) = run(&words, "abc\n");
            (format!("{output}{errors}").replace(&root, ""), status)
        };
        for (words, text, status) in [
            (vec!["1", "1"], "", 0),
            (vec!["1", "2"], "1 2 differ: byte 7, line 2\n", 1),
            (vec!["1", "3"], "cmp: EOF on 3 after byte 4, line 1\n", 1),
            (vec!["1", "5"], "cmp: EOF on 5 after byte 5, in line 2\n", 1),
            (vec!["1", "4"], "cmp: EOF on 4 which is empty\n", 1),
            (vec!["-l", "1", "2"], "7 146 147\n", 1),
            (vec!["-bl", "1", "2"], "7 146 f    147 g\n", 1),
            (vec!["-b", "1", "2"], "1 2 differ: byte 7, line 2 is 146 f 147 g\n", 1),
            (vec!["-l", "1", "3"], "cmp: EOF on 3 after byte 4\n", 1),
            (vec!["-s", "1", "2"], "", 1),
            (vec!["-n3", "1", "2"], "", 0),
            (vec!["-i7", "1", "2"], "", 0),
            (vec!["-i", "1:2", "1", "2"], "1 2 differ: byte 1, line 1\n", 1),
            (vec!["3"], "", 0),
            (vec!["-", "3"], "", 0),
            (vec!["1", "/nowhere"], "cmp: /nowhere: No such file or directory\n", 2),
        ] {
            assert_eq!(call(&words), (text.to_owned(), status), "{words:?}");
        }
    }
}

use std::ffi::OsString;
use std::io;
use std::path::Path;

use stepbox_tool::fail;
use stepbox_tool::options::{Parsed, flag, parse, valued};
use stepbox_tool::{Streams, file_info};

/// `du`: `-a -b -c -d -h -k -m -s -x --apparent-size`. Sizes on disk are counted in blocks of 4 KiB.
pub(crate) fn disk_usage(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let known = [
        flag('a', "all"),
        flag('b', "bytes"),
        flag('c', "total"),
        valued('d', "max-depth"),
        flag('h', "human-readable"),
        flag('k', ""),
        flag('m', ""),
        flag('s', "summarize"),
        flag('x', "one-file-system"),
        flag('\u{1}', "apparent-size"),
    ];
    let mut parsed = match parse(arguments, &known) {
        Ok(parsed) => parsed,
        Err(message) => return fail("du", &message, streams),
    };
    let depth = match parsed.value('d').map(str::parse::<usize>) {
        Some(Err(_)) => return fail("du", "the value of `-d` must be a number", streams),
        Some(Ok(depth)) => depth,
        None if parsed.has('s') => 0,
        None => usize::MAX,
    };
    if parsed.operands.is_empty() {
        parsed.operands.push(".".into());
    }
    let mut usage = Usage { parsed: &parsed, depth, status: 0 };
    let mut total = 0;
    for path in &parsed.operands {
        total += usage.count(Path::new(path), 0, streams)?;
    }
    if parsed.has('c') {
        writeln!(streams.output, "{}\ttotal", shown(total, &parsed))?;
    }
    Ok(usage.status)
}

struct Usage<'a> {
    parsed: &'a Parsed,
    depth: usize,
    status: i32,
}

impl Usage<'_> {
    /// The size of everything below `path`. Recursion is as deep as a path can be long.
    fn count(&mut self, path: &Path, level: usize, streams: &mut Streams<'_>) -> io::Result<u64> {
        let info = match file_info::read(path, false) {
            Ok(info) => info,
            Err(error) => {
                let subject = format!("cannot access '{}'", path.display());
                streams.complain("du", &OsString::from(subject), &error);
                self.status = 1;
                return Ok(0);
            }
        };
        let apparent = self.parsed.has('b') || self.parsed.has('\u{1}');
        let mut size = if apparent { info.size } else { info.allocated() };
        if info.is_directory() {
            match file_info::entries(path) {
                Ok(entries) => {
                    for entry in entries {
                        size += self.count(&entry, level + 1, streams)?;
                    }
                }
                Err(error) => {
                    let subject = format!("cannot read directory '{}'", path.display());
                    streams.complain("du", &OsString::from(subject), &error);
                    self.status = 1;
                }
            }
        }
        if level <= self.depth && (level == 0 || info.is_directory() || self.parsed.has('a')) {
            writeln!(streams.output, "{}\t{}", shown(size, self.parsed), path.display())?;
        }
        Ok(size)
    }
}

fn shown(size: u64, parsed: &Parsed) -> String {
    let unit = if parsed.has('b') {
        1
    } else if parsed.has('m') {
        1 << 20
    } else {
        1 << 10
    };
    if parsed.has('h') { human(size) } else { size.div_ceil(unit).to_string() }
}

/// `4.0K`, `12M`: rounded up, with one digit after the point below ten.
pub(crate) fn human(size: u64) -> String {
    if size < 1024 {
        return size.to_string();
    }
    let (mut unit, mut index) = (1024_u128, 0);
    while u128::from(size) >= unit * 1024 && index < 5 {
        unit *= 1024;
        index += 1;
    }
    let tenths = (u128::from(size) * 10).div_ceil(unit);
    let letter = ["K", "M", "G", "T", "P", "E"][index];
    if tenths < 100 {
        format!("{}.{}{letter}", tenths / 10, tenths % 10)
    } else {
        format!("{}{letter}", tenths.div_ceil(10))
    }
}

#[cfg(test)]
mod tests {
    use super::human;
    use crate::testing::run;

    #[test]
    fn sizes_are_written_for_people() {
        for (size, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (1025, "1.1K"),
            (10240, "10K"),
            (10241, "11K"),
            (5 << 30, "5.0G"),
        ] {
            assert_eq!(human(size), text);
        }
        assert_eq!(human(u64::MAX), "16E");
    }

    #[test]
    fn directories_are_summed_up() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("a")).expect("makes");
        std::fs::write(directory.path().join("a/file"), [0; 5000]).expect("writes");
        let path = directory.path().to_str().expect("text");
        assert_eq!(run(&["du", path], "").0, format!("12\t{path}/a\n16\t{path}\n"));
        assert_eq!(run(&["du", "-sh", path], "").0, format!("16K\t{path}\n"));
        assert_eq!(run(&["du", "-k", "-c", "-d0", path], "").0, format!("16\t{path}\n16\ttotal\n"));
    }
}

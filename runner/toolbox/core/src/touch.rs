use std::ffi::OsString;
use std::fs::File;
use std::io;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, utimensat};
use rustix::io::Errno;

use stepbox_tool::options::{Known, flag, parse};
use stepbox_tool::{Streams, fail};

const KNOWN: [Known; 3] = [flag('a', ""), flag('c', "no-create"), flag('m', "")];

/// Whether a call of `touch` sets the time that it is now, and wants nothing that is not done here.
pub(crate) fn is_for_us(arguments: &[OsString]) -> bool {
    parse(arguments, &KNOWN).is_ok()
}

/// `touch`: `-a -c -m`.
pub(crate) fn touch(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let parsed = match parse(arguments, &KNOWN) {
        Ok(parsed) => parsed,
        Err(message) => return fail("touch", &message, streams),
    };
    if parsed.operands.is_empty() {
        return fail("touch", "missing file operand", streams);
    }
    let time = |only_other: bool| Timespec { tv_sec: 0, tv_nsec: if only_other { UTIME_OMIT } else { UTIME_NOW } };
    let times = Timestamps {
        last_access: time(parsed.has('m') && !parsed.has('a')),
        last_modification: time(parsed.has('a') && !parsed.has('m')),
    };
    let mut status = 0;
    for operand in &parsed.operands {
        let touched = match utimensat(CWD, operand.as_encoded_bytes(), &times, AtFlags::empty()) {
            Err(Errno::NOENT) if parsed.has('c') => Ok(()),
            Err(Errno::NOENT) => File::options().create(true).append(true).open(operand).map(|_| ()),
            other => other.map_err(io::Error::from),
        };
        if let Err(error) = touched {
            let subject = format!("cannot touch '{}'", operand.to_string_lossy());
            streams.complain("touch", &OsString::from(subject), &error);
            status = 1;
        }
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use crate::testing::run;

    #[test]
    fn files_are_made_or_get_the_time_that_it_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).to_str().expect("text").to_owned();
        assert_eq!(run(&["touch", &path("new")], ""), (String::new(), String::new(), 0));
        let file = std::fs::File::options().write(true).open(path("new")).expect("opens");
        file.set_modified(SystemTime::UNIX_EPOCH).expect("sets");
        let modified = || std::fs::metadata(path("new")).and_then(|found| found.modified()).expect("has one");
        assert_eq!(run(&["touch", "-a", &path("new")], "").2, 0);
        assert_eq!(modified(), SystemTime::UNIX_EPOCH);
        assert_eq!(run(&["touch", &path("new"), &path("")], "").2, 0);
        assert_ne!(modified(), SystemTime::UNIX_EPOCH);
        assert_eq!(run(&["touch", "-c", &path("other")], "").2, 0);
        assert!(!std::fs::exists(path("other")).expect("can be asked"));
        let message = format!("touch: cannot touch '{}': No such file or directory\n", path("no/file"));
        assert_eq!(run(&["touch", &path("no/file")], ""), (String::new(), message, 1));
    }
}

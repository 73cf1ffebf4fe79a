use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use stepbox_tool::fail;
use stepbox_tool::options::{flag, parse, valued};
use stepbox_tool::{Streams, mode};

/// `install`: `-d -D -m -t -T -v`; owners are accepted.
pub(crate) fn install(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let known = [
        flag('c', ""),
        flag('C', "compare"),
        flag('d', "directory"),
        flag('D', ""),
        valued('m', "mode"),
        valued('o', "owner"),
        valued('g', "group"),
        flag('p', "preserve-timestamps"),
        flag('s', "strip"),
        valued('t', "target-directory"),
        flag('T', "no-target-directory"),
        flag('v', "verbose"),
    ];
    let mut parsed = match parse(arguments, &known) {
        Ok(parsed) => parsed,
        Err(message) => return fail("install", &message, streams),
    };
    let mode = match parsed.value('m') {
        None => 0o755,
        // A symbolic mode changes one without any rights, as elsewhere.
        Some(mode) => match mode::apply(mode, 0, false) {
            Some(mode) => mode,
            None => return fail("install", &format!("invalid mode: `{mode}`"), streams),
        },
    };
    let mut status = 0;
    if parsed.has('d') {
        for directory in &parsed.operands {
            let made = fs::create_dir_all(directory).and_then(|()| mode::set_mode(Path::new(directory), mode));
            if let Err(error) = made {
                streams.complain("install", directory, &error);
                status = 1;
            }
        }
        return Ok(status);
    }
    let target = match parsed.value('t').map(PathBuf::from) {
        Some(target) => target,
        None => match parsed.operands.pop() {
            Some(target) => PathBuf::from(target),
            None => return fail("install", "missing operand", streams),
        },
    };
    if parsed.operands.is_empty() {
        return fail("install", "missing destination", streams);
    }
    let into = parsed.has('t') || (target.is_dir() && !parsed.has('T'));
    if !into && parsed.operands.len() > 1 {
        return fail("install", &format!("`{}` is not a directory", target.display()), streams);
    }
    for source in &parsed.operands {
        let source = Path::new(source);
        let destination = if into { target.join(source.file_name().unwrap_or_default()) } else { target.clone() };
        let copied = copy(source, &destination, parsed.has('D'));
        match copied.and_then(|()| mode::set_mode(&destination, mode)) {
            Ok(()) if parsed.has('v') => {
                writeln!(streams.output, "'{}' -> '{}'", source.display(), destination.display())?;
            }
            Ok(()) => {}
            Err(error) => {
                let subject = format!("cannot install '{}' as '{}'", source.display(), destination.display());
                streams.complain("install", &OsString::from(subject), &error);
                status = 1;
            }
        }
    }
    Ok(status)
}

fn copy(source: &Path, destination: &Path, with_parents: bool) -> io::Result<()> {
    if let (true, Some(parent)) = (with_parents, destination.parent()) {
        fs::create_dir_all(parent)?;
    }
    // Opened before anything is removed: a source that is missing must not cost the destination.
    let mut from = fs::File::open(source)?;
    if let (Ok(here), Ok(there)) = (fs::canonicalize(source), fs::canonicalize(destination))
        && here == there
    {
        return Err(io::Error::other("they are the same file"));
    }
    // A running program or a link at the destination is replaced, not written through.
    match fs::remove_file(destination) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    io::copy(&mut from, &mut fs::File::create(destination)?).map(|_| ())
}

#[cfg(test)]
mod tests {
    use crate::testing::run;

    #[test]
    fn files_are_copied_and_directories_made() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name).to_str().expect("text").to_owned();
        std::fs::write(at("source"), "data").expect("writes");
        assert_eq!(run(&["install", "-Dm755", &at("source"), &at("usr/bin/tool")], "").2, 0);
        assert_eq!(std::fs::read_to_string(at("usr/bin/tool")).expect("reads"), "data");
        let mode = |name: &str| {
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(at(name)).expect("there").permissions()) & 0o777
        };
        assert_eq!(mode("usr/bin/tool"), 0o755);
        assert_eq!(run(&["install", "-m", "u=rw,go=r", &at("source"), &at("plain")], "").2, 0);
        assert_eq!(mode("plain"), 0o644);
        assert_eq!(run(&["install", "-d", &at("x/y")], "").2, 0);
        assert_eq!(run(&["install", "-t", &at("x/y"), &at("source")], "").2, 0);
        assert_eq!(std::fs::read_to_string(at("x/y/source")).expect("reads"), "data");
        assert_eq!(run(&["install", &at("source"), &at("source")], "").2, 1);
        assert_eq!(std::fs::read_to_string(at("source")).expect("still there"), "data");
        assert_eq!(run(&["install", &at("missing"), &at("usr/bin/tool")], "").2, 1);
        assert_eq!(std::fs::read_to_string(at("usr/bin/tool")).expect("still there"), "data");
    }
}

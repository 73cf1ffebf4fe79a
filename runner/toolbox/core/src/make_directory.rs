use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use stepbox_tool::options::{flag, parse, valued};
use stepbox_tool::{Streams, fail, mode};

/// `mkdir`: `-p -m -v`.
pub(crate) fn make_directory(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let known = [valued('m', "mode"), flag('p', "parents"), flag('v', "verbose")];
    let parsed = match parse(arguments, &known) {
        Ok(parsed) => parsed,
        Err(message) => return fail("mkdir", &message, streams),
    };
    if parsed.operands.is_empty() {
        return fail("mkdir", "missing operand", streams);
    }
    let wanted = match parsed.value('m') {
        None => None,
        Some(text) => match mode::apply(text, 0o777, true) {
            Some(wanted) => Some(wanted),
            None => return fail("mkdir", &format!("invalid mode: '{text}'"), streams),
        },
    };
    let mut status = 0;
    for operand in &parsed.operands {
        let path = Path::new(operand);
        let mut made = vec![];
        let result = if parsed.has('p') { with_parents(path, &mut made) } else { fs::create_dir(path) };
        match result {
            Ok(()) if !parsed.has('p') => made.push(path),
            Ok(()) => {}
            Err(error) => {
                let subject = format!("cannot create directory '{}'", path.display());
                streams.complain("mkdir", &OsString::from(subject), &error);
                status = 1;
            }
        }
        if let Some(wanted) = wanted
            && made.last() == Some(&path)
            && let Err(error) = mode::set_mode(path, wanted)
        {
            streams.complain("mkdir", operand, &error);
            status = 1;
        }
        if parsed.has('v') {
            for path in made {
                writeln!(streams.output, "mkdir: created directory '{}'", path.display())?;
            }
        }
    }
    Ok(status)
}

/// Makes what is missing of a path, and says what that was.
fn with_parents<'a>(path: &'a Path, made: &mut Vec<&'a Path>) -> io::Result<()> {
    let is_directory = |path: &Path| fs::metadata(path).is_ok_and(|found| found.is_dir());
    if is_directory(path) {
        return Ok(());
    }
    let mut missing: Vec<&Path> =
        path.ancestors().take_while(|part| !part.as_os_str().is_empty() && !is_directory(part)).collect();
    while let Some(part) = missing.pop() {
        match fs::create_dir(part) {
            Ok(()) => made.push(part),
            // Somebody else was faster, or the name ends in `..`.
            Err(_) if is_directory(part) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use crate::testing::run;

    #[test]
    fn directories_are_made_with_parents_and_modes() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).to_str().expect("text").to_owned();
        let mode = |name: &str| std::fs::metadata(path(name)).expect("is there").permissions().mode() & 0o7777;
        assert_eq!(run(&["mkdir", &path("a")], ""), (String::new(), String::new(), 0));
        let message = format!("mkdir: cannot create directory '{}': File exists\n", path("a"));
        assert_eq!(run(&["mkdir", &path("a"), &path("b")], ""), (String::new(), message, 1));
        assert_eq!(run(&["mkdir", "-p", &path("b/c/d/"), &path("b")], "").2, 0);
        let told = format!("mkdir: created directory '{0}/x'\nmkdir: created directory '{0}/x/y'\n", path("b"));
        assert_eq!(run(&["mkdir", "-pvm", "700", &path("b/x/y")], ""), (told, String::new(), 0));
        assert_eq!((mode("b/x/y"), mode("b/x")), (0o700, mode("b")));
        std::fs::write(path("file"), "").expect("writes");
        let message = format!("mkdir: cannot create directory '{}': File exists\n", path("file"));
        assert_eq!(run(&["mkdir", "-p", &path("file")], "").1, message);
        assert_eq!(run(&["mkdir", "-p", &path("file/x")], "").2, 1);
        assert_eq!(run(&["mkdir"], "").1, "mkdir: missing operand\n");
    }
}

use std::ffi::OsString;
use std::io;

use stepbox_tool::options::{flag, parse};
use stepbox_tool::{Streams, fail};

/// `id`: inside, the user is always root.
pub(crate) fn id(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let known = [
        flag('u', "user"),
        flag('g', "group"),
        flag('G', "groups"),
        flag('n', "name"),
        flag('r', "real"),
        flag('z', "zero"),
    ];
    let parsed = match parse(arguments, &known) {
        Ok(parsed) => parsed,
        Err(message) => return fail("id", &message, streams),
    };
    if let Some(user) = parsed.operands.first().filter(|user| *user != "root" && *user != "0") {
        return fail("id", &format!("`{}`: no such user", user.to_string_lossy()), streams);
    }
    let end = if parsed.has('z') { '\0' } else { '\n' };
    if parsed.has('u') || parsed.has('g') || parsed.has('G') {
        write!(streams.output, "{}{end}", if parsed.has('n') { "root" } else { "0" })?;
    } else if parsed.has('n') || parsed.has('r') {
        return fail("id", "cannot print only names or real ids in the default format", streams);
    } else {
        write!(streams.output, "uid=0(root) gid=0(root) groups=0(root){end}")?;
    }
    Ok(0)
}

/// `groups`.
pub(crate) fn groups(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    match arguments.get(1).filter(|user| *user != "root") {
        Some(user) => fail("groups", &format!("`{}`: no such user", user.to_string_lossy()), streams),
        None if arguments.len() > 1 => writeln!(streams.output, "root : root").map(|()| 0),
        None => writeln!(streams.output, "root").map(|()| 0),
    }
}

/// `whoami` and `logname`.
pub(crate) fn user_name(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    if let Some(extra) = arguments.get(1) {
        return fail(&arguments[0].to_string_lossy(), &format!("extra operand `{}`", extra.to_string_lossy()), streams);
    }
    writeln!(streams.output, "root").map(|()| 0)
}

/// `hostname`: prints `$HOSTNAME`; the name of the host is nothing that a step may see.
pub(crate) fn hostname(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let known = [flag('s', "short"), flag('f', "fqdn"), flag('i', "ip-address"), flag('I', "all-ip-addresses")];
    match parse(arguments, &known) {
        Err(message) => fail("hostname", &message, streams),
        Ok(parsed) if !parsed.operands.is_empty() => fail("hostname", "the name cannot be set", streams),
        Ok(parsed) if parsed.has('i') || parsed.has('I') => writeln!(streams.output, "127.0.0.1").map(|()| 0),
        Ok(_) => {
            let name = std::env::var("HOSTNAME").unwrap_or_default();
            writeln!(streams.output, "{}", if name.is_empty() { "localhost" } else { &name }).map(|()| 0)
        }
    }
}

/// `arch`: what the commands run on.
pub(crate) fn arch(_: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    writeln!(streams.output, "{}", std::env::consts::ARCH).map(|()| 0)
}

/// `sync`: the volume is written to disk when the build ends.
pub(crate) fn sync(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let parsed = match parse(arguments, &[flag('d', "data"), flag('f', "file-system")]) {
        Ok(parsed) => parsed,
        Err(message) => return fail("sync", &message, streams),
    };
    let mut status = 0;
    for path in &parsed.operands {
        if let Err(error) = stepbox_tool::file_info::read(path.as_ref(), true) {
            streams.complain("sync", path, &error);
            status = 1;
        }
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    use crate::testing::run;

    #[test]
    fn the_user_is_root() {
        assert_eq!(run(&["id"], "").0, "uid=0(root) gid=0(root) groups=0(root)\n");
        assert_eq!(run(&["id", "-un"], "").0, "root\n");
        assert_eq!(run(&["id", "-u"], "").0, "0\n");
        assert_eq!(run(&["id", "nobody"], ""), (String::new(), "id: `nobody`: no such user\n".to_owned(), 1));
        assert_eq!(run(&["whoami"], "").0, "root\n");
        assert_eq!(run(&["groups"], "").0, "root\n");
    }
}

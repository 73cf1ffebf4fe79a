//! `time [-p] COMMAND [ARG]…`: how long a command took, in POSIX's form. Processor time is not measured per command, so
//! `user` and `sys` are printed as `-`, never as an invented number.

use std::time::Instant;

use stepbox_system::ExitStatus;

use super::Invocation;

pub(super) fn run(invocation: Invocation<'_>) -> ExitStatus {
    let mut arguments = invocation.arguments();
    while let Some(first) = arguments.first() {
        match first.as_slice() {
            b"-p" | b"--" => drop(arguments.remove(0)),
            word if word.starts_with(b"-") => {
                return invocation.fail(125, &format!("unrecognized option '{}'", String::from_utf8_lossy(word)));
            }
            _ => break,
        }
    }
    if arguments.is_empty() {
        return invocation.fail(125, "missing operand");
    }
    let begin = Instant::now();
    let status = invocation.start(arguments);
    let text = format!("real {:.2}\nuser -\nsys -\n", begin.elapsed().as_secs_f64());
    if let Some(err) = invocation.request.files.get(&2) {
        let _ = err.write_all(text.as_bytes(), invocation.cancel());
    }
    status
}

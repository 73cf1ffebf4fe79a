//! `nice [-n N] COMMAND [ARG]…`: priorities do not exist among commands of a step; the command is started as it is.

use stepbox_system::ExitStatus;

use super::Invocation;

pub(super) fn run(invocation: Invocation<'_>) -> ExitStatus {
    let mut arguments = invocation.arguments();
    while let Some(first) = arguments.first().map(|word| word.to_vec()) {
        let number = |text: &[u8]| std::str::from_utf8(text).is_ok_and(|text| text.parse::<i32>().is_ok());
        match first.as_slice() {
            b"--" => {
                arguments.remove(0);
                break;
            }
            b"-n" | b"--adjustment" => {
                if !arguments.get(1).is_some_and(|text| number(text)) {
                    return invocation.fail(125, "option '-n' needs a number");
                }
                arguments.drain(..2);
            }
            word if word.starts_with(b"-n") && number(&word[2..]) => drop(arguments.remove(0)),
            word if word.starts_with(b"-") && number(&word[1..]) => drop(arguments.remove(0)),
            word if word.starts_with(b"-") => {
                return invocation.fail(125, &format!("unrecognized option '{}'", String::from_utf8_lossy(word)));
            }
            _ => break,
        }
    }
    if arguments.is_empty() {
        return match invocation.print(b"0\n") {
            Ok(()) => ExitStatus::SUCCESS,
            Err(status) => status,
        };
    }
    invocation.start(arguments)
}

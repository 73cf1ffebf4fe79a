//! Built-in commands. The special ones (XCU 2.14) change the shell itself; of the others, those that must run in the
//! shell and those that every shell has (`echo`, `printf`, `test`). A command called by its path is never built in.

mod alias;
mod completion;
mod control;
mod declare;
mod describe;
mod directories;
mod echo;
pub(crate) mod escape;
mod getopts;
mod job_table;
mod jobs;
mod letters;
mod mapfile;
mod options;
mod places;
mod printf;
mod read;
mod shopt;
mod sourcing;
pub(crate) mod test;
mod timeout;
mod variables;

pub(crate) use directories::position as stack_position;
pub(crate) use options::{enter_mode, option_is_on, option_letters, option_names, set_letter, set_long};

use stepbox_system::{ExitStatus, error_text};

use crate::config::Mode;
use crate::eval::{Flow, Shell};
use crate::variables::{needs_escapes, quote_always};

/// A built-in: the shell and the words, its name first.
pub(crate) type Builtin = fn(&mut Shell, &[Vec<u8>]) -> Result<ExitStatus, Flow>;

/// The special built-in of this name.
pub(crate) fn find_special(name: &[u8]) -> Option<Builtin> {
    Some(match name {
        b":" => control::colon,
        b"." | b"source" => sourcing::dot,
        b"break" => control::leave_loop,
        b"continue" => control::continue_loop,
        b"eval" => sourcing::eval,
        b"exec" => sourcing::exec,
        b"exit" => control::exit,
        b"export" => variables::export,
        b"readonly" => variables::readonly,
        b"return" => control::leave_function,
        b"set" => options::set,
        b"shift" => control::shift,
        b"times" => control::times,
        b"trap" => control::trap,
        b"unset" => variables::unset,
        _ => return None,
    })
}

/// Any other built-in of this name.
pub(crate) fn find_regular(name: &[u8], mode: Mode) -> Option<Builtin> {
    if mode == Mode::Bash
        && let Some(builtin) = find_in_bash(name)
    {
        return Some(builtin);
    }
    Some(match name {
        b"[" | b"test" => test::test,
        b"alias" => alias::alias,
        b"bg" | b"fg" | b"fc" => control::refused,
        b"cd" | b"chdir" => places::cd,
        b"command" => sourcing::command,
        b"echo" => echo::echo,
        b"false" => control::no,
        b"getopts" => getopts::getopts,
        b"hash" => sourcing::hash,
        b"jobs" => jobs::jobs,
        b"kill" => jobs::kill,
        b"let" => variables::calculate,
        b"local" => variables::local,
        b"printf" => printf::printf,
        b"pwd" => places::pwd,
        b"read" => read::read,
        b"true" => control::colon,
        b"type" => sourcing::type_of,
        b"ulimit" => control::ulimit,
        b"unalias" => alias::unalias,
        b"umask" => places::umask,
        b"wait" => jobs::wait,
        #[cfg(feature = "holes")]
        b"stepbox-hole" => hole,
        _ => return None,
    })
}

/// A deliberate hole, for the tests of the second wall: prints a file of the host.
#[cfg(feature = "holes")]
fn hole(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let path = words.get(1).map(|word| show(word)).unwrap_or_default();
    let read = std::fs::read_to_string(path).unwrap_or_else(|error| error.to_string());
    Ok(shell.print("stepbox-hole", read.as_bytes()))
}

/// What bash has beyond ash.
fn find_in_bash(name: &[u8]) -> Option<Builtin> {
    Some(match name {
        b"bind" => completion::bind,
        b"builtin" => describe::builtin,
        b"caller" => describe::caller,
        b"command" => describe::command,
        b"compgen" => completion::compgen,
        b"complete" => completion::complete,
        b"compopt" => completion::compopt,
        b"declare" | b"typeset" => declare::declare,
        b"dirs" => directories::dirs,
        b"disown" => job_table::disown,
        b"enable" => describe::enable,
        b"hash" => describe::hash,
        b"history" => completion::history,
        b"jobs" => job_table::list,
        b"kill" => job_table::kill,
        b"mapfile" | b"readarray" => mapfile::mapfile,
        b"popd" => directories::popd,
        b"pushd" => directories::pushd,
        b"shopt" => shopt::shopt,
        b"type" => describe::type_of,
        b"wait" => job_table::wait,
        _ => return None,
    })
}

impl Shell {
    /// Prints on standard output; a failure is the command's.
    pub(crate) fn print(&self, name: &str, text: &[u8]) -> ExitStatus {
        let Some(file) = self.state.files.get(&1) else {
            self.complain(&format!("{name}: I/O error: Bad file descriptor"));
            return ExitStatus::FAILURE;
        };
        match file.write_all(text, self.cancel()) {
            Ok(()) => ExitStatus::SUCCESS,
            Err(error) => {
                // A reader that has enough is no news; a process would have died of SIGPIPE.
                if error.raw_os_error() == Some(32) {
                    return ExitStatus::of_signal(stepbox_system::Signal::Pipe);
                }
                self.complain(&format!("{name}: I/O error: {}", error_text(&error)));
                ExitStatus::FAILURE
            }
        }
    }
}

/// A word for a message.
pub(crate) fn show(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

/// A value as it could be typed in again.
pub(crate) fn quote(value: &[u8]) -> Vec<u8> {
    let mut out = vec![b'\''];
    for byte in value {
        if *byte == b'\'' {
            out.extend_from_slice(b"'\\''");
        } else {
            out.push(*byte);
        }
    }
    out.push(b'\'');
    out
}

/// The same where it must be, as bash shows words.
pub(crate) fn quote_if_needed(word: &[u8]) -> Vec<u8> {
    let special = |(at, byte): (usize, &u8)| match byte {
        b'~' => at == 0 || matches!(word[at - 1], b'=' | b':'),
        b'#' => at == 0,
        byte => b" \t\n'\"\\|&;()<>!{}*[]?^$`".contains(byte),
    };
    // What is not printed shows as `$'…'`.
    if word.is_empty() || word.iter().enumerate().any(special) || needs_escapes(word) {
        quote_always(word)
    } else {
        word.to_vec()
    }
}

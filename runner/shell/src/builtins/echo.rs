use stepbox_system::ExitStatus;

use super::escape::unescape;
use crate::eval::{Flow, Shell};

/// `echo [-neE]`, as busybox has it.
pub(super) fn echo(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut words = &words[1..];
    let (mut newline, mut escapes) = (true, false);
    while let Some((first, rest)) = words.split_first() {
        let is_option = first.len() > 1 && first[0] == b'-' && first[1..].iter().all(|byte| b"neE".contains(byte));
        if !is_option {
            break;
        }
        for letter in &first[1..] {
            match letter {
                b'n' => newline = false,
                b'e' => escapes = true,
                _ => escapes = false,
            }
        }
        words = rest;
    }
    let mut text = words.join(&b' ');
    if escapes {
        let (expanded, stop) = expand(&text, shell.is_bash());
        text = expanded;
        newline &= !stop;
    }
    if newline {
        text.push(b'\n');
    }
    Ok(shell.print("echo", &text))
}

/// Text with its escapes replaced, and whether `\c` ended it.
fn expand(text: &[u8], bash: bool) -> (Vec<u8>, bool) {
    let mut out = vec![];
    let mut at = 0;
    while at < text.len() {
        if text[at] != b'\\' {
            out.push(text[at]);
            at += 1;
            continue;
        }
        if text.get(at + 1) == Some(&b'c') {
            return (out, true);
        }
        // bash has `\uXXXX`, and an octal number begins with a zero.
        let next = text.get(at + 1);
        let found = match next {
            Some(b'1'..=b'7') if bash => None,
            _ => unescape(&text[at + 1..], bash && matches!(next, Some(b'u' | b'U')), &mut out),
        };
        match found {
            Some(length) => at += 1 + length,
            None => {
                out.push(b'\\');
                at += 1;
            }
        }
    }
    (out, false)
}

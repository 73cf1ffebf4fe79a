//! bash's `time`.

use std::time::Instant;

use stepbox_system::ExitStatus;

use super::{Flow, Shell};

const FORMAT: &[u8] = b"\nreal\t%3lR\nuser\t%3lU\nsys\t%3lS";
const PORTABLE: &[u8] = b"real %2R\nuser %2U\nsys %2S";

impl Shell {
    /// Runs something and says how long it took, in the form of `TIMEFORMAT`. Processor time is not counted per command and
    /// shows as 0.
    pub(super) fn timed(
        &mut self,
        portable: bool,
        inner: impl FnOnce(&mut Self) -> Result<ExitStatus, Flow>,
    ) -> Result<ExitStatus, Flow> {
        let begin = Instant::now();
        let result = inner(self);
        let seconds = begin.elapsed().as_secs_f64();
        let own = self.get(b"TIMEFORMAT");
        let format = if portable { PORTABLE } else { own.as_deref().unwrap_or(FORMAT) };
        if !format.is_empty() {
            match text(format, seconds) {
                Ok(text) => self.print_error(&text),
                Err(letter) => {
                    self.complain(&format!("TIMEFORMAT: `{}': invalid format character", char::from(letter)))
                }
            }
        }
        result
    }
}

/// A line of `TIMEFORMAT`; the letter that it does not know.
fn text(format: &[u8], seconds: f64) -> Result<Vec<u8>, u8> {
    let mut out = vec![];
    let mut rest = format;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte != b'%' || rest.is_empty() {
            out.push(*byte);
            continue;
        }
        let mut places = 3;
        if let Some((digit @ b'0'..=b'9', behind)) = rest.split_first() {
            places = usize::from((digit - b'0').min(3));
            rest = behind;
        }
        let long = rest.first() == Some(&b'l');
        rest = &rest[usize::from(long)..];
        let Some((letter, behind)) = rest.split_first() else { return Err(b'%') };
        rest = behind;
        match letter {
            b'%' => out.push(b'%'),
            b'R' => out.extend(duration(seconds, places, long)),
            b'U' | b'S' => out.extend(duration(0.0, places, long)),
            b'P' => out.extend_from_slice(b"0.00"),
            letter => return Err(*letter),
        }
    }
    out.push(b'\n');
    Ok(out)
}

fn duration(seconds: f64, places: usize, long: bool) -> Vec<u8> {
    if !long {
        return format!("{seconds:.places$}").into_bytes();
    }
    let minutes = (seconds / 60.0).floor();
    format!("{minutes:.0}m{:.places$}s", seconds - minutes * 60.0).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bash_timeformat() {
        let shown = |format: &[u8]| text(format, 61.5).map(|text| String::from_utf8_lossy(&text).into_owned());
        assert_eq!(shown(FORMAT), Ok("\nreal\t1m1.500s\nuser\t0m0.000s\nsys\t0m0.000s\n".to_owned()));
        assert_eq!(shown(PORTABLE), Ok("real 61.50\nuser 0.00\nsys 0.00\n".to_owned()));
        assert_eq!(shown(b"%0R %% %9lR x"), Ok("62 % 1m1.500s x\n".to_owned()));
        assert_eq!(shown(b"%q"), Err(b'q'));
    }
}

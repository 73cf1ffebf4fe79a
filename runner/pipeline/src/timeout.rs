//! How long a step may take (rules F22-F24).

use std::time::Duration;

/// The longest timeout (rule F24).
pub const MAX_TIMEOUT: Duration = Duration::from_millis(2_147_483_647);

/// The `timeout` of a step; `0` means none and is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepTimeout(Duration);

impl StepTimeout {
    /// How long the step may take, at most [`MAX_TIMEOUT`].
    #[must_use]
    pub fn duration(self) -> Duration {
        self.0
    }
}

/// Reads `<number><unit>` with the unit `s`, `m` or `h`: `Ok(None)` is no timeout (rule F23).
///
/// # Errors
/// Whatever else, which the caller warns about and ignores (rule F22).
pub fn parse_timeout(text: &str) -> Result<Option<StepTimeout>, BadTimeout> {
    let bad = || BadTimeout { text: text.to_owned() };
    let unit = match text.bytes().last() {
        Some(b's') => 1.0,
        Some(b'm') => 60.0,
        Some(b'h') => 3600.0,
        _ => return Err(bad()),
    };
    let number = &text[..text.len() - 1];
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let dots = number.bytes().filter(|byte| *byte == b'.').count();
    // Neither `e` nor a sign, which a float would allow.
    if dots > 1 || digits + dots != number.len() {
        return Err(bad());
    }
    let seconds = number.parse::<f64>().map_err(|_| bad())? * unit;
    if seconds <= 0.0 {
        return Ok(None);
    }
    let limit = MAX_TIMEOUT.as_secs_f64();
    Ok(Some(StepTimeout(if seconds < limit { Duration::from_secs_f64(seconds) } else { MAX_TIMEOUT })))
}

/// A text that is no timeout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"timeout\" with value \"{text}\" fails to match the required pattern: <number>s, <number>m or <number>h")]
pub struct BadTimeout {
    /// The text.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<f64> {
        parse_timeout(text).expect(text).map(|timeout| timeout.duration().as_secs_f64())
    }

    #[test]
    fn f22_number_and_unit() {
        for (text, expected) in [("45m", 2700.0), ("1.5h", 5400.0), (".5h", 1800.0), ("5.h", 18000.0), ("1s", 1.0)] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in ["10d", "1h30m", "-1s", " 1s", "1M", "45", "${{T}}", "m", ".s", "", "1..5s", "١s", "1e3s"] {
            assert!(parse_timeout(text).is_err(), "{text}");
        }
    }

    #[test]
    fn f23_zero_is_no_timeout() {
        for text in ["0s", "0m", "0h", "0.0s", "00s"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn f24_the_longest_is_2147483647_milliseconds() {
        assert_eq!(parse_timeout("968h").ok().flatten().map(StepTimeout::duration), Some(MAX_TIMEOUT));
        assert_eq!(seconds("2147483s"), Some(2_147_483.0));
        assert_eq!(parse_timeout(&format!("{}h", "9".repeat(500))).ok().flatten(), Some(StepTimeout(MAX_TIMEOUT)));
    }
}

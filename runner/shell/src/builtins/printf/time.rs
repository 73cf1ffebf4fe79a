//! `%(…)T`: a time as `strftime` of C has it, in the POSIX locale.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::strtime::{BrokenDownTime, Config, PosixCustom};
use jiff::tz::TimeZone;

/// The time: seconds since the epoch, -1 for now, -2 for when the shell began. `zone` is the value of `TZ`: a POSIX rule, such as
/// `CET-1CEST,M3.5.0,M10.5.0/3`. A step has no database of zones, so that their names mean UTC, as C has it.
pub(super) fn text(format: &[u8], seconds: i64, zone: Option<&[u8]>, running: Duration) -> Option<String> {
    let now = Timestamp::now();
    let time = match seconds {
        -1 => now,
        -2 => now - running,
        seconds => Timestamp::from_second(seconds).ok()?,
    };
    let rule = zone.and_then(|zone| std::str::from_utf8(zone).ok());
    let zone = rule.and_then(|rule| TimeZone::posix(rule).ok()).unwrap_or(TimeZone::UTC);
    let config = Config::new().custom(PosixCustom::new()).lenient(true);
    BrokenDownTime::from(&time.to_zoned(zone)).to_string_with_config(&config, format).ok()
}

/// The moment that a text of `-newermt` names, in seconds since 1970; `now` is when we are. Dates are in UTC.
pub(crate) fn parse(text: &str, now: i64) -> Option<i64> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        return seconds.split('.').next()?.parse().ok();
    }
    match text {
        "now" | "today" => return Some(now),
        "yesterday" => return Some(now - 86400),
        "tomorrow" => return Some(now + 86400),
        _ => {}
    }
    relative(text, now).or_else(|| absolute(text))
}

/// `3 days ago`, `-2 hours`, `1 week`.
fn relative(text: &str, now: i64) -> Option<i64> {
    let (text, sign) = match text.strip_suffix("ago") {
        Some(text) => (text.trim(), -1),
        None => (text, 1),
    };
    let end = text.find(|character: char| character.is_ascii_alphabetic())?;
    let number = match text[..end].trim() {
        "" => 1,
        number => number.parse::<i64>().ok()?,
    };
    let unit = text[end..].trim();
    let seconds = match unit.strip_suffix('s').unwrap_or(unit) {
        "sec" | "second" => 1,
        "min" | "minute" => 60,
        "hour" => 3600,
        "day" => 86400,
        "week" => 7 * 86400,
        "fortnight" => 14 * 86400,
        _ => return None,
    };
    now.checked_add(number.checked_mul(seconds)?.checked_mul(sign)?)
}

/// `2024-05-17`, `2024-05-17 10:11`, `2024-05-17T10:11:12Z`, `2024-05-17 10:11:12 +0200`.
fn absolute(text: &str) -> Option<i64> {
    let (date, time) = text.split_at_checked(10)?;
    let numbers = |text: &str, mark: char| -> Option<Vec<i64>> {
        text.split(mark).map(|part| part.parse().ok().filter(|number| (0..=9999).contains(number))).collect()
    };
    let &[year, month, day] = numbers(date, '-')?.as_slice() else { return None };
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let time = time.trim_start_matches(['T', ' ']).trim_end_matches(['Z', 'z']).trim_end_matches(" UTC").trim_end();
    let (time, offset) = match time.rfind(['+', '-']) {
        Some(at) => (time[..at].trim_end(), zone(&time[at..])?),
        None => (time, 0),
    };
    let time = time.split('.').next().unwrap_or_default();
    let seconds = match numbers(time, ':').unwrap_or_default().as_slice() {
        [] if time.is_empty() => 0,
        &[hour, minute] if hour < 24 && minute < 60 => hour * 3600 + minute * 60,
        &[hour, minute, second] if hour < 24 && minute < 60 && second < 61 => hour * 3600 + minute * 60 + second,
        _ => return None,
    };
    Some(days(year, month, day) * 86400 + seconds - offset)
}

/// `+02:00`, `-0730`, `+01` in seconds.
fn zone(text: &str) -> Option<i64> {
    let (sign, digits) = text.split_at(1);
    let digits = digits.replace(':', "");
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = if digits.len() > 2 { digits.get(2..4)?.parse().ok()? } else { 0 };
    Some((hours * 3600 + minutes * 60) * if sign == "-" { -1 } else { 1 })
}

/// Days since 1970 in the Gregorian calendar, whose years begin in March here.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn moments_are_dates_and_distances() {
        let now = 1_700_000_000;
        for (text, expected) in [
            ("@12", Some(12)),
            ("1970-01-01", Some(0)),
            ("2024-02-29", Some(1_709_164_800)),
            ("2024-05-17 10:11", Some(1_715_940_660)),
            ("2024-05-17T10:11:12Z", Some(1_715_940_672)),
            ("2024-05-17 10:11:12 +0200", Some(1_715_933_472)),
            ("now", Some(now)),
            ("1 day ago", Some(now - 86400)),
            ("-2 hours", Some(now - 7200)),
            ("3 weeks ago", Some(now - 3 * 604_800)),
            ("2024-13-01", None),
            ("soon", None),
            ("2024-05-17 25:00", None),
        ] {
            assert_eq!(parse(text, now), expected, "{text}");
        }
    }
}

/// What a limit is counted in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// Bytes: `4096`, `64KiB`, `1.5 GiB`; `KB` and its like mean the same, as `K` does.
    Bytes,
    /// Things: `64`.
    Count,
    /// Seconds: `90`, `90s`, `10m`, `1.5h`, `2d`.
    Time,
}

/// A text that is no amount.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{text}` is {what}")]
pub struct BadAmount {
    text: String,
    what: &'static str,
}

/// Names of units and how much they are, the first of equal ones to show with.
const BYTES: [(&str, u64); 16] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
    ("TB", 1 << 40),
    ("GB", 1 << 30),
    ("MB", 1 << 20),
    ("KB", 1 << 10),
    ("T", 1 << 40),
    ("G", 1 << 30),
    ("M", 1 << 20),
    ("K", 1 << 10),
    ("bytes", 1),
    ("byte", 1),
    ("", 1),
];
const TIMES: [(&str, u64); 5] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1), ("", 1)];
const COUNTS: [(&str, u64); 1] = [("", 1)];

impl Unit {
    fn names(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Bytes => &BYTES,
            Self::Count => &COUNTS,
            Self::Time => &TIMES,
        }
    }

    /// Reads an amount; `none` is no bound.
    ///
    /// # Errors
    /// Where it is none of this unit.
    pub fn parse(self, text: &str) -> Result<u64, BadAmount> {
        let text = text.trim();
        let bad = || BadAmount {
            text: text.chars().take(40).collect(),
            what: match self {
                Self::Bytes => "no size, such as `512MiB`",
                Self::Count => "no number, such as `64`",
                Self::Time => "no time, such as `90s`, `10m` or `2h`",
            },
        };
        if text == "none" {
            return Ok(u64::MAX);
        }
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = (&text[..digits], text[digits..].trim());
        let factor = self.names().iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(bad)?.1;
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || number.ends_with('.') || part.len() > 6 || part.contains('.') {
            return Err(bad());
        }
        let whole: u64 = whole.parse().map_err(|_| bad())?;
        let mut amount = whole.checked_mul(factor).ok_or_else(bad)?;
        if !part.is_empty() {
            let parts: u64 = part.parse().map_err(|_| bad())?;
            // A part of a byte or of a second is none.
            let of = 10_u64.pow(part.len() as u32);
            if factor == 1 {
                return Err(bad());
            }
            let more = u64::try_from(u128::from(parts) * u128::from(factor) / u128::from(of)).map_err(|_| bad())?;
            amount = amount.checked_add(more).ok_or_else(bad)?;
        }
        Ok(amount)
    }

    /// An amount as people write it.
    pub fn show(self, amount: u64) -> String {
        let fits = |(_, factor): &&(&str, u64)| amount >= *factor && amount.is_multiple_of(*factor);
        let exact = self.names().iter().find(fits);
        let (name, factor) = exact.copied().unwrap_or(("", 1));
        let number = amount / factor;
        match self {
            Self::Bytes if name == "B" || name.is_empty() => format!("{number} bytes"),
            Self::Bytes => format!("{number} {name}"),
            Self::Time if name.is_empty() => format!("{number} s"),
            Self::Time => format!("{number} {name}"),
            Self::Count => number.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_with_their_units() {
        for (unit, text, amount) in [
            (Unit::Bytes, "0", 0),
            (Unit::Bytes, "4096", 4096),
            (Unit::Bytes, "64KiB", 64 << 10),
            (Unit::Bytes, "64 kb", 64 << 10),
            (Unit::Bytes, "1.5 GiB", 3 << 29),
            (Unit::Bytes, "2T", 2 << 40),
            (Unit::Bytes, "none", u64::MAX),
            (Unit::Count, "64", 64),
            (Unit::Time, "90", 90),
            (Unit::Time, "90s", 90),
            (Unit::Time, "1.5h", 5400),
            (Unit::Time, " 2d ", 172_800),
        ] {
            assert_eq!(unit.parse(text), Ok(amount), "{text}");
        }
        for (unit, text) in [
            (Unit::Bytes, ""),
            (Unit::Bytes, "-1"),
            (Unit::Bytes, "1.5"),
            (Unit::Bytes, "1."),
            (Unit::Bytes, ".5G"),
            (Unit::Bytes, "1.2.3G"),
            (Unit::Bytes, "1 GiB 2"),
            (Unit::Bytes, "99999999999999999999"),
            (Unit::Bytes, "99999999999T"),
            (Unit::Bytes, "1h"),
            (Unit::Count, "64k"),
            (Unit::Time, "1w"),
            (Unit::Time, "None"),
        ] {
            assert!(unit.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_are_shown_as_they_are_read() {
        for (unit, amount, text) in [
            (Unit::Bytes, 1 << 30, "1 GiB"),
            (Unit::Bytes, 3 << 29, "1536 MiB"),
            (Unit::Bytes, 1001, "1001 bytes"),
            (Unit::Bytes, 0, "0 bytes"),
            (Unit::Count, 64, "64"),
            (Unit::Time, 43_200, "12 h"),
            (Unit::Time, 90, "90 s"),
            (Unit::Time, 0, "0 s"),
        ] {
            assert_eq!(unit.show(amount), text);
            assert_eq!(unit.parse(text), Ok(amount), "{text}");
        }
    }
}

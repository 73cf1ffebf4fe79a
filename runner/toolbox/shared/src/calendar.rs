//! The calendar.

/// A moment in UTC, the only time zone inside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Moment {
    /// Years, as people count them.
    pub year: i64,
    /// 1 to 12.
    pub month: usize,
    /// 1 to 31.
    pub day: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
    /// 0 to 999 999 999.
    pub nanosecond: u32,
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Moment {
    /// From seconds and nanoseconds since 1970; the calendar is the proleptic Gregorian one.
    pub fn new(seconds: i64, nanosecond: u32) -> Self {
        let (days, rest) = (seconds.div_euclid(86400), seconds.rem_euclid(86400));
        // Years begin in March here, so that the leap day is the last one of a year.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let month = usize::try_from(month).unwrap_or(1);
        Self { year, month, day, hour: rest / 3600, minute: rest / 60 % 60, second: rest % 60, nanosecond }
    }

    /// `2026-01-31 12:30`.
    pub fn minutes(&self) -> String {
        format!("{:04}-{:02}-{:02} {:02}:{:02}", self.year, self.month, self.day, self.hour, self.minute)
    }

    /// `2026-01-31 12:30:59.000000000 +0000`.
    pub fn full(&self) -> String {
        format!("{}:{:02}.{:09} +0000", self.minutes(), self.second, self.nanosecond)
    }

    /// `Jan 31 12:30`, or with the year where the moment is not `recent`.
    pub fn short(&self, recent: bool) -> String {
        let month = MONTHS.get(self.month - 1).unwrap_or(&"???");
        if recent {
            format!("{month} {:>2} {:02}:{:02}", self.day, self.hour, self.minute)
        } else {
            format!("{month} {:>2}  {:04}", self.day, self.year)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn moments_are_named_as_date_names_them() {
        assert_eq!(Moment::new(0, 0).full(), "1970-01-01 00:00:00.000000000 +0000");
        assert_eq!(Moment::new(951_782_399, 7).full(), "2000-02-28 23:59:59.000000007 +0000");
        assert_eq!(Moment::new(951_782_400, 0).minutes(), "2000-02-29 00:00");
        assert_eq!(Moment::new(-1, 0).minutes(), "1969-12-31 23:59");
        assert_eq!(Moment::new(1_767_225_599, 0).short(true), "Dec 31 23:59");
        assert_eq!(Moment::new(1_767_225_600, 0).short(false), "Jan  1  2026");
    }
}

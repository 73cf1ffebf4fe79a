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

    /// As `strftime` writes it. The error is a message.
    ///
    /// # Errors
    /// Where the format asks for something else than dates and times.
    pub fn format(&self, format: &str) -> Result<String, String> {
        const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
        const LONG_MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let days = self.days();
        let weekday = usize::try_from((days + 4).rem_euclid(7)).unwrap_or(0);
        let month = self.month.clamp(1, 12) - 1;
        let hour12 = (self.hour + 11) % 12 + 1;
        let mut result = String::new();
        let mut rest = format.chars();
        while let Some(character) = rest.next() {
            if character != '%' {
                result.push(character);
                continue;
            }
            let text = match rest.next() {
                Some('Y') => self.year.to_string(),
                Some('m') => format!("{:02}", self.month),
                Some('d') => format!("{:02}", self.day),
                Some('e') => format!("{:2}", self.day),
                Some('H') => format!("{:02}", self.hour),
                Some('I') => format!("{hour12:02}"),
                Some('M') => format!("{:02}", self.minute),
                Some('S') => format!("{:02}", self.second),
                Some('y') => format!("{:02}", self.year.rem_euclid(100)),
                Some('j') => format!("{:03}", days - Self { month: 1, day: 1, ..*self }.days() + 1),
                Some('p') => (if self.hour < 12 { "AM" } else { "PM" }).to_owned(),
                Some('a') => DAYS[weekday][..3].to_owned(),
                Some('A') => DAYS[weekday].to_owned(),
                Some('b' | 'h') => MONTHS[month].to_owned(),
                Some('B') => LONG_MONTHS[month].to_owned(),
                Some('u') => (if weekday == 0 { 7 } else { weekday }).to_string(),
                Some('w') => weekday.to_string(),
                Some('F') => self.format("%Y-%m-%d")?,
                Some('T') => self.format("%H:%M:%S")?,
                Some('R') => self.format("%H:%M")?,
                Some('D') => self.format("%m/%d/%y")?,
                Some('c') => self.format("%a %b %e %H:%M:%S %Y")?,
                Some('s') => (days * 86400 + self.hour * 3600 + self.minute * 60 + self.second).to_string(),
                Some('Z') => "UTC".to_owned(),
                Some('z') => "+0000".to_owned(),
                Some('n') => "\n".to_owned(),
                Some('t') => "\t".to_owned(),
                Some('%') => "%".to_owned(),
                other => {
                    return Err(format!(
                        "`%{}` of a time is not supported",
                        other.map(String::from).unwrap_or_default()
                    ));
                }
            };
            result.push_str(&text);
        }
        Ok(result)
    }

    /// Days since 1970.
    fn days(&self) -> i64 {
        let month = i64::try_from(self.month).unwrap_or(1);
        let year = self.year - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year - era * 400;
        let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + self.day - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
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

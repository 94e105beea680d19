//! Numbers, dates and times out of a dump's text.

use std::fmt;

use backtrail_schema::StatementTimeKind;

/// Reads digits with a sign, all of the text.
pub(crate) fn parse_number<N: std::str::FromStr>(text: &[u8]) -> Option<N> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads digits up to a separator (or the end), which is taken too.
fn field(text: &mut &[u8], separator: Option<u8>) -> Option<u64> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 || length > 9 {
        return None;
    }
    let (digits, rest) = text.split_at(length);
    *text = match separator {
        Some(separator) => rest.strip_prefix(&[separator])?,
        None => rest,
    };
    Some(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// Reads what is left as a fraction of a second: `.123` or nothing. Millionths.
fn fraction(text: &[u8]) -> Option<u64> {
    let digits = match text {
        [] => return Some(0),
        [b'.', digits @ ..] if digits.len() <= 6 && digits.iter().all(u8::is_ascii_digit) => digits,
        _ => return None,
    };
    let number = digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    Some(number * 10_u64.pow(6 - digits.len() as u32))
}

/// Reads `2024-02-19`; zero dates too.
pub(crate) fn parse_date(mut text: &[u8]) -> Option<(u64, u64, u64)> {
    let date = (field(&mut text, Some(b'-'))?, field(&mut text, Some(b'-'))?, field(&mut text, None)?);
    (text.is_empty() && date.0 <= 9999 && date.1 <= 12 && date.2 <= 31).then_some(date)
}

/// Reads `-838:59:59.000000` as microseconds.
pub(crate) fn parse_time(text: &[u8]) -> Option<i64> {
    let (negative, mut text) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (hours, minutes) = (field(&mut text, Some(b':'))?, field(&mut text, Some(b':'))?);
    let seconds = field(&mut text, None)?;
    if hours > 838 || minutes > 59 || seconds > 59 {
        return None;
    }
    let micros = (((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + fraction(text)?).cast_signed();
    Some(if negative { -micros } else { micros })
}

/// A date and a time of day as a server writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateTime {
    pub(crate) year: u64,
    pub(crate) month: u64,
    pub(crate) day: u64,
    pub(crate) hour: u64,
    pub(crate) minute: u64,
    pub(crate) second: u64,
    pub(crate) micros: u64,
}

impl DateTime {
    /// Reads `2024-02-19 17:45:20.538`; zero dates too.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (date, mut time) = text.split_at_checked(text.iter().position(|byte| *byte == b' ')?)?;
        let (year, month, day) = parse_date(date)?;
        time = time.get(1..)?;
        let (hour, minute) = (field(&mut time, Some(b':'))?, field(&mut time, Some(b':'))?);
        let second = field(&mut time, None)?;
        let micros = fraction(time)?;
        (hour <= 23 && minute <= 59 && second <= 59).then_some(Self { year, month, day, hour, minute, second, micros })
    }

    /// Reads `2024-02-19`: the day's beginning.
    pub(crate) fn of_date(text: &[u8]) -> Option<Self> {
        let (year, month, day) = parse_date(text)?;
        Some(Self { year, month, day, hour: 0, minute: 0, second: 0, micros: 0 })
    }

    /// One number, ordered like the times.
    pub(crate) fn packed(self) -> u64 {
        let days = (self.year * 13 + self.month) * 32 + self.day;
        (((days * 24 + self.hour) * 60 + self.minute) * 60 + self.second) * 1_000_000 + self.micros
    }

    pub(crate) fn from_packed(packed: u64) -> Self {
        let seconds = packed / 1_000_000;
        let days = seconds / 86_400;
        Self {
            year: days / 32 / 13,
            month: days / 32 % 13,
            day: days % 32,
            hour: seconds / 3600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            micros: packed % 1_000_000,
        }
    }

    /// The instant, of a time in UTC; the zero date is 0.
    pub(crate) fn micros_since_epoch(self) -> Option<u64> {
        if (self.year, self.month, self.day) == (0, 0, 0) {
            return (self.hour == 0 && self.minute == 0 && self.second == 0 && self.micros == 0).then_some(0);
        }
        let month = time::Month::try_from(u8::try_from(self.month).ok()?).ok()?;
        let date =
            time::Date::from_calendar_date(i32::try_from(self.year).ok()?, month, u8::try_from(self.day).ok()?).ok()?;
        let days = i64::from(date.to_julian_day()) - 2_440_588;
        let seconds = (self.hour * 60 + self.minute) * 60 + self.second;
        let micros = (days * 86_400 + seconds.cast_signed()) * 1_000_000 + self.micros.cast_signed();
        u64::try_from(micros).ok()
    }
}

/// A time in microseconds since 1970 as a SQL literal.
pub(crate) fn literal_of(micros: i64, fsp: u8, kind: StatementTimeKind) -> Option<String> {
    let at = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).ok()?;
    let (date, clock) = (at.date(), at.time());
    let mut fraction = format!(".{:06}", clock.microsecond());
    fraction.truncate(if fsp == 0 { 0 } else { 1 + usize::from(fsp.min(6)) });
    let day = format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day());
    let hour = format!("{:02}:{:02}:{:02}{fraction}", clock.hour(), clock.minute(), clock.second());
    Some(match kind {
        StatementTimeKind::Timestamp | StatementTimeKind::DateTime => format!("'{day} {hour}'"),
        StatementTimeKind::Date => format!("'{day}'"),
        StatementTimeKind::Time => format!("'{hour}'"),
    })
}

/// A TIMESTAMP's text in a time zone so many seconds east of UTC, as a literal in UTC.
pub(crate) fn in_utc(text: &str, east: i64) -> Option<String> {
    let at = DateTime::parse(text.as_bytes())?;
    let micros = i64::try_from(at.micros_since_epoch()?).ok()?;
    if micros == 0 {
        return Some(format!("'{text}'"));
    }
    let fsp = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    literal_of(micros - east * 1_000_000, u8::try_from(fsp).ok()?, StatementTimeKind::Timestamp)
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second, micros } = self;
        write!(f, "'{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_dates() {
        assert_eq!(parse_time(b"-838:59:59.5"), Some(-3_020_399_500_000));
        assert_eq!(parse_time(b"-00:00:00.000001"), Some(-1));
        assert_eq!(parse_date(b"0000-00-00"), Some((0, 0, 0)));
        assert_eq!(parse_date(b"2024-13-01"), None);
        let at = DateTime::parse(b"2024-02-19 17:45:20.538").unwrap();
        assert_eq!(DateTime::from_packed(at.packed()), at);
        assert_eq!(at.micros_since_epoch(), Some(1_708_364_720_538_000));
        assert_eq!(DateTime::parse(b"0000-00-00 00:00:00").unwrap().micros_since_epoch(), Some(0));
        assert_eq!(DateTime::parse(b"2010-00-00 00:00:00").unwrap().micros_since_epoch(), None);
        assert_eq!(DateTime::parse(b"2024-02-19"), None);
        assert_eq!(DateTime::of_date(b"2024-02-19"), DateTime::parse(b"2024-02-19 00:00:00.0"));
        assert_eq!(DateTime::of_date(b"2024-02-19 00:00:00"), None);
    }
}

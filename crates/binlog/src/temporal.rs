//! Dates and times: what their bytes say, and the server's text for it.
//!
//! Nothing is normalised: zero dates, zero months and days come through as they are stored.

use std::fmt;

use crate::Malformed;
use crate::bytes::{big_endian, little_endian};

/// DATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// From 0.
    pub year: u16,
    /// 0 is possible.
    pub month: u8,
    /// 0 is possible.
    pub day: u8,
}

/// TIME: a span from -838:59:59 to 838:59:59.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Time {
    /// Below zero.
    pub negative: bool,
    /// Up to 838.
    pub hours: u16,
    /// Up to 59.
    pub minutes: u8,
    /// Up to 59.
    pub seconds: u8,
    /// Millionths.
    pub micros: u32,
    /// Digits of the fraction that the column keeps.
    pub fsp: u8,
}

/// DATETIME: a date and a time of day, of no zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime {
    /// The date.
    pub date: Date,
    /// Up to 23.
    pub hour: u8,
    /// Up to 59.
    pub minute: u8,
    /// Up to 59.
    pub second: u8,
    /// Millionths.
    pub micros: u32,
    /// Digits of the fraction that the column keeps.
    pub fsp: u8,
}

/// TIMESTAMP: an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timestamp {
    /// Since 1970 in UTC; 0 is the zero date `0000-00-00 00:00:00`.
    pub seconds: i64,
    /// Millionths.
    pub micros: u32,
    /// Digits of the fraction that the column keeps.
    pub fsp: u8,
}

/// Writes `2026-11-23`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Writes `-12:00:00.500`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        write!(f, "{sign}{:02}:{:02}:{:02}", self.hours, self.minutes, self.seconds)?;
        write_fraction(f, self.micros, self.fsp)
    }
}

/// Writes `2026-11-23 09:30:00.000`.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:02}:{:02}:{:02}", self.date, self.hour, self.minute, self.second)?;
        write_fraction(f, self.micros, self.fsp)
    }
}

/// Writes the time in UTC: `2026-11-23 09:30:00.000`, or `0000-00-00 00:00:00`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.in_utc().fmt(f)
    }
}

fn write_fraction(f: &mut fmt::Formatter<'_>, micros: u32, fsp: u8) -> fmt::Result {
    match usize::from(fsp.min(6)) {
        0 => Ok(()),
        digits => write!(f, ".{:0digits$}", micros / 10u32.pow(6 - digits as u32)),
    }
}

impl Timestamp {
    /// Date and time of day in UTC.
    pub fn in_utc(&self) -> DateTime {
        if self.seconds == 0 && self.micros == 0 {
            let date = Date { year: 0, month: 0, day: 0 };
            return DateTime { date, hour: 0, minute: 0, second: 0, micros: 0, fsp: self.fsp };
        }
        let (days, second) = (self.seconds.div_euclid(86_400), self.seconds.rem_euclid(86_400));
        // Days of a calendar that begins in March of the year 0: every 400 years alike.
        let days = days + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let date = Date { year: (era * 400 + year_of_era + next_year) as u16, month: month as u8, day: day as u8 };
        DateTime {
            date,
            hour: (second / 3600) as u8,
            minute: (second / 60 % 60) as u8,
            second: (second % 60) as u8,
            micros: self.micros,
            fsp: self.fsp,
        }
    }
}

/// Three bytes: five bits of day, four of month, the rest year.
pub(crate) fn date(raw: &[u8]) -> Date {
    let packed = little_endian(raw);
    Date { year: (packed >> 9) as u16, month: (packed >> 5 & 15) as u8, day: (packed & 31) as u8 }
}

/// Three bytes of a signed decimal number `hhhmmss`.
pub(crate) fn old_time(raw: &[u8]) -> Time {
    let packed = (little_endian(raw) as i32) << 8 >> 8;
    let digits = packed.unsigned_abs();
    Time {
        negative: packed < 0,
        hours: (digits / 10_000) as u16,
        minutes: (digits / 100 % 100) as u8,
        seconds: (digits % 100) as u8,
        micros: 0,
        fsp: 0,
    }
}

/// Eight bytes of a decimal number `yyyymmddhhmmss`.
pub(crate) fn old_datetime(raw: &[u8]) -> Result<DateTime, Malformed> {
    let packed = little_endian(raw);
    let (days, seconds) = (packed / 1_000_000, packed % 1_000_000);
    let year = u16::try_from(days / 10_000).map_err(|_| Malformed::invalid("DATETIME value", "a year above 65535"))?;
    Ok(DateTime {
        date: Date { year, month: (days / 100 % 100) as u8, day: (days % 100) as u8 },
        hour: (seconds / 10_000) as u8,
        minute: (seconds / 100 % 100) as u8,
        second: (seconds % 100) as u8,
        micros: 0,
        fsp: 0,
    })
}

/// Four bytes, the least significant first.
pub(crate) fn old_timestamp(raw: &[u8]) -> Timestamp {
    Timestamp { seconds: little_endian(raw) as i64, micros: 0, fsp: 0 }
}

/// Scales a fraction as stored (hundredths, ten-thousandths or millionths) to millionths.
fn micros(fraction: u64, bytes: usize) -> Result<u32, Malformed> {
    let micros = fraction * [1_000_000, 10_000, 100, 1][bytes.min(3)];
    match u32::try_from(micros) {
        Ok(micros @ 0..=999_999) => Ok(micros),
        _ => Err(Malformed::invalid("fraction of a second", format!("{fraction} in {bytes} bytes"))),
    }
}

fn fraction_bytes(fsp: u8) -> usize {
    usize::from(fsp.min(6)).div_ceil(2)
}

/// A fixed-point number with its high byte first, offset so that it is never negative: three bytes of whole part (an
/// unused bit, ten of hours, six of minutes, six of seconds) and up to three of fraction.
pub(crate) fn time(fsp: u8, raw: &[u8]) -> Result<Time, Malformed> {
    let bytes = fraction_bytes(fsp);
    let bits = 8 * bytes;
    let packed = big_endian(raw) as i64 - (0x80_0000 << bits);
    let magnitude = packed.unsigned_abs();
    let (whole, fraction) = (magnitude >> bits, magnitude & ((1 << bits) - 1));
    Ok(Time {
        negative: packed < 0,
        hours: (whole >> 12 & 0x3ff) as u16,
        minutes: (whole >> 6 & 0x3f) as u8,
        seconds: (whole & 0x3f) as u8,
        micros: micros(fraction, bytes)?,
        fsp,
    })
}

/// Five bytes, the top bit set: 17 bits of `year * 13 + month`, five of day, five of hour, six of minute, six of second;
/// then the fraction.
pub(crate) fn datetime(fsp: u8, raw: &[u8]) -> Result<DateTime, Malformed> {
    let bytes = fraction_bytes(fsp);
    let (whole, fraction) = raw.split_at_checked(5).unwrap_or((raw, &[]));
    let packed = big_endian(whole)
        .checked_sub(0x80_0000_0000)
        .ok_or_else(|| Malformed::invalid("DATETIME value", "below zero"))?;
    Ok(from_packed(packed, micros(big_endian(fraction), bytes)?, fsp))
}

/// Takes apart the whole seconds of a packed DATETIME.
pub(crate) fn from_packed(packed: u64, micros: u32, fsp: u8) -> DateTime {
    let months = packed >> 22;
    DateTime {
        date: Date { year: (months / 13) as u16, month: (months % 13) as u8, day: (packed >> 17 & 0x1f) as u8 },
        hour: (packed >> 12 & 0x1f) as u8,
        minute: (packed >> 6 & 0x3f) as u8,
        second: (packed & 0x3f) as u8,
        micros,
        fsp,
    }
}

/// Four bytes of seconds with the high byte first, then the fraction.
pub(crate) fn timestamp(fsp: u8, raw: &[u8]) -> Result<Timestamp, Malformed> {
    let (seconds, fraction) = raw.split_at_checked(4).unwrap_or((raw, &[]));
    let micros = micros(big_endian(fraction), fraction_bytes(fsp))?;
    Ok(Timestamp { seconds: big_endian(seconds) as i64, micros, fsp })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let check = |fsp, raw: &[u8], expected: &str| assert_eq!(time(fsp, raw).unwrap().to_string(), expected);
        check(0, &[0x80, 0x00, 0x00], "00:00:00");
        check(0, &[0x80, 0x10, 0x83], "01:02:03");
        check(0, &[0x7f, 0xff, 0xff], "-00:00:01");
        check(0, &[0xb4, 0x6e, 0xfb], "838:59:59");
        check(0, &[0x4b, 0x91, 0x05], "-838:59:59");
        check(3, &[0x80, 0x00, 0x00, 0x00, 0x0a], "00:00:00.001");
        check(3, &[0x7f, 0xff, 0xff, 0xff, 0xf6], "-00:00:00.001");
        check(2, &[0x7f, 0xff, 0xff, 0xff], "-00:00:00.01");
        check(1, &[0x7f, 0xff, 0xfe, 0xce], "-00:00:01.5");
        check(6, &[0x80, 0x00, 0x00, 0x00, 0x00, 0x01], "00:00:00.000001");
        check(6, &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff], "-00:00:00.000001");
        assert!(time(2, &[0x80, 0, 0, 0x64]).is_err(), "a hundred hundredths");
    }

    #[test]
    fn datetimes() {
        let check = |fsp, raw: &[u8], expected: &str| assert_eq!(datetime(fsp, raw).unwrap().to_string(), expected);
        check(0, &[0x80, 0, 0, 0, 0], "0000-00-00 00:00:00");
        check(0, &[0xfe, 0xf3, 0xff, 0x7e, 0xfb], "9999-12-31 23:59:59");
        check(6, &[0x99, 0xb9, 0x36, 0x97, 0x80, 0x07, 0xa1, 0x20], "2026-02-27 09:30:00.500000");
        // A month of zero with a day in it (ALLOW_INVALID_DATES or no NO_ZERO_IN_DATE).
        check(1, &[0x99, 0xb8, 0x82, 0x00, 0x00, 0x32], "2026-00-01 00:00:00.5");
        assert!(datetime(0, &[0x7f, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn timestamps() {
        let check = |fsp, raw: &[u8], expected: &str| assert_eq!(timestamp(fsp, raw).unwrap().to_string(), expected);
        check(0, &[0, 0, 0, 0], "0000-00-00 00:00:00");
        check(0, &[0, 0, 0, 1], "1970-01-01 00:00:01");
        check(0, &[0x7f, 0xff, 0xff, 0xff], "2038-01-19 03:14:07");
        check(0, &[0xff, 0xff, 0xff, 0xff], "2106-02-07 06:28:15");
        check(0, &[0x38, 0xbc, 0x5d, 0x80], "2000-03-01 00:00:00");
        check(0, &[0x38, 0xbc, 0x5d, 0x7f], "2000-02-29 23:59:59");
        check(3, &[0, 0, 0, 1, 0x00, 0x0a], "1970-01-01 00:00:01.001");
        check(6, &[0, 0, 0, 0, 0x00, 0x00, 0x01], "1970-01-01 00:00:00.000001");
    }

    #[test]
    fn before_fractions() {
        assert_eq!(date(&[0x5b, 0xe4, 0x0f]).to_string(), "2034-02-27");
        assert_eq!(date(&[0, 0, 0]).to_string(), "0000-00-00");
        assert_eq!(old_time(&(-8_385_959i32).to_le_bytes()[..3]).to_string(), "-838:59:59");
        assert_eq!(old_time(&123_456i32.to_le_bytes()[..3]).to_string(), "12:34:56");
        assert_eq!(old_datetime(&20_111_018_112_233u64.to_le_bytes()).unwrap().to_string(), "2011-10-18 11:22:33");
        assert_eq!(old_timestamp(&[1, 0, 0, 0]).to_string(), "1970-01-01 00:00:01");
    }
}

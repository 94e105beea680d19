//! When a schedule fires: five-field cron expressions in a time zone.
//!
//! The rules are Vixie cron's: minute, hour, day of month, month, day of week; lists, ranges, steps and English names;
//! where both day fields are restricted, either one suffices. Across a change of the clocks a fixed time fires exactly
//! once: at the next valid instant when it falls into the hour that is skipped, at the first of the two when it falls
//! into the one that is repeated.

use std::fmt;
use std::str::FromStr;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::position::serde_as_text;

/// A cron expression that is known to fire.
#[derive(Debug, Clone)]
pub struct CronExpression {
    text: String,
    cron: Cron,
}

/// An IANA time zone, such as `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl CronExpression {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time it fires strictly after `now`, on a whole minute. `None` where the calendar ends.
    pub fn next_after(&self, now: OffsetDateTime, zone: &Zone) -> Option<OffsetDateTime> {
        next(&self.cron, now, &zone.zone)
    }
}

fn next(cron: &Cron, now: OffsetDateTime, zone: &TimeZone) -> Option<OffsetDateTime> {
    let now = Timestamp::from_second(now.unix_timestamp()).ok()?;
    let next = cron.find_next_occurrence(&now.to_zoned(zone.clone()), false).ok()?.timestamp();
    debug_assert!(next > now, "the next fire is strictly later");
    OffsetDateTime::from_unix_timestamp(next.as_second()).ok()
}

impl FromStr for CronExpression {
    type Err = ParseCronError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |reason: String| ParseCronError { text: text.to_owned(), reason };
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        if text.len() > MAX_LENGTH {
            return Err(ParseCronError { text: text.chars().take(32).collect(), reason: "it is too long".to_owned() });
        }
        if fields.len() != 5 {
            return Err(bad(format!("it has {} fields", fields.len())));
        }
        for field in &fields {
            check_field(field).map_err(|reason| bad(format!("`{field}` {reason}")))?;
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let text = fields.join(" ");
        let cron = parser.parse(&text).map_err(|error| bad(error.to_string()))?;
        // A date that exists comes within eight years (29 February across a year such as 2100).
        if next(&cron, OffsetDateTime::UNIX_EPOCH, &TimeZone::UTC).is_none() {
            return Err(bad("no such date ever comes".to_owned()));
        }
        Ok(Self { text, cron })
    }
}

const MAX_LENGTH: usize = 256;

/// Keeps to what every cron understands: the library knows `L`, `W`, `#`, `?` and `+` as well.
fn check_field(field: &str) -> Result<(), &'static str> {
    if field.bytes().any(|byte| !(byte.is_ascii_alphanumeric() || b"*,-/".contains(&byte))) {
        return Err("holds a character that cron's five fields do not know");
    }
    for word in field.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty()) {
        if !NAMES.iter().any(|name| word.eq_ignore_ascii_case(name)) {
            return Err("holds a word that names no month or day of the week");
        }
    }
    Ok(())
}

const NAMES: &[&str] = &[
    "sun", "mon", "tue", "wed", "thu", "fri", "sat", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep",
    "oct", "nov", "dec",
];

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for CronExpression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for CronExpression {}

impl Zone {
    /// Coordinated universal time: the default.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for Zone {
    type Err = ParseZoneError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let zone = TimeZone::get(text).map_err(|_| ParseZoneError { text: text.to_owned() })?;
        let name = zone.iana_name().unwrap_or(text).to_owned();
        Ok(Self { name, zone })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

serde_as_text!(CronExpression, Zone);

/// A text that is no cron expression, or one that never fires.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a cron expression: {reason}; write five fields (minute, hour, day of month, month, day of week), as in `0 2 * * *`"
)]
pub struct ParseCronError {
    text: String,
    reason: String,
}

/// A text that names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a time zone; write an IANA name, as in `Europe/Berlin`")]
pub struct ParseZoneError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::format_description::well_known::Rfc3339;

    #[track_caller]
    fn check(expression: &str, zone: &str, now: &str, expect: &[&str]) {
        let expression: CronExpression = expression.parse().unwrap();
        let zone: Zone = zone.parse().unwrap();
        let mut now = OffsetDateTime::parse(now, &Rfc3339).unwrap();
        for expect in expect {
            now = expression.next_after(now, &zone).unwrap();
            assert_eq!(now, OffsetDateTime::parse(expect, &Rfc3339).unwrap(), "{expression} {zone}");
        }
    }

    #[test]
    fn ordinary_days() {
        check("0 2 * * *", "UTC", "2026-04-13T02:00:00Z", &["2026-04-14T02:00:00Z", "2026-04-15T02:00:00Z"]);
        check("0 2 * * *", "UTC", "2026-04-13T01:59:59.999Z", &["2026-04-13T02:00:00Z"]);
        check("*/15 * * * *", "UTC", "2026-04-13T02:00:01Z", &["2026-04-13T02:15:00Z", "2026-04-13T02:30:00Z"]);
        check("0 3 * * 0", "UTC", "2026-04-13T02:00:00Z", &["2026-04-19T03:00:00Z"]);
        check("0 3 * * 7", "UTC", "2026-04-13T02:00:00Z", &["2026-04-19T03:00:00Z"]);
        check("30 4 29 feb *", "UTC", "2026-04-13T02:00:00Z", &["2028-02-29T04:30:00Z"]);
    }

    #[test]
    fn either_day_field_suffices() {
        check(
            "0 0 13 * fri",
            "UTC",
            "2026-04-09T12:00:00Z",
            &["2026-04-10T00:00:00Z", "2026-04-13T00:00:00Z", "2026-04-17T00:00:00Z"],
        );
    }

    #[test]
    fn clocks_change() {
        // Berlin: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00.
        check(
            "0 2 * * *",
            "Europe/Berlin",
            "2026-03-27T12:00:00Z",
            &["2026-03-28T01:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"],
        );
        check("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        check(
            "0 * * * *",
            "Europe/Berlin",
            "2026-10-24T23:30:00Z",
            &["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"],
        );
    }

    #[test]
    fn refuses_what_is_no_expression_or_never_comes() {
        for text in [
            "",
            "* * * *",
            "0 0 2 * * *",
            "@daily",
            "60 * * * *",
            "0 24 * * *",
            "0 0 L * *",
            "0 0 15W * *",
            "0 0 * * 5#2",
            "0 0 * * 5L",
            "0 0 ? * *",
            "0 0 30 2 *",
            "0 0 31 4,6 *",
            "0 0 * * mond",
            "a b c d e",
            "0 0 *+5 * *",
        ] {
            assert!(text.parse::<CronExpression>().is_err(), "{text}");
        }
        assert!("Europe/Atlantis".parse::<Zone>().is_err());
        assert!("".parse::<Zone>().is_err());
    }

    fn field(low: u32, high: u32) -> impl Strategy<Value = String> {
        prop_oneof![
            Just("*".to_owned()),
            (low..=high).prop_map(|n| n.to_string()),
            (1..=high).prop_map(|n| format!("*/{n}")),
            (low..=high, low..=high).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        ]
    }

    fn zone() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "UTC",
            "Europe/Berlin",
            "America/New_York",
            "Australia/Lord_Howe",
            "Asia/Kathmandu",
            "Pacific/Apia",
        ])
    }

    proptest! {
        #[test]
        fn the_next_fire_is_strictly_later_and_on_a_minute(
            minute in field(0, 59), hour in field(0, 23), day in field(1, 28), month in field(1, 12),
            weekday in field(0, 6), zone in zone(), now in 0i64..4_000_000_000,
        ) {
            let expression: CronExpression = format!("{minute} {hour} {day} {month} {weekday}").parse().unwrap();
            let zone: Zone = zone.parse().unwrap();
            let now = OffsetDateTime::from_unix_timestamp(now).unwrap();
            let next = expression.next_after(now, &zone).unwrap();
            prop_assert!(next > now);
            prop_assert_eq!(next.second(), 0);
            // Nothing lies between: asked from anywhere before it, the answer is the same.
            let half = now + (next - now) / 2;
            prop_assert_eq!(expression.next_after(half, &zone), Some(next));
        }

        #[test]
        fn no_text_breaks_the_parser(text in "[0-9a-zA-Z*,/#?+ @-]{0,40}") {
            let _ = text.parse::<CronExpression>();
        }
    }
}

//! Durations.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads a duration: `30s`, `500ms`, `5m`, `1h30m`, `7d`; a bare number is seconds. For clap's `value_parser`.
///
/// # Errors
/// Text of another form.
pub fn parse_duration(text: &str) -> Result<Duration, ParseDurationError> {
    let parse = || {
        let mut rest = text.trim();
        if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()) {
            return rest.parse().ok().map(Duration::from_secs);
        }
        let mut milliseconds = None;
        while !rest.is_empty() {
            let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
            let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
            let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
            let part = number.parse::<u64>().ok()?.checked_mul(*factor)?;
            milliseconds = Some(milliseconds.unwrap_or(0_u64).checked_add(part)?);
            rest = tail;
        }
        milliseconds.map(Duration::from_millis)
    };
    parse().ok_or_else(|| ParseDurationError { text: text.to_owned() })
}

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a duration; write it as in `30s`, `500ms`, `5m` or `1h30m`")]
pub struct ParseDurationError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations() {
        for (text, milliseconds) in [
            ("30s", 30_000),
            ("500ms", 500),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("7d", 604_800_000),
            ("60", 60_000),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "s", "1.5s", "-1s", "1x", "1s2", "99999999999999999999", "99999999999999d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}

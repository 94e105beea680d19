//! Lists of runs: their filters, and the way to the next page.

use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse};
use backtrail_domain::RunStatus;
use backtrail_store::{Cursor, Page};
use serde::Serialize;
use serde_json::Value;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime, Time};
use uuid::Uuid;

use crate::input::{self, Fields};

/// The largest page, and the one that is given without a wish.
pub(crate) const LIMITS: std::ops::RangeInclusive<i64> = 1..=200;
const DEFAULT_LIMIT: u16 = 50;

/// Takes `limit`.
pub(crate) fn limit(fields: &mut Fields) -> Option<u16> {
    let limit = fields.optional("limit", input::digits(LIMITS))?;
    Some(limit.and_then(|limit| u16::try_from(limit).ok()).unwrap_or(DEFAULT_LIMIT))
}

/// Takes `status`.
pub(crate) fn status(fields: &mut Fields) -> Option<Option<RunStatus>> {
    fields.optional("status", input::parsed)
}

/// Takes `cursor`.
pub(crate) fn cursor(fields: &mut Fields) -> Option<Option<Cursor>> {
    fields.optional("cursor", |value| {
        read_cursor(&input::text(value)?).ok_or_else(|| "is no cursor; follow the `Link` header".to_owned())
    })
}

/// A bound of a range of instants. Besides an instant it may be a date, which is a whole day in UTC: a range from a date
/// begins with that day, a range until one ends with it.
pub(crate) fn bound(end: bool) -> impl FnOnce(&Value) -> Result<OffsetDateTime, String> {
    move |value| {
        let text = input::text(value)?;
        let Ok(date) = Date::parse(&text, format_description!("[year]-[month]-[day]")) else {
            // A `+` that was not encoded arrives as a space.
            return input::instant(&text.replace(' ', "+").into()).map_err(|error| format!("{error}, or give a date"));
        };
        let midnight = date.with_time(Time::MIDNIGHT).assume_utc();
        let shift = if end { Duration::DAY - Duration::MICROSECOND } else { Duration::ZERO };
        midnight.checked_add(shift).ok_or_else(|| "is out of range".to_owned())
    }
}

/// The answer: a bare array, and where the next page is.
pub(crate) fn respond<T, S: Serialize>(request: &HttpRequest, page: Page<T>, view: impl Fn(&T) -> S) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(next) = page.next {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
            if name != "cursor" {
                query.append_pair(&name, &value);
            }
        }
        query.append_pair("cursor", &write_cursor(next));
        response.insert_header((LINK, format!("<{}?{}>; rel=\"next\"", request.path(), query.finish())));
    }
    response.json(page.items.iter().map(view).collect::<Vec<_>>())
}

/// Microseconds since 1970 and an id, in hex: opaque to clients.
fn write_cursor(cursor: Cursor) -> String {
    let micros = (cursor.started_at.unix_timestamp_nanos() / 1000) as i64;
    format!("{micros:x}-{}", cursor.id.simple())
}

fn read_cursor(text: &str) -> Option<Cursor> {
    let (micros, id) = text.split_once('-')?;
    let nanos = i128::from(i64::from_str_radix(micros, 16).ok()?) * 1000;
    let started_at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    (id.len() == 32).then(|| Uuid::try_parse(id).ok()).flatten().map(|id| Cursor { started_at, id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    #[test]
    fn cursors_read_back() {
        let cursor = Cursor { started_at: datetime!(2026-04-13 02:00:00.000001 UTC), id: Uuid::from_u128(7) };
        assert_eq!(read_cursor(&write_cursor(cursor)), Some(cursor));
        for text in ["", "-", "x-00000000000000000000000000000007", "1-7", "ffffffffffffffffff-0"] {
            assert_eq!(read_cursor(text), None, "{text}");
        }
    }

    #[test]
    fn bounds() {
        assert_eq!(bound(false)(&json!("2026-04-13")), Ok(datetime!(2026-04-13 00:00 UTC)));
        assert_eq!(bound(true)(&json!("2026-04-13")), Ok(datetime!(2026-04-13 23:59:59.999999 UTC)));
        assert_eq!(bound(true)(&json!("2026-04-13T10:00:00 02:00")), Ok(datetime!(2026-04-13 08:00 UTC)));
        assert!(bound(false)(&json!("2026-04-13T10:00:00")).is_err());
    }
}

//! Reading requests. Every mistake of a request is found and named at once, and nothing goes unread: an unknown field is
//! a mistake too, since it is one that the sender believed in.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use serde_json::Value;
use std::pin::Pin;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::problem::{Code, FieldError, Problem};

/// The largest body.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;

/// The fields of a body, or the parameters of a query, not yet read.
pub(crate) struct Fields {
    /// `/` for a body, `?` for a query.
    sigil: char,
    values: BTreeMap<String, Value>,
    errors: Vec<FieldError>,
}

/// What a request's body or query is made into.
pub(crate) trait FromFields: Sized {
    /// Takes the fields it knows. A mistake is kept in `fields`, and `None` given: every field should be read before the
    /// first `?`, so that every mistake is found.
    fn from_fields(fields: &mut Fields) -> Option<Self>;
}

impl Fields {
    fn of_body(body: &[u8]) -> Result<Self, Problem> {
        let value = serde_json::from_slice(body)
            .map_err(|error| Problem::new(Code::MalformedJson, format!("the body is not JSON: {error}")))?;
        match value {
            Value::Object(map) => Ok(Self { sigil: '/', values: map.into_iter().collect(), errors: Vec::new() }),
            _ => Err(Problem::field("", "the body is not a JSON object")),
        }
    }

    fn of_query(query: &str) -> Self {
        let mut fields = Self { sigil: '?', values: BTreeMap::new(), errors: Vec::new() };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if fields.values.insert(name.to_string(), value.into_owned().into()).is_some() {
                fields.mistake(&name, "is given twice; give it once");
            }
        }
        fields
    }

    /// Keeps a mistake.
    pub(crate) fn mistake(&mut self, name: &str, detail: impl Into<String>) {
        // A JSON pointer escapes these two.
        let name = if self.sigil == '/' { name.replace('~', "~0").replace('/', "~1") } else { name.to_owned() };
        self.errors.push(FieldError::new(format!("{}{name}", self.sigil), detail));
    }

    /// Whether the field is there and is not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| !value.is_null())
    }

    /// A field that may be absent; null counts as absent.
    pub(crate) fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<Option<T>> {
        match self.values.remove(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => match read(&value) {
                Ok(value) => Some(Some(value)),
                Err(detail) => {
                    self.mistake(name, detail);
                    None
                }
            },
        }
    }

    /// A field that may be absent, and in which null means something: `Some(None)` is null.
    pub(crate) fn nullable<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<Option<Option<T>>> {
        if let Some(Value::Null) = self.values.get(name) {
            self.values.remove(name);
            return Some(Some(None));
        }
        self.optional(name, read).map(|value| value.map(Some))
    }

    /// A field that must be there if the request is to make sense, but that may not be null when it is.
    pub(crate) fn present<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<Option<T>> {
        if let Some(Value::Null) = self.values.get(name) {
            self.values.remove(name);
            self.mistake(name, "may not be null; leave it out to keep what is");
            return None;
        }
        self.optional(name, read)
    }

    /// A field that must be there.
    pub(crate) fn required<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Result<T, String>) -> Option<T> {
        match self.optional(name, read)? {
            Some(value) => Some(value),
            None => {
                self.mistake(name, "is required");
                None
            }
        }
    }

    /// Reads everything, or names every mistake.
    fn read<T: FromFields>(mut self) -> Result<T, Problem> {
        let read = T::from_fields(&mut self);
        let unknown: Vec<String> = self.values.keys().cloned().collect();
        let what = if self.sigil == '?' { "parameter" } else { "field" };
        for name in unknown {
            self.mistake(&name, format!("is no {what} of this operation"));
        }
        match read {
            Some(read) if self.errors.is_empty() => Ok(read),
            _ => Err(Problem::validation(self.errors)),
        }
    }
}

/// A text. Neither bodies nor queries may hold a NUL character, which the database cannot store.
pub(crate) fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) if text.contains('\0') => Err("holds a NUL character".to_owned()),
        Value::String(text) => Ok(text.clone()),
        other => Err(format!("{} is not a text", shown(other))),
    }
}

/// A text of at most so many characters, not empty.
pub(crate) fn text_up_to(limit: usize) -> impl FnOnce(&Value) -> Result<String, String> {
    move |value| {
        let text = text(value)?;
        match text.chars().count() {
            0 => Err("is empty".to_owned()),
            count if count > limit => Err(format!("has {count} characters; {limit} are allowed")),
            _ => Ok(text),
        }
    }
}

/// Anything that is read from a text.
pub(crate) fn parsed<T: FromStr<Err: Display>>(value: &Value) -> Result<T, String> {
    text(value)?.parse().map_err(|error: T::Err| error.to_string())
}

/// A UUID.
pub(crate) fn id<T: From<Uuid>>(value: &Value) -> Result<T, String> {
    let text = text(value)?;
    uuid(&text).map(T::from).ok_or_else(|| format!("{} is not a UUID", shown(value)))
}

/// A UUID in its usual form; the parser would also take braces, URNs and no hyphens at all.
fn uuid(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}

/// An instant, RFC 3339 with an offset.
pub(crate) fn instant(value: &Value) -> Result<OffsetDateTime, String> {
    let text = text(value)?;
    OffsetDateTime::parse(&text, &Rfc3339)
        .map(|time| time.to_offset(time::UtcOffset::UTC))
        .map_err(|_| format!("{} is not a time with an offset; write it as in `2026-04-10T14:30:00Z`", shown(value)))
}

/// `true` or `false`.
pub(crate) fn boolean(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("{} is neither true nor false", shown(value)))
}

/// A whole number of a range: a number in a body, digits in a query.
pub(crate) fn integer(range: std::ops::RangeInclusive<i64>) -> impl FnOnce(&Value) -> Result<i64, String> {
    in_range(range, Value::as_i64)
}

/// As [`integer`], from a query.
pub(crate) fn digits(range: std::ops::RangeInclusive<i64>) -> impl FnOnce(&Value) -> Result<i64, String> {
    in_range(range, |value| {
        value.as_str().filter(|text| text.bytes().all(|b| b.is_ascii_digit())).and_then(|text| text.parse().ok())
    })
}

fn in_range(
    range: std::ops::RangeInclusive<i64>,
    read: impl FnOnce(&Value) -> Option<i64>,
) -> impl FnOnce(&Value) -> Result<i64, String> {
    move |value| match read(value) {
        Some(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("{} is not a whole number from {} to {}", shown(value), range.start(), range.end())),
    }
}

/// A value as it came, cut short.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("`{text}`"),
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        other => format!("`{other}`"),
    };
    match text.char_indices().nth(80) {
        Some((cut, _)) => format!("{}…`", &text[..cut]),
        None => text,
    }
}

/// A request's body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: FromFields + 'static> FromRequest for Body<T> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = Bytes::from_request(request, payload);
        // The content type is not looked at: there is one thing a body can be, and curl without `-H` calls it a form.
        Box::pin(async move {
            let bytes = bytes.await.map_err(|error| {
                let status = error.as_response_error().status_code();
                Problem::of_status(status, format!("the body cannot be read: {error}"))
            })?;
            let bytes = if bytes.is_empty() { Bytes::from_static(b"{}") } else { bytes };
            Ok(Self(Fields::of_body(&bytes)?.read()?))
        })
    }
}

/// A request's query parameters.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: FromFields> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Fields::of_query(request.query_string()).read().map(Self))
    }
}

/// The ids in a request's path.
pub(crate) trait FromPath: Sized {
    /// Takes them.
    fn from_path(path: &mut PathIds<'_>) -> Option<Self>;
}

/// The parts of a path, not yet read.
pub(crate) struct PathIds<'a> {
    request: &'a HttpRequest,
    errors: Vec<FieldError>,
}

impl PathIds<'_> {
    /// One id.
    pub(crate) fn id<T: From<Uuid>>(&mut self, name: &str) -> Option<T> {
        let text = self.request.match_info().get(name).unwrap_or_default();
        let id = uuid(text);
        if id.is_none() {
            self.errors.push(FieldError::new(format!("{{{name}}}"), format!("`{text}` is not a UUID")));
        }
        id.map(T::from)
    }
}

/// A request's path.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: FromPath> FromRequest for Path<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut path = PathIds { request, errors: Vec::new() };
        ready(T::from_path(&mut path).map(Self).ok_or_else(|| Problem::validation(path.errors)))
    }
}

/// Declares a path's ids: the struct, how it is read, and its documentation.
macro_rules! path_ids {
    ($(#[$doc:meta])* $name:ident { $($(#[doc = $field_doc:literal])+ $field:ident: $id:ty,)+ }) => {
        $(#[$doc])*
        #[derive(utoipa::IntoParams)]
        #[into_params(parameter_in = Path)]
        pub(crate) struct $name {
            $($(#[doc = $field_doc])+ #[param(value_type = uuid::Uuid, example = "5f0c5b52-7d8e-4e0a-9a51-6f2a4a7f2c11")] pub(crate) $field: $id,)+
        }

        impl crate::input::FromPath for $name {
            fn from_path(path: &mut crate::input::PathIds<'_>) -> Option<Self> {
                $(let $field = path.id(stringify!($field));)+
                Some(Self { $($field: $field?,)+ })
            }
        }
    };
}
pub(crate) use path_ids;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Example {
        days: i64,
        prefix: Option<Option<String>>,
    }

    impl FromFields for Example {
        fn from_fields(fields: &mut Fields) -> Option<Self> {
            let days = fields.optional("days", integer(1..=365));
            let prefix = fields.nullable("prefix", text_up_to(5));
            Some(Self { days: days?.unwrap_or(30), prefix: prefix? })
        }
    }

    #[track_caller]
    fn check(body: &str, expect: Result<(i64, Option<Option<&str>>), &[&str]>) {
        let read = Fields::of_body(body.as_bytes()).and_then(Fields::read::<Example>);
        match (read, expect) {
            (Ok(read), Ok((days, prefix))) => {
                assert_eq!(read.days, days, "{body}");
                assert_eq!(read.prefix.as_ref().map(Option::as_deref), prefix, "{body}");
            }
            (Err(problem), Err(pointers)) => {
                let body = serde_json::to_value(problem.body(None)).unwrap();
                let got: Vec<_> = body["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
                assert_eq!(json!(got), json!(pointers), "{body}");
            }
            (Ok(_), Err(pointers)) => panic!("{body} was taken, not refused at {pointers:?}"),
            (Err(problem), Ok(_)) => panic!("{body} was refused: {problem}"),
        }
    }

    #[test]
    fn fields() {
        check("{}", Ok((30, None)));
        check(r#"{"days": 365, "prefix": null}"#, Ok((365, Some(None))));
        check(r#"{"days": null, "prefix": "ab"}"#, Ok((30, Some(Some("ab")))));
        check(r#"{"days": 0}"#, Err(&["/days"]));
        check(r#"{"days": 1.5}"#, Err(&["/days"]));
        check(r#"{"days": "7"}"#, Err(&["/days"]));
        check(r#"{"days": 1e99}"#, Err(&["/days"]));
        check(r#"{"days": 400, "prefix": "abcdef", "a/b~": 1}"#, Err(&["/days", "/prefix", "/a~1b~0"]));
        check("[]", Err(&[""]));
    }

    #[test]
    fn malformed_json_is_another_code() {
        for body in ["", "{", "nonsense", "{\"a\":1}x"] {
            let problem = Fields::of_body(body.as_bytes()).err().unwrap();
            assert_eq!(problem.code(), Code::MalformedJson, "{body}");
        }
    }

    #[test]
    fn queries() {
        struct Limit(Option<i64>);
        impl FromFields for Limit {
            fn from_fields(fields: &mut Fields) -> Option<Self> {
                fields.optional("limit", digits(1..=200)).map(Self)
            }
        }
        let read = |query: &str| Fields::of_query(query).read::<Limit>().map(|limit| limit.0);
        assert_eq!(read("").unwrap(), None);
        assert_eq!(read("limit=200").unwrap(), Some(200));
        for query in ["limit=0", "limit=201", "limit=+5", "limit=", "limit=5&limit=6", "limits=5"] {
            assert_eq!(read(query).unwrap_err().code(), Code::ValidationFailed, "{query}");
        }
    }

    #[test]
    fn instants_need_an_offset() {
        assert_eq!(instant(&json!("2026-04-10T16:30:00+02:00")), instant(&json!("2026-04-10T14:30:00Z")));
        for text in ["2026-04-10T14:30:00", "2026-04-10", "tomorrow", ""] {
            assert!(instant(&json!(text)).unwrap_err().contains("is not a time with an offset"), "{text}");
        }
    }
}

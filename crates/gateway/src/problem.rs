//! Every error answer, from one table: code → status and title. An answer is a problem document (RFC 9457); `code` is
//! what a program looks at, `detail` is for people, and `type` leads to the table's line in `/docs`.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The media type of every error answer.
pub(crate) const CONTENT_TYPE: &str = "application/problem+json";

macro_rules! table {
    ($($(#[doc = $when:literal])+ $variant:ident = $code:literal, $status:ident, $title:literal;)+) => {
        /// What went wrong: stable for ever, one line of the table each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[doc = $when])+ $variant,)+ }

        impl Code {
            /// Every line of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// As written in the answer's `code`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The answer's status.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// The same words for every occurrence.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// When it is answered, for the documents.
            pub fn when(self) -> &'static str {
                match self { $(Self::$variant => concat!($($when),+).trim_ascii(),)+ }
            }
        }
    };
}

table! {
    /// The body cannot be read as JSON.
    MalformedJson = "malformed_json", BAD_REQUEST, "The body is not JSON";
    /// The request itself is broken, below the level of this API.
    BadRequest = "bad_request", BAD_REQUEST, "The request cannot be read";
    /// No key, or one that is unknown, expired or revoked.
    Unauthorized = "unauthorized", UNAUTHORIZED, "A valid API key is required";
    /// The key lacks the permission of this operation.
    PermissionMissing = "permission_missing", FORBIDDEN, "The API key does not have this permission";
    /// There is no such object, or it belongs to another tenant, or no such path.
    NotFound = "not_found", NOT_FOUND, "Not found";
    /// The path exists, but not with this method; `Allow` lists those that do.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The path does not have this method";
    /// The request did not arrive, or was not answered, in time.
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "The request took too long";
    /// A backup of this server is running.
    BackupAlreadyRunning = "backup_already_running", CONFLICT, "A backup of this server is already running";
    /// A PITR of this server is running.
    PitrAlreadyRunning = "pitr_already_running", CONFLICT, "A PITR of this server is already running";
    /// Another server of the tenant has this name.
    ServerNameTaken = "server_name_taken", CONFLICT, "Another server has this name";
    /// The run has ended, so it cannot be cancelled.
    RunNotRunning = "run_not_running", CONFLICT, "The run has already ended";
    /// The run has no files: it is still running, it failed, or its files have expired.
    RunHasNoFiles = "run_has_no_files", CONFLICT, "The run has no files";
    /// The run has no plan: it has not been planned yet, or it ended before it was.
    RunHasNoPlan = "run_has_no_plan", CONFLICT, "The run has no plan";
    /// The first request with this `Idempotency-Key` is still being answered.
    IdempotencyKeyInUse = "idempotency_key_in_use", CONFLICT, "The first request with this key is still being answered";
    /// The body is larger than this API takes (64 KiB).
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// Fields, query parameters or path parameters are missing, unknown or out of range; `errors` names each.
    ValidationFailed = "validation_failed", UNPROCESSABLE_ENTITY, "The request is not valid";
    /// The connection of a server changes, but no new password is given: a saved password is never used for another
    /// host, port or user.
    PasswordRequired = "password_required", UNPROCESSABLE_ENTITY, "A changed connection needs its password";
    /// The target lies in the future.
    TargetInFuture = "target_in_future", UNPROCESSABLE_ENTITY, "The target lies in the future";
    /// No backup from before the target can serve as its baseline; `oldest_baseline` says from when on there is one.
    NoBaseline = "no_baseline", UNPROCESSABLE_ENTITY, "There is no baseline before the target";
    /// The binary log is not yet archived up to the target; `archived_until` says how far it is.
    NotYetArchived = "not_yet_archived", UNPROCESSABLE_ENTITY, "The binary log is not yet archived up to the target";
    /// Binary log is missing between the baseline and the target; `gaps` lists where, and `passable` says whether
    /// `allow_gaps` would run across them.
    BinlogGap = "binlog_gap", UNPROCESSABLE_ENTITY, "Binary log is missing between the baseline and the target";
    /// A table of `tables` is neither in the baseline nor on the server; `tables` lists them.
    UnknownTable = "unknown_table", UNPROCESSABLE_ENTITY, "A table is not known";
    /// This `Idempotency-Key` came before, with another request.
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The key belongs to another request";
    /// A defect of this service; `trace` finds its log lines.
    Internal = "internal", INTERNAL_SERVER_ERROR, "The service failed";
    /// The database or the object store cannot be reached right now. Try again.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The service cannot answer right now";
}

/// One field that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where: a JSON pointer into the body (`/retention_days`), `?name` for a query parameter, `{name}` for a part of the
    /// path, `Name:` for a header.
    #[schema(example = "/retention_days")]
    pub pointer: String,
    /// What is wrong with it, and what would be right.
    #[schema(example = "400 is out of range; give a whole number from 1 to 365")]
    pub detail: String,
}

impl FieldError {
    pub(crate) fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// An error answer (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Leads to the description of `code`, relative to this service.
    #[serde(rename = "type")]
    #[schema(example = "/docs#problem-not_found")]
    kind: String,
    /// The same words for every occurrence of `code`.
    #[schema(example = "Not found")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// What a program looks at; stable for ever.
    #[schema(example = "not_found")]
    code: &'static str,
    /// What happened here, and what to do.
    #[schema(example = "there is no such server")]
    detail: String,
    /// The path of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/api/v1/servers/9f3d1f7e-2f5c-4b51-8d5a-0a3c2f6a7b10")]
    instance: Option<String>,
    /// For `422`: each field that is not as it should be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// Members that belong to the code, such as `archived_until` or `gaps`.
    #[serde(flatten)]
    #[schema(value_type = Object, additional_properties)]
    members: Map<String, Value>,
}

/// An error on its way to the client.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    members: Map<String, Value>,
    allow: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    /// An answer with this code; `detail` says what happened here.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), members: Map::new(), allow: None, source: None }
    }

    /// There is no such thing (for this tenant).
    pub(crate) fn not_found(what: &'static str) -> Self {
        Self::new(Code::NotFound, format!("there is no such {what}"))
    }

    /// The request's fields are not as they should be.
    pub(crate) fn validation(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [whole] if whole.pointer.is_empty() => whole.detail.clone(),
            [one] => format!("{}: {}", one.pointer, one.detail),
            many => format!("{} fields are not as they should be; `errors` names them", many.len()),
        };
        Self { errors, ..Self::new(Code::ValidationFailed, detail) }
    }

    /// One field is not as it should be.
    pub(crate) fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::validation(vec![FieldError::new(pointer, detail)])
    }

    /// A defect of ours. The source goes to the log, not to the client.
    pub(crate) fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut problem =
            Self::new(Code::Internal, "the request could not be completed because of a defect of this service");
        problem.source = Some(source.into());
        problem
    }

    /// Something we need is away. The source goes to the log, not to the client.
    pub(crate) fn unavailable(detail: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut problem = Self::new(Code::Unavailable, detail);
        problem.source = Some(source.into());
        problem
    }

    /// Also names the field that the answer is about.
    pub(crate) fn at(mut self, pointer: impl Into<String>) -> Self {
        let detail = self.detail.clone().into_owned();
        self.errors.push(FieldError::new(pointer, detail));
        self
    }

    /// Adds a member that belongs to the code.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// The methods that the path has.
    pub(crate) fn allow(mut self, methods: String) -> Self {
        self.allow = Some(methods);
        self
    }

    /// What actix itself has refused, by the status it would have answered.
    pub(crate) fn of_status(status: StatusCode, text: String) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(Code::NotFound, "there is no such path"),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(Code::MethodNotAllowed, text),
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(Code::PayloadTooLarge, text),
            StatusCode::REQUEST_TIMEOUT => Self::new(Code::RequestTimeout, text),
            status if status.is_client_error() => Self::new(Code::BadRequest, text),
            _ => Self::internal(text),
        }
    }

    /// What went wrong.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What the log should know and the client should not.
    pub(crate) fn cause(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }

    /// The document that is sent.
    pub fn body(&self, instance: Option<&str>) -> ProblemBody {
        ProblemBody {
            kind: self.code.type_uri(),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            code: self.code.as_str(),
            detail: self.detail.clone().into_owned(),
            instance: instance.map(str::to_owned),
            errors: self.errors.clone(),
            members: self.members.clone(),
        }
    }

    /// The answer to a failure of ours, with what finds its log lines.
    pub(crate) fn respond_traced(&self, instance: &str, trace: &str) -> HttpResponse {
        let mut body = self.body(Some(instance));
        body.members.insert("trace".to_owned(), trace.into());
        self.respond_with(&body)
    }

    /// The answer, for the request with this path.
    pub(crate) fn respond(&self, instance: Option<&str>) -> HttpResponse {
        self.respond_with(&self.body(instance))
    }

    fn respond_with(&self, body: &ProblemBody) -> HttpResponse {
        let mut response = HttpResponse::build(self.code.status());
        response.insert_header((header::CONTENT_TYPE, CONTENT_TYPE));
        match self.code {
            Code::Unauthorized => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"backtrail\""));
            }
            Code::Unavailable => {
                response.insert_header((header::RETRY_AFTER, "2"));
            }
            _ => {}
        }
        if let Some(allow) = self.allow.as_deref().and_then(|methods| HeaderValue::from_str(methods).ok()) {
            response.insert_header((header::ALLOW, allow));
        }
        match serde_json::to_vec(body) {
            Ok(body) => response.body(body),
            Err(_) => response.finish(),
        }
    }
}

impl Code {
    /// Where the code is described, relative to this service.
    pub fn type_uri(self) -> String {
        format!("/docs#problem-{}", self.as_str())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause()
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.respond(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_words() {
        let codes: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code:?}");
            assert!(!code.when().is_empty() && !code.title().ends_with('.'), "{code:?}");
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
        }
    }

    #[test]
    fn the_client_does_not_see_the_source() {
        let problem = Problem::internal("password=hunter2");
        let body = serde_json::to_string(&problem.body(Some("/x"))).unwrap();
        assert!(!body.contains("hunter2"), "{body}");
    }

    #[test]
    fn the_table() {
        let table: String = Code::ALL
            .iter()
            .map(|code| format!("{} {} {}\n", code.status().as_u16(), code.as_str(), code.title()))
            .collect();
        insta::assert_snapshot!(table);
    }
}

//! `Idempotency-Key`: the same key and request give the first answer again, for 24 hours, to the API key that had it. So
//! an answer never reaches anyone who could not have made the request.
//!
//! A handler that makes something stores its answer in the transaction that makes it ([`Repeatable`]): also a gateway that
//! dies right behind the commit makes nothing twice.
//!
//! Every answer counts as the first one, refusals included, except those that say nothing about the request: no valid key,
//! no permission, and failures of ours (5xx, timeouts). A request that died half-way gives its key free after a minute.
//!
//! A new API key is in no stored answer: the repeated one is without it. What is stored is sealed all the same, since
//! answers tell of hosts and users.

use std::future::{Ready, ready};

use actix_web::body::{BoxBody, MessageBody, to_bytes_limited};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::{self, Bytes};
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse};
use backtrail_service::telemetry::chain;
use backtrail_store::StoreError;
use backtrail_store::idempotency::{self, Answer, Begun, Caller, First, Kept};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::app::State;
use crate::auth;
use crate::problem::{Code, Problem};

const HEADER: &str = "Idempotency-Key";
const KEY_LIMIT: usize = 255;
/// Answers to POSTs are small; the largest is a plan.
const ANSWER_LIMIT: usize = 8 * 1024 * 1024;

/// `Idempotency-Key`, for the documents; the middleware reads it.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its documentation is used")]
pub(crate) struct IdempotencyKey {
    /// Makes the request safe to repeat: for 24 hours, the same key with the same request and API key gives the first
    /// answer again, and with another request 422 `idempotency_key_reused`. At most 255 visible ASCII characters of your choice.
    #[param(rename = "Idempotency-Key", required = false, example = "0f8fad5b-d9cb-469f-a165-70867728950e")]
    key: Option<String>,
}

/// Lets a handler store its answer together with what it made. Where the request has no `Idempotency-Key`, there is
/// nothing to store.
pub(crate) struct Repeatable(Option<Working>);

/// A first request, in its extensions.
#[derive(Clone)]
struct Working {
    caller: Caller,
    first: First,
}

impl FromRequest for Repeatable {
    type Error = Problem;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.extensions().get().cloned())))
    }
}

impl Repeatable {
    /// The answer, ready to be stored.
    pub(crate) fn keep(
        &self,
        state: &State,
        status: StatusCode,
        body: &impl Serialize,
    ) -> Result<Option<Kept>, StoreError> {
        let Some(Working { caller, first }) = &self.0 else { return Ok(None) };
        let sealed = serde_json::to_vec(body).ok().and_then(|body| state.secrets.seal(owner(caller), &body).ok());
        let body = sealed.ok_or(StoreError::Sealing { what: "an answer cannot be sealed" })?;
        let answer = Answer { status: status.as_u16(), content_type: "application/json".to_owned(), body };
        Ok(Some(Kept { first: first.clone(), answer }))
    }
}

/// What a stored answer is bound to.
fn owner(caller: &Caller) -> &[u8] {
    caller.api_key_id.0.as_bytes()
}

/// The middleware; it stands behind authentication.
pub(crate) async fn repeat_safely(
    state: web::Data<State>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let caller = auth::caller(request.request());
    let (Some(header), Some(caller), &Method::POST) = (request.headers().get(HEADER), caller, request.method()) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let key = match read_key(header) {
        Ok(key) => key,
        Err(problem) => return Ok(request.error_response(problem)),
    };
    let working = match begin(&state, caller, &key, &mut request).await {
        Ok(Beginning::Work(working)) => working,
        Ok(Beginning::Answered(answer)) => return Ok(request.into_response(answer)),
        Err(problem) => return Ok(request.error_response(problem)),
    };
    request.extensions_mut().insert(working.clone());
    let path = request.path().to_owned();
    let answered = answer(&path, next.call(request).await).await;
    settle(&state, &working, &answered).await;
    answered.map(|(response, _)| response)
}

enum Beginning {
    Work(Working),
    Answered(HttpResponse),
}

/// Begins the work on a request; or gives the answer it had before.
async fn begin(state: &State, caller: Caller, key: &str, request: &mut ServiceRequest) -> Result<Beginning, Problem> {
    let body = take_body(request).await?;
    let digest = digest(state, request.request(), &body);
    request.set_payload(Payload::from(body));
    match idempotency::begin(&state.store, caller, key, &digest).await? {
        Begun::First(first) => Ok(Beginning::Work(Working { caller, first })),
        Begun::Replay(answer) => replay(state, &caller, answer).map(Beginning::Answered),
        Begun::InProgress => Err(in_use()),
        Begun::Mismatch => {
            let detail = "this Idempotency-Key came with another request within the last 24 hours; choose another key";
            Err(Problem::new(Code::IdempotencyKeyReused, detail).at(format!("{HEADER}:")))
        }
    }
}

/// Another request with the key is being worked on.
pub(crate) fn in_use() -> Problem {
    let detail = "the first request with this Idempotency-Key is still being answered; repeat this one later";
    Problem::new(Code::IdempotencyKeyInUse, detail)
}

fn read_key(header: &HeaderValue) -> Result<String, Problem> {
    match header.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= KEY_LIMIT && key.bytes().all(|b| b.is_ascii_graphic()) => {
            Ok(key.to_owned())
        }
        _ => Err(Problem::field(format!("{HEADER}:"), "is not 1 to 255 visible ASCII characters")),
    }
}

async fn take_body(request: &mut ServiceRequest) -> Result<Bytes, Problem> {
    let (parts, payload) = request.parts_mut();
    Bytes::from_request(parts, payload).await.map_err(|error| {
        let status = error.as_response_error().status_code();
        Problem::of_status(status, format!("the body cannot be read: {error}"))
    })
}

/// Names the request. Bodies may hold a password, whose plain hash could be guessed at: so it is keyed.
fn digest(state: &State, request: &HttpRequest, body: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(state.secrets.digest);
    for part in [request.method().as_str().as_bytes(), request.uri().to_string().as_bytes(), body] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// The answer and, where it is one that may be given again, a copy of its body.
type Answered = Result<(ServiceResponse<BoxBody>, Option<Bytes>), Error>;

async fn answer<B: MessageBody + 'static>(path: &str, response: Result<ServiceResponse<B>, Error>) -> Answered {
    let response = response?.map_into_boxed_body();
    let status = response.status();
    if status.is_server_error()
        || [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::REQUEST_TIMEOUT].contains(&status)
    {
        return Ok((response, None));
    }
    // Our own refusals get their last word here, since what is stored is what is sent.
    let problem = response.response().error().and_then(|error| error.as_error::<Problem>());
    let (request, response) = match problem.map(|problem| problem.respond(Some(path))) {
        Some(answer) => (response.request().clone(), answer),
        None => response.into_parts(),
    };
    let (head, body) = response.into_parts();
    match to_bytes_limited(body, ANSWER_LIMIT).await {
        Ok(Ok(body)) => Ok((ServiceResponse::new(request, head.set_body(BoxBody::new(body.clone()))), Some(body))),
        Ok(Err(_)) | Err(_) => Err(Problem::internal("an answer that is too large to be given again").into()),
    }
}

async fn settle(state: &State, working: &Working, answered: &Answered) {
    let Working { caller, first } = working;
    let settled = match answered {
        Ok((response, Some(body))) => match copy(state, caller, response, body) {
            Ok(copy) => idempotency::finish(&state.store, first, &copy).await,
            Err(problem) => {
                tracing::error!(error = %chain(&problem), "an answer could not be sealed");
                idempotency::abandon(&state.store, first).await
            }
        },
        Ok((_, None)) | Err(_) => idempotency::abandon(&state.store, first).await,
    };
    if let Err(error) = settled {
        // The client gets its answer all the same; only a repetition will not find it.
        tracing::warn!(error = %chain(&error), "an Idempotency-Key could not be settled");
    }
}

fn copy(state: &State, caller: &Caller, response: &ServiceResponse<BoxBody>, body: &Bytes) -> Result<Answer, Problem> {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Ok(Answer {
        status: response.status().as_u16(),
        content_type: content_type.unwrap_or_default().to_owned(),
        body: state.secrets.seal(owner(caller), body).map_err(Problem::internal)?,
    })
}

fn replay(state: &State, caller: &Caller, answer: Answer) -> Result<HttpResponse, Problem> {
    let status = StatusCode::from_u16(answer.status).map_err(Problem::internal)?;
    let body = state.secrets.open(owner(caller), answer.body).map_err(Problem::internal)?;
    let mut response = HttpResponse::build(status);
    response.insert_header(("Idempotency-Replayed", "true"));
    if !answer.content_type.is_empty() {
        response.insert_header((CONTENT_TYPE, answer.content_type));
    }
    Ok(response.body(body))
}

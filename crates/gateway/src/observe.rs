//! Around every request: its trace, its deadline, its metrics, its log line, and the last word on error answers, so that
//! what actix itself refuses looks like what we refuse.

use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse};
use backtrail_service::TraceParent;
use backtrail_service::telemetry::chain;
use tracing::Instrument;

use crate::problem::{Code, Problem};

/// How long a request may take, its body included. Registering a server waits for that server, for less than this.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The middleware; it stands outermost.
pub(crate) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let incoming = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    let trace = TraceParent::continued(incoming);
    request.extensions_mut().insert(trace);
    let method = request.method().clone();
    let path = request.path().to_owned();
    // Only ids and fixed words stand in our paths; a query may hold more and is not logged.
    let span = tracing::error_span!("request", %method, path, trace = trace.trace_id(), tenant = tracing::field::Empty);

    let answered = tokio::time::timeout(DEADLINE, next.call(request)).instrument(span.clone()).await;
    let _entered = span.enter();
    let answered = match answered {
        Ok(Ok(response)) => Ok(with_last_word(response.map_into_boxed_body(), &path, &trace)),
        Ok(Err(error)) => Err(last_word(&error, &path, &trace)),
        Err(_) => {
            let problem = Problem::new(Code::RequestTimeout, format!("not answered within {DEADLINE:?}"));
            Err(last_word(&problem.into(), &path, &trace))
        }
    };

    let status = match &answered {
        Ok(response) => response.status(),
        Err(response) => response.status(),
    };
    let route = answered.as_ref().ok().and_then(|response| response.request().match_pattern());
    let route = route.unwrap_or_else(|| "none".to_owned());
    let elapsed = started.elapsed();
    let labels = [("method", method.as_str().to_owned()), ("route", route), ("status", status.as_str().to_owned())];
    metrics::counter!("backtrail_http_requests_total", &labels).increment(1);
    metrics::histogram!("backtrail_http_request_seconds", &labels[..2]).record(elapsed);
    let milliseconds = elapsed.as_millis() as u64;
    if method == Method::GET && status.is_success() {
        tracing::debug!(status = status.as_u16(), milliseconds, "answered");
    } else {
        tracing::info!(status = status.as_u16(), milliseconds, "answered");
    }
    // Behind `Err` the request is gone, and with it what a response is made of; actix makes one.
    answered.map_err(|response| InternalError::from_response("answered", response).into())
}

/// Gives an error answer the form of a problem document with its `instance`.
fn with_last_word(response: ServiceResponse<BoxBody>, path: &str, trace: &TraceParent) -> ServiceResponse<BoxBody> {
    let Some(error) = response.response().error() else { return response };
    let answer = last_word(error, path, trace);
    let (request, _) = response.into_parts();
    ServiceResponse::new(request, answer)
}

/// Logs an error's cause, once, and makes the answer to it.
fn last_word(error: &Error, path: &str, trace: &TraceParent) -> HttpResponse {
    let foreign;
    let problem = match error.as_error::<Problem>() {
        Some(problem) => problem,
        None => {
            foreign = Problem::of_status(error.as_response_error().status_code(), error.to_string());
            &foreign
        }
    };
    log_cause(problem);
    if problem.code().status().is_server_error() {
        problem.respond_traced(path, &trace.trace_id())
    } else {
        problem.respond(Some(path))
    }
}

fn log_cause(problem: &Problem) {
    let Some(cause) = problem.cause() else { return };
    if problem.code().status() == StatusCode::SERVICE_UNAVAILABLE {
        tracing::warn!(error = %chain(cause), "{problem}");
    } else {
        tracing::error!(error = %chain(cause), "{problem}");
    }
}

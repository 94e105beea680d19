//! Around every request: its trace, its deadline, its metrics, its log line, and the last word on error answers, so that
//! what actix itself refuses looks like what we refuse.

use std::time::{Duration, Instant};

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use backtrail_service::TraceParent;
use backtrail_service::telemetry::chain;
use tracing::Instrument;

use crate::problem::{Code, Problem};

/// How long a request may take, its body included. Registering a server waits for that server, for less than this.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The middleware; it stands outermost.
pub(crate) async fn observe(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let incoming = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    let trace = TraceParent::continued(incoming);
    actix_web::HttpMessage::extensions_mut(&request).insert(trace);
    let method = request.method().clone();
    let path = request.path().to_owned();
    // Only ids and fixed words stand in our paths; a query may hold more and is not logged.
    let span = tracing::error_span!("request", %method, path, trace = trace.trace_id(), tenant = tracing::field::Empty);

    let request_parts = request.parts_mut().0.clone();
    let answered = tokio::time::timeout(DEADLINE, next.call(request)).instrument(span.clone()).await;
    let response = match answered {
        Ok(Ok(response)) => response.map_into_boxed_body(),
        Ok(Err(error)) => ServiceResponse::from_err(error, request_parts),
        Err(_) => ServiceResponse::from_err(
            Problem::new(Code::RequestTimeout, format!("the request was not answered within {DEADLINE:?}")),
            request_parts,
        ),
    };
    let _entered = span.enter();
    let response = with_last_word(response, &path, &trace);

    let status = response.status();
    let route = response.request().match_pattern().unwrap_or_else(|| "none".to_owned());
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
    Ok(response)
}

/// Logs an error's cause once, and gives every error answer the form of a problem document with its `instance`.
fn with_last_word(response: ServiceResponse<BoxBody>, path: &str, trace: &TraceParent) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let Some(error) = response.response().error() else { return response };
    let answer = match error.as_error::<Problem>() {
        Some(problem) => {
            log_cause(problem);
            answer(problem, path, trace)
        }
        None => {
            let problem = Problem::of_status(status, error.to_string());
            log_cause(&problem);
            answer(&problem, path, trace)
        }
    };
    let (request, _) = response.into_parts();
    ServiceResponse::new(request, answer)
}

fn answer(problem: &Problem, path: &str, trace: &TraceParent) -> actix_web::HttpResponse {
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

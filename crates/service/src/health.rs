//! The health port: `/healthz` (the process answers), `/readyz` (it can do its work), `/metrics`.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{App, HttpResponse, HttpServer, web};
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::telemetry::chain;

/// How long one check may take. Orchestrators give a probe a second or so, and a check that hangs is a check that failed.
const CHECK_DEADLINE: Duration = Duration::from_millis(900);

type Outcome = Result<Value, String>;
type Check = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync>;

/// The named readiness checks of a service. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Health {
    checks: Arc<Mutex<BTreeMap<&'static str, Check>>>,
}

/// What readiness found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Readiness {
    /// Whether there are checks and every one passed.
    pub ready: bool,
    /// Each check by its name.
    pub checks: BTreeMap<&'static str, CheckReport>,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckReport {
    /// Whether it passed.
    pub ok: bool,
    /// What it has to say: any JSON where it passed, the error's text where not.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub detail: Value,
}

impl Health {
    /// Without checks, hence not ready: a service that has added none has not been built yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check, or replaces the one of that name. Its detail is shown to anyone who can reach the health port:
    /// nothing secret goes in. It is run for every `/readyz`, with a deadline below one second.
    pub fn check<F, Fut, E>(&self, name: &'static str, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let check: Check = Arc::new(move || {
            let running = check();
            Box::pin(async move {
                running.await.map_err(|error| {
                    let error: Box<dyn Error + Send + Sync> = error.into();
                    chain(&*error).to_string()
                })
            })
        });
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).insert(name, check);
    }

    /// Runs every check, all at once.
    pub async fn readiness(&self) -> Readiness {
        let checks: Vec<_> = self
            .checks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(name, check)| (*name, tokio::spawn(tokio::time::timeout(CHECK_DEADLINE, check()))))
            .collect();
        let mut reports = BTreeMap::new();
        for (name, running) in checks {
            let report = match running.await {
                Ok(Ok(Ok(detail))) => CheckReport { ok: true, detail },
                Ok(Ok(Err(error))) => CheckReport { ok: false, detail: error.into() },
                Ok(Err(_)) => CheckReport { ok: false, detail: format!("no answer within {CHECK_DEADLINE:?}").into() },
                Err(_) => CheckReport { ok: false, detail: "the check itself broke; see the log".into() },
            };
            reports.insert(name, report);
        }
        Readiness { ready: !reports.is_empty() && reports.values().all(|report| report.ok), checks: reports }
    }
}

/// The health port, bound but not yet answering.
pub struct HealthServer {
    listener: TcpListener,
    address: SocketAddr,
}

impl HealthServer {
    /// Takes the port; 0 takes any free one.
    ///
    /// # Errors
    /// The address is taken or is none of this machine's.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until cancelled.
    ///
    /// # Errors
    /// The server could not be started on the listener.
    pub async fn run_until(self, health: Health, metrics: Metrics, cancelled: CancellationToken) -> io::Result<()> {
        let server = HttpServer::new(move || App::new().configure(routes(health.clone(), metrics.clone())))
            .workers(1)
            .disable_signals()
            .shutdown_timeout(1)
            .listen(self.listener)?
            .run();
        let handle = server.handle();
        tokio::spawn(async move {
            cancelled.cancelled().await;
            handle.stop(true).await;
        });
        server.await
    }
}

/// The three routes of the health port.
fn routes(health: Health, metrics: Metrics) -> impl FnOnce(&mut web::ServiceConfig) + Clone {
    move |config| {
        probes(health)(config);
        config.route(
            "/metrics",
            web::get().to(move || {
                let text = metrics.render();
                async move {
                    HttpResponse::Ok()
                        .insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
                        .body(text)
                }
            }),
        );
    }
}

/// `/healthz` and `/readyz`, for a service that answers them on a port of its own as well.
pub fn probes(health: Health) -> impl FnOnce(&mut web::ServiceConfig) + Clone {
    move |config| {
        config
            .route("/healthz", web::get().to(|| async { json(HttpResponse::Ok(), &serde_json::json!({ "ok": true })) }))
            .route(
                "/readyz",
                web::get().to(move || {
                    let health = health.clone();
                    async move {
                        let readiness = health.readiness().await;
                        let answer =
                            if readiness.ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
                        json(answer, &readiness)
                    }
                }),
            );
    }
}

fn json(mut answer: actix_web::HttpResponseBuilder, body: &impl Serialize) -> HttpResponse {
    answer.insert_header((CACHE_CONTROL, "no-store")).json(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test;

    #[actix_web::test]
    async fn ready_when_every_check_passes() {
        let health = Health::new();
        assert!(!health.readiness().await.ready);

        health.check("postgres", || async { Ok::<_, String>(serde_json::json!({ "migrated": true })) });
        health.check("queue", || async { Err("not connected") });
        health.check("stuck", std::future::pending::<Result<Value, String>>);
        let readiness = health.readiness().await;
        assert!(!readiness.ready);
        assert!(readiness.checks["postgres"].ok);
        assert_eq!(readiness.checks["queue"].detail, "not connected");
        assert_eq!(readiness.checks["stuck"].detail, "no answer within 900ms");

        let metrics = crate::metrics::install().unwrap();
        let app = test::init_service(App::new().configure(routes(health.clone(), metrics))).await;
        let get = |path: &str| test::TestRequest::get().uri(path).to_request();
        assert_eq!(test::call_service(&app, get("/healthz")).await.status(), 200);
        assert_eq!(test::call_service(&app, get("/readyz")).await.status(), 503);
        assert_eq!(test::call_service(&app, get("/metrics")).await.status(), 200);

        health.check("queue", || async { Ok::<_, String>(Value::Null) });
        health.check("stuck", || async { Ok::<_, String>(Value::Null) });
        let answer = test::call_service(&app, get("/readyz")).await;
        assert_eq!(answer.status(), 200);
        let body: Value = test::read_body_json(answer).await;
        assert_eq!(
            body,
            serde_json::json!({ "ready": true, "checks": {
                "postgres": { "ok": true, "detail": { "migrated": true } },
                "queue": { "ok": true },
                "stuck": { "ok": true },
            }})
        );
    }
}

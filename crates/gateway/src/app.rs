//! The gateway: built, then run until it is stopped.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use backtrail_objects::ObjectStore;
use backtrail_service::Health;
use backtrail_service::health::probes;
use backtrail_store::{SealingKey, Store, StoreError};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use utoipa_actix_web::AppExt;

use crate::input::BODY_LIMIT;
use crate::secrets::{Secrets, SecretsError};
use crate::settings::GatewaySettings;
use crate::{auth, idempotency, observe, openapi, routes};

/// How long open requests may go on once the gateway is asked to stop, in seconds.
const GRACE_SECONDS: u64 = 20;

/// The outside systems that the gateway works with. None of them needs to be there when the gateway starts.
pub struct Dependencies {
    /// The database.
    pub store: Store,
    /// The object store, for presigned URLs.
    pub objects: ObjectStore,
    /// The installation's secret key: 64 hex digits.
    pub secret_key: SecretString,
    /// Where the gateway adds its readiness checks; `/healthz` and `/readyz` are answered beside the API, too.
    pub health: Health,
}

/// What every handler can reach.
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) objects: ObjectStore,
    pub(crate) sealing: SealingKey,
    pub(crate) secrets: Secrets,
    pub(crate) presign_ttl: Duration,
}

/// A gateway that has its port but does not answer yet.
pub struct Gateway {
    listener: TcpListener,
    address: SocketAddr,
    workers: usize,
    health: Health,
    state: web::Data<State>,
}

impl Gateway {
    /// Takes the port and puts everything together.
    ///
    /// # Errors
    /// The port is taken, or the secret key is none.
    pub fn build(settings: &GatewaySettings, dependencies: Dependencies) -> Result<Self, BuildError> {
        let listener = TcpListener::bind(settings.http_listen)
            .map_err(|source| BuildError::Listen { address: settings.http_listen, source })?;
        let address =
            listener.local_addr().map_err(|source| BuildError::Listen { address: settings.http_listen, source })?;
        let state = State {
            sealing: SealingKey::from_hex(&dependencies.secret_key)
                .map_err(|error| BuildError::SecretKey(Box::new(error)))?,
            secrets: Secrets::derive(&dependencies.secret_key)?,
            store: dependencies.store,
            objects: dependencies.objects,
            presign_ttl: settings.presign_ttl,
        };
        let health = dependencies.health;
        add_checks(&health, &state.store);
        Ok(Self { listener, address, workers: settings.http_workers, health, state: web::Data::new(state) })
    }

    /// The address that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until cancelled; then open requests may end, for a while.
    ///
    /// # Errors
    /// The server could not be started, or its threads died.
    pub async fn run_until(self, cancelled: CancellationToken) -> Result<(), RunError> {
        let documents = Arc::new(openapi::Documents::new());
        let (state, health) = (self.state, self.health);
        let server = HttpServer::new(move || {
            let documents = documents.clone();
            let (app, _) = App::new()
                .into_utoipa_app()
                .app_data(state.clone())
                .app_data(web::PayloadConfig::new(BODY_LIMIT))
                .service(
                    utoipa_actix_web::scope(openapi::BASE)
                        .wrap(from_fn(idempotency::repeat_safely))
                        .wrap(from_fn(auth::authenticate))
                        .configure(routes::configure),
                )
                .split_for_parts();
            app.configure(|config| openapi::serve(config, documents.clone()))
                .configure(probes(health.clone()))
                .default_service(web::to(openapi::unmatched))
                .app_data(web::Data::from(documents))
                .wrap(from_fn(observe::observe))
        })
        .workers(self.workers)
        .disable_signals()
        .shutdown_timeout(GRACE_SECONDS)
        .client_request_timeout(Duration::from_secs(10))
        .keep_alive(Duration::from_secs(75))
        .listen(self.listener)
        .map_err(|source| RunError { address: self.address, source })?
        .run();
        let handle = server.handle();
        let stop = tokio::spawn(async move {
            cancelled.cancelled().await;
            handle.stop(true).await;
        });
        let served = server.await;
        stop.abort();
        served.map_err(|source| RunError { address: self.address, source })
    }
}

/// Readiness depends on the database, migrated. Not on the queue: messages wait in the database.
fn add_checks(health: &Health, store: &Store) {
    let store = store.clone();
    health.check("postgres", move || {
        let store = store.clone();
        async move { store.check_ready().await.map(|()| serde_json::json!({ "migrated": true })) }
    });
}

/// The gateway cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The port cannot be had.
    #[error("the REST API's address {address} (BACKTRAIL_HTTP_LISTEN) cannot be opened; is it taken?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The secret key is none.
    #[error("the secret key (BACKTRAIL_SECRET_KEY) cannot be used")]
    SecretKey(#[source] Box<StoreError>),
    /// Nothing can be derived from the secret key.
    #[error("the secret key (BACKTRAIL_SECRET_KEY) cannot be used")]
    #[expect(private_interfaces, reason = "its text and source are all there is to it")]
    Secrets(#[from] SecretsError),
}

/// The gateway stopped serving.
#[derive(Debug, thiserror::Error)]
#[error("the REST API on {address} cannot be served")]
pub struct RunError {
    address: SocketAddr,
    source: io::Error,
}

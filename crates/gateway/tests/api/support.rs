//! A gateway of one test, and a client that talks to it.

use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use backtrail_devstack::{TestBucket, TestDatabase};
use backtrail_domain::{Permission, TenantId};
use backtrail_gateway::{Dependencies, Gateway, GatewaySettings};
use backtrail_objects::{ObjectSettings, ObjectStore};
use backtrail_service::Health;
use backtrail_store::{ApiKey, Key, NewApiKey, Store, StoreSettings, Tenant};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Lines of level ERROR that were logged: a test in which there is one has failed.
static ERRORS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct CatchErrors;

impl<S: Subscriber> Layer<S> for CatchErrors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0 += &format!(" {}={value:?}", field.name());
            }
        }
        if *event.metadata().level() == Level::ERROR {
            let mut text = Text(event.metadata().target().to_owned());
            event.record(&mut text);
            eprintln!("ERROR {}", text.0);
            ERRORS.lock().unwrap_or_else(PoisonError::into_inner).push(text.0);
        }
    }
}

/// A gateway with a database, a bucket and a tenant of its own.
pub(crate) struct TestApi {
    pub(crate) store: Store,
    pub(crate) objects: ObjectStore,
    /// The tenant most of a test is about.
    pub(crate) tenant: TenantId,
    /// Its administrator.
    pub(crate) admin: Client,
    base: String,
    database: TestDatabase,
    _stop: DropGuard,
}

impl TestApi {
    pub(crate) async fn start() -> Self {
        static LOGGED: Once = Once::new();
        LOGGED.call_once(|| {
            let subscriber = tracing_subscriber::registry().with(CatchErrors);
            tracing::subscriber::set_global_default(subscriber).unwrap();
        });
        let database = TestDatabase::create().await.unwrap();
        let store = Store::connect(&StoreSettings::for_url(database.url())).await.unwrap();
        store.migrate().await.unwrap();
        let bucket = TestBucket::create().await.unwrap();
        let address = &bucket.server;
        let objects = ObjectStore::connect(&ObjectSettings {
            s3_endpoint: Some(address.endpoint.clone()),
            s3_region: address.region.clone(),
            s3_force_path_style: true,
            ..ObjectSettings::new(bucket.name(), &address.access_key_id, &address.secret_access_key)
        })
        .unwrap();
        let settings = GatewaySettings {
            http_listen: "127.0.0.1:0".parse().unwrap(),
            http_workers: 1,
            presign_ttl: Duration::from_secs(60),
        };
        let dependencies = Dependencies {
            store: store.clone(),
            objects: objects.clone(),
            secret_key: "5a".repeat(32).into(),
            health: Health::new(),
        };
        let gateway = Gateway::build(&settings, dependencies).unwrap();
        let base = format!("http://{}", gateway.address());
        let stop = CancellationToken::new();
        tokio::spawn(gateway.run_until(stop.clone()));
        let tenant = Tenant::create(&store, "acme").await.unwrap().id;
        let admin = client(&store, &base, tenant, Permission::ALL).await;
        Self { store, objects, tenant, admin, base, database, _stop: stop.drop_guard() }
    }

    /// A client with a key of the tenant that has these permissions.
    pub(crate) async fn client(&self, tenant: TenantId, permissions: &[Permission]) -> Client {
        client(&self.store, &self.base, tenant, permissions).await
    }

    /// A client with this key, or without one.
    pub(crate) fn with_key(&self, key: Option<&str>) -> Client {
        Client::new(&self.base, key)
    }

    /// The database itself, for what no service does.
    pub(crate) async fn sql(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(self.database.url(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Another tenant.
    pub(crate) async fn other_tenant(&self) -> TenantId {
        Tenant::create(&self.store, "rival").await.unwrap().id
    }
}

impl Drop for TestApi {
    fn drop(&mut self) {
        let errors = ERRORS.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::thread::panicking() {
            assert!(errors.is_empty(), "errors were logged: {errors:#?}");
        }
    }
}

async fn client(store: &Store, base: &str, tenant_id: TenantId, permissions: &[Permission]) -> Client {
    let key = Key::generate();
    let new = NewApiKey {
        tenant_id,
        name: "test".to_owned(),
        prefix: key.prefix().to_owned(),
        sha256: key.sha256(),
        permissions: permissions.to_vec(),
        role: None,
        expires_at: None,
    };
    ApiKey::create(store, new).await.unwrap();
    Client::new(base, Some(key.expose()))
}

/// Sends requests.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    key: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    /// Null where there is no JSON.
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Client {
    fn new(base: &str, key: Option<&str>) -> Self {
        Self { http: reqwest::Client::new(), base: base.to_owned(), key: key.map(str::to_owned) }
    }

    /// A request to a path below `/api/v1`, or to one that begins with `//`, which is taken from the root.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = match path.strip_prefix('/') {
            Some(root) if root.starts_with('/') => format!("{}{root}", self.base),
            _ => format!("{}/api/v1{path}", self.base),
        };
        let request = self.http.request(method, url);
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PATCH, path).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
}

impl Answer {
    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.body
    }

    /// Checks that the answer is this problem, and gives its body.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.text);
        assert_eq!(self.body["code"], code, "{}", self.text);
        assert_eq!(self.body["status"], status);
        assert!(self.body["instance"].as_str().is_some_and(|path| path.starts_with('/')), "{}", self.text);
        self.body
    }

    /// Checks that the answer is a 422 that names exactly these places.
    #[track_caller]
    pub(crate) fn invalid(self, pointers: &[&str]) -> Value {
        let body = self.problem(422, "validation_failed");
        let got: Vec<_> = body["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        assert_eq!(got, pointers, "{body}");
        body
    }
}

//! Registered servers.

use std::net::IpAddr;

use actix_web::{HttpResponse, delete, get, patch, post, web};
use backtrail_domain::{ServerId, TenantId};
use backtrail_store::{NewServer, Server, ServerChanges};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::State;
use crate::auth::{Authorized, ServersDelete, ServersRead, ServersWrite};
use crate::idempotency::IdempotencyKey;
use crate::input::{self, Body, Fields, FromFields, Path, path_ids};
use crate::openapi::problems;
use crate::preflight;
use crate::problem::{Code, Problem};
use crate::times::Seconds;

const DEFAULT_PORT: u16 = 3306;
const DEFAULT_TLS_MODE: &str = "preferred";
const TLS_MODES: [&str; 5] = ["disabled", "preferred", "required", "verify_ca", "verify_identity"];

path_ids! {
    /// Names a server.
    ServerPath {
        /// The server.
        server_id: ServerId,
    }
}

problems! {
    RegisterProblems = [
        MalformedJson, ServerNameTaken, IdempotencyKeyInUse, PayloadTooLarge, ValidationFailed, IdempotencyKeyReused,
    ];
    ListProblems = [];
    GetProblems = [NotFound, ValidationFailed];
    UpdateProblems = [MalformedJson, NotFound, ServerNameTaken, PayloadTooLarge, ValidationFailed, PasswordRequired];
    CheckProblems = [NotFound, IdempotencyKeyInUse, ValidationFailed, IdempotencyKeyReused];
}

/// A registered server.
#[derive(Serialize, ToSchema)]
#[schema(as = Server, example = json!({
    "id": "5f0c5b52-7d8e-4e0a-9a51-6f2a4a7f2c11", "tenant_id": "1c4e7f53-9a0b-4f53-8a34-0e9a5f1f3c77",
    "name": "production-db", "host": "db.example.com", "port": 3306, "username": "backtrail", "has_password": true,
    "tls_mode": "verify_identity", "tls_ca": null,
    "preflight": { "reachable": true, "version": "10.11.6-MariaDB-log", "log_bin": true, "binlog_format": "ROW", "binlog_row_image": "FULL" },
    "preflight_at": "2026-04-13T02:00:00Z", "created_at": "2026-04-01T10:00:00Z", "updated_at": "2026-04-01T10:00:00Z",
}))]
struct ServerView {
    /// The server.
    #[schema(value_type = Uuid)]
    id: ServerId,
    /// Its tenant: that of the API key.
    #[schema(value_type = Uuid)]
    tenant_id: TenantId,
    /// Unique among the tenant's servers.
    name: String,
    /// Host name or address.
    host: String,
    /// TCP port.
    port: u16,
    /// The account that Backtrail uses.
    username: String,
    /// Whether a password is stored. It is never shown.
    has_password: bool,
    /// `disabled`, `preferred`, `required`, `verify_ca` or `verify_identity`.
    tls_mode: String,
    /// PEM certificates that the server's certificate must come from.
    tls_ca: Option<String>,
    /// What the last preflight found: whether the server is reachable, its version, `log_bin`, `binlog_format`,
    /// `binlog_row_image`, binlog expiry, grants, and per table what PITR can promise (the list of servers leaves out the
    /// tables). Null before the first one.
    #[schema(value_type = Option<Object>)]
    preflight: Option<Value>,
    /// When that was.
    #[schema(value_type = Option<String>, format = DateTime)]
    preflight_at: Option<Seconds>,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    created_at: Seconds,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Seconds,
}

impl ServerView {
    fn of(server: &Server) -> Self {
        Self {
            id: server.id,
            tenant_id: server.tenant_id,
            name: server.name.clone(),
            host: server.host.clone(),
            port: server.port,
            username: server.username.clone(),
            has_password: server.sealed_password.is_some(),
            tls_mode: server.tls_mode.clone(),
            tls_ca: server.tls_ca.clone(),
            preflight: server.preflight.clone(),
            preflight_at: server.preflight_at.map(Seconds),
            created_at: Seconds(server.created_at),
            updated_at: Seconds(server.updated_at),
        }
    }

    /// A server may have thousands of tables, and a list thousands of servers.
    fn without_tables(mut self) -> Self {
        if let Some(report) = self.preflight.as_mut().and_then(Value::as_object_mut) {
            report.remove("tables");
        }
        self
    }
}

/// A server to be registered.
#[derive(ToSchema)]
#[schema(example = json!({
    "name": "production-db", "host": "db.example.com", "port": 3306, "username": "backtrail",
    "password": "correct horse battery staple", "tls_mode": "verify_identity", "tls_ca": null,
}))]
pub(crate) struct RegisterServer {
    /// Unique among the tenant's servers, at most 100 characters.
    name: String,
    /// Host name or address.
    #[schema(value_type = String)]
    host: String,
    /// TCP port.
    #[schema(value_type = i32, required = false, minimum = 1, maximum = 65535, default = 3306)]
    port: u16,
    /// The account that Backtrail is to use.
    username: String,
    /// Its password. Stored sealed, never shown.
    #[schema(value_type = Option<String>, write_only)]
    password: Option<SecretString>,
    /// `disabled`, `preferred`, `required`, `verify_ca` or `verify_identity`.
    #[schema(value_type = String, required = false, default = "preferred")]
    tls_mode: String,
    /// PEM certificates that the server's certificate must come from; null for the system's.
    tls_ca: Option<String>,
}

impl FromFields for RegisterServer {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("name", name);
        let host = fields.required("host", host);
        let port = fields.optional("port", port);
        let username = fields.required("username", username);
        let password = fields.optional("password", password);
        let tls_mode = fields.optional("tls_mode", tls_mode);
        let tls_ca = fields.optional("tls_ca", tls_ca);
        Some(Self {
            name: name?,
            host: host?,
            port: port?.unwrap_or(DEFAULT_PORT),
            username: username?,
            password: password?,
            tls_mode: tls_mode?.unwrap_or_else(|| DEFAULT_TLS_MODE.to_owned()),
            tls_ca: tls_ca?,
        })
    }
}

/// What to change of a server; what is left out stays.
#[derive(ToSchema)]
#[schema(example = json!({ "host": "db2.example.com", "password": "correct horse battery staple" }))]
pub(crate) struct UpdateServer {
    /// New name.
    #[schema(value_type = String, required = false)]
    name: Option<String>,
    /// New host. Needs `password`.
    #[schema(value_type = String, required = false)]
    host: Option<String>,
    /// New port. Needs `password`.
    #[schema(value_type = i32, required = false, minimum = 1, maximum = 65535)]
    port: Option<u16>,
    /// New account. Needs `password`.
    #[schema(value_type = String, required = false)]
    username: Option<String>,
    /// New password; null forgets the stored one.
    #[schema(value_type = Option<String>, write_only)]
    password: Option<Option<SecretString>>,
    /// `disabled`, `preferred`, `required`, `verify_ca` or `verify_identity`.
    #[schema(value_type = String, required = false)]
    tls_mode: Option<String>,
    /// PEM certificates; null for the system's.
    #[schema(value_type = Option<String>)]
    tls_ca: Option<Option<String>>,
}

impl FromFields for UpdateServer {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.present("name", name);
        let host = fields.present("host", host);
        let port = fields.present("port", port);
        let username = fields.present("username", username);
        let password = fields.nullable("password", password);
        let tls_mode = fields.present("tls_mode", tls_mode);
        let tls_ca = fields.nullable("tls_ca", tls_ca);
        Some(Self {
            name: name?,
            host: host?,
            port: port?,
            username: username?,
            password: password?,
            tls_mode: tls_mode?,
            tls_ca: tls_ca?,
        })
    }
}

fn name(value: &Value) -> Result<String, String> {
    let name = input::text_up_to(100)(value)?;
    if name.trim() != name || name.chars().any(char::is_control) {
        return Err("begins or ends with white space, or holds a control character".to_owned());
    }
    Ok(name)
}

/// A name of the DNS (underscores allowed, as many networks do) or an address, without brackets or a port.
fn host(value: &Value) -> Result<String, String> {
    let host = input::text_up_to(253)(value)?;
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let labels = host.strip_suffix('.').unwrap_or(&host);
    // Four numbers that are no address are no name either.
    let numeric = labels.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    if host.parse::<IpAddr>().is_ok() || (labels.split('.').all(label) && !numeric) {
        return Ok(host);
    }
    Err(format!("`{host}` is neither a host name nor an address; the port is a field of its own"))
}

fn port(value: &Value) -> Result<u16, String> {
    input::integer(1..=65535)(value).map(|port| port as u16)
}

fn username(value: &Value) -> Result<String, String> {
    input::text_up_to(128)(value)
}

fn password(value: &Value) -> Result<SecretString, String> {
    // Never shown, not even in the answer to a value that is no text.
    input::text_up_to(1024)(value).map(SecretString::from).map_err(|_| {
        "is not a text of 1 to 1024 characters without NUL; leave it out, or send null, for an account without one"
            .to_owned()
    })
}

fn tls_mode(value: &Value) -> Result<String, String> {
    let mode = input::text(value)?;
    if TLS_MODES.contains(&mode.as_str()) {
        return Ok(mode);
    }
    Err(format!("`{mode}` is not a TLS mode; there are {}", TLS_MODES.join(", ")))
}

fn tls_ca(value: &Value) -> Result<String, String> {
    let pem = input::text_up_to(48 * 1024)(value)?;
    preflight::check_certificates(&pem)?;
    Ok(pem)
}

/// Register a server
///
/// Stores the server and runs the preflight, whose report is part of the answer. A server that cannot be reached is
/// registered all the same, with `"reachable": false` in its report; run the check again once it can be.
#[utoipa::path(
    tag = "Servers",
    params(IdempotencyKey),
    request_body = RegisterServer,
    responses((status = 201, description = "The server, with its preflight's report.", body = ServerView), RegisterProblems),
    security(("api_key" = ["servers:write"])),
)]
#[post("/servers")]
async fn register_server(
    caller: Authorized<ServersWrite>,
    state: web::Data<State>,
    body: Body<RegisterServer>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let new = NewServer {
        tenant_id: caller.tenant,
        name: body.name,
        host: body.host,
        port: body.port,
        username: body.username,
        password: body.password,
        tls_mode: body.tls_mode,
        tls_ca: body.tls_ca,
    };
    let server = Server::create(&state.store, &state.sealing, new).await?;
    tracing::info!(server = %server.id, name = server.name, "server registered");
    let server = preflight::check(&state, server).await?;
    Ok(HttpResponse::Created().json(ServerView::of(&server)))
}

/// List servers
///
/// All servers of the tenant by name, without those that were removed.
#[utoipa::path(
    tag = "Servers",
    responses((status = 200, description = "The servers; their reports without the tables.", body = Vec<ServerView>), ListProblems),
    security(("api_key" = ["servers:read"])),
)]
#[get("/servers")]
async fn list_servers(caller: Authorized<ServersRead>, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let servers = Server::list(&state.store, caller.tenant).await?;
    let views: Vec<_> = servers.iter().map(|server| ServerView::of(server).without_tables()).collect();
    Ok(HttpResponse::Ok().json(views))
}

/// Get a server
#[utoipa::path(
    tag = "Servers",
    params(ServerPath),
    responses((status = 200, description = "The server.", body = ServerView), GetProblems),
    security(("api_key" = ["servers:read"])),
)]
#[get("/servers/{server_id}")]
async fn get_server(
    caller: Authorized<ServersRead>,
    state: web::Data<State>,
    path: Path<ServerPath>,
) -> Result<HttpResponse, Problem> {
    let server = find(&state, caller.tenant, path.0.server_id).await?;
    Ok(HttpResponse::Ok().json(ServerView::of(&server)))
}

/// Update a server
///
/// Only the fields that are given are changed. A stored password is never used for another host, port or user: changing
/// one of them needs `password` as well. When the connection changes, the preflight runs again.
#[utoipa::path(
    tag = "Servers",
    params(ServerPath),
    request_body = UpdateServer,
    responses((status = 200, description = "The server as it is now.", body = ServerView), UpdateProblems),
    security(("api_key" = ["servers:write"])),
)]
#[patch("/servers/{server_id}")]
async fn update_server(
    caller: Authorized<ServersWrite>,
    state: web::Data<State>,
    path: Path<ServerPath>,
    body: Body<UpdateServer>,
) -> Result<HttpResponse, Problem> {
    let (id, body) = (path.0.server_id, body.0);
    let server = find(&state, caller.tenant, id).await?;
    refuse_reused_password(&server, &body)?;
    let reconnects = [
        body.host.is_some(),
        body.port.is_some(),
        body.username.is_some(),
        body.password.is_some(),
        body.tls_mode.is_some(),
        body.tls_ca.is_some(),
    ]
    .contains(&true);
    let changes = ServerChanges {
        name: body.name,
        host: body.host,
        port: body.port,
        username: body.username,
        password: body.password,
        tls_mode: body.tls_mode,
        tls_ca: body.tls_ca,
    };
    let mut server = Server::update(&state.store, &state.sealing, caller.tenant, id, changes).await?;
    if reconnects {
        server = preflight::check(&state, server).await?;
    }
    Ok(HttpResponse::Ok().json(ServerView::of(&server)))
}

/// A password was given for one account on one host: it goes nowhere else.
fn refuse_reused_password(server: &Server, body: &UpdateServer) -> Result<(), Problem> {
    if server.sealed_password.is_none() || body.password.is_some() {
        return Ok(());
    }
    let changed: Vec<&str> = [
        ("host", body.host.as_ref().is_some_and(|host| *host != server.host)),
        ("port", body.port.is_some_and(|port| port != server.port)),
        ("username", body.username.as_ref().is_some_and(|username| *username != server.username)),
    ]
    .into_iter()
    .filter_map(|(name, changed)| changed.then_some(name))
    .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let detail = format!(
        "the stored password was given for {}:{} and is not used elsewhere; send `password` together with the new {}",
        server.host,
        server.port,
        changed.join(" and ")
    );
    Err(Problem::new(Code::PasswordRequired, detail).at("/password"))
}

/// Remove a server
///
/// The server is no longer backed up or archived, its schedules stop and its password is forgotten. Its backups, PITR
/// results and history stay readable.
#[utoipa::path(
    tag = "Servers",
    params(ServerPath),
    responses((status = 204, description = "The server is removed."), GetProblems),
    security(("api_key" = ["servers:delete"])),
)]
#[delete("/servers/{server_id}")]
async fn delete_server(
    caller: Authorized<ServersDelete>,
    state: web::Data<State>,
    path: Path<ServerPath>,
) -> Result<HttpResponse, Problem> {
    Server::soft_delete(&state.store, caller.tenant, path.0.server_id).await?;
    tracing::info!(server = %path.0.server_id, "server removed");
    Ok(HttpResponse::NoContent().finish())
}

/// Check a server
///
/// Runs the preflight again and stores its report.
#[utoipa::path(
    tag = "Servers",
    params(ServerPath, IdempotencyKey),
    responses((status = 200, description = "The server, with the new report.", body = ServerView), CheckProblems),
    security(("api_key" = ["servers:write"])),
)]
#[post("/servers/{server_id}/check")]
async fn check_server(
    caller: Authorized<ServersWrite>,
    state: web::Data<State>,
    path: Path<ServerPath>,
) -> Result<HttpResponse, Problem> {
    let server = find(&state, caller.tenant, path.0.server_id).await?;
    let server = preflight::check(&state, server).await?;
    Ok(HttpResponse::Ok().json(ServerView::of(&server)))
}

async fn find(state: &State, tenant: TenantId, id: ServerId) -> Result<Server, Problem> {
    Server::find(&state.store, tenant, id).await?.ok_or_else(|| Problem::not_found("server"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hosts() {
        for text in
            ["db", "db.example.com", "db_1.internal.", "10.0.0.1", "::1", "fe80::1", "xn--bcher-kva.example", "1a"]
        {
            assert_eq!(host(&json!(text)), Ok(text.to_owned()));
        }
        let long = "a".repeat(64);
        for text in
            ["", "db:3306", "[::1]", "a b", "-db", "db-", "a..b", "10.0.0.256", "10.0.0", "db/x", "u@db", "ä.de", &long]
        {
            assert!(host(&json!(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_wrong_password_is_not_repeated() {
        let error = password(&json!({ "secret": "hunter2" })).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

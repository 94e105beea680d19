//! Registered servers.

mod input;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, delete, get, patch, post, web};
use backtrail_domain::{ServerId, TenantId};
use backtrail_store::{NewServer, Server, ServerChanges};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use self::input::{RegisterServer, UpdateServer};
use crate::app::State;
use crate::auth::{Authorized, ServersDelete, ServersRead, ServersWrite};
use crate::idempotency::{IdempotencyKey, Repeatable};
use crate::input::{Body, Path, path_ids};
use crate::openapi::problems;
use crate::preflight;
use crate::problem::{Code, Problem};
use crate::times::Seconds;

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
    repeatable: Repeatable,
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
    // Known before anyone waits for a preflight.
    Server::check_name(&state.store, new.tenant_id, &new.name).await?;
    let look = preflight::first_look(&new).await?;
    let reachable = look.report["reachable"].as_bool();
    let keep = |made: &Server| repeatable.keep(&state, StatusCode::CREATED, &ServerView::of(made));
    let server = Server::create_answered(&state.store, &state.sealing, new, Some(look), keep).await?;
    tracing::info!(server = %server.id, name = server.name, reachable, "server registered");
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

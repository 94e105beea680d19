//! API keys of the tenant.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, delete, get, post, web};
use backtrail_domain::{ApiKeyId, Permission, Role};
use backtrail_store::{ApiKey, NewApiKey};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::app::State;
use crate::auth::{Authorized, KeysManage};
use crate::idempotency::{IdempotencyKey, Repeatable};
use crate::input::{self, Body, Fields, FromFields, Path, path_ids};
use crate::openapi::problems;
use crate::problem::{Code, Problem};
use crate::times::Seconds;
use backtrail_store::Key;

path_ids! {
    /// Names an API key.
    KeyPath {
        /// The key's id, not the key.
        key_id: ApiKeyId,
    }
}

problems! {
    CreateProblems = [MalformedJson, IdempotencyKeyInUse, PayloadTooLarge, ValidationFailed, IdempotencyKeyReused];
    ListProblems = [];
    RevokeProblems = [NotFound, ValidationFailed];
}

/// An API key, without the key.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey, example = json!({
    "id": "b6a2c7de-0b6a-4f6f-8a1d-5b0f3c5d7e90", "name": "ci", "prefix": "bt_live_1f2e3d", "role": "operator",
    "permissions": ["servers:read", "servers:write", "backup:create"], "created_at": "2026-04-01T10:00:00Z",
    "expires_at": null, "last_used_at": "2026-04-13T02:00:00Z", "revoked_at": null,
}))]
struct KeyView {
    /// The key's id.
    #[schema(value_type = Uuid)]
    id: ApiKeyId,
    /// For people.
    name: String,
    /// The key's first characters, to tell keys apart.
    prefix: String,
    /// `viewer`, `operator` or `admin`, where its permissions came from a role.
    #[schema(value_type = Option<String>)]
    role: Option<Role>,
    /// What it may do.
    #[schema(value_type = Vec<String>)]
    permissions: Vec<Permission>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Seconds,
    /// When it ceases to be valid; null for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Seconds>,
    /// When it was last used, to the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Seconds>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Seconds>,
}

impl KeyView {
    fn of(key: &ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name.clone(),
            prefix: key.prefix.clone(),
            role: key.role,
            permissions: key.permissions.clone(),
            created_at: Seconds(key.created_at),
            expires_at: key.expires_at.map(Seconds),
            last_used_at: key.last_used_at.map(Seconds),
            revoked_at: key.revoked_at.map(Seconds),
        }
    }
}

/// A new API key, with the key.
#[derive(Serialize, ToSchema)]
#[schema(as = NewApiKey, example = json!({
    "key": "bt_live_1f2e3d4c5b6a79880f1e2d3c4b5a6978", "id": "b6a2c7de-0b6a-4f6f-8a1d-5b0f3c5d7e90", "name": "ci",
    "prefix": "bt_live_1f2e3d", "role": "operator", "permissions": ["servers:read", "servers:write", "backup:create"],
    "created_at": "2026-04-01T10:00:00Z", "expires_at": null, "last_used_at": null, "revoked_at": null,
}))]
struct NewKeyView {
    /// The key. It is shown this once, since only its SHA-256 is stored: an answer that is given again because of an
    /// `Idempotency-Key` is without it. Revoke that key then, and make another.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(flatten)]
    view: KeyView,
}

/// An API key to be made. Give either a role or permissions.
#[derive(ToSchema)]
#[schema(example = json!({ "name": "ci", "role": "operator" }))]
pub(crate) struct CreateKey {
    /// For people, at most 100 characters.
    name: String,
    /// `viewer`, `operator` or `admin`.
    #[schema(value_type = Option<String>)]
    role: Option<Role>,
    /// Any of `backup:create`, `servers:read`, `servers:write`, `servers:delete`, `keys:manage`.
    #[schema(value_type = Option<Vec<String>>)]
    permissions: Vec<Permission>,
    /// When it is to cease to be valid.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<OffsetDateTime>,
}

impl FromFields for CreateKey {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let both = fields.has("role") && fields.has("permissions");
        let neither = !fields.has("role") && !fields.has("permissions");
        let name = fields.required("name", input::text_up_to(100));
        let role: Option<Option<Role>> = fields.optional("role", input::parsed);
        let permissions = fields.optional("permissions", permissions);
        let expires_at = fields.optional("expires_at", expiry);
        if both {
            fields.mistake("permissions", "is given together with `role`; give one of them");
        }
        if neither {
            fields.mistake("role", "is required, or else `permissions`");
        }
        let role = role?;
        let of_role = role.map(|role| role.permissions().to_vec()).unwrap_or_default();
        Some(Self { name: name?, role, permissions: permissions?.unwrap_or(of_role), expires_at: expires_at? })
    }
}

fn permissions(value: &Value) -> Result<Vec<Permission>, String> {
    let values = value.as_array().ok_or("is not an array of permissions")?;
    let mut permissions = values.iter().map(input::parsed).collect::<Result<Vec<Permission>, _>>()?;
    permissions.sort_unstable();
    permissions.dedup();
    if permissions.is_empty() {
        return Err("is empty; name at least one permission".to_owned());
    }
    Ok(permissions)
}

fn expiry(value: &Value) -> Result<OffsetDateTime, String> {
    let expiry = input::instant(value)?;
    if expiry <= OffsetDateTime::now_utc() {
        return Err("lies in the past".to_owned());
    }
    Ok(expiry)
}

/// Create an API key
///
/// The answer shows the key, once. A key cannot give permissions that it does not have itself.
#[utoipa::path(
    tag = "Keys",
    params(IdempotencyKey),
    request_body = CreateKey,
    responses((status = 201, description = "The key.", body = NewKeyView), CreateProblems),
    security(("api_key" = ["keys:manage"])),
)]
#[post("/keys")]
async fn create_key(
    caller: Authorized<KeysManage>,
    state: web::Data<State>,
    repeatable: Repeatable,
    body: Body<CreateKey>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    if let Some(missing) = body.permissions.iter().find(|permission| !caller.permissions.contains(permission)) {
        let detail = format!("the API key cannot give the permission `{missing}`, which it does not have itself");
        return Err(Problem::new(Code::PermissionMissing, detail));
    }
    let key = Key::generate();
    let new = NewApiKey {
        tenant_id: caller.tenant,
        name: body.name,
        prefix: key.prefix().to_owned(),
        sha256: key.sha256(),
        permissions: body.permissions,
        role: body.role,
        expires_at: body.expires_at,
    };
    let keep = |made: &ApiKey| {
        let without_key = NewKeyView { key: None, view: KeyView::of(made) };
        repeatable.keep(&state, StatusCode::CREATED, &without_key)
    };
    let stored = ApiKey::create_answered(&state.store, new, keep).await?;
    tracing::info!(key = %stored.id, by = %caller.key, "API key created");
    Ok(HttpResponse::Created().json(NewKeyView { key: Some(key.expose().to_owned()), view: KeyView::of(&stored) }))
}

/// List API keys
///
/// All keys of the tenant, newest first, also revoked ones.
#[utoipa::path(
    tag = "Keys",
    responses((status = 200, description = "The keys.", body = Vec<KeyView>), ListProblems),
    security(("api_key" = ["keys:manage"])),
)]
#[get("/keys")]
async fn list_keys(caller: Authorized<KeysManage>, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let keys = ApiKey::list(&state.store, caller.tenant).await?;
    Ok(HttpResponse::Ok().json(keys.iter().map(KeyView::of).collect::<Vec<_>>()))
}

/// Revoke an API key
///
/// The key is invalid from now on; revoking it again changes nothing. A key may revoke itself.
#[utoipa::path(
    tag = "Keys",
    params(KeyPath),
    responses((status = 204, description = "The key is revoked."), RevokeProblems),
    security(("api_key" = ["keys:manage"])),
)]
#[delete("/keys/{key_id}")]
async fn revoke_key(
    caller: Authorized<KeysManage>,
    state: web::Data<State>,
    path: Path<KeyPath>,
) -> Result<HttpResponse, Problem> {
    let key = ApiKey::revoke(&state.store, caller.tenant, path.0.key_id).await?;
    tracing::info!(key = %key.id, by = %caller.key, "API key revoked");
    Ok(HttpResponse::NoContent().finish())
}

//! Registered MySQL and MariaDB servers.

use backtrail_domain::{ServerId, TenantId};
use diesel::dsl::now;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use secrecy::SecretString;
use serde_json::Value as Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::idempotency::{self, Kept};
use crate::row::RowName;
use crate::schema::{agents, schedules, servers};
use crate::{FirstPlace, SealingKey, Store, StoreError, first_place};

/// A registered server.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// Id.
    pub id: ServerId,
    /// Whose.
    pub tenant_id: TenantId,
    /// Unique among the tenant's servers that are not deleted.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Account.
    pub username: String,
    /// Its password, sealed; see [`SealingKey::unseal`].
    pub sealed_password: Option<Vec<u8>>,
    /// `disabled`, `preferred`, `required`, `verify_ca` or `verify_identity`.
    pub tls_mode: String,
    /// PEM certificates that its certificate must come from.
    pub tls_ca: Option<String>,
    /// The last preflight's report.
    pub preflight: Option<Json>,
    /// When that was.
    pub preflight_at: Option<OffsetDateTime>,
    /// Where its binary log stood when it was first looked at; forgotten when its host or port changes.
    pub first_place: Option<FirstPlace>,
    /// A number of its own among all servers, from 1: for what needs a small unique number, such as a replica's server id.
    pub number: u32,
    /// When it was registered.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
    /// When it was removed: its history stays.
    pub deleted_at: Option<OffsetDateTime>,
}

/// A server to be registered.
#[derive(Debug, Clone)]
pub struct NewServer {
    /// Whose.
    pub tenant_id: TenantId,
    /// Unique among the tenant's servers.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Account.
    pub username: String,
    /// Its password: sealed before it is stored.
    pub password: Option<SecretString>,
    /// See [`Server::tls_mode`].
    pub tls_mode: String,
    /// See [`Server::tls_ca`].
    pub tls_ca: Option<String>,
}

/// What the first preflight of a server said.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstLook {
    /// Its report.
    pub report: Json,
    /// Where the server's log stood, if that could be seen.
    pub place: Option<FirstPlace>,
}

/// What to change of a server; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct ServerChanges {
    /// New name.
    pub name: Option<String>,
    /// New host. Without a new password the saved one is forgotten: it was given for the old host.
    pub host: Option<String>,
    /// New port. As for `host`.
    pub port: Option<u16>,
    /// New account.
    pub username: Option<String>,
    /// New password, or none.
    pub password: Option<Option<SecretString>>,
    /// New TLS mode.
    pub tls_mode: Option<String>,
    /// New CA, or none.
    pub tls_ca: Option<Option<String>>,
}

impl Server {
    /// Registers a server that nobody has looked at. A name that exists is a [`StoreError::Conflict`] with [`UNIQUE_NAME`].
    pub async fn create(store: &Store, key: &SealingKey, new: NewServer) -> Result<Self, StoreError> {
        Self::create_answered(store, key, new, None, |_| Ok(None)).await
    }

    /// [`create`](Self::create), with what its first preflight said and the answer to the request that asked for it in the
    /// same transaction.
    pub async fn create_answered(
        store: &Store,
        key: &SealingKey,
        new: NewServer,
        look: Option<FirstLook>,
        answer: impl FnOnce(&Self) -> Result<Option<Kept>, StoreError>,
    ) -> Result<Self, StoreError> {
        let id = ServerId(Uuid::now_v7());
        let sealed = new.password.as_ref().map(|password| key.seal(password, id, &new.host, new.port)).transpose()?;
        let mut transaction = store.begin().await?;
        let made = async {
            insert(&mut transaction, id, &new, sealed).await?;
            if let Some(look) = look {
                set_preflight(&mut transaction, id, &look.report).await?;
                if let Some(place) = look.place {
                    place.keep_in(&mut transaction, id).await?;
                }
            }
            let row: Row = servers::table.find(id.0).select(Row::as_select()).first(&mut *transaction).await?;
            let server = Self::try_from(row)?;
            idempotency::keep(&mut transaction, answer(&server)?.as_ref()).await?;
            Ok(server)
        };
        let made = made.await;
        transaction.end(made).await
    }

    /// Fails as registering a server of that name would.
    pub async fn check_name(store: &Store, tenant_id: TenantId, name: &str) -> Result<(), StoreError> {
        let connection = &mut store.connection().await?;
        let same: Option<Uuid> = servers::table
            .filter(servers::tenant_id.eq(tenant_id.0))
            .filter(servers::name.eq(name))
            .filter(servers::deleted_at.is_null())
            .select(servers::id)
            .first(connection)
            .await
            .optional()?;
        same.map_or(Ok(()), |_| Err(StoreError::Conflict { constraint: UNIQUE_NAME.to_owned() }))
    }

    /// The tenant's server of that id, unless it was removed.
    pub async fn find(store: &Store, tenant_id: TenantId, id: ServerId) -> Result<Option<Self>, StoreError> {
        let connection = &mut store.connection().await?;
        let row: Option<Row> = servers::table
            .find(id.0)
            .filter(servers::tenant_id.eq(tenant_id.0))
            .filter(servers::deleted_at.is_null())
            .select(Row::as_select())
            .first(connection)
            .await
            .optional()?;
        row.map(Self::try_from).transpose()
    }

    /// The server of that id, of any tenant, removed or not: for services that work on behalf of a run.
    pub async fn by_id(store: &Store, id: ServerId) -> Result<Option<Self>, StoreError> {
        let connection = &mut store.connection().await?;
        let row: Option<Row> = servers::table.find(id.0).select(Row::as_select()).first(connection).await.optional()?;
        row.map(Self::try_from).transpose()
    }

    /// The tenant's servers by name, without removed ones.
    pub async fn list(store: &Store, tenant_id: TenantId) -> Result<Vec<Self>, StoreError> {
        let connection = &mut store.connection().await?;
        let rows: Vec<Row> = servers::table
            .filter(servers::tenant_id.eq(tenant_id.0))
            .filter(servers::deleted_at.is_null())
            .order((servers::name, servers::id))
            .select(Row::as_select())
            .load(connection)
            .await?;
        rows.into_iter().map(Self::try_from).collect()
    }

    /// Changes a server. Only a changed host or port without a new password loses the saved password.
    pub async fn update(
        store: &Store,
        key: &SealingKey,
        tenant_id: TenantId,
        id: ServerId,
        changes: ServerChanges,
    ) -> Result<Self, StoreError> {
        let mut transaction = store.begin().await?;
        let changed = change(&mut transaction, key, tenant_id, id, changes).await;
        transaction.end(changed).await
    }

    /// Removes a server: it is no longer listed, its schedules are disabled, its agent's lease ends, its password is
    /// forgotten. Its runs and archive stay. A second removal is [`StoreError::NotFound`].
    pub async fn soft_delete(store: &Store, tenant_id: TenantId, id: ServerId) -> Result<(), StoreError> {
        let mut transaction = store.begin().await?;
        let removed = remove(&mut transaction, tenant_id, id).await;
        transaction.end(removed).await
    }

    /// Stores a preflight's report.
    pub async fn set_preflight(store: &Store, id: ServerId, report: &Json) -> Result<(), StoreError> {
        let mut transaction = store.begin().await?;
        let changed = set_preflight(&mut transaction, id, report).await;
        transaction.end(changed).await
    }
}

/// The rule that a server's name is unique among its tenant's.
pub const UNIQUE_NAME: &str = "servers_name";

fn not_found(id: ServerId) -> StoreError {
    StoreError::NotFound { what: "server", id: id.to_string() }
}

async fn set_preflight(connection: &mut AsyncPgConnection, id: ServerId, report: &Json) -> Result<(), StoreError> {
    let changed = diesel::update(servers::table.find(id.0))
        .set((servers::preflight.eq(report), servers::preflight_at.eq(now)))
        .execute(connection)
        .await?;
    if changed == 1 { Ok(()) } else { Err(not_found(id)) }
}

async fn insert(
    connection: &mut AsyncPgConnection,
    id: ServerId,
    new: &NewServer,
    sealed: Option<Vec<u8>>,
) -> Result<(), StoreError> {
    diesel::insert_into(servers::table)
        .values((
            servers::id.eq(id.0),
            servers::tenant_id.eq(new.tenant_id.0),
            servers::name.eq(&new.name),
            servers::host.eq(&new.host),
            servers::port.eq(i32::from(new.port)),
            servers::username.eq(&new.username),
            servers::sealed_password.eq(sealed),
            servers::tls_mode.eq(&new.tls_mode),
            servers::tls_ca.eq(&new.tls_ca),
        ))
        .execute(connection)
        .await?;
    diesel::insert_into(agents::table)
        .values((agents::server_id.eq(id.0), agents::tenant_id.eq(new.tenant_id.0)))
        .execute(connection)
        .await?;
    Ok(())
}

async fn change(
    connection: &mut AsyncPgConnection,
    key: &SealingKey,
    tenant_id: TenantId,
    id: ServerId,
    changes: ServerChanges,
) -> Result<Server, StoreError> {
    let row: Row = servers::table
        .find(id.0)
        .filter(servers::tenant_id.eq(tenant_id.0))
        .filter(servers::deleted_at.is_null())
        .select(Row::as_select())
        .for_update()
        .first(connection)
        .await
        .optional()?
        .ok_or_else(|| not_found(id))?;
    let old = Server::try_from(row)?;
    let host = changes.host.unwrap_or_else(|| old.host.clone());
    let port = changes.port.unwrap_or(old.port);
    let sealed = match changes.password {
        Some(Some(password)) => Some(key.seal(&password, id, &host, port)?),
        Some(None) => None,
        None if host == old.host && port == old.port => old.sealed_password,
        // Sealed for the old host, it would not open any more: what is left of it is of no use.
        None => None,
    };
    if host != old.host || port != old.port {
        // At another address another log may be meant.
        first_place::forget(connection, id).await?;
    }
    let row: Row = diesel::update(servers::table.find(id.0))
        .set((
            servers::name.eq(changes.name.unwrap_or(old.name)),
            servers::host.eq(host),
            servers::port.eq(i32::from(port)),
            servers::username.eq(changes.username.unwrap_or(old.username)),
            servers::sealed_password.eq(sealed),
            servers::tls_mode.eq(changes.tls_mode.unwrap_or(old.tls_mode)),
            servers::tls_ca.eq(changes.tls_ca.unwrap_or(old.tls_ca)),
            servers::updated_at.eq(now),
        ))
        .returning(Row::as_returning())
        .get_result(connection)
        .await?;
    row.try_into()
}

async fn remove(connection: &mut AsyncPgConnection, tenant_id: TenantId, id: ServerId) -> Result<(), StoreError> {
    let removed = diesel::update(servers::table.find(id.0))
        .filter(servers::tenant_id.eq(tenant_id.0))
        .filter(servers::deleted_at.is_null())
        .set((servers::deleted_at.eq(now), servers::updated_at.eq(now), servers::sealed_password.eq(None::<Vec<u8>>)))
        .execute(connection)
        .await?;
    if removed == 0 {
        return Err(not_found(id));
    }
    diesel::update(schedules::table.filter(schedules::server_id.eq(id.0)))
        .set((
            schedules::enabled.eq(false),
            schedules::next_run_at.eq(None::<OffsetDateTime>),
            schedules::due_at.eq(None::<OffsetDateTime>),
        ))
        .execute(connection)
        .await?;
    // The agent's token is void: its next write tells it to stop.
    diesel::update(agents::table.find(id.0))
        .set((
            agents::fencing.eq(agents::fencing + 1),
            agents::holder.eq(None::<String>),
            agents::lease_expires_at.eq(None::<OffsetDateTime>),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Proves that the server is the tenant's and not removed, and keeps it so until the transaction ends.
pub(crate) async fn hold(
    connection: &mut AsyncPgConnection,
    tenant_id: TenantId,
    id: ServerId,
) -> Result<(), StoreError> {
    let found: Option<Uuid> = servers::table
        .find(id.0)
        .filter(servers::tenant_id.eq(tenant_id.0))
        .filter(servers::deleted_at.is_null())
        .select(servers::id)
        .for_share()
        .first(connection)
        .await
        .optional()?;
    found.map(|_| ()).ok_or_else(|| not_found(id))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = servers, check_for_backend(Pg))]
pub(crate) struct Row {
    id: Uuid,
    tenant_id: Uuid,
    number: i32,
    name: String,
    host: String,
    port: i32,
    username: String,
    sealed_password: Option<Vec<u8>>,
    tls_mode: String,
    tls_ca: Option<String>,
    preflight: Option<Json>,
    preflight_at: Option<OffsetDateTime>,
    first_identity: Option<String>,
    first_file: Option<String>,
    first_position: Option<i64>,
    first_seen_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    deleted_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for Server {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = RowName { table: "servers", id: row.id };
        let first_position = name.position("first_file", row.first_file.as_deref(), row.first_position)?;
        let first_place = match (row.first_identity, first_position, row.first_seen_at) {
            (Some(identity), Some(position), Some(seen_at)) => Some(FirstPlace { identity, position, seen_at }),
            _ => None,
        };
        Ok(Self {
            id: ServerId(row.id),
            tenant_id: TenantId(row.tenant_id),
            number: name.number("number", row.number)?,
            name: row.name,
            host: row.host,
            port: name.number("port", row.port)?,
            username: row.username,
            sealed_password: row.sealed_password,
            tls_mode: row.tls_mode,
            tls_ca: row.tls_ca,
            preflight: row.preflight,
            preflight_at: row.preflight_at,
            first_place,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
        })
    }
}

//! API keys: only their SHA-256 is stored.

use backtrail_domain::{ApiKeyId, Permission, Role, TenantId};
use diesel::dsl::{IntervalDsl, now};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::idempotency::{self, Kept};
use crate::row::RowName;
use crate::schema::api_keys;
use crate::{Store, StoreError};

/// What is known of an API key. Not the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Id.
    pub id: ApiKeyId,
    /// Whose.
    pub tenant_id: TenantId,
    /// For people.
    pub name: String,
    /// The key's first characters, to tell keys apart.
    pub prefix: String,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// The role its permissions came from, where they came from one.
    pub role: Option<Role>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it ceases to be valid.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
    /// When it was revoked.
    pub revoked_at: Option<OffsetDateTime>,
}

/// A key to be stored.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Whose.
    pub tenant_id: TenantId,
    /// For people.
    pub name: String,
    /// The key's first characters.
    pub prefix: String,
    /// SHA-256 of the whole key.
    pub sha256: [u8; 32],
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// The role its permissions came from.
    pub role: Option<Role>,
    /// When it ceases to be valid.
    pub expires_at: Option<OffsetDateTime>,
}

impl ApiKey {
    /// Stores a key.
    pub async fn create(store: &Store, new: NewApiKey) -> Result<Self, StoreError> {
        Self::create_answered(store, new, |_| Ok(None)).await
    }

    /// [`create`](Self::create), with the answer to the request that asked for it in the same transaction. That answer
    /// must not hold the key.
    pub async fn create_answered(
        store: &Store,
        new: NewApiKey,
        answer: impl FnOnce(&Self) -> Result<Option<Kept>, StoreError>,
    ) -> Result<Self, StoreError> {
        let mut transaction = store.begin().await?;
        let made = async {
            let key = Self::insert(&mut transaction, new).await?;
            idempotency::keep(&mut transaction, answer(&key)?.as_ref()).await?;
            Ok(key)
        };
        let made = made.await;
        transaction.end(made).await
    }

    async fn insert(connection: &mut AsyncPgConnection, new: NewApiKey) -> Result<Self, StoreError> {
        let permissions: Vec<&str> = new.permissions.iter().map(|permission| permission.as_str()).collect();
        let row = (
            api_keys::id.eq(Uuid::now_v7()),
            api_keys::tenant_id.eq(new.tenant_id.0),
            api_keys::name.eq(&new.name),
            api_keys::prefix.eq(&new.prefix),
            api_keys::sha256.eq(&new.sha256[..]),
            api_keys::permissions.eq(permissions),
            api_keys::role.eq(new.role.map(Role::as_str)),
            api_keys::expires_at.eq(new.expires_at),
        );
        let made: Row = diesel::insert_into(api_keys::table)
            .values(row)
            .returning(Row::as_returning())
            .get_result(connection)
            .await?;
        made.try_into()
    }

    /// The key with that sum, if it is valid now: neither revoked nor expired. Notes its use, at most once a minute.
    pub async fn authenticate(store: &Store, sha256: &[u8; 32]) -> Result<Option<Self>, StoreError> {
        let connection = &mut store.connection().await?;
        let row: Option<Row> = api_keys::table
            .filter(api_keys::sha256.eq(&sha256[..]))
            .filter(api_keys::revoked_at.is_null())
            .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now)))
            .select(Row::as_select())
            .first(connection)
            .await
            .optional()?;
        let Some(row) = row else { return Ok(None) };
        // One statement, and nothing is lost with it: no transaction. Requests in the same minute do not write at all.
        diesel::update(api_keys::table.find(row.id))
            .filter(
                api_keys::last_used_at
                    .is_null()
                    .or(api_keys::last_used_at.lt((now.into_sql::<Timestamptz>() - 1.minute()).nullable())),
            )
            .set(api_keys::last_used_at.eq(now))
            .execute(connection)
            .await?;
        row.try_into().map(Some)
    }

    /// A tenant's keys, newest first, revoked ones included.
    pub async fn list(store: &Store, tenant_id: TenantId) -> Result<Vec<Self>, StoreError> {
        let connection = &mut store.connection().await?;
        let rows: Vec<Row> = api_keys::table
            .filter(api_keys::tenant_id.eq(tenant_id.0))
            .order((api_keys::created_at.desc(), api_keys::id.desc()))
            .select(Row::as_select())
            .load(connection)
            .await?;
        rows.into_iter().map(Self::try_from).collect()
    }

    /// Makes a key invalid from now on. Revoking it again changes nothing.
    pub async fn revoke(store: &Store, tenant_id: TenantId, id: ApiKeyId) -> Result<Self, StoreError> {
        let mut transaction = store.begin().await?;
        let revoked: Result<Option<Row>, _> = diesel::update(api_keys::table.find(id.0))
            .filter(api_keys::tenant_id.eq(tenant_id.0))
            .set(api_keys::revoked_at.eq(diesel::dsl::sql("coalesce(revoked_at, now())")))
            .returning(Row::as_returning())
            .get_result(&mut *transaction)
            .await
            .optional();
        let row = transaction.end(revoked.map_err(StoreError::from)).await?;
        row.ok_or_else(|| StoreError::NotFound { what: "API key", id: id.to_string() })?.try_into()
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys, check_for_backend(Pg))]
struct Row {
    id: Uuid,
    tenant_id: Uuid,
    name: String,
    prefix: String,
    permissions: Vec<String>,
    role: Option<String>,
    created_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
    last_used_at: Option<OffsetDateTime>,
    revoked_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for ApiKey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = RowName { table: "api_keys", id: row.id };
        let permissions =
            row.permissions.iter().map(|text| name.parse("permissions", text)).collect::<Result<_, _>>()?;
        Ok(Self {
            id: ApiKeyId(row.id),
            tenant_id: TenantId(row.tenant_id),
            permissions,
            role: name.parse_some("role", row.role.as_deref())?,
            name: row.name,
            prefix: row.prefix,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        })
    }
}

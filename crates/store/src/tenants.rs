//! Customers.

use backtrail_domain::TenantId;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::schema::tenants;
use crate::{Store, StoreError};

/// A customer: owns servers, keys, schedules and runs, and sees nobody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Id.
    pub id: TenantId,
    /// Unique name.
    pub name: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

impl Tenant {
    /// Makes a tenant. A name that exists is a [`StoreError::Conflict`] with [`UNIQUE_NAME`].
    pub async fn create(store: &Store, name: &str) -> Result<Self, StoreError> {
        let row = (tenants::id.eq(Uuid::now_v7()), tenants::name.eq(name));
        let mut transaction = store.begin().await?;
        let made: Result<Row, _> = diesel::insert_into(tenants::table)
            .values(row)
            .returning(Row::as_returning())
            .get_result(&mut *transaction)
            .await;
        Ok(transaction.end(made.map_err(StoreError::from)).await?.into())
    }

    /// All, by name.
    pub async fn list(store: &Store) -> Result<Vec<Self>, StoreError> {
        let connection = &mut store.connection().await?;
        let rows: Vec<Row> = tenants::table.select(Row::as_select()).order(tenants::name).load(connection).await?;
        Ok(rows.into_iter().map(Self::from).collect())
    }

    /// The one of that name.
    pub async fn by_name(store: &Store, name: &str) -> Result<Option<Self>, StoreError> {
        let connection = &mut store.connection().await?;
        let row: Option<Row> = tenants::table
            .filter(tenants::name.eq(name))
            .select(Row::as_select())
            .first(connection)
            .await
            .optional()?;
        Ok(row.map(Self::from))
    }

    /// The one of that id.
    pub async fn find(store: &Store, id: TenantId) -> Result<Option<Self>, StoreError> {
        let connection = &mut store.connection().await?;
        let row: Option<Row> = tenants::table.find(id.0).select(Row::as_select()).first(connection).await.optional()?;
        Ok(row.map(Self::from))
    }
}

/// The rule that a tenant's name is unique.
pub const UNIQUE_NAME: &str = "tenants_name";

#[derive(Queryable, Selectable)]
#[diesel(table_name = tenants, check_for_backend(Pg))]
struct Row {
    id: Uuid,
    name: String,
    created_at: OffsetDateTime,
}

impl From<Row> for Tenant {
    fn from(row: Row) -> Self {
        Self { id: TenantId(row.id), name: row.name, created_at: row.created_at }
    }
}

//! What the rows say of servers' archives, for telling which objects nothing names and nothing ever will.

use std::collections::BTreeSet;

use backtrail_domain::{BinlogPosition, ServerId, TenantId, Timeline};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::agents::Row as AgentRow;
use crate::schema::{agents, segments, servers};
use crate::{Store, StoreError};

/// A server's archive, as its rows have it at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchiveRows {
    /// Whose.
    pub tenant_id: TenantId,
    /// The server.
    pub server_id: ServerId,
    /// It was removed: no row is added any more.
    pub removed: bool,
    /// Where the next segment has to begin; `None` before the first one. It only ever moves forward: to a later place of
    /// its timeline, or to a timeline of a higher number.
    pub end: Option<(Timeline, BinlogPosition)>,
    /// The keys of all segments, those that retention took included.
    pub keys: BTreeSet<String>,
}

impl ArchiveRows {
    /// Every server that may have an archive, removed ones included.
    pub async fn servers(store: &Store) -> Result<Vec<ServerId>, StoreError> {
        let connection = &mut store.connection().await?;
        let ids: Vec<Uuid> = agents::table.order(agents::server_id).select(agents::server_id).load(connection).await?;
        Ok(ids.into_iter().map(ServerId).collect())
    }

    /// The rows of one server; `None` for one that there is not.
    pub async fn of(store: &Store, server_id: ServerId) -> Result<Option<Self>, StoreError> {
        let mut transaction = store.begin_snapshot().await?;
        let rows = gather(&mut transaction, server_id).await;
        transaction.end(rows).await
    }
}

async fn gather(connection: &mut AsyncPgConnection, server_id: ServerId) -> Result<Option<ArchiveRows>, StoreError> {
    let found: Option<(AgentRow, Uuid, bool)> = agents::table
        .inner_join(servers::table)
        .filter(agents::server_id.eq(server_id.0))
        .select((AgentRow::as_select(), servers::tenant_id, servers::deleted_at.is_not_null()))
        .first(connection)
        .await
        .optional()?;
    let Some((agent, tenant_id, removed)) = found else { return Ok(None) };
    let keys: Vec<String> = segments::table
        .filter(segments::server_id.eq(server_id.0))
        .select(segments::object_key)
        .load(connection)
        .await?;
    Ok(Some(ArchiveRows {
        tenant_id: TenantId(tenant_id),
        server_id,
        removed,
        end: agent.next_place()?,
        keys: keys.into_iter().collect(),
    }))
}

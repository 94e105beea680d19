//! Completed backups as planning and retention look at them: by their places, without manifests and logs. There are
//! hundreds of them for a server, and a manifest has a line a file.

use backtrail_domain::{BackupId, BaselineFact, RunKind, RunStatus, ServerId, TenantId};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::StoreError;
use crate::row::RowName;
use crate::schema::{runs, servers};

/// A completed backup that has not expired.
#[derive(Debug, Clone, PartialEq)]
pub struct CompletedBackup {
    /// Id.
    pub id: BackupId,
    /// When it was done.
    pub completed_at: OffsetDateTime,
    /// Days it is kept.
    pub retention_days: u16,
    /// Stored bytes.
    pub size_bytes: Option<u64>,
    /// What recovery planning needs of it; `None` for what is no baseline.
    pub fact: Option<BaselineFact>,
}

/// The server's, oldest snapshot first; those without one come last.
pub(crate) async fn of_server(
    connection: &mut AsyncPgConnection,
    server_id: ServerId,
) -> Result<Vec<CompletedBackup>, StoreError> {
    let rows: Vec<Row> = runs::table
        .filter(runs::server_id.eq(server_id.0))
        .filter(runs::kind.eq(RunKind::Backup.as_str()))
        .filter(runs::status.eq(RunStatus::Completed.as_str()))
        .filter(runs::expired_at.is_null())
        .order((runs::consistent_at, runs::id))
        .select(Row::as_select())
        .load(connection)
        .await?;
    rows.into_iter().map(CompletedBackup::try_from).collect()
}

/// The server's baselines, oldest first. None for a server of another tenant.
pub(crate) async fn baselines(
    connection: &mut AsyncPgConnection,
    tenant_id: TenantId,
    server_id: ServerId,
) -> Result<Vec<CompletedBackup>, StoreError> {
    let owned = servers::table.find(server_id.0).filter(servers::tenant_id.eq(tenant_id.0)).count();
    if owned.get_result::<i64>(connection).await? == 0 {
        return Ok(Vec::new());
    }
    let mut backups = of_server(connection, server_id).await?;
    backups.retain(|backup| backup.fact.is_some());
    Ok(backups)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = runs, check_for_backend(Pg))]
struct Row {
    id: Uuid,
    started_at: OffsetDateTime,
    completed_at: Option<OffsetDateTime>,
    retention_days: Option<i32>,
    size_bytes: Option<i64>,
    coordinates_file: Option<String>,
    coordinates_position: Option<i64>,
    gtid_set: Option<String>,
    consistent: bool,
    snapshot_from: Option<OffsetDateTime>,
    consistent_at: Option<OffsetDateTime>,
    timeline: Option<String>,
}

impl Row {
    fn fact(&self) -> Result<Option<BaselineFact>, StoreError> {
        let name = RowName { table: "runs", id: self.id };
        let coordinates =
            name.position("coordinates_file", self.coordinates_file.as_deref(), self.coordinates_position)?;
        let timeline = name.parse_some("timeline", self.timeline.as_deref())?;
        let gtid_set = name.gtid_set("gtid_set", self.gtid_set.as_deref())?;
        let (Some(coordinates), Some(started_at), Some(consistent_at), true) =
            (coordinates, self.snapshot_from, self.consistent_at, self.consistent)
        else {
            return Ok(None);
        };
        Ok(Some(BaselineFact { id: BackupId(self.id), timeline, coordinates, gtid_set, started_at, consistent_at }))
    }
}

impl TryFrom<Row> for CompletedBackup {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = RowName { table: "runs", id: row.id };
        let retention_days = name.number_some("retention_days", row.retention_days)?;
        Ok(Self {
            id: BackupId(row.id),
            completed_at: row.completed_at.unwrap_or(row.started_at),
            retention_days: retention_days.ok_or_else(|| name.corrupt("retention_days", "nothing"))?,
            size_bytes: name.number_some("size_bytes", row.size_bytes)?,
            fact: row.fact()?,
        })
    }
}

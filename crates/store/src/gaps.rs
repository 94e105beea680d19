//! Stretches of binary log that are known to be missing.

use backtrail_domain::{BinlogPosition, GapFact, ServerId, TenantId, Timeline};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::row::{RowName, bigint};
use crate::schema::gaps;
use crate::{AgentToken, Store, StoreError, agents};

/// A gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Id.
    pub id: Uuid,
    /// Whose.
    pub tenant_id: TenantId,
    /// The source server.
    pub server_id: ServerId,
    /// What is missing and why.
    pub content: NewGap,
    /// When it was noticed.
    pub detected_at: OffsetDateTime,
}

/// A gap as its agent describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGap {
    /// The timeline in which the archive ends.
    pub from_timeline: Timeline,
    /// Where the archive ends.
    pub from: BinlogPosition,
    /// The timeline in which it goes on: another one after `RESET MASTER` or on a rebuilt server.
    pub to_timeline: Timeline,
    /// Where it goes on.
    pub to: BinlogPosition,
    /// Time of the last commit before it.
    pub from_time: Option<OffsetDateTime>,
    /// Time of the first commit after it, where known.
    pub to_time: Option<OffsetDateTime>,
    /// Why, in a few words: `purged by the source`, `RESET MASTER`, `another server answers`.
    pub cause: String,
}

impl Gap {
    /// Records a gap before there is a segment behind it: an agent that goes on behind a hole says so before its next
    /// heartbeat. The next segment must begin at the gap's end.
    pub async fn record(store: &Store, token: &AgentToken, new: NewGap) -> Result<Self, StoreError> {
        let mut transaction = store.begin().await?;
        let recorded = async {
            let agent = agents::hold(&mut transaction, token).await?;
            record(&mut transaction, token, &agent, new).await
        };
        let recorded = recorded.await;
        transaction.end(recorded).await
    }

    /// The server's gaps, oldest first.
    pub async fn list(store: &Store, tenant_id: TenantId, server_id: ServerId) -> Result<Vec<Self>, StoreError> {
        of_server(&mut *store.connection().await?, tenant_id, server_id).await
    }

    /// What recovery planning needs of it.
    pub fn fact(&self) -> GapFact {
        let content = &self.content;
        GapFact {
            from_timeline: content.from_timeline.clone(),
            from: content.from.clone(),
            to_timeline: content.to_timeline.clone(),
            to: content.to.clone(),
            from_time: content.from_time,
            to_time: content.to_time,
            cause: content.cause.clone(),
        }
    }
}

pub(crate) async fn of_server(
    connection: &mut AsyncPgConnection,
    tenant_id: TenantId,
    server_id: ServerId,
) -> Result<Vec<Gap>, StoreError> {
    let rows: Vec<Row> = gaps::table
        .filter(gaps::server_id.eq(server_id.0))
        .filter(gaps::tenant_id.eq(tenant_id.0))
        .order(gaps::after_ordinal)
        .select(Row::as_select())
        .load(connection)
        .await?;
    rows.into_iter().map(Gap::try_from).collect()
}

/// The gap behind the segment of that ordinal.
pub(crate) async fn after(
    connection: &mut AsyncPgConnection,
    server_id: ServerId,
    ordinal: i64,
) -> Result<Option<Gap>, StoreError> {
    let row: Option<Row> = gaps::table
        .filter(gaps::server_id.eq(server_id.0))
        .filter(gaps::after_ordinal.eq(ordinal))
        .select(Row::as_select())
        .first(connection)
        .await
        .optional()?;
    row.map(Gap::try_from).transpose()
}

/// Records a gap that begins where the archive ends, and moves that end behind it.
pub(crate) async fn record(
    connection: &mut AsyncPgConnection,
    token: &AgentToken,
    agent: &agents::Row,
    new: NewGap,
) -> Result<Gap, StoreError> {
    if let Some((timeline, expected)) = agent.next_place()?
        && (timeline, &expected) != (new.from_timeline.clone(), &new.from)
    {
        return Err(StoreError::not_continuous(token.server_id, expected, new.from));
    }
    agents::set_archive_end(connection, token.server_id, &new.to_timeline, &new.to, None).await?;
    let to = (
        gaps::to_timeline.eq(new.to_timeline.to_string()),
        gaps::to_file.eq(new.to.file.to_string()),
        gaps::to_position.eq(bigint("position", new.to.offset)?),
        gaps::to_time.eq(new.to_time),
    );
    let row: Row = match after(connection, token.server_id, agent.last_ordinal).await? {
        // Behind a gap that no segment follows yet, the hole only becomes wider.
        Some(gap) => {
            let cause = if gap.content.cause.ends_with(&new.cause) {
                gap.content.cause
            } else {
                format!("{}; {}", gap.content.cause, new.cause)
            };
            diesel::update(gaps::table.find(gap.id))
                .set((to, gaps::cause.eq(cause)))
                .returning(Row::as_returning())
                .get_result(connection)
                .await?
        }
        None => {
            diesel::insert_into(gaps::table)
                .values((
                    gaps::id.eq(Uuid::now_v7()),
                    gaps::tenant_id.eq(token.tenant_id.0),
                    gaps::server_id.eq(token.server_id.0),
                    gaps::after_ordinal.eq(agent.last_ordinal),
                    gaps::from_timeline.eq(new.from_timeline.to_string()),
                    gaps::from_file.eq(new.from.file.to_string()),
                    gaps::from_position.eq(bigint("position", new.from.offset)?),
                    gaps::from_time.eq(new.from_time),
                    gaps::cause.eq(new.cause),
                    to,
                ))
                .returning(Row::as_returning())
                .get_result(connection)
                .await?
        }
    };
    row.try_into()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = gaps, check_for_backend(Pg))]
struct Row {
    id: Uuid,
    tenant_id: Uuid,
    server_id: Uuid,
    from_timeline: String,
    from_file: String,
    from_position: i64,
    to_timeline: String,
    to_file: String,
    to_position: i64,
    from_time: Option<OffsetDateTime>,
    to_time: Option<OffsetDateTime>,
    cause: String,
    detected_at: OffsetDateTime,
}

impl TryFrom<Row> for Gap {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let name = RowName { table: "gaps", id: row.id };
        let place = |file: &str, offset| {
            Ok::<_, StoreError>(BinlogPosition {
                file: name.parse("from_file", file)?,
                offset: name.number("from_position", offset)?,
            })
        };
        Ok(Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            server_id: ServerId(row.server_id),
            content: NewGap {
                from_timeline: name.parse("from_timeline", &row.from_timeline)?,
                from: place(&row.from_file, row.from_position)?,
                to_timeline: name.parse("to_timeline", &row.to_timeline)?,
                to: place(&row.to_file, row.to_position)?,
                from_time: row.from_time,
                to_time: row.to_time,
                cause: row.cause,
            },
            detected_at: row.detected_at,
        })
    }
}

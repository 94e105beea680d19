//! What can be recovered: the archive's range and health, and the facts that planning works on.

use std::collections::BTreeSet;

use backtrail_domain::{BaselineFact, ChainFacts, Covered, CutTarget, GtidSet, ServerId, TenantId, Timeline};
use diesel::dsl::{count_star, max, min, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::{Duration, OffsetDateTime};

use crate::schema::{agents, segments};
use crate::{CompletedBackup, Gap, Store, StoreError, archive_facts, completed, gaps};

/// An agent counts as unreachable when its last heartbeat is older than this, in seconds.
pub const HEARTBEAT_TIMEOUT_SECONDS: i64 = 30;

/// A server's archive in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// Commit time of the first archived row change.
    pub oldest_event: Option<OffsetDateTime>,
    /// Commit time of the last one.
    pub latest_event: Option<OffsetDateTime>,
    /// Archived row changes.
    pub total_events: u64,
    /// Everything that committed until then is archived.
    pub covered_until: Option<OffsetDateTime>,
    /// The timeline that the agent reads.
    pub timeline: Option<Timeline>,
    /// Oldest first.
    pub gaps: Vec<Gap>,
    /// Completed backups with coordinates that are consistent and not expired, oldest first.
    pub baselines: Vec<CompletedBackup>,
    /// Seconds from `covered_until` to now.
    pub lag_seconds: Option<u64>,
    /// When the source would purge what is not archived.
    pub binlog_expiry: Option<OffsetDateTime>,
    /// Whether the agent's heartbeat is younger than [`HEARTBEAT_TIMEOUT_SECONDS`]: whether an agent is there. Whether it
    /// can read the source, `error` says.
    pub available: bool,
    /// The agent's last heartbeat.
    pub heartbeat_at: Option<OffsetDateTime>,
    /// Why the agent cannot read the source.
    pub error: Option<String>,
    /// Archived segments, and their stored bytes.
    pub segments: u64,
    /// See `segments`.
    pub segment_bytes: u64,
}

impl Coverage {
    /// Sums up a server's archive. For a server of another tenant everything is empty.
    pub async fn of(store: &Store, tenant_id: TenantId, server_id: ServerId) -> Result<Self, StoreError> {
        let mut transaction = store.begin_snapshot().await?;
        let coverage = gather(&mut transaction, tenant_id, server_id).await;
        transaction.end(coverage).await
    }
}

/// The facts for [`backtrail_domain::chain`], and the database's time they were read at. One consistent snapshot. An archive
/// is long: with a `target`, only the segments that a way to it can need are read; without one, segments that meet are
/// folded into one, which says the same of the windows that can be recovered.
pub async fn chain_facts(
    store: &Store,
    tenant_id: TenantId,
    server_id: ServerId,
    target: Option<&CutTarget>,
) -> Result<(ChainFacts, OffsetDateTime), StoreError> {
    let mut transaction = store.begin_snapshot().await?;
    let facts = gather_facts(&mut transaction, tenant_id, server_id, target).await;
    transaction.end(facts).await
}

async fn agent(
    connection: &mut AsyncPgConnection,
    tenant_id: TenantId,
    server_id: ServerId,
) -> Result<Option<crate::agents::Row>, StoreError> {
    Ok(agents::table
        .find(server_id.0)
        .filter(agents::tenant_id.eq(tenant_id.0))
        .select(crate::agents::Row::as_select())
        .first(connection)
        .await
        .optional()?)
}

async fn gather(
    connection: &mut AsyncPgConnection,
    tenant_id: TenantId,
    server_id: ServerId,
) -> Result<Coverage, StoreError> {
    type Totals = (Option<OffsetDateTime>, Option<OffsetDateTime>, i64, i64, i64);
    let (oldest_event, latest_event, total_events, segments, segment_bytes): Totals = segments::table
        .filter(segments::server_id.eq(server_id.0))
        .filter(segments::tenant_id.eq(tenant_id.0))
        .filter(segments::expired_at.is_null())
        .select((
            min(segments::first_row_event_at),
            max(segments::last_row_event_at),
            sql::<BigInt>("coalesce(sum(row_changes), 0)::bigint"),
            count_star(),
            sql::<BigInt>("coalesce(sum(size_bytes), 0)::bigint"),
        ))
        .first(connection)
        .await?;
    let now = crate::connection::now(connection).await?;
    let agent = agent(connection, tenant_id, server_id).await?;
    let agent = agent.as_ref();
    let heartbeat_at = agent.and_then(|agent| agent.heartbeat_at);
    let error = agent.and_then(|agent| agent.error.clone());
    let alive = heartbeat_at.is_some_and(|at| now - at <= Duration::seconds(HEARTBEAT_TIMEOUT_SECONDS));
    let covered_until = agent.and_then(|agent| agent.covered_until);
    Ok(Coverage {
        oldest_event,
        latest_event,
        total_events: total_events.unsigned_abs(),
        covered_until,
        timeline: match agent {
            Some(agent) => agent.name().parse_some("timeline", agent.timeline.as_deref())?,
            None => None,
        },
        gaps: gaps::of_server(connection, tenant_id, server_id).await?,
        baselines: completed::baselines(connection, tenant_id, server_id).await?,
        lag_seconds: covered_until.map(|until| u64::try_from((now - until).whole_seconds()).unwrap_or_default()),
        binlog_expiry: agent.and_then(|agent| agent.binlog_expiry),
        available: alive,
        heartbeat_at,
        error,
        segments: segments.unsigned_abs(),
        segment_bytes: segment_bytes.unsigned_abs(),
    })
}

async fn gather_facts(
    connection: &mut AsyncPgConnection,
    tenant_id: TenantId,
    server_id: ServerId,
    target: Option<&CutTarget>,
) -> Result<(ChainFacts, OffsetDateTime), StoreError> {
    let covered = match agent(connection, tenant_id, server_id).await? {
        Some(agent) => {
            let timeline = agent.name().parse_some("timeline", agent.timeline.as_deref())?;
            timeline.zip(agent.covered_until).map(|(timeline, until)| Covered { timeline, until })
        }
        None => None,
    };
    let baselines: Vec<BaselineFact> = completed::baselines(connection, tenant_id, server_id)
        .await?
        .into_iter()
        .filter_map(|backup| backup.fact)
        .collect();
    let segments = match target {
        Some(target) => {
            let starts = starts(&baselines, target);
            archive_facts::for_target(connection, tenant_id, server_id, &starts, target).await?
        }
        None => {
            let all: Vec<&BaselineFact> = baselines.iter().collect();
            archive_facts::folded(connection, tenant_id, server_id, &all).await?
        }
    };
    let facts = ChainFacts {
        baselines,
        segments,
        gaps: gaps::of_server(connection, tenant_id, server_id).await?.iter().map(Gap::fact).collect(),
        covered,
    };
    Ok((facts, crate::connection::now(connection).await?))
}

/// The baselines that planning can choose for a target: the newest at or before it. Several may stand at the same instant.
fn starts<'a>(baselines: &'a [BaselineFact], target: &CutTarget) -> Vec<&'a BaselineFact> {
    let newest_of = |usable: &dyn Fn(&BaselineFact) -> bool| -> Vec<&'a BaselineFact> {
        let newest = baselines.iter().filter(|baseline| usable(baseline)).map(|baseline| baseline.consistent_at).max();
        baselines.iter().filter(|baseline| usable(baseline) && Some(baseline.consistent_at) == newest).collect()
    };
    match target {
        CutTarget::Time(time) => newest_of(&|baseline| baseline.consistent_at <= *time),
        // Which of them holds the target only the log can tell where a baseline does not know its own set.
        CutTarget::Gtid(set) => {
            let before = |own: &GtidSet| own == set || !own.is_superset(set);
            let mut starts = newest_of(&|baseline| baseline.gtid_set.as_ref().is_some_and(before));
            starts.extend(baselines.iter().filter(|baseline| baseline.gtid_set.is_none()));
            starts
        }
        // Names of files come again in another timeline, and in which of them the target lies the log has to tell.
        CutTarget::Position(place) => {
            let before = |baseline: &BaselineFact| {
                baseline.coordinates.file.base() == place.file.base() && baseline.coordinates <= *place
            };
            let timelines: BTreeSet<&Timeline> = baselines.iter().filter_map(|b| b.timeline.as_ref()).collect();
            let of = |timeline| newest_of(&|baseline| before(baseline) && baseline.timeline.as_ref() == Some(timeline));
            let mut starts: Vec<&BaselineFact> = timelines.into_iter().flat_map(of).collect();
            starts.extend(baselines.iter().filter(|baseline| baseline.timeline.is_none() && before(baseline)));
            starts
        }
    }
}

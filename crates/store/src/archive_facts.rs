//! What planning needs to know of an archive, and no more of it: an archive has hundreds of thousands of segments.

use backtrail_domain::{BaselineFact, CutTarget, GtidSet, SegmentFact, ServerId, TenantId};
use diesel::dsl::{max, min};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::StoreError;
use crate::row::{RowName, bigint};
use crate::schema::segments;
use crate::segment_row::FactRow;

/// How long before a baseline whatever is archived can still be of use to it: clocks differ, and segments are sealed late.
const MARGIN: Duration = Duration::days(1);
/// GTID sets are looked through so many at a time.
const PAGE: i64 = 500;

/// The segments that a way from one of these baselines to the target can need, in the archive's order: what was sealed
/// since the oldest of them (with a margin), and what leads up to the places they stand at, which on an idle source can be
/// as old as you like; up to the segment behind which no way to the target goes on, where that can be told. Without a
/// baseline nothing can be planned, and nothing is needed.
pub(crate) async fn for_target(
    connection: &mut AsyncPgConnection,
    tenant_id: TenantId,
    server_id: ServerId,
    baselines: &[&BaselineFact],
    target: &CutTarget,
) -> Result<Vec<SegmentFact>, StoreError> {
    let Some(oldest) = baselines.iter().map(|baseline| baseline.started_at).min() else { return Ok(Vec::new()) };
    let mut files: Vec<String> = baselines.iter().map(|baseline| baseline.coordinates.file.to_string()).collect();
    if let CutTarget::Position(place) = target {
        files.push(place.file.to_string());
    }
    let at_files = || segments::file.eq_any(&files).or(segments::rotated_to.eq_any(&files).assume_not_null());
    let of_server = || {
        segments::table
            .filter(segments::server_id.eq(server_id.0))
            .filter(segments::tenant_id.eq(tenant_id.0))
            .filter(segments::expired_at.is_null())
    };
    // Behind every place that a baseline or the target can stand at, the first segment that lies behind the target ends
    // every way to it.
    let places = of_server().filter(at_files()).select(max(segments::ordinal));
    let beyond = of_server().select(min(segments::ordinal));
    let last: Option<i64> = match target {
        CutTarget::Time(time) => {
            let places: Option<i64> = places.first(connection).await?;
            let beyond = beyond.filter(segments::ordinal.gt(places.unwrap_or(0)));
            beyond.filter(segments::first_commit_at.gt(*time)).first(connection).await?
        }
        CutTarget::Position(place) => {
            let file = place.file.to_string();
            let at_target = segments::file.eq(&file).or(segments::rotated_to.eq(&file).assume_not_null());
            let there: i64 = of_server().filter(at_target).count().get_result(connection).await?;
            match places.first::<Option<i64>>(connection).await?.filter(|_| there > 0) {
                Some(places) => beyond.filter(segments::ordinal.gt(places)).first(connection).await?,
                None => None,
            }
        }
        CutTarget::Gtid(set) => {
            let timelines: Vec<String> =
                of_server().filter(at_files()).select(segments::timeline).distinct().load(connection).await?;
            let places: Option<i64> = places.first(connection).await?;
            let of_server = SegmentsOf { tenant_id, server_id, behind: places.unwrap_or(0) };
            of_server.first_that_holds(connection, set, timelines).await?
        }
    };
    let rows: Vec<FactRow> = of_server()
        .filter(segments::sealed_at.ge(oldest - MARGIN).or(at_files()))
        .filter(segments::ordinal.le(last.unwrap_or(i64::MAX)))
        .order(segments::ordinal)
        .select(FactRow::as_select())
        .load(connection)
        .await?;
    rows.into_iter().map(SegmentFact::try_from).collect()
}

/// Segments behind a place in the archive.
struct SegmentsOf {
    tenant_id: TenantId,
    server_id: ServerId,
    behind: i64,
}

impl SegmentsOf {
    /// The ordinal of the segment behind which no way to the set goes on: the first by which all of it has committed. A set
    /// may come again in another of these timelines, and then the last of them counts. What a set holds only we can tell, so
    /// the sets are read, a page at a time, and nothing else.
    async fn first_that_holds(
        &self,
        connection: &mut AsyncPgConnection,
        set: &GtidSet,
        mut timelines: Vec<String>,
    ) -> Result<Option<i64>, StoreError> {
        let mut behind = self.behind;
        loop {
            let page: Vec<(i64, Uuid, String, Option<String>)> = segments::table
                .filter(segments::server_id.eq(self.server_id.0))
                .filter(segments::tenant_id.eq(self.tenant_id.0))
                .filter(segments::expired_at.is_null())
                .filter(segments::ordinal.gt(behind))
                .order(segments::ordinal)
                .limit(PAGE)
                .select((segments::ordinal, segments::id, segments::timeline, segments::gtid_after))
                .load(connection)
                .await?;
            for (ordinal, id, timeline, after) in &page {
                let name = RowName { table: "segments", id: *id };
                let after = name.gtid_set("gtid_after", after.as_deref())?;
                if after.is_some_and(|after| after.is_superset(set)) {
                    timelines.retain(|other| other != timeline);
                    if timelines.is_empty() {
                        return Ok(Some(*ordinal));
                    }
                }
            }
            match page.last() {
                Some((last, ..)) if page.len() as i64 == PAGE => behind = *last,
                _ => return Ok(None),
            }
        }
    }
}

/// The segments from the oldest baseline on, as few rows as say the same to
/// [`recoverable_windows`](backtrail_domain::chain::recoverable_windows): segments of one file that meet are one, except
/// those that a baseline stands in or at the edge of, and the ones behind them. What is one has no GTID sets.
pub(crate) async fn folded(
    connection: &mut AsyncPgConnection,
    tenant_id: TenantId,
    server_id: ServerId,
    baselines: &[&BaselineFact],
) -> Result<Vec<SegmentFact>, StoreError> {
    let Some(oldest) = baselines.iter().map(|baseline| baseline.started_at).min() else { return Ok(Vec::new()) };
    let places = baselines.iter().map(|baseline| &baseline.coordinates);
    let files: Vec<String> = places.clone().map(|place| place.file.to_string()).collect();
    let offsets: Vec<i64> = places.map(|place| bigint("position", place.offset)).collect::<Result<_, _>>()?;
    // Compiling the statement takes longer than running it.
    connection.batch_execute("SET LOCAL jit = off").await?;
    let rows: Vec<FactRow> = diesel::sql_query(FOLDED)
        .bind::<SqlUuid, _>(server_id.0)
        .bind::<SqlUuid, _>(tenant_id.0)
        .bind::<Timestamptz, OffsetDateTime>(oldest - MARGIN)
        .bind::<Array<Text>, _>(files)
        .bind::<Array<BigInt>, _>(offsets)
        .load(connection)
        .await?;
    rows.into_iter().map(SegmentFact::try_from).collect()
}

const FOLDED: &str = "
WITH wanted AS (
    SELECT *,
        CASE
            WHEN file = ANY ($4) THEN EXISTS (
                SELECT FROM unnest($4, $5) AS place (file, position)
                WHERE place.file = segments.file AND place.position BETWEEN start_position AND end_position)
            ELSE false
        END OR coalesce(rotated_to = ANY ($4), false) AS apart
    FROM segments
    WHERE server_id = $1 AND tenant_id = $2 AND expired_at IS NULL
        AND (sealed_at >= $3 OR file = ANY ($4) OR rotated_to = ANY ($4))
    OFFSET 0 -- else `apart` is computed at each place that names it
), neighbours AS (
    SELECT *,
        apart OR coalesce(lag(apart) OVER archive, false) AS alone,
        coalesce(lag(timeline) OVER archive = timeline AND lag(file) OVER archive = file
            AND lag(end_position) OVER archive = start_position AND lag(rotated_to) OVER archive IS NULL, false) AS meets
    FROM wanted WINDOW archive AS (ORDER BY ordinal)
), begun AS (
    SELECT *, NOT meets OR alone OR coalesce(lag(alone) OVER archive, false) AS begins
    FROM neighbours WINDOW archive AS (ORDER BY ordinal)
), numbered AS (
    SELECT *, count(*) FILTER (WHERE begins) OVER (ORDER BY ordinal) AS stretch FROM begun
)
SELECT min(id::text)::uuid AS id, min(timeline) AS timeline, min(file) AS file, min(start_position) AS start_position,
    max(end_position) AS end_position, max(rotated_to) AS rotated_to, sum(size_bytes)::bigint AS size_bytes,
    CASE WHEN count(*) = 1 THEN min(gtid_before) END AS gtid_before,
    CASE WHEN count(*) = 1 THEN min(gtid_after) END AS gtid_after,
    min(first_commit_at) AS first_commit_at, max(last_commit_at) AS last_commit_at, sum(events)::bigint AS events,
    sum(row_changes)::bigint AS row_changes, min(file_created_at) AS file_created_at, max(sealed_at) AS sealed_at
FROM numbered GROUP BY stretch ORDER BY stretch";

//! What agents that died have left of the archive: objects without a row, and uploads that nobody will finish.
//!
//! A segment's object is stored before its row. A row begins exactly where the archive ends, and that end only moves
//! forward; so what begins before the end and has no row will never have one. That needs no clock, and touches nothing
//! that an agent is just storing: that begins at the end.

use backtrail_domain::{ServerId, Timeline};
use backtrail_objects::{ObjectError, SegmentName, UnfinishedUpload};
use backtrail_store::{ArchiveRows, StoreError};

use super::failed;
use crate::Parts;

/// Deletes them, server by server.
pub(crate) async fn strays(parts: Parts) -> anyhow::Result<()> {
    for server in ArchiveRows::servers(&parts.store).await? {
        if parts.cancelled.is_cancelled() {
            return Ok(());
        }
        if let Err(error) = of_server(&parts, server).await {
            if error.downcast_ref::<StoreError>().is_some_and(StoreError::retryable) {
                return Err(error);
            }
            failed("strays", &format!("the archive of server {server} was not tidied"), error.as_ref());
        }
    }
    Ok(())
}

async fn of_server(parts: &Parts, server: ServerId) -> anyhow::Result<()> {
    let Some(rows) = ArchiveRows::of(&parts.store, server).await? else { return Ok(()) };
    let prefix = format!("binlogs/{}/{}/", rows.tenant_id, rows.server_id);
    let objects = parts.objects.list(&prefix).await?.into_iter().map(|object| object.key);
    let objects: Vec<String> = objects.filter(|key| is_stray(&rows, &prefix, key)).collect();
    parts.objects.delete(&objects).await?;
    let uploads = match parts.objects.unfinished_uploads(&prefix).await {
        Ok(uploads) => uploads,
        // As in the sweep of objects: a lifecycle rule has to do it.
        Err(ObjectError::Rejected { .. } | ObjectError::Refused { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let uploads: Vec<UnfinishedUpload> =
        uploads.into_iter().filter(|upload| is_behind(&rows, &prefix, &upload.key)).collect();
    for upload in &uploads {
        parts.objects.abort(upload).await?;
    }
    if !objects.is_empty() || !uploads.is_empty() {
        tracing::info!(server = %server, objects = objects.len(), uploads = uploads.len(), "deleted what dead agents have left of the archive");
    }
    Ok(())
}

/// Whether an object belongs to no segment, and never will.
fn is_stray(rows: &ArchiveRows, prefix: &str, key: &str) -> bool {
    !rows.keys.contains(key) && is_behind(rows, prefix, key)
}

/// Whether no agent can store a segment under this key any more. Keys that are no segment's are left alone.
fn is_behind(rows: &ArchiveRows, prefix: &str, key: &str) -> bool {
    let Some((timeline, place)) = key.strip_prefix(prefix).and_then(|rest| rest.split_once('/')) else { return false };
    let (Ok(timeline), Some(name)) = (timeline.parse::<Timeline>(), SegmentName::parse(place)) else { return false };
    if rows.removed {
        return true;
    }
    let Some((end_timeline, end)) = &rows.end else { return false };
    if timeline != *end_timeline {
        return timeline.number < end_timeline.number;
    }
    name.file.base() == end.file.base() && (name.file.number(), name.start) < (end.file.number(), end.offset)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use backtrail_domain::TenantId;
    use backtrail_store::Server;

    use super::*;
    use crate::support::World;

    #[test]
    fn what_nobody_can_store_any_more() {
        let end = Some(("mariadb-77-2".parse().unwrap(), "log.000012:500".parse().unwrap()));
        let (tenant_id, server_id) = (TenantId(uuid::Uuid::nil()), ServerId(uuid::Uuid::nil()));
        let rows = ArchiveRows { tenant_id, server_id, removed: false, end, keys: BTreeSet::new() };
        let check = |rows: &ArchiveRows, place: &str, expect: bool| {
            assert_eq!(is_behind(rows, "binlogs/a/b/", &format!("binlogs/a/b/{place}.binlog.zst")), expect, "{place}");
        };
        let range = |start: u64| format!("{start:020}-{:020}", 9000);
        let (before, at, after) = (range(499), range(500), range(501));
        check(&rows, &format!("mariadb-77-2/log.000012/{before}"), true);
        check(&rows, &format!("mariadb-77-2/log.000012/{at}"), false);
        check(&rows, &format!("mariadb-77-2/log.000012/{after}"), false);
        check(&rows, &format!("mariadb-77-2/log.000011/{after}"), true);
        check(&rows, &format!("mariadb-77-2/log.000013/{before}"), false);
        check(&rows, &format!("mariadb-77-2/other.000011/{before}"), false);
        check(&rows, &format!("mariadb-77-1/log.000013/{after}"), true);
        check(&rows, &format!("mariadb-78-1/log.000013/{after}"), true);
        check(&rows, &format!("mariadb-77-3/log.000001/{before}"), false);
        check(&rows, "mariadb-77-1/log.000001/notes", false);
        check(&ArchiveRows { end: None, ..rows.clone() }, &format!("mariadb-77-1/log.000001/{before}"), false);
        check(&ArchiveRows { removed: true, ..rows }, &format!("mariadb-77-3/log.000001/{before}"), true);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_killed_agents_left_goes_and_nothing_else() {
        let world = World::new().await;
        let objects = &world.parts.objects;
        let token = world.agent().await;
        let unfinished = async |key: &str| {
            let mut upload = objects.upload(key).unwrap();
            upload.write(vec![0; 9 << 20].into()).await.unwrap();
            // As if the process were killed: nothing is given up in order.
            std::mem::forget(upload);
        };
        // Two that died behind the same end, at different places; then one that went on, and one that is at it.
        for end in [60, 300] {
            objects.put(&world.key(4, end), "bytes").await.unwrap();
        }
        unfinished(&world.key(4, 100)).await;
        let kept = [world.segment(&token, 4, 100).await, world.segment(&token, 100, 200).await];
        let mut kept: Vec<String> = kept.map(|segment| segment.content.key).to_vec();
        kept.push(world.key(200, 300));
        objects.put(&kept[2], "bytes").await.unwrap();
        unfinished(&world.key(200, 400)).await;

        strays(world.parts.clone()).await.unwrap();
        let left: Vec<String> = objects.list("binlogs/").await.unwrap().into_iter().map(|object| object.key).collect();
        assert_eq!(left, kept);
        let uploads = objects.unfinished_uploads("binlogs/").await.unwrap();
        assert_eq!(uploads.iter().map(|upload| &upload.key).collect::<Vec<_>>(), [&world.key(200, 400)]);

        // Nobody will go on with a server that was removed.
        Server::soft_delete(&world.parts.store, world.tenant, world.server).await.unwrap();
        strays(world.parts.clone()).await.unwrap();
        let left: Vec<String> = objects.list("binlogs/").await.unwrap().into_iter().map(|object| object.key).collect();
        assert_eq!(left, kept[..2]);
        assert_eq!(objects.unfinished_uploads("binlogs/").await.unwrap(), []);
    }
}

//! Objects that belong to nothing any more.

use backtrail_domain::SegmentId;
use backtrail_objects::{ObjectError, ObjectStore};
use backtrail_store::Segment;
use backtrail_store::prefixes::{self, Orphan};

use super::{BATCH, failed};
use crate::Parts;

const SWEEP: &str = "objects";

/// Deletes what tries that died have left, and what retention has let go. What cannot be deleted stays for the next time
/// and holds nothing else up.
pub(crate) async fn objects(parts: Parts) -> anyhow::Result<()> {
    orphans(&parts).await?;
    expired_segments(&parts).await
}

async fn orphans(parts: &Parts) -> anyhow::Result<()> {
    let mut stuck = 0;
    loop {
        let batch = prefixes::orphans(&parts.store, parts.orphaned_for, stuck, BATCH).await?;
        let before = stuck;
        for orphan in &batch {
            if parts.cancelled.is_cancelled() {
                return Ok(());
            }
            if let Err(error) = delete(parts, orphan).await {
                stuck += 1;
                failed(SWEEP, &format!("{} could not be deleted", orphan.key_prefix), error.as_ref());
            }
        }
        // One batch a sweep; only those that nothing came of are passed over at once.
        if batch.len() < usize::from(BATCH) || stuck - before < u32::from(BATCH) {
            return Ok(());
        }
    }
}

async fn delete(parts: &Parts, orphan: &Orphan) -> anyhow::Result<()> {
    abort_unfinished(&parts.objects, &orphan.key_prefix).await?;
    let keys: Vec<String> =
        parts.objects.list(&orphan.key_prefix).await?.into_iter().map(|object| object.key).collect();
    // The manifest goes first: from then on the prefix does not exist, whatever becomes of the rest.
    let (manifests, data): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.ends_with("/manifest.json"));
    parts.objects.delete(&manifests).await?;
    parts.objects.delete(&data).await?;
    prefixes::deleted(&parts.store, &orphan.key_prefix).await?;
    tracing::info!(run = %orphan.run_id, prefix = orphan.key_prefix, objects = data.len() + manifests.len(), "deleted what belongs to no result");
    Ok(())
}

/// Parts of objects that a killed process never finished are in no listing, and on the bill. A store that does not list
/// them, or an account that may not ask, needs a lifecycle rule for them: what can be seen is deleted all the same.
async fn abort_unfinished(objects: &ObjectStore, prefix: &str) -> Result<(), ObjectError> {
    match objects.abort_unfinished(prefix).await {
        Ok(_) => Ok(()),
        Err(error @ (ObjectError::Rejected { .. } | ObjectError::Refused { .. })) => {
            tracing::debug!(prefix, error = %error, "unfinished uploads are left to the bucket's lifecycle rule");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

async fn expired_segments(parts: &Parts) -> anyhow::Result<()> {
    let mut stuck = 0;
    loop {
        let batch = Segment::expired(&parts.store, stuck, BATCH).await?;
        let gone = delete_segments(parts, &batch).await;
        Segment::forget(&parts.store, &gone).await?;
        if !gone.is_empty() {
            tracing::info!(segments = gone.len(), "deleted segments that no baseline needs");
        }
        if batch.len() < usize::from(BATCH) || !gone.is_empty() || parts.cancelled.is_cancelled() {
            return Ok(());
        }
        stuck += u32::from(BATCH);
    }
}

/// Those whose objects are gone now.
async fn delete_segments(parts: &Parts, expired: &[(SegmentId, String)]) -> Vec<SegmentId> {
    let keys: Vec<String> = expired.iter().map(|(_, key)| key.clone()).collect();
    if keys.is_empty() || parts.objects.delete(&keys).await.is_ok() {
        return expired.iter().map(|(id, _)| *id).collect();
    }
    // One of them is in the way of the others: each by itself.
    let mut gone = Vec::new();
    for (id, key) in expired {
        if parts.cancelled.is_cancelled() {
            break;
        }
        match parts.objects.delete(std::slice::from_ref(key)).await {
            Ok(()) => gone.push(*id),
            Err(error) => failed(SWEEP, &format!("{key} could not be deleted"), &error),
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::World;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_that_does_not_list_uploads_is_tidied_all_the_same() {
        let world = World::new().await;
        world.s3.unlearn_listing_of_uploads();
        for run in ["a", "b"] {
            let prefix = format!("backups/{run}/");
            world.failed_backup(&prefix).await;
            world.parts.objects.put(&format!("{prefix}shop.t.00000.sql.zst"), "rows").await.unwrap();
        }
        objects(world.parts.clone()).await.unwrap();
        assert_eq!(world.parts.objects.list("backups/").await.unwrap(), []);
        let left = prefixes::orphans(&world.parts.store, std::time::Duration::ZERO, 0, 10).await.unwrap();
        assert_eq!(left, []);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_cannot_be_deleted_holds_nothing_else_up() {
        let world = World::new().await;
        let token = world.agent().await;
        let segments = [world.segment(&token, 4, 100).await, world.segment(&token, 100, 200).await];
        let ids = segments.each_ref().map(|segment| segment.id);
        Segment::mark_expired(&world.parts.store, &ids).await.unwrap();
        // No store takes this key.
        world.sql("UPDATE segments SET object_key = 'a/../b', expired_at = now() - interval '1 day' WHERE start_position = 4").await;
        objects(world.parts.clone()).await.unwrap();
        assert_eq!(world.parts.objects.head(&world.key(100, 200)).await.unwrap(), None);
        let left = Segment::expired(&world.parts.store, 0, 10).await.unwrap();
        assert_eq!(left, [(ids[0], "a/../b".to_owned())]);
    }
}

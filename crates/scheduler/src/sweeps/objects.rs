//! Objects that belong to nothing any more.

use backtrail_store::{Segment, prefixes};

use super::BATCH;
use crate::Parts;

/// Deletes what tries that died have left, and what retention has let go.
pub(crate) async fn objects(parts: Parts) -> anyhow::Result<()> {
    for orphan in prefixes::orphans(&parts.store, parts.orphaned_for, BATCH).await? {
        // Parts of objects that a killed process never finished are in no listing, and on the bill.
        parts.objects.abort_unfinished(&orphan.key_prefix).await?;
        let keys: Vec<String> =
            parts.objects.list(&orphan.key_prefix).await?.into_iter().map(|object| object.key).collect();
        // The manifest goes first: from then on the prefix does not exist, whatever becomes of the rest.
        let (manifests, data): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.ends_with("/manifest.json"));
        parts.objects.delete(&manifests).await?;
        parts.objects.delete(&data).await?;
        prefixes::deleted(&parts.store, &orphan.key_prefix).await?;
        tracing::info!(run = %orphan.run_id, prefix = orphan.key_prefix, objects = data.len() + manifests.len(), "deleted what belongs to no result");
    }
    let expired = Segment::expired(&parts.store, BATCH).await?;
    if !expired.is_empty() {
        let (ids, keys): (Vec<_>, Vec<_>) = expired.into_iter().unzip();
        parts.objects.delete(&keys).await?;
        Segment::forget(&parts.store, &ids).await?;
        tracing::info!(segments = keys.len(), "deleted segments that no baseline needs");
    }
    Ok(())
}

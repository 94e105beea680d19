//! One file of the dump on its way up.

use std::path::PathBuf;

use backtrail_contracts::manifest::ManifestFile;
use backtrail_objects::{ObjectError, ObjectStore, Upload};
use backtrail_source::mydumper::ClosedFile;
use backtrail_worker::WorkError;
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::compress::{CompressError, compress};
use crate::failure;

/// Compressed chunks between the thread that reads and the task that uploads.
const CHUNKS_AHEAD: usize = 4;

/// Compresses and uploads a file, then deletes it here.
pub(crate) async fn upload(
    objects: ObjectStore,
    prefix: String,
    file: ClosedFile,
    level: i32,
) -> Result<ManifestFile, WorkError> {
    let stored_name = format!("{}.zst", file.name);
    let target = objects.upload(&format!("{prefix}{stored_name}")).map_err(failure::of_objects)?;
    let (chunks, received) = mpsc::channel(CHUNKS_AHEAD);
    let (path, name) = (file.path.clone(), file.name.clone());
    let holds_rows = holds_rows(&name);
    let reading = tokio::task::spawn_blocking(move || compress(&path, &name, holds_rows, level, chunks));
    let stored = send(target, received).await;
    let counted = reading.await.map_err(|_| WorkError::failed("internal", "the compressing thread broke off"))?;
    // Of two errors the store's comes first: it is why the reading was abandoned.
    let counted = match (counted, &stored) {
        (Err(CompressError::Abandoned), _) | (Ok(_), Err(_)) => None,
        (Err(error), _) => return Err(WorkError::of("dump_broken", true, &error)),
        (Ok(counted), Ok(_)) => Some(counted),
    };
    let upload = stored.map_err(failure::of_objects)?;
    let Some(counted) = counted else { return Err(WorkError::Stopped) };
    // The object exists from here on: the file was whole.
    let object = upload.finish().await.map_err(failure::of_objects)?;
    remove(file.path).await?;
    Ok(ManifestFile {
        name: stored_name,
        size: object.size,
        sha256: object.sha256,
        content_size: counted.content_size,
        rows: counted.rows,
        table: None,
    })
}

async fn send(mut target: Upload, mut chunks: mpsc::Receiver<Bytes>) -> Result<Upload, ObjectError> {
    while let Some(chunk) = chunks.recv().await {
        target.write(chunk).await?;
    }
    Ok(target)
}

async fn remove(path: PathBuf) -> Result<(), WorkError> {
    tokio::fs::remove_file(&path)
        .await
        .map_err(|error| failure::of_disk(&format!("cannot remove {}", path.display()), &error))
}

/// Whether a file of a dump holds rows: of those that end in `.sql`, all that are not about a schema or an object.
pub(crate) fn holds_rows(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".sql") else { return false };
    !["-schema", "-schema-create", "-schema-view", "-schema-triggers", "-schema-post", "-schema-sequence"]
        .iter()
        .any(|end| stem.ends_with(end))
        && !stem.ends_with("-schema-create-tablespace")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_files_hold_rows() {
        for name in ["shop.t.sql", "shop.t.00000.sql", "shop.my-schema-table.00001.sql"] {
            assert!(holds_rows(name), "{name}");
        }
        for name in [
            "metadata",
            "shop-schema-create.sql",
            "shop.t-schema.sql",
            "shop.v-schema-view.sql",
            "shop-schema-post.sql",
            "shop.t-checksum",
        ] {
            assert!(!holds_rows(name), "{name}");
        }
    }
}

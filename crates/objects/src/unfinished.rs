//! What a killed process leaves in the store: multipart uploads that nobody will finish.

use time::OffsetDateTime;

use crate::store::instant;
use crate::upload::forget;
use crate::{ObjectError, ObjectStore};

/// An upload in parts that is neither finished nor given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedUpload {
    /// The key that its object would have, without the store's prefix.
    pub key: String,
    /// Names the upload: several of one key may be going on.
    pub upload_id: String,
    /// By the store's clock.
    pub started_at: Option<OffsetDateTime>,
}

impl ObjectStore {
    /// Uploads in parts that are going on, or were left behind, of keys that begin with `prefix`.
    ///
    /// # Errors
    /// The store's. Some stores do not know the question ([`ObjectError::Rejected`]), or the account may not ask it
    /// ([`ObjectError::Refused`]); then a lifecycle rule has to end old uploads.
    pub async fn unfinished_uploads(&self, prefix: &str) -> Result<Vec<UnfinishedUpload>, ObjectError> {
        let (full, cut) = (self.full(prefix), self.full("").len());
        let (mut key_marker, mut id_marker) = (None, None);
        let mut found = Vec::new();
        loop {
            let asked = self.client.list_multipart_uploads().bucket(self.bucket()).prefix(&full);
            let asked = asked.set_key_marker(key_marker).set_upload_id_marker(id_marker).send().await;
            let page =
                asked.map_err(|error| ObjectError::of_sdk("list the uploads below", &self.url(prefix), &error))?;
            for upload in page.uploads() {
                // Not every store heeds the prefix.
                let Some(key) = upload.key().filter(|key| key.starts_with(&full)).and_then(|key| key.get(cut..)) else {
                    continue;
                };
                found.push(UnfinishedUpload {
                    key: key.to_owned(),
                    upload_id: upload.upload_id().unwrap_or_default().to_owned(),
                    started_at: upload.initiated().and_then(instant),
                });
            }
            (key_marker, id_marker) = (page.next_key_marker, page.next_upload_id_marker);
            if !page.is_truncated.unwrap_or(false) || key_marker.is_none() {
                return Ok(found);
            }
        }
    }

    /// Gives up every upload in parts of keys that begin with `prefix`, and says how many there were. For the prefix of a
    /// run whose worker is gone: an upload that is still going on fails.
    ///
    /// # Errors
    /// The store's; some uploads may be given up then.
    pub async fn abort_unfinished(&self, prefix: &str) -> Result<usize, ObjectError> {
        let unfinished = self.unfinished_uploads(prefix).await?;
        let count = unfinished.len();
        for upload in unfinished {
            self.abort(&upload).await?;
        }
        Ok(count)
    }

    /// Gives up one upload in parts. One that is gone already is no error.
    ///
    /// # Errors
    /// The store's.
    pub async fn abort(&self, upload: &UnfinishedUpload) -> Result<(), ObjectError> {
        forget(self.clone(), upload.key.clone(), upload.upload_id.clone()).await
    }
}

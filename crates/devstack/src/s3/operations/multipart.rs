//! Uploads in parts.

use std::sync::atomic::Ordering;
use std::time::SystemTime;

use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::{Operations, hints, signed, tag};
use crate::directory::random_name;
use crate::s3::receive::{Announced, receive};
use crate::s3::store::{Attributes, Checksums, StoredObject, StoredPart, Upload, WriteConditions, disk_error};

/// The protocol's bounds on multipart uploads.
const SMALLEST_PART: u64 = 5 * 1024 * 1024;
const MOST_PARTS: i32 = 10_000;

impl Operations {
    fn upload<T>(
        &self,
        bucket: &str,
        upload_id: &str,
        key: &str,
        work: impl FnOnce(&mut Upload) -> S3Result<T>,
    ) -> S3Result<T> {
        self.0.bucket(bucket, |bucket| match bucket.uploads.get_mut(upload_id) {
            Some(upload) if upload.key == key => work(upload),
            _ => Err(s3_error!(NoSuchUpload)),
        })
    }

    fn keep_part(&self, bucket: &str, upload_id: &str, key: &str, number: i32, part: StoredPart) -> S3Result<()> {
        let file = part.file.clone();
        match self.upload(bucket, upload_id, key, |upload| Ok(upload.parts.insert(number, part))) {
            Ok(replaced) => {
                if let Some(replaced) = replaced {
                    self.0.forget(bucket, &replaced.file);
                }
                Ok(())
            }
            Err(error) => {
                self.0.forget(bucket, &file);
                Err(error)
            }
        }
    }
}

pub(super) async fn create(
    operations: &Operations,
    request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let input = request.input;
    let upload_id = random_name("");
    let upload = Upload {
        key: input.key.clone(),
        initiated: SystemTime::now(),
        attributes: Attributes {
            content_type: input.content_type,
            content_encoding: input.content_encoding,
            content_disposition: input.content_disposition,
            content_language: input.content_language,
            cache_control: input.cache_control,
            metadata: input.metadata.unwrap_or_default(),
        },
        parts: Default::default(),
    };
    operations.0.bucket(&input.bucket, |bucket| {
        bucket.uploads.insert(upload_id.clone(), upload);
        Ok(())
    })?;
    Ok(S3Response::new(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(upload_id),
        ..Default::default()
    }))
}

pub(super) async fn upload_part(
    operations: &Operations,
    request: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let hints = hints(&request, request.input.checksum_algorithm.as_ref());
    let input = request.input;
    if !(1..=MOST_PARTS).contains(&input.part_number) {
        return Err(s3_error!(InvalidArgument, "a part's number is between 1 and {MOST_PARTS}"));
    }
    operations.upload(&input.bucket, &input.upload_id, &input.key, |_| Ok(()))?;
    let announced = Announced {
        content_md5: input.content_md5,
        checksums: Checksums {
            crc32: input.checksum_crc32,
            crc32c: input.checksum_crc32c,
            crc64nvme: input.checksum_crc64nvme,
            sha1: input.checksum_sha1,
            sha256: input.checksum_sha256,
        },
        hints,
    };
    let (file, path) = operations.0.new_file(&input.bucket)?;
    let received = receive(&path, input.body, announced, request.trailing_headers).await?;
    let part = StoredPart { file, size: received.size, md5: received.md5, modified: SystemTime::now() };
    operations.keep_part(&input.bucket, &input.upload_id, &input.key, input.part_number, part)?;
    Ok(S3Response::new(UploadPartOutput {
        e_tag: Some(ETag::Strong(hex::encode(received.md5))),
        checksum_crc32: received.checksums.crc32,
        checksum_crc32c: received.checksums.crc32c,
        checksum_crc64nvme: received.checksums.crc64nvme,
        checksum_sha1: received.checksums.sha1,
        checksum_sha256: received.checksums.sha256,
        ..Default::default()
    }))
}

pub(super) async fn copy_part(
    operations: &Operations,
    request: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let input = request.input;
    operations.upload(&input.bucket, &input.upload_id, &input.key, |_| Ok(()))?;
    let range = match &input.copy_source_range {
        Some(text) => Some(Range::parse(text).map_err(|_| s3_error!(InvalidArgument, "not a range: {text}"))?),
        None => None,
    };
    let (_, part) = operations.copy(&input.copy_source, range, &input.bucket).await?;
    let result = CopyPartResult {
        e_tag: Some(ETag::Strong(hex::encode(part.md5))),
        last_modified: Some(part.modified.into()),
        ..Default::default()
    };
    operations.keep_part(&input.bucket, &input.upload_id, &input.key, input.part_number, part)?;
    Ok(S3Response::new(UploadPartCopyOutput { copy_part_result: Some(result), ..Default::default() }))
}

pub(super) async fn list_parts(
    operations: &Operations,
    request: S3Request<ListPartsInput>,
) -> S3Result<S3Response<ListPartsOutput>> {
    let input = request.input;
    let parts = operations.upload(&input.bucket, &input.upload_id, &input.key, |upload| {
        let parts = upload.parts.iter().map(|(number, part)| Part {
            part_number: Some(*number),
            size: Some(signed(part.size)),
            e_tag: Some(ETag::Strong(hex::encode(part.md5))),
            last_modified: Some(part.modified.into()),
            ..Default::default()
        });
        Ok(parts.collect::<Vec<Part>>())
    })?;
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        is_truncated: Some(false),
        parts: Some(parts),
        ..Default::default()
    }))
}

pub(super) async fn list_uploads(
    operations: &Operations,
    request: S3Request<ListMultipartUploadsInput>,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    if !operations.0.lists_uploads.load(Ordering::Relaxed) {
        return Err(s3_error!(NotImplemented));
    }
    let input = request.input;
    let prefix = input.prefix.clone().unwrap_or_default();
    let uploads = operations.0.bucket(&input.bucket, |bucket| {
        let mut uploads: Vec<MultipartUpload> = bucket
            .uploads
            .iter()
            .filter(|(_, upload)| upload.key.starts_with(&prefix))
            .map(|(id, upload)| MultipartUpload {
                key: Some(upload.key.clone()),
                upload_id: Some(id.clone()),
                initiated: Some(upload.initiated.into()),
                ..Default::default()
            })
            .collect();
        uploads.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(uploads)
    })?;
    Ok(S3Response::new(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        prefix: input.prefix,
        is_truncated: Some(false),
        uploads: Some(uploads),
        ..Default::default()
    }))
}

pub(super) async fn complete(
    operations: &Operations,
    request: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let input = request.input;
    let conditions = WriteConditions { if_match: input.if_match, if_none_match: input.if_none_match };
    let wanted = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
    if wanted.is_empty() {
        return Err(s3_error!(MalformedXML, "an upload is completed with at least one part"));
    }
    let upload = operations.upload(&input.bucket, &input.upload_id, &input.key, |upload| Ok(upload.clone()))?;
    let mut parts = Vec::with_capacity(wanted.len());
    let mut previous = 0;
    for part in wanted {
        let number = part.part_number.unwrap_or_default();
        if number <= previous {
            return Err(s3_error!(InvalidPartOrder));
        }
        previous = number;
        let stored = upload.parts.get(&number).ok_or_else(|| s3_error!(InvalidPart, "part {number} is missing"))?;
        let stored_tag = ETag::Strong(hex::encode(stored.md5));
        if part.e_tag.is_some_and(|sent| !sent.strong_cmp(&stored_tag)) {
            return Err(s3_error!(InvalidPart, "part {number} has another ETag"));
        }
        parts.push(stored.clone());
    }
    if parts.iter().rev().skip(1).any(|part| part.size < SMALLEST_PART) {
        return Err(s3_error!(EntityTooSmall, "every part but the last has at least {SMALLEST_PART} bytes"));
    }

    let (file, path) = operations.0.new_file(&input.bucket)?;
    let sources: Vec<_> = parts.iter().map(|part| operations.0.path(&input.bucket, &part.file)).collect();
    let joined = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
        let mut whole = std::fs::File::create_new(path)?;
        for source in sources {
            std::io::copy(&mut std::fs::File::open(source)?, &mut whole)?;
        }
        Ok(())
    });
    joined.await.map_err(|error| s3_error!(error, InternalError))?.map_err(disk_error)?;
    let mut md5 = Md5::new();
    parts.iter().for_each(|part| md5.update(&part.md5));
    let object = StoredObject {
        key: input.key.clone(),
        file: file.clone(),
        size: parts.iter().map(|part| part.size).sum(),
        e_tag: format!("{}-{}", hex::encode(md5.finalize()), parts.len()),
        modified: SystemTime::now(),
        attributes: upload.attributes,
        checksums: Checksums::default(),
    };
    let object = operations.0.commit(&input.bucket, object, &conditions).inspect_err(|_| {
        operations.0.forget(&input.bucket, &file);
    })?;
    operations.0.bucket(&input.bucket, |bucket| Ok(bucket.uploads.remove(&input.upload_id)))?;
    for part in upload.parts.values() {
        operations.0.forget(&input.bucket, &part.file);
    }
    Ok(S3Response::new(CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(tag(&object)),
        ..Default::default()
    }))
}

pub(super) async fn abort(
    operations: &Operations,
    request: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let input = request.input;
    operations.upload(&input.bucket, &input.upload_id, &input.key, |_| Ok(()))?;
    let upload = operations.0.bucket(&input.bucket, |bucket| Ok(bucket.uploads.remove(&input.upload_id)))?;
    for part in upload.iter().flat_map(|upload| upload.parts.values()) {
        operations.0.forget(&input.bucket, &part.file);
    }
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}

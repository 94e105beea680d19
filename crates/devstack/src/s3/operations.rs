//! The operations of the S3 protocol, on the store: buckets and whole objects here, lists and uploads in parts beside.

mod listed;
mod multipart;

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::receive::{Announced, receive};
use super::store::{Attributes, Checksums, ObjectStore, StoredObject, StoredPart, WriteConditions, disk_error};

/// The store behind the protocol.
pub(super) struct Operations(pub(super) Arc<ObjectStore>);

fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn tag(object: &StoredObject) -> ETag {
    ETag::Strong(object.e_tag.clone())
}

/// What the request says of the checksums that come with or after its body.
fn hints<T>(request: &S3Request<T>, algorithm: Option<&ChecksumAlgorithm>) -> String {
    let trailer = request.headers.get("x-amz-trailer").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let algorithm = algorithm.map(ChecksumAlgorithm::as_str).unwrap_or_default();
    format!("{trailer} {algorithm}").to_ascii_lowercase()
}

/// The answer to a conditional read, when it is not the object.
fn check_read(
    object: &StoredObject,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    let matches = |condition: &ETagCondition| match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(wanted) => tag(object).weak_cmp(wanted),
    };
    if if_match.is_some_and(|condition| !matches(condition)) {
        return Err(s3_error!(PreconditionFailed));
    }
    if if_none_match.is_some_and(matches) {
        return Err(s3_error!(NotModified));
    }
    Ok(())
}

impl Operations {
    /// Copies a range of an object into a new file of a bucket.
    async fn copy(
        &self,
        source: &CopySource,
        range: Option<Range>,
        bucket: &str,
    ) -> S3Result<(Arc<StoredObject>, StoredPart)> {
        let CopySource::Bucket { bucket: source_bucket, key, .. } = source else {
            return Err(s3_error!(NotImplemented));
        };
        let object = self.0.object(source_bucket, key)?;
        let range = match range {
            Some(range) => range.check(object.size)?,
            None => 0..object.size,
        };
        let mut reader = tokio::fs::File::open(self.0.path(source_bucket, &object.file)).await.map_err(disk_error)?;
        reader.seek(std::io::SeekFrom::Start(range.start)).await.map_err(disk_error)?;
        let size = range.end - range.start;
        let body = StreamingBlob::wrap(ReaderStream::with_capacity(reader.take(size), 256 * 1024));
        let (file, path) = self.0.new_file(bucket)?;
        let received = receive(&path, Some(body), Announced::default(), None).await?;
        let part = StoredPart { file, size: received.size, md5: received.md5, modified: SystemTime::now() };
        Ok((object, part))
    }
}

#[async_trait]
impl S3 for Operations {
    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        let buckets = self.0.bucket_names()?.into_iter().map(|(name, created)| Bucket {
            name: Some(name),
            creation_date: Some(created.into()),
            ..Bucket::default()
        });
        Ok(S3Response::new(ListBucketsOutput { buckets: Some(buckets.collect()), ..Default::default() }))
    }

    async fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        self.0.create_bucket(&request.input.bucket)?;
        let location = Some(format!("/{}", request.input.bucket));
        Ok(S3Response::new(CreateBucketOutput { location }))
    }

    async fn delete_bucket(&self, request: S3Request<DeleteBucketInput>) -> S3Result<S3Response<DeleteBucketOutput>> {
        self.0.delete_bucket(&request.input.bucket)?;
        Ok(S3Response::new(DeleteBucketOutput::default()))
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.0.bucket(&request.input.bucket, |_| Ok(()))?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.0.bucket(&request.input.bucket, |_| Ok(()))?;
        Ok(S3Response::new(GetBucketLocationOutput::default()))
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let hints = hints(&request, request.input.checksum_algorithm.as_ref());
        let input = request.input;
        let conditions = WriteConditions { if_match: input.if_match, if_none_match: input.if_none_match };
        // Now, to spare a vain upload; and again when the object is to appear.
        self.0.bucket(&input.bucket, |bucket| conditions.check(bucket.objects.get(&input.key).map(AsRef::as_ref)))?;
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
        let (file, path) = self.0.new_file(&input.bucket)?;
        let received = receive(&path, input.body, announced, request.trailing_headers).await?;
        let object = StoredObject {
            key: input.key,
            file: file.clone(),
            size: received.size,
            e_tag: hex::encode(received.md5),
            modified: SystemTime::now(),
            attributes: Attributes {
                content_type: input.content_type,
                content_encoding: input.content_encoding,
                content_disposition: input.content_disposition,
                content_language: input.content_language,
                cache_control: input.cache_control,
                metadata: input.metadata.unwrap_or_default(),
            },
            checksums: received.checksums,
        };
        let object = self.0.commit(&input.bucket, object, &conditions).inspect_err(|_| {
            self.0.forget(&input.bucket, &file);
        })?;
        let checksums = object.checksums.clone();
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(tag(&object)),
            checksum_crc32: checksums.crc32,
            checksum_crc32c: checksums.crc32c,
            checksum_crc64nvme: checksums.crc64nvme,
            checksum_sha1: checksums.sha1,
            checksum_sha256: checksums.sha256,
            ..Default::default()
        }))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let object = self.0.object(&input.bucket, &input.key)?;
        check_read(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let range = match input.range {
            Some(range) => range.check(object.size)?,
            None => 0..object.size,
        };
        let length = range.end - range.start;
        let mut reader = tokio::fs::File::open(self.0.path(&input.bucket, &object.file)).await.map_err(disk_error)?;
        reader.seek(std::io::SeekFrom::Start(range.start)).await.map_err(disk_error)?;
        let body = StreamingBlob::wrap(ReaderStream::with_capacity(reader.take(length), 256 * 1024));
        let attributes = object.attributes.clone();
        // A part of an object does not have the whole one's checksum.
        let checksums = if input.range.is_none() { object.checksums.clone() } else { Checksums::default() };
        let content_range =
            input.range.map(|_| format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), object.size));
        Ok(S3Response::new(GetObjectOutput {
            body: Some(body),
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(signed(length)),
            content_range,
            e_tag: Some(tag(&object)),
            last_modified: Some(object.modified.into()),
            content_type: input.response_content_type.or(attributes.content_type),
            content_encoding: input.response_content_encoding.or(attributes.content_encoding),
            content_disposition: input.response_content_disposition.or(attributes.content_disposition),
            content_language: input.response_content_language.or(attributes.content_language),
            cache_control: input.response_cache_control.or(attributes.cache_control),
            metadata: Some(attributes.metadata),
            checksum_crc32: checksums.crc32,
            checksum_crc32c: checksums.crc32c,
            checksum_crc64nvme: checksums.crc64nvme,
            checksum_sha1: checksums.sha1,
            checksum_sha256: checksums.sha256,
            ..Default::default()
        }))
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        let object = self.0.object(&input.bucket, &input.key)?;
        check_read(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let attributes = object.attributes.clone();
        let checksums = object.checksums.clone();
        Ok(S3Response::new(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(signed(object.size)),
            e_tag: Some(tag(&object)),
            last_modified: Some(object.modified.into()),
            content_type: attributes.content_type,
            content_encoding: attributes.content_encoding,
            content_disposition: attributes.content_disposition,
            content_language: attributes.content_language,
            cache_control: attributes.cache_control,
            metadata: Some(attributes.metadata),
            checksum_crc32: checksums.crc32,
            checksum_crc32c: checksums.crc32c,
            checksum_crc64nvme: checksums.crc64nvme,
            checksum_sha1: checksums.sha1,
            checksum_sha256: checksums.sha256,
            ..Default::default()
        }))
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.0.remove(&request.input.bucket, &request.input.key)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = request.input;
        if input.delete.objects.len() > 1000 {
            return Err(s3_error!(MalformedXML, "at most 1000 objects can be deleted at once"));
        }
        let mut deleted = Vec::new();
        for object in input.delete.objects {
            self.0.remove(&input.bucket, &object.key)?;
            deleted.push(DeletedObject { key: Some(object.key), ..Default::default() });
        }
        let deleted = if input.delete.quiet == Some(true) { None } else { Some(deleted) };
        Ok(S3Response::new(DeleteObjectsOutput { deleted, ..Default::default() }))
    }

    async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = request.input;
        let (source, part) = self.copy(&input.copy_source, None, &input.bucket).await?;
        let replace = input.metadata_directive.as_ref().is_some_and(|d| d.as_str() == MetadataDirective::REPLACE);
        let attributes = if replace {
            Attributes {
                content_type: input.content_type,
                content_encoding: input.content_encoding,
                content_disposition: input.content_disposition,
                content_language: input.content_language,
                cache_control: input.cache_control,
                metadata: input.metadata.unwrap_or_default(),
            }
        } else {
            source.attributes.clone()
        };
        let object = StoredObject {
            key: input.key,
            file: part.file,
            size: part.size,
            e_tag: hex::encode(part.md5),
            modified: part.modified,
            attributes,
            checksums: source.checksums.clone(),
        };
        let object = self.0.commit(&input.bucket, object, &WriteConditions::default())?;
        let result = CopyObjectResult {
            e_tag: Some(tag(&object)),
            last_modified: Some(object.modified.into()),
            ..Default::default()
        };
        Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), ..Default::default() }))
    }

    async fn list_objects(&self, request: S3Request<ListObjectsInput>) -> S3Result<S3Response<ListObjectsOutput>> {
        listed::list_objects(self, request).await
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        listed::list_objects_v2(self, request).await
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        multipart::create(self, request).await
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        multipart::upload_part(self, request).await
    }

    async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        multipart::copy_part(self, request).await
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        multipart::list_parts(self, request).await
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        multipart::list_uploads(self, request).await
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        multipart::complete(self, request).await
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        multipart::abort(self, request).await
    }
}

//! Lists of objects.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::{Operations, signed, tag};
use crate::s3::listing::{Page, Query, page};
use crate::s3::store::StoredObject;

fn listed(object: &StoredObject) -> Object {
    Object {
        key: Some(object.key.clone()),
        size: Some(signed(object.size)),
        e_tag: Some(tag(object)),
        last_modified: Some(object.modified.into()),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        ..Object::default()
    }
}

fn common_prefixes(prefixes: Vec<String>) -> Vec<CommonPrefix> {
    prefixes.into_iter().map(|prefix| CommonPrefix { prefix: Some(prefix) }).collect()
}

impl Operations {
    fn list(&self, bucket: &str, query: &Query<'_>) -> S3Result<Page> {
        self.0.bucket(bucket, |bucket| Ok(page(&bucket.objects, query)))
    }
}

pub(super) async fn list_objects(
    operations: &Operations,
    request: S3Request<ListObjectsInput>,
) -> S3Result<S3Response<ListObjectsOutput>> {
    let input = request.input;
    let limit = input.max_keys.unwrap_or(1000).clamp(0, 1000);
    let query = Query {
        prefix: input.prefix.as_deref().unwrap_or_default(),
        delimiter: input.delimiter.as_deref(),
        after: input.marker.as_deref(),
        limit: usize::try_from(limit).unwrap_or_default(),
    };
    let page = operations.list(&input.bucket, &query)?;
    Ok(S3Response::new(ListObjectsOutput {
        is_truncated: Some(page.next.is_some()),
        next_marker: page.next,
        contents: Some(page.objects.iter().map(|object| listed(object)).collect()),
        common_prefixes: Some(common_prefixes(page.common_prefixes)),
        max_keys: Some(limit),
        name: Some(input.bucket),
        prefix: input.prefix,
        delimiter: input.delimiter,
        marker: input.marker,
        ..Default::default()
    }))
}

pub(super) async fn list_objects_v2(
    operations: &Operations,
    request: S3Request<ListObjectsV2Input>,
) -> S3Result<S3Response<ListObjectsV2Output>> {
    let input = request.input;
    let limit = input.max_keys.unwrap_or(1000).clamp(0, 1000);
    let query = Query {
        prefix: input.prefix.as_deref().unwrap_or_default(),
        delimiter: input.delimiter.as_deref(),
        after: input.continuation_token.as_deref().or(input.start_after.as_deref()),
        limit: usize::try_from(limit).unwrap_or_default(),
    };
    let page = operations.list(&input.bucket, &query)?;
    let count = page.objects.len() + page.common_prefixes.len();
    Ok(S3Response::new(ListObjectsV2Output {
        key_count: Some(i32::try_from(count).unwrap_or(i32::MAX)),
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next,
        contents: Some(page.objects.iter().map(|object| listed(object)).collect()),
        common_prefixes: Some(common_prefixes(page.common_prefixes)),
        max_keys: Some(limit),
        name: Some(input.bucket),
        prefix: input.prefix,
        delimiter: input.delimiter,
        continuation_token: input.continuation_token,
        start_after: input.start_after,
        ..Default::default()
    }))
}

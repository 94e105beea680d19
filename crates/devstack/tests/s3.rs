//! The embedded S3 server, used with the client that the services use.

#![expect(clippy::expect_used, reason = "the helpers of a test fail like the test")]

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use backtrail_devstack::{S3, S3Address, StackDirectory};

const BUCKET: &str = "backups";

fn client(address: &S3Address) -> Client {
    let credentials = Credentials::new(&address.access_key_id, &address.secret_access_key, None, None, "test");
    let configuration = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&address.endpoint)
        .region(Region::new(address.region.clone()))
        .credentials_provider(credentials)
        .force_path_style(true)
        .build();
    Client::from_conf(configuration)
}

async fn start() -> (StackDirectory, S3, Client) {
    let directory = StackDirectory::create("s3test").expect("directory");
    let s3 = S3::start(directory.path().join("s3")).await.expect("started");
    s3.create_bucket(BUCKET).expect("bucket");
    let client = client(s3.address());
    (directory, s3, client)
}

fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    error.code().unwrap_or("none").to_owned()
}

async fn put(client: &Client, key: &str, body: &[u8]) {
    let body = ByteStream::from(body.to_vec());
    client.put_object().bucket(BUCKET).key(key).body(body).send().await.expect("put");
}

async fn get(client: &Client, key: &str) -> Vec<u8> {
    let answer = client.get_object().bucket(BUCKET).key(key).send().await.expect("get");
    answer.body.collect().await.expect("body").to_vec()
}

/// Puts the parts in as a multipart upload, and answers what completing it says.
async fn multipart(client: &Client, key: &str, parts: &[Vec<u8>], only_if_new: bool) -> Result<(), String> {
    let upload = client.create_multipart_upload().bucket(BUCKET).key(key).send().await.expect("created");
    let upload_id = upload.upload_id().expect("id");
    let mut completed = Vec::new();
    for (number, part) in (1..).zip(parts) {
        let answer = client
            .upload_part()
            .bucket(BUCKET)
            .key(key)
            .upload_id(upload_id)
            .part_number(number)
            .body(ByteStream::from(part.clone()))
            .send()
            .await
            .expect("part");
        let part = CompletedPart::builder().part_number(number).set_e_tag(answer.e_tag().map(str::to_owned));
        completed.push(part.build());
    }
    client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key(key)
        .upload_id(upload_id)
        .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(completed)).build())
        .set_if_none_match(only_if_new.then(|| "*".to_owned()))
        .send()
        .await
        .map(|_| ())
        .map_err(|error| code(&error))
}

#[tokio::test]
async fn objects_come_back_whole_and_in_ranges() {
    let (_directory, _s3, client) = start().await;
    put(&client, "a", b"0123456789").await;
    assert_eq!(get(&client, "a").await, b"0123456789");
    for (range, expected) in [("bytes=2-4", "234"), ("bytes=7-", "789"), ("bytes=-3", "789"), ("bytes=8-99", "89")] {
        let answer = client.get_object().bucket(BUCKET).key("a").range(range).send().await.expect("get");
        assert_eq!(answer.body.collect().await.expect("body").to_vec(), expected.as_bytes(), "{range}");
    }
    let error = client.get_object().bucket(BUCKET).key("a").range("bytes=10-").send().await.expect_err("refused");
    assert_eq!(code(&error), "InvalidRange");
    let error = client.get_object().bucket(BUCKET).key("b").send().await.expect_err("missing");
    assert_eq!(code(&error), "NoSuchKey");
    let head = client.head_object().bucket(BUCKET).key("a").send().await.expect("head");
    assert_eq!(head.content_length(), Some(10));
    assert_eq!(head.e_tag(), Some("\"781e5e245d69b566979b86e28d23f2c7\""));
    put(&client, "empty", b"").await;
    assert_eq!(get(&client, "empty").await, b"");
}

#[tokio::test]
async fn keys_may_nest_and_be_long() {
    let (_directory, _s3, client) = start().await;
    let long = format!("binlogs/{}", "é ü%/".repeat(130));
    assert!(long.len() > 900 && long.len() <= 1024);
    for key in ["x", "x/y", "x/y/z", long.as_str()] {
        put(&client, key, key.as_bytes()).await;
    }
    for key in ["x", "x/y", "x/y/z", long.as_str()] {
        assert_eq!(get(&client, key).await, key.as_bytes());
    }
    multipart(&client, &long, &[b"whole".to_vec()], false).await.expect("completed");
    assert_eq!(get(&client, &long).await, b"whole");
}

#[tokio::test]
async fn multipart_uploads() {
    let (_directory, _s3, client) = start().await;
    let parts = [vec![1; 5 * 1024 * 1024], vec![2; 6 * 1024 * 1024], vec![3; 17]];
    multipart(&client, "big", &parts, true).await.expect("completed");
    assert!(get(&client, "big").await == parts.concat());
    let head = client.head_object().bucket(BUCKET).key("big").send().await.expect("head");
    assert!(head.e_tag().is_some_and(|tag| tag.ends_with("-3\"")));
    let across = format!("bytes={}-{}", 5 * 1024 * 1024 - 2, 5 * 1024 * 1024 + 1);
    let answer = client.get_object().bucket(BUCKET).key("big").range(across).send().await.expect("get");
    assert_eq!(answer.body.collect().await.expect("body").to_vec(), [1, 1, 2, 2]);
    assert_eq!(multipart(&client, "big", &parts, true).await, Err("PreconditionFailed".to_owned()));
    assert_eq!(multipart(&client, "small", &[vec![1], vec![2]], false).await, Err("EntityTooSmall".to_owned()));

    // The two that were refused are still open until they are given up.
    let open = client.list_multipart_uploads().bucket(BUCKET).send().await.expect("listed");
    assert_eq!(open.uploads().len(), 2);
    for upload in open.uploads() {
        client
            .abort_multipart_upload()
            .bucket(BUCKET)
            .key(upload.key().expect("key"))
            .upload_id(upload.upload_id().expect("id"))
            .send()
            .await
            .expect("aborted");
    }
    let open = client.list_multipart_uploads().bucket(BUCKET).send().await.expect("listed");
    assert!(open.uploads().is_empty());
}

#[tokio::test]
async fn parts_can_be_copied_from_objects() {
    let (_directory, _s3, client) = start().await;
    put(&client, "source", b"0123456789").await;
    let upload = client.create_multipart_upload().bucket(BUCKET).key("copy").send().await.expect("created");
    let upload_id = upload.upload_id().expect("id");
    let part = client
        .upload_part_copy()
        .bucket(BUCKET)
        .key("copy")
        .upload_id(upload_id)
        .part_number(1)
        .copy_source(format!("{BUCKET}/source"))
        .copy_source_range("bytes=3-5")
        .send()
        .await
        .expect("copied");
    let tag = part.copy_part_result().and_then(|result| result.e_tag()).map(str::to_owned);
    let part = CompletedPart::builder().part_number(1).set_e_tag(tag).build();
    client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("copy")
        .upload_id(upload_id)
        .multipart_upload(CompletedMultipartUpload::builder().parts(part).build())
        .send()
        .await
        .expect("completed");
    assert_eq!(get(&client, "copy").await, b"345");
    client
        .copy_object()
        .bucket(BUCKET)
        .key("again")
        .copy_source(format!("{BUCKET}/copy"))
        .send()
        .await
        .expect("copied");
    assert_eq!(get(&client, "again").await, b"345");
}

#[tokio::test]
async fn listings_have_prefixes_delimiters_and_pages() {
    let (_directory, _s3, client) = start().await;
    for number in 0..7 {
        put(&client, &format!("backups/t/{number}/manifest.json"), b"{}").await;
    }
    put(&client, "other", b"").await;
    let answer =
        client.list_objects_v2().bucket(BUCKET).prefix("backups/t/").delimiter("/").send().await.expect("listed");
    assert_eq!(answer.common_prefixes().len(), 7);
    assert!(answer.contents().is_empty());
    let mut pages = client.list_objects_v2().bucket(BUCKET).prefix("backups/").max_keys(3).into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.expect("page").contents().len());
    }
    assert_eq!(sizes, [3, 3, 1]);
    let after =
        client.list_objects_v2().bucket(BUCKET).start_after("backups/t/5/manifest.json").send().await.expect("listed");
    let keys: Vec<&str> = after.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(keys, ["backups/t/6/manifest.json", "other"]);
}

#[tokio::test]
async fn objects_are_deleted_one_by_one_and_in_batches() {
    let (_directory, _s3, client) = start().await;
    for key in ["a", "b", "c"] {
        put(&client, key, b"x").await;
    }
    client.delete_object().bucket(BUCKET).key("a").send().await.expect("deleted");
    let objects = ["b", "c", "never"].map(|key| ObjectIdentifier::builder().key(key).build().expect("named"));
    let delete = Delete::builder().set_objects(Some(objects.to_vec())).build().expect("list");
    let answer = client.delete_objects().bucket(BUCKET).delete(delete).send().await.expect("deleted");
    assert_eq!(answer.deleted().len(), 3);
    let left = client.list_objects_v2().bucket(BUCKET).send().await.expect("listed");
    assert!(left.contents().is_empty());
    client.delete_bucket().bucket(BUCKET).send().await.expect("deleted");
    let error = client.head_bucket().bucket(BUCKET).send().await.expect_err("gone");
    assert_eq!(error.raw_response().map(|response| response.status().as_u16()), Some(404));
}

#[tokio::test]
async fn an_object_is_created_only_once() {
    let (_directory, _s3, client) = start().await;
    let create = async |body: &'static str| {
        client
            .put_object()
            .bucket(BUCKET)
            .key("manifest.json")
            .if_none_match("*")
            .body(ByteStream::from_static(body.as_bytes()))
            .send()
            .await
    };
    let answers = futures::future::join_all(["one", "two", "three"].map(create)).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(error.raw_response().map(|response| response.status().as_u16()), Some(412));
    }
}

#[tokio::test]
async fn a_wrong_checksum_or_key_is_refused() {
    let (_directory, s3, right) = start().await;
    let error = right
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .checksum_sha256("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
        .body(ByteStream::from_static(b"not empty"))
        .send()
        .await
        .expect_err("refused");
    assert_eq!(code(&error), "BadDigest");
    assert!(right.head_object().bucket(BUCKET).key("a").send().await.is_err(), "nothing was stored");
    let wrong = client(&S3Address { secret_access_key: "x".repeat(32), ..s3.address().clone() });
    let error = wrong.list_objects_v2().bucket(BUCKET).send().await.expect_err("refused");
    assert_eq!(code(&error), "SignatureDoesNotMatch");
    let answer = reqwest::get(format!("{}/{BUCKET}/a", s3.endpoint)).await.expect("answered");
    assert_eq!(answer.status().as_u16(), 403);
}

#[tokio::test]
async fn presigned_urls_need_no_key() {
    let (_directory, _s3, client) = start().await;
    put(&client, "dir/file 1.sql.zst", b"content").await;
    let valid = PresigningConfig::expires_in(std::time::Duration::from_secs(60)).expect("duration");
    let url = client.get_object().bucket(BUCKET).key("dir/file 1.sql.zst").presigned(valid).await.expect("signed");
    let answer = reqwest::get(url.uri()).await.expect("answered");
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.bytes().await.expect("body").as_ref(), b"content");
}

#[tokio::test]
async fn objects_survive_an_outage_and_a_new_server() {
    let (_directory, mut s3, client_before) = start().await;
    put(&client_before, "a/b", b"kept").await;
    s3.stop();
    let once = client_before.get_object().bucket(BUCKET).key("a/b").send();
    assert!(once.await.is_err());
    s3.start_again().await.expect("started again");
    assert_eq!(get(&client_before, "a/b").await, b"kept");
    let data = s3.address().directory.clone();
    drop(s3);
    let s3 = S3::start(data).await.expect("started");
    let client_after = client(s3.address());
    assert_eq!(get(&client_after, "a/b").await, b"kept");
}

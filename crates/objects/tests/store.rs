//! The store against a real server of the protocol.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

mod support;

use std::time::Duration;

use backtrail_objects::{ObjectError, ObjectSettings, ObjectStore};
use backtrail_settings::ByteSize;
use futures::StreamExt;
use sha2::{Digest, Sha256};
use support::{Bench, Proxy, noise};
use tokio::io::AsyncReadExt;

const MIB: usize = 1 << 20;

async fn upload(store: &ObjectStore, key: &str, content: &[u8]) -> backtrail_objects::StoredObject {
    let mut upload = store.upload(key).unwrap();
    // Pieces of a size that fits no part.
    for piece in content.chunks(700_001) {
        upload.write(piece.to_vec().into()).await.unwrap();
    }
    upload.finish().await.unwrap()
}

async fn read_all(store: &ObjectStore, key: &str) -> Vec<u8> {
    let mut content = Vec::new();
    store.open(key).await.unwrap().read_to_end(&mut content).await.unwrap();
    content
}

#[tokio::test]
async fn small_objects() {
    let bench = Bench::start().await;
    let store = bench.store();
    store.check_bucket().await.unwrap();

    store.put("a/one", &b"content"[..]).await.unwrap();
    assert_eq!(&store.get("a/one", 100).await.unwrap()[..], b"content");
    assert_eq!(&store.get_range("a/one", 2..5).await.unwrap()[..], b"nte");
    assert_eq!(&store.get_range("a/one", 5..5).await.unwrap()[..], b"");
    for beyond in [5..8, 100..110] {
        assert!(matches!(store.get_range("a/one", beyond).await, Err(ObjectError::Damaged { .. })));
    }
    assert!(matches!(store.get("a/one", 6).await, Err(ObjectError::TooLarge { limit: 6, .. })));
    let info = store.head("a/one").await.unwrap().unwrap();
    assert_eq!((info.size, info.key.as_str()), (7, "a/one"));
    assert!(info.last_modified.is_some() && !info.etag.is_empty());
    assert_eq!(store.url("a/one"), format!("s3://{}/a/one", bench.bucket));

    // Absence is an error of its own, and never an empty object.
    store.put("empty", &b""[..]).await.unwrap();
    assert_eq!(read_all(&store, "empty").await, b"");
    assert!(store.head("none").await.unwrap().is_none());
    assert!(matches!(store.get("none", 1).await, Err(ObjectError::NotFound { .. })));
    assert!(matches!(store.get_range("none", 0..1).await, Err(ObjectError::NotFound { .. })));
    assert!(matches!(store.open("none").await.map(|_| ()), Err(ObjectError::NotFound { .. })));
    assert!(store.list("none/").await.unwrap().is_empty());

    let first = store.put_new("new", &b"first"[..]).await;
    first.unwrap();
    let second = store.put_new("new", &b"second"[..]).await.unwrap_err();
    assert!(matches!(second, ObjectError::AlreadyExists { .. }) && !second.retryable());
    assert_eq!(&store.get("new", 10).await.unwrap()[..], b"first");

    for key in ["", "/a", "a/../b", "a//b"] {
        assert!(matches!(store.put(key, &b""[..]).await, Err(ObjectError::Key { .. })), "{key}");
    }
}

#[tokio::test]
async fn listing_and_deleting_many() {
    let bench = Bench::start().await;
    let settings = ObjectSettings { s3_prefix: "all/ours/".to_owned(), ..bench.settings() };
    let store = ObjectStore::connect(&settings).unwrap();
    let keys: Vec<String> = (0..1_203).map(|number| format!("many/{number:05}")).collect();
    futures::stream::iter(&keys).for_each_concurrent(16, async |key| store.put(key, &b"x"[..]).await.unwrap()).await;
    store.put("other", &b"y"[..]).await.unwrap();

    let found: Vec<String> = store.list("many/").await.unwrap().into_iter().map(|object| object.key).collect();
    assert_eq!(found, keys);
    assert_eq!(store.list("").await.unwrap().len(), keys.len() + 1);
    assert!(bench.store().head("all/ours/other").await.unwrap().is_some(), "the prefix goes in front");

    store.delete(&keys).await.unwrap();
    assert!(store.list("many/").await.unwrap().is_empty());
    assert!(store.head("other").await.unwrap().is_some());
    store.delete(&["never/was".to_owned()]).await.unwrap();
}

#[tokio::test]
async fn a_large_object_goes_in_parts() {
    let bench = Bench::start().await;
    let store = bench.store();
    let content = noise(30 * MIB + 12_345);
    let stored = upload(&store, "large/object", &content).await;
    assert_eq!(stored.size, content.len() as u64);
    assert_eq!(stored.sha256, hex::encode(Sha256::digest(&content)));
    assert!(read_all(&store, "large/object").await == content);
    // The server's checksum of an object in parts ends with their number.
    let info = store.head("large/object").await.unwrap().unwrap();
    assert!(info.etag.trim_matches('"').ends_with("-4"), "{}", info.etag);
    assert_eq!(bench.leftovers().await, Vec::<String>::new());

    // Exactly one part, and nothing at all.
    for size in [8 * MIB, 16 * MIB, 0] {
        let content = noise(size);
        let stored = upload(&store, "large/exact", &content).await;
        assert_eq!((stored.size, read_all(&store, "large/exact").await == content), (size as u64, true));
    }
}

#[tokio::test]
async fn a_store_with_few_parts() {
    let bench = Bench::start().await;
    let settings = ObjectSettings { s3_part_size: ByteSize(5 << 20), s3_max_parts: 2, ..bench.settings() };
    let store = ObjectStore::connect(&settings).unwrap();
    // The second part is 32 times the first: 165 MiB fit.
    let stored = upload(&store, "two", &noise(20 * MIB)).await;
    assert_eq!(stored.size, 20 * MIB as u64);
    let settings = ObjectSettings { s3_max_parts: 1, ..settings };
    let store = ObjectStore::connect(&settings).unwrap();
    let mut upload = store.upload("one").unwrap();
    let error = upload.write(noise(6 * MIB).into()).await.unwrap_err();
    assert!(matches!(error, ObjectError::TooLarge { .. }), "{error}");
    drop(upload);
    assert!(store.head("one").await.unwrap().is_none());
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let bench = Bench::start().await;
    let store = bench.store();
    let begin = async |key: &str| {
        let mut upload = store.upload(key).unwrap();
        upload.write(noise(20 * MIB).into()).await.unwrap();
        upload
    };
    let aborted = begin("aborted").await;
    assert_eq!(bench.leftovers().await, ["aborted"]);
    aborted.abort().await.unwrap();
    assert_eq!(bench.leftovers().await, Vec::<String>::new());

    drop(begin("dropped").await);
    bench.until_nothing_is_left().await;
    assert!(store.list("").await.unwrap().is_empty());

    // What a killed process leaves is found by its prefix.
    let (killed, other) = (begin("runs/1/file").await, begin("runs/2/file").await);
    assert_eq!(store.abort_unfinished("runs/1/").await.unwrap(), 1);
    assert_eq!(bench.leftovers().await, ["runs/2/file"]);
    // A store that answers before it has read a part cuts the connection: then that is what the writer sees.
    let error = killed.finish().await.unwrap_err();
    assert!(matches!(error, ObjectError::Abandoned { .. }) || error.retryable(), "{error}");
    other.finish().await.unwrap();
    assert!(store.head("runs/1/file").await.unwrap().is_none());
}

#[tokio::test]
async fn reading_goes_on_after_a_cut() {
    let bench = Bench::start().await;
    let proxy = Proxy::before(&bench.s3.endpoint).await;
    let content = noise(20 * MIB);
    upload(&bench.store(), "object", &content).await;
    let settings = ObjectSettings { s3_endpoint: Some(proxy.endpoint()), ..bench.settings() };
    let store = ObjectStore::connect(&settings).unwrap();

    proxy.cut(5, 3 * MIB as i64);
    assert!(read_all(&store, "object").await == content);
    assert_eq!(proxy.cuts(), 5);

    // A store that never comes back is an error that may be retried, not a short object.
    let mut download = store.open("object").await.unwrap();
    let mut head = vec![0; MIB];
    download.read_exact(&mut head).await.unwrap();
    proxy.cut(i64::MAX, 0);
    let error = loop {
        match download.next_chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a cut object ended as if it were whole"),
            Err(error) => break error,
        }
    };
    assert!(error.retryable(), "{error}");
}

#[tokio::test]
async fn an_object_that_is_replaced_while_it_is_read() {
    let bench = Bench::start().await;
    let proxy = Proxy::before(&bench.s3.endpoint).await;
    let settings = ObjectSettings { s3_endpoint: Some(proxy.endpoint()), ..bench.settings() };
    let store = ObjectStore::connect(&settings).unwrap();
    let content = noise(12 * MIB);
    upload(&store, "object", &content).await;

    let mut download = store.open("object").await.unwrap();
    download.next_chunk().await.unwrap().unwrap();
    let mut other = content;
    other.reverse();
    proxy.cut(1, 0);
    upload(&bench.store(), "object", &other).await;
    let error = loop {
        match download.next_chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("two objects were read as one"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, ObjectError::Changed { .. }), "{error}");
}

#[tokio::test]
async fn writing_goes_on_after_a_cut() {
    let bench = Bench::start().await;
    let proxy = Proxy::before(&bench.s3.endpoint).await;
    let settings = ObjectSettings { s3_endpoint: Some(proxy.endpoint()), s3_attempts: 6, ..bench.settings() };
    let store = ObjectStore::connect(&settings).unwrap();
    // Every answer is lost once, that of the last request too: what was done is found out, not done twice.
    let content = noise(20 * MIB);
    let mut upload = store.upload("parts").unwrap();
    for piece in content.chunks(MIB) {
        proxy.cut(1, 0);
        upload.write(piece.to_vec().into()).await.unwrap();
    }
    proxy.cut(1, 0);
    upload.finish().await.unwrap();
    assert!(read_all(&store, "parts").await == content);

    proxy.cut(1, 0);
    store.put("whole", &b"content"[..]).await.unwrap();
    assert_eq!(&store.get("whole", 10).await.unwrap()[..], b"content");
    assert!(proxy.cuts() > 2);
}

#[tokio::test]
async fn a_new_object_whose_answer_is_lost() {
    let bench = Bench::start().await;
    let proxy = Proxy::before(&bench.s3.endpoint).await;
    let settings = ObjectSettings { s3_endpoint: Some(proxy.endpoint()), s3_attempts: 6, ..bench.settings() };
    let store = ObjectStore::connect(&settings).unwrap();
    // The answer to the question whether it is there comes through, the one to the write does not. How long the first
    // answer is depends on the server, so every length is tried.
    for after in (0..1_500).step_by(50) {
        let key = format!("new/{after}");
        proxy.cut(1, after);
        store.put_new(&key, &b"content"[..]).await.unwrap();
        assert!(matches!(store.put_new(&key, &b"other"[..]).await, Err(ObjectError::AlreadyExists { .. })));
    }
    assert!(proxy.cuts() > 10);
}

#[tokio::test]
async fn refusals_name_no_secret() {
    let bench = Bench::start().await;
    let with = |id: &str, key: &str| {
        let settings = bench.settings();
        ObjectStore::connect(&ObjectSettings {
            s3_access_key_id: id.into(),
            s3_secret_access_key: key.into(),
            ..settings
        })
        .unwrap()
    };
    let (id, key) = (bench.s3.access_key_id.clone(), bench.s3.secret_access_key.clone());
    for store in [with(&id, "hunter2"), with("nobody", "hunter2"), with("nobody", &key)] {
        for error in [
            store.check_bucket().await.unwrap_err(),
            store.put("key", &b""[..]).await.unwrap_err(),
            store.get("key", 1).await.unwrap_err(),
            store.put_new("key", &b""[..]).await.unwrap_err(),
        ] {
            let text = format!("{error} {error:?}");
            assert!(matches!(error, ObjectError::Refused { .. }) && !error.retryable(), "{text}");
            assert!(!text.contains("hunter2") && !text.contains(&key), "{text}");
        }
    }
    let settings = ObjectSettings { s3_bucket: Some("no-such-bucket".to_owned()), ..bench.settings() };
    let error = ObjectStore::connect(&settings).unwrap().check_bucket().await.unwrap_err();
    assert!(matches!(error, ObjectError::NoBucket { .. }), "{error}");

    let nowhere = ObjectSettings { s3_endpoint: Some("http://127.0.0.1:1".to_owned()), ..bench.settings() };
    let error = ObjectStore::connect(&nowhere).unwrap().check_bucket().await.unwrap_err();
    assert!(error.retryable() && error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn presigned_urls_read_one_object() {
    let bench = Bench::start().await;
    let store = bench.store();
    store.put("shared", &b"content"[..]).await.unwrap();
    let url = store.presign_get("shared", Duration::from_secs(60)).await.unwrap();
    assert!(!url.contains(&bench.s3.secret_access_key));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(client.get(&url).send().await.unwrap().text().await.unwrap(), "content");
    let other = url.replace("/shared?", "/other?");
    assert!(!client.get(&other).send().await.unwrap().status().is_success());
    assert!(store.presign_get("shared", Duration::from_secs(8 * 86_400)).await.is_err());
}

//! Taking in the bytes of an object or part, with every checksum that the client sent verified.

use std::path::Path;

use futures::StreamExt;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::StreamingBlob;
use s3s::{S3Result, TrailingHeaders, s3_error};
use tokio::io::{AsyncWriteExt, BufWriter};

use super::store::{Checksums, disk_error};

/// What has been written.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) size: u64,
    pub(super) md5: [u8; 16],
    pub(super) checksums: Checksums,
}

/// What the client announced about the bytes: their digests, or only that they will follow as trailers.
#[derive(Debug, Default)]
pub(super) struct Announced {
    pub(super) content_md5: Option<String>,
    pub(super) checksums: Checksums,
    /// The names of algorithms and trailing headers, in one lower-case text.
    pub(super) hints: String,
}

/// Writes the body to a new file. The file is removed when anything is wrong with it.
pub(super) async fn receive(
    path: &Path,
    body: Option<StreamingBlob>,
    announced: Announced,
    trailers: Option<TrailingHeaders>,
) -> S3Result<Received> {
    let result = write(path, body, announced, trailers).await;
    if result.is_err() {
        let _ = std::fs::remove_file(path);
    }
    result
}

async fn write(
    path: &Path,
    body: Option<StreamingBlob>,
    announced: Announced,
    trailers: Option<TrailingHeaders>,
) -> S3Result<Received> {
    let Announced { content_md5, mut checksums, hints } = announced;
    let mut hasher = ChecksumHasher::default();
    let wanted = |given: &Option<String>, name: &str| given.is_some() || hints.contains(name);
    if wanted(&checksums.crc32c, "crc32c") {
        hasher.crc32c = Some(Default::default());
    }
    if wanted(&checksums.crc32, "crc32") {
        hasher.crc32 = Some(Default::default());
    }
    if wanted(&checksums.crc64nvme, "crc64nvme") {
        hasher.crc64nvme = Some(Default::default());
    }
    if wanted(&checksums.sha1, "sha1") {
        hasher.sha1 = Some(Default::default());
    }
    if wanted(&checksums.sha256, "sha256") {
        hasher.sha256 = Some(Default::default());
    }

    let mut md5 = Md5::new();
    let mut size = 0;
    let file = tokio::fs::File::create_new(path).await.map_err(disk_error)?;
    let mut file = BufWriter::with_capacity(256 * 1024, file);
    if let Some(mut body) = body {
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| s3_error!(IncompleteBody, "the request's body broke off: {error}"))?;
            md5.update(&chunk);
            hasher.update(&chunk);
            size += chunk.len() as u64;
            file.write_all(&chunk).await.map_err(disk_error)?;
        }
    }
    file.flush().await.map_err(disk_error)?;
    let md5 = md5.finalize();
    let computed = hasher.finalize();
    let computed = Checksums {
        crc32: computed.checksum_crc32,
        crc32c: computed.checksum_crc32c,
        crc64nvme: computed.checksum_crc64nvme,
        sha1: computed.checksum_sha1,
        sha256: computed.checksum_sha256,
    };

    if let Some(trailers) = trailers.and_then(|trailers| trailers.take()) {
        let sent = |name: &str| Some(trailers.get(name)?.to_str().ok()?.to_owned());
        let Checksums { crc32, crc32c, crc64nvme, sha1, sha256 } = &mut checksums;
        for (expected, name) in [
            (crc32, "x-amz-checksum-crc32"),
            (crc32c, "x-amz-checksum-crc32c"),
            (crc64nvme, "x-amz-checksum-crc64nvme"),
            (sha1, "x-amz-checksum-sha1"),
            (sha256, "x-amz-checksum-sha256"),
        ] {
            *expected = sent(name).or_else(|| expected.take());
        }
    }
    for (name, expected, actual) in [
        ("crc32", &checksums.crc32, &computed.crc32),
        ("crc32c", &checksums.crc32c, &computed.crc32c),
        ("crc64nvme", &checksums.crc64nvme, &computed.crc64nvme),
        ("sha1", &checksums.sha1, &computed.sha1),
        ("sha256", &checksums.sha256, &computed.sha256),
    ] {
        if expected.is_some() && expected != actual {
            return Err(s3_error!(BadDigest, "the body does not have the {name} that was sent with it"));
        }
    }
    if let Some(expected) = content_md5
        && decode_base64(&expected).is_none_or(|expected| expected != md5)
    {
        return Err(s3_error!(BadDigest, "the body does not have the MD5 that was sent with it"));
    }
    Ok(Received { size, md5, checksums: computed })
}

/// Standard base64 with padding; none when the text is anything else.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

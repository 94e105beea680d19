//! How an operator names the store.

use std::time::Duration;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use backtrail_settings::{ByteSize, SecretSetting, parse_duration};
use secrecy::ExposeSecret;

use crate::ObjectError;

backtrail_settings::secret_names! {
    /// Access key id of the S3 store
    pub S3AccessKeyId = "BACKTRAIL_S3_ACCESS_KEY_ID", file flag "s3-access-key-id-file";
    /// Secret access key of the S3 store
    pub S3SecretAccessKey = "BACKTRAIL_S3_SECRET_ACCESS_KEY", file flag "s3-secret-access-key-file";
    /// Session token of the S3 store, for temporary credentials
    pub S3SessionToken = "BACKTRAIL_S3_SESSION_TOKEN", file flag "s3-session-token-file";
}

const MIB: u64 = 1 << 20;
/// The protocol's limits for every part but the last.
const SMALLEST_PART: u64 = 5 * MIB;
const LARGEST_PART: u64 = 5 << 30;

/// Settings of the connection to the S3 store.
#[derive(Debug, Clone, clap::Args)]
pub struct ObjectSettings {
    /// URL of the S3 store; not set for AWS itself
    #[arg(long, env = "BACKTRAIL_S3_ENDPOINT", value_name = "URL")]
    pub s3_endpoint: Option<String>,
    /// Region that requests are signed for
    #[arg(long, env = "BACKTRAIL_S3_REGION", default_value = "us-east-1")]
    pub s3_region: String,
    /// Bucket
    #[arg(long, env = "BACKTRAIL_S3_BUCKET")]
    pub s3_bucket: Option<String>,
    /// Goes in front of every key
    #[arg(long, env = "BACKTRAIL_S3_PREFIX", default_value = "")]
    pub s3_prefix: String,
    /// See [`S3AccessKeyId`].
    #[command(flatten)]
    pub s3_access_key_id: SecretSetting<S3AccessKeyId>,
    /// See [`S3SecretAccessKey`].
    #[command(flatten)]
    pub s3_secret_access_key: SecretSetting<S3SecretAccessKey>,
    /// See [`S3SessionToken`].
    #[command(flatten)]
    pub s3_session_token: SecretSetting<S3SessionToken>,
    /// Name the bucket in the path instead of the host, as most stores other than AWS want it
    #[arg(
        long,
        env = "BACKTRAIL_S3_FORCE_PATH_STYLE",
        default_value_t = false,
        num_args = 0..=1,
        default_missing_value = "true",
        action = clap::ArgAction::Set
    )]
    pub s3_force_path_style: bool,
    /// Size of the first parts of a large object; later ones grow
    #[arg(long, env = "BACKTRAIL_S3_PART_SIZE", default_value = "8MiB")]
    pub s3_part_size: ByteSize,
    /// How many parts the store allows an object (AWS: 10000, some others: 1000)
    #[arg(long, env = "BACKTRAIL_S3_MAX_PARTS", default_value_t = 10_000)]
    pub s3_max_parts: u32,
    /// How long connecting may take
    #[arg(long, env = "BACKTRAIL_S3_CONNECT_TIMEOUT", default_value = "5s", value_parser = parse_duration)]
    pub s3_connect_timeout: Duration,
    /// How long an answer may take
    #[arg(long, env = "BACKTRAIL_S3_READ_TIMEOUT", default_value = "60s", value_parser = parse_duration)]
    pub s3_read_timeout: Duration,
    /// How often a request is tried
    #[arg(long, env = "BACKTRAIL_S3_ATTEMPTS", default_value_t = 6)]
    pub s3_attempts: u32,
}

impl ObjectSettings {
    /// The defaults, for AWS.
    pub fn new(bucket: &str, access_key_id: &str, secret_access_key: &str) -> Self {
        Self {
            s3_endpoint: None,
            s3_region: "us-east-1".to_owned(),
            s3_bucket: Some(bucket.to_owned()),
            s3_prefix: String::new(),
            s3_access_key_id: access_key_id.into(),
            s3_secret_access_key: secret_access_key.into(),
            s3_session_token: SecretSetting::default(),
            s3_force_path_style: false,
            s3_part_size: ByteSize(8 * MIB),
            s3_max_parts: 10_000,
            s3_connect_timeout: Duration::from_secs(5),
            s3_read_timeout: Duration::from_secs(60),
            s3_attempts: 6,
        }
    }

    pub(crate) fn part_sizes(&self) -> Result<PartSizes, ObjectError> {
        let first = self.s3_part_size.bytes();
        if !(SMALLEST_PART..=LARGEST_PART).contains(&first) {
            return Err(ObjectError::Settings {
                setting: "BACKTRAIL_S3_PART_SIZE",
                reason: "a part has from 5MiB to 5GiB",
            });
        }
        if !(1..=10_000).contains(&self.s3_max_parts) {
            return Err(ObjectError::Settings {
                setting: "BACKTRAIL_S3_MAX_PARTS",
                reason: "an object has from 1 to 10000 parts",
            });
        }
        Ok(PartSizes { first, limit: self.s3_max_parts })
    }

    pub(crate) fn sdk_config(&self) -> Result<aws_sdk_s3::Config, ObjectError> {
        let id = self.s3_access_key_id.required()?;
        let key = self.s3_secret_access_key.required()?;
        let token = self.s3_session_token.optional()?;
        let credentials = Credentials::new(
            id.expose_secret(),
            key.expose_secret(),
            token.map(|token| token.expose_secret().to_owned()),
            None,
            "backtrail settings",
        );
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.s3_connect_timeout)
            .read_timeout(self.s3_read_timeout)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(self.s3_attempts.max(1))
            .with_initial_backoff(Duration::from_millis(200))
            .with_max_backoff(Duration::from_secs(10));
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(self.s3_region.clone()))
            .credentials_provider(credentials)
            .force_path_style(self.s3_force_path_style)
            .retry_config(retries)
            .timeout_config(timeouts)
            .stalled_stream_protection(StalledStreamProtectionConfig::enabled().build())
            // Many stores do not know the checksum trailers that are the SDK's default.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if let Some(endpoint) = self.s3_endpoint.as_deref().filter(|endpoint| !endpoint.is_empty()) {
            config = config.endpoint_url(check_endpoint(endpoint)?);
        }
        Ok(config.build())
    }
}

/// A URL with a user and password in it would be printed with every error, and the SDK would not use them.
fn check_endpoint(endpoint: &str) -> Result<&str, ObjectError> {
    let bad = |reason| ObjectError::Settings { setting: "BACKTRAIL_S3_ENDPOINT", reason };
    let url = url::Url::parse(endpoint).map_err(|_| bad("it is not a URL, as in https://s3.example.com"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(bad("it is not an http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it holds a user or a password; keys have their own settings"));
    }
    Ok(endpoint)
}

/// Sizes of the parts of an object whose size nobody knows yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PartSizes {
    first: u64,
    limit: u32,
}

impl PartSizes {
    /// The size of a part, counted from 0; `None` past the last one allowed. It doubles with every tenth of the parts, so
    /// that memory stays small for what is common and the largest object that the protocol knows still fits.
    pub(crate) fn of_part(self, index: u32) -> Option<u64> {
        if index >= self.limit {
            return None;
        }
        let doublings = u64::from(index) * 10 / u64::from(self.limit);
        Some(self.first.saturating_mul(1 << doublings).min(LARGEST_PART))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_until_the_largest_object_fits() {
        let whole = |sizes: PartSizes| (0..).map_while(|index| sizes.of_part(index)).sum::<u64>();
        assert!(whole(PartSizes { first: 8 * MIB, limit: 10_000 }) > 5 << 40);
        // The protocol's part size of 5 GiB is what limits such a store.
        assert!(whole(PartSizes { first: 8 * MIB, limit: 1_000 }) > 700 << 30);
        assert_eq!(PartSizes { first: 8 * MIB, limit: 10_000 }.of_part(999), Some(8 * MIB));
        assert_eq!(PartSizes { first: 8 * MIB, limit: 10_000 }.of_part(1_000), Some(16 * MIB));
    }

    #[test]
    fn refuses_settings_that_cannot_work() {
        let good = || ObjectSettings::new("bucket", "id", "hunter2");
        for endpoint in ["s3.example.com", "ftp://s3.example.com", "http://id:hunter2@s3.example.com"] {
            let settings = ObjectSettings { s3_endpoint: Some(endpoint.to_owned()), ..good() };
            let error = settings.sdk_config().map(|_| ()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
        assert!(ObjectSettings { s3_part_size: ByteSize(MIB), ..good() }.part_sizes().is_err());
        assert!(ObjectSettings { s3_max_parts: 0, ..good() }.part_sizes().is_err());
        assert!(!format!("{:?} {:?}", good(), good().sdk_config().unwrap()).contains("hunter2"));
    }
}

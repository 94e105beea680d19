//! A whole installation: the parts, the five services, a tenant and its API key.

use std::path::Path;

use crate::error::DevstackError;
use crate::parts::{Part, Parts};
use crate::services::{ServiceSettings, Services};
use crate::state::{ServicesState, StackState};

/// What the stack is made of.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The start of the directory's name.
    pub label: String,
    /// A tenant to create, with an API key.
    pub tenant: String,
    /// The bucket to create.
    pub bucket: String,
    /// Parts besides PostgreSQL, RabbitMQ and S3, which the services need.
    pub more_parts: Vec<Part>,
    /// More environment variables for every service. No secrets.
    pub environment: Vec<(String, String)>,
    /// Leave data and logs behind.
    pub keep: bool,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            label: "stack".to_owned(),
            tenant: "demo".to_owned(),
            bucket: "backtrail".to_owned(),
            more_parts: vec![Part::MariaDb],
            environment: Vec::new(),
            keep: false,
        }
    }
}

/// A running installation. Dropping it stops everything and removes its directory.
#[derive(Debug)]
pub struct Stack {
    /// The services, stopped before the parts.
    pub services: Services,
    /// The parts.
    pub parts: Parts,
    /// The tenant's name.
    pub tenant: String,
    /// An API key of the tenant with all permissions.
    pub api_key: String,
    /// The bucket that the services write to.
    pub bucket: String,
}

impl Stack {
    /// Starts everything and waits until it is ready.
    pub async fn start(options: StackOptions) -> Result<Self, DevstackError> {
        let mut wanted = vec![Part::Postgres, Part::RabbitMq, Part::S3];
        wanted.extend(&options.more_parts);
        let mut parts = Parts::start(&options.label, &wanted).await?;
        if options.keep {
            parts.keep_directory();
        }
        let (Some(postgres), Some(rabbitmq), Some(s3)) = (&parts.postgres, &parts.rabbitmq, &parts.s3) else {
            return Err(DevstackError::Unsuitable("a part that the services need was not started".to_owned()));
        };
        s3.create_bucket(&options.bucket)?;
        let (database_url, amqp_url) =
            tokio::try_join!(postgres.create_database("backtrail"), rabbitmq.create_vhost("backtrail"))?;
        let settings = ServiceSettings {
            database_url,
            amqp_url,
            s3: s3.address().clone(),
            bucket: options.bucket.clone(),
            environment: options.environment,
        };
        let mut services = Services::prepare(&parts.directory().join("services"), &settings)?;
        services.migrate().await?;
        let api_key = services.create_tenant(&options.tenant).await?;
        services.start_all().await?;
        Ok(Self { services, parts, tenant: options.tenant, api_key, bucket: options.bucket })
    }

    /// The directory with everything of the stack.
    pub fn directory(&self) -> &Path {
        self.parts.directory()
    }

    /// How others can reach the stack.
    pub fn state(&self) -> StackState {
        StackState {
            services: Some(ServicesState {
                gateway: self.services.gateway_url(),
                tenant: self.tenant.clone(),
                api_key: self.api_key.clone(),
                bucket: self.bucket.clone(),
                health: self
                    .services
                    .processes
                    .iter()
                    .map(|process| (process.kind.name().to_owned(), process.health_url()))
                    .collect(),
            }),
            ..self.parts.state()
        }
    }
}

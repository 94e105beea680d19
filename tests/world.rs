//! An installation for one test.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use backtrail_devstack::{
    Api, DatabaseAddress, DatabaseOptions, MariaDb, MySql, Postgres, RabbitMq, ServiceSettings, Services,
    StackDirectory, TestBucket, TestDatabase, TestVhost,
};
use backtrail_objects::{ObjectSettings, ObjectStore};
use mysql_async::prelude::Queryable;
use serde_json::{Value, json};

/// How long anything may take before a test gives up on it.
const DEADLINE: Duration = Duration::from_secs(90);

/// What a world is made of.
#[derive(Debug, Clone, Default)]
pub struct WorldOptions {
    /// More environment variables for every service.
    pub environment: Vec<(&'static str, String)>,
    /// A database server and a broker of its own, to be stopped and started again.
    pub own_servers: bool,
}

/// Services of its own on the shared parts, with a tenant and a key.
pub struct World {
    /// The REST API with a key of the tenant.
    pub api: Api,
    /// The services.
    pub services: Services,
    /// The tenant's key.
    pub api_key: String,
    /// URL of the database that the services share.
    pub database_url: String,
    /// URL of the vhost that they share.
    pub amqp_url: String,
    /// The world's own database server, where it has one.
    pub postgres: Option<Postgres>,
    /// The world's own broker, where it has one.
    pub rabbitmq: Option<RabbitMq>,
    /// The bucket that they share.
    pub bucket: TestBucket,
    directory: StackDirectory,
    sources: u32,
}

impl World {
    /// Starts the five services with short leases and segments, and waits until they are ready.
    ///
    /// # Errors
    /// Something does not start.
    pub async fn start(options: WorldOptions) -> anyhow::Result<Self> {
        let directory = StackDirectory::create("world")?;
        let bucket = TestBucket::create().await?;
        let (database_url, amqp_url, postgres, rabbitmq) = if options.own_servers {
            let (postgres_directory, rabbitmq_directory) =
                (directory.path().join("postgres"), directory.path().join("rabbitmq"));
            let (postgres, rabbitmq) =
                tokio::try_join!(Postgres::start(&postgres_directory), RabbitMq::start(&rabbitmq_directory))?;
            let (database, vhost) =
                tokio::try_join!(postgres.create_database("backtrail"), rabbitmq.create_vhost("backtrail"))?;
            (database, vhost, Some(postgres), Some(rabbitmq))
        } else {
            let (database, vhost) = tokio::try_join!(TestDatabase::create(), TestVhost::create())?;
            (database.url().to_owned(), vhost.url(), None, None)
        };
        let mut environment: Vec<(String, String)> = [
            ("BACKTRAIL_LEASE_SECONDS", "4"),
            ("BACKTRAIL_SEGMENT_SECONDS", "1"),
            ("BACKTRAIL_SWEEP_SECONDS", "1"),
            ("BACKTRAIL_UNCLAIMED_SECONDS", "5"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        environment.extend(options.environment.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let settings = ServiceSettings {
            database_url: database_url.clone(),
            amqp_url: amqp_url.clone(),
            s3: bucket.server.clone(),
            bucket: bucket.name().to_owned(),
            environment,
        };
        let mut services = Services::prepare(&directory.path().join("services"), &settings)?;
        services.migrate().await?;
        let api_key = services.create_tenant("acme").await?;
        Box::pin(services.start_all()).await?;
        let api = Api::new(&services.gateway_url(), &api_key)?;
        Ok(Self { api, services, api_key, database_url, amqp_url, postgres, rabbitmq, bucket, directory, sources: 0 })
    }

    /// A directory that goes away with the world.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The directory that holds everything of the world.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts a MariaDB server of the world's own.
    ///
    /// # Errors
    /// It does not start.
    pub async fn mariadb(&mut self) -> anyhow::Result<MariaDb> {
        self.mariadb_with::<&str>([]).await
    }

    /// The same, with more options of the server's own.
    ///
    /// # Errors
    /// It does not start.
    pub async fn mariadb_with<S: Into<String>>(
        &mut self,
        arguments: impl IntoIterator<Item = S>,
    ) -> anyhow::Result<MariaDb> {
        let options = self.next_source(arguments);
        Ok(MariaDb::start(&self.path(&format!("mariadb-{}", self.sources)), options).await?)
    }

    /// Starts a MySQL server of the world's own; none where MySQL is not installed.
    ///
    /// # Errors
    /// It does not start.
    pub async fn mysql(&mut self) -> anyhow::Result<Option<MySql>> {
        self.mysql_with::<&str>([]).await
    }

    /// The same, with more options of the server's own.
    ///
    /// # Errors
    /// It does not start.
    pub async fn mysql_with<S: Into<String>>(
        &mut self,
        arguments: impl IntoIterator<Item = S>,
    ) -> anyhow::Result<Option<MySql>> {
        if !MySql::available() {
            return Ok(None);
        }
        let options = self.next_source(arguments);
        Ok(Some(MySql::start(&self.path(&format!("mysql-{}", self.sources)), options).await?))
    }

    fn next_source<S: Into<String>>(&mut self, arguments: impl IntoIterator<Item = S>) -> DatabaseOptions {
        self.sources += 1;
        DatabaseOptions { server_id: 100 + self.sources, ..DatabaseOptions::with_arguments(arguments) }
    }

    /// Registers a server with its administrator's account; answers the server's id.
    ///
    /// # Errors
    /// It is refused.
    pub async fn register(&self, name: &str, source: &DatabaseAddress) -> anyhow::Result<String> {
        let body = json!({
            "name": name, "host": source.host, "port": source.port, "username": source.user,
            "password": source.password, "tls_mode": "disabled",
        });
        let server = self.api.post("/servers", &body).await?;
        Ok(server["id"].as_str().with_context(|| format!("no id in {server}"))?.to_owned())
    }

    /// Starts a backup; answers the path of its entry.
    ///
    /// # Errors
    /// It is refused.
    pub async fn start_backup(&self, server: &str) -> anyhow::Result<String> {
        let started = self.api.post("/backup", &json!({ "server_id": server })).await?;
        anyhow::ensure!(started["status"] == "running", "{started}");
        Ok(format!("/backup/history/{}", started["backup_id"].as_str().context("no backup_id")?))
    }

    /// Takes a backup and waits for it.
    ///
    /// # Errors
    /// It does not complete.
    pub async fn back_up(&self, server: &str) -> anyhow::Result<Value> {
        let path = self.start_backup(server).await?;
        self.api.follow(&path, |_| ()).await
    }

    /// Its objects, past the services.
    ///
    /// # Errors
    /// Settings that cannot be used.
    pub fn objects(&self) -> anyhow::Result<ObjectStore> {
        let s3 = &self.bucket.server;
        let mut settings = ObjectSettings::new(self.bucket.name(), &s3.access_key_id, &s3.secret_access_key);
        settings.s3_endpoint = Some(s3.endpoint.clone());
        settings.s3_force_path_style = true;
        Ok(ObjectStore::connect(&settings)?)
    }

    /// Starts a PITR as soon as the archive has reached its target; answers the path of its entry.
    ///
    /// # Errors
    /// It is refused for another reason, or the archive does not get there in time.
    pub async fn start_pitr(&self, server: &str, body: &Value) -> anyhow::Result<String> {
        let began = Instant::now();
        loop {
            match self.api.try_post(&format!("/servers/{server}/pitr"), body).await? {
                Ok(started) => {
                    anyhow::ensure!(started["status"] == "running", "{started}");
                    let id = started["pitr_id"].as_str().context("no pitr_id")?;
                    return Ok(format!("/servers/{server}/pitr/{id}"));
                }
                Err((422, problem)) if problem["code"] == "not_yet_archived" && began.elapsed() < DEADLINE => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err((status, problem)) => bail!("the PITR is refused: {status} {problem}"),
            }
        }
    }

    /// Waits until a run has reached one of these phases or has ended; answers its phase.
    ///
    /// # Errors
    /// It does not get there in time.
    pub async fn wait_for_phase(&self, path: &str, phases: &[&str]) -> anyhow::Result<String> {
        let began = Instant::now();
        loop {
            let run = self.api.get(path).await?;
            let phase = run["phase"].as_str().unwrap_or_default().to_owned();
            if phases.contains(&phase.as_str()) || run["status"] != "running" {
                return Ok(phase);
            }
            anyhow::ensure!(began.elapsed() < DEADLINE, "{path} is still {phase}, waited for {phases:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The lines of level ERROR that the services have logged, but for those that hold one of these texts.
    ///
    /// # Errors
    /// A log cannot be read.
    pub fn unexpected_errors(&self, expected: &[&str]) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        for process in &self.services.processes {
            let log = process.log_text()?;
            let errors = log.lines().filter(|line| line.contains(r#""level":"ERROR""#));
            let unexpected = errors.filter(|line| !expected.iter().any(|text| line.contains(text)));
            lines.extend(unexpected.map(|line| format!("{}: {line}", process.kind.name())));
        }
        Ok(lines)
    }
}

/// Runs statements on one connection, in order.
///
/// # Errors
/// The server refuses one.
pub async fn execute(server: &DatabaseAddress, statements: &[&str]) -> anyhow::Result<()> {
    let mut connection = server.connect().await?;
    for statement in statements {
        connection.query_drop(*statement).await.with_context(|| (*statement).to_owned())?;
    }
    connection.disconnect().await?;
    Ok(())
}

//! The pool of connections, transactions, and the database's schema.

use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamptz};
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, TransactionManager};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use secrecy::ExposeSecret;
use time::OffsetDateTime;

use crate::address::Address;
use crate::error::is_disconnect;
use crate::{StoreError, StoreSettings};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Any number: processes that migrate the same database wait for each other on it.
const MIGRATION_LOCK: i64 = 0x6261_636b_7472_6169;

/// The database. Cheap to clone; all clones share one pool.
#[derive(Clone)]
pub struct Store {
    pool: Pool<AsyncPgConnection>,
    address: Arc<Address>,
    timeout: Duration,
}

impl Store {
    /// [`open`](Self::open), with proof that the database answers. Does not migrate.
    ///
    /// # Errors
    /// Unusable settings, or no database there.
    pub async fn connect(settings: &StoreSettings) -> Result<Self, StoreError> {
        let store = Self::open(settings)?;
        store.ping().await?;
        Ok(store)
    }

    /// Makes the pool, without a connection yet: the database need not be there. Does not migrate.
    ///
    /// # Errors
    /// Unusable settings.
    pub fn open(settings: &StoreSettings) -> Result<Self, StoreError> {
        let url = settings.database_url.required().map_err(|source| StoreError::Settings { source })?;
        let timeout = settings.database_timeout;
        let address = Arc::new(Address::parse(url.expose_secret(), timeout)?);
        let for_setup = Arc::clone(&address);
        let mut config = ManagerConfig::<AsyncPgConnection>::default();
        config.custom_setup = Box::new(move |_| {
            let address = Arc::clone(&for_setup);
            Box::pin(async move { establish(&address).await })
        });
        let manager = AsyncDieselConnectionManager::new_with_config("", config);
        let pool = Pool::builder(manager)
            .max_size(usize::from(settings.database_connections))
            .build()
            .map_err(|error| StoreError::Unavailable { source: Box::new(error) })?;
        Ok(Self { pool, address, timeout })
    }

    /// Brings the schema up to date. Safe to call from several processes at once.
    ///
    /// # Errors
    /// The database is not there, or a migration failed (nothing of it remains).
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let failed = |source| StoreError::Migration { source };
        let mut connection =
            establish(&self.address).await.map_err(|error| StoreError::Unavailable { source: Box::new(error) })?;
        // Held until the connection closes at the end of this function, whatever happens.
        let lock =
            format!("SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock({MIGRATION_LOCK})");
        connection.batch_execute(&lock).await?;
        tokio::task::spawn_blocking(move || {
            let mut connection = AsyncConnectionWrapper::<AsyncPgConnection>::from(connection);
            for version in connection.run_pending_migrations(MIGRATIONS)? {
                tracing::info!(%version, "migrated the database");
            }
            Ok(())
        })
        .await
        .map_err(|error| failed(Box::new(error)))?
        .map_err(failed)
    }

    /// Proves that the database answers and has the schema that this code was written for, or a newer one: the readiness
    /// of every service.
    ///
    /// # Errors
    /// The database is not there, or [`StoreError::NotMigrated`].
    pub async fn check_ready(&self) -> Result<(), StoreError> {
        if self.is_migrated().await? { Ok(()) } else { Err(StoreError::NotMigrated) }
    }

    /// Whether the schema is the one that this code was written for, or a newer one.
    ///
    /// # Errors
    /// The database is not there.
    pub async fn is_migrated(&self) -> Result<bool, StoreError> {
        let connection = &mut self.connection().await?;
        let table: Option<String> =
            diesel::select(diesel::dsl::sql::<Nullable<Text>>("to_regclass('__diesel_schema_migrations')::text"))
                .get_result(connection)
                .await?;
        if table.is_none() {
            return Ok(false);
        }
        let done: BTreeSet<String> =
            diesel::sql_query("SELECT version::text AS version FROM __diesel_schema_migrations")
                .load::<Version>(connection)
                .await?
                .into_iter()
                .map(|row| row.version)
                .collect();
        let known: Vec<Box<dyn Migration<Pg>>> =
            MIGRATIONS.migrations().map_err(|source| StoreError::Migration { source })?;
        Ok(known.iter().all(|migration| done.contains(&migration.name().version().to_string())))
    }

    /// Proves that the database answers. For readiness checks.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.now().await.map(|_| ())
    }

    /// The database's clock: the one that leases and sweeps go by.
    ///
    /// # Errors
    /// The database is not there.
    pub async fn now(&self) -> Result<OffsetDateTime, StoreError> {
        now(&mut *self.connection().await?).await
    }

    /// A connection for reading. What it reads in several statements is no single moment: see [`begin`](Self::begin).
    pub(crate) async fn connection(&self) -> Result<Object<AsyncPgConnection>, StoreError> {
        let taken = tokio::time::timeout(self.timeout, self.pool.get()).await;
        taken
            .map_err(|elapsed| StoreError::Unavailable { source: Box::new(elapsed) })?
            .map_err(|error| StoreError::Unavailable { source: Box::new(error) })
    }

    /// Begins a transaction. Every write is in one: only then is it known whether a broken connection lost it.
    pub(crate) async fn begin(&self) -> Result<Transaction, StoreError> {
        let mut connection = self.connection().await?;
        AnsiTransactionManager::begin_transaction(&mut *connection).await?;
        Ok(Transaction { connection })
    }

    /// Begins a transaction in which every statement sees the same moment, and none writes.
    pub(crate) async fn begin_snapshot(&self) -> Result<Transaction, StoreError> {
        let mut transaction = self.begin().await?;
        transaction.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        Ok(transaction)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The database's clock: the start of the transaction, in one.
pub(crate) async fn now(connection: &mut AsyncPgConnection) -> Result<OffsetDateTime, StoreError> {
    Ok(diesel::select(diesel::dsl::now.into_sql::<Timestamptz>()).get_result(connection).await?)
}

/// An open transaction. Dropped without [`end`](Self::end), its connection is closed, which rolls it back.
pub(crate) struct Transaction {
    connection: Object<AsyncPgConnection>,
}

impl Transaction {
    /// Commits what succeeded and rolls back what failed.
    pub(crate) async fn end<T>(mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = &mut *self.connection;
        match result {
            Ok(value) => match AnsiTransactionManager::commit_transaction(connection).await {
                Ok(()) => Ok(value),
                // The answer to COMMIT was lost: the database may have done it.
                Err(source) if is_disconnect(&source) => Err(StoreError::Unknown { source }),
                Err(source) => Err(source.into()),
            },
            Err(error) => {
                if let Err(rollback) = AnsiTransactionManager::rollback_transaction(connection).await {
                    tracing::debug!(error = %rollback, "a failed transaction could not be rolled back either");
                }
                Err(error)
            }
        }
    }
}

impl Deref for Transaction {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }
}

async fn establish(address: &Address) -> ConnectionResult<AsyncPgConnection> {
    let bad = |error: tokio_postgres::Error| ConnectionError::BadConnection(describe(&error));
    match address.tls() {
        None => {
            let (client, connection) = address.config().connect(tokio_postgres::NoTls).await.map_err(bad)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        }
        Some(tls) => {
            let (client, connection) = address.config().connect(tls).await.map_err(bad)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        }
    }
}

/// Diesel keeps a text only, so the reasons go into it.
fn describe(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

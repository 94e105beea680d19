//! What is known of the source before the dump begins.

use std::collections::BTreeSet;

use backtrail_domain::TableName;
use backtrail_source::{Connection, Row, ServerFacts, SourceEndpoint, SourceError, SourceTable, TlsMode, preflight};
use backtrail_store::{BackupRun, FirstPlace, SealingKey, Server, Store};
use backtrail_worker::{Lease, WorkError};
use time::OffsetDateTime;

use crate::failure;
use crate::unmet::Unmet;

/// The source, looked at.
pub(crate) struct Source {
    pub(crate) endpoint: SourceEndpoint,
    pub(crate) facts: ServerFacts,
    pub(crate) tables: Vec<SourceTable>,
    /// Tables with FLOAT columns. Servers print those with six digits, and mydumper writes what they print.
    pub(crate) rounded: Vec<TableName>,
    /// Tables with columns whose default is an expression, as MySQL 8 and later say of CURRENT_TIMESTAMP too.
    pub(crate) with_expression_defaults: Vec<TableName>,
    /// Whether the account may lock DDL out for the time of the dump.
    pub(crate) may_lock_ddl: bool,
    /// The source's clock before the dump began.
    pub(crate) clock: OffsetDateTime,
    /// Connections with a higher number are newer: mydumper's among them.
    pub(crate) connection_id: u32,
    /// What the preflight before the dump found wrong.
    pub(crate) unmet: Unmet,
}

impl Source {
    /// Logs in, runs the preflight, whose report is stored, and looks around.
    pub(crate) async fn look(
        store: &Store,
        sealing: &SealingKey,
        run: &BackupRun,
        lease: &Lease,
    ) -> Result<Self, WorkError> {
        let server = lease.persist(|| Server::by_id(store, run.server_id)).await?;
        let server = server.ok_or_else(|| WorkError::failed("server_removed", "the server was removed"))?;
        let mut endpoint = SourceEndpoint {
            tls: server.tls_mode.parse().map_err(|error| WorkError::of("internal", false, &error))?,
            ca_pem: server.tls_ca.clone(),
            ..SourceEndpoint::new(
                server.host.clone(),
                server.port,
                server.username.clone(),
                sealing.unseal(&server)?.unwrap_or_default(),
            )
        };
        let mut connection = endpoint.connect().await.map_err(failure::of_source)?;
        if endpoint.tls == TlsMode::Preferred && connection.is_encrypted() {
            // What this connection got, mydumper's shall not do without.
            endpoint.tls = TlsMode::Required;
        }
        let report = preflight(&endpoint).await;
        let unmet = Unmet::of(&report);
        let stored = serde_json::to_value(&report).map_err(|error| WorkError::of("internal", false, &error))?;
        lease.persist(|| Server::set_preflight(store, server.id, &stored)).await?;
        let facts = connection.facts().await.map_err(failure::of_source)?;
        if server.first_place.is_none()
            && let Some(position) = connection.visible_position(&facts).await.map_err(failure::of_source)?
        {
            // Nobody has looked at it before: the archive must reach back to here, for this backup to be of use.
            let seen_at = connection.clock().await.map_err(failure::of_source)?;
            let place = FirstPlace { identity: facts.identity.clone(), position, seen_at };
            lease.persist(|| place.keep(store, server.id)).await?;
        }
        let tables = connection.tables().await.map_err(failure::of_source)?;
        let rounded = tables_with_columns(&mut connection, "data_type = 'float'").await.map_err(failure::of_source)?;
        let with_expression_defaults = tables_with_columns(&mut connection, "extra LIKE '%DEFAULT_GENERATED%'")
            .await
            .map_err(failure::of_source)?;
        let may_lock_ddl = connection.may_lock_ddl(&facts).await.map_err(failure::of_source)?;
        let clock = connection.clock().await.map_err(failure::of_source)?;
        let connection_id = connection.connection_id();
        Ok(Self {
            endpoint,
            facts,
            tables,
            rounded,
            with_expression_defaults,
            may_lock_ddl,
            clock,
            connection_id,
            unmet,
        })
    }

    pub(crate) async fn connect(&self) -> Result<Connection, WorkError> {
        self.endpoint.connect().await.map_err(failure::of_source)
    }

    /// Whether a dump reads every table from one snapshot without holding locks.
    pub(crate) fn all_transactional(&self) -> bool {
        self.tables.iter().all(SourceTable::is_transactional)
    }

    /// Bytes that the dump will be about.
    pub(crate) fn size(&self) -> u64 {
        self.tables.iter().map(|table| table.size).sum()
    }

    /// Tables that were there before the dump and are there now: the dump must have them.
    pub(crate) async fn lasting_tables(&self) -> Result<BTreeSet<TableName>, WorkError> {
        let now = self.connect().await?.tables().await.map_err(failure::of_source)?;
        let now: BTreeSet<TableName> = now.into_iter().map(|table| table.name).collect();
        Ok(self.tables.iter().map(|table| table.name.clone()).filter(|name| now.contains(name)).collect())
    }
}

/// The tables with a column of which `condition` holds, in name order.
async fn tables_with_columns(connection: &mut Connection, condition: &str) -> Result<Vec<TableName>, SourceError> {
    let query = format!(
        "SELECT DISTINCT table_schema, table_name FROM information_schema.columns WHERE {condition} \
         AND table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') ORDER BY 1, 2"
    );
    let rows = connection.query(&query).await?;
    let name = |row: &Row| Some(TableName::new(row.text_at(0)?, row.text_at(1)?));
    Ok(rows.iter().filter_map(name).collect())
}

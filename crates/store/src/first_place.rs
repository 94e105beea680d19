//! Where a server's binary log stood when it was first looked at: its archive reaches back to there.

use std::collections::HashMap;

use backtrail_domain::{BinlogPosition, ServerId, TenantId};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::row::bigint;
use crate::schema::{runs, servers};
use crate::{CompletedBackup, Store, StoreError, completed};

/// A place in a server's binary log that its archive is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstPlace {
    /// The server that the log is of: another one may answer at the same address one day.
    pub identity: String,
    /// Where the log stood.
    pub position: BinlogPosition,
    /// When it had got there at the latest, by the source's clock.
    pub seen_at: OffsetDateTime,
}

impl FirstPlace {
    /// Keeps the place of a server's first look; one that is kept already stays.
    pub async fn keep(&self, store: &Store, id: ServerId) -> Result<(), StoreError> {
        let mut transaction = store.begin().await?;
        let kept = self.keep_in(&mut transaction, id).await;
        transaction.end(kept).await
    }

    pub(crate) async fn keep_in(&self, connection: &mut AsyncPgConnection, id: ServerId) -> Result<(), StoreError> {
        diesel::update(servers::table.find(id.0))
            .filter(servers::first_seen_at.is_null())
            .set((
                servers::first_identity.eq(&self.identity),
                servers::first_file.eq(self.position.file.to_string()),
                servers::first_position.eq(bigint("first_position", self.position.offset)?),
                servers::first_seen_at.eq(self.seen_at),
            ))
            .execute(connection)
            .await?;
        Ok(())
    }

    /// The places that a server's archive is to hold: that of the first look, and those of its baselines.
    pub async fn list(store: &Store, tenant_id: TenantId, id: ServerId) -> Result<Vec<Self>, StoreError> {
        let server = crate::Server::by_id(store, id).await?;
        let connection = &mut *store.connection().await?;
        let baselines = completed::baselines(connection, tenant_id, id).await?;
        let identities = identities(connection, &baselines).await?;
        let first = server.and_then(|server| server.first_place);
        let of_baseline = |backup: &CompletedBackup| {
            let fact = backup.fact.as_ref()?;
            Some(Self {
                identity: identities.get(&backup.id.0)?.clone(),
                position: fact.coordinates.clone(),
                seen_at: fact.consistent_at,
            })
        };
        Ok(first.into_iter().chain(baselines.iter().filter_map(of_baseline)).collect())
    }
}

/// The next look is the first one again.
pub(crate) async fn forget(connection: &mut AsyncPgConnection, id: ServerId) -> Result<(), StoreError> {
    diesel::update(servers::table.find(id.0))
        .set((
            servers::first_identity.eq(None::<String>),
            servers::first_file.eq(None::<String>),
            servers::first_position.eq(None::<i64>),
            servers::first_seen_at.eq(None::<OffsetDateTime>),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// The servers that backups were taken of, as their manifests have them; of the manifests only that is read.
async fn identities(
    connection: &mut AsyncPgConnection,
    backups: &[CompletedBackup],
) -> Result<HashMap<Uuid, String>, StoreError> {
    let ids: Vec<Uuid> = backups.iter().map(|backup| backup.id.0).collect();
    let rows: Vec<(Uuid, Option<String>)> = runs::table
        .filter(runs::id.eq_any(ids))
        .select((runs::id, sql::<Nullable<Text>>("manifest #>> '{source,identity}'")))
        .load(connection)
        .await?;
    Ok(rows.into_iter().filter_map(|(id, identity)| Some((id, identity?))).collect())
}

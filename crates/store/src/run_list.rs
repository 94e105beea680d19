//! Reading runs of one kind: by id, and page by page.

use backtrail_domain::{RunKind, TenantId};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::run_row::{ListedRow, RunRow};
use crate::schema::{runs, servers};
use crate::{Cursor, Page, RunFilter, Store, StoreError};

/// A row and its server's name, which stays after the server was removed.
pub(crate) type NamedRow = (RunRow, String);

pub(crate) async fn find(
    connection: &mut AsyncPgConnection,
    kind: RunKind,
    tenant_id: Option<TenantId>,
    id: Uuid,
) -> Result<Option<NamedRow>, StoreError> {
    let mut query = runs::table
        .inner_join(servers::table)
        .filter(runs::id.eq(id))
        .filter(runs::kind.eq(kind.as_str()))
        .select((RunRow::as_select(), servers::name))
        .into_boxed::<Pg>();
    if let Some(tenant_id) = tenant_id {
        query = query.filter(runs::tenant_id.eq(tenant_id.0));
    }
    Ok(query.first(connection).await.optional()?)
}

/// A page, newest first: manifests without their files, and neither logs nor plans nor reports.
pub(crate) async fn list(store: &Store, kind: RunKind, filter: &RunFilter) -> Result<Page<NamedRow>, StoreError> {
    let connection = &mut store.connection().await?;
    let mut query = runs::table
        .inner_join(servers::table)
        .filter(runs::kind.eq(kind.as_str()))
        .filter(runs::tenant_id.eq(filter.tenant_id.0))
        .select((ListedRow::as_select(), servers::name))
        .order((runs::started_at.desc(), runs::id.desc()))
        .into_boxed::<Pg>();
    if let Some(server_id) = filter.server_id {
        query = query.filter(runs::server_id.eq(server_id.0));
    }
    if let Some(status) = filter.status {
        query = query.filter(runs::status.eq(status.as_str()));
    }
    if let Some(since) = filter.since {
        query = query.filter(runs::started_at.ge(since));
    }
    if let Some(until) = filter.until {
        query = query.filter(runs::started_at.le(until));
    }
    if let Some(cursor) = filter.cursor {
        query = query.filter(
            sql::<Bool>("(runs.started_at, runs.id) < (")
                .bind::<Timestamptz, _>(cursor.started_at)
                .sql(", ")
                .bind::<SqlUuid, _>(cursor.id)
                .sql(")"),
        );
    }
    let limit = usize::from(filter.limit.max(1));
    // One more than asked for tells whether there is a next page.
    let items: Vec<(ListedRow, String)> = query.limit(limit as i64 + 1).load(connection).await?;
    let mut items: Vec<NamedRow> = items.into_iter().map(|(row, server)| (row.into(), server)).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| more);
    let next = last.map(|(row, _)| Cursor { started_at: row.started_at, id: row.id });
    Ok(Page { items, next })
}

/// A request's trace context, if it has the length of one: it comes from clients.
pub(crate) fn traceparent(text: Option<String>) -> Option<String> {
    text.filter(|text| text.len() <= 256 && !text.contains('\0'))
}

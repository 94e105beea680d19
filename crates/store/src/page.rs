//! Long lists, page by page.

use backtrail_domain::{RunStatus, ServerId, TenantId};
use time::OffsetDateTime;
use uuid::Uuid;

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last page.
    pub next: Option<Cursor>,
}

/// A place in a list of runs: after the run that started then and has this id. Clients see only opaque text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// See above.
    pub started_at: OffsetDateTime,
    /// See above.
    pub id: Uuid,
}

/// Which runs to list, newest first.
#[derive(Debug, Clone)]
pub struct RunFilter {
    /// Whose.
    pub tenant_id: TenantId,
    /// Of this server only.
    pub server_id: Option<ServerId>,
    /// In this state only.
    pub status: Option<RunStatus>,
    /// Started at or after.
    pub since: Option<OffsetDateTime>,
    /// Started at or before.
    pub until: Option<OffsetDateTime>,
    /// Runs on a page, at least 1.
    pub limit: u16,
    /// Where to go on; `None` from the newest.
    pub cursor: Option<Cursor>,
}

impl RunFilter {
    /// All of a tenant's runs, 50 on a page.
    pub fn of(tenant_id: TenantId) -> Self {
        Self { tenant_id, server_id: None, status: None, since: None, until: None, limit: 50, cursor: None }
    }
}

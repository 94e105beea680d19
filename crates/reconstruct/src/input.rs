//! What a run reads, and the account of it: the baseline's files and the pieces of the log.

pub(crate) mod baseline;
pub(crate) mod columns;
pub(crate) mod declared;
pub(crate) mod decompress;
pub(crate) mod ledger;
pub(crate) mod log;
pub(crate) mod place;
pub(crate) mod rows;
pub(crate) mod span;

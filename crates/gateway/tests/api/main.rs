//! The gateway over HTTP, on a real database: one file per family of routes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests, outside a #[test] function")]

mod backups;
mod contract;
mod documents;
mod idempotency;
mod keys;
mod pitr;
mod problems;
mod process;
mod schedules;
mod seed;
mod servers;
mod support;
mod walk;

//! The gateway over HTTP, on a real database: one file per family of routes.

mod backups;
mod contract;
mod documents;
mod idempotency;
mod keys;
mod pitr;
mod problems;
mod schedules;
mod seed;
mod servers;
mod support;
mod walk;

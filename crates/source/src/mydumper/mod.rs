//! Driving mydumper: which version is there, which options it gets, how it is started, watched and ended.
//!
//! What is known of its versions, and guarded against here or by the caller:
//! - 0.10 ends with status 0 and an empty dump for an unknown `-T`, and hangs under the global read lock for `-T` without
//!   `-B`: tables are chosen by `--regex` alone, and what came out is compared with the server's list.
//! - Before 0.16.3 it does not know `SHOW BINARY LOG STATUS`: from MySQL 8.4 on its dumps have no position and are no
//!   baselines, though it ends with status 0.
//! - 0.10.1 leaves columns with an expression for a default (`CURRENT_TIMESTAMP` is one) out of dumps of MySQL 8 and later.
//! - From 0.12 on `--ssl` alone does nothing with MariaDB's client library: the dump would go without TLS.
//! - From 0.18 on `--trx-consistency-only` is an error, and `--trx-tables` its name.
//! - 1.0 does not recognise MySQL as distributions build it, and breaks down at MySQL 9's default format of EXPLAIN.
//! - 1.0 removes data files into which it wrote nothing.

mod arguments;
mod defaults_file;
mod directory;
mod locks;
mod process;
mod version;

pub use arguments::{DumpPlan, DumpRequest, cannot_tell_position, plan_arguments};
pub use defaults_file::PrivateDirectory;
pub use directory::{ClosedFile, DumpDirectory};
pub use locks::release_locks;
pub use process::{DumpProcess, MydumperError};
pub use version::{Mydumper, MydumperVersion};

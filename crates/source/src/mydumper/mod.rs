//! Driving mydumper: which version is there, which options it gets, how it is started, watched and ended.
//!
//! What is known of its versions, and guarded against here or by the caller:
//! - 0.10 ends with status 0 and an empty dump for an unknown `-T`, and hangs under the global read lock for `-T` without
//!   `-B`: tables are chosen by `--regex` alone, and what came out is compared with the server's list.
//! - 0.10 does not know `SHOW BINARY LOG STATUS`: from MySQL 8.4 on its dumps have no position and are no baselines.
//! - From 0.18 on `--trx-consistency-only` is an error, and `--trx-tables` its name.
//! - 1.0 does not understand MySQL 9's default format of EXPLAIN.

mod arguments;
mod defaults_file;
mod directory;
mod locks;
mod process;
mod version;

pub use arguments::{DumpPlan, DumpRequest, plan_arguments};
pub use defaults_file::PrivateDirectory;
pub use directory::{ClosedFile, DumpDirectory};
pub use locks::release_locks;
pub use process::{DumpProcess, MydumperError};
pub use version::{Mydumper, MydumperVersion};

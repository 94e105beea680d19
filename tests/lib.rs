//! What crosses services, run against the real parts that `devstack` starts.
//!
//! A [`World`] is an installation for one test: its own services, database, vhost, bucket and source server.

mod contents;
mod dumps;
mod moments;
mod tools;
mod world;

pub use contents::{Contents, contents, load};
pub use dumps::{backtrail, copy_log, dump, load_with, reconstruct};
pub use moments::{position, quiet_instant};
pub use tools::{newer_mydumper, stock_mydumper};
pub use world::{World, WorldOptions, execute};

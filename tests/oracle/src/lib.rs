#![doc = include_str!("../README.md")]

mod baseline;
mod characters;
mod decoders;
pub mod generate;
mod kind;
mod load;
pub mod objects;
mod own_dump;
mod own_dump_around;
mod random;
pub mod rebuild;
pub mod record;
pub mod run;
pub mod script;
mod segments;
pub mod server;
mod shrink;
pub mod truth;

pub use kind::ServerKind;
pub use random::Random;
pub use rebuild::{Finding, Outcome};
pub use run::{Oracle, Settings, Tally, run_for};
pub use server::Server;

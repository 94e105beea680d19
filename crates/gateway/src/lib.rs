#![doc = include_str!("../README.md")]

mod app;
mod auth;
mod chain;
mod idempotency;
mod input;
mod observe;
mod openapi;
mod preflight;
mod problem;
mod routes;
mod secrets;
mod settings;
mod store_problem;
mod times;

pub use app::{BuildError, Dependencies, Gateway, RunError};
pub use openapi::{BASE, document};
pub use problem::{Code, FieldError, Problem, ProblemBody};
pub use settings::{GatewaySettings, Settings};

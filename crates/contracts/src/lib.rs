#![doc = include_str!("../README.md")]

pub mod jobs;
pub mod manifest;

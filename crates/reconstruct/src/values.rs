//! Values on their way through the engine: out of the log or a dump, as keys and images, and into the result's text.

pub(crate) mod address;
pub(crate) mod image;
pub mod key;
pub mod render;
pub(crate) mod temporal;
pub(crate) mod wire;

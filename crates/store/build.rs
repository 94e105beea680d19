//! Embedded migrations are read at build time: a new one must cause a build.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}

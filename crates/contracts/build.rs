//! Compiles `proto-schemas/` with a protobuf compiler written in Rust: no `protoc` is needed to build.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = "../../proto-schemas";
    let files = [format!("{root}/backtrail/v1/jobs.proto")];
    println!("cargo::rerun-if-changed={root}");
    let descriptors = protox::compile(&files, [root])?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}

//! The process's one TLS provider.

/// Makes aws-lc-rs the provider of every rustls connection of this process. Call it before the first connection; calling
/// it again changes nothing.
pub fn install_crypto_provider() {
    // The error is the provider that was there first: ours, from an earlier call.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

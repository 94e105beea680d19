//! The backup worker implements `backtrail_worker::Work` (crates/worker): messages, claims, leases, cancellation, draining
//! and the ends of runs are there, shared with the PITR worker. What is left here is `perform`: preflight, mydumper, uploads,
//! manifest.

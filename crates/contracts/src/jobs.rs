//! Queue messages, generated from `proto-schemas/backtrail/v1/jobs.proto`.

#![expect(missing_docs, reason = "generated; the documentation is in the .proto file")]

include!(concat!(env!("OUT_DIR"), "/backtrail.v1.rs"));

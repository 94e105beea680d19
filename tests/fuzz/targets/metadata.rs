//! See `backtrail_fuzz::metadata`.

#![no_main]

use backtrail_fuzz::Target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| Target::Metadata.check(input));

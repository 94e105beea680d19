//! See `backtrail_fuzz::dump`.

#![no_main]

use backtrail_fuzz::Target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| Target::Dump.check(input));

//! See `backtrail_fuzz::binlog`.

#![no_main]

use backtrail_fuzz::Target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| Target::Binlog.check(input));

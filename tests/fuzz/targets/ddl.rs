//! See `backtrail_fuzz::ddl`.

#![no_main]

use backtrail_fuzz::Target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| Target::Ddl.check(input));

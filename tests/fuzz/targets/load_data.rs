//! See `backtrail_fuzz::load_data`.

#![no_main]

use backtrail_fuzz::Target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| Target::LoadData.check(input));

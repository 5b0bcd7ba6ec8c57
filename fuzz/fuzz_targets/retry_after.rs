#![no_main]

libfuzzer_sys::fuzz_target!(init: spine_fuzz::corpus::plant("retry_after"), |data: &[u8]| spine_fuzz::targets::retry_after::run(data));

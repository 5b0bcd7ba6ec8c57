#![no_main]

libfuzzer_sys::fuzz_target!(init: spine_fuzz::corpus::plant("config"), |data: &[u8]| spine_fuzz::targets::config::run(data));

#![no_main]

libfuzzer_sys::fuzz_target!(init: spine_fuzz::corpus::plant("request"), |data: &[u8]| spine_fuzz::targets::request::run(data));

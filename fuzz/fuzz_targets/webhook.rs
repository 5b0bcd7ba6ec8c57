#![no_main]

libfuzzer_sys::fuzz_target!(init: spine_fuzz::corpus::plant("webhook"), |data: &[u8]| spine_fuzz::targets::webhook::run(data));

#![no_main]

libfuzzer_sys::fuzz_target!(init: spine_fuzz::corpus::plant("guard"), |data: &[u8]| spine_fuzz::targets::guard::run(data));

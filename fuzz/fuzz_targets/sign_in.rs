#![no_main]

libfuzzer_sys::fuzz_target!(init: spine_fuzz::corpus::plant("sign_in"), |data: &[u8]| spine_fuzz::targets::sign_in::run(data));

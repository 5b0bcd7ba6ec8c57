#![no_main]

libfuzzer_sys::fuzz_target!(init: spine_fuzz::corpus::plant("connector"), |data: &[u8]| spine_fuzz::targets::connector::run(data));

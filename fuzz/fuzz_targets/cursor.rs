#![no_main]

libfuzzer_sys::fuzz_target!(init: spine_fuzz::corpus::plant("cursor"), |data: &[u8]| spine_fuzz::targets::cursor::run(data));

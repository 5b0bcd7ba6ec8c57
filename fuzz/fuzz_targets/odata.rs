#![no_main]

libfuzzer_sys::fuzz_target!(init: spine_fuzz::corpus::plant("odata"), |data: &[u8]| spine_fuzz::targets::odata::run(data));

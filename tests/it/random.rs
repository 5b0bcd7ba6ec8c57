//! The targets of `make fuzz`, for a moment each: the inputs that they begin with, and what chance makes of them. Coverage does not
//! guide it here, as it does there; what fails here needs no other build to be looked at.
//!
//! The inputs are the same each time. `SPINE_INPUTS=N` tries N for each target, `SPINE_SEED=S` others.

#[path = "../../fuzz/src/lib.rs"]
#[expect(dead_code, unreachable_pub, reason = "it is a library of its own, for libFuzzer")]
mod fuzz;

use std::panic::catch_unwind;

/// Inputs that are tried unless told otherwise, those that a target begins with among them.
const INPUTS: u64 = 400;

fn told(name: &str, default: u64) -> u64 {
    std::env::var_os(name).map_or(default, |told| told.to_str().and_then(|told| told.parse().ok()).expect("a number"))
}

/// Another input, made of these.
fn altered(seeds: &[Vec<u8>], dice: &mut fastrand::Rng) -> Vec<u8> {
    let mut input = dice.choice(seeds).expect("there are some").clone();
    for _ in 0..dice.usize(1..5) {
        let at = dice.usize(..=input.len());
        let end = (at + dice.usize(..16)).min(input.len());
        match dice.u32(..6) {
            0 => drop(input.splice(at..end, None)),
            1 => drop(input.splice(at..at, [dice.u8(..)])),
            2 if at < input.len() => input[at] ^= 1 << dice.u32(..8),
            3 => input.truncate(at),
            4 => {
                let other = dice.choice(seeds).expect("there are some");
                let from = dice.usize(..=other.len());
                let part = other[from..(from + dice.usize(..64)).min(other.len())].to_vec();
                drop(input.splice(at..end, part));
            }
            _ => {
                let words: [&[u8]; 12] = [
                    b"null",
                    b"-1",
                    b"99999999999999999999",
                    b"1e999",
                    b"\"\"",
                    b"{}",
                    b"[",
                    b"}",
                    b"\0",
                    b"\xff",
                    "\u{202e}\u{fb01}".as_bytes(),
                    b"18446744073709551615",
                ];
                drop(input.splice(at..end, words[dice.usize(..words.len())].iter().copied()));
            }
        }
    }
    input
}

fn try_out(target: &str) {
    let (name, run) = *fuzz::targets::ALL.iter().find(|(name, _)| *name == target).expect("there is such a target");
    let seeds = fuzz::corpus::seeds(name);
    let mut dice = fastrand::Rng::with_seed(told("SPINE_SEED", 1));
    for turn in 0..told("SPINE_INPUTS", INPUTS) {
        let input = match usize::try_from(turn).ok().and_then(|turn| seeds.get(turn)) {
            Some(seed) if turn < INPUTS / 2 => seed.clone(),
            _ => altered(&seeds, &mut dice),
        };
        let input: &[u8] = &input[..input.len().min(16 * 1024)];
        let outcome = catch_unwind(|| run(input));
        assert!(outcome.is_ok(), "{name} fails of {:?}\n{input:?}", String::from_utf8_lossy(input));
    }
}

macro_rules! targets {
    ($($test:ident $target:literal;)+) => {$(
        #[test]
        fn $test() {
            try_out($target);
        }
    )+};
}

targets! {
    whatever_is_asked_is_answered_in_json "request";
    whatever_the_guard_admits_is_within_its_limits "guard";
    whatever_a_system_answers_is_read_or_refused "connector";
    whatever_a_pause_says_is_a_pause_or_a_hint "retry_after";
    whatever_a_cursor_says_the_list_stays_as_it_is "cursor";
    whatever_is_wrong_with_a_configuration_is_named "config";
    whatever_is_asked_of_the_feed_is_answered_or_refused "odata";
    whatever_is_delivered_is_signed_or_refused "webhook";
    whoever_is_let_in_was_let_in_by_the_issuer "sign_in";
}

//! Whether patterns have an ID in common. Decided, not tried: the automata of the patterns are walked side by side.

use std::collections::{HashMap, VecDeque};

use regex::Regex;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};

/// The largest automaton of one pattern, in bytes.
const MAX_SIZE: usize = 1 << 20;
/// How many sets of states are looked at before it is given up.
const MAX_STATES: usize = 200_000;

/// Where each pattern stands: in a state, or none once it has found what it looks for.
type Stand = Vec<Option<StateID>>;

/// The shortest text that all patterns match, if there is one. An error says why it cannot be decided.
pub(super) fn common_id<'a>(patterns: impl IntoIterator<Item = &'a Regex>) -> Result<Option<String>, String> {
    let automata = patterns.into_iter().map(automaton).collect::<Result<Vec<_>, _>>()?;
    let begin = start::Config::new().anchored(Anchored::No);
    let begin = automata.iter().map(|dfa| dfa.start_state(&begin).map(Some));
    let begin: Stand = begin.collect::<Result<_, _>>().map_err(|error| error.to_string())?;

    // Breadth first, so that the first text that is found is a shortest one; from each stand the way back.
    let mut from: HashMap<Stand, Option<(Stand, u8)>> = HashMap::from([(begin.clone(), None)]);
    let mut open = VecDeque::from([begin]);
    while let Some(stand) = open.pop_front() {
        if automata.iter().zip(&stand).all(|(dfa, state)| found_at_end(dfa, *state)) {
            return Ok(Some(text(&from, stand)));
        }
        if from.len() > MAX_STATES {
            return Err("the patterns are too large: write simpler ones".to_owned());
        }
        // Letters and digits first: the example is to look like an ID.
        for byte in (b'0'..=b'z').chain(0..b'0').chain(b'z' + 1..=u8::MAX) {
            let Some(next) = step(&automata, &stand, byte) else { continue };
            if !from.contains_key(&next) {
                from.insert(next.clone(), Some((stand.clone(), byte)));
                open.push_back(next);
            }
        }
    }
    Ok(None)
}

fn automaton(pattern: &Regex) -> Result<dense::DFA<Vec<u32>>, String> {
    let config = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Unanchored)
        .dfa_size_limit(Some(MAX_SIZE))
        .determinize_size_limit(Some(MAX_SIZE));
    dense::Builder::new().configure(config).build(pattern.as_str()).map_err(|error| {
        let reason = if error.is_size_limit_exceeded() {
            "it is too large: write a simpler one"
        } else {
            "it uses \\b or the like, for which that cannot be decided: write it without"
        };
        reason.to_owned()
    })
}

/// Where the patterns stand after one more byte; none if one of them can match no more.
fn step(automata: &[dense::DFA<Vec<u32>>], stand: &Stand, byte: u8) -> Option<Stand> {
    automata
        .iter()
        .zip(stand)
        .map(|(dfa, state)| {
            let Some(state) = *state else { return Some(None) };
            let next = dfa.next_state(state, byte);
            // What follows cannot take a match back.
            if dfa.is_match_state(next) {
                Some(None)
            } else {
                (!dfa.is_dead_state(next) && !dfa.is_quit_state(next)).then_some(Some(next))
            }
        })
        .collect()
}

fn found_at_end(dfa: &dense::DFA<Vec<u32>>, state: Option<StateID>) -> bool {
    state.is_none_or(|state| dfa.is_match_state(dfa.next_eoi_state(state)))
}

fn text(from: &HashMap<Stand, Option<(Stand, u8)>>, end: Stand) -> String {
    let (mut bytes, mut at) = (Vec::new(), end);
    while let Some(Some((before, byte))) = from.get(&at) {
        bytes.push(*byte);
        at = before.clone();
    }
    bytes.reverse();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn common(patterns: &[&str]) -> Option<String> {
        let patterns: Vec<Regex> = patterns.iter().map(|pattern| Regex::new(pattern).unwrap()).collect();
        let found = common_id(&patterns).unwrap();
        if let Some(text) = &found {
            assert!(patterns.iter().all(|pattern| pattern.is_match(text)), "{text}");
        }
        found
    }

    #[test]
    fn patterns_with_an_id_in_common_are_told_with_a_shortest_one() {
        let ids = r"^(MX|US|PRJ)-\d{4}$";
        for (one, two, expected) in [
            ("^MX-", "^US-", None),
            ("^MX-", "^M", Some("MX-0000")),
            ("^MX-1", r"-\d{3}7$", Some("MX-1007")),
            ("^MX-(1|2)", "^MX-[3-9]", None),
            ("(?i)^mx", "^MX-9", Some("MX-9000")),
            ("^MX-", "^mx-", None),
            ("", "^US-", Some("US-0000")),
            ("^MX-0[0-4]", "^MX-0?[5-9]", None),
            ("[13579]$", "[02468]$", None),
            ("1", "2", Some("MX-0012")),
        ] {
            assert_eq!(common(&[ids, one, two]).as_deref(), expected, "{one} and {two}");
            assert_eq!(common(&[ids, two, one]).is_some(), expected.is_some(), "{two} and {one}");
        }
        assert_eq!(common(&[ids, "^AB-"]), None, "no ID is like that");
    }

    #[test]
    fn what_cannot_be_decided_is_said() {
        let word = Regex::new(r"\bMX\b").unwrap();
        assert!(common_id([&word, &word]).unwrap_err().contains("\\b"));
        let large = Regex::new("1[01]{18}$").unwrap();
        assert!(common_id([&large, &large]).unwrap_err().contains("large"));
    }

    proptest! {
        #[test]
        fn an_id_that_both_match_is_never_overlooked(
            one in "[\\^]?[AB0-2][AB\\-]?[0-2]?", two in "[AB\\-]?[0-2][0-2]?\\$?", id in "[AB]{1,2}-[0-2]{2}",
        ) {
            let all = Regex::new("^[AB]{1,2}-[0-2]{2}$").unwrap();
            let (one, two) = (Regex::new(&one).unwrap(), Regex::new(&two).unwrap());
            let found = common_id([&all, &one, &two]).unwrap();
            if let Some(found) = &found {
                prop_assert!(all.is_match(found) && one.is_match(found) && two.is_match(found));
            }
            if one.is_match(&id) && two.is_match(&id) {
                prop_assert!(found.is_some());
            }
        }
    }
}

//! The decoders of all connectors: one of a system's answers is replaced by the input, cut off, or altered. The read ends in time,
//! with records or a typed error. Of an answer that is cut off no record is taken and none is missed: each key is answered as ever,
//! or it fails.

use std::cell::RefCell;

use super::super::systems::{PORTS, Systems};
use super::super::take;
use spine::systems::ErrorKind;

thread_local! {
    static SYSTEMS: RefCell<Systems> = RefCell::new(Systems::stand_up());
}

/// What becomes of a body.
type Change = Box<dyn FnOnce(Vec<u8>) -> Vec<u8> + Send>;

/// Looks at one input.
pub fn run(data: &[u8]) {
    let ([subject, port, how], rest) = take(data);
    let (fresh, nth, mode) = (how & 1 == 1, usize::from(how >> 1 & 3), how >> 3 & 3);
    SYSTEMS.with_borrow_mut(|systems| {
        let subject = usize::from(subject) % systems.subjects.len();
        let port = port % PORTS;
        if systems.subjects[subject].truths[usize::from(port)].is_none() {
            return;
        }
        let (cut, change): (bool, Change) = match mode {
            0 => {
                let body = rest.to_vec();
                (false, Box::new(move |_| body))
            }
            1 => {
                let ([high, low], _) = take(rest);
                let at = usize::from(u16::from_be_bytes([high, low]));
                (
                    true,
                    Box::new(move |mut body| {
                        // What follows the end of a JSON text is white space.
                        let length = body.trim_ascii_end().len();
                        body.truncate(at % length.max(1));
                        body
                    }),
                )
            }
            _ => {
                let ([high, low, removed], put) = take(rest);
                let (at, removed, put) =
                    (usize::from(u16::from_be_bytes([high, low])), usize::from(removed), put.to_vec());
                (
                    false,
                    Box::new(move |mut body| {
                        let at = at % (body.len() + 1);
                        let end = (at + removed).min(body.len());
                        drop(body.splice(at..end, put));
                        body
                    }),
                )
            }
        };
        systems.subjects[subject].proxy.change(nth, change);
        let answer = systems.ask(subject, port, fresh);
        let changed = systems.subjects[subject].proxy.rest();
        let one = &systems.subjects[subject];
        let Some(truth) = &one.truths[usize::from(port)] else { return };
        let failures: Vec<_> = match &answer {
            Ok(records) => records.values().filter_map(|record| record.as_ref().err()).collect(),
            Err(error) => vec![error],
        };
        for error in &failures {
            assert!(changed, "{} {port}: nothing was changed, and it fails: {error}", one.name);
            assert!(!matches!(error.kind, ErrorKind::Internal | ErrorKind::Deadline), "{} {port}: {error}", one.name);
        }
        if (cut || !changed)
            && let Ok(records) = &answer
        {
            for (key, record) in records {
                let as_ever = record.as_ref().map_or(true, |record| truth.get(key) == Some(record));
                assert!(as_ever, "{} {port} {key}: {record:?} and not {:?}", one.name, truth.get(key));
            }
            for key in truth.keys() {
                assert!(records.contains_key(key), "{} {port} {key} is gone", one.name);
            }
        }
        if changed {
            // What it learned from a wrong answer, it would know for the next input.
            systems.mend(subject);
        }
    });
}

//! Which opportunities are won, lost and open, before Odoo 19 says so itself.

use super::commercial::in_state;
use super::record::Record;
use super::sales::status;
use crate::domain::DealStatus;

#[test]
fn a_won_opportunity_that_was_archived_is_won() {
    let of = |text: &str| status(&serde_json::from_str::<Record>(text).unwrap());
    for (active, probability, wanted) in [
        (true, "100.0", DealStatus::Won),
        (false, "100.0", DealStatus::Won),
        (false, "0.0", DealStatus::Lost),
        (true, "0.0", DealStatus::Open),
        (true, "40.0", DealStatus::Open),
        // Put away, and not given up: 19 calls it pending.
        (false, "40.0", DealStatus::Open),
    ] {
        let record = format!(r#"{{"active": {active}, "probability": {probability}}}"#);
        assert_eq!(of(&record), Some(wanted), "{record}");
    }
    assert_eq!(of(r#"{"active": true, "probability": "x"}"#), None, "nobody can say");
    assert_eq!(of(r#"{"active": false, "probability": 100.0, "won_status": "pending"}"#), Some(DealStatus::Open));
}

#[test]
fn what_is_asked_for_by_state_is_what_it_is_read_as() {
    let asked = |status| in_state(status, false).into_json().to_string();
    assert_eq!(asked(DealStatus::Won), r#"[["probability",">=",100]]"#);
    assert_eq!(asked(DealStatus::Lost), r#"[["active","=",false],["probability","<=",0]]"#);
    assert_eq!(asked(DealStatus::Open), r#"[["probability","<",100],"|",["active","=",true],["probability",">",0]]"#);
}

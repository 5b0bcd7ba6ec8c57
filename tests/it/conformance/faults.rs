//! What a connector must say when its system fails, and what it must not.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use spine::systems::{ErrorKind, SystemError};

use super::Subject;
use super::ports::{List, Port};

/// The demo's credentials: none of them belongs into an error.
const SECRETS: &[&str] = &[
    "demo-hubspot-token",
    "demo-sap-password",
    "demo-redmine-key",
    "demo-custom-key",
    "demo-odoo-key",
    "demo-quickbooks-secret",
    "demo-quickbooks-refresh",
    "demo-netsuite-consumer-secret",
    "demo-netsuite-token-secret",
];

/// A read of a port or a list: of one key, or of the first page.
enum Reading {
    Key(Port, String),
    Page(List),
}

impl Reading {
    fn name(&self) -> &'static str {
        match self {
            Self::Key(port, _) => port.name,
            Self::Page(list) => list.name,
        }
    }

    /// What is read; a failure of the key is one like a failure of the batch.
    async fn read(&self) -> Result<Vec<String>, SystemError> {
        match self {
            Self::Key(port, key) => {
                let mut answer = port.ask(std::slice::from_ref(key)).await?;
                answer.remove(key).unwrap_or_else(|| panic!("{} lost {key}", port.name))
            }
            Self::Page(list) => Ok(list.page(None, 10).await?.items),
        }
    }

    /// What must be read.
    fn expected(&self) -> Vec<String> {
        match self {
            Self::Key(port, key) => port.truth[key].clone().unwrap(),
            Self::Page(list) => list.truth[..10].to_vec(),
        }
    }
}

/// A connection with these lines in `[http]`, and a read of each of its ports. Each was read once: what a connection asks
/// once and keeps, a session for example, it has.
async fn readings(subject: &Subject, http: &str) -> Vec<Reading> {
    let all = fresh_readings(subject, http);
    all_are_right(&all, "at first").await;
    all
}

/// The same of a connection that has not asked for anything yet.
fn fresh_readings(subject: &Subject, http: &str) -> Vec<Reading> {
    let (ports, lists) = subject.looked_at(&subject.connect(http));
    let keys = ports.into_iter().map(|port| {
        let key = port.good_key().clone();
        Reading::Key(port, key)
    });
    keys.chain(lists.into_iter().map(Reading::Page)).collect()
}

async fn all_are_right(readings: &[Reading], when: &str) {
    let read = join_all(readings.iter().map(Reading::read)).await;
    for (reading, found) in readings.iter().zip(read) {
        let found = found.unwrap_or_else(|error| panic!("{} {when}: {error}", reading.name()));
        assert_eq!(found, reading.expected(), "{} {when}", reading.name());
    }
}

/// The failures of all readings at once. None holds a secret, or what is in a record.
async fn all_fail(subject: &Subject, readings: &[Reading], when: &str) -> Vec<(&'static str, SystemError)> {
    let company = subject.company();
    let read = join_all(readings.iter().map(Reading::read)).await;
    let errors = readings.iter().zip(read).map(|(reading, found)| {
        let error = found.err().unwrap_or_else(|| panic!("{} answers {when}", reading.name()));
        let said = format!("{error} {error:?}");
        let clients = company.clients.iter().map(|client| client.name.as_str());
        let deals = company.deals.iter().map(|deal| deal.name.as_str());
        for word in SECRETS.iter().copied().chain(clients).chain(deals) {
            assert!(!said.contains(word), "{} {when} tells {word}: {said}", reading.name());
        }
        assert_eq!(error.connection.as_str(), subject.system.connection);
        (reading.name(), error)
    });
    errors.collect()
}

const OFF: &str = r#"{"mode": "off"}"#;
/// Many failures, one connection.
const PATIENT: &str = "breaker_failures = 100000\nconcurrency = 64\nmax_body = 1000000";

/// What each failure is called.
const FAILURES: [(&str, ErrorKind); 10] = [
    ("401", ErrorKind::Unauthorized),
    ("403", ErrorKind::Forbidden),
    ("429", ErrorKind::RateLimited),
    ("500", ErrorKind::Broken),
    ("503", ErrorKind::Broken),
    ("down", ErrorKind::Connect),
    ("html", ErrorKind::BadResponse),
    ("truncated", ErrorKind::BadResponse),
    ("empty", ErrorKind::BadResponse),
    ("huge", ErrorKind::TooLarge),
];

pub(super) async fn each_failure_is_told_apart_and_none_stays(subject: &Subject) {
    let readings = readings(subject, PATIENT).await;
    subject.calls().await;
    all_are_right(&readings, "again").await;
    let usual: usize = subject.calls().await.values().sum();
    for (mode, kind) in FAILURES {
        subject.fault(&format!(r#"{{"mode": "{mode}"}}"#)).await;
        subject.calls().await;
        for (name, error) in all_fail(subject, &readings, mode).await {
            assert_eq!(error.kind, kind, "{name} with {mode}: {error}");
            assert_eq!(error.retry_after, None, "{name} with {mode}: {error}");
        }
        let calls: usize = subject.calls().await.values().sum();
        assert!(calls <= 2 * usual, "{calls} calls with {mode}, where {usual} are usual");
        subject.fault(OFF).await;
        all_are_right(&readings, &format!("after {mode}")).await;
    }
}

/// The first call of a connection is often another one: a sign-in, a look at what there is.
pub(super) async fn a_connection_that_begins_with_a_failure_tells_it_apart_and_recovers(subject: &Subject) {
    for (mode, kind) in FAILURES {
        let readings = fresh_readings(subject, PATIENT);
        subject.fault(&format!(r#"{{"mode": "{mode}"}}"#)).await;
        for (name, error) in all_fail(subject, &readings, mode).await {
            assert_eq!(error.kind, kind, "{name} at first with {mode}: {error}");
        }
        subject.fault(OFF).await;
        // A credential that was refused may be left alone for a while, before the account is locked.
        if !matches!(kind, ErrorKind::Unauthorized | ErrorKind::Forbidden) {
            all_are_right(&readings, &format!("after it began with {mode}")).await;
        }
    }
}

pub(super) async fn what_fails_once_in_passing_is_asked_again(subject: &Subject) {
    let readings = readings(subject, "").await;
    for mode in ["down", "503", "429"] {
        subject.fault(&format!(r#"{{"mode": "{mode}", "times": 1}}"#)).await;
        all_are_right(&readings[..1], &format!("with one {mode}")).await;
        let left = super::control(&subject.stood.url, "GET", "/_demo/fault", "").await;
        assert!(left.contains(r#""times":0"#), "no answer was {mode}: {left}");
    }
}

pub(super) async fn an_answer_that_comes_too_late_is_a_timeout(subject: &Subject) {
    let readings = readings(subject, "breaker_failures = 100000\nconcurrency = 64\nattempt_timeout = \"2s\"").await;
    subject.fault(r#"{"mode": "slow", "ms": 20000}"#).await;
    for (name, error) in all_fail(subject, &readings, "slow").await {
        assert_eq!(error.kind, ErrorKind::Timeout, "{name}: {error}");
    }
    subject.fault(OFF).await;
    all_are_right(&readings, "after slowness").await;
}

pub(super) async fn a_rate_limit_is_waited_for_where_the_wait_fits(subject: &Subject) {
    let readings = readings(subject, "").await;
    subject.fault(r#"{"mode": "429", "retry_after": 1, "times": 1}"#).await;
    let started = Instant::now();
    all_are_right(&readings[..1], "after a rate limit").await;
    assert!(started.elapsed() >= Duration::from_secs(1), "nobody waited");
}

pub(super) async fn a_rate_limit_that_does_not_fit_is_said_at_once(subject: &Subject) {
    let readings = readings(subject, "").await;
    subject.fault(r#"{"mode": "429", "retry_after": 50}"#).await;
    let started = Instant::now();
    for (name, error) in all_fail(subject, &readings, "rate limited").await {
        assert_eq!(error.kind, ErrorKind::RateLimited, "{name}: {error}");
        let wait = error.retry_after.unwrap_or_else(|| panic!("{name} does not say when to come back"));
        assert!(wait > Duration::from_secs(30) && wait <= Duration::from_secs(50), "{name}: {wait:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(15), "the reader's time was waited away");
}

pub(super) async fn a_system_that_goes_on_failing_is_left_alone(subject: &Subject) {
    let readings = readings(subject, "breaker_failures = 7\nbreaker_pause = \"5m\"\nretries = 0").await;
    subject.fault(r#"{"mode": "500"}"#).await;
    let reading = &readings[0];
    for _ in 0..7 {
        reading.read().await.unwrap_err();
    }
    subject.calls().await;
    let error = reading.read().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::CircuitOpen, "{error}");
    assert!(error.retry_after.is_some_and(|pause| pause > Duration::from_mins(1)), "{:?}", error.retry_after);
    assert_eq!(subject.calls().await.values().sum::<usize>(), 0, "a call came through");
}

//! Any sequence of reads, corrections, failures and evictions, against what the owner held at each moment.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Read { key: usize, max_age: Option<u64> },
    ReadMany { max_age: Option<u64> },
    Correct,
    Fail(Option<ErrorKind>),
    Evict { key: usize },
}

const KEYS: usize = 4;
const TTL: u64 = 30_000;
/// How long a failure is remembered, in milliseconds.
const MEMO: u64 = 1000;

fn step() -> impl Strategy<Value = Step> {
    let max_age = || prop_oneof![4 => Just(None), 1 => Just(Some(0)), 1 => (1..60u64).prop_map(Some)];
    let kind = prop_oneof![Just(ErrorKind::Timeout), Just(ErrorKind::Connect), Just(ErrorKind::Forbidden)];
    prop_oneof![
        6 => (0..KEYS, max_age()).prop_map(|(key, max_age)| Step::Read { key, max_age }),
        2 => max_age().prop_map(|max_age| Step::ReadMany { max_age }),
        2 => Just(Step::Correct),
        1 => proptest::option::of(kind).prop_map(Step::Fail),
        1 => (0..KEYS).prop_map(|key| Step::Evict { key }),
    ]
}

/// What is known of the owner and of what was done, in milliseconds since the beginning.
#[derive(Debug, Default)]
struct Past {
    corrections: Vec<u64>,
    evictions: [u64; KEYS],
    failing: bool,
    last_failure: Option<u64>,
}

impl Past {
    fn check(&self, setting: &Setting, key: usize, read: &Read<usize>, max_age: Option<u64>, lenient: (u64, u64)) {
        let now = u64::try_from(setting.clock.monotonic().as_millis()).unwrap();
        let Ok(fresh) = read else {
            let failed = self.failing || self.last_failure.is_some_and(|at| now - at < MEMO);
            assert!(failed, "an owner that answers was said to fail");
            return;
        };
        let age = u64::try_from(setting.clock.now().duration_since(fresh.as_of).as_millis()).unwrap();
        let read_at = now - age;
        let revision = self.corrections.iter().filter(|at| **at <= read_at).count();
        assert_eq!(fresh.value.as_deref(), Some(&(key * 10 + revision)), "not what the owner held when it was read");
        assert!(read_at >= self.evictions[key], "an evicted value came back");
        assert!(max_age.is_none_or(|max_age| age <= max_age * 1000), "{age} ms is older than asked for");
        let (while_revalidate, if_error) = lenient;
        match fresh.status {
            SourceStatus::Live => assert_eq!(age, 0),
            SourceStatus::Cached => assert!(age < TTL, "{age} ms"),
            SourceStatus::Stale => {
                let longest = TTL + 1000 * while_revalidate.max(if_error);
                assert!((TTL..longest).contains(&age), "{age} ms");
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn run(steps: Vec<(u64, Step)>, lenient: (u64, u64)) {
    let setting = Setting::lenient(lenient.0, lenient.1);
    let mut past = Past::default();
    let mut now = 0;
    for (millis, step) in steps {
        now += millis;
        setting.clock.advance(Duration::from_millis(millis));
        match step {
            Step::Read { key, max_age } => {
                let read = setting.reader.get(&setting.request(max_age), &key).await;
                past.check(&setting, key, &read, max_age, lenient);
            }
            Step::ReadMany { max_age } => {
                let keys: Vec<usize> = (0..KEYS).collect();
                let reads = setting.reader.get_many(&setting.request(max_age), &keys).await;
                for (key, read) in keys.into_iter().zip(&reads) {
                    past.check(&setting, key, read, max_age, lenient);
                }
            }
            Step::Correct => {
                setting.correct();
                past.corrections.push(now);
            }
            Step::Fail(kind) => {
                setting.fail(kind);
                past.failing = kind.is_some();
            }
            Step::Evict { key } => {
                setting.reader.evict(|other| *other == key);
                past.evictions[key] = now;
            }
        }
        settle().await;
        if past.failing {
            past.last_failure = Some(now);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_read_is_what_the_owner_held_and_no_older_than_it_says(
        steps in proptest::collection::vec((1..20_000u64, step()), 1..80),
        lenient in prop_oneof![Just((0, 0)), Just((20, 0)), Just((0, 60)), Just((15, 40))],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(run(steps, lenient));
    }
}

//! Values older than their time to live: shown only where the configuration and the request allow it, and named so.

use SourceStatus::{Cached, Live, Stale};

use super::*;

#[tokio::test(start_paused = true)]
async fn unless_configured_nothing_is_shown_beyond_its_time_to_live() {
    let setting = Setting::new(Owner::default());
    assert_eq!(setting.says(None, 1).await, Ok((Some(10), Live)));
    setting.pass(30);
    setting.fail(ErrorKind::Timeout);
    assert_eq!(setting.says(None, 1).await, Err(ErrorKind::Timeout));
}

#[tokio::test(start_paused = true)]
async fn while_one_load_refreshes_it_a_stale_value_is_shown_at_once() {
    let setting = Setting::lenient(60, 0);
    let first = setting.reader.get(&setting.request(None), &1).await.unwrap();
    setting.pass(31);
    setting.correct();
    let request = setting.request(None);
    for _ in 0..5 {
        let read = setting.reader.peek(&request, &1).unwrap().unwrap();
        assert_eq!((read.value.as_deref(), read.status, read.as_of), (Some(&10), Stale, first.as_of));
    }
    assert!(request.observed.stale() && !request.observed.live());
    assert_eq!(request.observed.age(setting.clock.monotonic()), Some(Duration::from_secs(31)));
    assert_eq!(request.observed.lifetime(setting.clock.monotonic()), Some(Duration::ZERO), "not to be shown again");
    settle().await;
    assert_eq!(setting.calls(), 2, "one load for five reads");
    setting.pass(1);
    assert_eq!(setting.says(None, 1).await, Ok((Some(11), Cached)));
    assert_eq!(setting.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_stale_values_is_refreshed_by_one_call() {
    let setting = Setting::lenient(60, 0);
    let keys: Vec<usize> = (100..150).collect();
    setting.reader.get_many(&setting.request(None), &keys).await;
    setting.pass(31);
    let reads = setting.reader.get_many(&setting.request(None), &keys).await;
    assert!(reads.iter().all(|read| read.as_ref().unwrap().status == Stale));
    settle().await;
    assert_eq!(setting.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn beyond_both_times_the_owner_is_waited_for() {
    let setting = Setting::lenient(60, 0);
    setting.says(None, 1).await.unwrap();
    setting.correct();
    setting.pass(90);
    assert_eq!(setting.says(None, 1).await, Ok((Some(11), Live)));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_bounds_the_age_never_gets_a_staler_value() {
    let setting = Setting::lenient(60, 600);
    setting.says(None, 1).await.unwrap();
    setting.pass(40);
    assert_eq!(setting.says(Some(40), 1).await, Ok((Some(10), Stale)));
    settle().await;
    setting.pass(40);
    setting.correct();
    assert_eq!(setting.says(Some(39), 1).await, Ok((Some(11), Live)));
    setting.fail(ErrorKind::Connect);
    setting.pass(1);
    assert_eq!(setting.says(Some(0), 1).await, Err(ErrorKind::Connect), "no-cache is told that it failed");
    setting.pass(40);
    assert_eq!(setting.says(Some(20), 1).await, Err(ErrorKind::Connect));
    assert_eq!(setting.says(Some(60), 1).await, Ok((Some(11), Stale)));
}

#[tokio::test(start_paused = true)]
async fn the_last_value_stands_in_for_an_owner_that_cannot_be_asked() {
    for kind in [
        ErrorKind::Connect,
        ErrorKind::Timeout,
        ErrorKind::Deadline,
        ErrorKind::Broken,
        ErrorKind::BadResponse,
        ErrorKind::RateLimited,
        ErrorKind::CircuitOpen,
        ErrorKind::Overloaded,
    ] {
        let setting = Setting::lenient(0, 60);
        setting.says(None, 1).await.unwrap();
        setting.correct();
        setting.fail(kind);
        setting.pass(31);
        assert_eq!(setting.says(None, 1).await, Ok((Some(10), Stale)), "{kind:?}");
        assert_eq!(
            setting.says(None, 1).await,
            Ok((Some(10), Stale)),
            "{kind:?}: also while the failure is remembered"
        );
        assert_eq!(setting.calls(), 2);
        setting.pass(58);
        assert_eq!(setting.says(None, 1).await, Ok((Some(10), Stale)), "{kind:?}: after another failure");
        assert_eq!(setting.calls(), 3);
        setting.pass(1);
        assert_eq!(setting.says(None, 1).await, Err(kind), "{kind:?}: but not for longer than configured");
        setting.fail(None);
        setting.pass(1);
        assert_eq!(setting.says(None, 1).await, Ok((Some(11), Live)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_refuses_is_not_talked_over() {
    for kind in [
        ErrorKind::Unauthorized,
        ErrorKind::Forbidden,
        ErrorKind::Conflict,
        ErrorKind::BadRequest,
        ErrorKind::TooLarge,
        ErrorKind::Truncated,
        ErrorKind::NotAllowed,
        ErrorKind::Internal,
    ] {
        let setting = Setting::lenient(60, 60);
        setting.says(None, 1).await.unwrap();
        setting.fail(kind);
        setting.pass(90);
        assert_eq!(setting.says(None, 1).await, Err(kind));
        setting.fail(ErrorKind::Timeout);
        setting.pass(1);
        assert_eq!(setting.says(None, 1).await, Err(ErrorKind::Timeout), "{kind:?} has put an end to the old value");
    }
}

#[tokio::test(start_paused = true)]
async fn that_the_owner_no_longer_knows_a_record_puts_an_end_to_it() {
    let setting = Setting::lenient(60, 60);
    setting.says(None, 950).await.unwrap();
    setting.pass(6);
    setting.fail(ErrorKind::Timeout);
    assert_eq!(setting.says(None, 950).await, Err(ErrorKind::Timeout), "that there is no record is never shown stale");
}

#[tokio::test(start_paused = true)]
async fn a_failed_refresh_in_the_background_leaves_the_value_as_long_as_it_was_to_be_shown() {
    let setting = Setting::lenient(60, 0);
    setting.says(None, 1).await.unwrap();
    setting.fail(ErrorKind::Broken);
    setting.pass(31);
    for _ in 0..3 {
        assert_eq!(setting.says(None, 1).await, Ok((Some(10), Stale)));
        settle().await;
    }
    assert_eq!(setting.calls(), 2, "the failure is remembered");
    setting.pass(2);
    assert_eq!(setting.says(None, 1).await, Ok((Some(10), Stale)));
    settle().await;
    assert_eq!(setting.calls(), 3);
    setting.pass(57);
    assert_eq!(setting.says(None, 1).await, Err(ErrorKind::Broken));
}

#[tokio::test(start_paused = true)]
async fn a_no_cache_request_that_fails_takes_nothing_from_those_who_are_content_with_the_cache() {
    let setting = Setting::new(Owner::default());
    setting.says(None, 1).await.unwrap();
    setting.fail(ErrorKind::Timeout);
    setting.pass(10);
    assert_eq!(setting.says(Some(0), 1).await, Err(ErrorKind::Timeout));
    assert_eq!(setting.says(None, 1).await, Ok((Some(10), Cached)));
    setting.pass(20);
    assert_eq!(setting.says(None, 1).await, Err(ErrorKind::Timeout));
}

#[tokio::test(start_paused = true)]
async fn who_wants_nothing_stale_gets_nothing_stale() {
    let setting = Setting::lenient(60, 600);
    let says = async || {
        let request = ReadOptions { stale: false, ..setting.request(None) };
        let read = setting.reader.get(&request, &1).await;
        read.map(|read| (read.value.as_deref().copied(), read.status)).map_err(|error| error.kind)
    };
    setting.says(None, 1).await.unwrap();
    setting.pass(20);
    assert_eq!(says().await, Ok((Some(10), Cached)), "within its time to live it is not stale");
    setting.pass(11);
    setting.fail(ErrorKind::Connect);
    assert_eq!(says().await, Err(ErrorKind::Connect));
    assert_eq!(setting.says(None, 1).await, Ok((Some(10), Stale)));
}

#[tokio::test(start_paused = true)]
async fn an_eviction_puts_an_end_to_the_old_value_whatever_fails_later() {
    let setting = Setting::lenient(60, 600);
    setting.says(None, 1).await.unwrap();
    setting.pass(31);
    setting.fail(ErrorKind::Connect);
    assert_eq!(setting.says(None, 1).await, Ok((Some(10), Stale)));
    settle().await;
    setting.reader.evict(|key| *key == 1);
    assert_eq!(setting.says(None, 1).await, Err(ErrorKind::Connect));
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_the_last_value_stands_in_for_a_load_that_is_late() {
    let setting = Setting::lenient(0, 60);
    setting.says(None, 1).await.unwrap();
    setting.owner.hangs.store(true, Ordering::SeqCst);
    setting.pass(31);
    let started = Instant::now();
    assert_eq!(setting.says(None, 1).await, Ok((Some(10), Stale)));
    assert_eq!(started.elapsed(), Duration::from_secs(5));
    assert_eq!(setting.says(Some(0), 1).await, Err(ErrorKind::Deadline));
}

#[tokio::test(start_paused = true)]
async fn that_somebodys_calls_are_used_up_is_not_remembered_for_others() {
    let setting = Setting::new(Owner::default());
    let used_up = ErrorKind::Budget(crate::systems::Exhausted { allowed: 1, setting: "upstream_calls" });
    setting.fail(used_up);
    assert_eq!(setting.says(None, 1).await, Err(used_up));
    setting.fail(None);
    assert_eq!(setting.says(None, 1).await, Ok((Some(10), Live)));
    setting.pass(31);
    setting.fail(used_up);
    assert_eq!(setting.says(None, 1).await, Err(used_up), "the value is too old");
}

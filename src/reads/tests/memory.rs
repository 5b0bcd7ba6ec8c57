//! What is kept: within the bound, of which kinds, and where deals led.

use super::*;
use crate::domain::{Deal, DealId, Link, SharedIdRule};

#[tokio::test(start_paused = true)]
async fn the_store_of_all_readers_stays_within_its_bytes() {
    let config = CacheConfig { max_bytes: 64 * 1024, ..CacheConfig::default() };
    let setting = Setting::with(Owner::default(), &config);
    let keys: Vec<usize> = (2000..4000).collect();
    setting.reader.get_many(&setting.request(None), &keys).await;
    let held = setting.store.bytes();
    assert!((32 * 1024..=64 * 1024).contains(&held), "{held} bytes");
    let last = keys.last().unwrap();
    assert!(setting.reader.peek(&setting.request(None), last).is_some(), "what was read last is there");
    assert!(setting.reader.peek(&setting.request(None), &2000).is_none(), "what was read first is not");
}

#[tokio::test(start_paused = true)]
async fn at_no_moment_does_it_hold_more_whatever_is_looked_at_in_between() {
    let config = CacheConfig { max_bytes: 32 * 1024, ..CacheConfig::default() };
    let setting = Setting::with(Owner::default(), &config);
    let mut most = 0;
    for key in 2000..4000 {
        setting.reader.get(&setting.request(None), &key).await.unwrap();
        let looked_at = 2000 + (key * 7) % 200;
        setting.reader.peek(&setting.request(None), &looked_at);
        most = most.max(setting.store.bytes());
        assert!(most <= 32 * 1024, "{most} bytes");
    }
    assert!(most > 24 * 1024, "and it makes use of its room: {most} bytes");
}

#[tokio::test(start_paused = true)]
async fn a_walk_of_a_report_takes_a_quarter_and_pushes_out_nothing_that_people_read() {
    let config = CacheConfig { max_bytes: 256 * 1024, ..CacheConfig::default() };
    let setting = Setting::with(Owner::default(), &config);
    let cards: Vec<usize> = (100..200).collect();
    setting.reader.get_many(&setting.request(None), &cards).await;
    let of_people = setting.store.bytes();
    for page in 0..50 {
        let keys: Vec<usize> = (2000 + page * 100..2100 + page * 100).collect();
        setting.reader.get_many(&setting.report(), &keys).await;
        assert!(setting.store.bytes() <= of_people + 64 * 1024, "{} bytes", setting.store.bytes());
    }
    assert!(setting.store.bytes() >= of_people + 24 * 1024, "what it read last is kept");
    let again = setting.request(None);
    assert!(cards.iter().filter(|key| **key != 13).all(|key| setting.reader.peek(&again, key).is_some()));
    assert!(setting.reader.peek(&again, &6999).is_some(), "people see what a report has read");
    assert!(setting.reader.peek(&again, &2000).is_none());
}

#[tokio::test(start_paused = true)]
async fn people_and_reports_together_stay_within_the_bound() {
    let config = CacheConfig { max_bytes: 64 * 1024, ..CacheConfig::default() };
    let setting = Setting::with(Owner::default(), &config);
    for key in 2000..6000 {
        let request = if key / 500 % 2 == 0 { setting.request(None) } else { setting.report() };
        setting.reader.get(&request, &key).await.unwrap();
        assert!(setting.store.bytes() <= 64 * 1024, "{} bytes at {key}", setting.store.bytes());
        assert_eq!(setting.store.booked(), setting.store.bytes(), "the books are those of the entries");
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_reads_anymore_does_not_stay_for_long() {
    let setting = Setting::new(Owner::default());
    let keys: Vec<usize> = (2000..3000).collect();
    setting.reader.get_many(&setting.request(None), &keys).await;
    let full = setting.store.bytes();
    for _ in 0..3 {
        setting.pass(60);
        setting.reader.get(&setting.request(None), &1).await.unwrap();
    }
    assert!(setting.store.bytes() < full / 100);
}

#[tokio::test(start_paused = true)]
async fn readers_of_one_store_do_not_see_one_anothers_keys() {
    let setting = Setting::new(Owner::default());
    setting.reader.get(&setting.request(None), &1).await.unwrap();
    let other = setting.another();
    assert!(other.peek(&setting.request(None), &1).is_none());
    other.get(&setting.request(None), &1).await.unwrap();
    assert_eq!(setting.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_kept_answer_knows_that_a_record_of_a_kind_it_shows_was_evicted() {
    let setting = Setting::new(Owner::default());
    let (one, other) = (Arc::clone(&setting.reader), setting.another());
    let begun = setting.store.evictions(u64::MAX);
    let request = setting.request(None);
    one.get(&request, &1).await.unwrap();
    let parts = request.observed.parts();
    other.evict(|key| *key == 7);
    assert_eq!(setting.store.evictions(parts), begun, "of another kind");
    one.evict(|key| *key == 7);
    assert!(setting.store.evictions(parts) > begun);

    let begun = setting.store.evictions(u64::MAX);
    let request = setting.request(None);
    one.get(&request, &1).await.unwrap();
    other.get(&request, &1).await.unwrap();
    assert_eq!(request.observed.parts().count_ones(), 2);
    assert_eq!(setting.store.evictions(request.observed.parts()), begun);
}

#[tokio::test(start_paused = true)]
async fn a_kept_answer_knows_that_a_record_was_read_anew_before_its_time() {
    let setting = Setting::new(Owner::default());
    let other = setting.another();
    let request = setting.request(None);
    setting.reader.get(&request, &1).await.unwrap();
    let parts = request.observed.parts();
    let begun = setting.store.renewals(u64::MAX);
    assert_eq!(begun, 0, "nothing was known before");
    setting.pass(30);
    setting.reader.get(&setting.request(None), &1).await.unwrap();
    assert_eq!(setting.store.renewals(parts), begun, "the one before had ended");
    setting.pass(1);
    setting.fail(ErrorKind::Timeout);
    setting.reader.get(&setting.request(Some(0)), &1).await.unwrap_err();
    assert_eq!(setting.store.renewals(parts), begun, "nothing new is known");
    setting.fail(None);
    other.get(&setting.request(None), &1).await.unwrap();
    setting.pass(1);
    other.get(&setting.request(Some(0)), &1).await.unwrap();
    assert_eq!(setting.store.renewals(parts), begun, "of another kind");
    assert!(setting.store.renewals(u64::MAX) > begun);
    setting.reader.get(&setting.request(Some(0)), &1).await.unwrap();
    assert!(setting.store.renewals(parts) > begun, "the value before the failure was alive");
    let begun = setting.store.renewals(u64::MAX);
    setting.pass(1);
    setting.reader.get(&setting.request(Some(0)), &1).await.unwrap();
    assert!(setting.store.renewals(parts) > begun);
    assert_eq!(setting.store.evictions(u64::MAX), 0);
    let begun = setting.store.renewals(u64::MAX);
    setting.reader.evict(|_| true);
    assert!(setting.store.renewals(parts) > begun);
}

#[tokio::test(start_paused = true)]
async fn what_is_evicted_is_counted_and_takes_no_room() {
    let setting = Setting::new(Owner::default());
    let (people, reports): (Vec<usize>, Vec<usize>) = ((2000..2100).collect(), (3000..3050).collect());
    setting.reader.get_many(&setting.request(None), &people).await;
    let of_people = setting.store.bytes();
    setting.reader.get_many(&setting.report(), &reports).await;
    assert_eq!(setting.reader.evict(|key| *key >= 3000), 50);
    assert_eq!(setting.store.bytes(), of_people);
    assert!(setting.reader.peek(&setting.request(None), &2000).is_some());
    assert_eq!(setting.reader.evict(|_| true), 100);
    assert_eq!((setting.store.bytes(), setting.reader.evict(|_| true)), (0, 0));
    assert!(setting.reader.peek(&setting.request(None), &2000).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_request_knows_whether_something_was_read_for_it() {
    let setting = Setting::new(Owner::default());
    let request = setting.request(None);
    setting.reader.get(&request, &1).await.unwrap();
    assert!(request.observed.live() && !request.observed.stale());
    setting.pass(1);
    let request = setting.request(None);
    setting.reader.get(&request, &1).await.unwrap();
    assert!(!request.observed.live());
}

fn deal(id: &str, link: Link) -> Deal {
    Deal {
        id: DealId::new(id),
        name: None,
        pipeline: None,
        stage: None,
        status: None,
        amount: None,
        expected_margin: None,
        close_date: None,
        owner: None,
        vertical: None,
        deal_type: None,
        scope: None,
        client: None,
        client_country: None,
        link,
        created_at: None,
        updated_at: None,
        url: None,
        flaws: Vec::new(),
    }
}

#[test]
fn where_a_deal_led_is_remembered_until_it_leads_elsewhere() {
    let rule = SharedIdRule::new(regex::Regex::new("^P[0-9]+$").unwrap(), &[]);
    let project = |text: &str| rule.parse(text).unwrap();
    let links = Links::new(100);
    let id = DealId::new("1");
    assert_eq!(links.of(&id), None);
    links.saw(&deal("1", Link::To(project("P1"))));
    assert_eq!(links.of(&id), Some(project("P1")));
    links.saw(&deal("1", Link::To(project("P2"))));
    assert_eq!(links.of(&id), Some(project("P2")));
    links.saw(&deal("1", Link::Malformed("p?".to_owned())));
    assert_eq!(links.of(&id), None);
    links.saw(&deal("1", Link::To(project("P1"))));
    links.forget(&id);
    assert_eq!(links.of(&id), None);
}

#[test]
fn the_memory_of_links_is_bounded_and_keeps_the_latest() {
    let rule = SharedIdRule::new(regex::Regex::new("^P[0-9]+$").unwrap(), &[]);
    let links = Links::new(100);
    for number in 0..1000 {
        links.saw(&deal(&number.to_string(), Link::To(rule.parse(&format!("P{number}")).unwrap())));
    }
    let kept: Vec<i32> = (0..1000).filter(|number| links.of(&DealId::new(number.to_string())).is_some()).collect();
    assert!((50..=100).contains(&kept.len()), "{}", kept.len());
    assert!(kept.into_iter().all(|number| number >= 900));
}

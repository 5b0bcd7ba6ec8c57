//! What travels together, what does not, and who waits for whom.

use super::*;

async fn after(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_alone_waits_for_no_window() {
    let setting = Setting::new(Owner::default());
    let before = Instant::now();
    setting.reader.get(&setting.request(None), &1).await.unwrap();
    setting.reader.get_many(&setting.request(None), &[2, 3]).await;
    assert_eq!(Instant::now(), before, "no timer has run");
    assert_eq!(setting.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_while_a_batch_is_in_the_air_leaves_together_a_millisecond_later() {
    let setting = Setting::new(Owner { latency: Duration::from_millis(20), ..Owner::default() });
    let mut reads = vec![setting.spawn(setting.request(None), 20)];
    setting.until_asked(1).await;
    for key in 21..60 {
        reads.push(setting.spawn(setting.request(None), key));
        settle().await;
    }
    assert_eq!(setting.calls(), 1);
    after(2).await;
    assert_eq!(setting.calls(), 2);
    for (key, read) in (20..).zip(join_all(reads).await) {
        assert_eq!(value(&read.unwrap()), Some(key * 10));
    }
    assert_eq!(setting.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_a_millisecond_after_the_last_batch_left_waits_for_nobody() {
    let setting = Setting::new(Owner { latency: Duration::from_millis(20), ..Owner::default() });
    let first = setting.spawn(setting.request(None), 1);
    setting.until_asked(1).await;
    after(5).await;
    let before = Instant::now();
    let second = setting.spawn(setting.request(None), 2);
    setting.until_asked(2).await;
    assert_eq!(Instant::now(), before, "no timer has run");
    let third = setting.spawn(setting.request(None), 3);
    settle().await;
    assert_eq!(setting.calls(), 2, "but the next one waits for others");
    for read in [first, second, third] {
        read.await.unwrap().unwrap();
    }
    assert_eq!(setting.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_leaves_at_once_and_the_rest_in_its_window() {
    let setting = Setting::new(Owner { latency: Duration::from_millis(20), ..Owner::default() });
    let first = setting.spawn(setting.request(None), 1);
    setting.until_asked(1).await;
    let (reader, request) = (Arc::clone(&setting.reader), setting.request(None));
    let keys: Vec<usize> = (100..350).collect();
    let many = tokio::spawn(async move { reader.get_many(&request, &keys).await });
    settle().await;
    assert_eq!(setting.calls(), 3, "two hundred of them");
    after(2).await;
    assert_eq!(setting.calls(), 4, "and fifty");
    assert!(many.await.unwrap().iter().all(Result::is_ok));
    first.await.unwrap().unwrap();
    assert_eq!(setting.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_key_named_twice_is_asked_once() {
    let setting = Setting::new(Owner::default());
    let reads = setting.reader.get_many(&setting.request(None), &[5, 6, 5]).await;
    assert_eq!(reads.iter().map(value).collect::<Vec<_>>(), [Some(50), Some(60), Some(50)]);
    assert_eq!(setting.owner.largest.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn hits_and_misses_come_back_in_the_order_of_the_keys() {
    let setting = Setting::new(Owner::default());
    setting.reader.get_many(&setting.request(None), &[1, 2, 4]).await;
    let reads = setting.reader.get_many(&setting.request(None), &[1, 2, 3, 4, 950, 5]).await;
    assert_eq!(reads.iter().map(value).collect::<Vec<_>>(), [Some(10), Some(20), Some(30), Some(40), None, Some(50)]);
    assert_eq!((setting.calls(), setting.owner.largest.load(Ordering::SeqCst)), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_person_does_not_wait_with_a_report_but_a_report_does_with_a_person() {
    let hold = Arc::new(Notify::new());
    let setting = Setting::new(Owner { hold: Some(Arc::clone(&hold)), ..Owner::default() });
    let report = setting.spawn(setting.report(), 1);
    setting.until_asked(1).await;
    let person = setting.spawn(setting.request(None), 1);
    setting.until_asked(2).await;
    let late_report = setting.spawn(setting.report(), 1);
    settle().await;
    hold.notify_waiters();
    for read in [report, person, late_report] {
        assert_eq!(value(&read.await.unwrap()), Some(10));
    }
    assert_eq!(*setting.owner.asked_as.lock().unwrap(), [Priority::Report, Priority::Interactive]);
}

#[tokio::test(start_paused = true)]
async fn people_and_reports_do_not_share_a_batch_and_a_report_in_the_air_holds_no_person_up() {
    let setting = Setting::new(Owner { latency: Duration::from_millis(20), ..Owner::default() });
    let report = setting.spawn(setting.report(), 1);
    setting.until_asked(1).await;
    let before = Instant::now();
    let person = setting.spawn(setting.request(None), 2);
    setting.until_asked(2).await;
    assert_eq!(Instant::now(), before);
    assert_eq!(*setting.owner.asked_as.lock().unwrap(), [Priority::Report, Priority::Interactive]);
    report.await.unwrap().unwrap();
    person.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_has_not_left_yet_is_joined_by_a_no_cache_request_and_survives_an_eviction() {
    let setting = Setting::new(Owner { latency: Duration::from_millis(20), ..Owner::default() });
    let first = setting.spawn(setting.request(None), 1);
    setting.until_asked(1).await;
    let early = setting.spawn(setting.request(None), 2);
    settle().await;
    setting.pass(1);
    setting.reader.evict(|key| *key == 2);
    setting.correct();
    let late = setting.spawn(setting.request(Some(0)), 2);
    let late = late.await.unwrap().unwrap();
    assert_eq!((late.value.as_deref(), late.status), (Some(&21), SourceStatus::Live));
    assert_eq!(value(&early.await.unwrap()), Some(21));
    first.await.unwrap().unwrap();
    assert_eq!(setting.calls(), 2);
    assert_eq!(setting.says(None, 2).await, Ok((Some(21), SourceStatus::Live)), "and it was kept");
}

#[tokio::test(start_paused = true)]
async fn a_load_that_has_outlived_the_time_to_live_is_not_joined() {
    let hold = Arc::new(Notify::new());
    let setting = Setting::new(Owner { hold: Some(Arc::clone(&hold)), ..Owner::default() });
    let early = setting.spawn(setting.request(None), 1);
    setting.until_asked(1).await;
    setting.pass(30);
    let late = setting.spawn(setting.request(None), 1);
    after(2).await;
    assert_eq!(setting.calls(), 2);
    hold.notify_waiters();
    early.await.unwrap().unwrap();
    assert_eq!(late.await.unwrap().unwrap().status, SourceStatus::Live);
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_never_answers_is_given_up_and_asked_again() {
    let setting = Setting::new(Owner { hold: Some(Arc::new(Notify::new())), ..Owner::default() });
    let request = ReadOptions { deadline: Instant::now() + Duration::from_mins(1), ..setting.request(None) };
    let read = setting.reader.get(&request, &1).await;
    assert_eq!(read.unwrap_err().kind, ErrorKind::Deadline);
    setting.pass(2);
    let again = setting.spawn(setting.request(None), 1);
    setting.until_asked(2).await;
    again.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn from_many_threads_every_key_is_answered_and_asked_once() {
    let setting = Arc::new(Setting::new(Owner { dawdles: true, ..Owner::default() }));
    let tasks = (0..64_usize).map(|task| {
        let setting = Arc::clone(&setting);
        tokio::spawn(async move {
            for round in 0..50 {
                let keys: Vec<usize> = (0..8).map(|at| 2000 + (round * 8 + at + task) % 400).collect();
                let reads = setting.reader.get_many(&setting.request(None), &keys).await;
                assert!(keys.iter().zip(&reads).all(|(key, read)| value(read) == Some(key * 10)));
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    assert_eq!(setting.owner.keys.load(Ordering::SeqCst), 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn from_many_threads_nobody_reads_what_was_evicted_before_they_began() {
    const KEYS: usize = 4;
    let setting = Arc::new(Setting::new(Owner { dawdles: true, ..Owner::default() }));
    let told_of = Arc::new(AtomicUsize::new(0));
    let (done, mut reads) = tokio::sync::mpsc::channel(8);
    let readers: Vec<_> = (0..8_usize)
        .map(|task| {
            let (setting, told_of, done) = (Arc::clone(&setting), Arc::clone(&told_of), done.clone());
            tokio::spawn(async move {
                for key in (0..KEYS).cycle().skip(task) {
                    let least = told_of.load(Ordering::SeqCst);
                    let read = setting.reader.get(&setting.request(None), &key).await;
                    let revision = value(&read).unwrap() - key * 10;
                    assert!(revision >= least, "{revision}, after {least} had been told of");
                    if done.send(()).await.is_err() {
                        break;
                    }
                }
            })
        })
        .collect();
    for revision in 1..=300 {
        // While loads are under way.
        for _ in 0..3 {
            reads.recv().await.unwrap();
        }
        setting.correct();
        setting.reader.evict(|key| (0..KEYS).contains(key));
        told_of.store(revision, Ordering::SeqCst);
    }
    drop(reads);
    for reader in readers {
        reader.await.unwrap();
    }
}

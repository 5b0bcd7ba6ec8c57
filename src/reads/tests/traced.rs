//! What a request can see of how it was answered.

use super::*;

fn traced(request: ReadOptions) -> (ReadOptions, Arc<Trace>) {
    let trace = Arc::new(Trace::default());
    (ReadOptions { trace: Some(Arc::clone(&trace)), ..request }, trace)
}

fn only(trace: &Trace) -> ReadTrace {
    let mut reads = trace.reads();
    assert_eq!(reads.len(), 1);
    reads.remove(0)
}

#[tokio::test(start_paused = true)]
async fn keys_hits_and_calls_are_counted_per_reader() {
    let setting = Setting::new(Owner::default());
    setting.reader.get_many(&setting.request(None), &[100, 101]).await;
    let (request, trace) = traced(setting.request(None));
    let keys: Vec<usize> = (100..250).collect();
    setting.reader.get_many(&request, &keys).await;
    setting.reader.get(&request, &100).await.unwrap();
    let read = only(&trace);
    assert_eq!((read.connection.as_str(), read.read), ("owner", "numbers"));
    // What the request has at hand it does not ask for again.
    assert_eq!((read.asked, read.hits, read.stale, read.joined), (150, 2, 0, 0));
    let batches: Vec<_> = read.batches.iter().map(|batch| (batch.keys, batch.calls, batch.shared)).collect();
    assert_eq!(batches, [(100, 1, false), (48, 1, false)]);
}

#[tokio::test(start_paused = true)]
async fn a_shared_batch_is_reported_by_all_who_waited_for_it() {
    let hold = Arc::new(Notify::new());
    let setting = Setting::new(Owner { hold: Some(Arc::clone(&hold)), ..Owner::default() });
    let (leader, leaders) = traced(setting.request(None));
    let (follower, followers) = traced(setting.request(None));
    let first = setting.spawn(leader, 1);
    setting.until_asked(1).await;
    setting.clock.advance(Duration::from_millis(5));
    let second = setting.spawn(follower, 1);
    settle().await;
    setting.clock.advance(Duration::from_millis(5));
    hold.notify_waiters();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    let (leaders, followers) = (only(&leaders), only(&followers));
    assert_eq!((leaders.joined, followers.joined), (0, 1));
    assert_eq!(leaders.batches, followers.batches);
    let batch = &leaders.batches[0];
    assert!(batch.shared);
    assert_eq!((batch.keys, batch.calls, batch.started, batch.took), (1, 1, Duration::ZERO, Duration::from_millis(10)));
}

#[tokio::test(start_paused = true)]
async fn stale_values_are_counted() {
    let setting = Setting::lenient(60, 0);
    setting.says(None, 1).await.unwrap();
    setting.pass(31);
    let (request, trace) = traced(setting.request(None));
    setting.reader.get(&request, &1).await.unwrap();
    let read = only(&trace);
    assert_eq!((read.asked, read.hits, read.stale), (1, 1, 1));
    assert!(read.batches.is_empty(), "nobody waited for the refresh");
}

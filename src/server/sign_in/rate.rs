//! How much each may ask: points that come back with time.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter, clock};

use crate::domain::Clock;

/// The most of those who are counted. Whoever has been quiet long enough to have all points again is forgotten.
const MOST_COUNTED: usize = 100_000;

/// The points of many.
pub(super) struct Points<K: Hash + Eq + Clone> {
    limiter: Option<RateLimiter<K, HashMapStateStore<K>, Ticks, NoOpMiddleware<Duration>>>,
    burst: u32,
    clock: Ticks,
}

impl<K: Hash + Eq + Clone> Points<K> {
    /// So many points a minute, and at most so many at once; 0 a minute is no limit, 0 at once is as many as a minute gives.
    pub(super) fn new(per_minute: u32, burst: u32, clock: &Arc<dyn Clock>) -> Self {
        let clock = Ticks(Arc::clone(clock));
        let burst = if burst == 0 { per_minute } else { burst };
        let quota = NonZeroU32::new(per_minute).zip(NonZeroU32::new(burst));
        let quota = quota.map(|(per_minute, burst)| Quota::per_minute(per_minute).allow_burst(burst));
        let limiter = quota.map(|quota| RateLimiter::hashmap_with_clock(quota, clock.clone()));
        Self { limiter, burst, clock }
    }

    /// Takes points; or says when there will be enough. What costs more than can be had at once costs as much as that.
    pub(super) fn take(&self, key: &K, points: u32) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        let Some(points) = NonZeroU32::new(points.min(self.burst)) else { return Ok(()) };
        if limiter.len() >= MOST_COUNTED {
            limiter.retain_recent();
            if limiter.len() >= MOST_COUNTED {
                return Err(Duration::from_mins(1));
            }
        }
        match limiter.check_key_n(key, points) {
            Ok(Ok(())) | Err(_) => Ok(()),
            Ok(Err(until)) => Err(until.wait_time_from(self.clock.now())),
        }
    }
}

impl<K: Hash + Eq + Clone> std::fmt::Debug for Points<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Points").field("burst", &self.burst).finish_non_exhaustive()
    }
}

/// Our clock, as the limiter wants one.
#[derive(Debug, Clone)]
struct Ticks(Arc<dyn Clock>);

impl clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

/// What is counted as one address. Of IPv6 it is the network: whoever has one address has all of its.
pub(in crate::server) fn one_address(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ManualClock;

    #[test]
    fn points_are_each_ones_own_and_come_back_with_time() {
        let manual = Arc::new(ManualClock::new("2026-06-15T12:00:00Z".parse().unwrap()));
        let clock: Arc<dyn Clock> = Arc::clone(&manual) as _;
        let points = Points::new(60, 10, &clock);
        assert_eq!(points.take(&"a", 10), Ok(()));
        assert_eq!(points.take(&"a", 2), Err(Duration::from_secs(2)));
        assert_eq!(points.take(&"b", 2), Ok(()), "another's");
        manual.advance(Duration::from_secs(2));
        assert_eq!(points.take(&"a", 2), Ok(()));
        manual.advance(Duration::from_secs(10));
        assert_eq!(points.take(&"a", 1000), Ok(()), "it costs all there can be");
        assert!(points.take(&"a", 1).is_err());
        let unlimited = Points::new(0, 0, &clock);
        assert!((0..10_000).all(|_| unlimited.take(&"a", 1000).is_ok()));
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let one = |text: &str| one_address(text.parse().unwrap()).to_string();
        assert_eq!(one("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!((one("10.1.2.3"), one("::ffff:10.1.2.3")), ("10.1.2.3".to_owned(), "10.1.2.3".to_owned()));
    }
}

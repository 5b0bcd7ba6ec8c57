//! `[http]` and `[connections.NAME.http]`: how a system is asked.

use std::time::Duration;

use serde::Deserialize;

use super::duration::Seconds;

/// Limits on the calls to one connection. `[http]` sets them for all, `[connections.NAME.http]` for one.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Traffic {
    /// Time to reach the system: DNS, TCP, TLS.
    pub connect_timeout: Seconds,
    /// Time for one attempt, from sending to the last byte.
    pub attempt_timeout: Seconds,
    /// Time without a single byte after which an answer is given up.
    pub idle_timeout: Seconds,
    /// Attempts after the first, for answers that may be better the next time.
    pub retries: u32,
    /// Calls at once, at most: half of them at first, more while the system answers as fast as usual, fewer while it is slow,
    /// silent, or asks to be asked less. Reports get at most a third of them.
    pub concurrency: usize,
    /// Calls of people that may wait for a free place, and as many of reports; more fail at once.
    pub queue: usize,
    /// Calls per second; 0 is no limit.
    pub rate: u32,
    /// Calls that may be made at once after a pause, where `rate` is set; 0 is as many as `rate`.
    pub burst: u32,
    /// Largest answer, in bytes, after decompression.
    pub max_body: usize,
    /// Largest number of pages of one list read.
    pub max_pages: usize,
    /// Largest sum of all answers of one read, in bytes, after decompression: what is held in memory until it is whole.
    pub max_read: u64,
    /// Failures in a row after which the system is left alone for a while.
    pub breaker_failures: u32,
    /// The first such pause; it doubles up to a minute.
    pub breaker_pause: Seconds,
    /// File of CA certificates (PEM) to trust beside the public ones, e.g. for a server with a private certificate.
    pub ca_file: Option<std::path::PathBuf>,
    /// Whether a system on another machine may be asked by plain HTTP. Whoever is on the way reads the credential and can change
    /// the answers: only where the network itself is trusted with both.
    pub plain_http: bool,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            connect_timeout: Seconds(Duration::from_secs(2)),
            attempt_timeout: Seconds(Duration::from_secs(4)),
            idle_timeout: Seconds(Duration::from_secs(3)),
            retries: 1,
            concurrency: 8,
            queue: 256,
            rate: 0,
            burst: 0,
            max_body: 8 * 1024 * 1024,
            max_pages: 200,
            max_read: 64 * 1024 * 1024,
            breaker_failures: 7,
            breaker_pause: Seconds(Duration::from_secs(1)),
            ca_file: None,
            plain_http: false,
        }
    }
}

//! The real application, as strangers reach it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use spine::app::App;
use spine::config::Config;
use spine::demo::Demo;
use spine::demo::company::grow::Seed;
use spine::demo::erp::Erp;
use spine::domain::{Clock, ManualClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// The moment in which the application believes to be, for ever: what is kept does not grow old, so that a run is the same each time.
pub const NOW: &str = "2026-06-15T12:00:00Z";
/// Its day.
pub const TODAY: &str = "2026-06-15";

/// Longer than any answer may take: `server.request_timeout`, and a little.
const PATIENCE: Duration = Duration::from_secs(12);

/// Words that stand in the configuration and in no answer.
const SECRETS: [&str; 5] =
    ["demo-hubspot-token", "demo-redmine-key", "demo-webhook-secret", "demo-hubspot-client-secret", "panicked at"];

/// An application that answers. All of it is one thread: a run of an input is the same each time.
pub struct Door {
    pub runtime: Runtime,
    address: SocketAddr,
    kept: Option<TcpStream>,
    _demo: Demo,
}

/// An answer of it.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    /// Of an answer that has no end nothing is read.
    pub body: Option<Vec<u8>>,
}

impl Door {
    /// Over the embedded systems of a small company, with more in its configuration. `more` is told the runtime.
    pub fn open(more: impl FnOnce(&Runtime) -> String) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let more = more(&runtime);
        let (address, demo) = runtime.block_on(async {
            let seed = Seed { seed: 42, deals: 12, today: TODAY.parse().expect("a day") };
            let demo = Demo::start(seed, Erp::Sap).await.expect("free ports");
            let config = Config::parse("spine.toml", &format!("{}\n{more}", demo.gateway_config())).expect("valid");
            let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW.parse().expect("a moment")));
            let app = App::build(&config, clock).expect("valid");
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("bound");
            tokio::spawn(app.serve(listener, CancellationToken::new()));
            (address, demo)
        });
        Self { runtime, address, kept: None, _demo: demo }
    }

    /// Sends a request and reads its answer. None if the connection ended without one.
    pub fn send(&mut self, request_line: &str, headers: &[&[u8]], body: &[u8]) -> Option<Answer> {
        let mut request = Vec::with_capacity(body.len() + 512);
        request.extend_from_slice(request_line.as_bytes());
        request.extend_from_slice(b" HTTP/1.1\r\nhost: localhost\r\n");
        for header in headers {
            request.extend_from_slice(header);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        request.extend_from_slice(body);
        let (address, kept) = (self.address, &mut self.kept);
        self.runtime.block_on(async {
            let answer = async {
                if let Some(mut stream) = kept.take()
                    && let Some(answer) = exchange(&mut stream, &request).await
                {
                    return Some((answer, stream));
                }
                let mut stream = TcpStream::connect(address).await.expect("it listens");
                stream.set_nodelay(true).expect("a socket");
                let answer = exchange(&mut stream, &request).await?;
                Some((answer, stream))
            };
            let answer = tokio::time::timeout(PATIENCE, answer).await.expect("every answer comes in time");
            let ((answer, goes_on), stream) = answer?;
            *kept = goes_on.then_some(stream);
            Some(answer)
        })
    }

    /// The connection is not used for another request.
    pub fn hang_up(&mut self) {
        self.kept = None;
    }

    /// POSTs JSON to the graph.
    pub fn post(&mut self, path: &str, accept: &str, body: &[u8]) -> Answer {
        let accept = format!("accept: {accept}");
        let headers: [&[u8]; 2] = [b"content-type: application/json", accept.as_bytes()];
        self.send(&format!("POST {path}"), &headers, body).expect("whoever asks well is answered")
    }
}

/// One request and its answer, and whether the connection can be used once more.
async fn exchange(stream: &mut TcpStream, request: &[u8]) -> Option<(Answer, bool)> {
    // Whoever is refused early is answered before all was sent.
    let sent = stream.write_all(request).await.is_ok();
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a head is text");
    let mut body = bytes.split_off(end + 4);
    let value = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let content_type = value("content-type:").unwrap_or_default();
    let closes = value("connection:").is_some_and(|value| value == "close");
    let Some(length) = value("content-length:") else {
        let empty = matches!(status, 204 | 304);
        return Some((Answer { status, content_type, body: empty.then(Vec::new) }, empty && sent && !closes));
    };
    let length: usize = length.parse().expect("a length");
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    // More is the answer to something that was behind the request.
    let goes_on = sent && !closes && body.len() == length;
    body.truncate(length);
    Some((Answer { status, content_type, body: Some(body) }, goes_on))
}

impl Answer {
    /// The body as JSON, which it must be. It has no secret in it.
    pub fn json(&self) -> Value {
        let body = self.body.as_deref().unwrap_or_default();
        let text = std::str::from_utf8(body).expect("an answer is text");
        for secret in SECRETS {
            assert!(!text.contains(secret), "it tells {secret}: {text}");
        }
        serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?} {text}"))
    }

    /// It is no failure of Spine's own.
    pub fn is_no_failure(&self) -> &Self {
        assert!(
            self.status < 500,
            "{} {}",
            self.status,
            String::from_utf8_lossy(self.body.as_deref().unwrap_or_default())
        );
        self
    }

    /// An answer of the graph: data, or errors that each have a code and a sentence.
    pub fn is_graphql(&self) -> Value {
        let json = self.is_no_failure().json();
        let errors = json.get("errors").map(|errors| errors.as_array().expect("errors are a list"));
        assert!(json.get("data").is_some() || errors.is_some_and(|errors| !errors.is_empty()), "{json}");
        for error in errors.into_iter().flatten() {
            let has = |at: &str| error.pointer(at).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
            assert!(has("/message") && has("/extensions/code"), "{error}");
            assert_ne!(error["extensions"]["code"], "INTERNAL", "{error}");
        }
        assert!(self.status == 200 || json.get("data").is_none(), "{} {json}", self.status);
        json
    }
}

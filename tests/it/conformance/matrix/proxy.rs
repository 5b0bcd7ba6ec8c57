//! Stands in front of a system, asks it what it was asked, and hands its answer on as told: whole, altered, in part, slowly, or
//! not at all. It speaks HTTP over bare sockets, because a server would not break the protocol as a broken one does.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// A request, as it came.
pub(super) struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    /// Path and query.
    pub(super) fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    /// All of it.
    pub(super) fn text(&self) -> String {
        format!("{}{}", self.head, String::from_utf8_lossy(&self.body))
    }

    /// The values of the headers by which it shows who asks, and the words in them that are long enough to be a secret.
    fn credentials(&self) -> impl Iterator<Item = &str> {
        let shows = |line: &str| {
            let line = line.to_ascii_lowercase();
            ["authorization:", "cookie:", "x-redmine-api-key:", "x-api-key:"].iter().any(|name| line.starts_with(name))
        };
        let values = self.head.lines().filter(move |line| shows(line)).filter_map(|line| line.split_once(": "));
        values
            .flat_map(|(_, value)| std::iter::once(value).chain(value.split([' ', ';']).filter(|word| word.len() > 15)))
    }

    /// Whether it asks to be let in, and for no record.
    pub(super) fn signs_in(&self) -> bool {
        ["/Login", "/token"].iter().any(|path| self.target().contains(path))
    }
}

/// An answer of the system, without its framing.
pub(super) struct Answer {
    /// Status line and headers but those that say how the body is framed, each with its end of line.
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Another body under the same head.
    pub(super) fn with(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// As it goes over the wire.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.announced(self.body.len())
    }

    /// With so many bytes announced, whatever there are.
    pub(super) fn announced(&self, length: usize) -> Vec<u8> {
        let head = format!("{}content-length: {length}\r\n\r\n", self.head);
        [head.as_bytes(), self.body.as_slice()].concat()
    }
}

/// What is done with a request.
pub(super) enum Deed {
    /// Send this and keep the connection.
    Send(Vec<u8>),
    /// Send this, which may be nothing, and close.
    Close(Vec<u8>),
    /// Send this and reset the connection.
    Reset(Vec<u8>),
    /// Send this, then nothing more.
    Silence(Vec<u8>),
    /// Send this, then a byte of white space now and then, for ever.
    Drip(Vec<u8>),
    /// Send this, then white space as fast as it is taken, for ever.
    Flood(Vec<u8>),
}

/// What an act sees.
pub(super) struct Moment<'a> {
    pub(super) request: &'a Request,
    /// Which request since the act began, from 0; requests that sign in are not counted.
    pub(super) nth: usize,
    /// Requests that signed in since the act began.
    pub(super) signed_in: usize,
    /// A server that nobody has any business with.
    pub(super) trap: &'a str,
}

/// What is done with requests.
#[derive(Clone, Copy)]
pub(super) enum Act {
    /// The system is not asked. None: it is, and its answer handed on.
    Instead(fn(&Moment<'_>) -> Option<Deed>),
    /// The system is asked, and this becomes of its answer.
    With(fn(&Moment<'_>, Answer) -> Deed),
}

/// The most that one flood sends: far more than anybody should take.
const FLOOD: usize = 64 * 1024 * 1024;

/// A running proxy. Dropping it closes its port and its connections.
pub(super) struct Proxy {
    pub(super) url: String,
    shared: Arc<Shared>,
    tasks: Vec<AbortHandle>,
}

struct Shared {
    /// Host and port of the system.
    system: String,
    trap: String,
    act: Mutex<Option<Act>>,
    asked: AtomicUsize,
    signed_in: AtomicUsize,
    trapped: AtomicUsize,
    flooded: AtomicUsize,
    credentials: Mutex<BTreeSet<String>>,
}

impl Proxy {
    /// Starts one before the system at this URL.
    pub(super) async fn before(system: &str) -> Self {
        let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            system: system.strip_prefix("http://").unwrap().to_owned(),
            trap: format!("http://{}", trap.local_addr().unwrap()),
            act: Mutex::new(None),
            asked: AtomicUsize::new(0),
            signed_in: AtomicUsize::new(0),
            trapped: AtomicUsize::new(0),
            flooded: AtomicUsize::new(0),
            credentials: Mutex::default(),
        });
        let (to_trap, to_front) = (Arc::clone(&shared), Arc::clone(&shared));
        let tasks = vec![
            tokio::spawn(async move {
                while trap.accept().await.is_ok() {
                    to_trap.trapped.fetch_add(1, Ordering::SeqCst);
                }
            })
            .abort_handle(),
            tokio::spawn(async move {
                // The connections live in here, and end with it.
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    stream.set_nodelay(true).unwrap();
                    let shared = Arc::clone(&to_front);
                    connections.spawn(async move { shared.converse(stream).await });
                    while connections.try_join_next().is_some() {}
                }
            })
            .abort_handle(),
        ];
        Self { url, shared, tasks }
    }

    /// From now on, what is done with requests; none to hand on all answers.
    pub(super) fn act(&self, act: Option<Act>) {
        *self.shared.act.lock().unwrap_or_else(PoisonError::into_inner) = act;
        self.shared.asked.store(0, Ordering::SeqCst);
        self.shared.signed_in.store(0, Ordering::SeqCst);
        self.shared.flooded.store(0, Ordering::SeqCst);
    }

    /// Requests since the act began that did not sign in, and those that did.
    pub(super) fn requests(&self) -> (usize, usize) {
        (self.shared.asked.load(Ordering::SeqCst), self.shared.signed_in.load(Ordering::SeqCst))
    }

    /// The most bytes that somebody took of a flood.
    pub(super) fn flooded(&self) -> usize {
        self.shared.flooded.load(Ordering::SeqCst)
    }

    /// What requests showed so far to be let in.
    pub(super) fn credentials(&self) -> BTreeSet<String> {
        self.shared.credentials.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Connections to the server that nobody has any business with.
    pub(super) fn trapped(&self) -> usize {
        self.shared.trapped.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Shared {
    async fn converse(&self, stream: TcpStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(request) = read_request(&mut stream).await? {
            match self.deed(&request).await? {
                Deed::Send(bytes) => stream.write_all(&bytes).await?,
                Deed::Close(bytes) => return stream.write_all(&bytes).await,
                Deed::Reset(bytes) => {
                    stream.write_all(&bytes).await?;
                    // Let the bytes arrive before the reset drops what is still on its way.
                    tokio::time::sleep(Duration::from_millis(if bytes.is_empty() { 0 } else { 10 })).await;
                    return stream.get_ref().set_zero_linger();
                }
                Deed::Silence(bytes) => {
                    stream.write_all(&bytes).await?;
                    // Until the client closes.
                    stream.read_to_end(&mut Vec::new()).await?;
                }
                Deed::Drip(bytes) => {
                    stream.write_all(&bytes).await?;
                    loop {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        stream.write_all(b" ").await?;
                    }
                }
                Deed::Flood(bytes) => {
                    stream.write_all(&bytes).await?;
                    let mut sent = 0;
                    while sent < FLOOD {
                        sent += stream.write(&[b' '; 16 * 1024]).await?;
                        self.flooded.fetch_max(sent, Ordering::SeqCst);
                    }
                }
            }
        }
        Ok(())
    }

    async fn deed(&self, request: &Request) -> io::Result<Deed> {
        let shown = request.credentials().map(str::to_owned);
        self.credentials.lock().unwrap_or_else(PoisonError::into_inner).extend(shown);
        let act = *self.act.lock().unwrap_or_else(PoisonError::into_inner);
        let signed_in = self.signed_in.load(Ordering::SeqCst);
        let nth = if request.signs_in() {
            self.signed_in.fetch_add(1, Ordering::SeqCst);
            0
        } else {
            self.asked.fetch_add(1, Ordering::SeqCst)
        };
        let moment = Moment { request, nth, signed_in, trap: &self.trap };
        if let Some(Act::Instead(act)) = act
            && let Some(deed) = act(&moment)
        {
            return Ok(deed);
        }
        let answer = self.answer_of_the_system(request).await?;
        Ok(match act {
            Some(Act::With(act)) => act(&moment, answer),
            _ => Deed::Send(answer.bytes()),
        })
    }

    /// Asks in HTTP/1.0, so that the answer is all that comes until the connection ends.
    async fn answer_of_the_system(&self, request: &Request) -> io::Result<Answer> {
        let mut lines = request.head.split_inclusive("\r\n");
        let first = lines.next().unwrap().replace("HTTP/1.1", "HTTP/1.0");
        let kept = lines.filter(|line| {
            let line = line.to_ascii_lowercase();
            !line.starts_with("connection:") && !line.starts_with("accept-encoding:")
        });
        let head: String = std::iter::once(first.as_str()).chain(kept).collect();
        let mut stream = TcpStream::connect(&self.system).await?;
        stream.write_all(&[head.as_bytes(), request.body.as_slice()].concat()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end + 2].to_vec()).unwrap().replace("HTTP/1.0", "HTTP/1.1");
        let framing = |line: &str| {
            ["content-length:", "connection:", "transfer-encoding:"].iter().any(|name| line.starts_with(name))
        };
        let head = head.split_inclusive("\r\n").filter(|line| !framing(&line.to_ascii_lowercase())).collect();
        Ok(Answer { head, body: answer[end + 4..].to_vec() })
    }
}

/// Reads a request with its body; none at the end of the connection.
async fn read_request(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let before = head.len();
        if stream.read_line(&mut head).await? == 0 {
            return Ok(None);
        }
        let line = head.get(before..).unwrap_or_default();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await?;
            return Ok(Some(Request { head, body }));
        }
    }
}

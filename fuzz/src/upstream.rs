//! Stands in front of a system, hands on what it is asked and what it answers, and puts other bytes in the place of one answer.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of an answer's body.
pub type Change = Box<dyn FnOnce(Vec<u8>) -> Vec<u8> + Send>;

/// The proxy, for as long as its runtime runs.
#[derive(Clone)]
pub struct Proxy {
    pub url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Requests until the one whose answer is changed, and how.
    change: Option<(usize, Change)>,
    changed: bool,
    /// Bodies of answers, where they are kept.
    kept: Option<Vec<Vec<u8>>>,
}

impl Proxy {
    pub async fn before(system: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let state = Arc::new(Mutex::new(State::default()));
        let (system, shared) = (system.strip_prefix("http://").expect("plain HTTP").to_owned(), Arc::clone(&state));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (system, shared) = (system.clone(), Arc::clone(&shared));
                tokio::spawn(async move { converse(stream, &system, &shared).await });
            }
        });
        Self { url, state }
    }

    /// Changes the answer to the `nth` request from now on, from 0.
    pub fn change(&self, nth: usize, change: Change) {
        let mut state = self.state.lock().expect("nobody panics with it");
        (state.change, state.changed) = (Some((nth, change)), false);
    }

    /// No answer is changed from now on. Whether one was.
    pub fn rest(&self) -> bool {
        let mut state = self.state.lock().expect("nobody panics with it");
        state.change = None;
        std::mem::take(&mut state.changed)
    }

    /// Keeps answers from now on.
    pub fn keep(&self) {
        self.state.lock().expect("nobody panics with it").kept = Some(Vec::new());
    }

    /// Those that were kept.
    pub fn kept(&self) -> Vec<Vec<u8>> {
        self.state.lock().expect("nobody panics with it").kept.take().unwrap_or_default()
    }
}

async fn converse(stream: TcpStream, system: &str, state: &Mutex<State>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let before = head.len();
        if stream.read_line(&mut head).await? == 0 {
            return Ok(());
        }
        let line = head.split_at(before).1.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a client says how long its question is");
        }
        if line != "\r\n" {
            continue;
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let (head_of_answer, answer) = asked(system, &head, &body).await?;
        let change = {
            let mut state = state.lock().expect("nobody panics with it");
            if let Some(kept) = &mut state.kept {
                kept.push(answer.clone());
            }
            match state.change.take() {
                Some((0, change)) => {
                    state.changed = true;
                    Some(change)
                }
                Some((more, change)) => {
                    state.change = Some((more - 1, change));
                    None
                }
                None => None,
            }
        };
        let answer = match change {
            Some(change) => change(answer),
            None => answer,
        };
        let head_of_answer = format!("{head_of_answer}content-length: {}\r\n\r\n", answer.len());
        stream.write_all(&[head_of_answer.as_bytes(), &answer].concat()).await?;
        (head, length) = (String::new(), 0);
    }
}

/// Asks in HTTP/1.0, so that the answer is all that comes until the connection ends. Its head is without its framing.
async fn asked(system: &str, head: &str, body: &[u8]) -> io::Result<(String, Vec<u8>)> {
    let dropped = |line: &str, names: &[&str]| names.iter().any(|name| line.to_ascii_lowercase().starts_with(name));
    let head: String =
        head.split_inclusive("\r\n").filter(|line| !dropped(line, &["connection:", "accept-encoding:"])).collect();
    let head = head.replacen("HTTP/1.1", "HTTP/1.0", 1);
    let mut stream = TcpStream::connect(system).await?;
    stream.write_all(&[head.as_bytes(), body].concat()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a system answers");
    let head = String::from_utf8_lossy(&answer[..end + 2]).replacen("HTTP/1.0", "HTTP/1.1", 1);
    let framing = ["content-length:", "connection:", "transfer-encoding:"];
    let head = head.split_inclusive("\r\n").filter(|line| !dropped(line, &framing)).collect();
    Ok((head, answer[end + 4..].to_vec()))
}

//! A raw TCP server that answers each request as told, or does not.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// What to do with a request.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Send these bytes and keep the connection.
    Answer(Vec<u8>),
    /// Send these bytes, which may be none, and close.
    Close(Vec<u8>),
    /// Send these bytes and reset the connection.
    Reset(Vec<u8>),
    /// Send these bytes, then nothing more, and keep the connection.
    Silence(Vec<u8>),
    /// Send these bytes, then one byte more every so often, for ever.
    Drip(Vec<u8>, Duration),
}

/// An upstream system.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) url: Url,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Upstream {
    /// Starts one that does `act(n)` with request `n`, from 0.
    pub(super) async fn start(act: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let connections = Arc::new(AtomicUsize::new(0));
        let upstream = Self { url, requests: Arc::clone(&requests), connections: Arc::clone(&connections) };
        let act = Arc::new(act);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                let (act, requests) = (Arc::clone(&act), Arc::clone(&requests));
                tokio::spawn(async move { converse(stream, &*act, &requests).await });
            }
        });
        upstream
    }

    /// Requests that arrived.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Connections that were made.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A JSON answer.
pub(super) fn json(status: &str, body: &str) -> Act {
    Act::Answer(message(status, "content-type: application/json\r\n", body.as_bytes()))
}

/// An answer with its length.
pub(super) fn message(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut message = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len()).into_bytes();
    message.extend_from_slice(body);
    message
}

async fn converse(
    stream: TcpStream,
    act: &(dyn Fn(usize) -> Act + Send + Sync),
    requests: &AtomicUsize,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while read_request(&mut stream).await? {
        match act(requests.fetch_add(1, Ordering::SeqCst)) {
            Act::Answer(bytes) => stream.write_all(&bytes).await?,
            Act::Close(bytes) => return stream.write_all(&bytes).await,
            Act::Reset(bytes) => {
                stream.write_all(&bytes).await?;
                // Let the bytes arrive before the reset drops what is still on its way.
                tokio::time::sleep(Duration::from_millis(20)).await;
                return stream.get_ref().set_zero_linger();
            }
            Act::Silence(bytes) => {
                stream.write_all(&bytes).await?;
                // Until the client closes.
                stream.read_to_end(&mut Vec::new()).await?;
            }
            Act::Drip(bytes, every) => {
                stream.write_all(&bytes).await?;
                loop {
                    tokio::time::sleep(every).await;
                    stream.write_all(b" ").await?;
                }
            }
        }
    }
    Ok(())
}

/// Reads a request with its body; `false` at the end of the connection.
async fn read_request(stream: &mut BufReader<TcpStream>) -> io::Result<bool> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(false);
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            stream.read_exact(&mut vec![0; length]).await?;
            return Ok(true);
        }
    }
}

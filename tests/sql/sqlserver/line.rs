//! The line to a client: packets, and TLS, whose handshake travels in packets of PRELOGIN (MS-TDS 3.2.5.2). From then on
//! packets travel in TLS.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Types of packets.
pub(super) const BATCH: u8 = 0x01;
pub(super) const RPC: u8 = 0x03;
pub(super) const ANSWER: u8 = 0x04;
pub(super) const ATTENTION: u8 = 0x06;
pub(super) const TRANSACTION: u8 = 0x0e;
pub(super) const LOGIN: u8 = 0x10;
pub(super) const PRELOGIN: u8 = 0x12;

pub(super) struct Line {
    tcp: TcpStream,
    tls: Option<ServerConnection>,
    /// Bytes of a packet, once both sides have agreed.
    pub(super) packet: usize,
}

impl Line {
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self { tcp, tls: None, packet: 4096 }
    }

    /// The next message: the type of its packets, and what they hold.
    pub(super) async fn message(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut body = Vec::new();
        loop {
            let mut header = [0; 8];
            self.read(&mut header).await?;
            let [kind, status, high, low, ..] = header;
            let length = usize::from(u16::from_be_bytes([high, low])).saturating_sub(8);
            let begin = body.len();
            body.resize(begin + length, 0);
            self.read(&mut body[begin..]).await?;
            if status & 1 == 1 {
                return Ok((kind, body));
            }
        }
    }

    /// Sends a message in as many packets as it takes.
    pub(super) async fn send(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(body.len() + 64);
        let parts: Vec<&[u8]> = if body.is_empty() { vec![body] } else { body.chunks(self.packet - 8).collect() };
        for (at, part) in parts.iter().enumerate() {
            let last = u8::from(at + 1 == parts.len());
            let [high, low] = u16::try_from(part.len() + 8).unwrap().to_be_bytes();
            let number = u8::try_from((at + 1) % 256).unwrap();
            bytes.extend([kind, last, high, low, 0, 51, number, 0]);
            bytes.extend(*part);
        }
        self.write(&bytes).await
    }

    /// The handshake of TLS. After it, everything is encrypted.
    pub(super) async fn encrypt(&mut self, config: Arc<ServerConfig>) -> io::Result<()> {
        let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
        loop {
            let mut out = Vec::new();
            while tls.wants_write() {
                tls.write_tls(&mut out)?;
            }
            if !out.is_empty() {
                self.send(PRELOGIN, &out).await?;
            }
            if !tls.is_handshaking() {
                break;
            }
            let (_, body) = self.message().await?;
            let mut rest = body.as_slice();
            while !rest.is_empty() {
                tls.read_tls(&mut rest)?;
                tls.process_new_packets().map_err(io::Error::other)?;
            }
        }
        self.tls = Some(tls);
        Ok(())
    }

    async fn read(&mut self, wanted: &mut [u8]) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return self.tcp.read_exact(wanted).await.map(drop) };
        let mut filled = 0;
        while filled < wanted.len() {
            match tls.reader().read(&mut wanted[filled..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let mut buffer = [0; 4096];
                    let read = self.tcp.read(&mut buffer).await?;
                    if read == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    let mut rest = &buffer[..read];
                    while !rest.is_empty() {
                        tls.read_tls(&mut rest)?;
                        tls.process_new_packets().map_err(io::Error::other)?;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return self.tcp.write_all(bytes).await };
        for part in bytes.chunks(16_000) {
            tls.writer().write_all(part)?;
            let mut out = Vec::new();
            while tls.wants_write() {
                tls.write_tls(&mut out)?;
            }
            self.tcp.write_all(&out).await?;
        }
        Ok(())
    }
}

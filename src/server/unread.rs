//! Answers that nobody reads: whoever asks, and does not take the answer, keeps a place among the connections and the answer in
//! memory for no longer than a while.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A stream that fails once nothing of what is written to it has been taken for a while.
#[derive(Debug)]
pub(super) struct Unread<Stream> {
    stream: Stream,
    patience: Duration,
    /// When it fails; none while what is written is taken.
    until: Option<Pin<Box<Sleep>>>,
}

impl<Stream> Unread<Stream> {
    pub(super) fn new(stream: Stream, patience: Duration) -> Self {
        Self { stream, patience, until: None }
    }

    /// What a write came to, or that it waits for too long.
    fn written<T>(&mut self, context: &mut Context<'_>, written: Poll<Result<T>>) -> Poll<Result<T>> {
        if written.is_ready() {
            self.until = None;
            return written;
        }
        let patience = self.patience;
        let until = self.until.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(until.as_mut().poll(context));
        // Whoever writes once more, waits once more.
        until.as_mut().reset(Instant::now() + patience);
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the answer is not read")))
    }
}

impl<Stream: AsyncRead + Unpin> AsyncRead for Unread<Stream> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<Stream: AsyncWrite + Unpin> AsyncWrite for Unread<Stream> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.written(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(context);
        self.written(context, ended)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn what_nobody_reads_is_given_up_and_what_is_read_slowly_is_not() {
        let (near, mut far) = duplex(8);
        let mut near = Unread::new(near, PATIENCE);
        let slowly = async {
            for byte in b"a long answer" {
                sleep(PATIENCE.saturating_sub(Duration::from_secs(1))).await;
                assert_eq!(far.read_u8().await.unwrap(), *byte);
            }
        };
        let (written, ()) = tokio::join!(near.write_all(b"a long answer"), slowly);
        written.unwrap();
        let began = Instant::now();
        let error = near.write_all(b"another one").await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed()), (ErrorKind::TimedOut, PATIENCE));
    }
}

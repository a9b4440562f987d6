//! A connection whose client takes nothing is dropped: a reader who stands still holds buffers, and nothing else ends it.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// A connection with a limit on how long a write may stand still.
pub struct Stall<S> {
    inner: S,
    patience: Duration,
    /// Runs while a write waits.
    limit: Option<Pin<Box<Sleep>>>,
}

impl<S> Stall<S> {
    /// A connection on which nothing waits.
    pub fn new(inner: S, patience: Duration) -> Self {
        Self { inner, patience, limit: None }
    }

    /// What it is about.
    #[cfg(test)]
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The outcome of a write, unless it has waited too long.
    fn watch<T>(&mut self, context: &mut Context<'_>, poll: Poll<Result<T>>) -> Poll<Result<T>> {
        if poll.is_ready() {
            self.limit = None;
            return poll;
        }
        let over = Instant::now() + self.patience;
        let limit = self.limit.get_or_insert_with(|| Box::pin(sleep_until(over)));
        ready!(limit.as_mut().poll(context));
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client takes nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stall<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stall<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.watch(context, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_flush(context);
        self.watch(context, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_shutdown(context);
        self.watch(context, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write_vectored(context, parts);
        self.watch(context, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(400);

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_dropped_after_the_limit_and_not_before() {
        let (server, _client) = duplex(16);
        let mut server = Stall::new(server, PATIENCE);
        let began = Instant::now();
        let error = server.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let waited = began.elapsed();
        assert!(waited >= PATIENCE && waited < PATIENCE * 20, "{waited:?}");
    }

    #[tokio::test]
    async fn a_client_that_is_slow_is_not() {
        let (server, mut client) = duplex(16);
        let mut server = Stall::new(server, PATIENCE);
        let write = async { server.write_all(&[0; 160]).await };
        let read = async {
            let mut buffer = [0; 16];
            // Longer than the limit in all, and never at once.
            for _ in 0..10 {
                tokio::time::sleep(PATIENCE / 8).await;
                client.read_exact(&mut buffer).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(write, read);
        written.unwrap();
    }
}

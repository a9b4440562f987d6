//! Connections and what is under way on each. A client that sends the head of a request byte by byte, or nothing, is cut off
//! when its time is over; one whose request is being answered, or still sent, is left to the limits of requests. poem
//! (through 3.1.12) has no time-out for heads, and waits for ever for the rest of one, also after its idle time.
//!
//! And a response whose body fails breaks off. poem goes on with a connection that has failed, and then hyper (1.12) ends the
//! body as if it were whole: half an export would look like all of it.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::BoxBody;
use poem::http::Version;
use poem::{Body, Endpoint, Request, Response, Result};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::bytes::Bytes;

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the head of a request, from the connection or the head's first byte on.
    pub head: Duration,
    /// Between a response and the first byte of the next request.
    pub idle: Duration,
}

/// The connections that are open, by the address at their other end.
#[derive(Clone, Default)]
pub struct Connections(Arc<Mutex<HashMap<SocketAddr, Arc<Underway>>>>);

/// What is under way on one connection.
#[derive(Default)]
struct Underway {
    /// Requests whose head was read and whose response has not ended.
    now: AtomicUsize,
    /// Requests so far.
    ever: AtomicU64,
    /// Whether the body of a response failed: nothing more is written.
    is_broken: AtomicBool,
}

impl Connections {
    /// Watches a new connection.
    pub fn watch<S>(&self, inner: S, peer: SocketAddr, patience: Patience) -> Watched<S> {
        let underway = Arc::<Underway>::default();
        self.lock().insert(peer, Arc::clone(&underway));
        Watched {
            inner,
            open: Open { connections: self.clone(), peer, underway },
            patience,
            seen: 0,
            has_begun: true,
            deadline: Box::pin(sleep_until(Instant::now() + patience.head)),
        }
    }

    /// The endpoint, which tells the connections when their requests begin and end.
    pub fn endpoint<E: Endpoint>(&self, inner: E) -> Told<E> {
        Told { inner, connections: self.clone() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SocketAddr, Arc<Underway>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the list of connections, for as long as there is one.
struct Open {
    connections: Connections,
    peer: SocketAddr,
    underway: Arc<Underway>,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut connections = self.connections.lock();
        // The address may have a new connection by now.
        if connections.get(&self.peer).is_some_and(|own| Arc::ptr_eq(own, &self.underway)) {
            connections.remove(&self.peer);
        }
    }
}

/// A connection with a deadline for each head.
pub struct Watched<S> {
    inner: S,
    open: Open,
    patience: Patience,
    /// Requests that had begun when it was last read.
    seen: u64,
    /// Whether the first byte of the next head may have come.
    has_begun: bool,
    deadline: Pin<Box<Sleep>>,
}

impl<S> Watched<S> {
    /// The socket itself.
    #[cfg(test)]
    pub fn socket(&self) -> &S {
        &self.inner
    }

    /// Fails once a body has failed.
    fn check_whole(&self) -> io::Result<()> {
        match self.open.underway.is_broken.load(Ordering::Acquire) {
            true => Err(io::Error::new(io::ErrorKind::BrokenPipe, "a response broke off")),
            false => Ok(()),
        }
    }

    fn wait(&mut self, time: Duration) {
        self.deadline.as_mut().reset(Instant::now() + time);
    }

    /// Fails once the deadline is over; wakes the reader then.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let over = self.deadline.as_mut().poll(context);
        over.map(|()| io::Error::new(io::ErrorKind::TimedOut, "no whole head in time"))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.open.underway.now.load(Ordering::Acquire) > 0 {
            return Pin::new(&mut self.inner).poll_read(context, buffer);
        }
        let ever = self.open.underway.ever.load(Ordering::Acquire);
        if ever != self.seen {
            self.seen = ever;
            self.has_begun = false;
            let idle = self.patience.idle;
            self.wait(idle);
        }
        if let Poll::Ready(error) = self.poll_deadline(context) {
            return Poll::Ready(Err(error));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        let came = buffer.filled().len() > before;
        if came && !self.has_begun {
            self.has_begun = true;
            let head = self.patience.head;
            self.wait(head);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_whole()?;
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_whole()?;
        Pin::new(&mut self.inner).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

/// An endpoint that tells the connections of their requests.
pub struct Told<E> {
    inner: E,
    connections: Connections,
}

impl<E: Endpoint> Endpoint for Told<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let peer = request.remote_addr().as_socket_addr().copied();
        let underway = peer.and_then(|peer| self.connections.lock().get(&peer).cloned());
        // In HTTP/2 the stream alone is reset, and others go on.
        let is_alone = request.version() < Version::HTTP_2;
        let request_underway = underway.map(RequestUnderway::begin);
        let mut response = self.inner.get_response(request).await;
        let inner: BoxBody<Bytes, io::Error> = response.take_body().into();
        let body = BodyUnderway { inner, request: request_underway, is_alone };
        response.set_body(Body::from(BoxBody::new(body)));
        Ok(response)
    }
}

/// A request, until its response has ended.
struct RequestUnderway(Arc<Underway>);

impl RequestUnderway {
    fn begin(underway: Arc<Underway>) -> Self {
        underway.ever.fetch_add(1, Ordering::AcqRel);
        underway.now.fetch_add(1, Ordering::AcqRel);
        Self(underway)
    }
}

impl Drop for RequestUnderway {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The same body, at whose end the request ends.
struct BodyUnderway {
    inner: BoxBody<Bytes, io::Error>,
    request: Option<RequestUnderway>,
    /// Whether the connection carries nothing beside it.
    is_alone: bool,
}

impl HttpBody for BodyUnderway {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, io::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let (Poll::Ready(Some(Err(_))), Some(request), true) =
            (&polled, &self.request, self.is_alone)
        {
            request.0.is_broken.store(true, Ordering::Release);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

//! Requests to addresses that tenants give. Nobody else's client speaks to such an address.
//!
//! Whoever may name an address may try to name one inside: the database, the metadata of the machine, a neighbour. So the
//! address is read strictly, its host is resolved here and once, every number that comes out must be public, and the
//! connection goes to exactly the number that was checked. No proxy of the environment is asked, no cookie is kept, nothing
//! is unpacked, and a redirect is a new address that is checked like the first.

mod address;
mod connect;
mod error;
mod exchange;
mod guard;
mod resolve;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use hyper::{Method, StatusCode};
use ipnet::IpNet;

pub use address::is_public;
pub use error::OutboundError;
pub use guard::{Guard, Target};
pub use resolve::{Resolver, SystemResolver};

use connect::Connector;

/// What may be reached, and how much of an answer is taken.
#[derive(Clone, Debug)]
pub struct OutboundSettings {
    /// Ranges that may be reached although they are not public.
    pub allow: Vec<IpNet>,
    /// Ports that may be reached.
    pub ports: Vec<u16>,
    /// Whether addresses may go without TLS.
    pub http: bool,
    /// Authorities that are trusted beside the public ones, as PEM.
    pub authorities: Option<Vec<u8>>,
    /// Time for name, connection and TLS.
    pub connect_timeout: Duration,
    /// Time for the whole request, redirects included.
    pub timeout: Duration,
    /// Longest head of an answer, in bytes.
    pub max_header_bytes: usize,
    /// Longest body of an answer, in bytes.
    pub max_body_bytes: usize,
}

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct OutboundRequest {
    /// How; only a GET follows redirects.
    pub method: Method,
    /// Where to, as [`Outbound::target`] read it.
    pub target: Target,
    /// Headers beside `host` and `user-agent`; another origin, where a redirect leads, is not told them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What is sent.
    pub body: Bytes,
    /// Redirects that are followed at most.
    pub max_redirects: u32,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct OutboundResponse {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, as it was sent.
    pub body: Bytes,
    /// Address that answered.
    pub target: Target,
}

/// The client.
#[derive(Clone, Debug)]
pub struct Outbound {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    guard: Guard,
    connector: Connector,
    settings: OutboundSettings,
}

impl Outbound {
    /// A client that resolves names as the system does.
    ///
    /// # Errors
    /// [`OutboundError::Settings`]: the authorities are no certificates.
    pub fn new(settings: OutboundSettings) -> Result<Self, OutboundError> {
        Self::with_resolver(settings, Arc::new(SystemResolver))
    }

    /// The same with another way to resolve names.
    ///
    /// # Errors
    /// [`OutboundError::Settings`]: the authorities are no certificates.
    pub fn with_resolver(
        settings: OutboundSettings,
        resolver: Arc<dyn Resolver>,
    ) -> Result<Self, OutboundError> {
        let guard = Guard::new(&settings);
        let connector = Connector::new(&settings, guard.clone(), resolver)?;
        Ok(Self { inner: Arc::new(Inner { guard, connector, settings }) })
    }

    /// Reads an address, as far as it can be judged without asking for its name.
    ///
    /// # Errors
    /// [`OutboundError::Address`]: nothing will ever be sent there.
    pub fn target(&self, text: &str) -> Result<Target, OutboundError> {
        self.inner.guard.target(text)
    }

    /// Sends a request and reads the answer, also one that redirects; then where that leads, which passed as text and which nobody
    /// was asked for. `max_redirects` counts for nothing.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_once(
        &self,
        request: &OutboundRequest,
    ) -> Result<(OutboundResponse, Option<Target>), OutboundError> {
        tokio::time::timeout(self.inner.settings.timeout, self.once(request))
            .await
            .unwrap_or(Err(OutboundError::Timeout))
    }

    /// Sends a request and reads the answer, whatever its status.
    ///
    /// # Errors
    /// No whole answer within the limits, or the address leads nowhere that may be reached.
    pub async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        let all = self.follow(request);
        tokio::time::timeout(self.inner.settings.timeout, all)
            .await
            .unwrap_or(Err(OutboundError::Timeout))
    }

    async fn follow(
        &self,
        mut request: OutboundRequest,
    ) -> Result<OutboundResponse, OutboundError> {
        loop {
            let response = self.exchange(&request).await?;
            let next = match next_address(&response) {
                Some(next) if request.method == Method::GET && request.max_redirects > 0 => next,
                Some(_) if request.method == Method::GET => {
                    return Err(OutboundError::Redirects);
                }
                _ => return Ok(response),
            };
            let target = self.inner.guard.redirect(&request.target, next)?;
            if target.origin() != request.target.origin() {
                request.headers.clear();
            }
            request.target = target;
            request.max_redirects -= 1;
        }
    }

    async fn once(
        &self,
        request: &OutboundRequest,
    ) -> Result<(OutboundResponse, Option<Target>), OutboundError> {
        let response = self.exchange(request).await?;
        let next = next_address(&response);
        let next = next.map(|next| self.inner.guard.redirect(&request.target, next)).transpose()?;
        Ok((response, next))
    }

    async fn exchange(&self, request: &OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        let stream = self.inner.connector.connect(&request.target).await?;
        exchange::exchange(stream, request, &self.inner.settings).await
    }
}

/// Where a redirect leads.
fn next_address(response: &OutboundResponse) -> Option<&str> {
    let leads_on = matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers.get(LOCATION).filter(|_| leads_on)?;
    // One that is no text leads nowhere, and is refused as such.
    Some(location.to_str().unwrap_or_default())
}

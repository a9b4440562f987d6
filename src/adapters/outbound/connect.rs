//! From a target to a connection: resolve, judge, connect to what was judged, speak TLS.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::guard::Host;
use super::{Guard, OutboundError, OutboundSettings, Resolver, Target};

/// Numbers of one name that are tried.
const MOST_NUMBERS: usize = 4;

/// A connection, with or without TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Makes connections.
#[derive(Debug)]
pub(super) struct Connector {
    guard: Guard,
    resolver: Arc<dyn Resolver>,
    tls: Arc<ClientConfig>,
    timeout: Duration,
}

impl Connector {
    pub fn new(
        settings: &OutboundSettings,
        guard: Guard,
        resolver: Arc<dyn Resolver>,
    ) -> Result<Self, OutboundError> {
        let tls = Arc::new(tls(settings.authorities.as_deref())?);
        Ok(Self { guard, resolver, tls, timeout: settings.connect_timeout })
    }

    /// A connection to a host all of whose numbers may be reached.
    pub async fn connect(&self, target: &Target) -> Result<Box<dyn Stream>, OutboundError> {
        tokio::time::timeout(self.timeout, self.open(target))
            .await
            .unwrap_or(Err(OutboundError::Timeout))
    }

    async fn open(&self, target: &Target) -> Result<Box<dyn Stream>, OutboundError> {
        let numbers = self.numbers(&target.host).await?;
        let stream = self.reach(&numbers, target.port).await?;
        if !target.is_tls() {
            return Ok(Box::new(stream));
        }
        let name = match &target.host {
            Host::Name(name) => {
                // Certificates know no dot at the end of a name.
                let name = name.trim_end_matches('.').to_owned();
                ServerName::try_from(name).map_err(|_| OutboundError::Tls)?
            }
            Host::Number(number) => ServerName::IpAddress((*number).into()),
        };
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(name, stream).await.map_err(|_| OutboundError::Tls)?;
        Ok(Box::new(stream))
    }

    /// What is connected to. One number that may not be reached spoils the name: whoever mixes them means the inside.
    async fn numbers(&self, host: &Host) -> Result<Vec<IpAddr>, OutboundError> {
        let found = match host {
            Host::Number(number) => vec![*number],
            Host::Name(name) => {
                self.resolver.resolve(name).await.map_err(|_| OutboundError::Host)?
            }
        };
        if found.is_empty() || !found.iter().all(|number| self.guard.admits(*number)) {
            return Err(OutboundError::Host);
        }
        Ok(found.into_iter().map(|number| number.to_canonical()).take(MOST_NUMBERS).collect())
    }

    /// The first of the numbers that takes the connection; each has its share of the time.
    async fn reach(&self, numbers: &[IpAddr], port: u16) -> Result<TcpStream, OutboundError> {
        let share = self.timeout / u32::try_from(numbers.len()).unwrap_or(1).max(1);
        for number in numbers {
            let connecting = TcpStream::connect(SocketAddr::new(*number, port));
            if let Ok(Ok(stream)) = tokio::time::timeout(share, connecting).await {
                return Ok(stream);
            }
        }
        Err(OutboundError::Connect)
    }
}

fn tls(authorities: Option<&[u8]>) -> Result<ClientConfig, OutboundError> {
    let unusable = OutboundError::Settings("the authorities are no certificates in PEM");
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for certificate in authorities.map(CertificateDer::pem_slice_iter).into_iter().flatten() {
        let certificate = certificate.map_err(|_| unusable.clone())?;
        roots.add(certificate).map_err(|_| unusable.clone())?;
    }
    let wanted = authorities.map_or(0, |_| 1) + webpki_roots::TLS_SERVER_ROOTS.len();
    if roots.len() < wanted {
        return Err(unusable);
    }
    let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| OutboundError::Settings("no version of TLS can be spoken"))?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

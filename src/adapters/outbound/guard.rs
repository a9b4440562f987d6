//! Judges addresses: as text, before anybody is asked for a name, and as the number that a name led to.

use std::net::IpAddr;

use ipnet::IpNet;
use reqwest::Url;

use super::{OutboundError, OutboundSettings, is_public};

/// What may be reached.
#[derive(Clone, Debug)]
pub struct Guard {
    allow: Vec<IpNet>,
    ports: Vec<u16>,
    http: bool,
}

/// An address that passed as text. Its host may still lead inside: that shows when it is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
    pub(super) host: Host,
    pub(super) port: u16,
}

/// The host of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// To be resolved.
    Name(String),
    /// A number, which was judged.
    Number(IpAddr),
}

impl Guard {
    /// A guard that lets through what the settings say.
    pub fn new(settings: &OutboundSettings) -> Self {
        Self { allow: settings.allow.clone(), ports: settings.ports.clone(), http: settings.http }
    }

    /// Reads an address. Hosts that are numbers in an odd spelling (decimal, octal, hexadecimal, short, of another script)
    /// are the numbers that they spell.
    ///
    /// # Errors
    /// [`OutboundError::Address`].
    pub fn target(&self, text: &str) -> Result<Target, OutboundError> {
        // The reader of addresses drops these silently, so that two readers could see two addresses.
        let is_odd = |character: char| {
            character.is_control() || character.is_whitespace() || character == '\\'
        };
        if text.contains(is_odd) {
            return Err(OutboundError::Address("holds blanks, backslashes or control characters"));
        }
        let url = Url::parse(text).map_err(|_| OutboundError::Address("can not be read"))?;
        self.admit(url)
    }

    /// Reads where a redirect leads.
    pub(super) fn redirect(&self, from: &Target, to: &str) -> Result<Target, OutboundError> {
        let unreadable = |_| OutboundError::Address("redirects to what can not be read");
        self.target(from.url.join(to).map_err(unreadable)?.as_str())
    }

    /// Whether the number may be connected to.
    pub fn admits(&self, address: IpAddr) -> bool {
        let plain = address.to_canonical();
        is_public(address) || self.allow.iter().any(|range| range.contains(&plain))
    }

    fn admit(&self, url: Url) -> Result<Target, OutboundError> {
        match url.scheme() {
            "https" => {}
            "http" if self.http => {}
            _ => return Err(OutboundError::Address("must begin with https://")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Address("must hold neither user nor password"));
        }
        let port = url.port_or_known_default().unwrap_or_default();
        if !self.ports.contains(&port) {
            return Err(OutboundError::Address("has a port that is not allowed"));
        }
        let host = url.host_str().unwrap_or_default();
        let number = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let host = match number {
            Ok(number) if self.admits(number) => Host::Number(number.to_canonical()),
            Ok(_) => return Err(OutboundError::Address("is not a public one")),
            Err(_) if host.is_empty() => return Err(OutboundError::Address("has no host")),
            Err(_) => Host::Name(host.to_owned()),
        };
        Ok(Target { url, host, port })
    }
}

impl Target {
    /// The address, as it is understood.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// The host with the port, where it is not the usual one, as the header `host` has it.
    pub(super) fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Path and query, as the first line of a request has them.
    pub(super) fn path(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }

    pub(super) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(super) fn origin(&self) -> (bool, &Host, u16) {
        (self.is_tls(), &self.host, self.port)
    }
}

//! Why a request to a tenant's address came to nothing: told to the tenant, and so without a word on what is inside.

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The address can be told to be wrong by itself.
    #[error("the address {0}")]
    Address(&'static str),
    /// Its name leads to nothing, or to nothing public; which of the two would tell names of the inside.
    #[error("the host of the address leads to no public address")]
    Host,
    /// Nobody took the connection.
    #[error("no connection to the host could be made")]
    Connect,
    /// The certificate is not that of the host, or the two can not agree on how to speak.
    #[error("no TLS connection to the host could be made; look at its certificate")]
    Tls,
    /// The time was over.
    #[error("no whole answer came in time")]
    Timeout,
    /// What came is no answer of HTTP, or its head is too long.
    #[error("what came is no usable answer of HTTP")]
    Protocol,
    /// The body went on.
    #[error("the body of the answer is longer than {0} bytes")]
    TooLong(usize),
    /// One redirect after another.
    #[error("the address redirects too often")]
    Redirects,
    /// The operator's settings can not be used.
    #[error("{0}")]
    Settings(&'static str),
}

impl OutboundError {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address(_) | Self::Host => "address_refused",
            Self::Connect => "connection_failed",
            Self::Tls => "tls_failed",
            Self::Timeout => "timeout",
            Self::Protocol => "invalid_answer",
            Self::TooLong(_) => "answer_too_long",
            Self::Redirects => "too_many_redirects",
            Self::Settings(_) => "settings",
        }
    }
}

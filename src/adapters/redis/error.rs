//! Why Redis gave no answer, and whether that says something of the server or only of the command.

use std::time::Duration;

use redis::{ErrorKind, ServerErrorKind};

use crate::adapters::aws::SignInError;

/// Why the server gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// The setting is no address.
    #[error(
        "the address of Redis can not be read; write it as redis://:password@host:6379/0, or rediss:// for TLS"
    )]
    Address,
    /// The authorities can not be read.
    #[error("there is no certificate in PEM among the authorities of Redis")]
    Authorities,
    /// There is no password for it.
    #[error("there is no password for redis: {0}")]
    SignIn(#[from] SignInError),
    /// It was away a moment ago, and was not asked.
    #[error("redis is away, and is tried again every second")]
    Away,
    /// It did not answer in time.
    #[error("redis did not answer within {0:?}; check that it runs and can be reached")]
    Slow(Duration),
    /// It can not be reached, or can not do its work.
    #[error("redis is of no use: {0}")]
    Server(#[source] redis::RedisError),
    /// It does its work, but not this: something else stands at the key, or the reply is not as expected.
    #[error("redis refused a command: {0}")]
    Command(#[source] redis::RedisError),
}

impl RedisError {
    /// Whether other commands would fail as well.
    pub(super) fn is_of_the_server(&self) -> bool {
        matches!(self, Self::Slow(_) | Self::Server(_) | Self::SignIn(_))
    }
}

impl From<redis::RedisError> for RedisError {
    fn from(error: redis::RedisError) -> Self {
        let is_of_the_command = match error.kind() {
            // A reply that is none at all ends the connection as well, which the next command learns.
            ErrorKind::UnexpectedReturnType | ErrorKind::Parse => true,
            ErrorKind::Server(kind) => matches!(
                kind,
                ServerErrorKind::ResponseError
                    | ServerErrorKind::ExecAbort
                    | ServerErrorKind::NoScript
                    | ServerErrorKind::CrossSlot
            ),
            ErrorKind::Extension => error.code() == Some("WRONGTYPE"),
            _ => false,
        };
        if is_of_the_command { Self::Command(error) } else { Self::Server(error) }
    }
}

//! The clocks of an answer: first token, next token, whole. Kept by the adapters while they read.

use std::time::Duration;

use tokio::time::Instant;

use super::ModelError;

/// How long each part of an answer may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// From the request to the first token.
    pub first_token: Duration,
    /// From one token to the next.
    pub next_token: Duration,
    /// For the whole answer.
    pub total: Duration,
}

/// The instants that bound an answer.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    first: Instant,
    total: Instant,
    times: Times,
}

impl Clock {
    /// All times begin with the request, not with the response.
    pub fn start(times: Times) -> Self {
        let now = Instant::now();
        Self { first: now + times.first_token, total: now + times.total, times }
    }

    /// Until when the first token has to be there, and the error if it is not.
    pub fn until_first(&self) -> (Instant, ModelError) {
        self.no_later_than_total(self.first, ModelError::FirstTokenTimeout(self.times.first_token))
    }

    /// Until when the next token has to be there, and the error if it is not.
    pub fn until_next(&self, last: Instant) -> (Instant, ModelError) {
        let next = self.times.next_token;
        self.no_later_than_total(last + next, ModelError::NextTokenTimeout(next))
    }

    fn no_later_than_total(&self, at: Instant, error: ModelError) -> (Instant, ModelError) {
        if at <= self.total {
            return (at, error);
        }
        (self.total, ModelError::TotalTimeout(self.times.total))
    }
}

//! Quotas: how many questions, tokens and US dollars a tenant and its assistants, keys and people may use in a minute, a
//! day or a month, and how many answers may be made for them at once.
//!
//! A question reserves the most that its answer may use, in the transaction that stores it ([`reserve`]); the transaction
//! that ends the run settles it with what was used (`TenantTx::settle_quota`), and so does whoever finds a run that died.
//! PostgreSQL is the one truth: nothing is counted anywhere else. A question is let in while something is left, so that a
//! limit is passed by what one question uses at most, however many come at once.

mod estimate;
mod manage;
mod period;
mod reserve;
mod reserve_enrichment;
#[cfg(test)]
mod tests;
mod usage;

use std::fmt;

use uuid::Uuid;

pub use estimate::{Estimate, estimated_tokens};
pub use manage::{
    Ceiling, NewQuota, QuotaError, QuotaLimits, change_quota, create_quota, delete_quota,
    replace_ceilings,
};
pub use period::Period;
pub use reserve::{Charged, ExceededQuota, QuotaWarning, Reservation, ReserveError, reserve_quota};
pub use reserve_enrichment::{count_late_enrichment, reserve_enrichment};
pub use usage::{Usage, find_usage};

/// Id in the place of a subject: each one of the kind that has no quota of its own.
pub const EACH: Uuid = Uuid::nil();

/// Kinds of what is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The tenant, all of it.
    Tenant,
    /// An assistant, whoever asks it.
    Assistant,
    /// An API key, with the end users of its widget.
    Key,
    /// A member or an end user.
    Person,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Questions asked.
    Questions,
    /// Tokens of prompts and answers.
    Tokens,
    /// Price, in millionths of a US dollar.
    CostMicroUsd,
    /// Runs that go on at this moment.
    ConcurrentRuns,
}

/// Who set a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetBy {
    /// The operator: the tenant cannot change it.
    Operator,
    /// The tenant's admins.
    Tenant,
}

impl Subject {
    const ALL: [Self; 4] = [Self::Tenant, Self::Assistant, Self::Key, Self::Person];

    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Assistant => "assistant",
            Self::Key => "key",
            Self::Person => "person",
        }
    }

    /// From the text of a row.
    pub fn from_row(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subject| subject.as_str() == text)
    }
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 4] =
        [Self::Questions, Self::Tokens, Self::CostMicroUsd, Self::ConcurrentRuns];

    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Questions => "questions",
            Self::Tokens => "tokens",
            Self::CostMicroUsd => "cost_micro_usd",
            Self::ConcurrentRuns => "concurrent_runs",
        }
    }

    /// From the text of a row.
    pub fn from_row(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|measure| measure.as_str() == text)
    }
}

impl SetBy {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Tenant => "tenant",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

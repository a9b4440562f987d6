//! What is limited, what is counted and what was used: the rows that the SQL of quotas reads and writes.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::governance::quotas::{Measure, Period, Subject};

/// A row that counts, or is to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// What is limited.
    pub subject: Subject,
    /// Which one.
    pub subject_id: Uuid,
    /// Period that is counted.
    pub period: Period,
    /// When it began.
    pub start: DateTime<Utc>,
}

/// A limit that holds for a subject: its own, else that of each of its kind.
#[derive(Clone, Copy, Debug)]
pub struct LimitInForce {
    /// What is limited.
    pub subject: Subject,
    /// Which one.
    pub subject_id: Uuid,
    /// What is counted.
    pub measure: Measure,
    /// In which period.
    pub period: Period,
    /// Where warnings begin.
    pub soft_limit: Option<i64>,
    /// Where refusals begin.
    pub hard_limit: Option<i64>,
}

/// What was used in a period, once a question is counted.
#[derive(Clone, Debug)]
pub struct Counted {
    pub(super) subject: String,
    pub(super) period: String,
    /// Questions before this one.
    pub questions_before: i64,
    /// Tokens.
    pub tokens: i64,
    /// Price.
    pub cost_micro_usd: i64,
}

/// What other runs that go on may use yet.
#[derive(Clone, Debug)]
pub struct Open {
    pub(super) subject: String,
    pub(super) period: String,
    /// How many there are.
    pub runs: i64,
    /// Tokens.
    pub tokens: i64,
    /// Price.
    pub cost_micro_usd: i64,
}

/// What was used and reserved in a period, added up from the runs.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    /// Period.
    pub period: Period,
    /// Questions asked in it.
    pub questions: i64,
    /// Tokens of runs that have ended.
    pub tokens: i64,
    /// Price of runs that have ended.
    pub cost_micro_usd: i64,
    /// Runs that go on.
    pub open: i64,
    /// Tokens that they may use.
    pub reserved_tokens: i64,
    /// Price that they may cost.
    pub reserved_cost_micro_usd: i64,
}

/// What a run used, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Provider of the model.
    pub provider: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Tokens of the prompt.
    pub input_tokens: Option<i64>,
    /// Tokens of the answer.
    pub output_tokens: Option<i64>,
    /// Price of both, in millionths of a US dollar.
    pub cost_micro_usd: Option<i64>,
}

impl Counted {
    /// Whether it counts this.
    pub fn is_of(&self, subject: Subject, period: Period) -> bool {
        self.subject == subject.as_str() && self.period == period.as_str()
    }
}

impl Open {
    /// Whether it is of this.
    pub fn is_of(&self, subject: Subject, period: Period) -> bool {
        self.subject == subject.as_str() && self.period == period.as_str()
    }
}

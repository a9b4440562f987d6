//! Names of what quotas limit, as the API writes them.

use poem_openapi::Enum;

use crate::governance::{Measure, Period, Subject};

/// What a quota limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "QuotaSubject", rename_all = "snake_case")]
pub enum SubjectName {
    /// The tenant, all of it.
    Tenant,
    /// An assistant, whoever asks it.
    Assistant,
    /// An API key; a publishable one with the end users of its widget.
    Key,
    /// A member, or an end user of a widget.
    Person,
}

/// What a quota counts: `questions` that are asked; `tokens` of prompts and answers, of the tenant those of enrichment too;
/// `cost_micro_usd`, their price in millionths of a US dollar; `concurrent_runs`, answers that are being made at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "QuotaMeasure", rename_all = "snake_case")]
pub enum MeasureName {
    /// Questions asked.
    Questions,
    /// Tokens of prompts and answers.
    Tokens,
    /// Price, in millionths of a US dollar.
    CostMicroUsd,
    /// Answers that are being made at this moment.
    ConcurrentRuns,
}

/// A period of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "QuotaPeriod", rename_all = "snake_case")]
pub enum PeriodName {
    /// From one full minute to the next.
    Minute,
    /// From midnight to midnight.
    Day,
    /// From the first day of the month to the last.
    Month,
}

impl SubjectName {
    pub(super) fn subject(self) -> Subject {
        match self {
            Self::Tenant => Subject::Tenant,
            Self::Assistant => Subject::Assistant,
            Self::Key => Subject::Key,
            Self::Person => Subject::Person,
        }
    }
}

impl MeasureName {
    pub(super) fn measure(self) -> Measure {
        match self {
            Self::Questions => Measure::Questions,
            Self::Tokens => Measure::Tokens,
            Self::CostMicroUsd => Measure::CostMicroUsd,
            Self::ConcurrentRuns => Measure::ConcurrentRuns,
        }
    }
}

impl PeriodName {
    pub(super) fn period(name: Option<Self>) -> Period {
        match name {
            None => Period::None,
            Some(Self::Minute) => Period::Minute,
            Some(Self::Day) => Period::Day,
            Some(Self::Month) => Period::Month,
        }
    }

    pub(super) fn of(period: Period) -> Option<Self> {
        match period {
            Period::None => None,
            Period::Minute => Some(Self::Minute),
            Period::Day => Some(Self::Day),
            Period::Month => Some(Self::Month),
        }
    }
}

impl From<Subject> for SubjectName {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Tenant => Self::Tenant,
            Subject::Assistant => Self::Assistant,
            Subject::Key => Self::Key,
            Subject::Person => Self::Person,
        }
    }
}

impl From<Measure> for MeasureName {
    fn from(measure: Measure) -> Self {
        match measure {
            Measure::Questions => Self::Questions,
            Measure::Tokens => Self::Tokens,
            Measure::CostMicroUsd => Self::CostMicroUsd,
            Measure::ConcurrentRuns => Self::ConcurrentRuns,
        }
    }
}

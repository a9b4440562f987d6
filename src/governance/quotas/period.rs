//! The periods in which use is counted: those of the calendar, in UTC, so that everybody knows when they end.

use chrono::{DateTime, Datelike, Days, DurationRound, Months, NaiveTime, TimeDelta, Utc};

/// A period of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// From one full minute to the next.
    Minute,
    /// From midnight to midnight.
    Day,
    /// From the first to the last day.
    Month,
    /// No period: of runs that go on at this moment.
    None,
}

/// A run that is open for longer is no run any more: it counts for nobody.
const LONGEST_RUN: TimeDelta = TimeDelta::days(1);

impl Period {
    /// Every period.
    pub const ALL: [Self; 4] = [Self::Minute, Self::Day, Self::Month, Self::None];

    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Day => "day",
            Self::Month => "month",
            Self::None => "none",
        }
    }

    /// From the text of a row.
    pub fn from_row(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.as_str() == text)
    }

    /// When the period of an instant began. Open runs are looked for as far back as a run can last.
    pub fn start(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let midnight = at.date_naive().and_time(NaiveTime::MIN).and_utc();
        match self {
            Self::Minute => at.duration_trunc(TimeDelta::minutes(1)).unwrap_or(midnight),
            Self::Day => midnight,
            Self::Month => {
                midnight.checked_sub_days(Days::new(u64::from(at.day0()))).unwrap_or(midnight)
            }
            Self::None => at - LONGEST_RUN,
        }
    }

    /// When the period of an instant ends; never for none.
    pub fn end(self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let start = self.start(at);
        match self {
            Self::Minute => Some(start + TimeDelta::minutes(1)),
            Self::Day => start.checked_add_days(Days::new(1)),
            Self::Month => start.checked_add_months(Months::new(1)),
            Self::None => None,
        }
    }
}

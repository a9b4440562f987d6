//! Periods and estimates, by themselves; what they do to questions is tested against the database.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::{Measure, Period, estimated_tokens};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

#[test]
fn periods_begin_and_end_with_the_calendar_of_utc() {
    let leap = at("2028-02-29T23:59:59.999999Z");
    for (period, start, end) in [
        (Period::Minute, "2028-02-29T23:59:00Z", "2028-03-01T00:00:00Z"),
        (Period::Day, "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"),
        (Period::Month, "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
    ] {
        assert_eq!(period.start(leap), at(start), "{period:?}");
        assert_eq!(period.end(leap), Some(at(end)), "{period:?}");
    }
    assert_eq!(Period::Month.end(at("2026-12-31T00:00:00Z")), Some(at("2027-01-01T00:00:00Z")));
    assert_eq!(Period::None.end(leap), None);
}

#[test]
fn runs_at_once_have_no_period_and_everything_else_has_one() {
    for measure in Measure::ALL {
        let periods: Vec<_> =
            Period::ALL.into_iter().filter(|period| measure.has(*period)).collect();
        let wanted = if measure == Measure::ConcurrentRuns {
            vec![Period::None]
        } else {
            vec![Period::Minute, Period::Day, Period::Month]
        };
        assert_eq!(periods, wanted);
    }
}

#[test]
fn an_estimate_is_rather_too_high() {
    assert_eq!([0, 1, 3, 4, 300].map(estimated_tokens), [0, 1, 1, 2, 100]);
}

proptest! {
    #[test]
    fn every_instant_lies_in_its_period_and_the_end_of_one_begins_the_next(
        seconds in 0_i64..8_000_000_000, micros in 0_u32..1_000_000,
    ) {
        let now = DateTime::from_timestamp(seconds, micros * 1_000).expect("a time");
        for period in [Period::Minute, Period::Day, Period::Month] {
            let (start, end) = (period.start(now), period.end(now).expect("an end"));
            prop_assert!(start <= now && now < end);
            prop_assert_eq!(period.start(start), start);
            prop_assert_eq!(period.start(end), end);
            prop_assert_eq!(period.start(end - TimeDelta::microseconds(1)), start);
        }
    }
}

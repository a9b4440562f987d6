//! Reads how long a server asks to be left alone: `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3), and
//! `retry-after-ms`, which some model servers send.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Longest wait that is believed: who asks for more is down for today.
const MOST: Duration = Duration::from_secs(86_400);

/// The wait that a response asks for. A negative number or a date that is over asks for none; what cannot be read says
/// nothing.
pub(super) fn read<'a>(
    header: impl Fn(&str) -> Option<&'a str>,
    now: DateTime<Utc>,
) -> Option<Duration> {
    let millis = header("retry-after-ms").and_then(|text| seconds(text, 1_000.0));
    millis.or_else(|| header("retry-after").and_then(|text| of_text(text, now)))
}

fn of_text(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    seconds(text, 1.0).or_else(|| {
        let date = DateTime::parse_from_rfc2822(text.trim()).ok()?;
        let wait = date.with_timezone(&Utc) - now;
        Some(wait.to_std().unwrap_or(Duration::ZERO).min(MOST))
    })
}

fn seconds(text: &str, parts: f64) -> Option<Duration> {
    let number: f64 = text.trim().parse().ok()?;
    if number.is_nan() {
        return None;
    }
    Some(Duration::from_secs_f64((number / parts).clamp(0.0, MOST.as_secs_f64())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(name: &str, value: &str) -> Option<Duration> {
        let now = DateTime::parse_from_rfc3339("2026-11-26T12:00:00Z").unwrap().to_utc();
        read(|asked| (asked == name).then_some(value), now)
    }

    #[test]
    fn seconds_dates_and_milliseconds_are_read() {
        let seconds = |number| Some(Duration::from_secs(number));
        assert_eq!(wait("retry-after", "7"), seconds(7));
        assert_eq!(wait("retry-after", " 0.5 "), Some(Duration::from_millis(500)));
        assert_eq!(wait("retry-after", "Thu, 26 Nov 2026 12:00:30 GMT"), seconds(30));
        assert_eq!(wait("retry-after-ms", "1500"), Some(Duration::from_millis(1500)));
        assert_eq!(wait("x-other", "1"), None);
    }

    #[test]
    fn negative_and_past_ask_for_nothing_huge_for_a_day_and_nonsense_says_nothing() {
        for over in ["-5", "-1e300", "Wed, 21 Oct 2015 07:28:00 GMT", "0"] {
            assert_eq!(wait("retry-after", over), Some(Duration::ZERO), "{over}");
        }
        for huge in ["1e300", "inf", "99999999999999999999", "Tue, 31 Dec 2999 23:59:59 GMT"] {
            assert_eq!(wait("retry-after", huge), Some(MOST), "{huge}");
        }
        for nonsense in ["", "soon", "NaN", "7 seconds", "26.11.2026"] {
            assert_eq!(wait("retry-after", nonsense), None, "{nonsense}");
        }
    }
}

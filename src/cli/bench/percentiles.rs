//! Figures of many samples.

use std::time::Duration;

/// Times, to be sorted.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    pub fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Milliseconds that this part of the samples stays within; nothing without samples.
    pub fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(place).map_or(f64::NAN, |sample| sample.as_secs_f64() * 1_000.0)
    }
}

/// The middle one; nothing without values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let mut samples = Samples::default();
        for number in (1..=200).rev() {
            samples.push(Duration::from_millis(number));
        }
        let found = [0, 50, 99, 100].map(|percent| samples.percentile(percent));
        assert_eq!(found, [1.0, 101.0, 199.0, 200.0]);
        assert!(Samples::default().percentile(50).is_nan());
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}

//! Formulas of retrieval quality, each for one question. Pure; called by the question sets.

use std::ops::Range;

/// Share of the first `k` that are right.
pub fn precision(found: &[&str], right: &[&str], k: usize) -> f64 {
    let first = &found[..found.len().min(k)];
    share(first.iter().filter(|item| right.contains(item)).count(), first.len())
}

/// Share of the right ones that are among the first `k`.
pub fn recall(found: &[&str], right: &[&str], k: usize) -> f64 {
    let first = &found[..found.len().min(k)];
    share(right.iter().filter(|item| first.contains(item)).count(), right.len())
}

/// 1 / place of the first right one among the first `k`, else 0.
pub fn reciprocal_rank(found: &[&str], right: &[&str], k: usize) -> f64 {
    match found.iter().take(k).position(|item| right.contains(item)) {
        Some(index) => 1.0 / (index + 1) as f64,
        None => 0.0,
    }
}

/// Harmonic mean of precision and recall.
pub fn f1(precision: f64, recall: f64) -> f64 {
    if precision + recall == 0.0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) }
}

/// Mean; 0 of nothing.
pub fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0_usize);
    for value in values {
        sum += value;
        count += 1;
    }
    if count == 0 { 0.0 } else { sum / count as f64 }
}

/// The value below which `share` of the values lie (nearest rank); 0 of nothing.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// Recall, precision and intersection over union of characters, as the chunking evaluation of Chroma defines them:
/// passages that overlap count each in the denominator of precision and of the union.
pub fn spans(found: &[Range<usize>], right: &[Range<usize>]) -> [f64; 3] {
    let total = |ranges: &[Range<usize>]| ranges.iter().map(Range::len).sum::<usize>();
    let mut covered = Vec::new();
    for passage in found {
        for wanted in right {
            let (start, end) = (passage.start.max(wanted.start), passage.end.min(wanted.end));
            if start < end {
                covered.push(start..end);
            }
        }
    }
    let hit = total(&merged(covered));
    let wanted = total(&merged(right.to_vec()));
    let read = total(found);
    [share(hit, wanted), share(hit, read), share(hit, read + wanted - hit)]
}

fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn one_of_three_right_and_one_of_two_wanted() {
        let (found, right) = (["x", "a", "y", "b"], ["a", "b"]);
        assert!(is_near(precision(&found, &right, 3), 1.0 / 3.0));
        assert!(is_near(recall(&found, &right, 3), 0.5));
        assert!(is_near(reciprocal_rank(&found, &right, 3), 0.5));
        assert!(is_near(recall(&found, &right, 4), 1.0));
    }

    #[test]
    fn a_right_one_behind_the_border_counts_nothing() {
        assert!(is_near(reciprocal_rank(&["x", "y", "z", "a"], &["a"], 3), 0.0));
        assert!(is_near(recall(&["x", "y", "z", "a"], &["a"], 3), 0.0));
    }

    #[test]
    fn nothing_found_scores_zero_and_is_no_division_by_zero() {
        assert!(is_near(precision(&[], &["a"], 3), 0.0));
        assert!(is_near(f1(0.0, 0.0), 0.0));
        assert!(is_near(mean(std::iter::empty()), 0.0));
        assert!(is_near(percentile(&[], 0.5), 0.0));
        assert_eq!(spans(&[], std::slice::from_ref(&(0..5))), [0.0, 0.0, 0.0]);
    }

    #[test]
    fn f1_of_the_published_basic_row_is_the_published_one() {
        assert!((f1(0.428, 0.659) - 0.519).abs() < 5e-4);
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert!(is_near(percentile(&values, 0.5), 50.0));
        assert!(is_near(percentile(&values, 0.95), 95.0));
        assert!(is_near(percentile(&[7.0], 0.5), 7.0));
    }

    #[test]
    fn half_of_a_span_within_a_passage_of_twenty() {
        let [recall, precision, iou] = spans(&[0..15, 30..35], std::slice::from_ref(&(10..20)));
        assert!(is_near(recall, 0.5));
        assert!(is_near(precision, 0.25));
        assert!(is_near(iou, 5.0 / 25.0));
    }

    #[test]
    fn characters_found_twice_count_once() {
        let [recall, precision, _] = spans(&[0..10, 0..10], &[0..5, 5..10]);
        assert!(is_near(recall, 1.0));
        assert!(is_near(precision, 0.5));
    }
}

//! Takes away what stands at the top and at the foot of many pages: titles that run along, page numbers.

use std::collections::HashMap;

use super::layout::Line;

/// Lines at each end of a page that may be such.
const ENDS: usize = 2;
/// So many pages at least repeat it.
const FEWEST: usize = 3;

/// Removes lines at the ends of pages that are numbers alone, or that a third of the pages repeat but for numbers.
pub(super) fn remove(pages: &mut [Vec<Line>]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for lines in pages.iter() {
        let mut own: Vec<String> =
            ends(lines.len()).map(|at| without_numbers(&lines[at].text)).collect();
        own.sort_unstable();
        own.dedup();
        for text in own {
            *seen.entry(text).or_default() += 1;
        }
    }
    let many = (pages.len() / 3).max(FEWEST);
    for lines in pages {
        let places: Vec<usize> = ends(lines.len())
            .filter(|at| {
                let text = without_numbers(&lines[*at].text);
                let is_edge = *at == 0 || at + 1 == lines.len();
                (text.is_empty() && is_edge && lines.len() > 1)
                    || seen.get(&text).is_some_and(|count| *count >= many)
            })
            .collect();
        // A page of nothing else says just that.
        if places.len() == lines.len() {
            continue;
        }
        let mut at = 0;
        lines.retain(|_| {
            at += 1;
            !places.contains(&(at - 1))
        });
    }
}

/// Places of the first and the last lines.
fn ends(count: usize) -> impl Iterator<Item = usize> {
    let foot = count.saturating_sub(ENDS).max(ENDS.min(count));
    (0..ENDS.min(count)).chain(foot..count)
}

/// Without digits, and without the Roman numbers of forewords.
fn without_numbers(text: &str) -> String {
    let is_roman = |word: &str| !word.is_empty() && word.chars().all(|c| "ivxlc".contains(c));
    let words = text.split_whitespace().filter(|word| !is_roman(word));
    let text = words.collect::<Vec<_>>().join(" ");
    text.chars()
        .filter(|c| !c.is_ascii_digit() && !"-–—|/.".contains(*c))
        .collect::<String>()
        .trim()
        .to_owned()
}

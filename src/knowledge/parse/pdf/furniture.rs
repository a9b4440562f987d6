//! Takes away what stands at the top and at the foot of many pages: titles that run along, page numbers.

use std::collections::{HashMap, HashSet};

use super::layout::Line;

/// Lines at each end of a page that may be such.
const ENDS: usize = 2;
/// So many pages at least repeat it.
const FEWEST: usize = 3;

/// What pages repeat: a line as it is, or a line but for a number that runs with the pages.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Repeated {
    Line(String),
    /// The line without its numbers, and how far one of them is ahead of the page.
    Running(String, i64),
}

/// Removes lines at the ends of pages that a third of the pages repeat, word for word or but for a number that counts the
/// pages. Numbers that do not run with the pages are what the page says.
pub(super) fn remove(pages: &mut [Vec<Line>]) {
    let mut seen: HashMap<Repeated, usize> = HashMap::new();
    for (page, lines) in (0..).zip(pages.iter()) {
        let own: HashSet<Repeated> =
            ends(lines.len()).flat_map(|at| forms(page, &lines[at].text)).collect();
        for form in own {
            *seen.entry(form).or_default() += 1;
        }
    }
    let many = (pages.len() / 3).max(FEWEST);
    for (page, lines) in (0..).zip(pages.iter_mut()) {
        let is_furniture = |at: &usize| {
            let mut forms = forms(page, &lines[*at].text);
            forms.any(|form| seen.get(&form).is_some_and(|count| *count >= many))
        };
        let places: Vec<usize> = ends(lines.len()).filter(is_furniture).collect();
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

/// What a line would be as furniture of a page, which counts from 0.
fn forms(page: i64, text: &str) -> impl Iterator<Item = Repeated> {
    let (bare, numbers) = numbers_of(text);
    // A bare number that is the same on many pages is content of each.
    let line = (!bare.is_empty()).then(|| Repeated::Line(text.to_owned()));
    let running =
        numbers.into_iter().map(move |number| Repeated::Running(bare.clone(), number - page));
    line.into_iter().chain(running)
}

/// The text without its numbers, and the numbers: figures, and the Roman ones of forewords.
fn numbers_of(text: &str) -> (String, Vec<i64>) {
    let mut numbers = Vec::new();
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        if let Some(number) = roman(word) {
            numbers.push(number);
            continue;
        }
        let figures = word.split(|c: char| !c.is_ascii_digit()).filter(|it| !it.is_empty());
        numbers.extend(figures.filter_map(|it| it.parse::<i64>().ok()));
        let rest: String =
            word.chars().filter(|c| !c.is_ascii_digit() && !"-–—|/.".contains(*c)).collect();
        words.extend((!rest.is_empty()).then_some(rest));
    }
    (words.join(" "), numbers)
}

/// The value of a small Roman number in lower case.
fn roman(word: &str) -> Option<i64> {
    let value = |c| {
        Some(match c {
            'i' => 1,
            'v' => 5,
            'x' => 10,
            'l' => 50,
            'c' => 100,
            _ => return None,
        })
    };
    let values: Option<Vec<i64>> = word.chars().map(value).collect();
    let values = values.filter(|values| !values.is_empty() && values.len() <= 12)?;
    let behind = values.iter().skip(1).chain(std::iter::once(&0));
    Some(values.iter().zip(behind).map(|(own, next)| if own < next { -own } else { *own }).sum())
}

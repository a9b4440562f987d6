//! Joins what another model writes to what stands already. A model that is told to go on often says the last words again:
//! the first characters are held until it is clear whether they repeat the end of the text, and the repetition is dropped.

/// Characters of the beginning that are compared.
const HELD_CHARS: usize = 160;
/// A shorter match is chance: "the " ends and begins many texts.
const LEAST_CHARS: usize = 12;

/// The beginning of a continuation, until it is joined.
#[derive(Debug)]
pub(super) struct Seam {
    /// End of the text before; `None` once the beginning is through.
    before: Option<String>,
    held: String,
}

impl Seam {
    /// A seam behind a text.
    pub fn behind(text: &str) -> Self {
        let skip = text.chars().count().saturating_sub(HELD_CHARS);
        Self { before: Some(text.chars().skip(skip).collect()), held: String::new() }
    }

    /// No seam: everything goes through.
    pub fn none() -> Self {
        Self { before: None, held: String::new() }
    }

    /// The text that may be shown now; empty while more is needed.
    pub fn push(&mut self, text: String) -> String {
        if self.before.is_none() {
            return text;
        }
        self.held.push_str(&text);
        if self.held.chars().count() < HELD_CHARS {
            return String::new();
        }
        self.finish()
    }

    /// What is still held when the continuation ends.
    pub fn finish(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        let Some(before) = self.before.take() else { return held };
        let start = held.len() - held.trim_start().len();
        // With its white space or without: some models begin on a new line.
        let repeated = overlap(&before, &held)
            .max(overlap(&before, &held[start..]).map(|bytes| bytes + start));
        held[repeated.unwrap_or(0)..].to_owned()
    }
}

/// Bytes of the longest beginning of `after` that `before` ends with, when it is long enough to be no chance.
fn overlap(before: &str, after: &str) -> Option<usize> {
    let ends = after.char_indices().map(|(at, letter)| at + letter.len_utf8());
    ends.skip(LEAST_CHARS - 1).filter(|end| before.ends_with(&after[..*end])).last()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn join(before: &str, pieces: &[&str]) -> String {
        let mut seam = Seam::behind(before);
        let mut text = before.to_owned();
        for piece in pieces {
            text.push_str(&seam.push((*piece).to_owned()));
        }
        text.push_str(&seam.finish());
        text
    }

    #[test]
    fn words_that_are_said_again_are_dropped_and_other_words_are_not() {
        let before = "Keys live for 90 days. A key is refused";
        let whole = "Keys live for 90 days. A key is refused after that. [1]";
        assert_eq!(join(before, &[" after that. [1]"]), whole);
        assert_eq!(join(before, &["A key is", " refused after that. [1]"]), whole);
        assert_eq!(join(before, &["\n\nA key is refused after", " that. [1]"]), whole);
        assert_eq!(join(before, &[" refused", " twice."]), format!("{before} refused twice."));
        assert_eq!(join("", &["New."]), "New.");
        assert_eq!(join(before, &[]), before);
    }

    proptest! {
        #[test]
        fn what_is_repeated_is_joined_once(text in "[a-z ü検]{60,400}", cut in 20_usize..50, again in 12_usize..20) {
            let letters: Vec<char> = text.chars().collect();
            let before: String = letters[..cut].iter().collect();
            let after: String = letters[cut - again..].iter().collect();
            prop_assert_eq!(join(&before, &[&after]), text);
        }

        #[test]
        fn where_the_network_cuts_makes_no_difference(text in "[a-zü ]{0,300}", size in 1_usize..40) {
            let letters: Vec<char> = text.chars().collect();
            let pieces: Vec<String> = letters.chunks(size).map(|it| it.iter().collect()).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            prop_assert_eq!(join("before it", &pieces), join("before it", &[&text]));
        }
    }
}

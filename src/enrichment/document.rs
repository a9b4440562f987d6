//! A document as a model is given it: its passages, of which each is named by a digest, and the parts that are read at once. A
//! part is the same for all of its passages, so that a provider finds it in its cache.

use std::ops::Range;

use crate::chat::Counting;
use crate::knowledge::{PassageContexts, StoredPassage, embedded_digest, embedded_text};

/// Characters of the headings of later parts that a model is told.
const MOST_OUTLINE_CHARS: usize = 2_000;

/// Tokens of the empty line between two passages.
const SEPARATOR_TOKENS: u32 = 2;

/// A document whose version is in search.
#[derive(Debug)]
pub struct Document {
    /// Title found in it, else its name.
    pub title: String,
    /// Passages, in their order.
    pub passages: Vec<StoredPassage>,
    /// SHA-256 of each passage as it is embedded without a context.
    pub digests: Vec<Vec<u8>>,
    /// Passages of each part.
    parts: Vec<Range<usize>>,
    counting: Counting,
    part_tokens: u32,
}

impl Document {
    /// A document in parts of at most so many tokens each.
    pub fn new(
        title: String,
        passages: Vec<StoredPassage>,
        counting: Counting,
        part_tokens: u32,
    ) -> Self {
        let digest = |passage: &StoredPassage| {
            let text = embedded_text(&title, &passage.heading_path, None, &passage.body);
            embedded_digest(&text).to_vec()
        };
        let digests = passages.iter().map(digest).collect();
        let tokens = passages
            .iter()
            .map(|passage| counting.tokens(&passage.body).saturating_add(SEPARATOR_TOKENS));
        let parts = parts(tokens, part_tokens);
        Self { title, passages, digests, parts, counting, part_tokens }
    }

    /// Whether its passages get contexts: the only passage of a document is the document.
    pub fn has_contexts(&self) -> bool {
        self.passages.len() > 1
    }

    /// How many passages get a context.
    pub fn wanted(&self) -> usize {
        if self.has_contexts() { self.passages.len() } else { 0 }
    }

    /// Places of the passages whose context was not asked for yet.
    pub fn missing(&self, contexts: &PassageContexts) -> Vec<usize> {
        let wanted = 0..self.wanted();
        wanted.filter(|place| !contexts.contains_key(&self.digests[*place])).collect()
    }

    /// Context that a passage is to be found by.
    pub fn context<'a>(&self, place: usize, contexts: &'a PassageContexts) -> Option<&'a str> {
        let known = contexts.get(&self.digests[place]).map(String::as_str);
        known.filter(|context| self.has_contexts() && !context.is_empty())
    }

    /// How many parts there are.
    pub fn part_count(&self) -> usize {
        self.parts.len()
    }

    /// Part that a passage is in, from 0.
    pub fn part_of(&self, place: usize) -> usize {
        self.parts.iter().position(|part| part.contains(&place)).unwrap_or_default()
    }

    /// Text of a part.
    pub fn part(&self, number: usize) -> String {
        let passages = self.parts.get(number).cloned().unwrap_or_default();
        let texts: Vec<&str> =
            self.passages[passages].iter().map(|passage| passage.body.as_str()).collect();
        // A part has one passage at least, which may be longer than a part may be.
        self.cut(&texts.join("\n\n"), self.part_tokens)
    }

    /// Headings of the parts behind the first, one a line; empty when there is one part.
    pub fn outline(&self) -> String {
        let mut outline = String::new();
        let later = self.parts.first().map_or(0, |part| part.end);
        let mut before: &[String] = &[];
        for passage in &self.passages[later..] {
            let path = passage.heading_path.as_slice();
            if path != before && !path.is_empty() {
                let line = path.join(" > ");
                if outline.len() + line.len() > MOST_OUTLINE_CHARS {
                    break;
                }
                outline.push_str(&line);
                outline.push('\n');
            }
            before = path;
        }
        outline
    }

    /// The beginning of a text, of at most so many tokens.
    pub fn cut(&self, text: &str, most: u32) -> String {
        let mut cut = text.to_owned();
        loop {
            let tokens = self.counting.tokens(&cut);
            if tokens <= most {
                return cut;
            }
            let chars = cut.chars().count();
            let share = u64::try_from(chars).unwrap_or(u64::MAX).saturating_mul(u64::from(most));
            let fits = usize::try_from(share / u64::from(tokens)).unwrap_or_default();
            cut = cut.chars().take(fits.min(chars.saturating_sub(1))).collect();
        }
    }
}

/// Runs of passages that have at most so many tokens together, or one passage that has more.
fn parts(tokens: impl Iterator<Item = u32>, most: u32) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut sum = 0_u32;
    for (place, tokens) in tokens.enumerate() {
        let together = sum.saturating_add(tokens);
        match parts.last_mut() {
            Some(part) if together <= most => {
                part.end = place + 1;
                sum = together;
            }
            _ => {
                parts.push(place..place + 1);
                sum = tokens;
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn passage(ordinal: i32, heading: &str, body: &str) -> StoredPassage {
        StoredPassage {
            chunk_id: Uuid::from_u128(u128::from(ordinal.unsigned_abs())),
            ordinal,
            heading_path: vec![heading.to_owned()],
            body: body.to_owned(),
            context: None,
        }
    }

    fn document(bodies: &[&str], part_tokens: u32) -> Document {
        let numbered = (0..).zip(bodies);
        let passages = numbered
            .map(|(ordinal, body)| passage(ordinal, &format!("h{ordinal}"), body))
            .collect();
        Document::new("Guide".to_owned(), passages, Counting::Usual, part_tokens)
    }

    #[test]
    fn a_document_that_fits_is_one_part_and_a_longer_one_several() {
        let whole = document(&["one two", "three four", "five six"], 1_000);
        assert_eq!((whole.part_count(), whole.part_of(2)), (1, 0));
        assert_eq!(whole.part(0), "one two\n\nthree four\n\nfive six");
        assert_eq!(whole.outline(), "");
        let most = Counting::Usual.tokens("one two").max(Counting::Usual.tokens("three four"));
        let cut = document(&["one two", "three four", "five six"], most);
        assert_eq!((cut.part_count(), cut.part_of(2)), (3, 2));
        assert_eq!(cut.part(1), "three four");
        assert_eq!(cut.outline(), "h1\nh2\n");
    }

    #[test]
    fn the_only_passage_of_a_document_gets_no_context() {
        let one = document(&["one two"], 1_000);
        assert_eq!((one.wanted(), one.missing(&PassageContexts::new())), (0, Vec::new()));
        let two = document(&["one two", "three"], 1_000);
        let known = PassageContexts::from([(two.digests[0].clone(), String::new())]);
        assert_eq!(two.missing(&known), [1], "asked for, and nothing was said");
        assert_eq!(two.context(0, &known), None);
    }

    proptest! {
        #[test]
        fn parts_hold_each_passage_once_and_none_is_too_long(
            tokens in prop::collection::vec(0..50_u32, 0..40),
            most in 1..80_u32,
        ) {
            let parts = parts(tokens.iter().copied(), most);
            let places: Vec<usize> = parts.iter().cloned().flatten().collect();
            prop_assert_eq!(places, (0..tokens.len()).collect::<Vec<_>>());
            for part in parts {
                let sum: u32 = tokens[part.clone()].iter().sum();
                prop_assert!(sum <= most || part.len() == 1);
            }
        }

        #[test]
        fn a_cut_text_has_no_more_tokens_than_it_may(text in any::<String>(), most in 0..20_u32) {
            let cut = document(&["a"], 10).cut(&text, most);
            prop_assert!(Counting::Usual.tokens(&cut) <= most);
            prop_assert!(text.starts_with(&cut));
        }
    }
}

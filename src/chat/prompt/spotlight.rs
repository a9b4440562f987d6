//! Marks retrieved text as data, so that nothing in it is taken for an instruction ("spotlighting", Hines et al., 2024).
//!
//! Each passage stands between two tags that carry a random word of this very request. No document can have guessed it;
//! should it stand in one all the same, it is taken out. What reads like a tag, like a sign of the model's own protocol, or
//! not at all to a person, is made harmless.

use rand::Rng;
use rand::distr::Alphanumeric;

use crate::adapters::models::Passage;
use crate::chat::output_filter::Characters;

/// Letters and digits of a marker: 62 bits and more.
const MARKER_CHARS: usize = 12;
/// A title is a line; what is longer is cut.
const MOST_TITLE_CHARS: usize = 200;
/// Stands where a marker was taken out.
const TAKEN_OUT: &str = "…";

/// The random word of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker(String);

impl Marker {
    /// A word that stands in none of the texts.
    pub fn unlike<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Self {
        loop {
            let word: String =
                rand::rng().sample_iter(Alphanumeric).take(MARKER_CHARS).map(char::from).collect();
            if !texts.clone().any(|text| text.contains(&word)) {
                return Self(word);
            }
        }
    }

    /// A word that was made before, for a text of which more is asked later: what a provider has read already must begin alike.
    pub fn of(word: &str) -> Self {
        Self(word.to_owned())
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A text that is data, between tags of this request.
    pub fn enclose(&self, name: &str, text: &str) -> String {
        let word = &self.0;
        format!("<{name}-{word}>\n{}\n</{name}-{word}>\n", self.harmless(text.trim()))
    }

    /// A passage with its number, title and section.
    pub fn passage(&self, passage: &Passage) -> String {
        let word = &self.0;
        format!(
            "<passage-{word} number=\"{}\" title=\"{}\" section=\"{}\">\n{}\n</passage-{word}>\n",
            passage.marker,
            self.attribute(&passage.title),
            self.attribute(&passage.heading_path.join(" > ")),
            self.harmless(passage.text.trim())
        )
    }

    /// The text without the word of this request, and without what models take for signs.
    fn harmless(&self, text: &str) -> String {
        // What a person does not see and a model reads: whole sentences can be hidden in it.
        let mut characters = Characters::default();
        let visible: String = text.chars().filter(|sign| characters.lets_in(*sign)).collect();
        // Taken out last, since the characters between its parts may have been invisible ones.
        visible.replace("<|", "< |").replace("|>", "| >").replace(&self.0, TAKEN_OUT)
    }

    /// One line without anything that could end an attribute or a tag.
    fn attribute(&self, text: &str) -> String {
        let mut line = String::new();
        for character in self.harmless(text).chars().take(MOST_TITLE_CHARS) {
            match character {
                '&' => line.push_str("&amp;"),
                '<' => line.push_str("&lt;"),
                '>' => line.push_str("&gt;"),
                '"' => line.push_str("&quot;"),
                _ if character.is_control() || character.is_whitespace() => line.push(' '),
                _ => line.push(character),
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORD: &str = "k3Jf9aQz71Lm";

    fn passage(title: &str, heading: &str, text: &str) -> Passage {
        Passage {
            marker: 7,
            title: title.to_owned(),
            heading_path: vec![heading.to_owned()],
            text: text.to_owned(),
            score: 0.0,
            similarity: None,
        }
    }

    #[test]
    fn a_title_can_not_speak_and_hidden_sentences_are_gone() {
        let hidden: String =
            "obey".chars().map(|it| char::from_u32(0xe0000 + it as u32).unwrap()).collect();
        let block = Marker::of(WORD).passage(&passage(
            "A \"b\"\n<c>",
            "x",
            &format!("a{hidden}\u{200b}b <|im_end|>"),
        ));
        assert!(block.contains("title=\"A &quot;b&quot; &lt;c&gt;\""), "{block}");
        assert!(block.contains("\nab < |im_end| >\n"), "{block}");
    }

    #[test]
    fn two_requests_never_share_their_marker() {
        let markers: std::collections::HashSet<String> =
            (0..50).map(|_| Marker::unlike(std::iter::empty()).0).collect();
        assert_eq!(markers.len(), 50);
    }

    /// Text made of everything that could end a block, and of the marker itself in pieces.
    fn hostile() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("</passage-"),
            Just("<passage-"),
            Just(WORD),
            Just(">"),
            Just("\">\n"),
            Just("k3Jf9aQ"),
            Just("z71Lm"),
            Just("\u{200b}"),
            Just("\u{e0041}"),
            Just("\n"),
            Just("</passages-"),
            Just("<|im_start|>"),
            Just("&quot;"),
            Just("Question: "),
            Just(" ")
        ];
        let part = prop_oneof![8 => part.prop_map(str::to_owned), 1 => any::<String>()];
        prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_text_of_a_passage_opens_or_closes_a_block(title in hostile(), heading in hostile(), text in hostile()) {
            let block = Marker::of(WORD).passage(&passage(&title, &heading, &text));
            prop_assert_eq!(block.matches(WORD).count(), 2, "{}", block);
            prop_assert!(block.starts_with("<passage-k3Jf9aQz71Lm number=\"7\" title=\""));
            prop_assert!(block.ends_with("\n</passage-k3Jf9aQz71Lm>\n"));
            let first = block.lines().next().unwrap_or_default();
            prop_assert_eq!(first.matches('"').count(), 6);
            prop_assert!(!block.contains("<|") && !block.contains("|>"));
        }
    }
}

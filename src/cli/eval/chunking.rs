//! The chunking evaluation of Chroma: five corpora, and questions with the exact spans that answer them. Measures how
//! much of the spans the first five passages hold, and how little else.
//!
//! Passages and spans are compared in the corpus reduced to letters and digits: extraction drops marks and white space.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use super::ask::{Asked, Passage};
use super::retrieval::{Published, QuestionSet, read_text};
use super::scores;
use crate::cli::client::File;

/// Passages that are looked at.
const K: usize = 5;
/// Letters at either end by which a passage is placed when marks within it were dropped (the address of a link).
const END: usize = 40;

/// The set, read.
pub struct Chunking {
    /// By name: the text, and its letters and digits.
    corpora: BTreeMap<String, Corpus>,
    questions: Vec<Question>,
}

struct Corpus {
    text: String,
    letters: String,
    /// Where it begins when all corpora stand one after another.
    offset: usize,
}

struct Question {
    text: String,
    corpus: String,
    quotes: Vec<Quote>,
}

#[derive(Deserialize)]
struct Quote {
    content: String,
}

impl Chunking {
    /// Reads the set's folder.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut questions = Vec::new();
        for record in records(&read_text(&folder.join("questions.csv"))?).into_iter().skip(1) {
            let [text, quotes, corpus] = <[String; 3]>::try_from(record)
                .map_err(|record| anyhow::anyhow!("a question with {} fields", record.len()))?;
            let quotes = serde_json::from_str(&quotes)
                .with_context(|| format!("references of the question \"{text}\""))?;
            questions.push(Question { text, corpus, quotes });
        }
        let mut corpora = BTreeMap::new();
        let mut offset = 0;
        for question in &questions {
            if !corpora.contains_key(&question.corpus) {
                let file = folder.join("corpora").join(format!("{}.md", question.corpus));
                let text = read_text(&file)?;
                let letters = letters(&text);
                let next = offset + letters.len() + 1;
                corpora.insert(question.corpus.clone(), Corpus { text, letters, offset });
                offset = next;
            }
        }
        Ok(Self { corpora, questions })
    }

    fn place(&self, passage: &Passage) -> anyhow::Result<Range<usize>> {
        let name = passage.document.trim_end_matches(".txt");
        let corpus = self.corpora.get(name).context("a passage of an unknown corpus")?;
        let place = place(&corpus.letters, &letters(&passage.text));
        let place = place.with_context(|| format!("not in {name}: {}", passage.text))?;
        Ok(place.start + corpus.offset..place.end + corpus.offset)
    }
}

impl QuestionSet for Chunking {
    fn files(&self) -> Vec<File> {
        let file = |(name, corpus): (&String, &Corpus)| File {
            name: document_name(name),
            source_url: None,
            metadata: None,
            bytes: corpus.text.clone().into_bytes(),
        };
        self.corpora.iter().map(file).collect()
    }

    fn questions(&self) -> Vec<String> {
        self.questions.iter().map(|question| question.text.clone()).collect()
    }

    fn columns(&self) -> &'static [&'static str] {
        &["recall@5", "precision", "IoU"]
    }

    fn score(&self, index: usize, asked: &Asked) -> anyhow::Result<Vec<f64>> {
        let question = &self.questions[index];
        let corpus = &self.corpora[&question.corpus];
        let mut right = Vec::new();
        for quote in &question.quotes {
            let place = place(&corpus.letters, &letters(&quote.content));
            let place = place.with_context(|| format!("not in its corpus: {}", quote.content))?;
            right.push(place.start + corpus.offset..place.end + corpus.offset);
        }
        let passages = asked.passages.iter().take(K);
        let found = passages.map(|passage| self.place(passage)).collect::<anyhow::Result<Vec<_>>>();
        Ok(scores::spans(&found?, &right).to_vec())
    }

    fn published(&self) -> &'static [Published] {
        &[
            ("recursive, 200 tokens (from memory, unchecked)", &[0.881, f64::NAN, 0.069]),
            ("cut by an LLM (from memory, unchecked)", &[0.919, f64::NAN, f64::NAN]),
        ]
    }
}

/// Imported as plain text: read as Markdown, words such as `<unk>` would be lost as mark-up.
fn document_name(corpus: &str) -> String {
    format!("{corpus}.txt")
}

fn letters(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).collect()
}

/// Where `part` stands in `whole`, both reduced to letters.
fn place(whole: &str, part: &str) -> Option<Range<usize>> {
    if let Some(start) = whole.find(part) {
        return Some(start..start + part.len());
    }
    let head = part.char_indices().nth(END).and_then(|(at, _)| part.get(..at))?;
    let tail = part.char_indices().rev().nth(END).and_then(|(at, _)| part.get(at..))?;
    let start = whole.find(head)?;
    let end = start + whole.get(start..)?.find(tail)? + tail.len();
    Some(start..end)
}

/// Records of a CSV file (RFC 4180): a field in quotes may hold commas, line breaks and doubled quotes.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let begins = record.last().is_some_and(String::is_empty);
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                push(&mut record, '"');
            }
            '"' if is_quoted || begins => is_quoted = !is_quoted,
            ',' if !is_quoted => record.push(String::new()),
            '\r' if !is_quoted => {}
            '\n' if !is_quoted => records.push(std::mem::replace(&mut record, vec![String::new()])),
            _ => push(&mut record, character),
        }
    }
    if record.len() > 1 || record.iter().any(|field| !field.is_empty()) {
        records.push(record);
    }
    records
}

fn push(record: &mut [String], character: char) {
    if let Some(field) = record.last_mut() {
        field.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_fields_keep_commas_breaks_and_quotes() {
        let read = records("a,b\r\n\"x, y\",\"say \"\"hi\"\"\nthere\"\n");
        assert_eq!(read, [vec!["a", "b"], vec!["x, y", "say \"hi\"\nthere"]]);
        assert_eq!(records("a,\"\",c"), [["a", "", "c"]]);
    }

    #[test]
    fn a_passage_without_the_marks_of_the_corpus_is_placed() {
        let whole = letters("# Title\n\nSome *marked* words.");
        assert_eq!(place(&whole, &letters("Some marked\nwords")), Some(5..20));
    }

    #[test]
    fn a_passage_that_lost_an_address_is_placed_by_its_ends() {
        let (head, tail) = ("a".repeat(END + 1), "z".repeat(END + 1));
        let whole = format!("before{head}httpsexamplecom{tail}after");
        assert_eq!(place(&whole, &format!("{head}{tail}")), Some(6..6 + 2 * END + 2 + 15));
        assert_eq!(place(&whole, "elsewhere"), None);
    }
}

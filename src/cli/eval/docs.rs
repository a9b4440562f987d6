//! The documentation set of Anthropic's cookbook (retrieval-augmented generation): sections of a product's
//! documentation, and questions with the links of the sections that answer them.

use std::path::Path;

use serde::Deserialize;
use serde_json::json;

use super::ask::Asked;
use super::retrieval::{Goal, Published, QuestionSet, read_json};
use super::scores;
use crate::cli::client::File;

/// Documents that are looked at.
const K: usize = 3;

/// The set, read.
pub struct Docs {
    sections: Vec<Section>,
    questions: Vec<Question>,
}

#[derive(Deserialize)]
struct Section {
    chunk_link: String,
    chunk_heading: String,
    text: String,
}

#[derive(Deserialize)]
struct Question {
    question: String,
    correct_chunks: Vec<String>,
}

impl Docs {
    /// Reads the set's folder.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            sections: read_json(&folder.join("chunks.json"))?,
            questions: read_json(&folder.join("questions.json"))?,
        })
    }
}

impl QuestionSet for Docs {
    fn files(&self) -> Vec<File> {
        let file = |section: &Section| File {
            name: document_name(&section.chunk_link),
            source_url: Some(section.chunk_link.clone()),
            metadata: Some(json!({ "link": section.chunk_link })),
            bytes: format!("# {}\n\n{}", section.chunk_heading, section.text).into_bytes(),
        };
        self.sections.iter().map(file).collect()
    }

    fn questions(&self) -> Vec<String> {
        self.questions.iter().map(|question| question.question.clone()).collect()
    }

    fn columns(&self) -> &'static [&'static str] {
        &["P@3", "R@3", "MRR@3", "F1"]
    }

    fn score(&self, index: usize, asked: &Asked) -> anyhow::Result<Vec<f64>> {
        let names: Vec<String> =
            self.questions[index].correct_chunks.iter().map(|link| document_name(link)).collect();
        let right: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = asked.documents();
        Ok(vec![
            scores::precision(&found, &right, K),
            scores::recall(&found, &right, K),
            scores::reciprocal_rank(&found, &right, K),
        ])
    }

    /// The cookbook's F1 is that of the averages.
    fn total(&self, averages: Vec<f64>) -> Vec<f64> {
        let f1 = scores::f1(averages[0], averages[1]);
        averages.into_iter().chain([f1]).collect()
    }

    fn published(&self) -> &'static [Published] {
        &[
            ("cookbook, basic", &[0.428, 0.659, 0.737, 0.519]),
            ("cookbook, summaries and reranking by Claude", &[0.437, 0.693, 0.865, 0.536]),
        ]
    }

    fn goals(&self) -> &'static [Goal] {
        &[Goal { column: 1, least: 0.70 }, Goal { column: 2, least: 0.84 }]
    }
}

/// A link as the name of a Markdown file.
fn document_name(link: &str) -> String {
    let path = link.split_once("://").map_or(link, |(_, rest)| rest);
    let path = path.split_once('/').map_or(path, |(_, rest)| rest);
    format!("{}.md", path.replace('#', "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_becomes_a_path_without_its_host() {
        assert_eq!(document_name("https://docs.example.com/en/a#b-c"), "en/a/b-c.md");
    }
}

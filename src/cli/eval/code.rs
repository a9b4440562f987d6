//! The code set of Anthropic's cookbook (contextual embeddings): source files in chunks, and questions with the one
//! chunk that answers each.

use std::path::Path;

use anyhow::Context;
use serde::Deserialize;
use serde_json::json;

use super::ask::Asked;
use super::retrieval::{Goal, Published, QuestionSet, read_json, read_text};
use super::scores;
use crate::cli::client::File;

/// The set, read.
pub struct Code {
    sources: Vec<Source>,
    questions: Vec<Question>,
}

#[derive(Deserialize)]
struct Source {
    doc_id: String,
    original_uuid: String,
    chunks: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    chunk_id: String,
    original_index: u32,
    content: String,
}

#[derive(Deserialize)]
struct Question {
    query: String,
    golden_chunk_uuids: Vec<(String, u32)>,
}

impl Code {
    /// Reads the set's folder.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let lines = read_text(&folder.join("questions.jsonl"))?;
        let questions = lines.lines().filter(|line| !line.trim().is_empty());
        Ok(Self {
            sources: read_json(&folder.join("chunks.json"))?,
            questions: questions
                .map(serde_json::from_str)
                .collect::<Result<_, _>>()
                .context("reading questions.jsonl")?,
        })
    }

    fn name_of(&self, uuid: &str, index: u32) -> Option<String> {
        let source = self.sources.iter().find(|source| source.original_uuid == uuid)?;
        Some(document_name(source, index))
    }
}

impl QuestionSet for Code {
    fn files(&self) -> Vec<File> {
        let mut files = Vec::new();
        for source in &self.sources {
            for part in &source.chunks {
                files.push(File {
                    name: document_name(source, part.original_index),
                    source_url: None,
                    metadata: Some(json!({ "chunk_id": part.chunk_id })),
                    bytes: part.content.clone().into_bytes(),
                });
            }
        }
        files
    }

    fn questions(&self) -> Vec<String> {
        self.questions.iter().map(|question| question.query.clone()).collect()
    }

    fn columns(&self) -> &'static [&'static str] {
        &["Pass@5", "Pass@10", "Pass@20"]
    }

    fn score(&self, index: usize, asked: &Asked) -> anyhow::Result<Vec<f64>> {
        let mut names = Vec::new();
        for (uuid, part) in &self.questions[index].golden_chunk_uuids {
            names.push(self.name_of(uuid, *part).context("a question names an unknown chunk")?);
        }
        let right: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = asked.documents();
        Ok([5, 10, 20].iter().map(|k| 100.0 * scores::recall(&found, &right, *k)).collect())
    }

    fn published(&self) -> &'static [Published] {
        &[
            ("cookbook, basic", &[80.9, 87.2, 90.1]),
            ("cookbook, contextual and reranked", &[91.2, 94.8, 96.3]),
        ]
    }

    fn goals(&self) -> &'static [Goal] {
        &[Goal { column: 1, least: 86.0 }]
    }
}

/// The set tells no file names, and any extension of a programming language is read alike.
fn document_name(source: &Source, index: u32) -> String {
    format!("{}/{index}.rs", source.doc_id)
}

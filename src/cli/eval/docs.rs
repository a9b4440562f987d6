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

/// The set in two parts: no question has right passages in both.
pub struct Halves {
    /// Documents of each part.
    pub files: [Vec<File>; 2],
    /// Each question with the part that answers it, 0 or 1.
    pub questions: Vec<(String, usize)>,
}

impl Docs {
    /// Cuts the set in two. Sections that answer one question stay together.
    pub fn halves(&self) -> Halves {
        let links: Vec<&str> =
            self.sections.iter().map(|section| section.chunk_link.as_str()).collect();
        // Sections of one group carry the place of its first one.
        let mut groups: Vec<usize> = (0..links.len()).collect();
        let place = |link: &String| links.iter().position(|known| known == link);
        for question in &self.questions {
            let places: Vec<usize> = question.correct_chunks.iter().filter_map(place).collect();
            let joined: Vec<usize> = places.iter().map(|place| groups[*place]).collect();
            let first = joined.iter().copied().min().unwrap_or_default();
            for group in &mut groups {
                *group = if joined.contains(group) { first } else { *group };
            }
        }
        let mut firsts = groups.clone();
        firsts.sort_unstable();
        firsts.dedup();
        let side = |place: usize| firsts.binary_search(&groups[place]).unwrap_or_default() % 2;
        let mut files = [Vec::new(), Vec::new()];
        for (place, section) in self.sections.iter().enumerate() {
            files[side(place)].push(file(section));
        }
        let questions = self.questions.iter().map(|question| {
            let right = question.correct_chunks.iter().find_map(place);
            (question.question.clone(), right.map_or(0, side))
        });
        Halves { files, questions: questions.collect() }
    }
}

fn file(section: &Section) -> File {
    File {
        name: document_name(&section.chunk_link),
        source_url: Some(section.chunk_link.clone()),
        metadata: Some(json!({ "link": section.chunk_link })),
        bytes: format!("# {}\n\n{}", section.chunk_heading, section.text).into_bytes(),
    }
}

impl QuestionSet for Docs {
    fn files(&self) -> Vec<File> {
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
    fn no_question_has_its_right_sections_in_both_halves() {
        let section = |link: &str| Section {
            chunk_link: link.to_owned(),
            chunk_heading: link.to_owned(),
            text: String::new(),
        };
        let question = |links: &[&str]| Question {
            question: links.join(" "),
            correct_chunks: links.iter().map(|link| (*link).to_owned()).collect(),
        };
        let sections = ["a", "b", "c", "d", "e"].map(section).into();
        let questions = vec![question(&["d", "a"]), question(&["b"]), question(&["e", "d"])];
        let Halves { files, questions } = Docs { sections, questions }.halves();
        let names =
            |side: usize| files[side].iter().map(|file| file.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(0), ["a.md", "c.md", "d.md", "e.md"]);
        assert_eq!(names(1), ["b.md"]);
        let sides: Vec<usize> = questions.iter().map(|question| question.1).collect();
        assert_eq!(sides, [0, 1, 0]);
    }

    #[test]
    fn a_link_becomes_a_path_without_its_host() {
        assert_eq!(document_name("https://docs.example.com/en/a#b-c"), "en/a/b-c.md");
    }
}

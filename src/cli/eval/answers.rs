//! `pidima eval answers`: asks questions whose right page is known, and questions that the documentation does not
//! answer; counts what was answered, cited and refused, and lists the misses.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{AT_ONCE, progress};
use super::retrieval::read_json;
use crate::cli::client::Client;

#[derive(Debug, Args)]
pub struct AnswersArgs {
    /// JSON list of questions: {question, page, must_contain}; page null when the answer must be a refusal
    file: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Question {
    question: String,
    /// Name or title of the document that answers; absent when none does.
    page: Option<String>,
    /// Words of the right answer.
    must_contain: Option<String>,
}

/// What became of one question.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    refused: bool,
    has_phrase: bool,
    cites_page: bool,
}

pub async fn run(args: &AnswersArgs, client: &Client) -> anyhow::Result<()> {
    let questions: Vec<Question> = read_json(&args.file)?;
    let bar = progress("asking", questions.len());
    let answers: Vec<Value> =
        stream::iter(questions.iter().map(|question| ask(client, &question.question)))
            .buffered(AT_ONCE)
            .inspect(|_| bar.inc(1))
            .try_collect()
            .await?;
    bar.finish_and_clear();
    let documents = documents(client, &answers).await?;
    let judged: Vec<(&Question, &Value, Verdict)> = questions
        .iter()
        .zip(&answers)
        .map(|(question, answer)| (question, answer, judge(question, answer, &documents)))
        .collect();
    print(&judged).context("writing to standard output")
}

async fn ask(client: &Client, question: &str) -> anyhow::Result<Value> {
    let body = json!({ "question": question });
    client.post("/v1/answers", &body).await.with_context(|| format!("asking \"{question}\""))
}

/// Name and title of every document that is cited.
async fn documents(
    client: &Client,
    answers: &[Value],
) -> anyhow::Result<BTreeMap<String, [String; 2]>> {
    let cited: BTreeSet<&str> = answers
        .iter()
        .flat_map(citations)
        .filter_map(|citation| citation["document_id"].as_str())
        .collect();
    let mut documents = BTreeMap::new();
    for id in cited {
        let document = client.get(&format!("/v1/documents/{id}")).await?;
        let field = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
        documents.insert(id.to_owned(), [field("name"), field("title")]);
    }
    Ok(documents)
}

fn citations(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["citations"].as_array().into_iter().flatten()
}

fn judge(
    question: &Question,
    answer: &Value,
    documents: &BTreeMap<String, [String; 2]>,
) -> Verdict {
    let content = answer["content"].as_str().unwrap_or_default();
    let quotes = citations(answer).filter_map(|citation| citation["quote"].as_str());
    let has_phrase = question.must_contain.as_deref().is_some_and(|phrase| {
        let phrase = folded(phrase);
        std::iter::once(content).chain(quotes).any(|text| folded(text).contains(&phrase))
    });
    let cites_page = question.page.as_ref().is_some_and(|page| {
        citations(answer).any(|citation| {
            let id = citation["document_id"].as_str().unwrap_or_default();
            documents.get(id).is_some_and(|names| names.contains(page))
        })
    });
    Verdict { refused: answer["outcome"] == "no_answer", has_phrase, cites_page }
}

/// Lower case, one space between words, no marks of citations or emphasis.
fn folded(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        plain.push_str(&rest[..open]);
        let inside = &rest[open + 1..];
        let digits = inside.bytes().take_while(u8::is_ascii_digit).count();
        let is_marker = digits > 0 && inside[digits..].starts_with(']');
        if !is_marker {
            plain.push('[');
        }
        rest = if is_marker { &inside[digits + 1..] } else { inside };
    }
    plain.push_str(rest);
    plain.retain(|character| !matches!(character, '*' | '`'));
    plain.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn print(judged: &[(&Question, &Value, Verdict)]) -> std::io::Result<()> {
    let known: Vec<_> = judged.iter().filter(|(question, _, _)| question.page.is_some()).collect();
    let unknown: Vec<_> =
        judged.iter().filter(|(question, _, _)| question.page.is_none()).collect();
    let phrase = known.iter().filter(|(_, _, verdict)| verdict.has_phrase).count();
    let cited = known.iter().filter(|(_, _, verdict)| verdict.cites_page).count();
    let false_refusals = known.iter().filter(|(_, _, verdict)| verdict.refused).count();
    let refused = unknown.iter().filter(|(_, _, verdict)| verdict.refused).count();
    let mut out = std::io::stdout();
    writeln!(out, "\nquestions that the documentation answers: {}", known.len())?;
    writeln!(out, "  phrase in the answer or in a quote  {}", share(phrase, known.len()))?;
    writeln!(out, "  right page cited                    {}", share(cited, known.len()))?;
    writeln!(out, "  refused though answerable           {}", share(false_refusals, known.len()))?;
    writeln!(out, "questions that it does not answer: {}", unknown.len())?;
    writeln!(out, "  refused                             {}", share(refused, unknown.len()))?;
    for (question, answer, verdict) in judged {
        let Some(reason) = miss(question, verdict) else { continue };
        writeln!(out, "\n- {}\n  {reason}", question.question)?;
        let content = answer["content"].as_str().unwrap_or_default();
        let beginning: String = content.chars().take(200).collect();
        writeln!(out, "  answer: {}", beginning.replace('\n', " "))?;
    }
    Ok(())
}

/// Why a question counts as missed.
fn miss(question: &Question, verdict: &Verdict) -> Option<String> {
    let Some(page) = &question.page else {
        return (!verdict.refused).then(|| "must be refused".to_owned());
    };
    let phrase = question.must_contain.as_deref().unwrap_or_default();
    match verdict {
        Verdict { refused: true, .. } => Some(format!("refused; {page} answers it")),
        Verdict { has_phrase: false, .. } => Some(format!("without \"{phrase}\" of {page}")),
        Verdict { cites_page: false, .. } => Some(format!("{page} is not cited")),
        _ => None,
    }
}

fn share(part: usize, whole: usize) -> String {
    let percent = if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 };
    format!("{percent:5.1} %  ({part} of {whole})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(page: Option<&str>, phrase: Option<&str>) -> Question {
        Question {
            question: "?".to_owned(),
            page: page.map(str::to_owned),
            must_contain: phrase.map(str::to_owned),
        }
    }

    #[test]
    fn a_phrase_counts_across_markers_emphasis_and_line_breaks() {
        let answer = json!({
            "outcome": "answered",
            "content": "Keep **at\nmost** [1] Ten",
            "citations": [{ "document_id": "d", "quote": "elsewhere" }],
        });
        let documents =
            BTreeMap::from([("d".to_owned(), ["limits.md".to_owned(), "Limits".to_owned()])]);
        let verdict = judge(&question(Some("limits.md"), Some("at most ten")), &answer, &documents);
        assert_eq!(verdict, Verdict { refused: false, has_phrase: true, cites_page: true });
        let other = judge(&question(Some("other.md"), Some("eleven")), &answer, &documents);
        assert_eq!(other, Verdict { refused: false, has_phrase: false, cites_page: false });
    }

    #[test]
    fn an_answer_to_what_nothing_answers_is_a_miss_and_a_refusal_is_none() {
        let unknown = question(None, None);
        let refused = Verdict { refused: true, has_phrase: false, cites_page: false };
        let answered = Verdict { refused: false, ..refused };
        assert!(miss(&unknown, &refused).is_none());
        assert!(miss(&unknown, &answered).is_some());
        assert!(miss(&question(Some("a.md"), Some("x")), &refused).is_some());
    }

    #[test]
    fn brackets_that_are_no_marker_stay() {
        assert_eq!(folded("a [b] [12] `c`"), "a [b] c");
    }
}

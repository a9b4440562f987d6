//! `pidima eval retrieval`: imports each question set into a collection of its own, asks its questions, prints our
//! figures beside the published ones, and removes the collection.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::ask::{Asked, ask_all};
use super::chunking::Chunking;
use super::code::Code;
use super::docs::Docs;
use super::{scores, table};
use crate::cli::client::{Client, File};
use crate::cli::import::import;

#[derive(Debug, Args)]
pub struct RetrievalArgs {
    /// Folder with the sets: docs, code, chunking; those that are absent are left out
    directory: PathBuf,
    /// Measure this set only
    #[arg(long)]
    only: Option<String>,
    /// Keep the collections, to measure again without importing; import anew after a change of ingestion
    #[arg(long)]
    keep: bool,
    /// Fail when a figure over all questions is below its goal
    #[arg(long)]
    require: bool,
}

/// Name of a published result and its figures, in the order of the columns.
pub type Published = (&'static str, &'static [f64]);

/// The least that a column must reach over all questions.
pub struct Goal {
    /// Index of the column.
    pub column: usize,
    /// Its least value.
    pub least: f64,
}

/// Documents, and questions whose right passages are known.
pub trait QuestionSet {
    /// Documents to import.
    fn files(&self) -> Vec<File>;
    /// Questions, in the order of the set.
    fn questions(&self) -> Vec<String>;
    /// What is measured.
    fn columns(&self) -> &'static [&'static str];
    /// Figures of one question, to be averaged.
    fn score(&self, index: usize, asked: &Asked) -> anyhow::Result<Vec<f64>>;
    /// All columns from the averages.
    fn total(&self, averages: Vec<f64>) -> Vec<f64> {
        averages
    }
    /// What others reached.
    fn published(&self) -> &'static [Published];
    /// What must be reached.
    fn goals(&self) -> &'static [Goal] {
        &[]
    }
}

pub async fn run(args: &RetrievalArgs, client: &Client) -> anyhow::Result<()> {
    let mut missed = Vec::new();
    let mut measured = 0;
    for name in ["docs", "code", "chunking"] {
        let folder = args.directory.join(name);
        if args.only.as_deref().is_some_and(|only| only != name) || !folder.is_dir() {
            continue;
        }
        let set: Box<dyn QuestionSet> = match name {
            "docs" => Box::new(Docs::read(&folder)?),
            "code" => Box::new(Code::read(&folder)?),
            _ => Box::new(Chunking::read(&folder)?),
        };
        missed.extend(measure(name, set.as_ref(), args.keep, client).await?);
        measured += 1;
    }
    ensure!(measured > 0, "{} holds none of docs, code, chunking", args.directory.display());
    if args.require && !missed.is_empty() {
        bail!("below the goal: {}", missed.join(", "));
    }
    Ok(())
}

/// Reads a JSON file of a set.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    serde_json::from_str(&read_text(path)?).with_context(|| format!("reading {}", path.display()))
}

/// Reads a text file of a set.
pub fn read_text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// Measures one set; the goals that were missed.
async fn measure(
    name: &str,
    set: &dyn QuestionSet,
    keep: bool,
    client: &Client,
) -> anyhow::Result<Vec<String>> {
    let collection = match keep {
        true => format!("eval-{name}"),
        // A name of its own: two measurements at the same time do not meet.
        false => format!("eval-{name}-{}", Uuid::new_v4().simple()),
    };
    let collection_id = client.ensure_collection(&collection).await?;
    let asked = import_and_ask(set, &collection, &collection_id, client).await;
    if !keep {
        client.delete(&format!("/v1/collections/{collection_id}")).await?;
    }
    report(name, set, &asked?)
}

async fn import_and_ask(
    set: &dyn QuestionSet,
    collection: &str,
    collection_id: &str,
    client: &Client,
) -> anyhow::Result<Vec<Asked>> {
    let imported = import(client, collection, set.files()).await?;
    ensure!(imported.failed.is_empty(), "not imported: {:?}", imported.failed);
    ask_all(client, collection_id, &set.questions()).await
}

fn report(name: &str, set: &dyn QuestionSet, asked: &[Asked]) -> anyhow::Result<Vec<String>> {
    let mut figures = Vec::with_capacity(asked.len());
    for (index, found) in asked.iter().enumerate() {
        figures.push(set.score(index, found)?);
    }
    let half = figures.len() / 2;
    let all = averages(set, &figures);
    let mut rows = vec![
        ("first half".to_owned(), averages(set, &figures[..half])),
        ("second half".to_owned(), averages(set, &figures[half..])),
        ("all".to_owned(), all.clone()),
    ];
    for (published, values) in set.published() {
        rows.push(((*published).to_owned(), values.to_vec()));
    }
    let title = format!(
        "{name}: {} questions, {} passages",
        asked.len(),
        asked.first().map_or(0, |first| first.searched)
    );
    table::print(&title, set.columns(), &rows)?;
    print_times(asked)?;
    let mut missed = Vec::new();
    for goal in set.goals().iter().filter(|goal| all[goal.column] < goal.least) {
        let column = set.columns()[goal.column];
        missed.push(format!("{name} {column} {:.3} < {}", all[goal.column], goal.least));
    }
    Ok(missed)
}

fn averages(set: &dyn QuestionSet, figures: &[Vec<f64>]) -> Vec<f64> {
    let width = figures.first().map_or(0, Vec::len);
    let average = |column: usize| scores::mean(figures.iter().map(|values| values[column]));
    set.total((0..width).map(average).collect())
}

fn print_times(asked: &[Asked]) -> std::io::Result<()> {
    let row = |name: &str, share: f64| {
        let column = |stage: usize| {
            let times: Vec<f64> = asked.iter().map(|found| found.times_ms[stage]).collect();
            scores::percentile(&times, share)
        };
        (name.to_owned(), (0..5).map(column).collect::<Vec<f64>>())
    };
    let columns = ["request", "embed", "meaning", "words", "fuse"];
    table::print("  milliseconds", &columns, &[row("p50", 0.5), row("p95", 0.95)])
}

//! `pidima eval refusals`: lays one half of a documentation set into each of two collections, so that no question has its
//! right passages on both sides, and asks each question on its own side, where it must be answered, and on the other, where
//! the answer is missing and must be "I do not know". Counts both kinds of mistakes.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use uuid::Uuid;

use super::ask::{AT_ONCE, progress};
use super::docs::{Docs, Halves};
use crate::cli::client::Client;
use crate::cli::import::import;

#[derive(Debug, Args)]
pub struct RefusalsArgs {
    /// Folder of the set: chunks.json and questions.json
    folder: PathBuf,
    /// Assistant that answers; the tenant's default one when absent
    #[arg(long)]
    assistant: Option<Uuid>,
}

/// What became of a question on one side.
struct Asked {
    /// Place of the question in the set.
    index: usize,
    /// Whether its answer is on this side.
    is_answerable: bool,
    is_refused: bool,
    reason: String,
}

pub async fn run(args: &RefusalsArgs, client: &Client) -> anyhow::Result<()> {
    let Halves { files, questions } = Docs::read(&args.folder)?.halves();
    let name = format!("eval-refusals-{}", Uuid::new_v4().simple());
    let mut collections = Vec::new();
    for (side, files) in files.into_iter().enumerate() {
        let collection = format!("{name}-{side}");
        collections.push(client.ensure_collection(&collection).await?);
        let imported = import(client, &collection, files).await?;
        ensure!(imported.failed.is_empty(), "not imported: {:?}", imported.failed);
    }
    let asked = ask_all(args, client, &questions, &collections).await;
    for id in &collections {
        client.delete(&format!("/v1/collections/{id}")).await?;
    }
    print(&asked?).context("writing to standard output")
}

async fn ask_all(
    args: &RefusalsArgs,
    client: &Client,
    questions: &[(String, usize)],
    collections: &[String],
) -> anyhow::Result<Vec<Asked>> {
    let bar = progress("asking", questions.len() * collections.len());
    let each = questions.iter().enumerate().flat_map(|(index, (question, side))| {
        collections.iter().enumerate().map(move |(asked, id)| (index, question, asked == *side, id))
    });
    let asked = stream::iter(each.map(|(index, question, is_answerable, id)| async move {
        let mut body = json!({ "question": question, "collection_ids": [id] });
        if let Some(assistant) = args.assistant {
            body["assistant_id"] = json!(assistant);
        }
        let answer: Value = client.post("/v1/answers", &body).await?;
        let is_refused = answer["outcome"] == "no_answer";
        let reason = answer["outcome_reason"].as_str().unwrap_or("none").to_owned();
        anyhow::Ok(Asked { index, is_answerable, is_refused, reason })
    }))
    .buffered(AT_ONCE)
    .inspect(|_| bar.inc(1))
    .try_collect()
    .await;
    bar.finish_and_clear();
    asked
}

/// One row for each reason, with a column for each kind of question and half of the set.
fn print(asked: &[Asked]) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(
        out,
        "\n{:<18}{:>28}{:>28}",
        "", "refused though answerable", "refused, no answer there"
    )?;
    // Who sets a threshold by one half can judge it by the other.
    let columns = [(true, 0), (true, 1), (false, 0), (false, 1)];
    let names = ["first half", "second half", "first half", "second half"];
    writeln!(out, "{:<18}{}", "", names.map(|name| format!("{name:>14}")).concat())?;
    let counts = |reason: Option<&str>| {
        let columns = columns.map(|(is_answerable, half)| {
            let asked = asked.iter().filter(|it| it.is_answerable == is_answerable);
            let asked: Vec<&Asked> = asked.filter(|it| it.index % 2 == half).collect();
            let is_counted = |it: &&&Asked| reason.is_none_or(|reason| it.reason == reason);
            let refused = asked.iter().filter(|it| it.is_refused).filter(is_counted).count();
            format!("{:>14}", format!("{refused} of {}", asked.len()))
        });
        columns.concat()
    };
    let refused = asked.iter().filter(|it| it.is_refused);
    let reasons: BTreeSet<&str> = refused.map(|it| it.reason.as_str()).collect();
    for reason in reasons {
        writeln!(out, "{reason:<18}{}", counts(Some(reason)))?;
    }
    writeln!(out, "{:<18}{}", "all", counts(None))
}

//! Real documentation through the whole ingestion: how many pages a second each stage takes, and what becomes of each file.
//!
//! ```text
//! tests/corpora.sh FOLDER
//! PIDIMA_MEASURED_CORPORA=FOLDER PIDIMA_MEASURED_PROGRAM=target/release/pidima \
//!     cargo test --test it -- --ignored --nocapture --test-threads=1 load::corpora
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use futures_util::{StreamExt, stream};
use pidima::adapters::embeddings::Embedder;
use pidima::knowledge::parse::MediaType;
use pidima::knowledge::parser::Parser;

use super::site::Site;
use crate::support::program::program;
use crate::support::{minilm, parser_settings};

/// Pages of a corpus that are read, unless `PIDIMA_MEASURED_READ` says how many.
const READ: usize = 3_000;
/// Pages of a corpus that go through the whole ingestion, unless `PIDIMA_MEASURED_PAGES` says how many.
const INGESTED: usize = 200;
/// Readers at once.
const READERS: usize = 2;
/// Passages that the bare model is tried with, and how many at once.
const PASSAGES: usize = 500;
const BATCH: usize = 64;

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// Files with one of these endings below a folder, each once and by name.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            let path = entry.path();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file()
                && path.extension().is_some_and(|it| endings.iter().any(|ending| it == *ending))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// So many of them, from all over.
fn some(files: &[PathBuf], most: usize) -> Vec<PathBuf> {
    let step = files.len().div_ceil(most.max(1)).max(1);
    files.iter().step_by(step).cloned().collect()
}

/// Reads files as the worker does, in a process each; what could not be read, by reason.
async fn read(name: &str, files: &[PathBuf]) {
    let mut settings = parser_settings();
    settings.program = Some(program());
    settings.processes = READERS;
    let parser = Parser::new(settings);
    let began = Instant::now();
    let outcomes: Vec<_> = stream::iter(files)
        .map(|path| {
            let parser = &parser;
            async move {
                let bytes = std::fs::read(path).unwrap();
                let file = path.file_name().unwrap().to_string_lossy().into_owned();
                let size = bytes.len();
                let read = match MediaType::from_file(&file, None, &bytes) {
                    Ok(media) => parser.parse(media, &bytes).await.map_err(|it| it.to_string()),
                    Err(error) => Err(error.to_string()),
                };
                (file, size, read.map(drop))
            }
        })
        .buffer_unordered(READERS)
        .collect()
        .await;
    let seconds = began.elapsed().as_secs_f64();
    let bytes: usize = outcomes.iter().map(|(_, size, _)| size).sum();
    println!(
        "{name}: {} files of {:.1} KB read, {READERS} at once: {:.0} files/s",
        outcomes.len(),
        bytes as f64 / 1e3 / outcomes.len() as f64,
        outcomes.len() as f64 / seconds,
    );
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, _, read) in outcomes {
        if let Err(reason) = read {
            reasons.entry(reason).or_default().push(file);
        }
    }
    for (reason, files) in reasons {
        println!("    {} not read: {reason} ({})", files.len(), files[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: run it alone, on a release build, with the folder that tests/corpora.sh made"]
async fn real_documentation_comes_in_at_this_pace() {
    let folder = std::env::var("PIDIMA_MEASURED_CORPORA").expect("the folder of tests/corpora.sh");
    let folder = Path::new(&folder);
    let (most_read, most_ingested) =
        (number("PIDIMA_MEASURED_READ", READ), number("PIDIMA_MEASURED_PAGES", INGESTED));
    let corpora: [(&str, &[&str]); 4] = [
        ("postgresql", &["html"]),
        ("python", &["html"]),
        ("rust", &["html"]),
        ("files", &["pdf", "docx"]),
    ];
    for (name, endings) in corpora {
        read(name, &some(&files(&folder.join(name), endings), most_read)).await;
    }
    // One document after the other: so each stage has the machine for itself.
    let mut site = Site::start_with(&[("PIDIMA_INGESTION_CONCURRENCY", "1")]).await;
    let mut ratios = Vec::new();
    for (name, endings) in corpora {
        let key = site.tenant(name);
        let all = files(&folder.join(name), endings);
        let mut taken = 0;
        for path in some(&all, most_ingested) {
            let at = path.strip_prefix(folder).unwrap().to_str().unwrap();
            let status = site.upload(&key, at, std::fs::read(&path).unwrap()).await;
            taken += usize::from(status.is_success());
            if !status.is_success() {
                println!("    not taken: {status} ({at})");
            }
        }
        site.start_worker();
        site.until_idle_within(std::time::Duration::from_secs(3_600)).await;
        site.stop_worker();
        let stages = site.stages(name).await;
        println!("{name}: {taken} documents taken, {}", site.ends(name).await);
        println!("    {stages}");
        for reason in site.failures(name).await {
            println!("    {reason}");
        }
        let texts = site.passages(name, PASSAGES).await;
        let model = minilm().await;
        let began = Instant::now();
        for batch in texts.chunks(BATCH) {
            model.embed_passages(batch).await.unwrap();
        }
        let bare = texts.len() as f64 / began.elapsed().as_secs_f64();
        let ratio = stages.embedded_per_second() / bare;
        println!(
            "    the bare model: {bare:.0} passages/s; ingestion embeds at {ratio:.2} of that"
        );
        ratios.push((name, ratio, stages));
    }
    site.stop().await;
    for (name, ratio, stages) in &ratios {
        assert!(*ratio >= 0.8, "{name}: {ratio:.2}");
        assert!(stages.index_ms < stages.embed_ms, "{name}: inserting is the bottleneck");
    }
}

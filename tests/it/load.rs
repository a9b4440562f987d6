//! What documents of one tenant cost the questions of another one, with API and worker as processes of their own, PostgreSQL on
//! disk and the real embedding model, all on this machine. Measurements, which say something of a quiet machine and of a
//! release build alone:
//!
//! ```text
//! cargo build --release
//! PIDIMA_MEASURED_PROGRAM=target/release/pidima cargo test --test it -- --ignored --nocapture --test-threads=1 load::
//! ```

mod corpora;
mod memory;
mod site;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use pidima::knowledge::parse::MediaType;
use serde::Deserialize;

use memory::Watched;
use site::Site;

use crate::parser::hostile;
use crate::support::program::program;

/// Between two questions: people read what they are told.
const PAUSE: Duration = Duration::from_millis(100);
const QUIET_QUESTIONS: usize = 600;
const LEAST_QUESTIONS: usize = 100;
/// Small documents, unless `PIDIMA_MEASURED_DOCUMENTS` says how many.
const SMALL_DOCUMENTS: usize = 10_000;
/// Uploads at once.
const UPLOADS: usize = 8;
/// Memory of a process that reads a file, as the service sets it when nothing is set, in bytes.
const READER_BYTES: u64 = 1 << 29;

/// Times of questions.
struct Times(Vec<Duration>);

impl Times {
    /// These and others: what a quiet machine takes differs from minute to minute.
    fn with(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent / 100).min(sorted.len() - 1);
        sorted[place].as_secs_f64() * 1e3
    }

    fn print(&self, name: &str) {
        println!(
            "{name}: {} questions, p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms",
            self.0.len(),
            self.percentile(50),
            self.percentile(95),
            self.percentile(99)
        );
    }
}

#[derive(Deserialize)]
struct Question {
    question: String,
}

fn questions() -> Vec<String> {
    let text = include_str!("../../seeds/handbook/questions.json");
    let questions: Vec<Question> = serde_json::from_str(text).unwrap();
    questions.into_iter().map(|question| question.question).collect()
}

/// Asks one question after the other, so many or as long as there is work, whichever is more.
async fn ask(site: &Site, key: &str, least: usize, while_busy: bool) -> Times {
    let questions = questions();
    let mut times = Vec::new();
    loop {
        let is_over = times.len() >= least && !(while_busy && site.is_busy().await);
        if is_over {
            return Times(times);
        }
        let began = Instant::now();
        site.ask(key, &questions[times.len() % questions.len()]).await;
        times.push(began.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
}

/// A site with a tenant that has the handbook, and the key of another tenant.
async fn furnished() -> (Site, String, String) {
    let mut site = Site::start().await;
    let (quiet, busy) = (site.tenant("quiet"), site.tenant("busy"));
    site.start_worker();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/handbook");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let name = path.file_name().unwrap().to_str().unwrap();
            let bytes = std::fs::read(&path).unwrap();
            assert!(site.upload(&quiet, name, bytes).await.is_success());
        }
    }
    site.until_idle().await;
    // Caches are filled and plans are made.
    ask(&site, &quiet, 50, false).await;
    (site, quiet, busy)
}

fn extension(media: MediaType) -> &'static str {
    match media {
        MediaType::Markdown => "md",
        MediaType::Html => "html",
        MediaType::PlainText => "txt",
        MediaType::Rst => "rst",
        MediaType::AsciiDoc => "adoc",
        MediaType::SourceCode => "rs",
        MediaType::OpenApi => "openapi.json",
        MediaType::Csv => "csv",
        MediaType::Tsv => "tsv",
        MediaType::Notebook => "ipynb",
        MediaType::Docx => "docx",
        MediaType::Pptx => "pptx",
        MediaType::Xlsx => "xlsx",
        MediaType::Epub => "epub",
        MediaType::Pdf => "pdf",
    }
}

fn small_document(number: usize) -> String {
    let words = ["pump", "valve", "motor", "wheel", "belt", "lamp", "gauge", "filter", "hinge"];
    let sentences = (0..6).map(|line| {
        let word = |step: usize| words[(number / (1 + step) + line * step) % words.len()];
        format!(
            "The {} of unit {number} drives the {} and rests on the {}.",
            word(1),
            word(2),
            word(3)
        )
    });
    format!("# Unit {number}\n\n{}\n", sentences.collect::<Vec<_>>().join(" "))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: run it alone, on a release build"]
async fn questions_while_ten_thousand_documents_come_in() {
    let (mut site, quiet_key, busy_key) = Box::pin(furnished()).await;
    let before = ask(&site, &quiet_key, QUIET_QUESTIONS, false).await;
    before.print("quiet, before");
    // Taken first, so that what is measured is the work and not the sending.
    site.stop_worker();
    let began = Instant::now();
    let count = match std::env::var("PIDIMA_MEASURED_DOCUMENTS") {
        Ok(count) => count.parse().unwrap(),
        Err(_) => SMALL_DOCUMENTS,
    };
    stream::iter(0..count)
        .for_each_concurrent(UPLOADS, |number| {
            let (site, busy_key) = (&site, &busy_key);
            async move {
                let (name, text) = (format!("{number}.md"), small_document(number));
                let status = site.upload(busy_key, &name, text.into()).await;
                assert!(status.is_success(), "{name}: {status}");
            }
        })
        .await;
    println!("{count} documents taken in {:.0} s", began.elapsed().as_secs_f64());
    site.start_worker();
    let began = Instant::now();
    let during = ask(&site, &quiet_key, LEAST_QUESTIONS, true).await;
    let seconds = began.elapsed().as_secs_f64();
    during.print("meanwhile");
    println!("ready in {seconds:.0} s: {:.0} documents/s", count as f64 / seconds);
    let after = ask(&site, &quiet_key, QUIET_QUESTIONS, false).await;
    after.print("quiet, after");
    assert_eq!(site.ready("busy").await, i64::try_from(count).unwrap());
    let ratio = during.percentile(95) / before.percentile(95);
    println!("p95 of questions while documents come in: {ratio:.2} times that of a quiet machine");
    site.stop().await;
    assert!(ratio < 2.0, "{ratio:.2}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: run it alone, on a release build"]
async fn questions_while_hostile_files_are_read() {
    let (mut site, quiet_key, busy_key) = Box::pin(furnished()).await;
    let before = ask(&site, &quiet_key, QUIET_QUESTIONS, false).await;
    before.print("quiet, before");
    site.stop_worker();
    let cases = hostile::all();
    let (count, mut taken) = (cases.len(), 0);
    for (number, case) in cases.into_iter().enumerate() {
        let name = format!("{number}.{}", extension(case.media));
        let status = site.upload(&busy_key, &name, case.bytes).await;
        assert!(status.is_success() || status.is_client_error(), "{}: {status}", case.name);
        taken += usize::from(status.is_success());
    }
    println!("{count} hostile files, {taken} taken, the others refused at the door");
    let worker = site.start_worker();
    let watched = Arc::new(Watched::default());
    let watching = watched.watch(worker);
    let began = Instant::now();
    let during = ask(&site, &quiet_key, LEAST_QUESTIONS, true).await;
    during.print("meanwhile");
    println!(
        "all at their end in {:.0} s: {}",
        began.elapsed().as_secs_f64(),
        site.ends("busy").await
    );
    watching.abort();
    println!(
        "memory at most: worker {} MB, reader {} MB",
        watched.worker() >> 20,
        watched.reader() >> 20
    );
    let after = ask(&site, &quiet_key, QUIET_QUESTIONS, false).await;
    after.print("quiet, after");
    let quiet = before.with(after);
    let ratio = during.percentile(95) / quiet.percentile(95);
    println!(
        "p95 of questions while hostile files are read: {ratio:.2} times that of a quiet machine"
    );
    assert!(site.is_working(), "the worker that began is the one that ended the last file");
    site.stop().await;
    // A reader's limit counts what it asks for beside the program itself.
    let program = std::fs::metadata(program()).unwrap().len();
    assert!(watched.reader() <= READER_BYTES + program);
    assert!(watched.worker() <= READER_BYTES + program);
    assert!(ratio < 1.2, "{ratio:.2}");
}

//! The in-process embedding model against reference vectors of the published float weights.
//!
//! `tests/data/minilm_reference.py` made the reference and tells its format. Needs the model's files.

mod remote;
mod space;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pidima::adapters::embeddings::minilm::MiniLm;
use pidima::adapters::embeddings::{Embedder, Vector};
use serde::Deserialize;

use crate::support::minilm_files;

const REFERENCE: &str = include_str!("../data/minilm_reference.json");
/// Least cosine between an int8 vector and its float reference.
const LEAST_COSINE: f32 = 0.95;

#[derive(Deserialize)]
struct Case {
    text: String,
    ids: String,
    windows: Vec<(usize, usize)>,
    vectors: String,
}

impl Case {
    fn ids(&self) -> Vec<u32> {
        let bytes = STANDARD.decode(&self.ids).expect("base64");
        bytes.as_chunks().0.iter().map(|pair| u32::from(u16::from_le_bytes(*pair))).collect()
    }

    fn vectors(&self) -> Vec<Vector> {
        let bytes = STANDARD.decode(&self.vectors).expect("base64");
        let numbers: Vec<f32> =
            bytes.as_chunks().0.iter().map(|pair| half(u16::from_le_bytes(*pair))).collect();
        numbers.chunks_exact(384).map(<[f32]>::to_vec).collect()
    }
}

/// A 16-bit float; infinities do not occur here.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    match exponent {
        0 => sign * fraction * 2f32.powi(-24),
        _ => sign * (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str(REFERENCE).expect("reference")
}

/// One model for all tests of the process: loading takes longer than most of them.
fn model() -> &'static MiniLm {
    static MODEL: OnceLock<MiniLm> = OnceLock::new();
    MODEL.get_or_init(|| MiniLm::load(&minilm_files(), 2).expect("model"))
}

fn cosine(left: &[f32], right: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

fn check_cosines(what: &str, cosines: &[f32]) {
    let least = cosines.iter().copied().fold(1.0, f32::min);
    let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
    println!("{what}: {} vectors, cosine least {least:.4} mean {mean:.4}", cosines.len());
    assert!(least >= LEAST_COSINE, "{what}: {least}");
}

#[tokio::test]
async fn token_ids_are_those_of_the_reference_and_nothing_is_cut() {
    let cases = cases();
    assert_eq!(cases.len(), 100);
    for case in cases {
        let ids = model().token_ids(&case.text).expect("ids");
        assert_eq!(ids, case.ids(), "{:?}", case.text);
        assert_eq!(model().count_tokens(&case.text), ids.len());
    }
}

#[tokio::test]
async fn passages_have_the_windows_and_vectors_of_the_reference() {
    let cases = cases();
    let texts: Vec<String> = cases.iter().map(|case| case.text.clone()).collect();
    let found = model().embed_passages(&texts).await.expect("vectors");
    assert_eq!(found.len(), texts.len());
    let mut cosines = Vec::new();
    for (case, windows) in cases.iter().zip(&found) {
        assert_eq!(windows.len(), case.windows.len(), "{:?}", case.text);
        assert_eq!(case.windows[0].0, 0);
        assert_eq!(case.windows[windows.len() - 1].1, case.ids().len());
        assert!(case.windows.windows(2).all(|pair| pair[1].0 + 40 <= pair[0].1));
        for (window, expected) in windows.iter().zip(case.vectors()) {
            assert_eq!(window.len(), model().dimensions());
            let length: f32 = window.iter().map(|number| number * number).sum();
            assert!((length - 1.0).abs() < 1e-4, "{length}");
            cosines.push(cosine(window, &expected));
        }
    }
    assert!(cosines.len() > 110);
    check_cosines("passages", &cosines);
}

#[tokio::test]
async fn a_question_has_the_mean_of_its_windows() {
    let mut cosines = Vec::new();
    for case in cases() {
        let mut mean = vec![0.0; 384];
        for vector in case.vectors() {
            for (total, number) in mean.iter_mut().zip(vector) {
                *total += number;
            }
        }
        let found = model().embed_query(&case.text).await.expect("vector");
        cosines.push(cosine(&found, &mean));
    }
    check_cosines("questions", &cosines);
}

#[tokio::test]
async fn no_passages_have_no_vectors() {
    assert!(model().embed_passages(&[]).await.expect("nothing").is_empty());
}

#[tokio::test]
async fn a_passage_is_nearer_to_its_question_than_to_others() {
    let passages = [
        "To change a forgotten password open the login page and follow the link in the e-mail.",
        "Bread dough rises faster in a warm kitchen than in a cold one.",
        "The API answers with status 429 when a key has sent too many requests.",
    ]
    .map(String::from);
    let questions = ["I lost my password", "baking at home", "rate limit exceeded"];
    let found = model().embed_passages(&passages).await.expect("vectors");
    for (index, question) in questions.iter().enumerate() {
        let vector = model().embed_query(question).await.expect("vector");
        let nearness = |at: usize| cosine(&vector, &found[at][0]);
        for other in (0..3).filter(|other| *other != index) {
            assert!(nearness(index) > nearness(other) + 0.1, "{question}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_does_not_wait_for_an_ingestion() {
    let passages = Arc::new(vec![cases()[98].text.repeat(4); 24]);
    model().embed_query("warm").await.expect("vector");
    let started = Instant::now();
    let ingestion = tokio::spawn({
        let passages = Arc::clone(&passages);
        async move { model().embed_passages(&passages).await }
    });
    // The first moments are the tokenizer's; the questions must meet the model at work.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (waited, _) = question_times(model(), 9).await;
    assert!(!ingestion.is_finished(), "the ingestion was too short to tell");
    let windows = ingestion.await.expect("task").expect("vectors").concat().len();
    // In one queue with the passages each question would wait for a batch of up to six windows.
    let batch = started.elapsed() / (windows / 6) as u32;
    println!("question {waited:?} while each batch of passages took {batch:?}");
    assert!(waited * 2 < batch, "the question took {waited:?}, a batch {batch:?}");
}

#[tokio::test]
async fn a_missing_or_foreign_file_is_named_and_permanent() {
    let mut files = minilm_files();
    let model = std::mem::replace(&mut files.model, "/nowhere/model.onnx".into());
    let missing = MiniLm::load(&files, 1).err().expect("missing file");
    assert!(missing.to_string().contains("/nowhere/model.onnx"), "{missing}");
    assert!(!missing.is_retryable());

    files.model = files.tokenizer.clone();
    let foreign = MiniLm::load(&files, 1).err().expect("not a model");
    assert!(foreign.to_string().contains(&files.model.display().to_string()), "{foreign}");

    files.model = model.clone();
    files.tokenizer = model;
    assert!(MiniLm::load(&files, 1).is_err());
}

/// Prints speed and memory: `cargo test --release --test it embeddings_speed -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, not a check"]
async fn embeddings_speed() {
    println!("before: {}", resident());
    let started = Instant::now();
    let single = MiniLm::load(&minilm_files(), 1).expect("model");
    println!("load: {:?}, {}", started.elapsed(), resident());
    println!("question p50, p99: {:?}", question_times(&single, 500).await);
    let passages: Vec<String> = (0..40).map(|index| cases()[97 + index % 3].text.clone()).collect();
    println!("1 thread: {:.0} tokens/s, {}", rate(&single, &passages).await, resident());
    drop(single);
    let double = MiniLm::load(&minilm_files(), 2).expect("model");
    rate(&double, &passages[..4]).await;
    println!("2 threads: {:.0} tokens/s, {}", rate(&double, &passages).await, resident());
    let ingestion = tokio::spawn({
        let (double, passages) = (double.clone(), [passages.as_slice(); 5].concat());
        async move { double.embed_passages(&passages).await.map(|found| found.len()) }
    });
    println!("question during ingestion p50, p99: {:?}", question_times(&double, 300).await);
    println!("ingestion still running: {}", !ingestion.is_finished());
    ingestion.await.expect("task").expect("vectors");
    println!("after: {}", resident());
}

async fn question_times(model: &MiniLm, count: usize) -> (Duration, Duration) {
    let mut times = Vec::new();
    for _ in 0..count {
        let started = Instant::now();
        model.embed_query("how do I reset the password of my account?").await.expect("vector");
        times.push(started.elapsed());
    }
    times.sort();
    (times[count / 2], times[count * 99 / 100])
}

/// Tokens of the passages per second; those that windows share count once.
async fn rate(model: &MiniLm, passages: &[String]) -> f64 {
    let tokens: usize = passages.iter().map(|passage| model.count_tokens(passage)).sum();
    let started = Instant::now();
    model.embed_passages(passages).await.expect("vectors");
    tokens as f64 / started.elapsed().as_secs_f64()
}

/// Resident memory of the process, now and at its highest.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM")).collect()
}

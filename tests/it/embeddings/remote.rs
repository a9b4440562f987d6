//! Embedding models behind a network, against a stand-in: what is asked, how often, how much at once, and what is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use pidima::adapters::embeddings::remote::{
    BedrockEmbeddings, BedrockFamily, EmbeddingCalls, OpenAiEmbeddings, Purpose, RemoteEmbedder,
    RemoteSettings,
};
use pidima::adapters::embeddings::{Embedder, EmbeddingError};
use pidima::adapters::models::failover::RetrySettings;
use pidima::adapters::models::{ModelError, OpenAiServer};
use serde_json::{Value, json};

use crate::models::stand_in::Do;
use crate::models::wires::{ModelServer, bedrock_client};

const DIMENSIONS: usize = 8;

fn settings() -> RemoteSettings {
    RemoteSettings {
        dimensions: DIMENSIONS,
        batch: 3,
        concurrency: 2,
        timeout: Duration::from_secs(5),
        retry: RetrySettings {
            tries: 3,
            base: Duration::from_millis(5),
            cap: Duration::from_millis(200),
            budget_percent: 0,
            burst: 0,
        },
    }
}

fn respond(status: u16, more: &str, body: &str) -> Vec<Do> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} It\r\ncontent-type: application/json\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    vec![Do::Send([head.as_bytes(), body.as_bytes()].concat())]
}

fn body_of(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// A vector that tells its text: its length in one place, one in another.
fn vector_of(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0; DIMENSIONS];
    vector[0] = 1.0;
    vector[1 + text.len() % (DIMENSIONS - 1)] = 2.0;
    vector
}

/// The same at unit length.
fn unit_of(text: &str) -> Vec<f32> {
    vector_of(text).iter().map(|number| number / 5.0_f32.sqrt()).collect()
}

fn texts_of(request: &str) -> Vec<String> {
    let body = body_of(request);
    let texts = body.get("input").or(body.get("texts")).cloned();
    let texts = texts.unwrap_or_else(|| json!([body["inputText"]]));
    serde_json::from_value(texts).unwrap()
}

/// An honest server of OpenAI's protocol, which answers in the reverse order.
fn openai_answer(request: &str) -> String {
    let texts = texts_of(request);
    let items = texts.iter().enumerate().rev();
    let items = items.map(|(index, text)| json!({ "index": index, "embedding": vector_of(text) }));
    json!({ "data": items.collect::<Vec<_>>(), "usage": { "prompt_tokens": 1 } }).to_string()
}

fn openai(server: &ModelServer) -> RemoteEmbedder<OpenAiEmbeddings> {
    let url = format!("{}/v1", server.url);
    let key = secrecy::SecretString::from("top-secret-key").into();
    let kind = OpenAiServer::Compatible;
    let calls = OpenAiEmbeddings::new(&kind, &url, key, "bge", DIMENSIONS).unwrap();
    RemoteEmbedder::new(calls, settings())
}

fn bedrock(server: &ModelServer, model: &str) -> RemoteEmbedder<BedrockEmbeddings> {
    let family = BedrockFamily::of_model(model).unwrap();
    let client = bedrock_client(&server.url);
    let calls = BedrockEmbeddings::with_client(client, model, family, DIMENSIONS);
    RemoteEmbedder::new(calls, settings())
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|number| "x".repeat(number + 1)).collect()
}

#[tokio::test]
async fn passages_go_in_batches_and_come_back_in_their_order() {
    let server = ModelServer::start(|request| respond(200, "", &openai_answer(request))).await;
    let embedder = openai(&server);
    assert_eq!((embedder.model(), embedder.dimensions()), ("bge@8", DIMENSIONS));
    let passages = texts(8);
    let vectors = embedder.embed_passages(&passages).await.unwrap();
    assert_eq!(vectors.len(), 8);
    for (passage, windows) in passages.iter().zip(&vectors) {
        assert_eq!(windows, &[unit_of(passage)], "{passage}");
    }
    let mut sizes: Vec<usize> =
        server.requests().iter().map(|request| texts_of(request).len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [2, 3, 3]);
    let request = &server.requests()[0];
    assert!(request.starts_with("POST /v1/embeddings ") && request.contains("top-secret-key"));
    assert_eq!(body_of(request).get("dimensions"), None, "not every server knows it");
    assert!(embedder.embed_passages(&[]).await.unwrap().is_empty());
}

/// Counts the requests that run at once.
#[derive(Default)]
struct Counting {
    open: AtomicUsize,
    most: Arc<AtomicUsize>,
}

#[async_trait]
impl EmbeddingCalls for Counting {
    fn model(&self) -> &'static str {
        "counting"
    }

    fn batch(&self) -> usize {
        1
    }

    fn window_bytes(&self) -> usize {
        100
    }

    async fn embed(
        &self,
        texts: &[String],
        _purpose: Purpose,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(open, Ordering::SeqCst);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        self.open.fetch_sub(1, Ordering::SeqCst);
        Ok(texts.iter().map(|text| vector_of(text)).collect())
    }
}

#[tokio::test]
async fn no_more_requests_run_at_once_than_the_setting_says() {
    for concurrency in [1, 2, 5] {
        let calls = Counting::default();
        let most = Arc::clone(&calls.most);
        let embedder = RemoteEmbedder::new(calls, RemoteSettings { concurrency, ..settings() });
        let vectors = embedder.embed_passages(&texts(40)).await.unwrap();
        assert_eq!(vectors[39], [unit_of(&"x".repeat(40))]);
        assert_eq!(most.load(Ordering::SeqCst), concurrency);
    }
}

#[tokio::test]
async fn a_storm_of_refusals_is_waited_out_and_a_wrong_key_is_not() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let server = ModelServer::start(move |request| match counted.fetch_add(1, Ordering::SeqCst) {
        0 => respond(429, "retry-after: 0\r\n", "{}"),
        1 => respond(503, "", "{}"),
        _ => respond(200, "", &openai_answer(request)),
    })
    .await;
    let vector = openai(&server).embed_query("xx").await.unwrap();
    assert_eq!((vector, count.load(Ordering::SeqCst)), (unit_of("xx"), 3));

    let wrong =
        ModelServer::start(|_| respond(401, "", "{\"error\":{\"message\":\"no top-secret-key\"}}"))
            .await;
    let error = openai(&wrong).embed_query("xx").await.unwrap_err();
    assert!(matches!(error, EmbeddingError::Refused { .. }) && !error.is_retryable());
    assert!(!error.to_string().contains("top-secret-key"), "{error}");
    assert_eq!(wrong.requests().len(), 1);

    let down = ModelServer::start(|_| respond(500, "", "{}")).await;
    let error = openai(&down).embed_query("xx").await.unwrap_err();
    assert!(matches!(error, EmbeddingError::Unavailable { .. }) && error.is_retryable());
    assert_eq!(down.requests().len(), 3);

    let patient = ModelServer::start(|_| respond(429, "retry-after: 3600\r\n", "{}")).await;
    assert!(openai(&patient).embed_query("xx").await.unwrap_err().is_retryable());
    assert_eq!(patient.requests().len(), 1, "an hour is not waited for here");
}

#[tokio::test]
async fn what_is_no_vector_is_refused_and_never_stored() {
    let item = |vector: &str| format!("{{\"data\":[{{\"index\":0,\"embedding\":{vector}}}]}}");
    for (body, words) in [
        (item("[1,2,3]"), "3 dimensions where 8"),
        (item("[0,0,0,0,0,0,0,0]"), "zero"),
        (item("[1e300,0,0,0,0,0,0,1]"), "no number"),
        (item("[NaN,0,0,0,0,0,0,1]"), "no vectors"),
        (item("[1e400,0,0,0,0,0,0,1]"), "no vectors"),
        ("{\"data\":[]}".to_owned(), "0 vectors came for 1 texts"),
        ("{\"data\":[{\"index\":7,\"embedding\":[]}]}".to_owned(), "two vectors for one text"),
        ("<p>Log in</p>".to_owned(), "no vectors"),
        ("{}".to_owned(), "no vectors"),
    ] {
        let answer = body.clone();
        let server = ModelServer::start(move |_| respond(200, "", &answer)).await;
        let error = openai(&server).embed_query("a question").await.unwrap_err();
        assert!(!error.is_retryable(), "{body}: {error}");
        assert!(error.to_string().contains(words), "{body}: {error}");
    }
}

#[tokio::test]
async fn a_long_passage_is_embedded_in_windows_and_a_long_question_as_their_mean() {
    let server = ModelServer::start(|request| respond(200, "", &openai_answer(request))).await;
    let embedder = openai(&server);
    let long = "word ".repeat(8_000);
    let vectors = embedder.embed_passages(&["short".to_owned(), long.clone()]).await.unwrap();
    assert_eq!((vectors[0].len(), vectors[1].len()), (1, 3));
    let mean = embedder.embed_query(&long).await.unwrap();
    let length: f32 = mean.iter().map(|number| number * number).sum();
    assert!((length - 1.0).abs() < 1e-5);
}

#[tokio::test]
async fn titan_takes_one_text_a_request_and_is_told_the_dimensions() {
    let server = ModelServer::start(|request| {
        let vector = vector_of(&texts_of(request)[0]);
        let body = json!({ "embedding": vector, "inputTextTokenCount": 3 });
        respond(200, "", &body.to_string())
    })
    .await;
    let embedder = bedrock(&server, "amazon.titan-embed-text-v2:0");
    assert_eq!(embedder.model(), "amazon.titan-embed-text-v2:0@8");
    let vectors = embedder.embed_passages(&texts(4)).await.unwrap();
    assert_eq!(vectors[3], [unit_of("xxxx")]);
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    assert!(requests[0].starts_with("POST /model/amazon.titan-embed-text-v2%3A0/invoke "));
    let body = body_of(&requests[0]);
    assert_eq!((&body["dimensions"], &body["normalize"]), (&json!(8), &json!(true)));
}

#[tokio::test]
async fn cohere_is_told_what_a_text_is_for_and_both_of_its_answers_are_read() {
    for typed in [true, false] {
        let server = ModelServer::start(move |request| {
            let vectors: Vec<_> = texts_of(request).iter().map(|text| vector_of(text)).collect();
            let embeddings = if typed { json!({ "float": vectors }) } else { json!(vectors) };
            respond(200, "", &json!({ "embeddings": embeddings }).to_string())
        })
        .await;
        let model = if typed { "eu.cohere.embed-v4:0" } else { "cohere.embed-multilingual-v3" };
        let embedder = bedrock(&server, model);
        assert!(!embedder.model().starts_with("eu."), "a profile makes its model's vectors");
        assert_eq!(embedder.embed_passages(&texts(2)).await.unwrap()[1], [unit_of("xx")]);
        assert_eq!(embedder.embed_query("xx").await.unwrap(), unit_of("xx"));
        let purposes: Vec<Value> =
            server.requests().iter().map(|it| body_of(it)["input_type"].clone()).collect();
        assert_eq!(purposes, [json!("search_document"), json!("search_query")]);
        assert_eq!(body_of(&server.requests()[0])["truncate"], "NONE");
    }
}

#[tokio::test]
async fn no_text_for_cohere_is_longer_than_it_takes() {
    let family = BedrockFamily::CohereV3;
    let client = bedrock_client("http://127.0.0.1:1");
    let calls = BedrockEmbeddings::with_client(client, "cohere.embed-english-v3", family, 1024);
    assert!(calls.window_bytes() <= 2_048 && calls.batch() == 96);
}

#[test]
fn only_models_that_are_known_are_taken() {
    assert_eq!(BedrockFamily::of_model("eu.cohere.embed-v4:0"), Some(BedrockFamily::CohereV4));
    assert_eq!(BedrockFamily::of_model("amazon.titan-embed-text-v1"), None);
    assert_eq!(BedrockFamily::of_model("anthropic.claude-sonnet-5"), None);
}

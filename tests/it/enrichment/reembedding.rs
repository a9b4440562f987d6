//! Contexts in a collection that has vectors of two models, or is about to: each model reads what a passage is found by, and no
//! vector stays of what it was before.

use pidima::adapters::embeddings::{Embedder, EmbeddingError};
use tokio::net::TcpListener;

use super::writer::CONTEXT_WORD;
use super::*;
use crate::support::WordsEmbedder;

/// Vectors of the second model.
const SECOND: &str = "select count(*) from app.reembedded_windows";
/// Passages that lack vectors of one of the models.
const LACKING: &str = "select count(*) from app.chunks c
    where not exists (select from app.chunk_windows w where w.chunk_id = c.chunk_id)
        or not exists (select from app.reembedded_windows w where w.chunk_id = c.chunk_id)";
/// Collections whose count of vectors is not that of the rows.
const WRONG_COUNTS: &str = "select count(*) from app.collections c
    where c.window_count <> (select count(*) from app.chunk_windows w where w.collection_id = c.collection_id)";

/// A house without a worker whose collections can be embedded with a second model; both models tell what they embedded.
async fn house() -> (House, Arc<ProbedEmbedder>, Arc<ProbedEmbedder>) {
    let first = ProbedEmbedder::new().await;
    let second = ProbedEmbedder::around(Arc::new(WordsEmbedder));
    let writer = Arc::new(Writer::default());
    let outside =
        Outside { embedder: Arc::clone(&first) as Arc<_>, models: Arc::clone(&writer).into() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let beside: Arc<dyn Embedder> = second.clone();
    let app = TestApp::start_between(listener, &[], outside, beside).await;
    (House::of(app, writer, "off").await, first, second)
}

impl House {
    fn reembeddings(&self) -> String {
        format!("/v1/collections/{}/reembeddings", self.collection)
    }

    /// Asks for the second model; the id.
    async fn reembed(&self) -> String {
        let body = json!({ "embedding_model": WordsEmbedder::MODEL });
        let begun = self.tenant.post(&self.reembeddings(), &body).await.expect(202);
        begun["id"].as_str().unwrap().to_owned()
    }

    async fn state_of(&self, reembedding: &str) -> Value {
        let path = format!("{}/{reembedding}", self.reembeddings());
        self.tenant.get(&path).await.expect(200)["state"].clone()
    }

    async fn switch_to(&self, reembedding: &str) {
        let path = format!("{}/{reembedding}/switch", self.reembeddings());
        self.tenant.send(self.tenant.request(Method::POST, &path)).await.expect(200);
    }

    /// Vectors of the second model, as text.
    async fn second_vectors(&self) -> Vec<String> {
        let sql = "select embedding::text from app.reembedded_windows order by chunk_id, number";
        sqlx::query_scalar(sql).fetch_all(&self.app.database.admin()).await.unwrap()
    }
}

fn away() -> EmbeddingError {
    EmbeddingError::Unavailable { model: "words".to_owned(), reason: "away".to_owned() }
}

/// How many of these texts have a context.
fn with_context(texts: &[String]) -> usize {
    texts.iter().filter(|text| text.contains(CONTEXT_WORD)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn passages_that_have_contexts_are_re_embedded_with_them() {
    let (house, _, second) = house().await;
    house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.finish().await;
    let id = house.reembed().await;
    house.run_jobs().await;
    assert_eq!(house.state_of(&id).await, "ready");
    let embedded = second.take_passages();
    assert_eq!((embedded.len(), with_context(&embedded)), (3, 3), "{embedded:?}");
    assert_eq!(house.count(LACKING).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_is_embedded_with_each_model_that_the_collection_needs() {
    let (house, first, second) = house().await;
    house.learned("guide.md", &guide()).await;
    let id = house.reembed().await;
    house.run_jobs().await;
    assert_eq!(house.state_of(&id).await, "ready");
    let before = house.second_vectors().await;
    first.take_passages();
    second.take_passages();
    house.switch_on().await;
    house.finish().await;
    for embedder in [&first, &second] {
        let embedded = embedder.take_passages();
        assert_eq!((embedded.len(), with_context(&embedded)), (3, 3), "{embedded:?}");
    }
    let after = house.second_vectors().await;
    assert_eq!(after.len(), before.len());
    assert!(after.iter().all(|vector| !before.contains(vector)), "none is of the bare passage");
    assert_eq!(house.count(LACKING).await, 0);
    assert_eq!(house.count(WRONG_COUNTS).await, 0);
    house.switch_to(&id).await;
    assert_eq!(house.found(CONTEXT_WORD).await.len(), 3);

    // Once the old vectors are gone, contexts of further documents are embedded with the new model alone.
    house.run("update app.reembeddings set drop_at = now() where drop_at is not null").await;
    let reembeddings = &house.app.app.services.reembeddings;
    reembeddings.sweep(&CancellationToken::new()).await.unwrap();
    house.run_jobs().await;
    assert_eq!(house.state_of(&id).await, "completed");
    first.take_passages();
    house.learned("more.md", &["wheel", "brake"].map(chapter).concat()).await;
    house.finish().await;
    assert!(first.take_passages().is_empty());
    assert_eq!(house.count("select count(*) from app.chunk_windows").await, 0);
    assert_eq!(house.count(WRONG_COUNTS).await, 0);
    assert_eq!(house.found(CONTEXT_WORD).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn passages_that_get_contexts_while_they_are_re_embedded_keep_no_vector_of_before() {
    let (house, _, second) = house().await;
    house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    let id = house.reembed().await;
    second.hold_next();
    let slow = tokio::spawn({
        let (reembeddings, tenant) = (house.app.app.services.reembeddings.clone(), house.tenant.id);
        let id: Uuid = id.parse().unwrap();
        async move { reembeddings.work(tenant, id, &CancellationToken::new()).await.unwrap() }
    });
    second.entered().await;
    house.finish().await;
    let made = house.second_vectors().await;
    assert!(made.len() >= 3, "the collection needs them already");
    second.release();
    slow.await.unwrap();
    house.run_jobs().await;
    assert_eq!(house.state_of(&id).await, "ready");
    assert_eq!(house.second_vectors().await, made);
    assert_eq!(house.count(LACKING).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn contexts_that_are_being_embedded_when_a_re_embedding_begins_get_both_vectors() {
    let (house, first, second) = house().await;
    house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    first.hold_next();
    let enriching = house.work_apart();
    first.entered().await;
    let id = house.reembed().await;
    house.run_jobs().await;
    assert_eq!(house.state_of(&id).await, "ready", "of the passages as they are found still");
    assert_eq!(with_context(&second.take_passages()), 0);
    first.release();
    enriching.await.unwrap();
    assert_eq!(with_context(&second.take_passages()), 3);
    assert_eq!(house.count(SECOND).await, 3);
    assert_eq!(house.count(LACKING).await, 0);
    house.switch_to(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_no_search_reads_yet_holds_up_no_context_and_its_vectors_are_made_later() {
    let (house, _, second) = house().await;
    let document = house.learned("guide.md", &guide()).await;
    let id = house.reembed().await;
    house.run_jobs().await;
    assert_eq!(house.state_of(&id).await, "ready");
    let before = house.second_vectors().await;
    second.take_passages();
    second.fail_next(away());
    house.switch_on().await;
    house.finish().await;
    let shown = show(&house.tenant, &document).await;
    assert_eq!(shown["state"], "completed", "{shown}");
    assert_eq!(house.found(CONTEXT_WORD).await.len(), 3, "searches read the first model");
    assert_eq!(house.count(SECOND).await, 0, "none is left of the bare passages");
    let path = format!("{}/{id}/switch", house.reembeddings());
    house.tenant.send(house.tenant.request(Method::POST, &path)).await.expect(409);

    house.run("update app.reembeddings set touched_at = now() - interval '1 day'").await;
    house.app.app.services.reembeddings.sweep(&CancellationToken::new()).await.unwrap();
    house.run_jobs().await;
    assert_eq!(with_context(&second.take_passages()), 3);
    assert_eq!(house.second_vectors().await.len(), before.len());
    assert_eq!((house.count(LACKING).await, house.count(WRONG_COUNTS).await), (0, 0));
    house.switch_to(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contexts_wait_for_the_model_that_searches_read() {
    let (house, first, _) = house().await;
    let document = house.learned("guide.md", &guide()).await;
    house.reembed().await;
    house.run_jobs().await;
    house.switch_on().await;
    first.fail_next(away());
    house.work().await;
    let shown = show(&house.tenant, &document).await;
    assert_eq!(shown["reason"]["code"], "embedding_failed", "{shown}");
    assert!(house.found(CONTEXT_WORD).await.is_empty());
    house.run("update app.enrichments set due_at = now()").await;
    house.finish().await;
    assert_eq!(house.found(CONTEXT_WORD).await.len(), 3);
}

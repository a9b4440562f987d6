//! Beside processes of the version before, which know one model alone; and messages that nobody delivers.

use pidima::adapters::embeddings::Embedder;
use pidima::knowledge::{
    Embedders, EmbeddingSpaceError, check_embedding_models, claim_embedding_space,
};

use super::{Stage, guide};
use crate::api::problem;

impl Stage {
    /// What a process of the version before leaves of the document that came last.
    async fn as_published_before(&self) {
        self.sql(
            "delete from app.reembedded_windows w
            using app.chunks c
            where c.chunk_id = w.chunk_id
                and c.document_id = (select document_id from app.documents order by document_id desc limit 1)",
        )
        .await;
        self.sql(
            "update app.document_versions set embedding_models = null
            where document_id = (select document_id from app.documents order by document_id desc limit 1)",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_process_publishes_is_embedded_before_anybody_can_switch() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump"])).await;
    let id = stage.ready().await;
    stage.learn("b.md", &guide(&["lantern", "valve"])).await;
    let all = stage.vectors().await;
    stage.as_published_before().await;
    assert_ne!(stage.vectors().await, all);
    problem(&stage.steer(&id, "switch").await, 409, "conflict");
    stage.sweep().await;
    assert_eq!(stage.vectors().await, all);
    stage.steer(&id, "switch").await.expect(200);
    // And the same when searches read the new ones already.
    stage.as_published_before().await;
    stage.sweep().await;
    assert_eq!(stage.vectors().await, all);
    assert_eq!(stage.show(&id).await["state"], "switched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_re_embedding_whose_message_is_lost_is_found_and_goes_on() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump"])).await;
    let id = stage.begin().await;
    stage.sql("delete from app.outbox").await;
    stage.run().await;
    assert_eq!(stage.show(&id).await["state"], "queued");
    stage.sweep().await;
    assert_eq!(stage.show(&id).await["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_without_a_model_that_is_needed_does_not_start() {
    let stage = Stage::idle(&[]).await;
    let db = &stage.app.app.services.db;
    let both = &stage.app.app.embedders;
    let alone = Embedders::of(std::sync::Arc::clone(both.own()));
    let own: &dyn Embedder = &**both.own();
    claim_embedding_space(db, own).await.unwrap();
    check_embedding_models(db, &alone).await.unwrap();
    let id = stage.ready().await;
    let error = check_embedding_models(db, &alone).await.unwrap_err();
    assert!(matches!(error, EmbeddingSpaceError::Missing(_)), "{error}");
    assert!(error.to_string().contains("PIDIMA_EMBEDDING_MORE"), "{error}");
    check_embedding_models(db, both).await.unwrap();
    stage.steer(&id, "switch").await.expect(200);
    stage.sweep().await;
    check_embedding_models(db, &alone).await.unwrap_err();
    // Nobody needs it any more.
    stage.steer(&id, "rollback").await.expect(200);
    stage.steer(&id, "cancel").await.expect(200);
    stage.run().await;
    stage.sweep().await;
    check_embedding_models(db, &alone).await.unwrap();
}

//! Old vectors are kept for a time, and then gone for good.

use serde_json::json;

use super::{Stage, guide, wrong_counts};
use crate::api::problem;

#[tokio::test(flavor = "multi_thread")]
async fn old_vectors_are_removed_when_their_time_is_over_and_not_before() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump", "valve"])).await;
    stage.learn("b.md", &guide(&["lantern"])).await;
    let id = stage.switched().await;
    let (found, (old, new)) = (stage.search("the valve").await, stage.vectors().await);
    stage.sweep().await;
    assert_eq!(stage.vectors().await, (old, new));
    assert_eq!(stage.show(&id).await["state"], "switched");
    stage.after_the_keeping().await;
    assert_eq!(stage.vectors().await, (0, new));
    let completed = stage.show(&id).await;
    assert_eq!(completed["state"], "completed");
    assert!(completed["finished_at"].is_string() && completed["removal_at"].is_null());
    assert_eq!(stage.search("the valve").await, found);
    assert!(wrong_counts(&stage.app).await.is_empty());
    problem(&stage.steer(&id, "rollback").await, 409, "conflict");
    // What comes in now needs the new ones alone.
    stage.first.take_passages();
    stage.learn("c.md", &guide(&["battery"])).await;
    assert!(stage.first.take_passages().is_empty());
    let (none, more) = stage.vectors().await;
    assert_eq!(none, 0);
    assert!(more > new);
    assert!(stage.search("battery").await.iter().any(|(name, _)| name == "c.md"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_comes_back_to_the_model_of_the_database_in_the_same_way() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump", "valve", "motor"])).await;
    let (before, vectors) = (stage.search("the valve").await, stage.vectors().await);
    stage.switched().await;
    stage.after_the_keeping().await;
    let back = json!({ "embedding_model": "all-minilm-l6-v2-int8" });
    let begun = stage.tenant.post(&stage.path(), &back).await.expect(202);
    let id = begun["id"].as_str().unwrap();
    stage.run().await;
    assert_eq!(stage.show(id).await["state"], "ready");
    assert!(wrong_counts(&stage.app).await.is_empty());
    stage.steer(id, "switch").await.expect(200);
    // The same model embedded the same texts, in other company.
    let after = stage.search("the valve").await;
    assert_eq!(after.len(), before.len());
    for (name, similarity) in &after {
        let was = |(old, then): &&(String, Option<f64>)| {
            old == name && (then.unwrap() - similarity.unwrap()).abs() < 0.02
        };
        assert!(before.iter().any(|it| was(&it)), "{before:?} {after:?}");
    }
    stage.after_the_keeping().await;
    assert_eq!(stage.vectors().await, vectors);
    assert!(wrong_counts(&stage.app).await.is_empty());
    // The documents go as they came.
    let page = stage.tenant.get("/v1/documents").await.expect(200);
    for document in page["items"].as_array().unwrap() {
        let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
        stage.tenant.delete(&path).await.expect(204);
    }
    assert_eq!(stage.vectors().await, (0, 0));
    assert!(wrong_counts(&stage.app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_of_the_first_model_that_were_begun_and_cancelled_go_too() {
    let stage = Stage::idle(&[("PIDIMA_REEMBEDDING_BATCH", "1")]).await;
    stage.learn("a.md", &guide(&["pump", "valve", "motor"])).await;
    stage.switched().await;
    stage.after_the_keeping().await;
    let vectors = stage.vectors().await;
    let back = json!({ "embedding_model": "all-minilm-l6-v2-int8" });
    let begun = stage.tenant.post(&stage.path(), &back).await.expect(202);
    let id = begun["id"].as_str().unwrap();
    stage.first.hold_nth(2);
    let (_, ()) = tokio::join!(stage.work(id), async {
        stage.first.entered().await;
        stage.steer(id, "cancel").await.expect(200);
        stage.first.release();
    });
    assert!(stage.vectors().await.0 > 0);
    stage.run().await;
    assert_eq!(stage.vectors().await, vectors);
    assert!(stage.show(id).await["removal_at"].is_null());
    assert!(wrong_counts(&stage.app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_vectors_of_a_model_are_left_is_seen_without_reading_those_of_others() {
    let stage = Stage::idle(&[]).await;
    let mut tx = stage.app.database.admin().begin().await.unwrap();
    for off in ["set local enable_seqscan = off", "set local enable_bitmapscan = off"] {
        sqlx::query(off).execute(&mut *tx).await.unwrap();
    }
    let explain = "explain select chunk_id from app.reembedded_windows
        where tenant_id = '018f0000-0000-7000-8000-000000000001'
            and collection_id = '018f0000-0000-7000-8000-000000000002'
            and embedding_model = 'words'
        limit 1";
    let plan: Vec<String> = sqlx::query_scalar(explain).fetch_all(&mut *tx).await.unwrap();
    let condition = plan.iter().find(|line| line.contains("Index Cond"));
    let condition = condition.unwrap_or_else(|| panic!("{plan:?}"));
    for column in ["tenant_id", "collection_id", "embedding_model"] {
        assert!(condition.contains(column), "{plan:?}");
    }
}

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

//! Begin, switch, roll back, cancel: at every state, what may be done and what is refused.

use pidima::knowledge::ReembedOutcome;
use serde_json::json;

use super::{Stage, guide};
use crate::api::problem;
use crate::support::WordsEmbedder;

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_there_is_not_or_that_the_collection_has_is_refused() {
    let stage = Stage::idle(&[]).await;
    for (model, told) in [("gpt", WordsEmbedder::MODEL), ("all-minilm-l6-v2-int8", "already")] {
        let reply = stage.tenant.post(&stage.path(), &json!({ "embedding_model": model })).await;
        let refused = problem(&reply, 422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/embedding_model");
        assert!(refused.to_string().contains(told), "{refused}");
    }
    let list = stage.tenant.get(&stage.path()).await.expect(200);
    assert_eq!(list["items"], json!([]));
    assert_eq!(list["embedding_model"], "all-minilm-l6-v2-int8");
    assert_eq!(list["embedding_models"], json!(["all-minilm-l6-v2-int8", WordsEmbedder::MODEL]));
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_at_a_time() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump"])).await;
    let id = stage.begin().await;
    assert_eq!(stage.begin().await, id, "the same is shown");
    stage.run().await;
    let back = json!({ "embedding_model": "all-minilm-l6-v2-int8" });
    problem(&stage.tenant.post(&stage.path(), &back).await, 409, "conflict");
    stage.steer(&id, "switch").await.expect(200);
    // The way back is to roll it back.
    problem(&stage.tenant.post(&stage.path(), &back).await, 409, "conflict");
    let list = stage.tenant.get(&stage.path()).await.expect(200);
    assert_eq!(list["embedding_model"], WordsEmbedder::MODEL);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_are_switched_when_it_is_ready_and_go_back_to_what_they_read_before() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump", "valve"])).await;
    let before = stage.search("the valve").await;
    let id = stage.begin().await;
    problem(&stage.steer(&id, "switch").await, 409, "conflict");
    problem(&stage.steer(&id, "rollback").await, 409, "conflict");
    stage.run().await;
    let same = stage.steer(&id, "rollback").await.expect(200);
    assert_eq!(same["state"], "ready", "nothing was switched");
    let switched = stage.steer(&id, "switch").await.expect(200);
    assert_eq!(switched["state"], "switched");
    assert!(switched["switched_at"].is_string() && switched["removal_at"].is_string());
    assert_eq!(stage.steer(&id, "switch").await.expect(200), switched, "it is already");
    assert_ne!(stage.search("the valve").await, before);
    problem(&stage.steer(&id, "cancel").await, 409, "conflict");
    let rolled = stage.steer(&id, "rollback").await.expect(200);
    assert_eq!(rolled["state"], "ready");
    assert!(rolled["switched_at"].is_null() && rolled["removal_at"].is_null());
    assert_eq!(stage.search("the valve").await, before);
    stage.steer(&id, "switch").await.expect(200);
    let events = stage.tenant.get("/v1/audit_events?limit=100").await.expect(200);
    let events = events["items"].as_array().unwrap().iter();
    let mut actions: Vec<&str> = events
        .filter_map(|event| event["action"].as_str())
        .filter(|action| action.starts_with("reembedding."))
        .collect();
    actions.sort_unstable();
    let noted = ["created", "rolled_back", "switched", "switched"];
    assert_eq!(actions, noted.map(|name| format!("reembedding.{name}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_cancelled_leaves_no_vector_and_searches_as_they_were() {
    let stage = Stage::idle(&[("PIDIMA_REEMBEDDING_BATCH", "1")]).await;
    stage.learn("a.md", &guide(&["pump", "valve", "motor"])).await;
    let (before, vectors) = (stage.search("the valve").await, stage.vectors().await);
    // In the middle, while a worker is at it.
    let id = stage.begin().await;
    stage.second.hold_nth(2);
    let (outcome, ()) = tokio::join!(stage.work(&id), async {
        stage.second.entered().await;
        assert_eq!(stage.steer(&id, "cancel").await.expect(200)["state"], "cancelled");
        stage.second.release();
    });
    assert_eq!(outcome, ReembedOutcome::Done);
    assert!(stage.vectors().await.1 > 0);
    stage.run().await;
    assert_eq!(stage.vectors().await, vectors);
    let cancelled = stage.show(&id).await;
    assert!(cancelled["finished_at"].is_string() && cancelled["removal_at"].is_null());
    assert_eq!(stage.steer(&id, "cancel").await.expect(200), cancelled);
    for verb in ["switch", "rollback"] {
        problem(&stage.steer(&id, verb).await, 409, "conflict");
    }
    // And when it is ready.
    let id = stage.ready().await;
    stage.steer(&id, "cancel").await.expect(200);
    stage.run().await;
    assert_eq!(stage.vectors().await, vectors);
    assert_eq!(stage.search("the valve").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_cancelled_before_a_worker_took_it_was_never_started() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump"])).await;
    let id = stage.begin().await;
    stage.steer(&id, "cancel").await.expect(200);
    stage.run().await;
    let cancelled = stage.show(&id).await;
    assert_eq!(cancelled["state"], "cancelled");
    assert!(cancelled["removal_at"].is_null(), "a worker had it since");
    assert!(cancelled["started_at"].is_null(), "{cancelled}");
    let id = stage.ready().await;
    assert!(stage.show(&id).await["started_at"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_begun_anew_after_a_cancel_keeps_its_vectors() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump", "valve"])).await;
    let id = stage.ready().await;
    let vectors = stage.vectors().await;
    stage.steer(&id, "cancel").await.expect(200);
    // The removal waits in the line, and somebody needs them again.
    let again = stage.begin().await;
    assert_ne!(again, id);
    stage.run().await;
    assert_eq!(stage.show(&again).await["state"], "ready");
    assert_eq!(stage.vectors().await, vectors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_is_deleted_takes_it_along() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump"])).await;
    stage.switched().await;
    stage.tenant.delete(&format!("/v1/collections/{}", stage.collection)).await.expect(204);
    stage.run().await;
    assert_eq!(stage.vectors().await, (0, 0));
    problem(&stage.tenant.get(&stage.path()).await, 404, "not_found");
    let left: i64 = sqlx::query_scalar("select count(*) from app.reembeddings")
        .fetch_one(&stage.app.database.admin())
        .await
        .unwrap();
    assert_eq!(left, 0);
}

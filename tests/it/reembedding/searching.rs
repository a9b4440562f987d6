//! Which vectors a search reads: those of each collection's model, and never some of both.

use std::sync::Arc;

use serde_json::json;

use super::{Stage, guide};
use crate::attachments::{QUESTION, VALVE, ask, attach, cites, open};
use crate::support::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_search_asks_the_model_of_the_collection_alone() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump", "valve", "motor"])).await;
    let before = stage.search("the valve").await;
    let id = stage.ready().await;
    stage.second.take_queries();
    stage.first.take_queries();
    assert_eq!(stage.search("the valve").await, before);
    assert_eq!(stage.first.take_queries(), ["the valve"]);
    assert!(stage.second.take_queries().is_empty());
    stage.steer(&id, "switch").await.expect(200);
    let after = stage.search("the valve").await;
    assert_ne!(after, before);
    assert!(after.iter().all(|(_, similarity)| similarity.is_some()), "{after:?}");
    stage.first.take_queries();
    stage.second.take_queries();
    // Once it was seen that there are others, nobody is asked in vain.
    assert_eq!(stage.search("the valve").await, after);
    assert!(stage.first.take_queries().is_empty());
    assert_eq!(stage.second.take_queries(), ["the valve"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_away_keeps_nobody_from_what_has_no_vectors_of_it() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump", "valve"])).await;
    stage.switched().await;
    // This process has not searched yet: it does not know that the first model is not needed.
    stage.first.refuse_queries("it is away");
    let found = stage.search("about the valve").await;
    assert!(!found.is_empty() && found.iter().all(|(_, similarity)| similarity.is_some()));
    // What is read by the first model can not be searched without it.
    let other = stage.tenant.post("/v1/collections", &json!({ "name": "other" })).await;
    let other = other.expect(201)["id"].as_str().unwrap().to_owned();
    let document = stage.upload(&other, "b.md", &guide(&["lantern"])).await;
    stage.run().await;
    assert_eq!(stage.tenant.settled(&document).await["state"], "ready");
    let body = json!({ "query": "the lantern", "collection_ids": [other] });
    stage.tenant.post("/v1/search", &body).await.expect(503);
}

#[tokio::test(flavor = "multi_thread")]
async fn collections_of_two_models_are_searched_each_by_its_own_and_fused_by_rank() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump", "valve"])).await;
    let other = stage.tenant.post("/v1/collections", &json!({ "name": "other" })).await;
    let other = other.expect(201)["id"].as_str().unwrap().to_owned();
    let document = stage.upload(&other, "b.md", &guide(&["lantern", "valve"])).await;
    stage.run().await;
    assert_eq!(stage.tenant.settled(&document).await["state"], "ready");
    stage.switched().await;
    stage.search("anything").await;
    stage.first.take_queries();
    stage.second.take_queries();
    for collections in [json!([stage.collection, other]), json!([])] {
        let body = json!({
            "query": "about the valve", "collection_ids": collections, "limit": 20, "explain": true
        });
        let found = stage.tenant.post("/v1/search", &body).await.expect(200);
        assert_eq!(stage.first.take_queries(), ["about the valve"]);
        assert_eq!(stage.second.take_queries(), ["about the valve"]);
        let hits = found["items"].as_array().unwrap();
        let firsts = hits.iter().filter(|hit| hit["explanation"]["dense_rank"] == 1);
        let mut of: Vec<&str> = firsts.map(|hit| hit["document_name"].as_str().unwrap()).collect();
        of.sort_unstable();
        assert_eq!(of, ["a.md", "b.md"], "a first one of each model");
        let all = hits.iter().filter(|hit| hit["explanation"]["dense_rank"].is_i64()).count();
        assert_eq!(all as u64, found["explanation"]["dense_candidates"].as_u64().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_with_the_vectors_of_its_collection() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", "# Pump\n\nThe pump runs at 3 bar.").await;
    stage.switched().await;
    for _ in 0..2 {
        stage.first.take_queries();
        stage.second.take_queries();
        let answer = stage.tenant.ask("At how many bar does the pump run?").await;
        assert!(!answer["citations"].as_array().unwrap().is_empty(), "{answer}");
        assert_eq!(stage.second.take_queries(), ["At how many bar does the pump run?"]);
    }
    // The second question was embedded ahead, with the model that is needed.
    assert!(stage.first.take_queries().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_are_searched_by_the_first_model_beside_documentation_of_another() {
    let stage = Stage::working(&[]).await;
    let guide = stage.upload(&stage.collection, "a.md", &guide(&["pump", "motor"])).await;
    stage.tenant.settled(&guide).await;
    let id = stage.begin().await;
    eventually("it is ready", || async { stage.show(&id).await["state"] == "ready" }).await;
    stage.steer(&id, "switch").await.expect(200);
    // Of another session there is a file too, which changes nothing.
    for _ in 0..2 {
        let session = open(&stage.tenant, &json!({})).await;
        let attached = attach(&stage.tenant, &session, "valve.md", VALVE).await;
        stage.first.take_queries();
        stage.second.take_queries();
        let answer = ask(&stage.tenant, &session, QUESTION).await;
        assert!(cites(&answer, &attached), "{answer}");
        assert_eq!(stage.first.take_queries(), [QUESTION]);
        assert_eq!(stage.second.take_queries(), [QUESTION]);
    }
    // Nobody asks the first model for a session without files, nor for a search.
    let session = open(&stage.tenant, &json!({})).await;
    let answer = ask(&stage.tenant, &session, "About the motor of the machine?").await;
    assert!(!answer["content"].as_str().unwrap().contains("5 bar"), "{answer}");
    assert!(stage.search("the motor").await.iter().all(|(name, _)| name == "a.md"));
    assert!(stage.first.take_queries().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_sees_the_old_vectors_or_the_new_ones_and_never_some_of_both() {
    let stage = Arc::new(Stage::idle(&[]).await);
    stage.learn("a.md", &guide(&["pump", "valve", "motor", "lantern"])).await;
    let id = stage.ready().await;
    let old = stage.search("the motor").await;
    stage.steer(&id, "switch").await.expect(200);
    let new = stage.search("the motor").await;
    assert_ne!(old, new);
    let steering = tokio::spawn({
        let (stage, id) = (Arc::clone(&stage), id.clone());
        async move {
            for _ in 0..15 {
                stage.steer(&id, "rollback").await.expect(200);
                stage.steer(&id, "switch").await.expect(200);
            }
        }
    });
    while !steering.is_finished() {
        let found = stage.search("the motor").await;
        assert!(found == old || found == new, "{found:?}");
    }
    steering.await.unwrap();
    assert_eq!(stage.search("the motor").await, new);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_has_one_model_again_is_not_asked_about_before_each_search() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump", "valve"])).await;
    let id = stage.switched().await;
    let everything = json!({ "query": "the valve" });
    let asked = async || {
        stage.first.take_queries();
        stage.second.take_queries();
        stage.tenant.post("/v1/search", &everything).await.expect(200);
        (stage.first.take_queries().len(), stage.second.take_queries().len())
    };
    assert_eq!(asked().await, (1, 1), "it is not known yet");
    assert_eq!(asked().await, (0, 1), "now it is");
    stage.steer(&id, "rollback").await.expect(200);
    assert_eq!(asked().await, (1, 0));
    // Had it not been forgotten, the first model would not be asked in vain.
    stage.steer(&id, "switch").await.expect(200);
    assert_eq!(asked().await, (1, 1));
    stage.steer(&id, "rollback").await.expect(200);
    // A search of one collection says nothing of the others.
    stage.steer(&id, "switch").await.expect(200);
    assert_eq!(asked().await, (0, 1));
    let made = stage.tenant.post("/v1/collections", &json!({ "name": "other" })).await;
    let other = made.expect(201)["id"].as_str().unwrap().to_owned();
    let one = json!({ "query": "the valve", "collection_ids": [other] });
    stage.tenant.post("/v1/search", &one).await.expect(200);
    assert_eq!(asked().await, (0, 1));
}

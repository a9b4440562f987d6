//! Making the new vectors: all of them, each once, whoever dies and whatever comes in meanwhile.

use std::sync::Arc;
use std::time::Duration;

use pidima::adapters::embeddings::EmbeddingError;
use pidima::knowledge::ReembedOutcome;
use tokio_util::sync::CancellationToken;

use super::{Stage, busy, guide, wrong_counts};
use crate::api::problem;

#[tokio::test(flavor = "multi_thread")]
async fn every_passage_gets_new_vectors_while_searches_go_on_with_the_old_ones() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump", "valve", "motor"])).await;
    stage.learn("b.md", &guide(&["lantern", "battery"])).await;
    let (old, before) = (stage.vectors().await.0, stage.search("the valve").await);
    let id = stage.begin().await;
    let begun = stage.show(&id).await;
    assert_eq!(begun["state"], "queued");
    assert_eq!(begun["from_model"], "all-minilm-l6-v2-int8");
    assert!(begun["shadow_recall"].is_null());
    stage.run().await;
    let ready = stage.show(&id).await;
    assert_eq!(ready["state"], "ready", "{ready}");
    let chunks = ready["progress"]["chunks_total"].as_i64().unwrap();
    assert_eq!(ready["progress"]["chunks_done"], chunks);
    assert!(chunks >= 4, "{chunks}");
    assert_eq!(stage.vectors().await, (old, chunks));
    assert_eq!(stage.second.take_passages().len() as i64, chunks, "each once");
    let recall = &ready["shadow_recall"];
    assert_eq!((&recall["source"], &recall["sample_size"]), (&"passages".into(), &chunks.into()));
    let overlap = recall["overlap"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&overlap) && overlap > 0.0, "{recall}");
    assert_eq!(stage.search("the valve").await, before);
    assert!(wrong_counts(&stage.app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_collection_is_ready_at_once_with_nothing_compared() {
    let stage = Stage::idle(&[]).await;
    let id = stage.ready().await;
    let ready = stage.show(&id).await;
    assert_eq!(ready["progress"]["chunks_total"], 0);
    assert_eq!(ready["shadow_recall"]["sample_size"], 0);
    assert!(ready["shadow_recall"]["overlap"].is_null());
    stage.steer(&id, "switch").await.expect(200);
    stage.learn("a.md", &guide(&["pump"])).await;
    assert!(!stage.search("pump").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_text_is_embedded_once() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump", "valve"])).await;
    let (_, none) = stage.vectors().await;
    assert_eq!(none, 0);
    stage.learn("b.md", &guide(&["pump", "valve"])).await;
    stage.ready().await;
    let (_, new) = stage.vectors().await;
    assert_eq!(stage.second.take_passages().len() as i64 * 2, new);
}

#[tokio::test(flavor = "multi_thread")]
async fn last_questions_are_compared_where_there_are_any() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump", "valve", "motor"])).await;
    for question in ["Where is the pump?", "Where is the valve?", "Where is the pump?"] {
        stage.tenant.ask(question).await;
    }
    let id = stage.ready().await;
    let recall = &stage.show(&id).await["shadow_recall"];
    assert_eq!((&recall["source"], &recall["sample_size"]), (&"questions".into(), &2.into()));
    let mut asked = stage.second.take_queries();
    asked.sort();
    assert_eq!(asked, ["Where is the pump?", "Where is the valve?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_comes_in_afterwards_has_both_vectors_at_once() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump"])).await;
    stage.ready().await;
    let (old, new) = stage.vectors().await;
    stage.second.take_passages();
    stage.learn("b.md", &guide(&["lantern"])).await;
    let (old_after, new_after) = stage.vectors().await;
    assert!(old_after > old && new_after > new);
    assert_eq!(stage.second.take_passages().len() as i64, new_after - new);
    // Another version takes the vectors of the one before with it.
    stage.learn("b.md", &guide(&["battery"])).await;
    assert_eq!(stage.vectors().await.1, new_after);
    assert!(wrong_counts(&stage.app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_being_embedded_when_it_begins_has_both_vectors_too() {
    let stage = Stage::working(&[]).await;
    stage.first.hold_next();
    let document = stage.upload(&stage.collection, "a.md", &guide(&["pump", "valve"])).await;
    stage.first.entered().await;
    // Nothing is there yet: it is ready before the document is.
    let id = stage.begin().await;
    crate::support::eventually("it is ready", || async {
        stage.show(&id).await["state"] == "ready"
    })
    .await;
    stage.first.release();
    assert_eq!(stage.tenant.settled(&document).await["state"], "ready");
    let (old, new) = stage.vectors().await;
    assert!(old > 0 && new > 0);
    stage.steer(&id, "switch").await.expect(200);
    assert!(stage.search("valve").await.iter().all(|(_, similarity)| similarity.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_taken_for_dead_changes_nothing_when_it_comes_back() {
    let stage = Arc::new(Stage::idle(&[("PIDIMA_REEMBEDDING_BATCH", "2")]).await);
    stage.learn("a.md", &guide(&["pump", "valve", "motor"])).await;
    let id = stage.begin().await;
    stage.second.hold_next();
    let slow = tokio::spawn({
        let (stage, id) = (Arc::clone(&stage), id.clone());
        async move { stage.work(&id).await }
    });
    stage.second.entered().await;
    assert!(matches!(stage.work(&id).await, ReembedOutcome::Later(_)), "somebody has it");
    stage.sql("update app.reembeddings set lease_expires_at = now()").await;
    assert_eq!(stage.work(&id).await, ReembedOutcome::Done);
    let ready = stage.show(&id).await;
    assert_eq!(ready["state"], "ready");
    let vectors = stage.vectors().await;
    stage.second.release();
    assert_eq!(slow.await.unwrap(), ReembedOutcome::Done);
    assert_eq!(stage.show(&id).await, ready);
    assert_eq!(stage.vectors().await, vectors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_asked_to_stop_ends_with_the_batch_in_hand_and_another_one_goes_on() {
    let stage = Stage::idle(&[("PIDIMA_REEMBEDDING_BATCH", "1")]).await;
    stage.learn("a.md", &guide(&["pump", "valve", "motor"])).await;
    let (id, stop) = (stage.begin().await, CancellationToken::new());
    stage.second.hold_nth(2);
    let (outcome, ()) = tokio::join!(stage.work_until(&id, &stop), async {
        stage.second.entered().await;
        stop.cancel();
        stage.second.release();
    });
    assert_eq!(outcome, ReembedOutcome::Later(Duration::ZERO));
    assert_eq!(stage.vectors().await.1, 2);
    stage.run().await;
    assert_eq!(stage.show(&id).await["state"], "ready");
    assert_eq!(stage.second.take_passages().len() as i64, stage.vectors().await.1, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_being_embedded_when_it_is_cancelled_has_no_vector_too_many() {
    let stage = Stage::working(&[]).await;
    let id = stage.begin().await;
    crate::support::eventually("it is ready", || async {
        stage.show(&id).await["state"] == "ready"
    })
    .await;
    stage.second.hold_next();
    let document = stage.upload(&stage.collection, "a.md", &guide(&["pump", "valve"])).await;
    stage.second.entered().await;
    stage.steer(&id, "cancel").await.expect(200);
    // Its vectors are removed before the document is there.
    crate::support::eventually("nothing is to be removed", || async {
        stage.show(&id).await["removal_at"].is_null()
    })
    .await;
    stage.second.release();
    assert_eq!(stage.tenant.settled(&document).await["state"], "ready");
    let (old, new) = stage.vectors().await;
    assert!(old > 0);
    assert_eq!(new, 0);
    assert!(wrong_counts(&stage.app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_on_after_a_death_makes_no_vector_again() {
    let stage = Stage::idle(&[("PIDIMA_REEMBEDDING_BATCH", "1")]).await;
    stage.learn("a.md", &guide(&["pump", "valve", "motor"])).await;
    let id = stage.begin().await;
    // Two batches are stored; the third one never is.
    stage.second.hold_nth(3);
    let work = stage.work(&id);
    tokio::select! {
        _ = work => panic!("it is held up"),
        () = stage.second.entered() => {}
    }
    assert_eq!(stage.second.take_passages().len(), 2);
    stage.sql("update app.reembeddings set lease_expires_at = now()").await;
    stage.run().await;
    let ready = stage.show(&id).await;
    assert_eq!(ready["state"], "ready");
    let chunks = ready["progress"]["chunks_total"].as_u64().unwrap() as usize;
    assert_eq!(stage.second.take_passages().len(), chunks - 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_fails_for_a_while_is_asked_again_and_one_that_refuses_ends_it() {
    let stage = Stage::idle(&[("PIDIMA_REEMBEDDING_RETRY_MS", "3000")]).await;
    stage.learn("a.md", &guide(&["pump"])).await;
    let id = stage.begin().await;
    stage.second.fail_next(busy());
    assert_eq!(stage.work(&id).await, ReembedOutcome::Later(Duration::from_secs(3)));
    stage.second.fail_next(busy());
    assert_eq!(stage.work(&id).await, ReembedOutcome::Later(Duration::from_secs(6)));
    assert_eq!(stage.show(&id).await["state"], "running");
    let reason = "no such model".to_owned();
    stage.second.fail_next(EmbeddingError::Refused { model: "words".to_owned(), reason });
    assert_eq!(stage.work(&id).await, ReembedOutcome::Done);
    let failed = stage.show(&id).await;
    assert_eq!(failed["state"], "failed");
    assert_eq!(failed["failure"]["code"], "embedding_failed");
    assert!(failed["failure"]["detail"].as_str().unwrap().contains("no such model"));
    assert!(!stage.search("pump").await.is_empty(), "searches go on");
    // Another one goes through.
    let again = stage.begin().await;
    assert_ne!(again, id);
    stage.run().await;
    assert_eq!(stage.show(&again).await["state"], "ready");
    // What the first one would remove is needed now.
    stage.after_the_keeping().await;
    assert!(stage.vectors().await.1 > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_comes_in_although_the_new_model_is_away_or_refuses_or_is_unknown() {
    let stage = Stage::idle(&[("PIDIMA_INGESTION_MAX_ATTEMPTS", "1")]).await;
    stage.learn("a.md", &guide(&["pump"])).await;
    let id = stage.ready().await;
    let reason = "too long".to_owned();
    let refusal = EmbeddingError::Refused { model: "words".to_owned(), reason };
    for (name, word, error) in [("b.md", "lantern", busy()), ("c.md", "battery", refusal)] {
        let (old, new) = stage.vectors().await;
        stage.second.fail_next(error);
        stage.learn(name, &guide(&[word])).await;
        let (old_after, new_after) = stage.vectors().await;
        assert!(old_after > old);
        assert_eq!(new_after, new);
        assert!(stage.search(word).await.iter().any(|(found, _)| found == name));
        let refused = problem(&stage.steer(&id, "switch").await, 409, "conflict");
        assert!(refused.to_string().contains("when the model answers"), "{refused}");
        stage.sweep().await;
        assert!(stage.vectors().await.1 > new);
    }
    // As in a process that does not have the model in its settings.
    let (_, new) = stage.vectors().await;
    stage.sql("update app.reembeddings set to_model = 'elsewhere'").await;
    stage.learn("d.md", &guide(&["motor"])).await;
    assert_eq!(stage.vectors().await.1, new);
    stage.sql("update app.reembeddings set to_model = 'amazon.titan-embed-text-v2:0@256'").await;
    stage.sweep().await;
    stage.steer(&id, "switch").await.expect(200);
    assert!(stage.search("motor").await.iter().any(|(found, _)| found == "d.md"));
    assert!(wrong_counts(&stage.app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_waits_for_the_model_that_searches_read() {
    let stage = Stage::idle(&[("PIDIMA_INGESTION_MAX_ATTEMPTS", "1")]).await;
    stage.learn("a.md", &guide(&["pump"])).await;
    let id = stage.switched().await;
    stage.second.fail_next(busy());
    let document = stage.upload(&stage.collection, "b.md", &guide(&["lantern"])).await;
    stage.run().await;
    assert_eq!(stage.tenant.settled(&document).await["state"], "failed");
    // The old one is not read any more.
    stage.first.fail_next(busy());
    stage.learn("c.md", &guide(&["battery"])).await;
    assert!(stage.search("battery").await.iter().any(|(found, _)| found == "c.md"));
    // Who would go back to it would not find the document.
    problem(&stage.steer(&id, "rollback").await, 409, "conflict");
    assert_eq!(stage.show(&id).await["state"], "switched");
    stage.sweep().await;
    stage.steer(&id, "rollback").await.expect(200);
    assert!(stage.search("battery").await.iter().any(|(found, _)| found == "c.md"));
}

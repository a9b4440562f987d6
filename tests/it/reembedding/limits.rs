//! Every setting below, at and above what there is.

use std::time::Duration;

use pidima::knowledge::ReembedOutcome;
use serde_json::json;

use super::{Stage, busy, guide};
use crate::support::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn as_many_texts_are_compared_as_the_setting_says_and_there_are() {
    for (sample, compared) in [("0", Some(0)), ("1", Some(1)), ("2", Some(2)), ("1000", None)] {
        let settings = [("PIDIMA_REEMBEDDING_SAMPLE", sample), ("PIDIMA_REEMBEDDING_DEPTH", "1")];
        let stage = Stage::idle(&settings).await;
        stage.learn("a.md", &guide(&["pump"])).await;
        stage.learn("b.md", &guide(&["valve"])).await;
        stage.learn("c.md", &guide(&["motor"])).await;
        let id = stage.ready().await;
        let recall = &stage.show(&id).await["shadow_recall"];
        let chunks = stage.vectors().await.1;
        assert_eq!(recall["depth"], 1);
        let most = compared.unwrap_or(chunks);
        assert_eq!(recall["sample_size"], most, "{sample}");
        assert_eq!(recall["overlap"].is_null(), sample == "0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_asked_for_as_many_passages_at_once_as_the_setting_says() {
    for batch in ["1", "2", "512"] {
        let stage = Stage::idle(&[("PIDIMA_REEMBEDDING_BATCH", batch)]).await;
        stage.learn("a.md", &guide(&["pump", "valve", "motor"])).await;
        stage.ready().await;
        let most = stage.second.take_largest();
        let chunks = stage.vectors().await.1 as usize;
        assert_eq!(most, chunks.min(batch.parse().unwrap()), "{batch}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_given_up_at_the_last_attempt_in_a_row_and_not_before() {
    let settings = [("PIDIMA_REEMBEDDING_MAX_ATTEMPTS", "2"), ("PIDIMA_REEMBEDDING_BATCH", "1")];
    let stage = Stage::idle(&settings).await;
    stage.learn("a.md", &guide(&["pump", "valve"])).await;
    let id = stage.begin().await;
    stage.second.fail_next(busy());
    assert!(matches!(stage.work(&id).await, ReembedOutcome::Later(_)));
    assert_eq!(stage.show(&id).await["state"], "running");
    stage.second.fail_next(busy());
    assert_eq!(stage.work(&id).await, ReembedOutcome::Done);
    assert_eq!(stage.show(&id).await["state"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_embeds_something_before_it_fails_is_the_first_of_a_row() {
    let settings = [("PIDIMA_REEMBEDDING_MAX_ATTEMPTS", "2"), ("PIDIMA_REEMBEDDING_BATCH", "1")];
    let stage = Stage::idle(&settings).await;
    stage.learn("a.md", &guide(&["pump", "valve", "motor"])).await;
    let id = stage.begin().await;
    stage.second.fail_next(busy());
    assert!(matches!(stage.work(&id).await, ReembedOutcome::Later(_)));
    stage.second.hold_nth(2);
    let ((), outcome) = tokio::join!(
        async {
            stage.second.entered().await;
            stage.second.fail_next(busy());
            stage.second.release();
        },
        stage.work(&id)
    );
    assert!(matches!(outcome, ReembedOutcome::Later(_)), "{outcome:?}");
    assert_eq!(stage.show(&id).await["state"], "running");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_its_slice_a_re_embedding_lets_others_go_first() {
    let settings = [("PIDIMA_REEMBEDDING_SLICE_MS", "1"), ("PIDIMA_REEMBEDDING_BATCH", "1")];
    let stage = Stage::idle(&settings).await;
    stage.learn("a.md", &guide(&["pump", "valve", "motor"])).await;
    let id = stage.begin().await;
    assert_eq!(stage.work(&id).await, ReembedOutcome::Later(Duration::ZERO));
    let progress = &stage.show(&id).await["progress"];
    let (done, total) = (progress["chunks_done"].as_i64(), progress["chunks_total"].as_i64());
    assert!(done > Some(0) && done < total, "{progress}");
    stage.run().await;
    assert_eq!(stage.show(&id).await["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_vectors_are_kept_as_long_as_the_setting_says() {
    for (keep, is_gone) in [("0", true), ("3600000", false)] {
        let stage = Stage::idle(&[("PIDIMA_REEMBEDDING_KEEP_MS", keep)]).await;
        stage.learn("a.md", &guide(&["pump"])).await;
        stage.switched().await;
        stage.sweep().await;
        assert_eq!(stage.vectors().await.0 == 0, is_gone, "{keep}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_are_worked_on_at_once_than_have_places() {
    for (places, most) in [("1", 1), ("2", 2)] {
        let stage = Stage::idle(&[("PIDIMA_REEMBEDDING_CONCURRENCY", places)]).await;
        stage.learn("a.md", &guide(&["pump"])).await;
        let reembeddings = &stage.app.app.services.reembeddings;
        let taken: Vec<_> = (0..most).map(|_| reembeddings.place().unwrap()).collect();
        assert!(reembeddings.place().is_none(), "{places}");
        let id = stage.begin().await;
        stage.run().await;
        assert_eq!(stage.show(&id).await["state"], "queued");
        // Nothing else waits for it.
        let other = stage.tenant.post("/v1/collections", &json!({ "name": "other" })).await;
        let other = other.expect(201)["id"].as_str().unwrap().to_owned();
        let document = stage.upload(&other, "b.md", &guide(&["valve"])).await;
        stage.run().await;
        assert_eq!(stage.tenant.settled(&document).await["state"], "ready");
        drop(taken);
        eventually("it is ready", || async {
            stage.run().await;
            stage.show(&id).await["state"] == "ready"
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_goes_on_in_slices_and_asks_for_nothing_twice() {
    let settings = [("PIDIMA_REEMBEDDING_SLICE_MS", "1"), ("PIDIMA_REEMBEDDING_SAMPLE", "3")];
    let stage = Stage::idle(&settings).await;
    for name in ["pump", "valve", "motor", "lantern"] {
        stage.learn(&format!("{name}.md"), &guide(&[name])).await;
    }
    let id = stage.begin().await;
    let mut slices = 0;
    while stage.second.seen_queries() < 2 {
        assert_eq!(stage.work(&id).await, ReembedOutcome::Later(Duration::ZERO));
        slices += 1;
        assert!(slices < 100, "it goes on");
    }
    assert_eq!(stage.show(&id).await["state"], "running");
    stage.run().await;
    let ready = stage.show(&id).await;
    assert_eq!(ready["state"], "ready");
    assert_eq!(ready["shadow_recall"]["sample_size"], 3);
    let mut asked = stage.second.take_queries();
    assert_eq!(asked.len(), 3, "each once");
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 3, "three texts");
}

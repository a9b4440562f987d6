//! Every setting below, at and above what there is.

use std::time::Duration;

use pidima::knowledge::ReembedOutcome;

use super::{Stage, busy, guide};

#[tokio::test(flavor = "multi_thread")]
async fn as_many_texts_are_compared_as_the_setting_says_and_there_are() {
    for (sample, compared) in [("0", 0), ("1", 1), ("2", 2), ("1000", 3)] {
        let settings = [("PIDIMA_REEMBEDDING_SAMPLE", sample), ("PIDIMA_REEMBEDDING_DEPTH", "1")];
        let stage = Stage::idle(&settings).await;
        stage.learn("a.md", &guide(&["pump"])).await;
        stage.learn("b.md", &guide(&["valve"])).await;
        stage.learn("c.md", &guide(&["motor"])).await;
        let id = stage.ready().await;
        let recall = &stage.show(&id).await["shadow_recall"];
        let chunks = stage.vectors().await.1;
        assert_eq!(recall["depth"], 1);
        let most = if sample == "1000" { chunks } else { compared };
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

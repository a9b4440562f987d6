//! Beside processes of the version before, which know one model alone; and messages that nobody delivers.

use pidima::adapters::embeddings::Embedder;
use pidima::knowledge::{
    Embedders, EmbeddingSpaceError, ReembedOutcome, check_embedding_models, claim_embedding_space,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Stage, guide, wrong_counts};
use crate::api::problem;
use crate::support::{WordsEmbedder, eventually};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_is_looked_through_as_often_as_the_setting_says() {
    for (look, is_found) in [("10", true), ("3600000", false)] {
        let stage = Stage::idle(&[("PIDIMA_REEMBEDDING_LOOK_MS", look)]).await;
        stage.learn("a.md", &guide(&["pump"])).await;
        let id = stage.ready().await;
        let all = stage.vectors().await;
        // Nothing lacks, but it was looked at.
        stage.sweep().await;
        stage.as_published_before().await;
        if is_found {
            eventually("it is found", || async {
                stage.sweep_now().await;
                stage.vectors().await == all
            })
            .await;
            continue;
        }
        stage.sweep_now().await;
        assert_ne!(stage.vectors().await, all, "it was looked at just now");
        stage.sweep().await;
        assert_eq!(stage.vectors().await, all);
        assert_eq!(stage.show(&id).await["state"], "ready");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_in_after_the_end_is_looked_for_as_long_as_the_setting_says() {
    for (late, is_found) in [("0", false), ("3600000", true)] {
        let stage = Stage::idle(&[("PIDIMA_REEMBEDDING_LATE_MS", late)]).await;
        stage.learn("a.md", &guide(&["pump"])).await;
        let id = stage.switched().await;
        stage.after_the_keeping().await;
        assert_eq!(stage.show(&id).await["state"], "completed");
        let (_, new) = stage.vectors().await;
        stage.as_published_before().await;
        stage.sweep().await;
        assert_eq!(stage.vectors().await.1 == new, is_found, "{late}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_one_tenant_keeps_no_other_one_waiting() {
    let stage = Stage::idle(&[]).await;
    let other = stage.app.tenant("umbra").await;
    let made = other.post("/v1/collections", &json!({ "name": "guide" })).await.expect(201);
    let path = format!("/v1/collections/{}/reembeddings", made["id"].as_str().unwrap());
    let body = json!({ "embedding_model": WordsEmbedder::MODEL });
    other.post(&path, &body).await.expect(202);
    stage.begin().await;
    stage
        .sql(
            "create function app.fail_at_77() returns trigger language plpgsql as $$
            begin
                if old.failures = 77 then
                    raise exception 'broken';
                end if;
                return new;
            end
            $$",
        )
        .await;
    stage
        .sql(
            "create trigger fail_at_77 before update of touched_at on app.reembeddings
            for each row execute function app.fail_at_77()",
        )
        .await;
    let admin = stage.app.database.admin();
    // Whoever of both comes first.
    for (broken, whole) in [(other.id, stage.tenant.id), (stage.tenant.id, other.id)] {
        stage.sql("delete from app.outbox").await;
        stage.sql("update app.reembeddings set failures = 0").await;
        stage.sql("update app.reembeddings set touched_at = now() - interval '1 day'").await;
        sqlx::query("update app.reembeddings set failures = 77 where tenant_id = $1")
            .bind(broken.uuid())
            .execute(&admin)
            .await
            .unwrap();
        let never = CancellationToken::new();
        assert_eq!(stage.app.app.services.reembeddings.sweep(&never).await.unwrap(), 1);
        let queued: Vec<Uuid> = sqlx::query_scalar("select for_tenant from app.outbox")
            .fetch_all(&admin)
            .await
            .unwrap();
        assert_eq!(queued, [whole.uuid()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_process_publishes_after_the_end_leaves_no_vector_of_the_old_model() {
    let stage = Stage::idle(&[]).await;
    stage.learn("a.md", &guide(&["pump"])).await;
    let id = stage.switched().await;
    stage.after_the_keeping().await;
    stage.learn("b.md", &guide(&["lantern", "valve"])).await;
    let all = stage.vectors().await;
    assert_eq!(all.0, 0);
    stage
        .sql(
            "insert into app.chunk_windows
                (tenant_id, chunk_id, number, collection_id, embedding_model, embedding)
            select w.tenant_id, w.chunk_id, w.number, w.collection_id, c.embedding_model, w.embedding
            from app.reembedded_windows w
            join app.chunks c on c.chunk_id = w.chunk_id
            where c.document_id = (select document_id from app.documents order by document_id desc limit 1)",
        )
        .await;
    stage.as_published_before().await;
    stage
        .sql(
            "update app.document_versions v set window_count =
                (select count(*) from app.chunk_windows w
                    join app.chunks c on c.chunk_id = w.chunk_id
                    where c.version_id = v.version_id)",
        )
        .await;
    stage
        .sql(
            "update app.collections k set window_count =
                (select count(*) from app.chunk_windows w where w.collection_id = k.collection_id)",
        )
        .await;
    assert!(stage.vectors().await.0 > 0);
    stage.sweep().await;
    assert_eq!(stage.vectors().await, all);
    assert!(wrong_counts(&stage.app).await.is_empty());
    let completed = stage.show(&id).await;
    assert_eq!(completed["state"], "completed");
    assert!(completed["removal_at"].is_null());
    assert!(stage.search("lantern").await.iter().any(|(name, _)| name == "b.md"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_without_one_of_the_models_leaves_it_to_another_one() {
    for column in ["from_model", "to_model"] {
        let stage = Stage::idle(&[("PIDIMA_REEMBEDDING_MAX_ATTEMPTS", "1")]).await;
        stage.learn("a.md", &guide(&["pump"])).await;
        let id = stage.begin().await;
        let known = stage.show(&id).await[column].as_str().unwrap().to_owned();
        let put = format!("update app.reembeddings set {column} = $1");
        for model in ["elsewhere", &known] {
            sqlx::query(sqlx::AssertSqlSafe(put.clone()))
                .bind(model)
                .execute(&stage.app.database.admin())
                .await
                .unwrap();
            let outcome = stage.work(&id).await;
            if model == "elsewhere" {
                assert!(matches!(outcome, ReembedOutcome::Later(_)), "{column}");
                assert_eq!(stage.show(&id).await["state"], "running");
            }
        }
        assert_eq!(stage.show(&id).await["state"], "ready", "{column}");
    }
}

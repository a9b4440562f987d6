//! One database, one embedding model: a process with another one is told, and does not serve.

use pidima::adapters::embeddings::remote::RemoteSettings;
use pidima::adapters::embeddings::remote::{EmbeddingCalls, Purpose, RemoteEmbedder};
use pidima::adapters::models::{FailoverSettings, ModelError};
use pidima::knowledge::{EmbeddingSpaceError, claim_embedding_space};

use crate::support::{TestApp, minilm};

/// A model that is never asked.
struct Named;

#[async_trait::async_trait]
impl EmbeddingCalls for Named {
    fn model(&self) -> &'static str {
        "some-model"
    }

    fn batch(&self) -> usize {
        1
    }

    fn window_bytes(&self) -> usize {
        100
    }

    async fn embed(&self, _: &[String], _: Purpose) -> Result<Vec<Vec<f32>>, ModelError> {
        unreachable!("nobody embeds here")
    }
}

fn embedder(dimensions: usize) -> RemoteEmbedder<Named> {
    let settings = RemoteSettings {
        dimensions,
        batch: 1,
        concurrency: 1,
        timeout: std::time::Duration::from_secs(1),
        retry: FailoverSettings::default().retry,
    };
    RemoteEmbedder::new(Named, settings)
}

#[tokio::test]
async fn the_first_model_claims_the_database_and_any_other_is_refused_with_words() {
    let app = TestApp::start().await;
    let db = &app.app.services.db;
    let minilm = minilm().await;
    claim_embedding_space(db, &minilm).await.unwrap();
    claim_embedding_space(db, &minilm).await.unwrap();
    for dimensions in [384, 512, 1024] {
        let error = claim_embedding_space(db, &embedder(dimensions)).await.unwrap_err();
        assert!(matches!(error, EmbeddingSpaceError::Other { .. }));
        let told = error.to_string();
        assert!(told.contains("all-minilm-l6-v2-int8 with 384 dimensions"), "{told}");
        assert!(told.contains(&format!("some-model@{dimensions} with {dimensions}")), "{told}");
    }
}

#[tokio::test]
async fn vectors_of_other_lengths_are_stored_and_one_that_fits_on_no_page_is_refused() {
    for (dimensions, fits) in [(512, true), (1024, true), (4000, true), (4001, false), (0, false)] {
        let app = TestApp::start().await;
        let claimed = claim_embedding_space(&app.app.services.db, &embedder(dimensions)).await;
        assert_eq!(claimed.is_ok(), fits, "{dimensions}: {claimed:?}");
        if fits {
            let stored = sqlx::query(
                "insert into app.chunk_windows (tenant_id, chunk_id, number, collection_id, embedding_model, embedding)
                select gen_random_uuid(), gen_random_uuid(), 0, gen_random_uuid(), 'm',
                    array_fill(0.5::real, array[$1])::vector::halfvec",
            )
            .bind(i32::try_from(dimensions).unwrap())
            .execute(&unchecked(&app).await)
            .await;
            assert!(stored.is_ok(), "{dimensions}: {stored:?}");
        }
    }
}

/// Connections that do not check foreign keys: what is tried is the length of the row alone.
async fn unchecked(app: &TestApp) -> sqlx::PgPool {
    let options: sqlx::postgres::PgConnectOptions = app.database.admin_url().parse().unwrap();
    let options = options.options([("session_replication_role", "replica")]);
    sqlx::PgPool::connect_with(options).await.unwrap()
}

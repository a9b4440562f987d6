//! From upload to search: the state machine, and that its effect is once whatever the deliveries.

mod counts;
mod deliveries;
mod fairness;
mod jobs;
mod lost;
mod versions;

use std::sync::Arc;
use std::time::Duration;

use pidima::adapters::models::ExtractiveModel;
use pidima::app::Outside;
use pidima::knowledge::{IngestSettings, Ingestion};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{ProbedEmbedder, TestApp, TestTenant};

/// The application without a worker: the test runs the jobs.
async fn idle(settings: &[(&str, &str)]) -> (TestApp, Arc<ProbedEmbedder>) {
    let embedder = ProbedEmbedder::new().await;
    let outside = Outside {
        embedder: Arc::clone(&embedder) as Arc<_>,
        models: Arc::new(ExtractiveModel).into(),
    };
    (TestApp::start_idle(settings, outside).await, embedder)
}

/// The application with its worker.
async fn working() -> (TestApp, Arc<ProbedEmbedder>) {
    let (app, embedder) = idle(&[]).await;
    app.start_worker();
    (app, embedder)
}

/// A worker's hands, with a lease of the test's own.
fn ingestion(app: &TestApp, embedder: &Arc<ProbedEmbedder>, lease: Duration) -> Ingestion {
    let settings = IngestSettings {
        parser: crate::support::parser_settings(),
        chunk: pidima::knowledge::chunk::ChunkOptions::default(),
        max_chunks: 20_000,
        max_attempts: 5,
        lease,
    };
    let (db, objects) = (app.app.services.db.clone(), Arc::clone(&app.app.objects));
    Ingestion::new(db, objects, Arc::clone(embedder) as Arc<_>, settings)
}

/// Makes every job due at once.
async fn hurry(app: &TestApp) {
    sqlx::query("update app.jobs set visible_at = now()")
        .execute(&app.database.admin())
        .await
        .unwrap();
}

async fn upload(tenant: &TestTenant, name: &str, text: &str, status: u16) -> String {
    let document = tenant.upload(name, text).await.expect(status);
    document["id"].as_str().unwrap().to_owned()
}

/// Version that was uploaded last.
async fn last_version(app: &TestApp) -> Uuid {
    sqlx::query_scalar(
        "select version_id from app.document_versions order by version_id desc limit 1",
    )
    .fetch_one(&app.database.admin())
    .await
    .unwrap()
}

/// Numbers of the versions that a search shows.
async fn versions_found(tenant: &TestTenant, query: &str) -> Vec<i64> {
    let body = json!({ "query": query, "limit": 50 });
    let found = tenant.post("/v1/search", &body).await.expect(200);
    let hits = found["items"].as_array().unwrap();
    let mut numbers: Vec<i64> =
        hits.iter().map(|hit| hit["version_number"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Everything of knowledge that the database holds, but for times and leases, as text that can be compared.
async fn contents(app: &TestApp) -> String {
    sqlx::query_scalar(
        "select jsonb_build_object(
            'versions', (select jsonb_agg(to_jsonb(v) - 'ready_at' order by version_id) from app.document_versions v),
            'documents', (select jsonb_agg(to_jsonb(d) order by document_id) from app.documents d),
            'collections', (select jsonb_agg(to_jsonb(c) order by collection_id) from app.collections c),
            'chunks', (select jsonb_agg(to_jsonb(c) order by chunk_id) from app.chunks c),
            'windows', (select count(*) from app.chunk_windows),
            'terms', (select jsonb_agg(to_jsonb(t) order by version_id, term) from app.chunk_terms t),
            'texts', (select jsonb_agg(to_jsonb(t) order by version_id) from app.document_texts t)
        )::text",
    )
    .fetch_one(&app.database.admin())
    .await
    .unwrap()
}

/// Rows of search and text that the database holds, of whomever.
async fn rows_left(app: &TestApp) -> i64 {
    sqlx::query_scalar(
        "select (select count(*) from app.chunks) + (select count(*) from app.chunk_windows)
            + (select count(*) from app.chunk_terms) + (select count(*) from app.document_texts)
            + (select count(*) from app.document_versions) + (select count(*) from app.documents)
            + (select count(*) from app.ingestion_attempts)",
    )
    .fetch_one(&app.database.admin())
    .await
    .unwrap()
}

/// Counts of collections that differ from the rows counted.
async fn wrong_counts(app: &TestApp) -> Vec<Value> {
    sqlx::query_scalar(
        "select to_jsonb(x)
        from (
            select
                k.name,
                k.chunk_count,
                k.window_count,
                k.term_count,
                (select count(*) from app.chunks c where c.collection_id = k.collection_id) as chunks,
                (select count(*) from app.chunk_windows w where w.collection_id = k.collection_id) as windows,
                (
                    select coalesce(sum(f), 0)::bigint
                    from app.chunk_terms t, unnest(t.frequencies) f
                    where t.collection_id = k.collection_id
                ) as terms
            from app.collections k
        ) x
        where (chunk_count, window_count, term_count) is distinct from (chunks, windows, terms)",
    )
    .fetch_all(&app.database.admin())
    .await
    .unwrap()
}

//! Reads a second, of one statement and of four; the figures are printed.

use std::time::{Duration, Instant};

use pidima::db::{Db, PoolSettings, pool_options};
use pidima::kernel::ids::TenantId;
use sqlx::PgPool;
use uuid::Uuid;

use super::{open, tenant_with_session};
use crate::support::TestDatabase;

const READS: usize = 2_000;
const ROUNDS: usize = 5;

/// How a read was made: begin, set the tenant, read, commit.
async fn read_in_four(pool: &PgPool, tenant: TenantId, session_id: Uuid) {
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("select set_config('app.tenant_id', $1, true)")
        .bind(tenant.to_string())
        .execute(&mut *tx)
        .await
        .unwrap();
    let found = sqlx::query(
        "select session_id, title, collection_ids, created_by, created_at, updated_at
        from sessions
        where tenant_id = $1 and session_id = $2",
    )
    .bind(tenant.uuid())
    .bind(session_id)
    .fetch_optional(&mut *tx)
    .await
    .unwrap();
    assert!(found.is_some());
    tx.commit().await.unwrap();
}

async fn read_in_one(db: &Db, tenant: TenantId, session_id: Uuid) {
    let found = db.read(tenant).await.unwrap().session(session_id, None).await.unwrap();
    assert!(found.is_some());
}

#[expect(clippy::cast_precision_loss, reason = "a count of some thousands")]
async fn per_second(read: impl AsyncFn()) -> f64 {
    let began = Instant::now();
    for _ in 0..READS {
        read().await;
    }
    READS as f64 / began.elapsed().as_secs_f64()
}

/// Alone it is `cargo test --release --test it reads::speed -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: the machine should have nothing else to do"]
async fn one_statement_serves_two_and_a_half_times_as_many_reads_as_four() {
    let database = TestDatabase::create().await;
    let db = open(&database.app_url(), 4);
    let (tenant, session_id) = tenant_with_session(&db, "speed").await;
    let settings = PoolSettings {
        url: database.app_url().into(),
        max_connections: 4,
        acquire_timeout: Duration::from_secs(10),
    };
    let options = database.app_url().parse::<sqlx::postgres::PgConnectOptions>().unwrap();
    let options = options.options([("search_path", "app,public")]);
    let pool = pool_options(&settings).connect_with(options).await.unwrap();
    let (mut four, mut one) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        four.push(per_second(async || read_in_four(&pool, tenant, session_id).await).await);
        one.push(per_second(async || read_in_one(&db, tenant, session_id).await).await);
    }
    let median = |rates: &mut Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates[ROUNDS / 2]
    };
    let (four, one) = (median(&mut four), median(&mut one));
    println!("four statements {four:.0}/s, one {one:.0}/s: {:.2} times as many", one / four);
    assert!(one >= 2.5 * four);
}

//! Many answers at once: their events are stored together, and each run is told of its own.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use sqlx::PgPool;

use super::paced::{ENDLESS, paced};
use super::{GUIDE, ask, check_numbers, follow, joined, no_run_is_left, run_id};
use crate::support::{EventReader, StreamEvent, TestTenant, eventually};

/// Answers at once.
const RUNS: usize = 12;
/// After which a transaction gives up a lock that it has no hurry with.
const LOCKS_END: Duration = Duration::from_secs(5);

/// Waits until so many runs go on, of each of which more than so many events are stored.
async fn all_stored(admin: &PgPool, runs: usize, more_than: i32) {
    eventually("events of all runs are stored", || async {
        let counts: Vec<i32> = sqlx::query_scalar("select event_count from app.run_leases")
            .fetch_all(admin)
            .await
            .unwrap();
        counts.len() == runs && counts.iter().all(|count| *count > more_than)
    })
    .await;
}

#[tokio::test]
async fn events_of_many_runs_go_together_and_one_that_is_lost_holds_up_no_other() {
    let app = paced(&[
        ("PIDIMA_RUN_FLUSH_INTERVAL_MS", "30"),
        ("PIDIMA_RUN_CANCEL_POLL_MS", "50"),
        ("PIDIMA_RUN_SWEEP_MS", "50"),
    ])
    .await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let admin = app.database.admin();
    let mut readers: Vec<(EventReader, Vec<StreamEvent>)> = Vec::new();
    let question = format!("key {ENDLESS}?");
    for mut reader in join_all((0..RUNS).map(|_| ask(&tenant, &question))).await {
        let started = reader.next().await.unwrap();
        readers.push((reader, vec![started]));
    }
    all_stored(&admin, RUNS, 40).await;

    // As when this instance had stood still: others end its run.
    let lost = run_id(&readers[0].1[0]);
    sqlx::query(
        "update app.run_leases set expires_at = now() - interval '1 s' where run_id = $1::uuid",
    )
    .bind(&lost)
    .execute(&admin)
    .await
    .unwrap();
    let so_far: i32 = sqlx::query_scalar("select max(event_count) from app.run_leases")
        .fetch_one(&admin)
        .await
        .unwrap();
    all_stored(&admin, RUNS - 1, so_far).await;
    let (reader, mut events) = readers.remove(0);
    events.extend(reader.rest().await);
    check_numbers(&events);
    let answer = &events.last().unwrap().data["answer"];
    assert_eq!(answer["outcome_reason"], "interrupted");
    assert_eq!(answer["content"], joined(&events));

    let (rows, transactions): (i64, i64) =
        sqlx::query_as("select count(*), count(distinct xmin::text) from app.run_events")
            .fetch_one(&admin)
            .await
            .unwrap();
    println!("{rows} rows of events by {transactions} transactions");
    assert!(transactions * 2 < rows, "{rows} rows by {transactions} transactions");

    for (reader, mut events) in readers {
        let id = run_id(&events[0]);
        tenant.post(&format!("/v1/runs/{id}/cancel"), &json!({})).await.expect(200);
        events.extend(reader.rest().await);
        check_numbers(&events);
        assert_eq!(events.last().unwrap().data["answer"]["content"], joined(&events));
        let again = follow(&tenant, &id, 0).await.rest().await;
        let told = |events: &[StreamEvent]| -> Vec<_> {
            events.iter().map(|event| (event.id, event.name.clone(), event.data.clone())).collect()
        };
        assert_eq!(told(&again), told(&events), "what is stored is what was shown");
    }
    no_run_is_left(&app).await;
}

/// How many events of a run are stored.
async fn stored(admin: &PgPool, run: &str) -> i32 {
    sqlx::query_scalar("select event_count from app.run_leases where run_id = $1::uuid")
        .bind(run)
        .fetch_one(admin)
        .await
        .unwrap()
}

/// Begins an answer that does not end by itself.
async fn begin(tenant: &TestTenant) -> (EventReader, Vec<StreamEvent>, String) {
    let mut reader = ask(tenant, &format!("key {ENDLESS}?")).await;
    let started = reader.next().await.unwrap();
    let id = run_id(&started);
    (reader, vec![started], id)
}

#[tokio::test]
async fn a_run_whose_lease_somebody_holds_locked_holds_up_no_other() {
    let app =
        paced(&[("PIDIMA_RUN_FLUSH_INTERVAL_MS", "30"), ("PIDIMA_RUN_CANCEL_POLL_MS", "50")]).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let admin = app.database.admin();
    let runs = [begin(&tenant).await, begin(&tenant).await];
    let [held, free] = [&runs[0].2, &runs[1].2];
    all_stored(&admin, 2, 10).await;

    let began = Instant::now();
    let mut lock = admin.begin().await.unwrap();
    sqlx::query("select 1 from app.run_leases where run_id = $1::uuid for update")
        .bind(held)
        .execute(&mut *lock)
        .await
        .unwrap();
    let (held_before, free_before) = (stored(&admin, held).await, stored(&admin, free).await);
    eventually("the other run is stored", || async {
        stored(&admin, free).await > free_before + 60
    })
    .await;
    assert!(began.elapsed() < LOCKS_END, "it waited as long as locks are waited for");
    assert_eq!(stored(&admin, held).await, held_before, "this one waits");
    lock.rollback().await.unwrap();
    eventually("what waited is stored", || async { stored(&admin, held).await > held_before })
        .await;

    for (reader, mut events, id) in runs {
        tenant.post(&format!("/v1/runs/{id}/cancel"), &json!({})).await.expect(200);
        events.extend(reader.rest().await);
        check_numbers(&events);
        assert_eq!(events.last().unwrap().data["answer"]["content"], joined(&events));
    }
    no_run_is_left(&app).await;
}

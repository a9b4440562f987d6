//! Workers that die, messages that get lost or come twice, and collections that go: nothing is done twice, nothing is left over.

use std::time::Duration;

use pidima::knowledge::JobOutcome;
use pidima::worker::reconcile_dumps;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Place, ask, bring_in, collection, library, place, places, restore_state, rows, show, state,
    text,
};
use crate::support::{TestTenant, eventually};

/// How many files of dumps the folder holds.
fn files(place: &Place, tenant: &TestTenant) -> usize {
    std::fs::read_dir(place.folder(tenant)).map_or(0, Iterator::count)
}

#[tokio::test]
async fn a_dump_that_a_worker_left_in_the_middle_is_written_anew_and_its_files_go() {
    for place in places(&[]).await {
        let tenant = place.app.tenant("acme").await;
        let library = library(&place, &tenant).await;
        let id = ask(&tenant, &library).await;
        // As after a worker that died while it was writing.
        place
            .run(
                "update app.dumps
                set state = 'running', attempts = 1, files_id = gen_random_uuid(),
                    lease_token = gen_random_uuid(), lease_expires_at = now() + interval '1 hour';
                insert into app.dump_files (tenant_id, files_id, keep_until)
                select tenant_id, files_id, lease_expires_at from app.dumps",
            )
            .await;
        place.work().await;
        assert_eq!(state(&show(&tenant, &id).await), ("running", ""), "somebody has it");
        place.run("update app.dumps set lease_expires_at = now()").await;
        place.work().await;
        let dump = show(&tenant, &id).await;
        assert_eq!(state(&dump), ("ready", ""), "{}: {dump}", place.name);
        assert_eq!(rows(&tenant, &dump, "documents.parquet").await.len(), 3);
        assert_eq!(place.count("select count(*) from app.dump_files").await, 2);
        assert_eq!(place.sweep().await, 0, "the dead one may be alive yet");
        place.run("update app.dump_files set keep_until = now()").await;
        assert_eq!(place.sweep().await, 1, "{}", place.name);
        assert_eq!(rows(&tenant, &dump, "documents.parquet").await.len(), 3);
    }
}

#[tokio::test]
async fn a_document_that_comes_while_a_dump_is_written_is_not_in_it() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let id = ask(&tenant, &library).await;
    // As one that is uploaded again, after it was deleted, before the walk comes to its new id.
    place
        .run("update app.documents set created_at = now() + interval '1 hour' where name = 'plain.txt'")
        .await;
    place.work().await;
    let dump = show(&tenant, &id).await;
    assert_eq!(state(&dump), ("ready", ""), "{dump}");
    let told = format!("{:?}", rows(&tenant, &dump, "documents.parquet").await);
    assert!(told.contains("pumps.md") && told.contains("valves.csv"), "{told}");
    assert!(!told.contains("plain.txt"), "{told}");
    assert_eq!(dump["dump"]["counts"]["documents"], 2);
    let manifest = super::downloads::file(&dump, "manifest.json");
    let manifest = super::downloads::download(&tenant, manifest).await;
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let time = |field: &str| -> chrono::DateTime<chrono::Utc> {
        manifest[field].as_str().unwrap().parse().unwrap()
    };
    assert!(time("began_at") <= time("created_at"), "{manifest}");
}

#[tokio::test]
async fn a_dump_whose_workers_die_each_time_is_given_up() {
    let place = place("directory", &[("PIDIMA_DUMP_MAX_ATTEMPTS", "2")]).await;
    let tenant = place.app.tenant("acme").await;
    let id = ask(&tenant, &collection(&tenant, "one").await).await;
    place
        .run("update app.dumps set state = 'running', attempts = 2, lease_expires_at = now()")
        .await;
    place.work().await;
    assert_eq!(state(&show(&tenant, &id).await), ("failed", "worker_lost"));
}

#[tokio::test]
async fn a_restore_goes_on_where_the_worker_before_it_came_to() {
    for place in places(&[("PIDIMA_DUMP_ROW_GROUP_ROWS", "1")]).await {
        let tenant = place.app.tenant("acme").await;
        let library = library(&place, &tenant).await;
        let dump = place.dumped(&tenant, &library).await;
        let names: Vec<String> = rows(&tenant, &dump, "documents.parquet")
            .await
            .into_iter()
            .map(|row| row["name"].trim_matches('"').to_owned())
            .collect();
        let dump = text(&dump["dump"]["id"]);
        for done in [0, 1, 2, 3] {
            let restore = bring_in(&tenant, &dump, &format!("from {done}")).await.expect(202);
            let id: uuid::Uuid = text(&restore["id"]).parse().unwrap();
            sqlx::query(
                "update app.restores
                set state = 'running', attempts = 1, done_count = $1, lease_expires_at = now()
                where restore_id = $2",
            )
            .bind(done)
            .bind(id)
            .execute(&place.app.database.admin())
            .await
            .unwrap();
            place.work().await;
            let restore = tenant.get(&format!("/v1/restores/{id}")).await.expect(200);
            assert_eq!(restore_state(&restore), ("completed", ""), "{restore}");
            let path = format!("/v1/documents?collection_id={}", text(&restore["collection_id"]));
            let found = tenant.get(&path).await.expect(200);
            let found: Vec<String> =
                found["items"].as_array().unwrap().iter().map(|item| text(&item["name"])).collect();
            assert_eq!(found, names[usize::try_from(done).unwrap()..], "{}: {done}", place.name);
        }
    }
}

#[tokio::test]
async fn messages_that_come_twice_do_nothing_twice() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let id = ask(&tenant, &library).await;
    const AGAIN: &str = "insert into app.outbox (message_id, kind, for_tenant, subject_id)
        select gen_random_uuid(), kind, for_tenant, subject_id from app.outbox";
    place.run(AGAIN).await;
    place.work().await;
    let dump = show(&tenant, &id).await;
    assert_eq!(state(&dump), ("ready", ""));
    assert_eq!(
        (place.count("select count(*) from app.dump_files").await, files(&place, &tenant)),
        (1, 4)
    );
    let restore = bring_in(&tenant, &id, "again").await.expect(202);
    place.run(AGAIN).await;
    place.work().await;
    let path = format!("/v1/documents?collection_id={}", text(&restore["collection_id"]));
    assert_eq!(tenant.get(&path).await.expect(200)["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_dump_and_a_restore_without_a_message_are_queued_again_after_their_time() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let db = place.app.app.services.db.clone();
    let id = ask(&tenant, &library).await;
    assert_eq!(reconcile_dumps(&db, Duration::ZERO).await.unwrap(), 0, "it has its message");
    place.run("delete from app.outbox").await;
    assert_eq!(reconcile_dumps(&db, Duration::from_secs(3_600)).await.unwrap(), 0);
    assert_eq!(reconcile_dumps(&db, Duration::ZERO).await.unwrap(), 1);
    assert_eq!(reconcile_dumps(&db, Duration::ZERO).await.unwrap(), 0, "once is enough");
    place.work().await;
    assert_eq!(state(&show(&tenant, &id).await), ("ready", ""));
    let restore = bring_in(&tenant, &id, "again").await.expect(202);
    place.run("delete from app.outbox").await;
    assert_eq!(reconcile_dumps(&db, Duration::ZERO).await.unwrap(), 1);
    place.work().await;
    let path = format!("/v1/restores/{}", text(&restore["id"]));
    assert_eq!(restore_state(&tenant.get(&path).await.expect(200)), ("completed", ""));
    assert_eq!(reconcile_dumps(&db, Duration::ZERO).await.unwrap(), 0, "it is over");
}

#[tokio::test]
async fn dumps_and_restores_go_with_their_collections() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let ready = text(&place.dumped(&tenant, &library).await["dump"]["id"]);
    let waiting = ask(&tenant, &library).await;
    let restore = bring_in(&tenant, &ready, "again").await.expect(202);
    let filled = text(&restore["collection_id"]);
    tenant.delete(&format!("/v1/collections/{filled}")).await.expect(204);
    tenant.get(&format!("/v1/restores/{}", text(&restore["id"]))).await.expect(404);
    tenant.delete(&format!("/v1/collections/{library}")).await.expect(204);
    for id in [ready, waiting] {
        tenant.get(&format!("/v1/dumps/{id}")).await.expect(404);
    }
    place.work().await;
    place.run("update app.dump_files set keep_until = now()").await;
    place.sweep().await;
    assert_eq!(files(&place, &tenant), 0);
    for table in ["dumps", "dump_files", "restores", "documents"] {
        let left: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from app.{table}")))
                .fetch_one(&place.app.database.admin())
                .await
                .unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

#[tokio::test]
async fn a_restore_whose_dump_is_gone_says_so() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let ready = text(&place.dumped(&tenant, &library).await["dump"]["id"]);
    let restore = bring_in(&tenant, &ready, "again").await.expect(202);
    tenant.delete(&format!("/v1/collections/{library}")).await.expect(204);
    place.work().await;
    let path = format!("/v1/restores/{}", text(&restore["id"]));
    let restore = tenant.get(&path).await.expect(200);
    assert_eq!(restore_state(&restore), ("failed", "dump_gone"), "{restore}");
}

#[tokio::test]
async fn a_restore_of_which_a_file_is_gone_says_so_and_leaves_nothing_in_search() {
    for name in ["documents", "chunks", "embeddings"] {
        let place = place("directory", &[]).await;
        let tenant = place.app.tenant("acme").await;
        let library = library(&place, &tenant).await;
        let ready = text(&place.dumped(&tenant, &library).await["dump"]["id"]);
        let folder = place.folder(&tenant);
        let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let end = format!(".{name}.parquet");
        std::fs::remove_file(files.find(|it| it.to_string_lossy().ends_with(&end)).unwrap())
            .unwrap();
        let restore = place.restored(&tenant, &ready, "again").await;
        assert_eq!(restore_state(&restore), ("failed", "dump_gone"), "{name}: {restore}");
        let body = json!({ "query": "blue valve", "collection_ids": [restore["collection_id"]] });
        let found = tenant.post("/v1/search", &body).await.expect(200);
        assert_eq!(found["items"], json!([]), "{name}");
    }
}

#[tokio::test]
async fn a_worker_that_is_to_stop_leaves_a_dump_and_a_restore_to_others_and_that_is_no_attempt() {
    let place = place("directory", &[("PIDIMA_DUMP_MAX_ATTEMPTS", "1")]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let id = ask(&tenant, &library).await;
    let stopped = CancellationToken::new();
    stopped.cancel();
    let dump_id = id.parse().unwrap();
    place.app.app.worker.dumps.dump(tenant.id, dump_id, &stopped).await.unwrap();
    let attempts = place.count("select attempts::bigint from app.dumps").await;
    let left = show(&tenant, &id).await;
    assert_eq!((state(&left), attempts), (("queued", ""), 0), "{left}");
    place.work().await;
    assert_eq!(state(&show(&tenant, &id).await), ("ready", ""));
    let restore = text(&bring_in(&tenant, &id, "again").await.expect(202)["id"]);
    let restore_id = restore.parse().unwrap();
    place.app.app.worker.dumps.restore(tenant.id, restore_id, &stopped).await.unwrap();
    let attempts = place.count("select attempts::bigint from app.restores").await;
    let path = format!("/v1/restores/{restore}");
    let left = tenant.get(&path).await.expect(200);
    assert_eq!((restore_state(&left), attempts), (("queued", ""), 0), "{left}");
    place.work().await;
    assert_eq!(restore_state(&tenant.get(&path).await.expect(200)), ("completed", ""));
}

/// Statements that wait for a lock.
async fn waiting(place: &Place) -> i64 {
    place
        .count(
            "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'",
        )
        .await
}

#[tokio::test]
async fn a_lease_is_renewed_beside_the_work_that_has_the_same_row() {
    let place = place("directory", &[("PIDIMA_INGESTION_LEASE_MS", "3000")]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let dump = text(&place.dumped(&tenant, &library).await["dump"]["id"]);
    let restore = text(&bring_in(&tenant, &dump, "again").await.expect(202)["id"]);
    let admin = place.app.database.admin();
    // Keeps the work, which is claimed by then, from its first document, so that somebody else can have the restore's row first.
    let mut documents = admin.begin().await.unwrap();
    let lock = "lock table app.documents in exclusive mode";
    sqlx::raw_sql(lock).execute(&mut *documents).await.unwrap();
    let (dumps, id) = (place.app.app.worker.dumps.clone(), tenant.id);
    let restore_id = restore.parse().unwrap();
    let never = CancellationToken::new();
    let working = tokio::spawn(async move { dumps.restore(id, restore_id, &never).await.unwrap() });
    eventually("the work waits", || async { waiting(&place).await == 1 }).await;
    let mut row = admin.begin().await.unwrap();
    let lock = "select from app.restores for update";
    sqlx::raw_sql(lock).execute(&mut *row).await.unwrap();
    documents.rollback().await.unwrap();
    // The work to count its document, and the renewal behind it.
    eventually("both wait for the restore", || async { waiting(&place).await == 2 }).await;
    row.rollback().await.unwrap();
    assert_eq!(working.await.unwrap(), JobOutcome::Done);
    let restore = tenant.get(&format!("/v1/restores/{restore}")).await.expect(200);
    assert_eq!(restore_state(&restore), ("completed", ""), "{restore}");
}

#[tokio::test]
async fn a_lease_that_can_not_be_renewed_for_a_moment_ends_nothing() {
    let place = place("directory", &[("PIDIMA_INGESTION_LEASE_MS", "4000")]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let dump = text(&place.dumped(&tenant, &library).await["dump"]["id"]);
    let restore = text(&bring_in(&tenant, &dump, "again").await.expect(202)["id"]);
    place
        .run(
            "create sequence app.renewals;
            create function app.fail_a_renewal() returns trigger language plpgsql
            security definer as $$
            begin
                if nextval('app.renewals') = 1 then
                    raise exception 'away for a moment';
                end if;
                return new;
            end
            $$;
            create trigger fail_a_renewal before update on app.restores
            for each row when (old.lease_token = new.lease_token)
            execute function app.fail_a_renewal()",
        )
        .await;
    let admin = place.app.database.admin();
    let mut documents = admin.begin().await.unwrap();
    let lock = "lock table app.documents in exclusive mode";
    sqlx::raw_sql(lock).execute(&mut *documents).await.unwrap();
    let (dumps, id) = (place.app.app.worker.dumps.clone(), tenant.id);
    let restore_id = restore.parse().unwrap();
    let never = CancellationToken::new();
    let working = tokio::spawn(async move { dumps.restore(id, restore_id, &never).await.unwrap() });
    eventually("the work waits", || async { waiting(&place).await == 1 }).await;
    eventually("the second renewal", || async {
        place.count("select last_value from app.renewals").await >= 2
    })
    .await;
    documents.rollback().await.unwrap();
    assert_eq!(working.await.unwrap(), JobOutcome::Done);
    let restore = tenant.get(&format!("/v1/restores/{restore}")).await.expect(200);
    assert_eq!(restore_state(&restore), ("completed", ""), "{restore}");
    assert_eq!(restore["counts"], json!({ "documents": 3, "restored": 3, "skipped": 0 }));
}

#[tokio::test]
async fn a_worker_that_was_taken_for_dead_brings_nothing_in() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let dump = text(&place.dumped(&tenant, &library).await["dump"]["id"]);
    let restore = text(&bring_in(&tenant, &dump, "again").await.expect(202)["id"]);
    let admin = place.app.database.admin();
    let mut documents = admin.begin().await.unwrap();
    let lock = "lock table app.documents in exclusive mode";
    sqlx::raw_sql(lock).execute(&mut *documents).await.unwrap();
    let (dumps, id) = (place.app.app.worker.dumps.clone(), tenant.id);
    let restore_id = restore.parse().unwrap();
    let never = CancellationToken::new();
    let working = tokio::spawn(async move { dumps.restore(id, restore_id, &never).await.unwrap() });
    eventually("the work waits", || async { waiting(&place).await == 1 }).await;
    // As by another worker, after the lease of the first was over.
    place
        .run(
            "update app.restores
            set lease_token = gen_random_uuid(), lease_expires_at = now() + interval '1 hour'",
        )
        .await;
    documents.rollback().await.unwrap();
    assert_eq!(working.await.unwrap(), JobOutcome::Done);
    const BROUGHT_IN: &str =
        "select count(*) from app.documents d join app.restores r using (tenant_id, collection_id)";
    assert_eq!(place.count(BROUGHT_IN).await, 0);
    let path = format!("/v1/restores/{restore}");
    let shown = tenant.get(&path).await.expect(200);
    assert_eq!((restore_state(&shown), &shown["counts"]["restored"]), (("running", ""), &json!(0)));
    place.run("update app.restores set lease_expires_at = now()").await;
    place.work().await;
    assert_eq!(restore_state(&tenant.get(&path).await.expect(200)), ("completed", ""));
    assert_eq!(place.count(BROUGHT_IN).await, 3);
}

#[tokio::test]
async fn a_worker_whose_files_were_removed_meanwhile_leaves_none() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let dump = ask(&tenant, &library).await;
    let admin = place.app.database.admin();
    let mut texts = admin.begin().await.unwrap();
    sqlx::raw_sql("lock table app.document_texts").execute(&mut *texts).await.unwrap();
    let (dumps, id) = (place.app.app.worker.dumps.clone(), tenant.id);
    let dump_id = dump.parse().unwrap();
    let never = CancellationToken::new();
    let working = tokio::spawn(async move { dumps.dump(id, dump_id, &never).await.unwrap() });
    eventually("the worker reads", || async { waiting(&place).await == 1 }).await;
    tenant.delete(&format!("/v1/dumps/{dump}")).await.expect(204);
    // As when it was taken for dead.
    place.run("update app.dump_files set keep_until = now()").await;
    assert_eq!(place.sweep().await, 1);
    texts.rollback().await.unwrap();
    assert_eq!(working.await.unwrap(), JobOutcome::Done);
    assert_eq!(place.count("select count(*) from app.dump_files").await, 1, "announced again");
    assert_eq!(place.sweep().await, 1);
    assert_eq!(place.count("select count(*) from app.dump_files").await, 0);
    assert_eq!(files(&place, &tenant), 0);
}

#[tokio::test]
async fn the_worker_does_all_of_it_by_itself() {
    for place in places(&[]).await {
        let tenant = place.app.tenant("acme").await;
        let library = library(&place, &tenant).await;
        place.app.start_worker();
        let id = ask(&tenant, &library).await;
        eventually("the dump is ready", || async { state(&show(&tenant, &id).await).0 == "ready" })
            .await;
        let restore = bring_in(&tenant, &id, "again").await.expect(202);
        let path = format!("/v1/restores/{}", text(&restore["id"]));
        eventually("the restore is completed", || async {
            tenant.get(&path).await.expect(200)["state"] == "completed"
        })
        .await;
        let told: Value = tenant.get("/v1/restores").await.expect(200);
        assert_eq!(
            told["items"][0]["counts"],
            json!({ "documents": 3, "restored": 3, "skipped": 0 })
        );
    }
}

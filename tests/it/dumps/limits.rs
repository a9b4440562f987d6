//! Every limit of dumps, at it, below and above.

use bytes::Bytes;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use pidima::knowledge::DumpSettings;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::downloads::{download, file};
use super::{
    Place, ask, asked, bring_in, collection, library, place, restore_state, show, state, text,
    upload,
};
use crate::api::problem;
use crate::support::TestTenant;

#[tokio::test]
async fn a_tenant_has_so_many_dumps_and_one_collection_one_that_is_not_over() {
    let place = place("directory", &[("PIDIMA_MAX_DUMPS", "2")]).await;
    let (tenant, other) = (place.app.tenant("acme").await, place.app.tenant("other").await);
    let (one, two) = (collection(&tenant, "one").await, collection(&tenant, "two").await);
    let first = ask(&tenant, &one).await;
    let refused = problem(&asked(&tenant, &one).await, 409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("already"), "{refused}");
    ask(&tenant, &two).await;
    place.work().await;
    let refused = problem(&asked(&tenant, &one).await, 409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("2 dumps"), "{refused}");
    ask(&other, &collection(&other, "one").await).await;
    tenant.delete(&format!("/v1/dumps/{first}")).await.expect(204);
    ask(&tenant, &one).await;
}

#[tokio::test]
async fn a_dump_that_failed_or_expired_takes_no_place_of_others() {
    let place = place("directory", &[("PIDIMA_MAX_DUMPS", "1")]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let failed = ask(&tenant, &library).await;
    place
        .run("update app.dumps set state = 'failed', failure_code = 'too_large', failure_detail = 'x'")
        .await;
    assert_eq!(state(&show(&tenant, &failed).await), ("failed", "too_large"));
    let ready = place.dumped(&tenant, &library).await;
    assert_eq!(state(&ready), ("ready", ""), "{ready}");
    problem(&asked(&tenant, &library).await, 409, "conflict");
    place.run("update app.dumps set expires_at = now() where state = 'ready'").await;
    ask(&tenant, &library).await;
}

#[tokio::test]
async fn a_dump_is_so_large_and_no_larger() {
    for (limit, end) in [("1024", ("failed", "too_large")), ("1000000", ("ready", ""))] {
        let place = place("directory", &[("PIDIMA_DUMP_MAX_BYTES", limit)]).await;
        let tenant = place.app.tenant("acme").await;
        let library = library(&place, &tenant).await;
        let dump = place.dumped(&tenant, &library).await;
        assert_eq!(state(&dump), end, "{limit}: {dump}");
        let size = dump["dump"]["size_bytes"].as_u64().unwrap();
        assert!(size <= limit.parse().unwrap(), "{size}");
        if end.0 == "failed" {
            assert!(text(&dump["dump"]["failure"]["detail"]).contains("1024"), "{dump}");
            assert_eq!(place.sweep().await, 1, "what was written of it goes");
            let folder = place.folder(&tenant);
            assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
        }
    }
}

/// A dump of a collection that a worker with other limits writes.
async fn dumped_within(
    place: &Place,
    tenant: &TestTenant,
    collection: &str,
    settings: DumpSettings,
) -> Value {
    let id = ask(tenant, collection).await;
    let dumps = place.app.app.worker.dumps.within(settings);
    let never = CancellationToken::new();
    dumps.dump(tenant.id, id.parse().unwrap(), &never).await.unwrap();
    show(tenant, &id).await
}

#[tokio::test]
async fn a_dump_has_as_many_bytes_as_it_may_and_not_one_more() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let whole = place.dumped(&tenant, &library).await;
    let size = whole["dump"]["size_bytes"].as_u64().unwrap();
    for (limit, end) in
        [(size - 1, ("failed", "too_large")), (size, ("ready", "")), (size + 1, ("ready", ""))]
    {
        let settings = place.app.app.worker.dumps.settings().clone();
        let settings = DumpSettings { max_bytes: limit, ..settings };
        let dump = dumped_within(&place, &tenant, &library, settings).await;
        assert_eq!(state(&dump), end, "{size}: {limit}: {dump}");
        if end.0 == "ready" {
            assert_eq!(dump["dump"]["size_bytes"], size, "{limit}");
        }
    }
}

/// How many rows each group of a file has.
async fn groups(tenant: &TestTenant, dump: &Value, name: &str) -> Vec<i64> {
    let bytes = download(tenant, file(dump, name)).await;
    let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
    reader.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect()
}

#[tokio::test]
async fn a_group_has_as_many_rows_and_bytes_as_it_may() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let whole = place.dumped(&tenant, &library).await;
    let rows = file(&whole, "chunks.parquet")["rows"].as_i64().unwrap();
    assert_eq!(groups(&tenant, &whole, "chunks.parquet").await, [rows]);
    let settings = place.app.app.worker.dumps.settings().clone();
    for (most, expected) in
        [(rows - 1, vec![rows - 1, 1]), (rows, vec![rows]), (rows + 1, vec![rows])]
    {
        let group_rows = usize::try_from(most).unwrap();
        let settings = DumpSettings { group_rows, ..settings.clone() };
        let dump = dumped_within(&place, &tenant, &library, settings).await;
        assert_eq!(groups(&tenant, &dump, "chunks.parquet").await, expected, "{most}");
    }
    // One row has more bytes, so that each ends its group.
    let settings = DumpSettings { group_bytes: 1, ..settings };
    let dump = dumped_within(&place, &tenant, &library, settings).await;
    for name in ["documents.parquet", "chunks.parquet", "embeddings.parquet"] {
        let rows = usize::try_from(file(&dump, name)["rows"].as_u64().unwrap()).unwrap();
        assert_eq!(groups(&tenant, &dump, name).await, vec![1; rows], "{name}");
    }
}

#[tokio::test]
async fn a_dump_expires_and_not_before_its_time() {
    let place = place("directory", &[("PIDIMA_DUMP_LIFETIME_MS", "3600000")]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let id = text(&place.dumped(&tenant, &library).await["dump"]["id"]);
    let left = place
        .count("select extract(epoch from expires_at - finished_at)::bigint from app.dumps")
        .await;
    assert_eq!(left, 3_600);
    assert_eq!(place.sweep().await, 0);
    place.run("update app.dumps set expires_at = now()").await;
    let path = format!("/v1/dumps/{id}");
    problem(&tenant.get(&path).await, 404, "not_found");
    problem(&tenant.delete(&path).await, 404, "not_found");
    problem(&bring_in(&tenant, &id, "late").await, 404, "not_found");
    let listed = tenant.get(&format!("/v1/collections/{library}/dumps")).await.expect(200);
    assert_eq!(listed["items"], json!([]));
    place.run("update app.dump_files set keep_until = now()").await;
    assert_eq!(place.sweep().await, 2, "the dump, and its files");
    assert_eq!(place.count("select count(*) from app.dumps").await, 0);
    assert_eq!(place.count("select count(*) from app.dump_files").await, 0);
}

#[tokio::test]
async fn a_dump_that_is_being_brought_in_stays_until_that_is_over() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let id = text(&place.dumped(&tenant, &library).await["dump"]["id"]);
    let restore = bring_in(&tenant, &id, "again").await.expect(202);
    let path = format!("/v1/dumps/{id}");
    problem(&tenant.delete(&path).await, 409, "conflict");
    place.run("update app.dumps set expires_at = now()").await;
    assert_eq!(place.sweep().await, 0);
    // For the restore alone: to everybody else it is over.
    problem(&tenant.get(&path).await, 404, "not_found");
    problem(&tenant.get(&format!("{path}/files/chunks.parquet")).await, 404, "not_found");
    problem(&tenant.delete(&path).await, 404, "not_found");
    problem(&bring_in(&tenant, &id, "once more").await, 404, "not_found");
    let listed = tenant.get(&format!("/v1/collections/{library}/dumps")).await.expect(200);
    assert_eq!(listed["items"], json!([]));
    place.work().await;
    let path = format!("/v1/restores/{}", text(&restore["id"]));
    let restore = tenant.get(&path).await.expect(200);
    assert_eq!(restore_state(&restore), ("completed", ""), "{restore}");
    assert!(place.sweep().await >= 1);
    assert_eq!(place.count("select count(*) from app.dumps").await, 0);
}

#[tokio::test]
async fn so_many_restores_of_a_tenant_go_on_at_once() {
    let place = place("directory", &[("PIDIMA_DUMP_MAX_RESTORES", "2")]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let id = text(&place.dumped(&tenant, &library).await["dump"]["id"]);
    bring_in(&tenant, &id, "one").await.expect(202);
    bring_in(&tenant, &id, "two").await.expect(202);
    let refused = problem(&bring_in(&tenant, &id, "three").await, 409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("2 restores"), "{refused}");
    place.work().await;
    bring_in(&tenant, &id, "three").await.expect(202);
}

#[tokio::test]
async fn so_many_dumps_are_worked_on_at_once() {
    let place = place("directory", &[("PIDIMA_DUMP_CONCURRENCY", "2")]).await;
    let dumps = &place.app.app.worker.dumps;
    let (one, two) = (dumps.place(), dumps.place());
    assert!(one.is_some() && two.is_some() && dumps.place().is_none());
    // A message that finds no place waits in the line, and is no attempt.
    let tenant = place.app.tenant("acme").await;
    let id = ask(&tenant, &collection(&tenant, "one").await).await;
    place.work().await;
    assert_eq!(state(&show(&tenant, &id).await), ("queued", ""));
    assert_eq!(
        place.count("select max(attempts)::bigint from app.dumps where state = 'queued'").await,
        0
    );
    drop(one);
    place.work().await;
    assert_eq!(state(&show(&tenant, &id).await), ("ready", ""));
}

#[tokio::test]
async fn a_dump_is_tried_so_often_and_then_given_up() {
    for (limit, tries) in [("1", 1), ("3", 3)] {
        let place = place("directory", &[("PIDIMA_DUMP_MAX_ATTEMPTS", limit)]).await;
        let tenant = place.app.tenant("acme").await;
        let library = library(&place, &tenant).await;
        let ready = text(&place.dumped(&tenant, &library).await["dump"]["id"]);
        // A file where the folder of dumps is: nothing can be written or read.
        let folder = place.folder(&tenant);
        let aside = folder.with_extension("aside");
        std::fs::rename(&folder, &aside).unwrap();
        std::fs::write(&folder, "").unwrap();
        let id = ask(&tenant, &library).await;
        let restore = bring_in(&tenant, &ready, "again").await.expect(202);
        let restore_id: Uuid = text(&restore["id"]).parse().unwrap();
        let restore = format!("/v1/restores/{restore_id}");
        let (dumps, never) = (&place.app.app.worker.dumps, CancellationToken::new());
        for left in (0..tries).rev() {
            dumps.dump(tenant.id, id.parse().unwrap(), &never).await.unwrap();
            dumps.restore(tenant.id, restore_id, &never).await.unwrap();
            let dump = show(&tenant, &id).await;
            let restore = tenant.get(&restore).await.expect(200);
            if left > 0 {
                assert_eq!(state(&dump), ("queued", ""), "{limit}: {left}");
                assert_eq!(restore_state(&restore), ("queued", ""), "{limit}: {left}");
            } else {
                let failed = ("failed", "object_store_unavailable");
                assert_eq!((state(&dump), restore_state(&restore)), (failed, failed), "{limit}");
            }
        }
        std::fs::remove_file(&folder).unwrap();
        std::fs::rename(&aside, &folder).unwrap();
        assert_eq!(state(&place.dumped(&tenant, &library).await), ("ready", ""));
    }
}

#[tokio::test]
async fn an_address_is_good_for_so_long() {
    for place in super::places(&[("PIDIMA_DUMP_URL_LIFETIME_MS", "90000")]).await {
        let tenant = place.app.tenant("acme").await;
        let collection = collection(&tenant, "one").await;
        upload(&tenant, &collection, "a.md", "# A\n\nThe pump.").await;
        place.work().await;
        let dump = place.dumped(&tenant, &collection).await;
        let file = file(&dump, "chunks.parquet");
        if place.name == "directory" {
            assert!(file.get("expires_at").is_none(), "{file}");
            continue;
        }
        let until: chrono::DateTime<chrono::Utc> = text(&file["expires_at"]).parse().unwrap();
        let left = (until - chrono::Utc::now()).num_seconds();
        assert!((60..=90).contains(&left), "{left}");
        assert!(text(&file["url"]).contains("X-Amz-Expires=90"), "{file}");
    }
}

#[tokio::test]
async fn a_name_that_is_in_use_and_one_that_is_none_are_refused() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let id = ask(&tenant, &library).await;
    let refused = problem(&bring_in(&tenant, &id, "early").await, 409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("queued"), "{refused}");
    place.work().await;
    problem(&bring_in(&tenant, &id, "library").await, 409, "conflict");
    for name in ["", " \u{1}", &"x".repeat(101)] {
        problem(&bring_in(&tenant, &id, name).await, 422, "validation_failed");
    }
    bring_in(&tenant, &id, &"x".repeat(100)).await.expect(202);
    assert_eq!(place.count("select count(*) from app.restores").await, 1);
}

//! Pages, filters and exports of the log.

use pidima::db::audit::{AuditActor, AuditEntry};
use serde_json::{Value, json};

use crate::api::problem;
use crate::support::{TestApp, TestTenant, eventually};

/// Adds entries to the log of a tenant.
async fn fill(app: &TestApp, tenant: &TestTenant, entries: usize) {
    let mut tx = app.app.services.db.tenant(tenant.id).await.unwrap();
    for number in 0..entries {
        let entry = AuditEntry::new(AuditActor::system("filler"), "thing.made");
        tx.append_audit(entry.on("thing", number).after(json!({ "text": "=1+1, \"quoted\"" })))
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
}

async fn items(tenant: &TestTenant, query: &str) -> Vec<Value> {
    let list = tenant.get(&format!("/v1/audit_events?{query}")).await.expect(200);
    list["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_one_another_without_gaps_while_entries_are_added() {
    let app = TestApp::start().await;
    let tenant = app.tenant("pages").await;
    fill(&app, &tenant, 25).await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let list = tenant.get(&format!("/v1/audit_events?limit=10{cursor}")).await.expect(200);
        let numbers =
            list["items"].as_array().unwrap().iter().map(|it| it["sequence"].as_i64().unwrap());
        seen.extend(numbers);
        fill(&app, &tenant, 1).await;
        match list["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let highest = seen[0];
    let all: Vec<i64> = (1..=highest).rev().collect();
    assert_eq!(seen, all);
    problem(&tenant.get("/v1/audit_events?cursor=abc").await, 400, "invalid_cursor");
    let other = app.tenant("pages-other").await;
    fill(&app, &other, 12).await;
    let list = other.get("/v1/audit_events?limit=10").await.expect(200);
    let foreign = list["next_cursor"].as_str().unwrap();
    let path = format!("/v1/audit_events?cursor={foreign}");
    problem(&tenant.get(&path).await, 400, "invalid_cursor");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_leaves_what_it_says() {
    let app = TestApp::start().await;
    let tenant = app.tenant("filters").await;
    fill(&app, &tenant, 3).await;
    let collection = tenant.post("/v1/collections", &json!({ "name": "c" })).await.expect(201);
    let id = collection["id"].as_str().unwrap();
    assert_eq!(items(&tenant, "action=thing.made").await.len(), 3);
    assert_eq!(items(&tenant, "target_kind=thing&target_id=1").await.len(), 1);
    let of_collection = items(&tenant, &format!("target_id={id}")).await;
    assert_eq!(of_collection.len(), 1);
    let actor = of_collection[0]["actor"]["id"].as_str().unwrap();
    let by_actor = items(&tenant, &format!("actor_id={actor}")).await;
    assert!(by_actor.iter().all(|entry| entry["actor"]["id"] == actor) && !by_actor.is_empty());
    let at = of_collection[0]["occurred_at"].as_str().unwrap().replace('+', "%2B");
    let since = items(&tenant, &format!("since={at}")).await;
    assert!(since.iter().any(|entry| entry["target"]["id"] == id), "since includes its moment");
    assert!(since.iter().all(|entry| entry["action"] != "thing.made"));
    let until = items(&tenant, &format!("until={at}")).await;
    assert!(until.iter().all(|entry| entry["target"]["id"] != id), "until leaves its moment out");
    assert!(until.iter().any(|entry| entry["action"] == "thing.made"));
    assert_eq!(items(&tenant, "action=no.such").await, Vec::<Value>::new());
    for bad in
        ["action=%00", "target_id=a%00b", "actor_id=x", "since=yesterday", "limit=0", "limit=101"]
    {
        let reply = tenant.get(&format!("/v1/audit_events?{bad}")).await;
        assert!([400, 422].contains(&reply.status.as_u16()), "{bad}: {}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_every_entry_in_both_forms_and_stands_in_the_log() {
    let app = TestApp::start().await;
    let tenant = app.tenant("exports").await;
    // Below, at and above a batch.
    for (more, made) in [(499, 499), (1, 500), (1, 501), (600, 1_101)] {
        fill(&app, &tenant, more).await;
        let reply = tenant.get("/v1/audit_events/export?action=thing.made").await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.headers["content-type"], "application/x-ndjson");
        let text = reply.text();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), made);
        let numbers: Vec<i64> =
            lines.iter().map(|line| line["sequence"].as_i64().unwrap()).collect();
        assert!(numbers.is_sorted_by(|left, right| left > right));
        assert_eq!(lines[0], items(&tenant, "action=thing.made&limit=1").await[0]);
        let reply = tenant.get("/v1/audit_events/export?format=csv&action=thing.made").await;
        assert_eq!(reply.headers["content-type"], "text/csv");
        let disposition = reply.headers["content-disposition"].to_str().unwrap();
        assert_eq!(disposition, "attachment; filename=\"audit_events.csv\"");
        assert_eq!(reply.text().lines().count(), made + 1);
        assert!(reply.text().starts_with("sequence,occurred_at,"));
        assert!(reply.text().contains("\"{\"\"text\"\":\"\"=1+1, "), "{}", &reply.text()[..400]);
    }
    let exports = items(&tenant, "action=audit_events.exported").await;
    assert_eq!(exports.len(), 8);
    assert_eq!(exports[0]["after"]["format"], "csv");
    problem(&tenant.get("/v1/audit_events/export?format=xml").await, 422, "validation_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_nobody_reads_holds_no_connection() {
    let app = TestApp::start_with(
        &[("PIDIMA_DATABASE_POOL_SIZE", "2")],
        std::sync::Arc::new(pidima::adapters::models::ExtractiveModel),
    )
    .await;
    let tenant = app.tenant("slow").await;
    // More than the buffers of a socket hold.
    for _ in 0..20 {
        fill(&app, &tenant, 1_000).await;
    }
    let request = tenant.request(reqwest::Method::GET, "/v1/audit_events/export");
    let mut response = request.send().await.unwrap();
    assert!(response.chunk().await.unwrap().is_some());
    // One of the two connections is taken: with the other one everybody works on while the export waits.
    let taken = app.app.services.db.system().await.unwrap();
    for _ in 0..5 {
        tenant.get("/v1/collections").await.expect(200);
    }
    drop(taken);
    let mut bytes = 0;
    while let Some(chunk) = response.chunk().await.unwrap() {
        bytes += chunk.len();
    }
    println!("{bytes} bytes exported after the wait");
    assert!(bytes > 1_000_000, "{bytes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_breaks_off_when_its_key_is_revoked() {
    let app = TestApp::start().await;
    let tenant = app.tenant("revoked-export").await;
    // More than the buffers of a socket hold, without waiting for as many digests.
    let rows = "insert into app.audit_events (tenant_id, sequence, occurred_at, actor_kind, actor_name, action,
            after, previous_sha256, sha256)
        select $1, n, now(), 'system', 'filler', 'thing.made',
            jsonb_build_object('text', repeat('x', 400)), sha256('a'), sha256('b')
        from generate_series(1, 40000) n";
    let admin = app.database.admin();
    sqlx::query(rows).bind(tenant.id.uuid()).execute(&admin).await.unwrap();
    let heads =
        "insert into app.audit_heads (tenant_id, sequence, sha256) values ($1, 40000, sha256('b'))
        on conflict (tenant_id) do update set sequence = excluded.sequence";
    sqlx::query(heads).bind(tenant.id.uuid()).execute(&admin).await.unwrap();
    let reader = tenant.with_role("admin").await;
    let whole = reader.get("/v1/audit_events/export?action=thing.made").await;
    assert_eq!(whole.text().lines().count(), 40_000);

    let request = reader.request(reqwest::Method::GET, "/v1/audit_events/export?action=thing.made");
    let mut response = request.send().await.unwrap();
    assert!(response.chunk().await.unwrap().is_some());
    let id = reader.get("/v1/me").await.expect(200)["id"].as_str().unwrap().to_owned();
    tenant.delete(&format!("/v1/api_keys/{id}")).await.expect(204);
    eventually("the key is refused", || async { reader.get("/v1/me").await.status == 401 }).await;
    let mut bytes = 0;
    let broken = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes += chunk.len(),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    println!("{bytes} of {} bytes came after the revocation", whole.bytes.len());
    assert!(broken && bytes < whole.bytes.len() * 9 / 10, "{bytes} of {}", whole.bytes.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_for_ids_of_another_tenant_is_like_one_for_ids_of_nobody() {
    let app = TestApp::start().await;
    let (own, other) = (app.tenant("export-own").await, app.tenant("export-other").await);
    let theirs = other.post("/v1/collections", &json!({ "name": "c" })).await.expect(201);
    let noted = &items(&other, "action=collection.created").await[0];
    let nobody = uuid::Uuid::now_v7();
    for (name, id) in [("target_id", &theirs["id"]), ("actor_id", &noted["actor"]["id"])] {
        let id = id.as_str().unwrap();
        let foreign = own.get(&format!("/v1/audit_events/export?{name}={id}")).await;
        let absent = own.get(&format!("/v1/audit_events/export?{name}={nobody}")).await;
        assert_eq!((foreign.status.as_u16(), foreign.text()), (200, String::new()));
        assert_eq!(absent.text(), foreign.text());
        let found = other.get(&format!("/v1/audit_events/export?{name}={id}")).await;
        assert!(!found.bytes.is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_outside_the_years_1_to_9999_are_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant("years").await;
    for (time, status) in [
        ("-5000-01-01T00:00:00Z", 422),
        ("0000-12-31T23:59:59Z", 422),
        ("0001-01-01T00:00:00Z", 200),
        ("9999-12-31T23:59:59Z", 200),
        ("%2B10000-01-01T00:00:00Z", 422),
    ] {
        for query in ["?since=", "?until=", "/export?since=", "/export?until="] {
            let reply = tenant.get(&format!("/v1/audit_events{query}{time}")).await;
            assert_eq!(reply.status, status, "{query}{time}: {}", reply.text());
        }
    }
}

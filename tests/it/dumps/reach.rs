//! Who may dump what, and who sees what is brought in.

use pidima::kernel::ids::attachments_of;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{asked, bring_in, collection, library, place, restore_state, rows, text, upload};
use crate::api::problem;
use crate::attachments::{VALVE, open, send};
use crate::support::TestTenant;

async fn key(tenant: &TestTenant, body: Value) -> TestTenant {
    let made = tenant.post("/v1/api_keys", &body).await.expect(201);
    tenant.with_key(made["secret"].as_str().unwrap())
}

/// What is told of a dump, a file of it and a restore, without what differs from request to request.
async fn told(stranger: &TestTenant, dump: &str, restore: &str) -> Vec<String> {
    let mut told = Vec::new();
    for reply in [
        stranger.get(&format!("/v1/dumps/{dump}")).await,
        stranger.get(&format!("/v1/dumps/{dump}/files/chunks.parquet")).await,
        stranger.delete(&format!("/v1/dumps/{dump}")).await,
        stranger.get(&format!("/v1/restores/{restore}")).await,
    ] {
        let mut problem = problem(&reply, 404, "not_found");
        problem["request_id"] = Value::Null;
        told.push(problem.to_string());
    }
    told
}

#[tokio::test]
async fn another_tenants_dump_and_one_out_of_reach_are_none() {
    let place = place("directory", &[]).await;
    let (tenant, other) = (place.app.tenant("acme").await, place.app.tenant("other").await);
    let library = library(&place, &tenant).await;
    let elsewhere = collection(&tenant, "elsewhere").await;
    let dump = text(&place.dumped(&tenant, &library).await["dump"]["id"]);
    let restore = text(&place.restored(&tenant, &dump, "again").await["id"]);
    let limited = json!({ "name": "limited", "role": "editor", "collection_ids": [elsewhere] });
    let limited = key(&tenant, limited).await;
    let (nobodys, none) = (Uuid::now_v7().to_string(), Uuid::now_v7().to_string());
    for stranger in [&other, &limited] {
        assert_eq!(told(stranger, &dump, &restore).await, told(stranger, &nobodys, &none).await);
        problem(&asked(stranger, &library).await, 404, "not_found");
        let listed = stranger.get(&format!("/v1/collections/{library}/dumps")).await;
        problem(&listed, 404, "not_found");
        let restores = stranger.get("/v1/restores").await.expect(200);
        assert_eq!(restores["items"], json!([]));
    }
    problem(&bring_in(&other, &dump, "mine").await, 404, "not_found");
    asked(&limited, &elsewhere).await.expect(202);
}

#[tokio::test]
async fn who_may_only_write_reads_no_dump_and_who_may_only_read_makes_none() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let narrowed = |scope: &str| json!({ "name": scope, "role": "editor", "scopes": [scope] });
    let writer = key(&tenant, narrowed("documents:write")).await;
    let reader = key(&tenant, narrowed("documents:read")).await;
    let dump = text(&asked(&writer, &library).await.expect(202)["id"]);
    place.work().await;
    let restore = text(&bring_in(&writer, &dump, "again").await.expect(202)["id"]);
    for path in [
        format!("/v1/collections/{library}/dumps"),
        format!("/v1/dumps/{dump}"),
        format!("/v1/dumps/{dump}/files/documents.parquet"),
        "/v1/restores".to_owned(),
        format!("/v1/restores/{restore}"),
    ] {
        let refused = problem(&writer.get(&path).await, 403, "forbidden");
        assert!(refused["detail"].as_str().unwrap().contains("documents:read"), "{refused}");
        assert_eq!(reader.get(&path).await.status, 200, "{path}");
    }
    problem(&asked(&reader, &library).await, 403, "forbidden");
    problem(&bring_in(&reader, &dump, "mine").await, 403, "forbidden");
    problem(&reader.delete(&format!("/v1/dumps/{dump}")).await, 403, "forbidden");
}

#[tokio::test]
async fn a_credential_for_certain_collections_makes_no_new_one() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let limited = json!({ "name": "limited", "role": "editor", "collection_ids": [library] });
    let limited = key(&tenant, limited).await;
    let dump = text(&asked(&limited, &library).await.expect(202)["id"]);
    place.work().await;
    limited.get(&format!("/v1/dumps/{dump}")).await.expect(200);
    problem(&bring_in(&limited, &dump, "new").await, 403, "forbidden");
    assert_eq!(place.count("select count(*) from app.restores").await, 0);
}

#[tokio::test]
async fn what_is_brought_in_is_limited_to_the_groups_of_what_was_dumped() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let group = tenant.post("/v1/groups", &json!({ "name": "chemists" })).await.expect(201);
    let body = json!({ "name": "secret", "group_ids": [group["id"]] });
    let secret = text(&tenant.post("/v1/collections", &body).await.expect(201)["id"]);
    upload(&tenant, &secret, "a.md", "# A\n\nThe zanzibarite pump.").await;
    place.work().await;
    let dump = text(&place.dumped(&tenant, &secret).await["dump"]["id"]);
    let restore = place.restored(&tenant, &dump, "again").await;
    assert_eq!(restore_state(&restore), ("completed", ""));
    let copy = text(&restore["collection_id"]);
    let shown = tenant.get(&format!("/v1/collections/{copy}")).await.expect(200);
    assert_eq!(shown["group_ids"], json!([group["id"]]));
    let person = tenant.as_member("editor").await;
    problem(&person.get(&format!("/v1/collections/{copy}")).await, 404, "not_found");
    problem(&person.get(&format!("/v1/dumps/{dump}")).await, 404, "not_found");
    let found = person.post("/v1/search", &json!({ "query": "zanzibarite pump" })).await;
    assert!(!found.expect(200).to_string().contains("zanzibarite pump."));
}

#[tokio::test]
async fn what_is_attached_to_a_session_is_in_no_dump() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let session = open(&tenant, &json!({})).await;
    let sent = send(&tenant, &session, "valve.md", VALVE.as_bytes()).await;
    assert!(sent.status.is_success(), "{}", sent.text());
    place.work().await;
    let hidden = attachments_of(session.parse().unwrap()).to_string();
    problem(&asked(&tenant, &hidden).await, 404, "not_found");
    let listed = tenant.get(&format!("/v1/collections/{hidden}/dumps")).await;
    problem(&listed, 404, "not_found");
    // Nor is there a row that a worker could take.
    let made = sqlx::query(
        "insert into app.dumps (tenant_id, dump_id, collection_id, created_by, expires_at)
        select tenant_id, gen_random_uuid(), collection_id, tenant_id, now() + interval '1 hour'
        from app.collections
        where name is null",
    )
    .execute(&place.app.database.admin())
    .await;
    let refused = made.expect_err("a dump of attachments").to_string();
    assert!(refused.contains("dumps_collection_id_check"), "{refused}");
    let dump = place.dumped(&tenant, &library).await;
    assert_eq!(dump["dump"]["counts"]["documents"], 3, "{dump}");
    for file in ["documents.parquet", "chunks.parquet"] {
        let told = format!("{:?}", rows(&tenant, &dump, file).await);
        assert!(told.contains("pump") && !told.contains("quibblefax"), "{file}: {told}");
    }
}

#[tokio::test]
async fn what_is_asked_for_is_noted() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let dump = text(&place.dumped(&tenant, &library).await["dump"]["id"]);
    let restore = place.restored(&tenant, &dump, "again").await;
    tenant.delete(&format!("/v1/dumps/{dump}")).await.expect(204);
    for action in ["dump.created", "dump.restored", "dump.deleted"] {
        let page = tenant.get(&format!("/v1/audit_events?action={action}")).await.expect(200);
        let [entry] = &page["items"].as_array().unwrap()[..] else { panic!("{action}: {page}") };
        assert_eq!(entry["target"]["id"], *dump, "{action}");
        if action == "dump.restored" {
            assert_eq!(entry["after"]["collection_id"], restore["collection_id"]);
        }
    }
}

#[tokio::test]
async fn nobody_brings_a_dump_in_while_uploads_are_switched_off() {
    let place = place("directory", &[]).await;
    let tenant = place.app.tenant("acme").await;
    let library = library(&place, &tenant).await;
    let dump = text(&place.dumped(&tenant, &library).await["dump"]["id"]);
    place
        .run("insert into app.tenant_flags (tenant_id, flag, is_on) select tenant_id, 'uploads', false from app.tenants")
        .await;
    problem(&bring_in(&tenant, &dump, "again").await, 503, "unavailable");
    asked(&tenant, &library).await.expect(202);
}

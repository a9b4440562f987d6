//! Quotas are set, changed and taken away by those who may, and what makes no sense is refused.

use std::sync::Arc;

use pidima::adapters::models::ExtractiveModel;
use serde_json::{Value, json};
use uuid::Uuid;

use super::limit;
use crate::api::{contents, problem};
use crate::support::{TestApp, TestTenant};

fn path(quota: &Value) -> String {
    format!("/v1/quotas/{}", quota["id"].as_str().unwrap())
}

async fn actions(app: &TestApp, tenant: &TestTenant) -> Vec<String> {
    let query = "select action from app.audit_events where tenant_id = $1 order by sequence";
    sqlx::query_scalar(query).bind(tenant.id.uuid()).fetch_all(&app.database.admin()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_set_read_changed_and_deleted_and_each_stands_in_the_log() {
    let app = TestApp::start().await;
    let owner = app.tenant("manage").await;
    let quota = limit(&owner, "tenant", None, "tokens", 10).await;
    assert_eq!(owner.get(&path(&quota)).await.expect(200), quota);
    assert!(quota.get("subject_id").is_none() && quota.get("soft_limit").is_none(), "{quota}");
    assert_eq!(quota["set_by"], "tenant");
    let changed = owner.patch(&path(&quota), &json!({ "soft_limit": 8 })).await.expect(200);
    assert_eq!((&changed["soft_limit"], &changed["hard_limit"]), (&json!(8), &json!(10)));
    let changed = owner.patch(&path(&quota), &json!({ "hard_limit": null })).await.expect(200);
    assert!(changed.get("hard_limit").is_none(), "{changed}");
    owner.patch(&path(&quota), &json!({})).await.expect(200);
    assert_eq!(owner.get("/v1/quotas").await.expect(200)["items"], json!([changed]));
    owner.delete(&path(&quota)).await.expect(204);
    problem(&owner.get(&path(&quota)).await, 404, "not_found");
    assert_eq!(owner.get("/v1/quotas").await.expect(200)["items"], json!([]));
    let wanted = ["quota.created", "quota.changed", "quota.changed", "quota.deleted"];
    assert_eq!(actions(&app, &owner).await, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let owner = app.tenant("senseless").await;
    let taken = limit(&owner, "tenant", None, "questions", 10).await;
    let before = contents(&app).await;
    let day = |more: Value| {
        let mut quota = json!({ "subject": "tenant", "measure": "tokens", "period": "day" });
        for (key, value) in more.as_object().unwrap() {
            quota[key] = value.clone();
        }
        quota
    };
    for (quota, pointer) in [
        (day(json!({})), "/hard_limit"),
        (day(json!({ "soft_limit": 2, "hard_limit": 1 })), "/soft_limit"),
        (day(json!({ "measure": "concurrent_runs", "hard_limit": 1 })), "/period"),
        (json!({ "subject": "tenant", "measure": "tokens", "hard_limit": 1 }), "/period"),
        (day(json!({ "subject_id": Uuid::now_v7(), "hard_limit": 1 })), "/subject_id"),
        (day(json!({ "hard_limit": -1 })), "/hard_limit"),
        (day(json!({ "soft_limit": 1_000_000_000_000_001_i64 })), "/soft_limit"),
    ] {
        let refused = problem(&owner.post("/v1/quotas", &quota).await, 422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{quota}: {refused}");
    }
    owner
        .post("/v1/quotas", &day(json!({ "hard_limit": 1_000_000_000_000_000_i64 })))
        .await
        .expect(201);
    let largest = owner.get("/v1/quotas").await.expect(200)["items"][1].clone();
    owner.delete(&path(&largest)).await.expect(204);
    let same =
        json!({ "subject": "tenant", "measure": "questions", "period": "day", "hard_limit": 5 });
    problem(&owner.post("/v1/quotas", &same).await, 409, "conflict");
    for change in [json!({ "hard_limit": null }), json!({ "soft_limit": 11 })] {
        problem(&owner.patch(&path(&taken), &change).await, 422, "validation_failed");
    }
    let after = contents(&app).await;
    assert_eq!(before["quotas"], after["quotas"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_of_another_tenant_is_none() {
    let app = TestApp::start().await;
    let (owner, other) = (app.tenant("mine").await, app.tenant("theirs").await);
    let person = other.as_member("member").await.member_id.unwrap();
    let key = other.get("/v1/me").await.expect(200)["id"].clone();
    let mut refusals = Vec::new();
    for (subject, id) in [
        ("person", json!(person)),
        ("key", key),
        ("assistant", json!(Uuid::now_v7())),
        ("person", json!(Uuid::now_v7())),
        ("key", json!(Uuid::now_v7())),
    ] {
        let quota = json!({ "subject": subject, "subject_id": id, "measure": "questions", "period": "day", "hard_limit": 1 });
        let refused = problem(&owner.post("/v1/quotas", &quota).await, 404, "not_found");
        refusals.push((subject, refused["detail"].clone()));
    }
    assert_eq!(refusals[0], refusals[3]);
    assert_eq!(refusals[1], refusals[4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_no_more_quotas_than_the_setting_says() {
    let app = TestApp::start_with(&[("PIDIMA_MAX_QUOTAS", "3")], Arc::new(ExtractiveModel)).await;
    let owner = app.tenant("most").await;
    for measure in ["questions", "tokens"] {
        limit(&owner, "tenant", None, measure, 10).await;
    }
    let body = |subject| json!({ "subject": subject, "measure": "questions", "period": "day", "hard_limit": 1 });
    let (key, person) = (body("key"), body("person"));
    // Two at once for the last place: one gets it.
    let (left, right) =
        tokio::join!(owner.post("/v1/quotas", &key), owner.post("/v1/quotas", &person));
    let mut statuses = [left.status.as_u16(), right.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let made = if left.status == 201 { left.json() } else { right.json() };
    owner.delete(&path(&made)).await.expect(204);
    owner.post("/v1/quotas", &key).await.expect(201);
}

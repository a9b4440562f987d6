//! Ceilings that the operator sets: the tenant sees them, and cannot change or pass them.

use pidima::governance::Charged;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Asker, limit};
use crate::api::problem;
use crate::platform::TestOperator;
use crate::support::{TestApp, TestTenant};

fn path(tenant: &TestTenant) -> String {
    format!("/v1/platform/tenants/{}/quotas", tenant.id)
}

fn ceiling(hard: i64) -> Value {
    json!({ "measure": "questions", "period": "day", "hard_limit": hard })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lower_of_ceiling_and_quota_holds() {
    let app = TestApp::start().await;
    let (owner, other) = (app.tenant("capped").await, app.tenant("free").await);
    let operator = TestOperator::of(&app, &owner).await;
    let asker = Asker::new(&app.app.services.db, &owner, Charged::default());
    assert!(asker.ask(0, 0).await, "counts, as it was asked today");
    operator.put(&path(&owner), &json!({ "ceilings": [ceiling(2)] })).await.expect(200);
    let own = limit(&owner, "tenant", None, "questions", 100).await;
    assert!(asker.ask(0, 0).await);
    assert!(!asker.ask(0, 0).await, "2 of 2");
    let elsewhere = Asker::new(&app.app.services.db, &other, Charged::default());
    assert!(elsewhere.ask(0, 0).await);

    operator.put(&path(&owner), &json!({ "ceilings": [ceiling(50)] })).await.expect(200);
    assert!(asker.ask(0, 0).await, "raised");
    let change = json!({ "hard_limit": 3 });
    owner.patch(&format!("/v1/quotas/{}", own["id"].as_str().unwrap()), &change).await.expect(200);
    assert!(!asker.ask(0, 0).await, "the tenant's own quota is lower now");
    operator.put(&path(&owner), &json!({ "ceilings": [] })).await.expect(200);
    assert_eq!(operator.get(&path(&owner)).await.expect(200)["items"], json!([]));
    assert!(!asker.ask(0, 0).await, "the tenant's own quota stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tenant_sees_a_ceiling_and_can_not_change_it() {
    let app = TestApp::start().await;
    let owner = app.tenant("seen").await;
    let operator = TestOperator::of(&app, &owner).await;
    let set =
        json!({ "ceilings": [ceiling(5), { "measure": "concurrent_runs", "soft_limit": 2 }] });
    let listed = operator.put(&path(&owner), &set).await.expect(200);
    assert_eq!(operator.get(&path(&owner)).await.expect(200), listed);
    let seen = owner.get("/v1/quotas").await.expect(200);
    assert_eq!(seen["items"], listed["items"]);
    let id = seen["items"][0]["id"].as_str().unwrap();
    let quota = format!("/v1/quotas/{id}");
    problem(&owner.patch(&quota, &json!({ "hard_limit": 500 })).await, 403, "forbidden");
    problem(&owner.delete(&quota).await, 403, "forbidden");
    assert_eq!(owner.get("/v1/quotas").await.expect(200), seen);
    // Quotas of the tenant's own are none of the operator's business.
    limit(&owner, "key", None, "tokens", 7).await;
    assert_eq!(operator.get(&path(&owner)).await.expect(200), listed);
    let log = owner.get("/v1/audit_events?action=tenant.ceilings_set").await.expect(200);
    assert_eq!(log["items"][0]["actor"]["kind"], "operator");
}

#[tokio::test(flavor = "multi_thread")]
async fn ceilings_that_make_no_sense_are_refused() {
    let app = TestApp::start().await;
    let owner = app.tenant("odd").await;
    let operator = TestOperator::of(&app, &owner).await;
    for set in [
        json!({ "ceilings": [ceiling(5), ceiling(6)] }),
        json!({ "ceilings": [{ "measure": "questions", "period": "day" }] }),
        json!({ "ceilings": [{ "measure": "questions", "hard_limit": 1 }] }),
        json!({ "ceilings": vec![ceiling(1); 11] }),
        json!({}),
    ] {
        problem(&operator.put(&path(&owner), &set).await, 422, "validation_failed");
    }
    let absent = format!("/v1/platform/tenants/{}/quotas", Uuid::now_v7());
    problem(&operator.put(&absent, &json!({ "ceilings": [] })).await, 404, "not_found");
    problem(&operator.get(&absent).await, 404, "not_found");
    assert_eq!(owner.get("/v1/quotas").await.expect(200)["items"], json!([]));
}

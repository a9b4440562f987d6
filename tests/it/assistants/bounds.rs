//! Limits at, below and above them, and what else is refused.

use super::*;
use pidima::adapters::models::ExtractiveModel;

#[tokio::test(flavor = "multi_thread")]
async fn each_value_is_taken_at_its_bounds_and_refused_beyond_them() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let id = create(&tenant, "guide", json!({})).await;
    let path = format!("/v1/assistants/{id}");
    let text = |count: usize| json!("a".repeat(count));
    for (field, good, bad) in [
        ("temperature", vec![json!(0), json!(2)], vec![json!(-0.01), json!(2.01)]),
        ("passages", vec![json!(1), json!(50)], vec![json!(0), json!(51)]),
        ("max_output_tokens", vec![json!(16), json!(32_768)], vec![json!(15), json!(32_769)]),
        ("history_tokens", vec![json!(0), json!(100_000)], vec![json!(-1), json!(100_001)]),
        ("min_evidence", vec![json!(0), json!(100)], vec![json!(-1), json!(101)]),
        ("instructions", vec![text(8_000)], vec![text(8_001)]),
        ("language", vec![json!("en"), json!("AUTO")], vec![json!("english"), json!(""), text(36)]),
        ("style", vec![json!("detailed")], vec![json!("loud")]),
        ("providers", vec![json!(["extractive"]), json!(null)], vec![json!(["oracle"])]),
        ("ask_back", vec![json!(true)], vec![json!("yes")]),
        ("temprature", vec![], vec![json!(1)]),
    ] {
        for value in good {
            tenant.patch(&path, &json!({ "draft": { field: value } })).await.expect(200);
        }
        for value in bad {
            let reply = tenant.patch(&path, &json!({ "draft": { field: value } })).await;
            assert_eq!(reply.status, 422, "{field} {value}: {}", reply.text());
        }
    }
    let read = tenant.get(&path).await.expect(200);
    assert_eq!(read["draft"]["temperature"], 2.0);
    for (field, good, bad) in [("name", 100, 101), ("description", 2_000, 2_001)] {
        tenant.patch(&path, &json!({ field: text(good) })).await.expect(200);
        tenant.patch(&path, &json!({ field: text(bad) })).await.expect(422);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_as_many_assistants_as_the_setting_says_and_no_more() {
    let settings = [("PIDIMA_MAX_ASSISTANTS", "3")];
    let app = TestApp::start_with(&settings, Arc::new(ExtractiveModel)).await;
    let tenant = app.tenant("acme").await;
    let first = create(&tenant, "one", json!({})).await;
    create(&tenant, "two", json!({})).await;
    let third = json!({ "name": "three" });
    tenant.post("/v1/assistants", &third).await.expect(409);
    tenant.delete(&format!("/v1/assistants/{first}")).await.expect(204);
    tenant.post("/v1/assistants", &third).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_unique_and_the_default_assistant_stays() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant("acme").await, app.tenant("globex").await);
    let id = create(&tenant, "guide", json!({})).await;
    create(&other, "guide", json!({})).await;
    tenant.post("/v1/assistants", &json!({ "name": "guide" })).await.expect(409);
    let manual = create(&tenant, "manual", json!({})).await;
    let path = format!("/v1/assistants/{manual}");
    tenant.patch(&path, &json!({ "name": "guide" })).await.expect(409);
    let default = default_id(&tenant).await;
    tenant.delete(&format!("/v1/assistants/{default}")).await.expect(409);
    // It is changed and published like any other.
    change(&tenant, &default, json!({ "style": "bullets" })).await;
    assert_eq!(publish(&tenant, &default).await["published_version"], 2);
    tenant.get(&format!("/v1/assistants/{id}")).await.expect(200);
}

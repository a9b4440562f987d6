//! Groups and who is in them.

use serde_json::json;

use super::{id, ids, refused, times};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_renamed_and_deleted_and_each_is_noted() {
    let app = TestApp::start().await;
    let tenant = app.tenant("groups").await;
    let group = tenant.post("/v1/groups", &json!({ "name": "support" })).await.expect(201);
    let path = format!("/v1/groups/{}", group["id"].as_str().unwrap());
    let taken = tenant.post("/v1/groups", &json!({ "name": "support" })).await;
    assert!(refused(&taken, 409).contains("support"));
    tenant.post("/v1/groups", &json!({ "name": " \u{0} " })).await.expect(422);
    let renamed = tenant.patch(&path, &json!({ "name": "second line" })).await.expect(200);
    assert_eq!(renamed["name"], "second line");
    let other = tenant.post("/v1/groups", &json!({ "name": "support" })).await.expect(201);
    refused(&tenant.patch(&path, &json!({ "name": "support" })).await, 409);
    let all = tenant.get("/v1/groups").await.expect(200);
    assert_eq!(ids(&all), [&group, &other].map(|it| it["id"].as_str().unwrap()));
    tenant.delete(&path).await.expect(204);
    tenant.delete(&path).await.expect(404);
    for action in ["group.changed", "group.deleted"] {
        assert_eq!(times(&app, &tenant, action).await, 1, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn putting_in_and_taking_out_can_be_repeated() {
    let app = TestApp::start().await;
    let tenant = app.tenant("groups-members").await;
    let member = tenant.as_member("member").await;
    let group = tenant.post("/v1/groups", &json!({ "name": "support" })).await.expect(201);
    let path = format!("/v1/groups/{}", group["id"].as_str().unwrap());
    let place = format!("{path}/members/{}", id(&member));
    for _ in 0..2 {
        tenant.put(&place).await.expect(204);
    }
    assert_eq!(tenant.get(&path).await.expect(200)["member_count"], 1);
    let members = tenant.get(&format!("{path}/members")).await.expect(200);
    assert_eq!(ids(&members), [id(&member).to_string()]);
    for _ in 0..2 {
        tenant.delete(&place).await.expect(204);
    }
    assert_eq!(tenant.get(&path).await.expect(200)["member_count"], 0);
    assert_eq!(times(&app, &tenant, "group.member_added").await, 1);
    assert_eq!(times(&app, &tenant, "group.member_removed").await, 1);
    let nobody = format!("{path}/members/{}", uuid::Uuid::now_v7());
    assert!(refused(&tenant.put(&nobody).await, 404).contains("member"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_limits_a_collection_stays_until_it_does_not() {
    let app = TestApp::start().await;
    let tenant = app.tenant("groups-limit").await;
    let group = tenant.post("/v1/groups", &json!({ "name": "support" })).await.expect(201);
    let path = format!("/v1/groups/{}", group["id"].as_str().unwrap());
    let body = json!({ "name": "limited", "group_ids": [group["id"]] });
    let collection = tenant.post("/v1/collections", &body).await.expect(201);
    let detail = refused(&tenant.delete(&path).await, 409);
    assert!(detail.contains("limits a collection") && detail.contains("other groups"), "{detail}");
    let collection = format!("/v1/collections/{}", collection["id"].as_str().unwrap());
    tenant.patch(&collection, &json!({ "group_ids": [] })).await.expect(200);
    tenant.delete(&path).await.expect(204);
}

//! Rotation: two good keys for a while, and not a moment longer.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{end_in, id, make, path, secret};
use crate::api::{contents, problem};
use crate::support::TestApp;

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_new_key_is_like_the_old_one_and_both_are_good_during_the_overlap() {
    let app = TestApp::start().await;
    let owner = app.tenant("rotate").await;
    let body = json!({
        "name": "portal", "role": "editor", "scopes": ["ask", "documents:read"],
        "allowed_addresses": ["127.0.0.0/8", "::1"],
    });
    let old = make(&owner, &body).await;
    let rotate = format!("{}/rotate", path(&old));
    let new = owner.post(&rotate, &json!({ "overlap_seconds": 3600 })).await.expect(201);
    for field in ["name", "role", "scopes", "kind", "collection_ids", "allowed_addresses"] {
        assert_eq!(new["api_key"][field], old["api_key"][field], "{field}");
    }
    assert_eq!(new["api_key"]["rotated_from"], old["api_key"]["id"]);
    assert_ne!(secret(&new), secret(&old));
    for key in [&old, &new] {
        owner.with_key(&secret(key)).get("/v1/me").await.expect(200);
    }
    let left = time(&owner.get(&path(&old)).await.expect(200)["expires_at"]) - Utc::now();
    assert!((3_500..=3_600).contains(&left.num_seconds()), "{left}");
    let life = time(&new["api_key"]["expires_at"]) - Utc::now();
    assert!((89..=90).contains(&life.num_days()), "{life}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_key_ends_with_the_overlap() {
    let app = TestApp::start().await;
    let owner = app.tenant("overlap-end").await;
    let body = json!({ "name": "k", "role": "member" });
    let old = make(&owner, &body).await;
    owner.post(&format!("{}/rotate", path(&old)), &json!({})).await.expect(201);
    // One that no instance has seen yet, on each side of the border.
    end_in(&app, &id(&old), -0.001).await;
    let refused = owner.with_key(&secret(&old)).get("/v1/me").await;
    let refused = problem(&refused, 401, "unauthenticated");
    assert!(refused["detail"].as_str().unwrap().contains("expired"), "{refused}");
    end_in(&app, &id(&old), 60.0).await;
    owner.with_key(&secret(&old)).get("/v1/me").await.expect(200);

    let gone = make(&owner, &body).await;
    let rotate = format!("{}/rotate", path(&gone));
    let new = owner.post(&rotate, &json!({ "overlap_seconds": 0 })).await.expect(201);
    problem(&owner.with_key(&secret(&gone)).get("/v1/me").await, 401, "unauthenticated");
    owner.with_key(&secret(&new)).get("/v1/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_never_lets_the_old_key_live_longer() {
    let app = TestApp::start().await;
    let owner = app.tenant("no-longer").await;
    let old = make(&owner, &json!({ "name": "k", "role": "member" })).await;
    end_in(&app, &id(&old), 60.0).await;
    let before = owner.get(&path(&old)).await.expect(200)["expires_at"].clone();
    let rotate = format!("{}/rotate", path(&old));
    owner.post(&rotate, &json!({ "overlap_seconds": 604_800 })).await.expect(201);
    assert_eq!(owner.get(&path(&old)).await.expect(200)["expires_at"], before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overlap_beyond_a_week_is_refused() {
    let app = TestApp::start().await;
    let owner = app.tenant("overlap-limit").await;
    let old = make(&owner, &json!({ "name": "k", "role": "member" })).await;
    let rotate = format!("{}/rotate", path(&old));
    let before = contents(&app).await;
    for wrong in [json!(604_801), json!(-1), json!("60")] {
        let reply = owner.post(&rotate, &json!({ "overlap_seconds": wrong })).await;
        assert!(matches!(reply.status.as_u16(), 400 | 422), "{}", reply.text());
    }
    assert_eq!(contents(&app).await, before);
    owner.post(&rotate, &json!({ "overlap_seconds": 604_800 })).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_over_can_not_be_rotated_or_changed() {
    let app = TestApp::start().await;
    let owner = app.tenant("over").await;
    let body = json!({ "name": "k", "role": "member" });
    let (revoked, expired) = (make(&owner, &body).await, make(&owner, &body).await);
    owner.delete(&path(&revoked)).await.expect(204);
    end_in(&app, &id(&expired), 0.0).await;
    let before = contents(&app).await;
    for key in [&revoked, &expired] {
        let rotate = format!("{}/rotate", path(key));
        problem(&owner.post(&rotate, &json!({})).await, 409, "conflict");
        problem(&owner.patch(&path(key), &json!({ "name": "x" })).await, 409, "conflict");
    }
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_rotates_a_key_must_have_what_it_has() {
    let app = TestApp::start().await;
    let owner = app.tenant("rotate-up").await;
    let manager = json!({ "name": "m", "role": "admin", "scopes": ["keys:manage"] });
    let manager = owner.with_key(&secret(&make(&owner, &manager).await));
    let reader = make(&owner, &json!({ "name": "r", "role": "member", "scopes": ["ask"] })).await;
    let before = contents(&app).await;
    let refused = manager.post(&format!("{}/rotate", path(&reader)), &json!({})).await;
    let refused = problem(&refused, 403, "forbidden");
    assert!(refused["detail"].as_str().unwrap().contains("ask"), "{refused}");
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_key_ends_with_its_maker_at_the_latest() {
    let app = TestApp::start().await;
    let owner = app.tenant("maker-end").await;
    let person = owner.as_member("owner").await;
    let manager = make(&owner, &json!({ "name": "m", "role": "admin" })).await;
    end_in(&app, &id(&manager), 3_600.0).await;
    let end = owner.get(&path(&manager)).await.expect(200)["expires_at"].clone();
    let by = owner.with_key(&secret(&manager));

    let later =
        json!({ "name": "k", "role": "member", "expires_at": Utc::now() + TimeDelta::days(30) });
    for body in [json!({ "name": "k", "role": "member" }), later.clone()] {
        assert_eq!(make(&by, &body).await["api_key"]["expires_at"], end);
    }
    let sooner = Utc::now() + TimeDelta::seconds(60);
    let body = json!({ "name": "k", "role": "member", "expires_at": sooner });
    assert!(time(&make(&by, &body).await["api_key"]["expires_at"]) < time(&end));
    // Neither another key nor itself gets past that end by a rotation.
    let other = make(&owner, &json!({ "name": "o", "role": "member" })).await;
    for key in [&other, &manager] {
        let new = by.post(&format!("{}/rotate", path(key)), &json!({})).await.expect(201);
        assert_eq!(new["api_key"]["expires_at"], end);
    }
    // A person's programs outlive their login.
    let of_person = time(&make(&person, &later).await["api_key"]["expires_at"]);
    assert!(of_person > Utc::now() + TimeDelta::days(29), "{of_person}");
    let renewed = person.post(&format!("{}/rotate", path(&manager)), &json!({})).await.expect(201);
    // Its life was shortened to an hour; a rotation gives a day at least.
    assert!(time(&renewed["api_key"]["expires_at"]) > time(&end) + TimeDelta::hours(20));
}

//! Making and changing keys: nobody hands out more than they have.

use pidima::identity::{
    BrowserCookie, Identity, LOCAL, LoginFacts, Member, Role, begin_browser_session,
};
use serde_json::json;

use super::{audited, id, make, path, secret};
use crate::api::{contents, problem};
use crate::support::{TestApp, eventually};

async fn collection(tenant: &crate::support::TestTenant, name: &str) -> String {
    let made = tenant.post("/v1/collections", &json!({ "name": name })).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_any_scope_is_refused() {
    let app = TestApp::start().await;
    let owner = app.tenant("noscope").await;
    let before = contents(&app).await;
    let empty = json!({ "name": "x", "role": "member", "scopes": [] });
    problem(&owner.post("/v1/api_keys", &empty).await, 422, "validation_failed");
    assert_eq!(contents(&app).await, before);
    let manager = json!({ "name": "x", "role": "admin", "scopes": ["keys:manage"] });
    let manager = owner.with_key(&secret(&make(&owner, &manager).await));
    let nothing_left = json!({ "name": "x", "role": "member" });
    let refused = manager.post("/v1/api_keys", &nothing_left).await;
    let refused = problem(&refused, 422, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/scopes", "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_key_hands_out_its_own_collections_or_fewer() {
    let app = TestApp::start().await;
    let owner = app.tenant("reach").await;
    let (one, two, three) = (
        collection(&owner, "one").await,
        collection(&owner, "two").await,
        collection(&owner, "three").await,
    );
    let body = json!({ "name": "limited", "role": "admin", "collection_ids": [two, one, one] });
    let limited = make(&owner, &body).await;
    let mut own = vec![one.clone(), two.clone()];
    own.sort();
    assert_eq!(limited["api_key"]["collection_ids"], json!(own));
    let limited = owner.with_key(&secret(&limited));

    let body = json!({ "name": "same", "role": "member" });
    assert_eq!(make(&limited, &body).await["api_key"]["collection_ids"], json!(own));
    let body = json!({ "name": "fewer", "role": "member", "collection_ids": [two] });
    let fewer = make(&limited, &body).await;
    assert_eq!(fewer["api_key"]["collection_ids"], json!([two]));

    let wide = path_of_a_wide_key(&owner).await;
    let before = contents(&app).await;
    let body = json!({ "name": "more", "role": "member", "collection_ids": [two, three] });
    problem(&limited.post("/v1/api_keys", &body).await, 404, "not_found");
    // What the key does not reach it can not rotate into its own hands either.
    let refused = limited.post(&format!("{wide}/rotate"), &json!({})).await;
    problem(&refused, 403, "forbidden");
    assert_eq!(contents(&app).await, before);
    let rotated = limited.post(&format!("{}/rotate", path(&fewer)), &json!({})).await;
    assert_eq!(rotated.expect(201)["api_key"]["collection_ids"], json!([two]));
}

/// A key without a limit to collections and with a role that the limited one has too.
async fn path_of_a_wide_key(owner: &crate::support::TestTenant) -> String {
    path(&make(owner, &json!({ "name": "wide", "role": "member" })).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_hands_out_at_most_their_own_role() {
    let app = TestApp::start().await;
    let owner = app.tenant("person").await;
    let now = chrono::Utc::now();
    let member = Member {
        member_id: uuid::Uuid::now_v7(),
        provider: LOCAL.to_owned(),
        identity: Identity { issuer: LOCAL.to_owned(), subject: "ada".to_owned() },
        email: None,
        display_name: Some("Ada".to_owned()),
        role: Role::Admin,
        state: "active".to_owned(),
        created_at: now,
        last_seen_at: None,
    };
    let mut tx = app.app.services.db.tenant(owner.id).await.unwrap();
    tx.insert_member(&member).await.unwrap();
    let facts = LoginFacts { lifetime: std::time::Duration::from_secs(60), ..Default::default() };
    let cookie = begin_browser_session(&mut tx, &member, &facts).await.unwrap();
    tx.commit().await.unwrap();
    let create = |role: &str| {
        let request = reqwest::Client::new().post(format!("{}/v1/api_keys", app.url));
        request
            .header("cookie", format!("{}={}", BrowserCookie::NAME, cookie.expose()))
            .header("sec-fetch-site", "same-origin")
            .json(&json!({ "name": "k", "role": role }))
    };
    problem(&owner.send(create("owner")).await, 403, "forbidden");
    let made = owner.send(create("admin")).await.expect(201);
    let by: (String, Option<uuid::Uuid>) = sqlx::query_as(
        "select actor_kind, actor_id from app.audit_events where action = 'api_key.created' and target_id = $1",
    )
    .bind(id(&made))
    .fetch_one(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(by, ("member".to_owned(), Some(member.member_id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collections_of_a_key_can_only_become_fewer() {
    let app = TestApp::start().await;
    let owner = app.tenant("narrow").await;
    let (one, two) = (collection(&owner, "one").await, collection(&owner, "two").await);
    let key = make(&owner, &json!({ "name": "k", "role": "member" })).await;
    let change = |ids: serde_json::Value| json!({ "collection_ids": ids });
    owner.patch(&path(&key), &change(json!([one, two]))).await.expect(200);
    let changed = owner.patch(&path(&key), &change(json!([two]))).await.expect(200);
    assert_eq!(changed["collection_ids"], json!([two]));
    for wider in [json!([one]), json!([one, two]), json!([])] {
        let refused = owner.patch(&path(&key), &change(wider)).await;
        let refused = problem(&refused, 422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/collection_ids", "{refused}");
    }
    let shown = owner.get(&path(&key)).await.expect(200);
    assert_eq!(shown["collection_ids"], json!([two]));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_in_the_audit_log_and_one_that_changes_nothing_is_not() {
    let app = TestApp::start().await;
    let owner = app.tenant("key-audit").await;
    let key = make(&owner, &json!({ "name": "k", "role": "member" })).await;
    let name = json!({ "name": "renamed" });
    assert_eq!(owner.patch(&path(&key), &name).await.expect(200)["name"], "renamed");
    owner.patch(&path(&key), &name).await.expect(200);
    owner.post(&format!("{}/rotate", path(&key)), &json!({})).await.expect(201);
    owner.delete(&path(&key)).await.expect(204);
    owner.delete(&path(&key)).await.expect(204);
    let told = audited(&app, &id(&key)).await;
    let all = ["api_key.created", "api_key.changed", "api_key.rotated", "api_key.revoked"];
    assert_eq!(told, all);
    let part = secret(&key).rsplit('_').next().unwrap().to_owned();
    let rows: Vec<String> = sqlx::query_scalar("select to_jsonb(e)::text from app.audit_events e")
        .fetch_all(&app.database.admin())
        .await
        .unwrap();
    assert!(rows.iter().all(|row| !row.contains(&part)), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_changes_and_rotates_no_key_of_an_owner() {
    let app = TestApp::start().await;
    let owner = app.tenant("above-keys").await;
    let key = make(&owner, &json!({ "name": "k", "role": "owner" })).await;
    let admin = owner.with_role("admin").await;
    let before = contents(&app).await;
    problem(&admin.patch(&path(&key), &json!({ "name": "mine" })).await, 403, "forbidden");
    let rotated = admin.post(&format!("{}/rotate", path(&key)), &json!({})).await;
    problem(&rotated, 403, "forbidden");
    problem(&admin.delete(&path(&key)).await, 403, "forbidden");
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_no_more_good_keys_than_the_setting_says() {
    let app = TestApp::start_with(
        &[("PIDIMA_MAX_API_KEYS", "3")],
        std::sync::Arc::new(pidima::adapters::models::ExtractiveModel),
    )
    .await;
    let owner = app.tenant("many-keys").await;
    let body = json!({ "name": "k", "role": "member" });
    let second = make(&owner, &body).await;
    // Two at once for the last place: one gets it.
    let (left, right) =
        tokio::join!(owner.post("/v1/api_keys", &body), owner.post("/v1/api_keys", &body));
    let mut statuses = [left.status.as_u16(), right.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let rotate = format!("{}/rotate", path(&second));
    problem(&owner.post(&rotate, &json!({})).await, 409, "conflict");
    owner.delete(&path(&second)).await.expect(204);
    make(&owner, &body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_of_a_key_is_noted() {
    let app = TestApp::start().await;
    let owner = app.tenant("last-use").await;
    let key = make(&owner, &json!({ "name": "k", "role": "member" })).await;
    assert!(key["api_key"].get("last_used_at").is_none(), "{key}");
    owner.with_key(&secret(&key)).get("/v1/me").await.expect(200);
    eventually("the use is noted", || async {
        owner.get(&path(&key)).await.expect(200)["last_used_at"].is_string()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_moves_a_key_to_other_places_must_have_what_it_has() {
    let app = TestApp::start().await;
    let owner = app.tenant("key-places").await;
    let one = collection(&owner, "one").await;
    let body = json!({ "name": "k", "role": "member", "allowed_addresses": ["192.0.2.7"] });
    let key = make(&owner, &body).await;
    let page = super::publishable(&owner).await;
    let by_scope = json!({ "name": "m", "role": "admin", "scopes": ["keys:manage"] });
    let by_scope = owner.with_key(&secret(&make(&owner, &by_scope).await));
    let by_reach = json!({ "name": "m", "role": "admin", "collection_ids": [one] });
    let by_reach = owner.with_key(&secret(&make(&owner, &by_reach).await));
    let before = contents(&app).await;
    let anywhere = json!({ "allowed_addresses": [] });
    let elsewhere = json!({ "allowed_origins": ["https://evil.example"] });
    for (manager, missing) in [(&by_scope, "scope ask"), (&by_reach, "limited to collections")] {
        for (key, change) in [(&key, &anywhere), (&page, &elsewhere)] {
            let refused = manager.patch(&path(key), change).await;
            let refused = problem(&refused, 403, "forbidden");
            assert!(refused["detail"].as_str().unwrap().contains(missing), "{refused}");
        }
    }
    assert_eq!(contents(&app).await, before);
    by_scope.patch(&path(&key), &json!({ "name": "renamed" })).await.expect(200);
    owner.patch(&path(&key), &anywhere).await.expect(200);
    owner.patch(&path(&page), &elsewhere).await.expect(200);
}

#[tokio::test]
async fn a_key_shows_who_made_it_and_lists_can_be_narrowed_to_that() {
    let app = TestApp::start().await;
    let owner = app.tenant("makers").await;
    let admin = owner.as_member("admin").await;
    let person = admin.member_id.unwrap().to_string();
    let by_person = make(&admin, &json!({ "name": "hers", "role": "admin" })).await;
    assert_eq!(by_person["api_key"]["created_by"], *person);
    let by_key =
        make(&owner.with_key(&secret(&by_person)), &json!({ "name": "its", "role": "member" }))
            .await;
    assert_eq!(by_key["api_key"]["created_by"], *id(&by_person));
    let listed = async |maker: &str| {
        let list = owner.get(&format!("/v1/api_keys?created_by={maker}")).await.expect(200);
        let items = list["items"].as_array().unwrap().clone();
        items.iter().map(|key| key["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed(&person).await, [id(&by_person)]);
    assert_eq!(listed(&id(&by_person)).await, [id(&by_key)]);
    assert_eq!(listed(&id(&by_key)).await, Vec::<String>::new());
    // Maker and page together; a maker of another tenant is one that made nothing.
    make(&admin, &json!({ "name": "another", "role": "member" })).await;
    let page = format!("/v1/api_keys?created_by={person}&limit=1");
    let first = owner.get(&page).await.expect(200);
    let next = first["next_cursor"].as_str().unwrap();
    let second = owner.get(&format!("{page}&cursor={next}")).await.expect(200);
    assert_eq!(second["items"][0]["id"], *id(&by_person));
    assert_eq!(second["next_cursor"], serde_json::Value::Null);
    let other = app.tenant("makers-other").await;
    let list = other.get(&format!("/v1/api_keys?created_by={person}")).await.expect(200);
    assert_eq!(list["items"], json!([]));
    // The first key of a tenant was made by nobody in it.
    let first = owner.get("/v1/me").await.expect(200);
    let first = owner.get(&format!("/v1/api_keys/{}", first["id"].as_str().unwrap())).await;
    assert!(first.expect(200).get("created_by").is_none());
}

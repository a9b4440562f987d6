//! An assistant never shows what its asker does not reach, and its configuration is for those who may change it.

use super::*;

const SECRET: &str = "# Plans\n\nKeys of the zanzibarite project live for 7 days.\n";

/// A collection that is limited to a group, and its id.
async fn limited(tenant: &TestTenant) -> String {
    let group = tenant.post("/v1/groups", &json!({ "name": "chemists" })).await.expect(201);
    let body = json!({ "name": "plans", "group_ids": [group["id"]] });
    let collection = tenant.post("/v1/collections", &body).await.expect(201);
    let id = collection["id"].as_str().unwrap().to_owned();
    let part = reqwest::multipart::Part::text(SECRET).file_name("plans.md");
    let form = reqwest::multipart::Form::new().part("file", part).text("collection_id", id.clone());
    let upload = tenant.request(Method::POST, "/v1/documents").multipart(form);
    let document = tenant.send(upload).await.expect(202)["id"].as_str().unwrap().to_owned();
    assert_eq!(tenant.settled(&document).await["state"], "ready");
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assistant_over_a_limited_collection_finds_nothing_for_who_does_not_reach_it() {
    let (_app, model, tenant) = start().await;
    let hidden = limited(&tenant).await;
    let id = create(&tenant, "plans", json!({ "collection_ids": [hidden] })).await;
    publish(&tenant, &id).await;
    let member = tenant.as_member("member").await;
    let answer = ask(&member, json!({ "assistant_id": id })).await.expect(200);
    assert_eq!(answer["outcome_reason"], "no_candidates", "{answer}");
    assert!(model.prompts().is_empty(), "no model was asked");
    assert!(!member.get(&format!("/v1/assistants/{id}")).await.text().contains(&hidden));
    // The owner reaches it, and is answered from it and from nothing else.
    ask(&tenant, json!({ "assistant_id": id })).await.expect(200);
    let prompt = model.prompts().pop().unwrap();
    assert!(prompt.message.contains("zanzibarite") && !prompt.message.contains("90 days"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editor_points_no_assistant_at_what_they_do_not_reach_and_takes_none_of_it_out() {
    let (_app, _model, tenant) = start().await;
    let hidden = limited(&tenant).await;
    let editor = tenant.as_member("editor").await;
    let body = json!({ "name": "plans", "draft": { "collection_ids": [hidden] } });
    editor.post("/v1/assistants", &body).await.expect(404);
    let id = create(&tenant, "plans", json!({ "collection_ids": [hidden] })).await;
    let path = format!("/v1/assistants/{id}");
    let seen = editor.get(&path).await.expect(200);
    assert_eq!(seen["draft"]["collection_ids"], json!([]));
    let change = json!({ "draft": { "collection_ids": [] } });
    editor.patch(&path, &change).await.expect(403);
    editor.patch(&path, &json!({ "draft": { "style": "bullets" } })).await.expect(200);
    let kept = tenant.get(&path).await.expect(200);
    assert_eq!(kept["draft"]["collection_ids"], json!([hidden]));
}

#[tokio::test(flavor = "multi_thread")]
async fn collections_of_a_question_and_of_its_assistant_are_asked_where_both_name_them() {
    let (_app, model, tenant) = start().await;
    let mut ids = Vec::new();
    for name in ["one", "two"] {
        let made = tenant.post("/v1/collections", &json!({ "name": name })).await.expect(201);
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let id = create(&tenant, "one", json!({ "collection_ids": [ids[0]] })).await;
    publish(&tenant, &id).await;
    let outside = json!({ "assistant_id": id, "collection_ids": [ids[1]] });
    let refused = ask(&tenant, outside).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/collection_ids");
    let within = json!({ "assistant_id": id, "collection_ids": [ids[0]] });
    assert_eq!(ask(&tenant, within).await.expect(200)["outcome_reason"], "no_candidates");
    assert!(model.prompts().is_empty(), "the guide lies elsewhere");
    // A session that could answer nothing is refused when it is opened.
    let session = |collection: &str| {
        let body = json!({ "assistant_id": id, "collection_ids": [collection] });
        let tenant = &tenant;
        async move { tenant.post("/v1/sessions", &body).await }
    };
    let refused = session(&ids[1]).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/collection_ids");
    session(&ids[0]).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn configurations_and_unpublished_assistants_are_seen_by_editors_alone() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let id = create(&tenant, "pirate", json!({ "instructions": "Speak like a pirate." })).await;
    let member = tenant.with_role("member").await;
    member.get(&format!("/v1/assistants/{id}")).await.expect(404);
    assert_eq!(
        member.get("/v1/assistants").await.expect(200)["items"].as_array().unwrap().len(),
        1
    );
    publish(&tenant, &id).await;
    for role in ["analyst", "member"] {
        let reader = tenant.with_role(role).await;
        let seen = reader.get(&format!("/v1/assistants/{id}")).await.expect(200);
        assert_eq!((&seen["name"], &seen["published_version"]), (&json!("pirate"), &json!(1)));
        for field in ["draft", "published", "has_unpublished_changes"] {
            assert!(seen.get(field).is_none(), "{seen}");
        }
        reader.get(&format!("/v1/assistants/{id}/versions")).await.expect(403);
    }
    let seen = tenant.get(&format!("/v1/assistants/{id}")).await.expect(200);
    assert_eq!(seen["published"]["instructions"], "Speak like a pirate.");
}

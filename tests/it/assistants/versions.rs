//! Publishing, rolling back, and two editors at once.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn versions_count_up_never_change_and_can_be_put_back() {
    let (app, model, tenant) = start().await;
    let id = create(&tenant, "guide", json!({ "instructions": "One." })).await;
    publish(&tenant, &id).await;
    assert_eq!(publish(&tenant, &id).await["published_version"], 1, "nothing new, no version");
    change(&tenant, &id, json!({ "instructions": "Two." })).await;
    assert_eq!(publish(&tenant, &id).await["published_version"], 2);
    let rolled = act(&tenant, &id, "rollback", Some(json!({ "version": 1 }))).await.expect(200);
    assert_eq!(rolled["published_version"], 1);
    assert_eq!(rolled["published"]["instructions"], "One.");
    assert_eq!(rolled["draft"]["instructions"], "Two.", "the draft stays");
    assert_eq!(rolled["has_unpublished_changes"], true);
    ask(&tenant, json!({ "assistant_id": id })).await.expect(200);
    assert!(model.prompts().pop().unwrap().instructions.contains("One."));
    assert_eq!(publish(&tenant, &id).await["published_version"], 3, "a number is used once");

    let path = format!("/v1/assistants/{id}/versions");
    let first = tenant.get(&format!("{path}?limit=2")).await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = tenant.get(&format!("{path}?limit=2&cursor={cursor}")).await.expect(200);
    let all: Vec<(i64, bool, String)> = [&first, &second]
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|version| {
            let number = version["number"].as_i64().unwrap();
            let said = version["configuration"]["instructions"].as_str().unwrap().to_owned();
            (number, version["is_published"].as_bool().unwrap(), said)
        })
        .collect();
    let said = |text: &str| text.to_owned();
    assert_eq!(all, [(3, true, said("Two.")), (2, false, said("Two.")), (1, false, said("One."))]);
    let one = tenant.get(&format!("{path}/1")).await.expect(200);
    assert_eq!(one["configuration"], json!({ "instructions": "One." }));
    tenant.get(&format!("{path}/4")).await.expect(404);
    act(&tenant, &id, "rollback", Some(json!({ "version": 4 }))).await.expect(404);

    let noted: Vec<String> = sqlx::query_scalar(
        "select action from app.audit_events where target_kind = 'assistant' order by sequence",
    )
    .fetch_all(&app.database.admin())
    .await
    .unwrap();
    let wanted = ["created", "published", "updated", "published", "rolled_back", "published"];
    assert_eq!(noted, wanted.map(|action| format!("assistant.{action}")));
    let frozen = sqlx::query("update app.assistant_versions set configuration = '{}'")
        .execute(&app.database.app())
        .await;
    assert!(frozen.unwrap_err().to_string().contains("permission denied"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slower_of_two_editors_is_told_and_changes_nothing() {
    let (_app, _model, tenant) = start().await;
    let id = create(&tenant, "guide", json!({})).await;
    let path = format!("/v1/assistants/{id}");
    let read = tenant.get(&path).await;
    let tag = read.headers["etag"].to_str().unwrap().to_owned();
    let conditional = |method: Method, path: &str, tag: &str, body: Value| {
        let request = tenant.request(method, path).header("if-match", tag);
        tenant.send(request.json(&body))
    };
    let body = |text: &str| json!({ "draft": { "instructions": text } });
    let faster = conditional(Method::PATCH, &path, &tag, body("Faster.")).await;
    let new_tag = faster.headers["etag"].to_str().unwrap().to_owned();
    faster.expect(200);
    assert_ne!(tag, new_tag);
    let publish_path = format!("{path}/publish");
    for (method, at, body) in [
        (Method::PATCH, path.as_str(), body("Slower.")),
        (Method::POST, &publish_path, json!({})),
        (Method::DELETE, &path, json!({})),
    ] {
        let refused = conditional(method, at, &tag, body).await;
        assert_eq!(refused.json()["code"], "precondition_failed", "{}", refused.text());
        refused.expect(412);
    }
    let now = tenant.get(&path).await;
    assert_eq!(now.headers["etag"].to_str().unwrap(), new_tag);
    assert_eq!(now.json()["draft"]["instructions"], "Faster.");
    conditional(Method::PATCH, &path, &new_tag, body("In turn.")).await.expect(200);
    conditional(Method::PATCH, &path, "*", body("Whatever.")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_absent_stays_and_what_is_null_is_as_the_server_sets_it() {
    let (_app, _model, tenant) = start().await;
    let draft =
        json!({ "instructions": "One.", "passages": 3, "language": "fr", "ask_back": false });
    let id = create(&tenant, "guide", draft).await;
    let changed = change(&tenant, &id, json!({ "passages": null, "language": "auto" })).await;
    assert_eq!(changed["draft"], json!({ "instructions": "One.", "ask_back": false }));
    let path = format!("/v1/assistants/{id}");
    let renamed = tenant.patch(&path, &json!({ "name": "manual" })).await.expect(200);
    assert_eq!((&renamed["name"], &renamed["draft"]), (&json!("manual"), &changed["draft"]));
}

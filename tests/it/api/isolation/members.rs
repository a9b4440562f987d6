//! Conversations within a tenant: members see their own, admins and owners see all.

use serde_json::{Value, json};

use crate::api::operations::operations;
use crate::api::things::Things;
use crate::api::{contents, problem};
use crate::support::{TestApp, TestTenant};

async fn session_ids(tenant: &TestTenant) -> Vec<String> {
    let list = tenant.get("/v1/sessions").await.expect(200);
    let mut ids: Vec<String> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session: &Value| session["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_sees_only_conversations_of_the_same_key_and_an_admin_sees_all() {
    let app = TestApp::start().await;
    let owner = app.tenant("members").await;
    let (first, second) = (owner.with_role("member").await, owner.with_role("member").await);
    let editor = owner.with_role("editor").await;
    let of_first = Things::make(&owner, &first).await;
    let of_second = Things::make(&owner, &second).await;
    let mut all = vec![of_first.session_id.clone(), of_second.session_id.clone()];
    all.sort();
    assert_eq!(session_ids(&first).await, std::slice::from_ref(&of_first.session_id));
    assert_eq!(session_ids(&second).await, std::slice::from_ref(&of_second.session_id));
    assert_eq!(session_ids(&editor).await, Vec::<String>::new());
    for above in [&owner, &owner.with_role("admin").await] {
        assert_eq!(session_ids(above).await, all);
        above.get(&format!("/v1/messages/{}", of_first.message_id)).await.expect(200);
        let messages = format!("/v1/sessions/{}/messages", of_first.session_id);
        let messages = above.get(&messages).await.expect(200);
        assert_eq!(messages["items"].as_array().unwrap().len(), 2);
    }

    let before = contents(&app).await;
    let on_conversations = |path: &str| {
        path.contains("{session_id}") || path.contains("{message_id}") || path.contains("{run_id}")
    };
    for operation in operations().into_iter().filter(|it| on_conversations(it.path)) {
        for (role, stranger) in [("member", &second), ("editor", &editor)] {
            // Who may do it to nothing at all is told so whatever there is.
            if !operation.roles.contains(&role) {
                continue;
            }
            let request = operation.request(&app, &of_first).bearer_auth(&stranger.key);
            let of_another = problem(&stranger.send(request).await, 404, "not_found");
            let request = operation.request(&app, &Things::absent()).bearer_auth(&stranger.key);
            let of_nobody = problem(&stranger.send(request).await, 404, "not_found");
            assert_eq!(of_another["detail"], of_nobody["detail"], "{}", operation.id);
        }
    }
    assert_eq!(contents(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_question_is_found_again_by_its_asker_and_by_admins_alone() {
    let app = TestApp::start().await;
    let owner = app.tenant("single").await;
    owner.learn("pump.md", "# Pump\n\nThe pump runs at 3 bar.").await;
    let (first, second) = (owner.with_role("member").await, owner.with_role("member").await);
    let question = json!({ "question": "At what pressure runs the pump?" });
    let answer = first.post("/v1/answers", &question).await.expect(200);
    let path = format!("/v1/messages/{}", answer["message_id"].as_str().unwrap());
    first.get(&path).await.expect(200);
    owner.get(&path).await.expect(200);
    problem(&second.get(&path).await, 404, "not_found");
}

//! Answers, their history, and what the model is told.

use std::sync::Arc;

use pidima::adapters::models::FinishReason;
use serde_json::{Value, json};

use super::{Library, MARK};
use crate::support::{Script, ScriptedModel, TestApp, TestTenant};

const QUESTION: &str = "At how many bar does the pump run?";
const AGAIN: &str = "And what did you say before?";

/// The application with a model that repeats the limited text, whoever asks.
async fn start() -> (TestApp, Arc<ScriptedModel>) {
    let model = Arc::new(ScriptedModel::default());
    let answer = format!("The {MARK} pump runs at 9 bar [1]. The pump runs at 3 bar [2].");
    model.on(QUESTION, Script::answer(&[&answer], FinishReason::Stop));
    model.on(AGAIN, Script::answer(&["As before."], FinishReason::Stop));
    (TestApp::start_with(&[], model.clone()).await, model)
}

async fn open_session(tenant: &TestTenant) -> String {
    let session = tenant.post("/v1/sessions", &json!({ "title": "pumps" })).await.expect(201);
    format!("/v1/sessions/{}/messages", session["id"].as_str().unwrap())
}

async fn ask(tenant: &TestTenant, path: &str, question: &str) -> Value {
    tenant.post(path, &json!({ "content": question })).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_prompt_of_an_outsider_holds_nothing_of_the_limited_collection() {
    let (app, model) = start().await;
    let library = Library::build(&app, "asking-prompt").await;
    for role in ["member", "editor"] {
        for reader in [library.tenant.as_member(role).await, library.tenant.with_role(role).await] {
            reader.ask(QUESTION).await;
            let path = open_session(&reader).await;
            ask(&reader, &path, QUESTION).await;
        }
    }
    let prompts = model.prompts();
    assert_eq!(prompts.len(), 8);
    for prompt in &prompts {
        assert_eq!(prompt.passages.len(), 1);
        assert!(!format!("{prompt:?}").contains(MARK));
    }
    library.tenant.ask(QUESTION).await;
    assert!(format!("{:?}", model.prompts().last().unwrap()).contains(MARK));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_the_group_sees_the_answers_withheld_and_so_does_the_model() {
    let (app, model) = start().await;
    let library = Library::build(&app, "asking-left").await;
    let member = library.tenant.as_member("member").await;
    library.admit(&member).await;
    let path = open_session(&member).await;
    let answer = ask(&member, &path, QUESTION).await;
    assert_eq!(answer["citations"].as_array().unwrap().len(), 2);
    // Made of nothing but the answer before: it is as limited.
    let second = ask(&member, &path, AGAIN).await;
    let message =
        |answer: &Value| format!("/v1/messages/{}", answer["message_id"].as_str().unwrap());
    let shown = member.get(&message(&answer)).await.expect(200);
    assert_eq!(
        (shown["withheld"].clone(), shown["content"].clone()),
        (json!(false), answer["content"].clone())
    );

    library.expel(&member).await;
    for path in [message(&answer), message(&second), path.clone()] {
        let reply = member.get(&path).await;
        assert!(
            !reply.text().contains(MARK) && !reply.text().contains("As before"),
            "{}",
            reply.text()
        );
    }
    let withheld = member.get(&message(&answer)).await.expect(200);
    assert_eq!(withheld["withheld"], true);
    assert_eq!(withheld["citations"], json!([]));
    assert!(withheld["content"].as_str().unwrap().starts_with("This answer is withheld"));
    let listed = member.get(&path).await.expect(200);
    let flags: Vec<&Value> =
        listed["items"].as_array().unwrap().iter().map(|item| &item["withheld"]).collect();
    assert_eq!(flags, [&json!(false), &json!(true), &json!(false), &json!(true)]);

    let third = ask(&member, &path, AGAIN).await;
    let prompt = format!("{:?}", model.prompts().last().unwrap());
    assert!(!prompt.contains(MARK) && prompt.contains("This answer is withheld"), "{prompt}");
    assert_eq!(member.get(&message(&third)).await.expect(200)["withheld"], false);

    // Who manages the tenant sees it, and so does the person once they are back.
    assert_eq!(
        library.tenant.get(&message(&answer)).await.expect(200)["content"],
        answer["content"]
    );
    library.admit(&member).await;
    assert_eq!(member.get(&message(&answer)).await.expect(200)["content"], answer["content"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyst_sees_that_there_was_an_answer_and_not_what_it_said() {
    let (app, _) = start().await;
    let library = Library::build(&app, "asking-analyst").await;
    let path = open_session(&library.tenant).await;
    ask(&library.tenant, &path, QUESTION).await;
    for analyst in
        [library.tenant.as_member("analyst").await, library.tenant.with_role("analyst").await]
    {
        let reply = analyst.get(&path).await;
        assert!(!reply.text().contains(MARK), "{}", reply.text());
        let listed = reply.expect(200);
        assert_eq!(listed["items"][0]["content"], QUESTION);
        assert_eq!(listed["items"][1]["withheld"], true);
    }
    let analyst = library.tenant.as_member("analyst").await;
    library.admit(&analyst).await;
    assert!(analyst.get(&path).await.text().contains(MARK));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_stay_limited_when_document_or_collection_are_deleted() {
    let (app, _) = start().await;
    let library = Library::build(&app, "asking-deleted").await;
    let member = library.tenant.as_member("member").await;
    library.admit(&member).await;
    let answer = member.ask(QUESTION).await;
    let message = format!("/v1/messages/{}", answer["message_id"].as_str().unwrap());
    library.expel(&member).await;
    library.tenant.delete(&format!("/v1/documents/{}", library.limited_document)).await.expect(204);
    assert!(!member.get(&message).await.text().contains(MARK));
    library.tenant.delete(&format!("/v1/collections/{}", library.limited)).await.expect(204);
    assert!(!member.get(&message).await.text().contains(MARK));
    // The group limits nothing any more, so that it can go; the answer stays as limited as it was.
    library.tenant.delete(&format!("/v1/groups/{}", library.group)).await.expect(204);
    assert_eq!(member.get(&message).await.expect(200)["withheld"], true);
    assert!(library.tenant.get(&message).await.text().contains(MARK));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_from_an_open_collection_stay_readable_when_it_is_deleted() {
    let (app, _) = start().await;
    let library = Library::build(&app, "asking-open").await;
    let member = library.tenant.as_member("member").await;
    let answer = member.ask(QUESTION).await;
    library.tenant.delete(&format!("/v1/collections/{}", library.open)).await.expect(204);
    let message = format!("/v1/messages/{}", answer["message_id"].as_str().unwrap());
    let kept = member.get(&message).await.expect(200);
    assert_eq!(
        (kept["withheld"].clone(), kept["content"].clone()),
        (json!(false), answer["content"].clone())
    );
    let mut cited = answer["citations"].clone();
    for citation in cited.as_array_mut().unwrap() {
        citation["stale"] = json!(true);
    }
    assert_eq!(kept["citations"], cited);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_on_a_collection_that_was_limited_since_answers_like_one_on_nothing() {
    let (app, model) = start().await;
    let library = Library::build(&app, "asking-session").await;
    let member = library.tenant.as_member("member").await;
    library.admit(&member).await;
    let body = json!({ "collection_ids": [library.limited] });
    let session = member.post("/v1/sessions", &body).await.expect(201);
    let path = format!("/v1/sessions/{}/messages", session["id"].as_str().unwrap());
    library.expel(&member).await;
    let before = model.prompts().len();
    member.post(&path, &json!({ "content": QUESTION })).await.expect(404);
    assert_eq!(model.prompts().len(), before);
}

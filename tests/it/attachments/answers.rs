//! What is attached is found and cited in the answers of its session, and in no other place.

use std::sync::Arc;

use pidima::adapters::models::FinishReason;
use serde_json::json;

use super::{QUESTION, VALVE, ask, attach, cites, items, open, path, send};
use crate::api::problem;
use crate::support::{Script, ScriptedModel, TestApp, eventually};

const GUIDE: &str = "# Pumps\n\nThe zarquon pump runs at 3 bar.\n";

#[tokio::test]
async fn an_answer_cites_what_is_attached_to_its_session_and_the_citation_shows_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("pumps.md", GUIDE).await;
    let session = open(&tenant, &json!({})).await;
    let attached = attach(&tenant, &session, "valve.md", VALVE).await;
    assert_eq!((&attached["name"], &attached["title"]), (&json!("valve.md"), &json!("Valves")));
    assert_eq!(attached["searchable"], true);
    assert!(attached.get("collection_id").is_none(), "{attached}");
    let answer = ask(&tenant, &session, QUESTION).await;
    assert_eq!(answer["outcome"], "answered", "{answer}");
    assert!(cites(&answer, &attached), "{answer}");
    let citation = &answer["citations"][0];
    let shown = format!("/v1/citations/{}", citation["id"].as_str().unwrap());
    let shown = tenant.get(&shown).await.expect(200);
    assert_eq!(shown["document"]["id"], attached["id"], "{shown}");
    assert!(shown["context"]["quote"].as_str().unwrap().contains("5 bar"), "{shown}");
    assert_eq!(shown["document"]["attached"], true, "{shown}");
    assert!(shown["document"].get("collection_id").is_none(), "{shown}");
    // The documentation is searched beside it.
    let answer = ask(&tenant, &session, "At how many bar does the zarquon pump run?").await;
    assert_eq!(answer["outcome"], "answered", "{answer}");
    assert!(!cites(&answer, &attached), "{answer}");
}

#[tokio::test]
async fn nothing_else_finds_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("pumps.md", GUIDE).await;
    let body = json!({ "query": QUESTION, "explain": true });
    let before = tenant.post("/v1/search", &body).await.expect(200);
    let session = open(&tenant, &json!({})).await;
    let attached = attach(&tenant, &session, "valve.md", VALVE).await;
    let after = tenant.post("/v1/search", &body).await.expect(200);
    assert_eq!(after["items"], before["items"]);
    let searched = |found: &serde_json::Value| found["explanation"]["searched_chunks"].clone();
    assert_eq!((searched(&before), searched(&after)), (json!(1), json!(1)));
    assert!(!cites(&tenant.ask(QUESTION).await, &attached));
    let other = open(&tenant, &json!({})).await;
    let answer = ask(&tenant, &other, QUESTION).await;
    assert!(!cites(&answer, &attached), "{answer}");
    assert!(!answer["content"].as_str().unwrap().contains("5 bar"), "{answer}");
    // Also where the other session has a file of its own.
    let own = attach(&tenant, &other, "valve.md", "# Lamps\n\nThe lamp is green.\n").await;
    assert_ne!(own["id"], attached["id"]);
    assert!(!cites(&ask(&tenant, &other, QUESTION).await, &attached));
    assert!(cites(&ask(&tenant, &session, QUESTION).await, &attached));
}

#[tokio::test]
async fn it_is_searched_whatever_collections_session_and_assistant_ask() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let guide = tenant.learn("pumps.md", GUIDE).await;
    let named = json!({ "collection_ids": [guide["collection_id"]] });
    let session = open(&tenant, &named).await;
    let attached = attach(&tenant, &session, "valve.md", VALVE).await;
    assert!(cites(&ask(&tenant, &session, QUESTION).await, &attached));
    let empty = tenant.post("/v1/collections", &json!({ "name": "empty" })).await.expect(201);
    let body = json!({ "name": "narrow", "draft": { "collection_ids": [empty["id"]] } });
    let assistant = tenant.post("/v1/assistants", &body).await.expect(201);
    let publish = format!("/v1/assistants/{}/publish", assistant["id"].as_str().unwrap());
    tenant.send(tenant.request(reqwest::Method::POST, &publish)).await.expect(200);
    let session = open(&tenant, &json!({ "assistant_id": assistant["id"] })).await;
    let attached = attach(&tenant, &session, "valve.md", VALVE).await;
    assert!(cites(&ask(&tenant, &session, QUESTION).await, &attached));
    let answer = ask(&tenant, &session, "At how many bar does the zarquon pump run?").await;
    assert!(!cites(&answer, &guide), "{answer}");
    // Nothing of the assistant's is there any more: what is attached still is.
    let gone = format!("/v1/collections/{}", empty["id"].as_str().unwrap());
    tenant.delete(&gone).await.expect(204);
    let answer = ask(&tenant, &session, QUESTION).await;
    assert!(cites(&answer, &attached) && !cites(&answer, &guide), "{answer}");
}

#[tokio::test]
async fn the_same_name_is_a_new_version_and_the_same_bytes_are_nothing_new() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let session = open(&tenant, &json!({})).await;
    let first = attach(&tenant, &session, "valve.md", VALVE).await;
    let same = send(&tenant, &session, "valve.md", VALVE.as_bytes()).await.expect(200);
    assert_eq!((&same["id"], &same["version_number"]), (&first["id"], &json!(1)));
    let newer = VALVE.replace("5 bar", "7 bar");
    let second = attach(&tenant, &session, "valve.md", &newer).await;
    assert_eq!((&second["id"], &second["version_number"]), (&first["id"], &json!(2)));
    let answer = ask(&tenant, &session, QUESTION).await;
    assert!(answer["content"].as_str().unwrap().contains("7 bar"), "{answer}");
    assert_eq!(items(&tenant, &path(&session)).await, [second]);
    // A name of its own may be given, and nothing else that a document has.
    let form = || {
        let part = reqwest::multipart::Part::bytes(VALVE.as_bytes().to_vec()).file_name("x.md");
        reqwest::multipart::Form::new().part("file", part)
    };
    let post = |form| tenant.request(reqwest::Method::POST, &path(&session)).multipart(form);
    let named = tenant.send(post(form().text("name", "another.md"))).await.expect(202);
    assert_eq!(named["name"], "another.md");
    let id = uuid::Uuid::now_v7().to_string();
    let refused = tenant.send(post(form().text("collection_id", id))).await;
    assert!(refused.status.is_client_error(), "{}", refused.text());
    problem(
        &send(&tenant, &session, "x.exe", b"MZ\x90\0\x03\0\0\0").await,
        415,
        "unsupported_media_type",
    );
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let session = open(&tenant, &json!({})).await;
    let other = open(&tenant, &json!({})).await;
    for number in 0..5 {
        let text = format!("# Part {number}\n\nIt is number {number}.\n");
        send(&tenant, &session, &format!("{number}.md"), text.as_bytes()).await.expect(202);
    }
    send(&tenant, &other, "6.md", b"# Another\n\nOne of another session.\n").await.expect(202);
    let mut names = Vec::new();
    let mut next = format!("{}?limit=2", path(&session));
    loop {
        let page = tenant.get(&next).await.expect(200);
        let items = page["items"].as_array().unwrap();
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("{}?limit=2&cursor={cursor}", path(&session));
    }
    assert_eq!(names, ["0.md", "1.md", "2.md", "3.md", "4.md"]);
}

#[tokio::test]
async fn a_question_without_a_subject_is_about_what_is_attached() {
    let model = Arc::new(ScriptedModel::default());
    let app = TestApp::start_with(&[], Arc::clone(&model) as Arc<_>).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("pumps.md", GUIDE).await;
    let vague = "What is this about?";
    model.on(vague, Script::answer(&["It is about valves ", "[1]."], FinishReason::Stop));
    let session = open(&tenant, &json!({})).await;
    let asked_back = ask(&tenant, &session, vague).await;
    assert_eq!(asked_back["outcome"], "clarification", "{asked_back}");
    // Nothing can be said of a file that can not be read.
    let broken = send(&tenant, &session, "broken.pdf", b"%PDF-1.7\nnothing of a PDF\n").await;
    let broken = format!("{}/{}", path(&session), broken.expect(202)["id"].as_str().unwrap());
    eventually("it is given up", || async {
        tenant.get(&broken).await.expect(200)["state"] == "failed"
    })
    .await;
    assert_eq!(ask(&tenant, &session, vague).await["outcome"], "clarification");
    let attached = attach(&tenant, &session, "valve.md", VALVE).await;
    let answer = ask(&tenant, &session, vague).await;
    assert_eq!(answer["outcome"], "answered", "{answer}");
    assert!(cites(&answer, &attached), "{answer}");
    let trace = format!("/v1/messages/{}/trace", answer["message_id"].as_str().unwrap());
    let trace = tenant.get(&trace).await.expect(200);
    let candidates = trace["candidates"].as_array().unwrap();
    let found: Vec<_> = candidates.iter().map(|candidate| &candidate["document_id"]).collect();
    assert_eq!(found, [&attached["id"]], "{trace}");
}

#[tokio::test]
async fn a_model_decides_whether_a_file_answers_what_does_not_name_its_words() {
    let model = Arc::new(ScriptedModel::default());
    let app =
        TestApp::start_with(&[("PIDIMA_CHAT_MIN_EVIDENCE", "50")], Arc::clone(&model) as Arc<_>)
            .await;
    let tenant = app.tenant("acme").await;
    tenant.learn("pumps.md", GUIDE).await;
    let question = "Please summarise the contract";
    model.on(question, Script::answer(&["A valve opens ", "[1]."], FinishReason::Stop));
    let session = open(&tenant, &json!({})).await;
    assert_eq!(ask(&tenant, &session, question).await["outcome_reason"], "below_threshold");
    attach(&tenant, &session, "valve.md", VALVE).await;
    assert_eq!(ask(&tenant, &session, question).await["outcome"], "answered");
}

//! An answer without what is still being read says so.

use serde_json::{Value, json};

use super::{QUESTION, VALVE, ask, cites, idle, items, open, path, send};
use crate::support::TestTenant;

async fn trace(tenant: &TestTenant, answer: &Value) -> Value {
    let path = format!("/v1/messages/{}/trace", answer["message_id"].as_str().unwrap());
    tenant.get(&path).await.expect(200)
}

#[tokio::test]
async fn a_question_before_the_file_is_read_is_told_to_ask_again() {
    let app = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    let session = open(&tenant, &json!({})).await;
    let attached = send(&tenant, &session, "valve.md", VALVE.as_bytes()).await.expect(202);
    assert_eq!((&attached["state"], &attached["searchable"]), (&json!("received"), &json!(false)));
    let answer = ask(&tenant, &session, QUESTION).await;
    assert_eq!(answer["outcome"], "no_answer", "{answer}");
    assert_eq!(answer["outcome_reason"], "attachments_unread", "{answer}");
    assert!(answer["content"].as_str().unwrap().contains("still being read"), "{answer}");
    let unread = json!([{ "id": attached["id"], "name": "valve.md", "state": "received" }]);
    assert_eq!(trace(&tenant, &answer).await["unread_attachments"], unread);
    app.app.worker.run_until_idle().await.unwrap();
    let answer = ask(&tenant, &session, QUESTION).await;
    assert_eq!(answer["outcome"], "answered", "{answer}");
    assert!(cites(&answer, &attached));
    assert_eq!(trace(&tenant, &answer).await["unread_attachments"], json!([]));
}

#[tokio::test]
async fn an_answer_from_the_documentation_alone_names_in_its_trace_what_was_unread() {
    let app = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    tenant.upload("pumps.md", "# Pumps\n\nThe zarquon pump runs at 3 bar.\n").await.expect(202);
    app.app.worker.run_until_idle().await.unwrap();
    let session = open(&tenant, &json!({})).await;
    send(&tenant, &session, "valve.md", VALVE.as_bytes()).await.expect(202);
    let answer = ask(&tenant, &session, "At how many bar does the zarquon pump run?").await;
    assert_eq!(answer["outcome"], "answered", "{answer}");
    assert_eq!(trace(&tenant, &answer).await["unread_attachments"][0]["name"], "valve.md");
    // A question that the documentation does not answer may be one about the file.
    let answer = ask(&tenant, &session, QUESTION).await;
    assert_eq!(answer["outcome_reason"], "attachments_unread", "{answer}");
}

#[tokio::test]
async fn one_that_cannot_be_read_is_not_waited_for_and_shows_why() {
    let app = idle(&[]).await;
    let tenant = app.tenant("acme").await;
    let session = open(&tenant, &json!({})).await;
    send(&tenant, &session, "broken.pdf", b"%PDF-1.7\nnothing of a PDF\n").await.expect(202);
    app.app.worker.run_until_idle().await.unwrap();
    let shown = items(&tenant, &path(&session)).await.remove(0);
    assert_eq!(shown["state"], "failed", "{shown}");
    assert!(shown["failure"]["code"].is_string(), "{shown}");
    let answer = ask(&tenant, &session, QUESTION).await;
    assert_eq!(answer["outcome_reason"], "no_candidates", "{answer}");
    let unread = &trace(&tenant, &answer).await["unread_attachments"][0];
    assert_eq!((&unread["name"], &unread["state"]), (&json!("broken.pdf"), &json!("failed")));
}

#[tokio::test]
async fn what_a_model_can_not_answer_meanwhile_is_told_to_be_asked_again() {
    let app = idle(&[("PIDIMA_CHAT_MIN_EVIDENCE", "0")]).await;
    let tenant = app.tenant("acme").await;
    tenant.upload("pumps.md", "# Pumps\n\nThe zarquon pump runs at 3 bar.\n").await.expect(202);
    app.app.worker.run_until_idle().await.unwrap();
    let session = open(&tenant, &json!({})).await;
    send(&tenant, &session, "valve.md", VALVE.as_bytes()).await.expect(202);
    let answer = ask(&tenant, &session, "Who painted the lighthouse of Ankaret?").await;
    assert_eq!(answer["outcome_reason"], "attachments_unread", "{answer}");
    let content = answer["content"].as_str().unwrap();
    assert!(content.contains("does not answer"), "{answer}");
    assert!(content.ends_with("Ask again in a moment."), "{answer}");
}

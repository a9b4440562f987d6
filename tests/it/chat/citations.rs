//! A citation leads back to the words that it stands for, in the version that was read, for whoever may read the answer.

use serde_json::{Value, json};

use super::{GUIDE, no_run_is_left, open_session, seen};
use crate::support::{TestApp, TestTenant};

const QUESTION: &str = "For how many days do keys live?";

fn citation(answer: &Value) -> String {
    let id = answer["citations"][0]["id"].as_str();
    format!("/v1/citations/{}", id.unwrap_or_else(|| panic!("nothing is cited: {answer}")))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn prepared() -> (TestApp, TestTenant, Value) {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let document = tenant.learn("guide.md", GUIDE).await;
    (app, tenant, document)
}

#[tokio::test]
async fn a_citation_shows_its_quote_in_the_text_around_it() {
    let (app, tenant, document) = prepared().await;
    let answer = tenant.ask(QUESTION).await;
    let shown = tenant.get(&citation(&answer)).await.expect(200);
    assert_eq!(shown["citation"], answer["citations"][0]);
    assert_eq!(shown["message_id"], answer["message_id"]);
    assert_eq!(shown["document"]["id"], document["id"]);
    assert_eq!(shown["document"]["name"], "guide.md");
    assert_eq!(shown["superseded_by"], Value::Null);
    let context = &shown["context"];
    assert_eq!(context["quote"], shown["citation"]["quote"]);
    // Before, quote and after are one piece of the stored text.
    let stored: String = sqlx::query_scalar("select body from app.document_texts")
        .fetch_one(&app.database.admin())
        .await
        .unwrap();
    let piece = format!(
        "{}{}{}",
        text(&context["before"]),
        text(&context["quote"]),
        text(&context["after"])
    );
    assert_eq!(piece, stored, "the text is shorter than the context");
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn the_context_is_as_long_as_was_asked_for_and_no_longer_than_the_limit() {
    let (app, tenant, _) = prepared().await;
    let answer = tenant.ask("What is the limit of requests?").await;
    let path = citation(&answer);
    for (asked, most) in [("0", 0), ("7", 7), ("4000", 4_000)] {
        let shown = tenant.get(&format!("{path}?context_chars={asked}")).await.expect(200);
        for side in ["before", "after"] {
            let length = text(&shown["context"][side]).chars().count();
            assert!(length <= most && (most > 7 || length == most), "{asked} {side}: {length}");
        }
    }
    for bad in ["4001", "-1", "x"] {
        assert_eq!(tenant.get(&format!("{path}?context_chars={bad}")).await.status, 422, "{bad}");
    }
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn a_citation_is_stale_once_a_newer_version_is_read_and_still_shows_the_old_words() {
    let (app, tenant, document) = prepared().await;
    let session = open_session(&tenant, &json!({})).await;
    let messages = format!("/v1/sessions/{session}/messages");
    let answer = tenant.post(&messages, &json!({ "content": QUESTION })).await.expect(200);
    let message = format!("/v1/messages/{}", text(&answer["message_id"]));
    assert_eq!(answer["citations"][0]["stale"], false);
    // Equal at the moment of answering.
    assert_eq!(seen(&tenant.get(&message).await.expect(200)), seen(&answer));

    let newer = GUIDE.replace("90 days", "30 days");
    let updated = tenant.learn("guide.md", &newer).await;
    assert_eq!(updated["id"], document["id"]);
    let shown = tenant.get(&citation(&answer)).await.expect(200);
    assert_eq!(shown["citation"]["stale"], true);
    assert_eq!(shown["superseded_by"]["version_number"], 2);
    assert_eq!(shown["context"]["quote"], "Keys live for 90 days.");
    let history = tenant.get(&messages).await.expect(200);
    let listed = &history["items"][1]["citations"][0];
    assert_eq!(listed["stale"], true);
    assert_eq!(tenant.get(&message).await.expect(200)["citations"][0], *listed);
    // But for that nothing of the answer has changed.
    let mut as_given = listed.clone();
    as_given["stale"] = json!(false);
    assert_eq!(as_given, answer["citations"][0]);
    assert_eq!(tenant.ask(QUESTION).await["citations"][0]["stale"], false);
    let stale: Vec<bool> =
        sqlx::query_scalar("select stale from analytics.citations order by citation_id")
            .fetch_all(&app.database.admin())
            .await
            .unwrap();
    assert_eq!(stale, [true, false]);

    let path = format!("/v1/documents/{}", text(&document["id"]));
    assert!(tenant.delete(&path).await.status.is_success());
    let shown = tenant.get(&citation(&answer)).await.expect(200);
    assert_eq!(shown["citation"]["stale"], true);
    assert_eq!(shown["citation"]["quote"], "Keys live for 90 days.");
    for gone in ["document", "superseded_by", "context"] {
        assert_eq!(shown[gone], Value::Null, "{gone}");
    }
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn the_link_leads_to_the_section_or_else_to_the_words() {
    let (app, tenant, document) = prepared().await;
    let plain = "The pump of the yellow house runs at 3 bar.\n";
    let other = tenant.learn("pump.txt", plain).await;
    for (id, url) in [
        (&document["id"], "https://docs.example/guide"),
        (&other["id"], "https://docs.example/pump"),
    ] {
        let path = format!("/v1/documents/{}", text(id));
        tenant.patch(&path, &json!({ "source_url": url })).await.expect(200);
    }
    let answer = tenant.ask(QUESTION).await;
    assert_eq!(answer["citations"][0]["url"], "https://docs.example/guide#keys");
    let answer = tenant.ask("At how many bar does the pump of the yellow house run?").await;
    assert_eq!(
        answer["citations"][0]["url"],
        "https://docs.example/pump#:~:text=The%20pump%20of%20the%20yellow%20house%20runs%20at%203%20bar."
    );
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn who_may_not_read_the_answer_finds_no_citation() {
    let (app, tenant, _) = prepared().await;
    let (ada, bob) = (tenant.as_member("member").await, tenant.as_member("member").await);
    let answer = ada.ask(QUESTION).await;
    let path = citation(&answer);
    ada.get(&path).await.expect(200);
    let absent = bob.get(&format!("/v1/citations/{}", uuid::Uuid::now_v7())).await;
    let foreign = bob.get(&path).await;
    assert_eq!(foreign.status, 404);
    assert_eq!(foreign.json()["detail"], absent.json()["detail"]);
    // Who sees all conversations sees it, and that is noted.
    tenant.as_member("admin").await.get(&path).await.expect(200);
    let noted: i64 = sqlx::query_scalar(
        "select count(*) from app.audit_events where action = 'conversation.read' and target_id = $1",
    )
    .bind(text(&answer["message_id"]))
    .fetch_one(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(noted, 1);
    no_run_is_left(&app).await;
}

//! Conversations: what was said before counts, in its own session and in no other.

use std::sync::Arc;

use pidima::adapters::models::{ExtractiveModel, FinishReason};
use pidima::app::Outside;
use serde_json::json;

use super::{GUIDE, history, no_run_is_left, open_session, scripted};
use crate::support::{ProbedEmbedder, Script, TestApp, TestTenant, eventually};

#[tokio::test]
async fn a_follow_up_is_searched_with_what_the_conversation_adds() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let webhooks = "# Webhooks\n\nA webhook is a call to your server. A webhook that is refused three times is switched off.\n";
    tenant.learn("webhooks.md", webhooks).await;
    tenant
        .learn("lamps.md", "# Lamps\n\nA lamp is a light. A lamp is switched off at noon.\n")
        .await;
    let session = open_session(&tenant, &json!({})).await;
    let path = format!("/v1/sessions/{session}/messages");
    let first = json!({ "content": "What is a webhook?" });
    tenant.post(&path, &first).await.expect(200);
    let follow_up = json!({ "content": "And when is it switched off?" });
    let answer = tenant.post(&path, &follow_up).await.expect(200);
    let standalone: Vec<String> =
        sqlx::query_scalar("select standalone_question from analytics.answers order by asked_at")
            .fetch_all(&app.database.admin())
            .await
            .unwrap();
    assert_eq!(standalone[0], "What is a webhook?");
    assert!(standalone[1].contains("webhook"), "{standalone:?}");
    assert_eq!(answer["outcome"], "answered", "{answer}");
    // Lamps are switched off too; the conversation is about webhooks.
    assert_eq!(answer["citations"][0]["document_title"], "Webhooks", "{answer}");
    let first: String = sqlx::query_scalar(
        "select d.title
        from app.runs r
        join app.retrievals t on t.run_id = r.run_id and t.rank = 1
        join app.documents d on d.document_id = t.document_id
        where r.standalone_question = $1",
    )
    .bind(&standalone[1])
    .fetch_one(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(first, "Webhooks");
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn two_sessions_at_once_do_not_mix() {
    let (app, model) = scripted().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let [one, two] = [
        open_session(&tenant, &json!({})).await,
        open_session(&tenant, &json!({ "title": "Mine" })).await,
    ];
    for number in 0..8 {
        let ask = |session: &str, who: &str| {
            let question = format!("{who} {number}");
            let answer = format!("Answer to {who} {number}. [1]");
            model.on(&question, Script::answer(&[&answer], FinishReason::Stop));
            let path = format!("/v1/sessions/{session}/messages");
            let tenant = tenant.clone();
            async move { tenant.post(&path, &json!({ "content": question })).await.expect(200) }
        };
        tokio::join!(ask(&one, "Ann"), ask(&two, "Ben"));
    }
    for (session, who, other) in [(&one, "Ann", "Ben"), (&two, "Ben", "Ann")] {
        let messages = history(&tenant, session).await;
        assert_eq!(messages.len(), 16);
        for (place, message) in messages.iter().enumerate() {
            let number = place / 2;
            let content = message["content"].as_str().unwrap();
            let expected = if place % 2 == 0 {
                format!("{who} {number}")
            } else {
                format!("Answer to {who} {number}. [1]")
            };
            assert_eq!(content, expected);
        }
        let foreign = model.prompts().into_iter().filter(|prompt| {
            prompt.question.starts_with(who)
                && prompt.history.iter().any(|turn| turn.content.contains(other))
        });
        assert_eq!(foreign.count(), 0);
    }
    let last = model.prompts().into_iter().find(|prompt| prompt.question == "Ann 7").unwrap();
    assert_eq!(last.history.len(), 10, "as many turns as are given to a model");
    assert_eq!(last.history[9].content, "Answer to Ann 6. [1]");
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn only_the_collections_that_were_named_are_asked() {
    let (app, model) = scripted().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let other = tenant.post("/v1/collections", &json!({ "name": "other" })).await.expect(201);
    let other = other["id"].as_str().unwrap();
    model.on("How long do keys live?", Script::answer(&["90 days. [1]"], FinishReason::Stop));
    let limited = json!({ "question": "How long do keys live?", "collection_ids": [other] });
    let answer = tenant.post("/v1/answers", &limited).await.expect(200);
    assert_eq!(answer["outcome_reason"], "no_candidates");

    let session = open_session(&tenant, &json!({ "collection_ids": [other] })).await;
    let path = format!("/v1/sessions/{session}/messages");
    let body = json!({ "content": "How long do keys live?" });
    let answer = tenant.post(&path, &body).await.expect(200);
    assert_eq!(answer["outcome_reason"], "no_candidates");
    assert!(model.prompts().is_empty());

    // A collection that goes away between two questions is told, not searched as if it were all.
    assert_eq!(tenant.delete(&format!("/v1/collections/{other}")).await.status, 204);
    assert_eq!(tenant.post(&path, &body).await.status, 404);
    assert_eq!(tenant.post("/v1/answers", &limited).await.status, 404);
    assert_eq!(tenant.ask("How long do keys live?").await["outcome"], "answered");
    no_run_is_left(&app).await;
}

/// A tenant that has learned the guide, and what tells which questions are embedded from then on.
async fn probed() -> (TestApp, TestTenant, Arc<ProbedEmbedder>) {
    let embedder = ProbedEmbedder::new().await;
    let models = Arc::new(ExtractiveModel).into();
    let outside = Outside { embedder: Arc::clone(&embedder) as Arc<_>, models };
    let app = TestApp::start_outside(&[], outside).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    embedder.take_queries();
    (app, tenant, embedder)
}

#[tokio::test]
async fn a_question_is_embedded_once_and_a_follow_up_as_what_it_means() {
    let (app, tenant, embedder) = probed().await;
    let session = open_session(&tenant, &json!({})).await;
    let path = format!("/v1/sessions/{session}/messages");
    for (question, meant) in [("How long do keys live?", false), ("And after that?", true)] {
        tenant.post(&path, &json!({ "content": question })).await.expect(200);
        let embedded = embedder.take_queries();
        assert_eq!(embedded.len(), 1, "{embedded:?}");
        assert_eq!(embedded[0] != question, meant, "{embedded:?}");
    }
    // Where nothing is searched nothing is embedded.
    let unknown = json!({ "content": "Which?", "assistant_id": uuid::Uuid::nil() });
    assert!(!tenant.post(&path, &unknown).await.status.is_success());
    assert!(embedder.take_queries().is_empty());
    no_run_is_left(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_embedded_while_it_is_being_stored_and_not_again() {
    let (app, tenant, embedder) = probed().await;
    let admin = app.database.admin();
    let mut held = admin.begin().await.unwrap();
    sqlx::query("lock table app.quota_reservations in exclusive mode")
        .execute(&mut *held)
        .await
        .unwrap();
    let asker = tenant.clone();
    let asking = tokio::spawn(async move { asker.ask("How long do keys live?").await });
    eventually("the question is embedded", || async { embedder.seen_queries() == 1 }).await;
    let stored: i64 =
        sqlx::query_scalar("select count(*) from app.messages").fetch_one(&admin).await.unwrap();
    assert_eq!((stored, asking.is_finished()), (0, false));
    held.rollback().await.unwrap();
    let answer = asking.await.unwrap();
    assert_eq!(embedder.take_queries(), ["How long do keys live?"]);
    let asked_again = tenant.ask("How long do keys live?").await;
    assert_eq!(answer["content"], asked_again["content"], "it searched with that vector");
    no_run_is_left(&app).await;
}

//! Long conversations are summarised, once for each step that they grow by.

use super::*;
use crate::support::eventually;

const NOTES: &str = "What are the notes of this conversation?";

async fn count(app: &TestApp) -> i64 {
    let sql = "select count(*) from app.session_summaries where content = 'Ann asks about keys.'";
    sqlx::query_scalar(sql).fetch_one(&app.database.admin()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_part_of_a_long_conversation_is_told_in_short() {
    let model = Arc::new(ScriptedModel::default());
    let outside = Outside { embedder: Arc::new(minilm().await), models: Arc::clone(&model).into() };
    let app = TestApp::start_outside(&[("PIDIMA_CHAT_HISTORY_MESSAGES", "2")], outside).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    model.on(NOTES, Script::answer(&["Ann asks ", "about keys."], FinishReason::Stop));
    let opened = tenant.post("/v1/sessions", &json!({})).await.expect(201);
    let path = format!("/v1/sessions/{}/messages", opened["id"].as_str().unwrap());
    let say = async |number: usize| {
        let question = format!("Question {number}: how long do keys live?");
        model.on(&question, Script::answer(&["Keys live for 90 days. [1]"], FinishReason::Stop));
        tenant.post(&path, &json!({ "content": question })).await.expect(200);
        let asked = model.prompts().into_iter().rfind(|prompt| prompt.question == question);
        asked.unwrap()
    };
    let notes = || model.prompts().into_iter().filter(|prompt| prompt.question == NOTES).count();
    say(1).await;
    assert_eq!(count(&app).await, 0, "two messages are told as they are");
    say(2).await;
    eventually("there is a summary", || async { count(&app).await == 1 }).await;
    let third = say(3).await;
    assert!(third.message.contains("Ann asks about keys."), "{}", third.message);
    let told: Vec<&str> = third.history.iter().map(|turn| turn.content.as_str()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("Question 2"));
    eventually("the next step is summarised too", || async { notes() == 2 }).await;
    let first_notes = model.prompts().into_iter().find(|prompt| prompt.question == NOTES).unwrap();
    assert!(
        first_notes.message.contains("User: Question 1")
            && !first_notes.message.contains("Question 2")
    );
}

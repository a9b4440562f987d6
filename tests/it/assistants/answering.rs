//! Which configuration answers, and what is kept of it.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_a_default_assistant_which_answers_where_none_is_named() {
    let (app, model, tenant) = start().await;
    let id = default_id(&tenant).await;
    ask(&tenant, json!({})).await.expect(200);
    ask(&tenant, json!({ "assistant_id": id })).await.expect(200);
    let runs = runs(&app).await;
    assert_eq!((&runs[0].0, runs[0].1), (&id, Some(1)));
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0].2.len(), 64);
    let prompts = model.prompts();
    assert!(prompts[0].instructions.contains("in the language of the question"));
    let hashes: Vec<Option<String>> =
        sqlx::query_scalar("select prompt_sha256 from analytics.answers order by run_id")
            .fetch_all(&app.database.admin())
            .await
            .unwrap();
    // The marker is another one each time, the prompt is not.
    assert_ne!(prompts[0].message, prompts[1].message);
    assert!(hashes[0].is_some() && hashes[0] == hashes[1], "{hashes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_draft_answers_from_the_next_question_on_and_not_before() {
    let (app, model, tenant) = start().await;
    let draft = json!({
        "instructions": "Speak like a pirate.",
        "style": "steps",
        "language": "de-ch",
        "temperature": 0.35,
        "max_output_tokens": 77,
    });
    let id = create(&tenant, "pirate", draft).await;
    let refused = ask(&tenant, json!({ "assistant_id": id })).await;
    assert!(refused.text().contains("publish its draft"), "{}", refused.text());
    refused.expect(409);
    publish(&tenant, &id).await;
    ask(&tenant, json!({ "assistant_id": id })).await.expect(200);
    let prompt = model.prompts().pop().unwrap();
    for said in ["Speak like a pirate.", "numbered steps", "the tag de-CH"] {
        assert!(prompt.instructions.contains(said), "{}", prompt.instructions);
    }
    assert_eq!(prompt.max_output_tokens, 77);
    assert!((prompt.temperature - 0.35).abs() < 1e-6);

    change(&tenant, &id, json!({ "instructions": "Speak like a clerk." })).await;
    ask(&tenant, json!({ "assistant_id": id })).await.expect(200);
    assert!(model.prompts().pop().unwrap().instructions.contains("pirate"));
    assert_eq!(publish(&tenant, &id).await["published_version"], 2);
    ask(&tenant, json!({ "assistant_id": id })).await.expect(200);
    assert!(model.prompts().pop().unwrap().instructions.contains("clerk"));
    let made = runs(&app).await;
    let versions: Vec<Option<i32>> = made.iter().map(|run| run.1).collect();
    assert_eq!(versions, [Some(1), Some(1), Some(2)]);
    assert!(made[0].2 == made[1].2 && made[1].2 != made[2].2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_tried_by_editors_alone_and_its_run_names_no_version() {
    let (app, model, tenant) = start().await;
    let id = create(&tenant, "pirate", json!({ "instructions": "Speak like a pirate." })).await;
    let body = json!({ "assistant_id": id, "draft": true });
    ask(&tenant.with_role("editor").await, body.clone()).await.expect(200);
    assert!(model.prompts().pop().unwrap().instructions.contains("pirate"));
    ask(&tenant.with_role("member").await, body).await.expect(403);
    assert_eq!(model.prompts().len(), 1);
    let runs = runs(&app).await;
    assert_eq!((&runs[0].0, runs[0].1), (&id, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_its_assistant_until_that_is_deleted() {
    let (app, model, tenant) = start().await;
    let id = create(&tenant, "pirate", json!({ "instructions": "Speak like a pirate." })).await;
    tenant.post("/v1/sessions", &json!({ "assistant_id": id })).await.expect(409);
    publish(&tenant, &id).await;
    let opened = tenant.post("/v1/sessions", &json!({ "assistant_id": id })).await.expect(201);
    assert_eq!(opened["assistant_id"], json!(id));
    let path = format!("/v1/sessions/{}/messages", opened["id"].as_str().unwrap());
    let question = json!({ "content": QUESTION });
    tenant.post(&path, &question).await.expect(200);
    assert!(model.prompts().pop().unwrap().instructions.contains("pirate"));
    assert_eq!(runs(&app).await[0].0, id);

    tenant.delete(&format!("/v1/assistants/{id}")).await.expect(204);
    tenant.get(&format!("/v1/assistants/{id}")).await.expect(404);
    let refused = tenant.post(&path, &question).await;
    assert!(refused.text().contains("open another session"), "{}", refused.text());
    refused.expect(409);
    ask(&tenant, json!({ "assistant_id": id })).await.expect(404);
    assert_eq!(tenant.get(&path).await.expect(200)["items"].as_array().unwrap().len(), 2);
    // Its name is free again, and what it was is still to be seen by analysts.
    create(&tenant, "pirate", json!({})).await;
    let kept: i64 = sqlx::query_scalar(
        "select count(*) from analytics.assistant_versions v join analytics.assistants a using (assistant_id)
        where a.assistant_id::text = $1 and a.deleted_at is not null
            and v.configuration ->> 'instructions' = 'Speak like a pirate.'",
    )
    .bind(&id)
    .fetch_one(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(kept, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_into_the_prompt_is_left_out_and_noted() {
    let model = Arc::new(ScriptedModel::default());
    let outside = Outside { embedder: Arc::new(minilm().await), models: Arc::clone(&model).into() };
    let app = TestApp::start_outside(&[("PIDIMA_CHAT_CONTEXT_TOKENS", "3072")], outside).await;
    let tenant = app.tenant("acme").await;
    for page in 0..6 {
        let text =
            format!("# Keys {page}\n\n{}", "Keys of the server live for 90 days. ".repeat(30));
        tenant.learn(&format!("{page}.md"), &text).await;
    }
    model.on(QUESTION, Script::answer(&["Keys live for 90 days. [1] [8]"], FinishReason::Stop));
    let answer = ask(&tenant, json!({})).await.expect(200);
    let content = answer["content"].as_str().unwrap();
    assert!(content.starts_with("Keys live for 90 days. [1]"), "{content}");
    assert!(!content.contains("[8]"), "no marker of what was left out: {content}");
    let prompt = model.prompts().pop().unwrap();
    assert!(
        prompt.passages.len() < 6 && prompt.message.ends_with(&format!("Question: {QUESTION}"))
    );
    let (left_out, used): (Value, i64) = sqlx::query_as(
        "select r.prompt_left_out, (select count(*) from app.retrievals t where t.run_id = r.run_id and t.used)
        from app.runs r",
    )
    .fetch_one(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(usize::try_from(used).unwrap(), prompt.passages.len());
    assert_eq!(left_out[0]["part"], "passage");
    assert_eq!(left_out[0]["reason"], "context_budget");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_enough_evidence_no_model_is_asked_and_the_reader_is_told_so() {
    let (_app, model, tenant) = start().await;
    let id = create(&tenant, "careful", json!({ "min_evidence": 100, "language": "de" })).await;
    publish(&tenant, &id).await;
    let answer = ask(&tenant, json!({ "assistant_id": id })).await.expect(200);
    assert_eq!(answer["outcome"], "no_answer");
    assert_eq!(answer["outcome_reason"], "below_threshold");
    assert!(answer["content"].as_str().unwrap().starts_with("Die durchsuchte"), "{answer}");
    assert!(model.prompts().is_empty());
    change(&tenant, &id, json!({ "min_evidence": 5 })).await;
    publish(&tenant, &id).await;
    let answer = ask(&tenant, json!({ "assistant_id": id })).await.expect(200);
    assert_eq!(answer["outcome"], "answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_without_a_subject_is_answered_by_a_question_unless_the_assistant_says_no() {
    let (_app, model, tenant) = start().await;
    let vague = json!({ "question": "And what about this?" });
    let answer = tenant.post("/v1/answers", &vague).await.expect(200);
    assert_eq!(answer["outcome"], "clarification");
    assert_eq!(answer["outcome_reason"], "too_vague");
    assert!(answer["content"].as_str().unwrap().ends_with('.') && model.prompts().is_empty());
    let default = default_id(&tenant).await;
    change(&tenant, &default, json!({ "ask_back": false })).await;
    publish(&tenant, &default).await;
    model.on("And what about this?", Script::answer(&["Keys. [1]"], FinishReason::Stop));
    let answer = tenant.post("/v1/answers", &vague).await.expect(200);
    assert_eq!(answer["outcome"], "answered", "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assistant_whose_providers_are_all_gone_asks_no_other_and_says_so() {
    let (app, model, tenant) = start().await;
    let id = create(&tenant, "far", json!({})).await;
    // As the operator leaves it, who takes a provider away that was named.
    sqlx::query(r#"update app.assistants set draft = draft || '{"providers": ["gone"]}' where assistant_id = $1::uuid"#)
        .bind(&id)
        .execute(&app.database.admin())
        .await
        .unwrap();
    publish(&tenant, &id).await;
    let refused = ask(&tenant, json!({ "assistant_id": id })).await.expect(409);
    assert!(refused["detail"].as_str().unwrap().contains("providers"), "{refused}");
    assert!(model.prompts().is_empty(), "passages go to nobody whom the editors did not name");
    change(&tenant, &id, json!({ "providers": null })).await;
    publish(&tenant, &id).await;
    ask(&tenant, json!({ "assistant_id": id })).await.expect(200);
}

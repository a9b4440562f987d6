//! What is written, where it is used, and what is taken out of it.

use super::writer::CONTEXT_WORD;
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_found_by_what_a_model_wrote_and_cited_by_its_own_words() {
    let house = House::new(&[]).await;
    let id = house.upload("guide.md", &guide()).await;
    let done = house.enriched(&id, "completed").await;
    assert_eq!((&done["passages"], &done["contexts"]), (&json!(3), &json!(3)), "{done}");
    assert_eq!(done["summary"], "It tells how the machine runs.");
    let questions = json!(["When does the pump run?", "When does the motor rest?"]);
    assert_eq!(done["suggested_questions"], questions);

    let found = house.found(CONTEXT_WORD).await;
    assert_eq!(found.len(), 3);
    for hit in &found {
        let text = hit["text"].as_str().unwrap();
        assert!(!text.contains(CONTEXT_WORD), "{text}");
        assert!(text.contains("runs at night"), "{text}");
    }
    let document: i64 = house
        .count("select count(*) from app.chunks c join app.document_texts t on t.version_id = c.version_id where substring(t.body from c.char_start + 1 for c.char_end - c.char_start) = c.body and c.context is not null")
        .await;
    assert_eq!(document, 3, "passages are still those of the text");

    let answer = house.tenant.ask(&format!("When does the {CONTEXT_WORD} run?")).await;
    let quote = answer["citations"][0]["quote"].as_str().unwrap();
    assert!(quote.contains("runs at night") && !quote.contains(CONTEXT_WORD), "{quote}");
    let asked = house.writer.prompts().pop().unwrap();
    assert!(asked.passages.iter().all(|passage| !passage.text.contains(CONTEXT_WORD)));
    assert_eq!(asked.message.matches(CONTEXT_WORD).count(), 1, "the question alone: {asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_calls_about_a_document_begin_alike_so_that_a_provider_reads_it_once() {
    let house = House::new(&[]).await;
    let id = house.upload("guide.md", &guide()).await;
    house.enriched(&id, "completed").await;
    let prompts = house.writer.prompts();
    assert_eq!(prompts.len(), 4);
    for prompt in &prompts[1..] {
        assert_eq!(prompt.instructions, prompts[0].instructions);
        assert_eq!(prompt.history, prompts[0].history);
        assert_ne!(prompt.message, prompts[0].message);
    }
    let document = &prompts[0].history[0].content;
    assert!(document.contains("The pump of") && document.contains("The motor of"), "{document}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_writes_is_data_and_no_longer_than_it_may_be() {
    let settings = [
        ("PIDIMA_ENRICHMENT_CONTEXT_CHARS", "40"),
        ("PIDIMA_ENRICHMENT_SUMMARY_CHARS", "50"),
        ("PIDIMA_ENRICHMENT_QUESTIONS", "1"),
        ("PIDIMA_ENRICHMENT_QUESTION_CHARS", "20"),
    ];
    let house = House::new(&settings).await;
    let bad =
        "![x](https://evil.example/p.png) <script>run()</script> [here](https://evil.example/?q=1)";
    house.writer.reply_next(&format!(
        "{bad} {}\nQ: {}\nQ: When is it night?\nQ: When is it day?",
        "word ".repeat(40),
        "long ".repeat(10)
    ));
    house.writer.reply_next(&format!("{bad} {}", "word ".repeat(40)));
    let id = house.upload("guide.md", &guide()).await;
    let done = house.enriched(&id, "completed").await;
    let summary = done["summary"].as_str().unwrap();
    assert!(summary.chars().count() <= 50, "{summary}");
    assert_eq!(done["suggested_questions"], json!(["When is it night?"]));
    let contexts: Vec<String> =
        sqlx::query_scalar("select context from app.chunks where context is not null")
            .fetch_all(&house.app.database.admin())
            .await
            .unwrap();
    assert_eq!(contexts.len(), 3);
    for text in contexts.iter().map(String::as_str).chain([summary]) {
        for part in ["evil.example", "<script", "!["] {
            assert!(!text.contains(part), "{text}");
        }
        assert!(text.chars().count() <= 50, "{text}");
    }
    assert!(contexts.iter().all(|context| context.chars().count() <= 40), "{contexts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_one_passage_gets_a_summary_and_no_context() {
    let house = House::new(&[]).await;
    let id = house.upload("note.md", "# Pump\n\nThe pump runs at night.\n").await;
    let done = house.enriched(&id, "completed").await;
    assert_eq!((&done["passages"], &done["contexts"]), (&json!(0), &json!(0)));
    assert_eq!(house.asked(), ["Overview"]);
    assert!(house.found(CONTEXT_WORD).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_of_a_collection_are_told_to_who_may_search_it() {
    let house = House::new(&[]).await;
    let first = house.upload("guide.md", &guide()).await;
    house.enriched(&first, "completed").await;
    let second = house.upload("note.md", "# Motor\n\nThe motor rests by day.\n").await;
    house.enriched(&second, "completed").await;
    let path = format!("/v1/collections/{}/suggested_questions", house.collection);
    let member = house.tenant.with_role("member").await;
    let told = member.get(&path).await.expect(200);
    let documents: Vec<&str> = told["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["document_id"].as_str().unwrap())
        .collect();
    assert_eq!(documents, [&second, &first, &second, &first], "one of each before a second one");
    for (limit, count) in [(1, 1), (3, 3), (50, 4)] {
        let told = member.get(&format!("{path}?limit={limit}")).await.expect(200);
        assert_eq!(told["items"].as_array().unwrap().len(), count);
    }
    member.get(&format!("{path}?limit=51")).await.expect(422);
    member.get(&format!("{path}?limit=0")).await.expect(422);
    let hidden = json!({ "name": "few" });
    let group = house.tenant.post("/v1/groups", &hidden).await.expect(201);
    change(&house.tenant, &house.collection, json!({ "group_ids": [group["id"]] })).await;
    member.get(&path).await.expect(404);
    member.get(&format!("/v1/documents/{first}/enrichment")).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_told_to_keys_and_widgets_that_reach_the_collection() {
    let house = House::new(&[]).await;
    let id = house.upload("guide.md", &guide()).await;
    house.enriched(&id, "completed").await;
    let other = collection(&house.tenant, "others", "off").await;
    let path = format!("/v1/collections/{}/suggested_questions", house.collection);
    for (reached, is_told) in [(&house.collection, true), (&other, false)] {
        let body = json!({ "name": "limited", "role": "member", "collection_ids": [reached] });
        let key = house.tenant.post("/v1/api_keys", &body).await.expect(201);
        let limited = house.tenant.with_key(key["secret"].as_str().unwrap());
        let body = json!({
            "name": "widget",
            "role": "member",
            "kind": "publishable",
            "allowed_origins": ["https://www.example.com"],
            "collection_ids": [reached],
        });
        let key = house.tenant.post("/v1/api_keys", &body).await.expect(201);
        let page = house.tenant.with_key(key["secret"].as_str().unwrap());
        let body = json!({ "api_key_id": key["api_key"]["id"], "end_user": { "id": "a reader" } });
        let token = house.tenant.post("/v1/widget_tokens", &body).await.expect(201);
        let widget = house.tenant.with_key(token["token"].as_str().unwrap());
        let mut replies = vec![limited.get(&path).await];
        for widget in [page, widget] {
            let request = widget.request(Method::GET, &path);
            replies.push(widget.send(request.header("origin", "https://www.example.com")).await);
        }
        for reply in replies {
            if is_told {
                let told = reply.expect(200);
                assert_eq!(told["items"].as_array().unwrap().len(), 2, "{told}");
            } else {
                reply.expect(404);
            }
        }
    }
}

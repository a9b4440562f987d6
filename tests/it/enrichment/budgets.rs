//! What enrichment may cost: budgets of collection and tenant, the tenant's quotas, and where its cost is told.

use pidima::db::analysts;

use super::writer::CONTEXT_WORD;
use super::*;
use crate::analysts::script;

/// Calls that are made of a document of three passages before the work stands still or is done.
async fn calls(settings: &[(&str, &str)]) -> (House, String, usize) {
    let (house, _) = House::idle(settings).await;
    let id = house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.work().await;
    house.work().await;
    let calls = house.asked().len();
    (house, id, calls)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_made_while_something_of_the_budget_is_left() {
    for variable in ["PIDIMA_ENRICHMENT_COLLECTION_TOKENS", "PIDIMA_ENRICHMENT_TENANT_TOKENS"] {
        for (tokens, made) in [
            (0, 0),
            (2 * CALL_TOKENS - 1, 2),
            (2 * CALL_TOKENS, 2),
            (2 * CALL_TOKENS + 1, 3),
            (4 * CALL_TOKENS, 4),
        ] {
            let tokens = tokens.to_string();
            let (.., calls) = calls(&[(variable, &tokens)]).await;
            assert_eq!(calls, made, "{variable}={tokens}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_whose_budget_is_used_up_says_so_and_uses_what_it_has() {
    let budget = (2 * CALL_TOKENS).to_string();
    let (house, id, _) = calls(&[("PIDIMA_ENRICHMENT_COLLECTION_TOKENS", &budget)]).await;
    let shown = show(&house.tenant, &id).await;
    let reason = (&shown["state"], &shown["reason"]["code"], &shown["contexts"]);
    assert_eq!(reason, (&json!("waiting"), &json!("collection_budget"), &json!(1)), "{shown}");
    assert_eq!(house.found(CONTEXT_WORD).await.len(), 1, "what was paid for is of use");
    let path = format!("/v1/collections/{}", house.collection);
    let collection = house.tenant.get(&path).await.expect(200);
    assert_eq!(collection["enrichment_waits_for"], "collection_budget");

    let more = json!({ "enrichment_monthly_tokens": 1_000_000 });
    let raised = change(&house.tenant, &house.collection, more).await;
    assert_eq!(raised.get("enrichment_waits_for"), None, "{raised}");
    house.finish().await;
    assert_eq!(show(&house.tenant, &id).await["state"], "completed");
    assert_eq!(house.asked().len(), 4);
    assert_eq!(house.found(CONTEXT_WORD).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_is_over_does_not_count() {
    let budget = (2 * CALL_TOKENS).to_string();
    let (house, id, _) = calls(&[("PIDIMA_ENRICHMENT_COLLECTION_TOKENS", &budget)]).await;
    house.run("update app.enrichment_usage set month = (month - interval '1 month')::date").await;
    house.finish().await;
    assert_eq!(show(&house.tenant, &id).await["state"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quotas_of_a_tenant_count_it_as_tokens_and_as_no_question() {
    let (house, _) = House::idle(&[]).await;
    let quota = |measure: &str, hard: i64| json!({ "subject": "tenant", "measure": measure, "period": "day", "hard_limit": hard });
    let tokens = quota("tokens", 2 * CALL_TOKENS);
    let tokens = house.tenant.post("/v1/quotas", &tokens).await.expect(201);
    house.tenant.post("/v1/quotas", &quota("questions", 1)).await.expect(201);
    let one = json!({ "subject": "tenant", "measure": "concurrent_runs", "hard_limit": 1 });
    house.tenant.post("/v1/quotas", &one).await.expect(201);
    let id = house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.work().await;
    house.work().await;
    assert_eq!(house.asked().len(), 2);
    let shown = show(&house.tenant, &id).await;
    assert_eq!(shown["reason"]["code"], "tenant_quota", "{shown}");
    let usage = house.tenant.get("/v1/usage?subject=tenant").await.expect(200);
    let used = |measure: &str| {
        let rows = usage["items"].as_array().unwrap().iter();
        let row = rows.filter(|row| row["measure"] == measure && row["period"] == "day");
        row.map(|row| row["used"].as_i64().unwrap()).next().unwrap()
    };
    assert_eq!((used("tokens"), used("questions")), (2 * CALL_TOKENS, 0));

    let path = format!("/v1/quotas/{}", tokens["id"].as_str().unwrap());
    house.tenant.patch(&path, &json!({ "hard_limit": 1_000_000 })).await.expect(200);
    house.finish().await;
    house.tenant.ask("When does the pump run?").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn analysts_see_what_it_used_by_collection_day_and_purpose() {
    let (house, _) = House::idle(&[]).await;
    house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.finish().await;
    let month: (String, i64, i64, i64, i64) = sqlx::query_as(
        "select collection, calls, input_tokens, output_tokens, cached_input_tokens from analytics.enrichment_by_month",
    )
    .fetch_one(&house.app.database.admin())
    .await
    .unwrap();
    assert_eq!(month, ("guides".to_owned(), 4, 4_000, 40, 3_200));
    let day: (String, i64, i64, i64) = sqlx::query_as(
        "select purpose, questions, running, input_tokens + output_tokens from analytics.usage_of_subjects_by_day where model = 'writer-1'",
    )
    .fetch_one(&house.app.database.admin())
    .await
    .unwrap();
    assert_eq!(day, ("enrichment".to_owned(), 0, 0, 4 * CALL_TOKENS));
    let row: (String, i32, i32) =
        sqlx::query_as("select state, passages, contexts from analytics.enrichments")
            .fetch_one(&house.app.database.admin())
            .await
            .unwrap();
    assert_eq!(row, ("completed".to_owned(), 3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analyst_reads_what_was_written_of_the_version_in_search_by_a_login() {
    let (house, _) = House::idle(&[]).await;
    house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.finish().await;
    let url = house.app.database.admin_url();
    let days = analysts::DEFAULT_DAYS;
    let login = analysts::grant(&url, house.tenant.id, "enrichment-reads", days).await.unwrap();
    let written = "select state, contexts, summary from analytics.enrichments;\n";
    let spent = "select collection, calls, input_tokens from analytics.enrichment_by_month;\n";
    let told = script(&login, &format!("{written}{spent}")).await;
    assert_eq!(told, "completed|3|It tells how the machine runs.\nguides|4|4000\n");
    // The next version is in search, and nothing is written of it yet.
    change(&house.tenant, &house.collection, json!({ "enrichment": "off" })).await;
    house.learned("guide.md", &chapter("wheel")).await;
    assert_eq!(script(&login, written).await, "");
    let other = house.app.tenant("other").await;
    let login = analysts::grant(&url, other.id, "enrichment-other", days).await.unwrap();
    assert_eq!(script(&login, &format!("{written}{spent}")).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_reserves_the_price_of_the_most_that_it_may_use() {
    let (house, _) = House::idle(&[("PIDIMA_ENRICHMENT_MAX_OUTPUT_TOKENS", "1000")]).await;
    house.run("insert into app.models (provider, model, prompt_caching, system_prompt) values ('writer', 'writer-1', true, true)").await;
    house.run("insert into app.model_prices (provider, model, valid_from, input_usd, output_usd, source) values ('writer', 'writer-1', now() - interval '1 day', 1, 10, 'a test')").await;
    house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.writer.hold_next();
    let working = house.work_apart();
    house.writer.entered().await;
    let reserved = house
        .count("select reserved_cost_micro_usd - reserved_tokens from app.quota_reservations")
        .await;
    // A millionth of a dollar for each token read and ten for each written.
    assert_eq!(reserved, 9 * 1_000);
    house.writer.release();
    working.await.unwrap();
}

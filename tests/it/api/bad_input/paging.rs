//! Limits and cursors of lists.

use serde_json::{Value, json};

use crate::api::problem;
use crate::support::{TestApp, TestTenant};
use crate::uploads::begin;

/// Two collections, two sessions, two documents, two uploads, two keys: each list has a second page.
async fn fill(tenant: &TestTenant) {
    for name in ["a", "b"] {
        tenant.post("/v1/collections", &json!({ "name": name })).await.expect(201);
        tenant.post("/v1/sessions", &json!({ "title": name })).await.expect(201);
        tenant.upload(&format!("{name}.md"), "The pump.").await.expect(202);
        begin(tenant, &format!("{name}.md"), 10).await;
        tenant.with_role("member").await;
    }
}

const LISTS: [&str; 5] =
    ["/v1/collections", "/v1/sessions", "/v1/documents", "/v1/uploads", "/v1/api_keys"];

async fn cursor_of(tenant: &TestTenant, list: &str) -> String {
    let page = tenant.get(&format!("{list}?limit=1")).await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    page["next_cursor"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_list_or_tenant_or_none_at_all_is_refused() {
    let app = TestApp::start().await;
    let (own, other) = (app.tenant("cursors").await, app.tenant("cursors-other").await);
    fill(&own).await;
    fill(&other).await;
    for list in LISTS {
        let good = cursor_of(&own, list).await;
        own.get(&format!("{list}?cursor={good}")).await.expect(200);
        let mut bad = vec![String::new(), "garbage".to_owned(), "%00".to_owned(), "a".repeat(32)];
        bad.push(good[1..].to_owned());
        bad.push(good.chars().rev().collect());
        bad.push(cursor_of(&other, list).await);
        for another in LISTS.into_iter().filter(|another| *another != list) {
            bad.push(cursor_of(&own, another).await);
        }
        for cursor in bad {
            println!("{list} {cursor}");
            let reply = own.get(&format!("{list}?cursor={cursor}")).await;
            problem(&reply, 400, "invalid_cursor");
        }
        let long = own.get(&format!("{list}?cursor={}", "a".repeat(200))).await;
        problem(&long, 422, "validation_failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_no_number_of_rows_is_refused_with_the_bounds() {
    let app = TestApp::start().await;
    let tenant = app.tenant("page-limit").await;
    for list in LISTS {
        for limit in ["0", "101", "-1", "abc", "1.5", "", "99999999999999999999"] {
            let refused = tenant.get(&format!("{list}?limit={limit}")).await;
            let refused = problem(&refused, 422, "validation_failed");
            assert_eq!(refused["errors"][0]["pointer"], "limit", "{refused}");
            assert!(!refused["detail"].as_str().unwrap().contains("verification"), "{refused}");
        }
        for limit in ["1", "100"] {
            tenant.get(&format!("{list}?limit={limit}")).await.expect(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_one_row_show_each_row_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant("pages").await;
    fill(&tenant).await;
    for list in LISTS {
        let whole = tenant.get(list).await.expect(200);
        let mut path = format!("{list}?limit=1");
        let mut seen: Vec<Value> = Vec::new();
        loop {
            let page = tenant.get(&path).await.expect(200);
            seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("{list}?limit=1&cursor={cursor}");
        }
        let all: Vec<Value> =
            whole["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
        assert_eq!(seen, all, "{list}");
        assert!(all.len() > 1, "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_that_are_no_filters_are_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant("filters").await;
    for (query, pointer) in [("state=happy", "state"), ("collection_id=7", "collection_id")] {
        let reply = tenant.get(&format!("/v1/documents?{query}")).await;
        let refused = problem(&reply, 422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
}

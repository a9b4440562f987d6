//! What somebody used, as they and their admins see it.

use pidima::governance::Charged;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Asker, limit};
use crate::api::problem;
use crate::support::TestApp;

/// The entry of a measure and period.
fn entry<'a>(usage: &'a Value, measure: &str, period: Option<&str>) -> &'a Value {
    let items = usage["items"].as_array().unwrap();
    let is_it = |item: &&Value| item["measure"] == measure && item["period"].as_str() == period;
    items.iter().find(is_it).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_tells_what_is_used_what_is_reserved_and_what_may_be() {
    let app = TestApp::start().await;
    let owner = app.tenant("usage").await;
    let person = owner.as_member("member").await;
    let charged = Charged { person_id: person.member_id, ..Charged::default() };
    let asker = Asker::new(&app.app.services.db, &owner, charged);
    assert!(asker.ask(30, 5).await);
    asker.begin(400, 60).await.unwrap();
    limit(&owner, "person", None, "tokens", 900).await;
    let usage = person.get("/v1/usage").await.expect(200);
    assert_eq!(usage["subject"], "person");
    assert_eq!(usage["subject_id"], json!(person.member_id));
    assert_eq!(usage["items"].as_array().unwrap().len(), 10);
    for period in ["day", "month"] {
        assert_eq!(entry(&usage, "questions", Some(period))["used"], 2);
        let tokens = entry(&usage, "tokens", Some(period));
        assert_eq!((&tokens["used"], &tokens["reserved"]), (&json!(30), &json!(400)), "{tokens}");
        assert!(tokens["resets_at"].is_string(), "{tokens}");
        assert_eq!(tokens.get("hard_limit").is_some(), period == "day", "{tokens}");
        let cost = entry(&usage, "cost_micro_usd", Some(period));
        assert_eq!((&cost["used"], &cost["reserved"]), (&json!(5), &json!(60)), "{cost}");
    }
    assert_eq!(entry(&usage, "concurrent_runs", None)["used"], 1);

    let of_person = format!("/v1/usage?subject=person&subject_id={}", person.member_id.unwrap());
    assert_eq!(person.get(&of_person).await.expect(200)["items"], usage["items"]);
    assert_eq!(owner.get(&of_person).await.expect(200)["subject_id"], usage["subject_id"]);
    let tenant = owner.get("/v1/usage?subject=tenant").await.expect(200);
    assert_eq!(entry(&tenant, "tokens", Some("month"))["used"], 30);
    let key = owner.get("/v1/usage").await.expect(200);
    assert_eq!(
        (&key["subject"], &entry(&key, "questions", Some("day"))["used"]),
        (&json!("key"), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_use_of_others_is_for_admins() {
    let app = TestApp::start().await;
    let owner = app.tenant("usage-of-others").await;
    let person = owner.as_member("editor").await;
    for query in [
        "subject=tenant".to_owned(),
        format!("subject=person&subject_id={}", Uuid::now_v7()),
        format!("subject=key&subject_id={}", person.member_id.unwrap()),
    ] {
        problem(&person.get(&format!("/v1/usage?{query}")).await, 403, "forbidden");
    }
    for query in [
        "subject=key".to_owned(),
        format!("subject_id={}", Uuid::now_v7()),
        format!("subject=tenant&subject_id={}", owner.id),
    ] {
        problem(&owner.get(&format!("/v1/usage?{query}")).await, 422, "validation_failed");
    }
    let of = |id: Uuid| format!("/v1/usage?subject=person&subject_id={id}");
    problem(&owner.get(&of(Uuid::now_v7())).await, 404, "not_found");
    owner.get(&of(person.member_id.unwrap())).await.expect(200);
    // An end user is nobody until they ask.
    let visitor = Uuid::now_v7();
    problem(&owner.get(&of(visitor)).await, 404, "not_found");
    let charged = Charged { person_id: Some(visitor), ..Charged::default() };
    assert!(Asker::new(&app.app.services.db, &owner, charged).ask(3, 0).await);
    let usage = owner.get(&of(visitor)).await.expect(200);
    assert_eq!(entry(&usage, "tokens", Some("day"))["used"], 3);
}

//! The switch of a collection: who may set it, and what it comes to for documents that are there and for those that come.

use std::time::Duration;

use pidima::adapters::models::ModelRegistry;
use pidima::enrichment::{Enrichment, wake_lost_enrichments};
use pidima::kernel::ids::attachments_of;
use pidima::knowledge::ENRICH_COLLECTION;

use super::writer::CONTEXT_WORD;
use super::*;
use crate::attachments::{attach, open};

const MESSAGES: &str = "select count(*) from app.outbox where kind = 'enrich_collection'";

async fn no_message_is_left(app: &TestApp) {
    eventually("no message is left", || async {
        let left = sqlx::query_scalar::<_, i64>(MESSAGES);
        left.fetch_one(&app.database.admin()).await.unwrap() == 0
    })
    .await;
}

/// How many collections were found that nobody looks after.
async fn woken(enrichment: &Enrichment) -> usize {
    wake_lost_enrichments(enrichment, Duration::from_secs(3_600)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn switched_on_what_is_there_is_enriched_and_switched_off_nothing_more_is() {
    let house = House::new(&[]).await;
    let quiet = collection(&house.tenant, "quiet", "off").await;
    let first = upload(&house.tenant, &quiet, "guide.md", &guide()).await;
    house.tenant.settled(&first).await;
    assert_eq!(show(&house.tenant, &first).await["state"], "off");

    change(&house.tenant, &quiet, json!({ "enrichment": "on" })).await;
    house.enriched(&first, "completed").await;
    let asked = house.asked().len();
    let off = change(&house.tenant, &quiet, json!({ "enrichment": "off" })).await;
    assert_eq!(off["enrichment"], "off");
    let second = upload(&house.tenant, &quiet, "other.md", &chapter("wheel")).await;
    house.tenant.settled(&second).await;
    assert_eq!(show(&house.tenant, &second).await["state"], "off");
    assert_eq!(show(&house.tenant, &first).await["state"], "completed", "what is there stays");
    assert_eq!(house.found(CONTEXT_WORD).await.len(), 3, "and stays in use");

    // Another version is as if there had never been a model.
    let again = format!("{}More.\n", guide());
    assert_eq!(upload(&house.tenant, &quiet, "guide.md", &again).await, first);
    eventually("the next version is in search", || async {
        house.found(CONTEXT_WORD).await.is_empty()
    })
    .await;
    assert_eq!(house.asked().len(), asked, "nothing was asked for");
    assert_eq!(show(&house.tenant, &first).await["state"], "off");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_model_the_headings_serve_until_there_is_one() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let collection = collection(&tenant, "guides", "on").await;
    let id = upload(&tenant, &collection, "guide.md", &guide()).await;
    assert_eq!(tenant.settled(&id).await["state"], "ready");
    eventually("it is told", || async { show(&tenant, &id).await["state"] == "headings" }).await;
    let shown = show(&tenant, &id).await;
    assert_eq!(shown["reason"]["code"], "no_model", "{shown}");
    let path = format!("/v1/collections/{collection}");
    assert_eq!(tenant.get(&path).await.expect(200)["enrichment_waits_for"], "no_model");
    let none = tenant.get(&format!("{path}/suggested_questions")).await.expect(200);
    assert_eq!(none, json!({ "items": [] }));

    no_message_is_left(&app).await;
    assert_eq!(woken(&app.app.worker.enrichment).await, 0, "there is still none");
    let writer = Arc::new(Writer::default());
    let with_model = Enrichment::new(
        app.app.services.db.clone(),
        ModelRegistry::plain(Arc::clone(&writer) as Arc<_>),
        app.app.embedders.clone(),
        app.app.worker.enrichment.settings().clone(),
    );
    assert_eq!(woken(&with_model).await, 1, "now there is one");
    // The worker of the application has none.
    no_message_is_left(&app).await;
    let collection_id: Uuid = collection.parse().unwrap();
    eventually("it is written", || async {
        with_model.work(tenant.id, collection_id, &CancellationToken::new()).await.unwrap();
        show(&tenant, &id).await["state"] == "completed"
    })
    .await;
    // A process without a model leaves the work to the one that has been at it.
    let without = &app.app.worker.enrichment;
    let left = without.work(tenant.id, collection_id, &CancellationToken::new()).await.unwrap();
    assert!(matches!(left, EnrichOutcome::Later(_)), "{left:?}");
    let kept = tenant.get(&path).await.expect(200);
    assert_eq!(kept.get("enrichment_waits_for"), None, "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn editors_switch_and_admins_say_what_it_may_cost() {
    let (house, _) = House::idle(&[]).await;
    let path = format!("/v1/collections/{}", house.collection);
    let editor = house.tenant.with_role("editor").await;
    editor.patch(&path, &json!({ "enrichment": "on" })).await.expect(200);
    editor.patch(&path, &json!({ "enrichment_monthly_tokens": 5 })).await.expect(403);
    let both = json!({ "name": "more", "enrichment_monthly_tokens": 5 });
    editor.post("/v1/collections", &both).await.expect(403);
    let admin = house.tenant.with_role("admin").await;
    let set = admin.patch(&path, &json!({ "enrichment_monthly_tokens": 5 })).await.expect(200);
    assert_eq!((&set["enrichment"], &set["enrichment_monthly_tokens"]), (&json!("on"), &json!(5)));
    let kept = admin.patch(&path, &json!({ "description": "x" })).await.expect(200);
    assert_eq!(kept["enrichment_monthly_tokens"], 5, "what is absent stays");
    let null = json!({ "enrichment_monthly_tokens": null });
    let reset = admin.patch(&path, &null).await.expect(200);
    assert_eq!(reset.get("enrichment_monthly_tokens"), None, "{reset}");
    for bad in [json!(-1), json!(1_000_000_000_001_i64), json!("many")] {
        admin.patch(&path, &json!({ "enrichment_monthly_tokens": bad })).await.expect(422);
    }
    admin.patch(&path, &json!({ "enrichment": "sometimes" })).await.expect(422);
    let noted = house.tenant.get("/v1/audit_events?limit=100").await.expect(200);
    let changes: Vec<&Value> = noted["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["action"] == "collection.enrichment_changed")
        .collect();
    assert_eq!(changes.len(), 3, "on, a budget, none: {changes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_on_their_way_into_search_go_first() {
    let (house, _) = House::idle(&[]).await;
    let first = house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.upload("other.md", &chapter("wheel")).await;
    house.run("update app.outbox set due_at = now()").await;
    assert!(
        matches!(house.work().await, EnrichOutcome::Later(wait) if wait < Duration::from_secs(9))
    );
    assert!(house.asked().is_empty(), "an upload waits");
    house.run("update app.outbox set due_at = now() - interval '1 hour'").await;
    assert_eq!(house.work().await, EnrichOutcome::Later(Duration::from_secs(60)));
    house.run("update app.outbox set due_at = now() - interval '9 seconds'").await;
    let EnrichOutcome::Later(wait) = house.work().await else { panic!("an upload waits") };
    assert!((Duration::from_secs(9)..Duration::from_secs(60)).contains(&wait), "{wait:?}");
    assert!(house.asked().is_empty(), "it waits still");
    house.run_jobs().await;
    house.finish().await;
    assert_eq!(show(&house.tenant, &first).await["state"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_long_under_way_into_search_holds_up_no_other() {
    let (house, _) = House::idle(&[("PIDIMA_INGESTION_LEASE_MS", "120000")]).await;
    let first = house.learned("guide.md", &guide()).await;
    house.switch_on().await;
    house.upload("other.md", &chapter("wheel")).await;
    house.run("update app.outbox set handed_at = now() - interval '110 seconds', lost_at = now() + interval '1 hour'").await;
    assert!(matches!(house.work().await, EnrichOutcome::Later(_)));
    assert!(house.asked().is_empty());
    house.run("update app.outbox set handed_at = now() - interval '121 seconds'").await;
    house.finish().await;
    assert_eq!(show(&house.tenant, &first).await["state"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_that_waits_is_enough_for_a_collection() {
    let (house, _) = House::idle(&[]).await;
    let id: Uuid = house.collection.parse().unwrap();
    let wake = async || {
        let mut tx = house.app.app.services.db.tenant(house.tenant.id).await.unwrap();
        tx.wake(ENRICH_COLLECTION, id, Duration::ZERO).await.unwrap();
        tx.commit().await.unwrap();
        house.count(MESSAGES).await
    };
    assert_eq!((wake().await, wake().await), (1, 1));
    house.run("update app.outbox set due_at = now() + interval '1 hour'").await;
    assert_eq!(wake().await, 1);
    let due = "select count(*) from app.outbox where due_at <= now()";
    assert_eq!(house.count(due).await, 1, "it waits no longer");
    house.run("update app.outbox set handed_at = now(), lost_at = now() + interval '1 hour'").await;
    assert_eq!((wake().await, wake().await), (2, 2), "one that was handed over may have looked");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_messages_of_a_collection_one_goes_on() {
    let (house, _) = House::idle(&[("PIDIMA_ENRICHMENT_COLLECTION_TOKENS", "0")]).await;
    house.learned("guide.md", &guide()).await;
    change(&house.tenant, &house.collection, json!({ "enrichment": "on" })).await;
    house.run("insert into app.outbox (message_id, kind, for_tenant, subject_id) select gen_random_uuid(), kind, for_tenant, subject_id from app.outbox").await;
    assert_eq!(house.count(MESSAGES).await, 2);
    house.run_jobs().await;
    assert_eq!(house.count(MESSAGES).await, 1, "which waits for the budget");
    let waiting = "select count(*) from app.outbox where handed_at is null and due_at > now()";
    assert_eq!(house.count(waiting).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_attached_to_a_session_is_read_by_no_model_ahead() {
    let house = House::new(&[]).await;
    let session = open(&house.tenant, &json!({})).await;
    let attached = attach(&house.tenant, &session, "guide.md", &guide()).await;
    let hidden = attachments_of(session.parse().unwrap());
    for change in [json!({ "enrichment": "on" }), json!({ "enrichment_monthly_tokens": 5 })] {
        let path = format!("/v1/collections/{hidden}");
        house.tenant.patch(&path, &change).await.expect(404);
    }
    let document = attached["id"].as_str().unwrap();
    house.tenant.get(&format!("/v1/documents/{document}/enrichment")).await.expect(404);
    house.tenant.get(&format!("/v1/collections/{hidden}/suggested_questions")).await.expect(404);
    // Neither by hand, nor by a message that nobody should have sent.
    let switched = sqlx::query("update app.collections set enrichment = 'on' where name is null")
        .execute(&house.app.database.admin())
        .await
        .unwrap_err();
    let constraint = switched.as_database_error().and_then(|error| error.constraint());
    assert_eq!(constraint, Some("collections_enrichment_check"), "{switched}");
    let enrichment = &house.app.app.worker.enrichment;
    let worked = enrichment.work(house.tenant.id, hidden, &CancellationToken::new()).await;
    assert_eq!(worked.unwrap(), EnrichOutcome::Done);
    assert_eq!(woken(enrichment).await, 0);
    assert_eq!(house.count("select count(*) from app.enrichments").await, 0);
    assert!(house.asked().is_empty(), "{:?}", house.asked());
}

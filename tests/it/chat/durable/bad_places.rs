//! Places in a stream that there are not: of the future, of the past, of another run, of nobody's.

use reqwest::Method;
use serde_json::json;

use super::{GUIDE, IMPATIENT, ask, follow, no_run_is_left, open_session, paused, run_id};
use crate::api::problem;
use crate::chat::scripted_with;
use crate::support::{EventReader, Script};
use pidima::adapters::models::FinishReason;

#[tokio::test]
async fn what_is_no_number_is_refused_and_a_number_of_the_future_leads_to_the_end() {
    let (app, model) = scripted_with(IMPATIENT).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    model.on("How long?", Script::answer(&["90 days. [1]"], FinishReason::Stop));
    let events = ask(&tenant, "How long?").await.rest().await;
    let path = format!("/v1/runs/{}/events", run_id(&events[0]));
    for garbage in ["-1", "1.5", "x", "0x1", "1e3", "99999999999999999999", "1000000001", "1;2"] {
        let request = tenant.request(Method::GET, &path).header("last-event-id", garbage);
        problem(&tenant.send(request).await, 422, "validation_failed");
    }
    for garbage in ["-1", "x", "1.5", "1000000001", ""] {
        let reply = tenant.get(&format!("{path}?after={garbage}")).await;
        assert!(matches!(reply.status.as_u16(), 400 | 422), "{garbage}: {}", reply.text());
    }
    // An empty header is what browsers send before the first event.
    let request = tenant.request(Method::GET, &path).header("last-event-id", "");
    let first = EventReader::new(request.send().await.unwrap()).next().await.unwrap();
    assert_eq!(first.id, 1);
    for future in [events.len() + 1, 1_000, 1_000_000_000] {
        let rest = follow(&tenant, &run_id(&events[0]), future).await.rest().await;
        assert_eq!(rest[0].name, "reset", "what was shown was never shown");
        assert_eq!(rest[0].id, future + 1);
        assert_eq!(super::joined(&rest), super::joined(&events));
        assert_eq!(rest.last().unwrap().data, events.last().unwrap().data);
    }
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn runs_of_others_and_runs_that_are_gone_are_not_there() {
    let (app, model) = scripted_with(IMPATIENT).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    model.on("How long?", paused());
    let session = open_session(&tenant, &json!({})).await;
    let path = format!("/v1/sessions/{session}/messages");
    let mut reader = tenant.follow(&path, &json!({ "content": "How long?" })).await;
    let id = run_id(&reader.next().await.unwrap());
    let member = tenant.with_role("member").await;
    let other = app.tenant("globex").await;
    let cancel = format!("/v1/runs/{id}/cancel");
    let nobody = uuid::Uuid::now_v7().to_string();
    for stranger in [&member, &other] {
        for path in [format!("/v1/runs/{id}"), format!("/v1/runs/{id}/events?after=1")] {
            let of_another = problem(&stranger.get(&path).await, 404, "not_found");
            let of_nobody = stranger.get(&path.replace(&id, &nobody)).await;
            assert_eq!(of_another["detail"], problem(&of_nobody, 404, "not_found")["detail"]);
        }
        problem(&stranger.post(&cancel, &json!({})).await, 404, "not_found");
    }
    // Nobody else's cancelling stopped it.
    assert_eq!(reader.next().await.unwrap().name, "delta");
    let mut second = follow(&tenant, &id, 2).await;
    assert_eq!(tenant.delete(&format!("/v1/sessions/{session}")).await.status, 204);
    for path in [format!("/v1/runs/{id}"), format!("/v1/runs/{id}/events?after=1")] {
        problem(&tenant.get(&path).await, 404, "not_found");
    }
    problem(&tenant.post(&cancel, &json!({})).await, 404, "not_found");
    // Whoever makes the answer finds out without waiting for the model.
    assert_eq!(reader.rest().await.last().unwrap().data["code"], "conflict");
    assert_eq!(second.next().await.unwrap().data["code"], "conflict");
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn who_does_not_reach_what_an_answer_is_made_of_sees_none_of_its_events() {
    let (app, model) = scripted_with(IMPATIENT).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let collections = tenant.get("/v1/collections").await.expect(200);
    let collection = collections["items"][0]["id"].as_str().unwrap().to_owned();
    model.on("How long?", paused());
    let analyst = tenant.with_role("analyst").await;
    let mut reader = ask(&tenant, "How long?").await;
    let id = run_id(&reader.next().await.unwrap());
    assert_eq!(reader.next().await.unwrap().name, "delta");
    // While it goes on the analyst reads along, until the collection is limited.
    let mut along = follow(&analyst, &id, 0).await;
    assert_eq!(along.next().await.unwrap().name, "started");
    assert_eq!(along.next().await.unwrap().name, "delta");
    let group = tenant.post("/v1/groups", &json!({ "name": "few" })).await.expect(201);
    let limit = json!({ "group_ids": [group["id"]] });
    tenant.patch(&format!("/v1/collections/{collection}"), &limit).await.expect(200);
    let path = format!("/v1/runs/{id}/events");
    problem(&analyst.get(&path).await, 403, "forbidden");
    model.release();
    reader.rest().await;
    problem(&analyst.get(&path).await, 403, "forbidden");
    assert_eq!(
        analyst.get(&format!("/v1/runs/{id}")).await.status,
        200,
        "no word of it is in there"
    );
    no_run_is_left(&app).await;
}

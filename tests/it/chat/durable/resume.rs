//! Coming back to an answer: on this instance, on another, while it is made and long after.

use std::io::ErrorKind;

use pidima::adapters::models::{FinishReason, ModelEvent};
use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use super::instance::Instance;
use super::{
    GUIDE, IMPATIENT, ask, check_numbers, delta, follow, joined, no_run_is_left, paused, run,
    run_id, seen,
};
use crate::chat::{open_session, scripted_with};
use crate::support::{Script, TestApp, TestTenant, eventually};

#[tokio::test]
async fn a_reader_comes_back_here_and_elsewhere_and_misses_nothing() {
    let (app, model) = scripted_with(IMPATIENT).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let other = Instance::beside(&app, model.clone(), IMPATIENT).await;
    let elsewhere = tenant.at(&other.url);
    model.on("How long?", paused());
    let mut reader = ask(&tenant, "How long?").await;
    let mut events = vec![reader.next().await.unwrap(), reader.next().await.unwrap()];
    drop(reader);
    let id = run_id(&events[0]);
    assert_eq!(run(&elsewhere, &id).await["state"], "running");
    let mut here = follow(&tenant, &id, 2).await;
    let mut there = follow(&elsewhere, &id, 0).await;
    // What is shown here is shown there, before the end.
    for shown in &events {
        let event = there.next().await.unwrap();
        assert_eq!((event.id, &event.data), (shown.id, &shown.data));
    }
    model.release();
    while let Some(event) = here.next().await {
        events.push(event);
    }
    check_numbers(&events);
    assert_eq!(joined(&events), "Keys live for 90 days. [1]");
    let rest: Vec<_> = there.rest().await.into_iter().map(|event| (event.id, event.data)).collect();
    let expected: Vec<_> = events[2..].iter().map(|it| (it.id, it.data.clone())).collect();
    assert_eq!(rest, expected);

    // Long after the end, from any place, by any instance.
    for tenant in [&tenant, &elsewhere] {
        for after in 0..events.len() - 1 {
            let again = follow(tenant, &id, after).await.rest().await;
            let again: Vec<_> = again.into_iter().map(|event| (event.id, event.data)).collect();
            let expected: Vec<_> =
                events[after..].iter().map(|it| (it.id, it.data.clone())).collect();
            assert_eq!(again, expected, "after {after}");
        }
        let path = format!("/v1/runs/{id}/events?after={}", events.len());
        assert_eq!(tenant.get(&path).await.status, 204, "nothing follows the end");
    }
    let told = run(&tenant, &id).await;
    assert_eq!(told["state"], "completed");
    assert_eq!(told["event_count"], events.len());
    assert_eq!(told["answer_id"], events.last().unwrap().data["answer"]["message_id"]);
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn the_header_of_browsers_goes_before_the_address() {
    let (app, model) = scripted_with(IMPATIENT).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    model.on("How long?", Script::answer(&["90 days. [1]"], FinishReason::Stop));
    let events = ask(&tenant, "How long?").await.rest().await;
    let id = run_id(&events[0]);
    let path = format!("/v1/runs/{id}/events?after=0");
    let request = tenant.request(Method::GET, &path).header("last-event-id", "2");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let first = crate::support::EventReader::new(response).next().await.unwrap();
    assert_eq!(first.id, 3);
}

#[tokio::test]
async fn silence_is_filled_with_heartbeats_here_and_elsewhere() {
    let settings = [IMPATIENT, &[("PIDIMA_STREAM_HEARTBEAT_MS", "50")]].concat();
    let (app, model) = scripted_with(&settings).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let other = Instance::beside(&app, model.clone(), &settings).await;
    // The model says nothing at all.
    let rest = vec![delta("90 days. [1]"), ModelEvent::Finished(FinishReason::Stop)];
    model.on("How long?", Script::Pause(vec![], rest));
    let request = tenant.request(Method::POST, "/v1/answers").header("accept", "text/event-stream");
    let mut here = request.json(&json!({ "question": "How long?" })).send().await.unwrap();
    let mut text = String::new();
    while text.matches("\n:\n").count() < 3 {
        text.push_str(&String::from_utf8_lossy(&here.chunk().await.unwrap().unwrap()));
    }
    assert!(text.starts_with("retry: 1000\n\nid: 1\nevent: started\ndata: {"), "{text}");
    let id = text.split("\"run_id\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let path = format!("/v1/runs/{id}/events?after=1");
    let mut there = tenant.at(&other.url).request(Method::GET, &path).send().await.unwrap();
    let mut text = String::new();
    while text.matches("\n:\n").count() < 3 {
        text.push_str(&String::from_utf8_lossy(&there.chunk().await.unwrap().unwrap()));
    }
    assert_eq!(text.replace(":\n\n", ""), "retry: 1000\n\n", "nothing else was sent");
    model.release();
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn whatever_stands_in_a_text_an_event_stays_one() {
    let (app, model) = scripted_with(IMPATIENT).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let wild = "a\nb\r\nc\rdata: x\n\nevent: done\n\nid: 99\u{2028}d\u{2029}e\u{85}f\u{feff} [1]";
    model.on("How long?", Script::answer(&[wild, "\0\0tail\0"], FinishReason::Stop));
    let events = ask(&tenant, "How long?").await.rest().await;
    check_numbers(&events);
    let answer = &events.last().unwrap().data["answer"];
    // PostgreSQL stores no NUL, and what is not seen is filtered: both are left out everywhere.
    let told = "a\nb\ncdata: x\n\nevent: done\n\nid: 99def [1]tail";
    assert_eq!(joined(&events), told);
    assert_eq!(answer["content"], told);
    let id = answer["message_id"].as_str().unwrap();
    assert_eq!(seen(answer), seen(&tenant.get(&format!("/v1/messages/{id}")).await.expect(200)));
    let again = follow(&tenant, &run_id(&events[0]), 0).await.rest().await;
    assert_eq!(joined(&again), joined(&events));
}

#[tokio::test]
async fn a_session_makes_one_answer_at_a_time_whichever_instance_is_asked() {
    let (app, model) = scripted_with(IMPATIENT).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let other = Instance::beside(&app, model.clone(), IMPATIENT).await;
    model.on("How long?", paused());
    model.on("And then?", Script::answer(&["Nothing. [1]"], FinishReason::Stop));
    let session = open_session(&tenant, &json!({})).await;
    let path = format!("/v1/sessions/{session}/messages");
    let mut reader = tenant.follow(&path, &json!({ "content": "How long?" })).await;
    let id = run_id(&reader.next().await.unwrap());
    for tenant in [&tenant, &tenant.at(&other.url)] {
        let refused = tenant.post(&path, &json!({ "content": "And then?" })).await;
        assert_eq!(refused.status, 409, "{}", refused.text());
        let problem = refused.json();
        assert_eq!(problem["code"], "conflict");
        assert_eq!(problem["run_id"], id.as_str());
        assert!(problem["detail"].as_str().unwrap().contains(&id));
    }
    assert_eq!(super::history(&tenant, &session).await.len(), 1, "nothing of the others is stored");
    // Other sessions are free, and so is this one afterwards.
    let second = open_session(&tenant, &json!({})).await;
    let elsewhere = format!("/v1/sessions/{second}/messages");
    tenant.post(&elsewhere, &json!({ "content": "And then?" })).await.expect(200);
    model.release();
    assert_eq!(reader.rest().await.last().unwrap().name, "done");
    tenant.post(&path, &json!({ "content": "And then?" })).await.expect(200);
    assert_eq!(super::history(&tenant, &session).await.len(), 4);
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn eight_questions_at_once_in_a_session_make_one_answer() {
    let (app, model) = scripted_with(IMPATIENT).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let other = Instance::beside(&app, model.clone(), IMPATIENT).await;
    model.on("How long?", paused());
    let session = open_session(&tenant, &json!({})).await;
    let path = format!("/v1/sessions/{session}/messages");
    let asking = (0..8).map(|number| {
        let tenant = if number % 2 == 0 { tenant.clone() } else { tenant.at(&other.url) };
        let path = path.clone();
        async move {
            let request = tenant.request(Method::POST, &path).header("accept", "text/event-stream");
            request.json(&json!({ "content": "How long?" })).send().await.unwrap().status().as_u16()
        }
    });
    let mut statuses = futures_util::future::join_all(asking).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
    model.release();
    no_run_is_left(&app).await;
    assert_eq!(super::history(&tenant, &session).await.len(), 2);
}

/// Asks, and takes nothing of the answer. The buffers of the system would else hold all of it for the reader.
async fn ask_without_reading(tenant: &TestTenant, question: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let address = tenant.url.strip_prefix("http://").unwrap();
    let mut socket = socket.connect(address.parse().unwrap()).await.unwrap();
    let body = json!({ "question": question }).to_string();
    let head = format!(
        "POST /v1/answers HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
        accept: text/event-stream\r\ncontent-type: application/json\r\n\
        content-length: {}\r\n\r\n",
        tenant.key,
        body.len()
    );
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    socket
}

/// More than all buffers between model and reader hold: a sender's has 4 MiB at most.
fn endless() -> Script {
    let piece = "x".repeat(250_000);
    let pieces: Vec<&str> = std::iter::repeat_n(piece.as_str(), 24).collect();
    Script::answer(&pieces, FinishReason::Stop)
}

async fn is_answered(app: &TestApp) {
    eventually("the answer is stored", || async {
        let runs = sqlx::query_scalar::<_, String>("select state from app.runs");
        runs.fetch_all(&app.database.admin()).await.unwrap() == ["completed"]
    })
    .await;
}

#[tokio::test]
async fn a_reader_who_takes_nothing_holds_up_nobody() {
    let (app, model) = scripted_with(&[]).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    model.on("How long?", endless());
    let stalled = ask_without_reading(&tenant, "How long?").await;
    is_answered(&app).await;
    drop(stalled);
}

#[tokio::test]
async fn a_reader_who_takes_nothing_is_dropped() {
    let (app, model) = scripted_with(&[("PIDIMA_WRITE_STALL_TIMEOUT_MS", "200")]).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    model.on("How long?", endless());
    let stalled = ask_without_reading(&tenant, "How long?").await;
    is_answered(&app).await;
    // Only who writes learns that the other side has gone.
    eventually("the connection is reset", || async {
        let written = stalled.try_write(b" ");
        written.is_err_and(|error| error.kind() != ErrorKind::WouldBlock)
    })
    .await;
}

#[tokio::test]
async fn events_that_are_not_kept_any_more_are_told_as_one() {
    let (app, model) = scripted_with(IMPATIENT).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let pieces = ["Keys live for", " 90 days. [1]"];
    model.on("How long?", Script::answer(&pieces, FinishReason::Stop));
    let events = ask(&tenant, "How long?").await.rest().await;
    let id = run_id(&events[0]);
    let chat = &app.app.services.chat;
    assert_eq!(chat.forget_events().await.unwrap(), 0, "they are young");
    sqlx::query("delete from app.run_events").execute(&app.database.admin()).await.unwrap();
    for after in 0..events.len() {
        let path = format!("/v1/runs/{id}/events?after={after}");
        let response = tenant.request(Method::GET, &path).send().await.unwrap();
        let rest = crate::support::EventReader::new(response).rest().await;
        let ids: Vec<usize> = rest.iter().map(|event| event.id).collect();
        assert_eq!(ids, (after + 1..=after + rest.len()).collect::<Vec<_>>());
        assert_eq!(rest.last().unwrap().data, events.last().unwrap().data);
        if after + 1 < events.len() {
            let is_void = rest.iter().any(|event| event.name == "reset");
            assert_eq!(is_void, after > 1, "{rest:?}");
            assert_eq!(joined(&rest), joined(&events));
        }
    }
}

#[tokio::test]
async fn events_are_forgotten_after_the_days_of_the_setting() {
    let (app, model) = scripted_with(&[("PIDIMA_RUN_EVENTS_DAYS", "1")]).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    model.on("How long?", Script::answer(&["90 days. [1]"], FinishReason::Stop));
    ask(&tenant, "How long?").await.rest().await;
    let aged = |hours: i32| {
        let admin = app.database.admin();
        async move {
            // The same run, begun so long ago: the id tells.
            let mut connection = admin.acquire().await.unwrap();
            sqlx::raw_sql("set session_replication_role = replica")
                .execute(&mut *connection)
                .await
                .unwrap();
            sqlx::query(
                "update app.run_events
                set run_id = app.first_uuid_at(now() - make_interval(hours => $1))",
            )
            .bind(hours)
            .execute(&mut *connection)
            .await
            .unwrap();
        }
    };
    let chat = &app.app.services.chat;
    aged(23).await;
    assert_eq!(chat.forget_events().await.unwrap(), 0);
    aged(25).await;
    assert_eq!(chat.forget_events().await.unwrap(), 1);
}

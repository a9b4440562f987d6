//! The six promises of an answer, over random cuts, cancels, kills and reconnects with two instances:
//!
//! 1. an event that a client saw can be read for ever, or is taken back by a `reset`;
//! 2. the texts since the last `reset`, joined, are the stored content, byte for byte;
//! 3. numbers have no gaps and come once, over any number of reconnects;
//! 4. there is exactly one last event;
//! 5. nobody's going away loses or doubles what is billed;
//! 6. a killed instance leaves no run that goes on, and its text is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pidima::app::Outside;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};

use super::instance::Instance;
use super::paced::{INPUT_TOKENS, MadeUp, PacedModel};
use super::{GUIDE, IMPATIENT, check_numbers, follow, joined, no_run_is_left, run_id, seen};
use crate::support::{EventReader, StreamEvent, TestApp, TestTenant, eventually, minilm, services};

/// Rounds, each with an instance of its own, which is killed in every second one.
const ROUNDS: u64 = 10;
/// Runs of a round, all at once.
const RUNS: u64 = 20;
/// How often the connection of each client is cut.
const CUTS: usize = 20;
/// Text that was shown so long before a kill must be kept: the flush interval, and time for a busy machine.
const KEPT_AFTER: Duration = Duration::from_millis(1_500);

/// What a client saw of its run.
struct Seen {
    seed: u64,
    run_id: String,
    events: Vec<StreamEvent>,
    cuts: usize,
    cancelled: bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_answers_survive_cuts_cancels_and_kills() {
    let model = Arc::new(PacedModel::default());
    let outside = Outside { embedder: Arc::new(minilm().await), models: Arc::clone(&model).into() };
    let valkey = services().valkey.unwrap();
    let settings = [
        IMPATIENT,
        &[("PIDIMA_REDIS_URL", valkey.as_str())],
        &[
            ("PIDIMA_LIMIT_ASK_BURST", "100000"),
            ("PIDIMA_LIMIT_CALLER_BURST", "1000000"),
            ("PIDIMA_LIMIT_TENANT_BURST", "1000000"),
            ("PIDIMA_LIMIT_ADDRESS_BURST", "1000000"),
            ("PIDIMA_DATABASE_POOL_SIZE", "16"),
        ],
    ]
    .concat();
    let app = TestApp::start_outside(&settings, outside).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let began = Instant::now();
    let (mut all, mut kills) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        let taken = AtomicU64::new(0);
        let other = Instance::beside(&app, Arc::clone(&model) as Arc<_>, &settings).await;
        let at = tenant.at(&other.url);
        let clients = (0..RUNS).map(|number| client(round * RUNS + number, &tenant, &at, &taken));
        let clients = join_all(clients);
        let mut chance = StdRng::seed_from_u64(round);
        let killed = async {
            if round % 2 == 0 {
                return (None, Some(other));
            }
            eventually("all questions of the round are taken", || async {
                taken.load(Ordering::SeqCst) == RUNS
            })
            .await;
            // The moment is the cut: anywhere in the answers.
            tokio::time::sleep(Duration::from_millis(chance.random_range(0..400))).await;
            other.kill();
            (Some(Instant::now()), None)
        };
        let (seen, (killed_at, _alive)) = tokio::join!(clients, killed);
        kills += usize::from(killed_at.is_some());
        no_run_is_left(&app).await;
        for seen in seen.into_iter().flatten() {
            check(&tenant, &seen, killed_at).await;
            all.push(seen);
        }
    }
    let cuts: usize = all.iter().map(|seen| seen.cuts).sum();
    let cancelled = all.iter().filter(|seen| seen.cancelled).count();
    let resets = all.iter().filter(|seen| is_void(&seen.events)).count();
    println!(
        "{} runs, {cuts} cuts, {cancelled} cancels, {kills} kills, {resets} with text taken back after a kill, in {:?}",
        all.len(),
        began.elapsed()
    );
    assert!(all.len() >= 190, "{} runs were begun before their instance was killed", all.len());
    assert!(cuts >= all.len() * CUTS / 2 && cancelled > 10, "{cuts} cuts, {cancelled} cancels");
    check_bills(&app, &model, all.len()).await;
}

/// Whether the client was told that what it saw is not kept.
fn is_void(events: &[StreamEvent]) -> bool {
    events.iter().any(|it| it.name == "reset" && it.data["reason"] == "interrupted")
}

/// Asks one instance, is cut again and again, and comes back to either, until it has seen the end. `None` when its question
/// was never taken.
async fn client(
    seed: u64,
    here: &TestTenant,
    there: &TestTenant,
    taken: &AtomicU64,
) -> Option<Seen> {
    let mut chance = StdRng::seed_from_u64(seed ^ 0xC0FFEE);
    let cancels = chance.random_bool(0.15).then(|| chance.random_range(1..CUTS));
    let asked = if chance.random_bool(0.8) { there } else { here };
    let body = json!({ "question": format!("key {seed}?") });
    let request = asked.request(Method::POST, "/v1/answers").json(&body);
    let response = request.header("accept", "text/event-stream").send().await.ok()?;
    assert_eq!(response.status(), 200);
    let mut reader = Some(EventReader::new(response));
    let mut seen =
        Seen { seed, run_id: String::new(), events: Vec::new(), cuts: 0, cancelled: false };
    loop {
        // Some connections are cut before they bring anything.
        let least = usize::from(seen.events.is_empty());
        let most = if seen.cuts < CUTS { chance.random_range(least..2) } else { usize::MAX };
        if let Some(reader) = reader.take()
            && read(reader, most, &mut seen.events).await
        {
            seen.run_id = run_id(&seen.events[0]);
            taken.fetch_add(u64::from(seen.cuts == 0), Ordering::SeqCst);
            return Some(seen);
        }
        seen.run_id = run_id(seen.events.first()?);
        taken.fetch_add(u64::from(seen.cuts == 0), Ordering::SeqCst);
        seen.cuts += 1;
        let place = if chance.random_bool(0.5) { there } else { here };
        if cancels == Some(seen.cuts) {
            let path = format!("/v1/runs/{}/cancel", seen.run_id);
            let cancel = place.request(Method::POST, &path).send().await;
            seen.cancelled |= cancel.is_ok_and(|reply| reply.status() == 200);
        }
        reader = come_back(place, &seen, chance.random_bool(0.5)).await;
    }
}

/// Reads some events; true when the last one of the run was among them.
async fn read(mut reader: EventReader, most: usize, events: &mut Vec<StreamEvent>) -> bool {
    for _ in 0..most {
        match reader.try_next().await {
            Ok(Some(event)) => {
                let is_last = matches!(event.name.as_str(), "done" | "error");
                events.push(event);
                if is_last {
                    return true;
                }
            }
            Ok(None) | Err(_) => return false,
        }
    }
    false
}

async fn come_back(place: &TestTenant, seen: &Seen, by_header: bool) -> Option<EventReader> {
    let after = seen.events.len().to_string();
    let path = format!("/v1/runs/{}/events", seen.run_id);
    let request = if by_header {
        place.request(Method::GET, &path).header("last-event-id", after)
    } else {
        place.request(Method::GET, &format!("{path}?after={after}"))
    };
    let response = request.send().await.ok()?;
    assert_eq!(response.status(), 200);
    Some(EventReader::new(response))
}

async fn check(tenant: &TestTenant, seen: &Seen, killed_at: Option<Instant>) {
    // 3 and 4.
    check_numbers(&seen.events);
    let told = tenant.get(&format!("/v1/runs/{}", seen.run_id)).await.expect(200);
    let made_up = MadeUp::of(seen.seed);
    let last = seen.events.last().unwrap();
    let text = joined(&seen.events);
    if last.name == "error" {
        assert!(matches!(told["state"].as_str(), Some("interrupted" | "cancelled")), "{told}");
        assert_eq!(text.trim(), "", "{seen:?}", seen = seen.events);
        assert_eq!(told["outcome"], "failed");
    } else {
        // 2.
        let answer = &last.data["answer"];
        assert_eq!(text, answer["content"].as_str().unwrap());
        let path = format!("/v1/messages/{}", answer["message_id"].as_str().unwrap());
        assert_eq!(super::seen(answer), seen_of(&tenant.get(&path).await.expect(200)));
        check_content(&text, &made_up, answer, &told);
    }
    // 6.
    if let Some(killed_at) = killed_at
        && told["state"] == "interrupted"
    {
        let old: Vec<StreamEvent> = seen
            .events
            .iter()
            .take_while(|event| event.at + KEPT_AFTER < killed_at)
            .cloned()
            .collect();
        assert!(text.starts_with(&joined(&old)) || is_reset_later(&seen.events, old.len()));
    }
    check_readable(tenant, seen).await;
}

/// Whether the model itself began anew after these events.
fn is_reset_later(events: &[StreamEvent], after: usize) -> bool {
    events[after..].iter().any(|it| it.name == "reset" && it.data["reason"] == "provider_failed")
}

fn seen_of(message: &Value) -> Value {
    seen(message)
}

/// A whole answer is the made-up one; a cut one its beginning, before or after the reset.
fn check_content(text: &str, made_up: &MadeUp, answer: &Value, told: &Value) {
    let content = made_up.content();
    match told["state"].as_str().unwrap() {
        "completed" => {
            assert_eq!(text, content);
            assert_eq!(answer["usage"]["input_tokens"], INPUT_TOKENS);
        }
        "interrupted" | "cancelled" => {
            assert_eq!(answer["outcome"], "partial");
            assert_eq!(answer["outcome_reason"], told["state"]);
            let is_beginning = content.starts_with(text) || made_up.voided().starts_with(text);
            assert!(is_beginning, "{text:?} is no beginning of {content:?}");
        }
        state => panic!("{state}"),
    }
}

/// 1: from wherever a client comes, at any time later, it gets to what is stored.
async fn check_readable(tenant: &TestTenant, seen: &Seen) {
    let whole = follow(tenant, &seen.run_id, 0).await.rest().await;
    check_numbers(&whole);
    assert_eq!(joined(&whole), joined(&seen.events));
    assert_eq!(whole.last().unwrap().data, seen.events.last().unwrap().data);
    // What was not taken back is still there under its number.
    if !is_void(&seen.events) {
        for (event, again) in seen.events.iter().zip(&whole) {
            assert_eq!((event.id, &event.data), (again.id, &again.data));
        }
        assert_eq!(seen.events.len(), whole.len());
    }
    let after = seen.events.len() / 2;
    let rest = follow(tenant, &seen.run_id, after).await.rest().await;
    let both: Vec<StreamEvent> = seen.events[..after].iter().cloned().chain(rest).collect();
    check_numbers(&both);
    assert_eq!(joined(&both), joined(&seen.events));
}

/// 5: each question was put to the model once, is billed once, and has one answer at most.
async fn check_bills(app: &TestApp, model: &PacedModel, runs: usize) {
    let admin = app.database.admin();
    assert_eq!(model.open.load(Ordering::SeqCst), 0, "nothing is written that nobody pays for");
    let (stored, twice): (i64, i64) = sqlx::query_as(
        "select
            (select count(*) from app.runs),
            (select count(*) from (
                select run_id from app.messages where role = 'assistant'
                group by run_id having count(*) > 1
            ) doubled)",
    )
    .fetch_one(&admin)
    .await
    .unwrap();
    assert_eq!(twice, 0);
    assert!(usize::try_from(stored).unwrap() >= runs);
    assert!(model.begun.load(Ordering::SeqCst) <= usize::try_from(stored).unwrap());
    let odd: i64 = sqlx::query_scalar(
        "select count(*) from app.runs
        where (state = 'completed' and input_tokens is distinct from $1)
            or (input_tokens is not null and input_tokens <> $1)",
    )
    .bind(i64::try_from(INPUT_TOKENS).unwrap())
    .fetch_one(&admin)
    .await
    .unwrap();
    assert_eq!(odd, 0, "tokens are those that the provider counted, once");
}

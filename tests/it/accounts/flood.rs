//! A flood of logins costs bounded memory and leaves the service answering.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::Client;

use super::{PASSWORD, client_at, credentials, post_login, start, tenant_with_ada};
use crate::support::TestApp;

/// How a flood went.
struct Flood {
    /// Answers by status.
    answers: Vec<(u16, usize)>,
    /// Latencies of `/healthz` meanwhile, sorted.
    health: Vec<Duration>,
    /// Statuses of logins of the person meanwhile.
    person: Vec<u16>,
}

/// Resident memory of this process, in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Sends so many wrong logins a second for a time, and asks `/healthz` and logs the person in beside it.
async fn flood(app: &TestApp, a_second: u32, lasting: Duration) -> Flood {
    tenant_with_ada(app, "flood").await;
    let home = client_at("127.0.0.1");
    let own = credentials("flood", "ada@example.com", PASSWORD);
    assert_eq!(post_login(app, &home, &own).await.status, 204);
    let over = Arc::new(AtomicBool::new(false));
    let health = {
        let (url, over) = (format!("{}/healthz", app.url), Arc::clone(&over));
        tokio::spawn(async move {
            let (client, mut took) = (client_at("127.0.0.1"), Vec::new());
            let mut tick = tokio::time::interval(Duration::from_millis(10));
            while !over.load(Ordering::Acquire) {
                tick.tick().await;
                let began = Instant::now();
                assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
                took.push(began.elapsed());
            }
            took.sort();
            took
        })
    };
    let attackers: Vec<Client> =
        (1..=50).map(|last| client_at(&format!("127.0.9.{last}"))).collect();
    let wrong = Arc::new(credentials("flood", "ada@example.com", "not the password"));
    let url = format!("{}/v1/login", app.url);
    let mut tick = tokio::time::interval(Duration::from_secs(1) / a_second);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let began = Instant::now();
    let (mut sent, mut person, mut asked) = (Vec::new(), Vec::new(), Instant::now());
    while began.elapsed() < lasting {
        tick.tick().await;
        let attacker = attackers[sent.len() % attackers.len()].clone();
        let (url, wrong) = (url.clone(), Arc::clone(&wrong));
        sent.push(tokio::spawn(async move {
            attacker.post(url).json(&*wrong).send().await.unwrap().status().as_u16()
        }));
        if asked.elapsed() > Duration::from_millis(500) {
            asked = Instant::now();
            person.push(post_login(app, &home, &own).await.status.as_u16());
        }
    }
    let mut answers = std::collections::BTreeMap::new();
    for answer in sent {
        *answers.entry(answer.await.unwrap()).or_insert(0) += 1;
    }
    over.store(true, Ordering::Release);
    Flood { answers: answers.into_iter().collect(), health: health.await.unwrap(), person }
}

fn report(flood: &Flood) -> Duration {
    let p99 = flood.health[flood.health.len() * 99 / 100];
    println!(
        "answers {:?}; /healthz {} times, p50 {:?}, p99 {:?}, longest {:?}; the person's logins {:?}",
        flood.answers,
        flood.health.len(),
        flood.health[flood.health.len() / 2],
        p99,
        flood.health[flood.health.len() - 1],
        flood.person
    );
    p99
}

/// One hash at a time and two that wait: everything else is sent away at once.
#[tokio::test(flavor = "multi_thread")]
async fn more_logins_than_can_be_hashed_are_sent_away_and_the_person_comes_in() {
    let app = start(&[
        ("PIDIMA_ARGON2_MEMORY_KIB", "19456"),
        ("PIDIMA_ARGON2_ITERATIONS", "2"),
        ("PIDIMA_PASSWORD_THREADS", "1"),
        ("PIDIMA_PASSWORD_QUEUE", "2"),
    ])
    .await;
    let flood = flood(&app, 200, Duration::from_millis(1_800)).await;
    report(&flood);
    let count = |wanted: u16| {
        let found = flood.answers.iter().find(|(status, _)| *status == wanted);
        found.map_or(0, |(_, count)| *count)
    };
    let all: usize = flood.answers.iter().map(|(_, count)| count).sum();
    assert_eq!(count(401) + count(503), all, "{:?}", flood.answers);
    assert!(count(401) > 0 && count(503) > count(401), "{:?}", flood.answers);
    assert!(!flood.person.is_empty() && flood.person.iter().all(|status| *status == 204));
    let refused = {
        let body = credentials("flood", "ada@example.com", "not the password");
        let tries =
            (0..20).map(|last| {
                let (app, body) = (&app, body.clone());
                async move {
                    post_login(app, &client_at(&format!("127.0.10.{}", last + 1)), &body).await
                }
            });
        let replies = futures_util::future::join_all(tries).await;
        replies.into_iter().find(|reply| reply.status == 503).unwrap()
    };
    crate::api::problem(&refused, 503, "unavailable");
    assert!(refused.headers.contains_key("retry-after"));
}

/// The full form, alone on the machine: 500 logins a second for ten seconds with the default settings of hash and queue.
/// Run with `cargo test --test it -- --ignored --nocapture accounts::flood`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures: wants the machine to itself"]
async fn five_hundred_logins_a_second_leave_the_service_answering_in_bounded_memory() {
    let app =
        start(&[("PIDIMA_ARGON2_MEMORY_KIB", "19456"), ("PIDIMA_ARGON2_ITERATIONS", "2")]).await;
    let before = resident_kib();
    let flood = flood(&app, 500, Duration::from_secs(10)).await;
    let after = resident_kib();
    let p99 = report(&flood);
    println!("resident memory {before} KiB before, {after} KiB after");
    assert!(p99 < Duration::from_millis(50), "{p99:?}");
    assert!(after < before + (200 << 10), "{before} KiB to {after} KiB");
    assert!(!flood.person.is_empty() && flood.person.iter().all(|status| *status == 204));
}

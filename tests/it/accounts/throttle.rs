//! Who guesses is slowed down; who is guessed about is not locked out.

use futures_util::future::join_all;
use reqwest::Client;

use super::{
    EASY, PASSWORD, client_at, cookie_of, credentials, post_login, send, start, tenant_with_ada,
};
use crate::api::problem;
use crate::keys::instances::beside_with;
use crate::support::{Mode, RedisProxy, TestApp, services};

async fn status(app: &TestApp, client: &Client, email: &str, password: &str) -> u16 {
    let body = credentials("throttle", email, password);
    post_login(app, client, &body).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_a_few_failures_and_then_waits_while_others_go_on() {
    let app = start(&[("PIDIMA_LOGIN_ADDRESS_BURST", "3")]).await;
    tenant_with_ada(&app, "throttle").await;
    let (here, there) = (client_at("127.0.0.1"), client_at("127.0.0.2"));
    // What succeeds does not count.
    for _ in 0..6 {
        assert_eq!(status(&app, &here, "ada@example.com", PASSWORD).await, 204);
    }
    // Whichever account is tried.
    for email in ["ada@example.com", "bob@example.com", "nobody@example.com"] {
        assert_eq!(status(&app, &here, email, "not the password").await, 401, "{email}");
    }
    for (email, password) in [("ada@example.com", PASSWORD), ("eve@example.com", "x")] {
        let refused = post_login(&app, &here, &credentials("throttle", email, password)).await;
        problem(&refused, 429, "rate_limited");
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=20).contains(&wait), "{wait}");
    }
    assert_eq!(status(&app, &there, "ada@example.com", PASSWORD).await, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_waited_has_one_more_try() {
    let app =
        start(&[("PIDIMA_LOGIN_ADDRESS_BURST", "1"), ("PIDIMA_LOGIN_ADDRESS_INTERVAL_MS", "300")])
            .await;
    tenant_with_ada(&app, "throttle").await;
    let here = client_at("127.0.0.1");
    assert_eq!(status(&app, &here, "ada@example.com", "not the password").await, 401);
    let began = std::time::Instant::now();
    loop {
        let status = status(&app, &here, "ada@example.com", PASSWORD).await;
        if status == 204 {
            break;
        }
        assert_eq!(status, 429);
        assert!(began.elapsed().as_secs() < 20, "never let in again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_once_are_no_more_than_guesses_in_turn() {
    let app = start(&[("PIDIMA_LOGIN_ADDRESS_BURST", "3")]).await;
    tenant_with_ada(&app, "throttle").await;
    let here = client_at("127.0.0.1");
    let tries = (0..40).map(|_| status(&app, &here, "ada@example.com", "not the password"));
    let statuses = join_all(tries).await;
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 3, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 37, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_victim_logs_in_while_others_guess_at_the_account_from_everywhere() {
    let app = start(&[
        ("PIDIMA_LOGIN_ADDRESS_BURST", "3"),
        ("PIDIMA_LOGIN_ACCOUNT_BURST", "20"),
        ("PIDIMA_LOGIN_ACCOUNT_INTERVAL_MS", "3600000"),
    ])
    .await;
    tenant_with_ada(&app, "throttle").await;
    let home = client_at("127.0.0.1");
    assert_eq!(status(&app, &home, "ada@example.com", PASSWORD).await, 204);

    let attackers: Vec<Client> =
        (1..=30).map(|last| client_at(&format!("127.0.7.{last}"))).collect();
    let mut refused = 0;
    for attacker in &attackers {
        match status(&app, attacker, "ada@example.com", "not the password").await {
            401 => {}
            429 => refused += 1,
            other => panic!("{other}"),
        }
    }
    // The account's budget for strangers is used up, whatever a stranger brings.
    assert_eq!(refused, 10);
    assert_eq!(status(&app, &client_at("127.0.8.1"), "ada@example.com", PASSWORD).await, 429);
    // The person comes from where they came from before.
    for _ in 0..5 {
        let body = credentials("throttle", "ada@example.com", PASSWORD);
        cookie_of(&post_login(&app, &home, &body).await);
    }
    // There too only so many are wrong.
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(status(&app, &home, "ada@example.com", "not the password").await);
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_known_in_their_whole_network_of_ipv6_and_at_one_address_of_ipv4() {
    let app = start(&[
        ("PIDIMA_TRUSTED_PROXIES", "1"),
        ("PIDIMA_LOGIN_ACCOUNT_BURST", "1"),
        ("PIDIMA_LOGIN_ACCOUNT_INTERVAL_MS", "3600000"),
    ])
    .await;
    tenant_with_ada(&app, "throttle").await;
    let client = Client::new();
    let status_from = async |address: &str, password: &str| {
        let body = credentials("throttle", "ada@example.com", password);
        let request = client.post(format!("{}/v1/login", app.url)).json(&body);
        send(request.header("x-forwarded-for", address)).await.status.as_u16()
    };
    for home in ["2001:db8:1:2::1", "203.0.113.7"] {
        assert_eq!(status_from(home, PASSWORD).await, 204, "{home}");
    }
    // The strangers' budget of the account is used up.
    assert_eq!(status_from("198.51.100.1", "not the password").await, 401);
    for (address, expected) in [
        ("2001:db8:1:2:ffff::9", 204),
        ("2001:db8:1:2::1", 204),
        ("2001:db8:1:3::1", 429),
        ("203.0.113.7", 204),
        ("::ffff:203.0.113.7", 204),
        ("203.0.113.8", 429),
    ] {
        assert_eq!(status_from(address, PASSWORD).await, expected, "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_have_the_same_few_tries_at_an_account_at_all_instances_together() {
    let proxy = RedisProxy::before(&services().valkey.unwrap()).await;
    let settings = [
        &EASY[..],
        &[
            ("PIDIMA_REDIS_URL", proxy.url.as_str()),
            ("PIDIMA_REDIS_TIMEOUT_MS", "5000"),
            ("PIDIMA_LIMIT_LOGIN_BURST", "100000"),
            ("PIDIMA_LIMIT_PASSWORD_HASHING_BURST", "100000"),
            ("PIDIMA_LOGIN_ACCOUNT_BURST", "6"),
            ("PIDIMA_LOGIN_ACCOUNT_INTERVAL_MS", "3600000"),
        ],
    ]
    .concat();
    let app = start(&settings).await;
    // Redis is there for all tests: the account must be one of this test alone.
    let slug = format!("throttle-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    tenant_with_ada(&app, &slug).await;
    let (second, _second) = beside_with(&app, &settings).await;
    let guess = async |at: &str, email: &str| {
        let body = credentials(&slug, email, "not the password");
        let reply = send(client_at("127.0.9.1").post(format!("{at}/v1/login")).json(&body)).await;
        reply.status.as_u16()
    };
    let mut statuses = Vec::new();
    for number in 0..10 {
        let at = if number % 2 == 0 { &app.url } else { &second };
        statuses.push(guess(at, "ada@example.com").await);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 401, 429, 429, 429, 429]);
    // An account that is none is counted alike, and apart.
    assert_eq!(guess(&second, "nobody@example.com").await, 401);
    // Without Redis each counts alone, and has not forgotten what it counted.
    proxy.set(Mode::Cut);
    let mut alone = 0;
    for _ in 0..10 {
        alone += usize::from(guess(&second, "ada@example.com").await == 401);
    }
    assert_eq!(alone, 3, "6 less the three that it counted");
}

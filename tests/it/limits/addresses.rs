//! Limits of addresses, before it is known who asks.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::api::problem;
use crate::support::{Reply, TestApp, TestTenant};

async fn start(settings: &[(&str, &str)]) -> (TestApp, TestTenant) {
    let model = std::sync::Arc::new(pidima::adapters::models::ExtractiveModel);
    let app = TestApp::start_with(settings, model).await;
    let tenant = app.tenant("addresses").await;
    (app, tenant)
}

/// A request that came through proxies which wrote this.
async fn from(tenant: &TestTenant, forwarded: &str, path: &str) -> Reply {
    let request = tenant.request(Method::GET, path).header("x-forwarded-for", forwarded);
    tenant.send(request).await
}

#[tokio::test]
async fn an_address_that_asks_too_much_is_refused_and_told_when_to_come_again() {
    let settings = [
        ("PIDIMA_TRUSTED_PROXIES", "1"),
        ("PIDIMA_LIMIT_ADDRESS_PER_MINUTE", "1"),
        ("PIDIMA_LIMIT_ADDRESS_BURST", "4"),
    ];
    let (app, tenant) = start(&settings).await;
    for left in (0..4).rev() {
        // What stands left of our proxy's entry is made up.
        let reply = from(&tenant, &format!("10.0.0.{left}, 203.0.113.1"), "/v1/me").await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.headers["ratelimit-policy"], "\"address\";q=4;w=240");
        let state = reply.headers["ratelimit"].to_str().unwrap();
        assert!(state.starts_with(&format!("\"address\";r={left};t=")), "{state}");
    }
    for path in ["/v1/me", "/", "/docs", "/v1/nothing"] {
        let refused = from(&tenant, "198.51.100.1, 203.0.113.1", path).await;
        let body = problem(&refused, 429, "rate_limited");
        assert!(body["detail"].as_str().unwrap().contains("address"), "{body}");
        let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        assert!(refused.headers["ratelimit"].to_str().unwrap().starts_with("\"address\";r=0;t="));
        assert_eq!(refused.headers["x-content-type-options"], "nosniff");
        assert_eq!(refused.headers["cache-control"], "no-store");
    }
    // Whoever watches the service is answered; other addresses are not concerned.
    for path in ["/healthz", "/readyz"] {
        let reply = from(&tenant, "203.0.113.1", path).await;
        assert_eq!(reply.status, 200);
        assert!(!reply.headers.contains_key("ratelimit"));
    }
    assert_eq!(from(&tenant, "203.0.113.1, 203.0.113.2", "/v1/me").await.status, 200);
    // The first four bytes after an IPv4 in IPv6 are the same client.
    assert_eq!(from(&tenant, "::ffff:203.0.113.1", "/v1/me").await.status, 429);
    drop(app);
}

#[tokio::test]
async fn addresses_of_one_ipv6_customer_count_together() {
    let settings = [
        ("PIDIMA_TRUSTED_PROXIES", "1"),
        ("PIDIMA_LIMIT_ADDRESS_BURST", "3"),
        ("PIDIMA_LIMIT_ADDRESS_PER_MINUTE", "1"),
    ];
    let (_app, tenant) = start(&settings).await;
    for host in 1..=3 {
        let address = format!("2001:db8:7:7:{host}::{host}");
        assert_eq!(from(&tenant, &address, "/v1/me").await.status, 200);
    }
    assert_eq!(from(&tenant, "2001:db8:7:7:ffff::9", "/v1/me").await.status, 429);
    assert_eq!(from(&tenant, "2001:db8:7:8::9", "/v1/me").await.status, 200);
}

#[tokio::test]
async fn without_proxies_of_ours_nobody_chooses_their_address() {
    let settings = [("PIDIMA_LIMIT_ADDRESS_BURST", "3"), ("PIDIMA_LIMIT_ADDRESS_PER_MINUTE", "1")];
    let (_app, tenant) = start(&settings).await;
    let mut statuses = Vec::new();
    for number in 0..5 {
        let request = tenant.request(Method::GET, "/v1/me");
        let made_up = format!("203.0.113.{number}");
        let request = request
            .header("x-forwarded-for", &made_up)
            .header("x-real-ip", &made_up)
            .header("forwarded", format!("for={made_up}"));
        statuses.push(tenant.send(request).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
}

#[tokio::test]
async fn a_wrong_credential_counts_for_five() {
    let settings = [
        ("PIDIMA_TRUSTED_PROXIES", "1"),
        ("PIDIMA_LIMIT_ADDRESS_BURST", "20"),
        ("PIDIMA_LIMIT_ADDRESS_PER_MINUTE", "1"),
    ];
    let (_app, tenant) = start(&settings).await;
    let guesser = tenant.with_key("pdm_nobody");
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(from(&guesser, "203.0.113.5", "/v1/me").await.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 401, 429, 429]);
    assert_eq!(from(&tenant, "203.0.113.6", "/v1/me").await.status, 200);
}

#[tokio::test]
async fn tries_to_log_in_are_few_and_a_whole_network_shares_the_hashing() {
    let settings = [
        ("PIDIMA_TRUSTED_PROXIES", "1"),
        ("PIDIMA_LIMIT_LOGIN_PER_MINUTE", "1"),
        ("PIDIMA_LIMIT_LOGIN_BURST", "3"),
        ("PIDIMA_LIMIT_PASSWORD_HASHING_PER_MINUTE", "1"),
        ("PIDIMA_LIMIT_PASSWORD_HASHING_BURST", "5"),
    ];
    let (_app, tenant) = start(&settings).await;
    let log_in = async |address: &str| {
        let body = json!({ "tenant": "x", "email": "a@example.com", "password": "wrong" });
        let request = tenant.request(Method::POST, "/v1/login").json(&body);
        let reply = tenant.send(request.header("x-forwarded-for", address)).await;
        let limit = reply.headers["ratelimit-policy"].to_str().unwrap().to_owned();
        (reply.status == StatusCode::TOO_MANY_REQUESTS, limit.split(';').next().unwrap().to_owned())
    };
    for _ in 0..3 {
        assert!(!log_in("203.0.113.1").await.0);
    }
    assert_eq!(log_in("203.0.113.1").await, (true, "\"login\"".to_owned()));
    for host in [2, 3] {
        assert!(!log_in(&format!("203.0.113.{host}")).await.0);
    }
    assert_eq!(log_in("203.0.113.4").await, (true, "\"password_hashing\"".to_owned()));
    assert!(!log_in("203.0.114.4").await.0, "another network");
    assert_eq!(from(&tenant, "203.0.113.1", "/v1/me").await.status, 200, "other work goes on");
}

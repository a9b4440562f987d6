//! The time of an answer does not tell whether there is an account.

use std::time::Instant;

use reqwest::Client;

use super::{PASSWORD, credentials, post_login, start, tenant_with_ada};
use crate::support::TestApp;

/// Most that the medians may differ, in milliseconds.
const MOST_APART: f64 = 2.0;

async fn time(app: &TestApp, client: &Client, tenant: &str, email: &str) -> f64 {
    let body = credentials(tenant, email, "not the password");
    let began = Instant::now();
    let reply = post_login(app, client, &body).await;
    let took = began.elapsed().as_secs_f64() * 1_000.0;
    assert_eq!(reply.status, 401, "{}", reply.text());
    took
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Medians in milliseconds over tries by turns: a wrong password, an account that is none, a tenant that is none; and
/// the medians of the differences within a turn to the first.
async fn measure(app: &TestApp, turns: usize) -> ([f64; 3], [f64; 2]) {
    let client = Client::new();
    let kinds =
        [("timing", "ada@example.com"), ("timing", "nobody@example.com"), ("nothing", "x@y.z")];
    let mut times = [const { Vec::new() }; 3];
    for turn in 0..turns + 10 {
        for place in 0..3 {
            // Each kind is first, second and last equally often.
            let kind = (place + turn) % 3;
            let (tenant, email) = kinds[kind];
            let took = time(app, &client, tenant, email).await;
            if turn >= 10 {
                times[kind].push(took);
            }
        }
    }
    let apart = |other: usize| {
        let pairs = times[0].iter().zip(&times[other]).map(|(known, unknown)| known - unknown);
        median(&pairs.collect::<Vec<_>>())
    };
    let apart = [apart(1), apart(2)];
    ([median(&times[0]), median(&times[1]), median(&times[2])], apart)
}

/// Prints what was measured; whether the medians are nearer than `most` milliseconds.
fn is_near(turns: usize, (medians, apart): ([f64; 3], [f64; 2]), most: f64) -> bool {
    println!(
        "{turns} turns; medians: known {:.3} ms, unknown account {:.3} ms, unknown tenant {:.3} ms; \
         median difference to known: {:.3} ms, {:.3} ms",
        medians[0], medians[1], medians[2], apart[0], apart[1]
    );
    apart.iter().all(|apart| apart.abs() < most)
}

/// Hashes of a few milliseconds: far above the bound, and quick enough to be run each time. Where other tests take the
/// machine, times are longer and further apart: the bound is a tenth of them then, and chance has three tries. Without a
/// hash the time is less than half, in each.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_none_takes_as_long_as_one_that_is() {
    let app =
        start(&[("PIDIMA_ARGON2_MEMORY_KIB", "12288"), ("PIDIMA_PASSWORD_THREADS", "1")]).await;
    let turns = 60;
    tenant_with_ada(&app, "timing").await;
    let mut is_alike = false;
    for _ in 0..3 {
        let measured = measure(&app, turns).await;
        let known = measured.0[0];
        assert!(known > 4.0, "the hash costs too little to tell: {measured:?}");
        is_alike |= is_near(turns, measured, MOST_APART.max(known / 10.0));
        if is_alike {
            break;
        }
    }
    assert!(is_alike, "the time tells whether there is an account");
    // The right password is among what was measured about: the account is there.
    super::cookie(&app, "timing", "ada@example.com", PASSWORD).await;
}

/// The full form: 2,000 tries of each kind with the default cost. Some four minutes; run with
/// `cargo test --test it -- --ignored --nocapture accounts::timing`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn an_account_that_is_none_takes_as_long_as_one_that_is_over_two_thousand_tries() {
    let app = start(&[
        ("PIDIMA_ARGON2_MEMORY_KIB", "19456"),
        ("PIDIMA_ARGON2_ITERATIONS", "2"),
        // All come from one address.
        ("PIDIMA_LIMIT_ADDRESS_BURST", "1000000"),
    ])
    .await;
    tenant_with_ada(&app, "timing").await;
    let turns = 2_000;
    let measured = measure(&app, turns).await;
    let (medians, _) = measured;
    assert!(is_near(turns, measured, MOST_APART), "{measured:?}");
    assert!(medians.iter().all(|median| (median - medians[0]).abs() < MOST_APART), "{medians:?}");
}

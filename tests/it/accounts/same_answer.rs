//! Nobody learns from an answer whether there is a tenant, an account, or a suspension.

use pidima::identity::Role;
use reqwest::Client;

use super::{PASSWORD, cookie, log_in, send, start, tenant_with_ada};
use crate::support::{Reply, TestApp, eventually};

/// Status, headers and body without what differs from request to request.
fn seen(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<(String, String)> = reply
        .headers
        .iter()
        // What is left of a limit goes down with each request.
        .filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id" | "ratelimit"))
        .filter(|(name, _)| name.as_str() != "ratelimit-policy")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let id = reply.headers["x-request-id"].to_str().unwrap();
    (reply.status.as_u16(), headers, reply.text().replace(id, "<request>"))
}

/// Tenants and people of every kind that may not enter: what is wrong, tenant, address, password.
async fn outsiders(app: &TestApp) -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    let (tenant, _) = tenant_with_ada(app, "same").await;
    tenant.local_member("sue@example.com", Role::Owner, Some(PASSWORD)).await;
    tenant.local_member("one@example.com", Role::Member, None).await;
    tenant_with_ada(app, "suspended").await;
    tenant_with_ada(app, "elsewhere").await;
    tenant_with_ada(app, "issuer").await;
    cookie(app, "issuer", "ada@example.com", PASSWORD).await;
    let admin = app.database.admin();
    for statement in [
        "update app.members set state = 'suspended' where email = 'sue@example.com'",
        "update app.tenants set state = 'suspended' where name = 'suspended'",
        "update app.tenants set login_providers = '{cognito}' where name = 'issuer'",
    ] {
        let done = sqlx::query(statement).execute(&admin).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{statement}");
    }
    vec![
        ("a wrong password", "same", "ada@example.com", "not the password"),
        ("an unknown account", "same", "nobody@example.com", PASSWORD),
        ("an unknown tenant", "nothing", "ada@example.com", PASSWORD),
        ("no short name", "No Name", "ada@example.com", PASSWORD),
        ("no address", "same", "ada", PASSWORD),
        ("a suspended person", "same", "sue@example.com", PASSWORD),
        ("a suspended person, wrong password", "same", "sue@example.com", "not the password"),
        ("a suspended tenant", "suspended", "ada@example.com", PASSWORD),
        ("a tenant that admits its issuer alone", "issuer", "ada@example.com", PASSWORD),
        ("a wrong password that must be changed", "same", "one@example.com", PASSWORD),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_the_answer_is_the_same() {
    let app = start(&[]).await;
    let outsiders = outsiders(&app).await;
    let expected = seen(&log_in(&app, "same", "ada@example.com", "wrong, as expected").await);
    assert_eq!(expected.0, 401);
    for (what, tenant, email, password) in outsiders {
        assert_eq!(seen(&log_in(&app, tenant, email, password).await), expected, "{what}");
    }
    cookie(&app, "same", "ada@example.com", PASSWORD).await;
    cookie(&app, "elsewhere", "ada@example.com", PASSWORD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_the_form_says_the_same_too() {
    let app = start(&[]).await;
    let outsiders = outsiders(&app).await;
    let mut pages = Vec::new();
    for (what, tenant, email, password) in outsiders {
        let form = [("tenant", tenant), ("email", email), ("password", password)];
        let request = Client::new().post(format!("{}/login/local", app.url)).form(&form);
        let reply = send(request.header("sec-fetch-site", "same-origin")).await;
        // The page repeats what was typed.
        let (status, headers, page) = seen(&reply);
        let page = page.replace(&format!("value=\"{tenant}\""), "").replace(email, "<email>");
        let headers: Vec<_> =
            headers.into_iter().filter(|(name, _)| name != "content-length").collect();
        pages.push((what, (status, headers, page)));
    }
    for (what, page) in &pages {
        assert_eq!(page, &pages[0].1, "{what}");
        assert_eq!(page.0, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_account_that_is_none_is_like_one_that_is() {
    let app = start(&[
        ("PIDIMA_LOGIN_ACCOUNT_BURST", "4"),
        ("PIDIMA_LOGIN_ACCOUNT_INTERVAL_MS", "3600000"),
    ])
    .await;
    tenant_with_ada(&app, "alike").await;
    let mut answers = Vec::new();
    for (tenant, email) in
        [("alike", "ada@example.com"), ("alike", "nobody@example.com"), ("no-tenant", "x@y.z")]
    {
        let mut statuses = Vec::new();
        for _ in 0..6 {
            let reply = log_in(&app, tenant, email, "not the password").await;
            statuses.push(reply.status.as_u16());
            if statuses.len() == 6 {
                let (status, headers, body) = seen(&reply);
                assert!(headers.iter().any(|(name, _)| name == "retry-after"), "{headers:?}");
                // How long it takes until there is one more try, give or take a second.
                let headers: Vec<_> =
                    headers.into_iter().filter(|(name, _)| name != "retry-after").collect();
                answers.push((statuses.clone(), (status, headers, body)));
            }
        }
    }
    assert_eq!(answers[0].0, [401, 401, 401, 401, 429, 429]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_ends_what_had_begun_before() {
    let app = start(&[]).await;
    tenant_with_ada(&app, "before").await;
    let cookie = cookie(&app, "before", "ada@example.com", PASSWORD).await;
    let suspend = "update app.members set state = 'suspended'";
    sqlx::query(suspend).execute(&app.database.admin()).await.unwrap();
    eventually("the session is refused", || async {
        let reply = super::as_person(&app, &cookie, reqwest::Method::GET, "/v1/me", None).await;
        reply.status == 403
    })
    .await;
}

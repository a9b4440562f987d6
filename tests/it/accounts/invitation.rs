//! An invited person chooses a password.

use futures_util::future::join_all;
use pidima::identity::Role;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    OTHER_PASSWORD, PASSWORD, as_person, audited, client_at, cookie, cookie_of, log_in, send, start,
};
use crate::api::{contents, problem};
use crate::support::{Reply, TestApp};

async fn accept(app: &TestApp, client: &Client, invitation: &str, password: &str) -> Reply {
    let body = json!({ "invitation": invitation, "name": "Ada", "password": password });
    send(client.post(format!("{}/v1/invitations/accept", app.url)).json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_chooses_a_password_and_is_in() {
    let app = start(&[]).await;
    let tenant = app.tenant("invited").await;
    let invitation = tenant.invite("Ada@Example.com").await;
    for bad in ["short", "password123", "ada@example.com ada", "gravel\0otter lantern"] {
        let refused = accept(&app, &Client::new(), &invitation, bad).await;
        let told = problem(&refused, 422, "validation_failed");
        assert_eq!(told["errors"][0]["pointer"], "/password", "{told}");
    }
    let own = cookie_of(&accept(&app, &Client::new(), &invitation, PASSWORD).await);
    let me = as_person(&app, &own, Method::GET, "/v1/me", None).await.expect(200);
    assert_eq!((&me["role"], &me["name"]), (&json!("member"), &json!("Ada")));
    cookie(&app, "invited", "ada@example.com", PASSWORD).await;
    // The link is used up, whatever it is tried with.
    for password in [OTHER_PASSWORD, PASSWORD, "short"] {
        let refused = accept(&app, &Client::new(), &invitation, password).await;
        problem(&refused, 401, "unauthenticated");
    }
    assert_eq!(audited(&app, &tenant, "invitation.accepted").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_makes_one_account_however_many_accept_it_at_once() {
    let app = start(&[]).await;
    let tenant = app.tenant("at-once").await;
    let invitation = tenant.invite("ada@example.com").await;
    let client = Client::new();
    let replies = join_all((0..8).map(|_| accept(&app, &client, &invitation, PASSWORD))).await;
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401, 401, 401, 401, 401, 401, 401]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_is_none_is_refused_without_a_word_and_not_for_long() {
    let app = start(&[("PIDIMA_LOGIN_ADDRESS_BURST", "8")]).await;
    let (tenant, other) = (app.tenant("none").await, app.tenant("none-other").await);
    let good = tenant.invite("ada@example.com").await;
    let parts: Vec<&str> = good.split('.').collect();
    let other_tenant = other.id.uuid().simple().to_string();
    let bad = [
        "x".to_owned(),
        good.to_uppercase(),
        format!("{good}0"),
        format!("{}.{}.{}", other_tenant, parts[1], parts[2]),
        format!("{}.{}.{}", parts[0], parts[0], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], "0".repeat(40)),
        format!("{}.{}.{}", Uuid::nil().simple(), parts[1], parts[2]),
        "\0".to_owned(),
    ];
    let before = contents(&app).await;
    let mut answers = Vec::new();
    for text in &bad {
        let reply = accept(&app, &Client::new(), text, PASSWORD).await;
        let mut told: Value = problem(&reply, 401, "unauthenticated");
        told["request_id"] = Value::Null;
        answers.push(told);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    // Guesses of invitations and of passwords are counted together.
    let refused = accept(&app, &Client::new(), &good, PASSWORD).await;
    problem(&refused, 429, "rate_limited");
    problem(&log_in(&app, "none", "x@y.z", "x").await, 429, "rate_limited");
    assert_eq!(contents(&app).await, before);
    cookie_of(&accept(&app, &client_at("127.0.0.5"), &good, PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_account_or_may_not_have_one_is_not_given_another() {
    let app = start(&[]).await;
    let tenant = app.tenant("another").await;
    tenant.local_member("ada@example.com", Role::Member, Some(PASSWORD)).await;
    let invitation = tenant.invite("ADA@example.com").await;
    let refused = accept(&app, &Client::new(), &invitation, OTHER_PASSWORD).await;
    problem(&refused, 409, "conflict");
    cookie(&app, "another", "ada@example.com", PASSWORD).await;

    let admin = app.database.admin();
    sqlx::query("update app.tenants set login_providers = '{cognito}'")
        .execute(&admin)
        .await
        .unwrap();
    let invitation = tenant.invite("bob@example.com").await;
    let refused = accept(&app, &Client::new(), &invitation, PASSWORD).await;
    problem(&refused, 409, "conflict");
    let count = "select count(*) from app.local_accounts";
    let count: i64 = sqlx::query_scalar(count).fetch_one(&admin).await.unwrap();
    assert_eq!(count, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_accepts_nothing() {
    let app = start(&[]).await;
    let tenant = app.tenant("sites").await;
    let invitation = tenant.invite("ada@example.com").await;
    let body = json!({ "invitation": invitation, "password": PASSWORD });
    let url = format!("{}/v1/invitations/accept", app.url);
    let request = Client::new().post(&url).json(&body).header("sec-fetch-site", "cross-site");
    problem(&send(request).await, 403, "forbidden");
    cookie_of(&send(Client::new().post(&url).json(&body)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_an_invitation_leads_to_a_form_that_makes_the_account() {
    let app = start(&[]).await;
    let tenant = app.tenant("invited-by-form").await;
    let invitation = tenant.invite("ada@example.com").await;
    let client = client_at("127.0.0.1");
    let login = format!("{}/login?invitation={invitation}", app.url);
    let ways = send(client.get(login)).await.text();
    let form = format!("/login/invitation?invitation={invitation}");
    assert!(ways.contains(&form) && !ways.contains("/login/local"), "{ways}");
    let page = send(client.get(format!("{}{form}", app.url))).await;
    assert!(page.text().contains(&format!("value=\"{invitation}\"")), "{}", page.text());
    assert!(!page.text().contains("<script"));

    let submit = |site: &'static str, name: &'static str, password: &'static str| {
        let fields = [("invitation", invitation.as_str()), ("name", name), ("password", password)];
        let request = client.post(format!("{}/login/invitation", app.url)).form(&fields);
        send(request.header("sec-fetch-site", site))
    };
    let before = contents(&app).await;
    assert_eq!(submit("cross-site", "Ada", PASSWORD).await.status, 403);
    let refused = submit("same-origin", "<b>Ada", "short").await;
    assert_eq!(refused.status, 422);
    let shown = refused.text();
    assert!(shown.contains("&lt;b&gt;Ada") && !shown.contains("short\""), "{shown}");
    assert_eq!(contents(&app).await, before);

    let accepted = submit("same-origin", "Ada", PASSWORD).await;
    assert_eq!(
        (accepted.status.as_u16(), accepted.headers["location"].to_str().unwrap()),
        (303, "/docs")
    );
    let own = cookie_of(&accepted);
    let me = as_person(&app, &own, Method::GET, "/v1/me", None).await.expect(200);
    assert_eq!(me["name"], "Ada");
    assert_eq!(submit("same-origin", "Eve", OTHER_PASSWORD).await.status, 401);
}

//! The form, as a browser without scripts meets it.

use pidima::identity::Role;
use reqwest::Method;
use serde_json::json;

use super::{
    OTHER_PASSWORD, PASSWORD, as_person, client_at, cookie_of, send, start, tenant_with_ada,
};
use crate::support::{Reply, TestApp};

async fn submit(app: &TestApp, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Reply {
    let request = client_at("127.0.0.1").post(format!("{}/login/local", app.url)).form(form);
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    send(request).await
}

const OWN: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];

#[tokio::test(flavor = "multi_thread")]
async fn the_page_has_a_form_its_own_style_and_nothing_that_runs() {
    let app = start(&[]).await;
    let url = format!("{}/login/local?tenant=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", app.url);
    let reply = send(client_at("127.0.0.1").get(url)).await;
    assert_eq!(reply.status, 200);
    let policy = reply.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.contains("form-action 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(reply.headers["cache-control"], "no-store");
    let page = reply.text();
    assert!(page.contains("<form method=\"post\" action=\"/login/local\">"), "{page}");
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
    // The digest of the policy is that of the style.
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    use base64::Engine as _;
    use sha2::Digest as _;
    let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style));
    assert!(policy.contains(&digest), "{policy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_logs_in_and_leads_on() {
    let app = start(&[]).await;
    let (_, ada) = tenant_with_ada(&app, "form").await;
    let form = [("tenant", "form"), ("email", "ada@example.com"), ("password", PASSWORD)];
    for headers in [OWN, &[("origin", app.url.as_str())]] {
        let reply = submit(&app, headers, &form).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.headers["location"]),
            (303, &"/docs".parse().unwrap())
        );
        let cookie = cookie_of(&reply);
        let me = as_person(&app, &cookie, Method::GET, "/v1/me", None).await.expect(200);
        assert_eq!(me["id"], ada);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_was_not_sent_from_the_page_logs_nobody_in() {
    let app = start(&[]).await;
    tenant_with_ada(&app, "foreign").await;
    let form = [("tenant", "foreign"), ("email", "ada@example.com"), ("password", PASSWORD)];
    let foreign: [&[(&str, &str)]; 5] = [
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "none")],
        &[("origin", "null")],
        &[("origin", "https://evil.example")],
    ];
    for headers in foreign {
        let reply = submit(&app, headers, &form).await;
        assert_eq!(reply.status, 403, "{headers:?}: {}", reply.text());
        assert!(!reply.headers.contains_key("set-cookie"), "{headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_stands_above_the_form_again() {
    let app = start(&[("PIDIMA_LOGIN_ADDRESS_BURST", "2")]).await;
    let (tenant, _) = tenant_with_ada(&app, "wrong").await;
    let bob = tenant.local_member("bob@example.com", Role::Member, Some(PASSWORD)).await;
    let path = format!("/v1/members/{bob}/password_reset");
    let reset = tenant.post(&path, &json!({})).await.expect(201);
    let given = reset["one_time_password"].as_str().unwrap();
    let bobs = |more: &'static str| {
        let mut form = vec![("tenant", "wrong"), ("email", "bob@example.com"), ("password", given)];
        if !more.is_empty() {
            form.push(("new_password", more));
        }
        form
    };
    for (more, status) in [("", 403), ("short", 422)] {
        let reply = submit(&app, OWN, &bobs(more)).await;
        assert_eq!(reply.status, status, "{}", reply.text());
        assert!(reply.text().contains("name=\"new_password\""), "{}", reply.text());
        assert!(!reply.text().contains(given), "the page repeats the password");
    }
    cookie_of(&submit(&app, OWN, &bobs(OTHER_PASSWORD)).await);

    let form = [("tenant", "wrong"), ("email", "<b>@example.com"), ("password", "x")];
    for _ in 0..2 {
        let reply = submit(&app, OWN, &form).await;
        assert_eq!(reply.status, 401);
        assert!(reply.text().contains("role=\"alert\""), "{}", reply.text());
        assert!(reply.text().contains("&lt;b&gt;@example.com"), "{}", reply.text());
    }
    let reply = submit(&app, OWN, &form).await;
    assert_eq!(reply.status, 429);
    assert!(reply.headers.contains_key("retry-after"));
    // A form that is none.
    let reply = submit(&app, OWN, &[("tenant", "wrong")]).await;
    assert!(reply.status.is_client_error(), "{}", reply.status);
}

//! Coming in and going out.

use reqwest::{Client, Method};
use serde_json::json;

use super::{
    OTHER_PASSWORD, PASSWORD, as_person, audited, cookie, cookie_of, credentials, log_in,
    post_login, send, start, tenant_with_ada,
};
use crate::api::problem;
use crate::support::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn the_right_password_begins_a_session_that_stands_for_the_person() {
    let app = start(&[]).await;
    let (tenant, ada) = tenant_with_ada(&app, "enter").await;
    for email in ["ada@example.com", " ADA@Example.com "] {
        let reply = log_in(&app, "enter", email, PASSWORD).await;
        assert_eq!(reply.bytes.len(), 0);
        let cookie = cookie_of(&reply);
        let me = as_person(&app, &cookie, Method::GET, "/v1/me", None).await.expect(200);
        assert_eq!((&me["kind"], &me["id"]), (&json!("member"), &json!(ada)));
        assert_eq!((&me["tenant_id"], &me["role"]), (&json!(tenant.id.uuid()), &json!("member")));
    }
    let entries = audited(&app, &tenant, "login.succeeded").await;
    assert_eq!(entries.len(), 2);
    assert!(entries[0].contains(&ada) && entries[0].contains("127.0.0.1"), "{}", entries[0]);
    // Each login has a cookie of its own.
    let one = cookie(&app, "enter", "ada@example.com", PASSWORD).await;
    assert_ne!(one, cookie(&app, "enter", "ada@example.com", PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_ends_the_session_at_the_server_at_once_and_no_other() {
    let app = start(&[]).await;
    let (tenant, ada) = tenant_with_ada(&app, "leave").await;
    let left = cookie(&app, "leave", "ada@example.com", PASSWORD).await;
    let stays = cookie(&app, "leave", "ada@example.com", PASSWORD).await;
    for cookie in [&left, &stays] {
        as_person(&app, cookie, Method::GET, "/v1/me", None).await.expect(200);
    }
    let reply = as_person(&app, &left, Method::POST, "/v1/logout", None).await;
    assert_eq!(reply.status, 204);
    let cleared = reply.headers["set-cookie"].to_str().unwrap();
    assert_eq!(cleared, "__Host-pidima=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    problem(&as_person(&app, &left, Method::GET, "/v1/me", None).await, 401, "unauthenticated");
    as_person(&app, &stays, Method::GET, "/v1/me", None).await.expect(200);
    let entries = audited(&app, &tenant, "login.ended").await;
    assert!(entries.len() == 1 && entries[0].contains(&ada), "{entries:?}");
    // A key has no login to end.
    problem(&tenant.post("/v1/logout", &json!({})).await, 409, "conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_given_lets_nobody_in_until_it_is_changed() {
    let app = start(&[]).await;
    let (tenant, ada) = tenant_with_ada(&app, "given").await;
    let path = format!("/v1/members/{ada}/password_reset");
    let reset = tenant.post(&path, &json!({})).await.expect(201);
    let given = reset["one_time_password"].as_str().unwrap();
    let refused = log_in(&app, "given", "ada@example.com", given).await;
    assert!(!refused.headers.contains_key("set-cookie"));
    let told = problem(&refused, 403, "password_change_required");
    assert!(told["detail"].as_str().unwrap().contains("new_password"), "{told}");

    let client = Client::new();
    let with_new = |password: &str, new: &str| {
        let mut body = credentials("given", "ada@example.com", password);
        body["new_password"] = json!(new);
        body
    };
    for bad in [given, "short", "password123", "ada@example.com ada"] {
        let refused = post_login(&app, &client, &with_new(given, bad)).await;
        let told = problem(&refused, 422, "validation_failed");
        assert_eq!(told["errors"][0]["pointer"], "/new_password", "{told}");
    }
    // Who has not the password can not change it, and does not learn what would be wrong with a new one.
    for new in [OTHER_PASSWORD, "short"] {
        let refused = post_login(&app, &client, &with_new("not the password", new)).await;
        problem(&refused, 401, "unauthenticated");
    }
    cookie_of(&post_login(&app, &client, &with_new(given, OTHER_PASSWORD)).await);
    problem(&log_in(&app, "given", "ada@example.com", given).await, 401, "unauthenticated");
    cookie(&app, "given", "ada@example.com", OTHER_PASSWORD).await;
    assert_eq!(audited(&app, &tenant, "password.changed").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_logs_nobody_in() {
    let app = start(&[]).await;
    tenant_with_ada(&app, "cross").await;
    let body = credentials("cross", "ada@example.com", PASSWORD);
    let url = format!("{}/v1/login", app.url);
    let host = app.url.strip_prefix("http://").unwrap();
    let foreign: [&[(&str, &str)]; 6] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", &app.url)],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", &format!("https://{host}.evil.example"))],
    ];
    for headers in foreign {
        let request = Client::new().post(&url).json(&body);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let reply = send(request).await;
        assert!(!reply.headers.contains_key("set-cookie"), "{headers:?}");
        problem(&reply, 403, "forbidden");
    }
    let own: [&[(&str, &str)]; 3] =
        [&[], &[("sec-fetch-site", "same-origin")], &[("origin", &app.url)]];
    for headers in own {
        let request = Client::new().post(&url).json(&body);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        cookie_of(&send(request).await);
    }
    // What a form of another site can send without being asked first is not read at all.
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let request = Client::new().post(&url).body(body.to_string());
        let reply = send(request.header("content-type", content_type)).await;
        problem(&reply, 415, "unsupported_media_type");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_login_is_noted_without_what_was_typed() {
    let app = start(&[]).await;
    let (tenant, ada) = tenant_with_ada(&app, "noted").await;
    log_in(&app, "noted", "ada@example.com", "zarquonite-password").await;
    log_in(&app, "noted", "zarquonite@example.com", PASSWORD).await;
    eventually("both are noted", || async {
        audited(&app, &tenant, "login.failed").await.len() == 2
    })
    .await;
    let entries = audited(&app, &tenant, "login.failed").await.join("\n");
    assert!(entries.contains(&ada) && entries.contains("login_name_sha256"), "{entries}");
    assert!(!entries.contains("zarquonite") && !entries.contains("gravel"), "{entries}");
    // A flood does not fill the log.
    for _ in 0..50 {
        log_in(&app, "noted", "ada@example.com", "not the password").await;
    }
    app.app.services.tasks.close();
    app.app.services.tasks.wait().await;
    let noted = audited(&app, &tenant, "login.failed").await.len();
    assert!((3..=11).contains(&noted), "{noted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_login_ends_the_session_that_the_browser_had_before() {
    let app = start(&[]).await;
    tenant_with_ada(&app, "again").await;
    let login = || async {
        let first = cookie(&app, "again", "ada@example.com", PASSWORD).await;
        as_person(&app, &first, Method::GET, "/v1/me", None).await.expect(200);
        first
    };
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    for path in ["/v1/login", "/login/local"] {
        let (before, stays) = (login().await, login().await);
        let body = credentials("again", "ada@example.com", PASSWORD);
        let request = client
            .post(format!("{}{path}", app.url))
            .header("sec-fetch-site", "same-origin")
            .header("cookie", format!("__Host-pidima={before}"));
        let request = if path == "/v1/login" { request.json(&body) } else { request.form(&body) };
        let reply = request.send().await.unwrap();
        assert!(matches!(reply.status().as_u16(), 204 | 303), "{path}: {}", reply.status());
        let old = as_person(&app, &before, Method::GET, "/v1/me", None).await;
        problem(&old, 401, "unauthenticated");
        as_person(&app, &stays, Method::GET, "/v1/me", None).await.expect(200);
    }
}

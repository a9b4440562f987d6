//! Passwords themselves: what they may be, how they are stored, and how a person changes theirs.

use pidima::db::audit::{AuditActor, AuditEntry};
use pidima::identity::{
    ArgonSettings, BrowserCookie, Identity, Lane, LoginFacts, Member, NewLocalMember,
    PasswordRules, PasswordSettings, Passwords, Peppers, Role, Verdict, begin_browser_session,
    create_local_member,
};
use reqwest::{Client, Method};
use serde_json::json;
use uuid::Uuid;

use super::{
    OTHER_PASSWORD, PASSWORD, as_person, audited, cookie, cookie_of, credentials, log_in,
    post_login, start, tenant_with_ada,
};
use crate::api::{contents, problem};
use crate::support::{TestApp, TestTenant};

async fn change(app: &TestApp, cookie: &str, current: &str, new: &str) -> crate::support::Reply {
    let body = json!({ "current": current, "new": new });
    as_person(app, cookie, Method::PUT, "/v1/me/password", Some(&body)).await
}

async fn stored(app: &TestApp) -> String {
    let query = "select password_phc from app.local_accounts";
    sqlx::query_scalar(query).fetch_one(&app.database.admin()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_ends_every_other_login_of_the_person_at_once_and_nobody_elses() {
    let app = start(&[]).await;
    let (tenant, ada) = tenant_with_ada(&app, "change").await;
    tenant.local_member("bob@example.com", Role::Owner, Some(PASSWORD)).await;
    let own = cookie(&app, "change", "ada@example.com", PASSWORD).await;
    let other = cookie(&app, "change", "ada@example.com", PASSWORD).await;
    let bob = cookie(&app, "change", "bob@example.com", PASSWORD).await;
    for cookie in [&own, &other, &bob] {
        as_person(&app, cookie, Method::GET, "/v1/me", None).await.expect(200);
    }
    let before = stored_of(&app, &ada).await;
    assert_eq!(change(&app, &own, PASSWORD, OTHER_PASSWORD).await.status, 204);
    assert_ne!(stored_of(&app, &ada).await, before);
    problem(&as_person(&app, &other, Method::GET, "/v1/me", None).await, 401, "unauthenticated");
    for cookie in [&own, &bob] {
        as_person(&app, cookie, Method::GET, "/v1/me", None).await.expect(200);
    }
    problem(&log_in(&app, "change", "ada@example.com", PASSWORD).await, 401, "unauthenticated");
    cookie(&app, "change", "ada@example.com", OTHER_PASSWORD).await;
    let entries = audited(&app, &tenant, "password.changed").await;
    assert!(entries.len() == 1 && entries[0].contains(&ada), "{entries:?}");
    assert!(!entries[0].contains("heron") && !entries[0].contains("argon2"), "{entries:?}");
}

async fn stored_of(app: &TestApp, member_id: &str) -> String {
    let query = "select password_phc from app.local_accounts where member_id = $1::uuid";
    sqlx::query_scalar(query).bind(member_id).fetch_one(&app.database.admin()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_changes_its_own_password() {
    let app = start(&[]).await;
    let tenant = app.tenant("each-role").await;
    for role in Role::ALL {
        let email = format!("{role}@example.com");
        tenant.local_member(&email, role, Some(PASSWORD)).await;
        let cookie = cookie(&app, "each-role", &email, PASSWORD).await;
        assert_eq!(change(&app, &cookie, PASSWORD, OTHER_PASSWORD).await.status, 204, "{role}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_needs_the_current_password_and_a_good_new_one() {
    let app = start(&[("PIDIMA_PASSWORD_CHANGE_BURST", "3")]).await;
    let (tenant, _) = tenant_with_ada(&app, "needs").await;
    let own = cookie(&app, "needs", "ada@example.com", PASSWORD).await;
    let before = stored(&app).await;
    let pointer = |reply| problem(&reply, 422, "validation_failed")["errors"][0]["pointer"].clone();
    for bad in
        ["short", "gravel\0otter lantern", "password123", "my ada@example.com", &"x ".repeat(200)]
    {
        assert_eq!(pointer(change(&app, &own, PASSWORD, bad).await), "/new", "{bad:?}");
    }
    assert_eq!(pointer(change(&app, &own, PASSWORD, PASSWORD).await), "/new");
    for _ in 0..3 {
        assert_eq!(pointer(change(&app, &own, "a wrong one", OTHER_PASSWORD).await), "/current");
    }
    // A browser that was left open is no place to guess from.
    let refused = change(&app, &own, PASSWORD, OTHER_PASSWORD).await;
    problem(&refused, 429, "rate_limited");
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(stored(&app).await, before);
    assert!(audited(&app, &tenant, "password.changed").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn right_passwords_use_up_the_tries_of_a_person_too_and_nobody_elses() {
    let app = start(&[("PIDIMA_PASSWORD_CHANGE_BURST", "2")]).await;
    let (tenant, _) = tenant_with_ada(&app, "tries").await;
    tenant.local_member("bob@example.com", Role::Member, Some(PASSWORD)).await;
    let ada = cookie(&app, "tries", "ada@example.com", PASSWORD).await;
    let bob = cookie(&app, "tries", "bob@example.com", PASSWORD).await;
    assert_eq!(change(&app, &ada, PASSWORD, OTHER_PASSWORD).await.status, 204);
    assert_eq!(change(&app, &ada, OTHER_PASSWORD, PASSWORD).await.status, 204);
    let before = contents(&app).await;
    problem(&change(&app, &ada, PASSWORD, OTHER_PASSWORD).await, 429, "rate_limited");
    assert_eq!(contents(&app).await, before);
    assert_eq!(change(&app, &bob, PASSWORD, OTHER_PASSWORD).await.status, 204);
    cookie(&app, "tries", "ada@example.com", PASSWORD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_people_of_an_issuer_have_no_password_to_change() {
    let app = start(&[
        ("PIDIMA_OIDC_PROVIDERS", "cognito"),
        ("PIDIMA_OIDC_COGNITO_ISSUER", "https://issuer.example"),
        ("PIDIMA_OIDC_COGNITO_CLIENT_ID", "pidima"),
    ])
    .await;
    let (tenant, _) = tenant_with_ada(&app, "none").await;
    let body = json!({ "current": PASSWORD, "new": OTHER_PASSWORD });
    let request = tenant.request(Method::PUT, "/v1/me/password").json(&body);
    problem(&tenant.send(request).await, 403, "forbidden");
    let (_, cookie) = person_of_an_issuer(&app, &tenant).await;
    problem(&change(&app, &cookie, PASSWORD, OTHER_PASSWORD).await, 409, "conflict");
}

/// A member who logs in at an outside issuer, and the cookie of a session of theirs.
pub async fn person_of_an_issuer(app: &TestApp, tenant: &TestTenant) -> (Uuid, String) {
    let mut tx = app.app.services.db.tenant(tenant.id).await.unwrap();
    let member = Member {
        member_id: Uuid::now_v7(),
        provider: "cognito".to_owned(),
        identity: Identity { issuer: "https://issuer.example".to_owned(), subject: "7".to_owned() },
        email: Some("eve@example.com".to_owned()),
        display_name: None,
        role: Role::Member,
        state: "active".to_owned(),
        created_at: chrono::Utc::now(),
        last_seen_at: None,
    };
    tx.insert_member(&member).await.unwrap();
    let lifetime = std::time::Duration::from_secs(600);
    let facts = LoginFacts { lifetime, ..LoginFacts::default() };
    let cookie: BrowserCookie = begin_browser_session(&mut tx, &member, &facts).await.unwrap();
    tx.commit().await.unwrap();
    (member.member_id, cookie.expose())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_taken_verbatim_from_the_first_to_the_last_byte() {
    let app = start(&[]).await;
    let tenant = app.tenant("verbatim").await;
    let long: String = "gravel otter 7 lantern / quince ".chars().cycle().take(255).collect();
    for (number, (right, wrong)) in [
        (" spaces around it ".to_owned(), "spaces around it".to_owned()),
        ("🦔 hedgehogs at dusk 🦔".to_owned(), "🦔 hedgehogs at dusk".to_owned()),
        (format!("{long}a"), format!("{long}b")),
        (format!("{}a", &long[..72]), format!("{}b", &long[..72])),
        ("Gravel Otter Lantern".to_owned(), "gravel otter lantern".to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("person-{number}@example.com");
        tenant.local_member(&email, Role::Member, Some(&right)).await;
        problem(&log_in(&app, "verbatim", &email, &wrong).await, 401, "unauthenticated");
        cookie(&app, "verbatim", &email, &right).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_can_be_nobodys_is_refused_before_it_is_hashed() {
    let app = start(&[]).await;
    tenant_with_ada(&app, "nobodys").await;
    let before = contents(&app).await;
    let client = Client::new();
    for bad in ["gravel\0otter", &"x".repeat(257), &"x".repeat(1_024), &"x".repeat(1_025), ""] {
        for email in ["ada@example.com", "nobody@example.com"] {
            let reply = log_in(&app, "nobodys", email, bad).await;
            let told = problem(&reply, 422, "validation_failed");
            assert_eq!(told["errors"][0]["pointer"], "/password", "{told}");
        }
    }
    let huge = "x".repeat(1 << 20);
    problem(&log_in(&app, "nobodys", "ada@example.com", &huge).await, 413, "payload_too_large");
    for (field, value) in [
        ("email", json!(["ada@example.com"])),
        ("email", json!("x".repeat(300))),
        ("tenant", json!({})),
        ("tenant", json!("")),
        ("password", json!(["x"])),
        ("new_password", json!("")),
    ] {
        let mut body = credentials("nobodys", "ada@example.com", PASSWORD);
        body[field] = value;
        let told = problem(&post_login(&app, &client, &body).await, 422, "validation_failed");
        assert_eq!(told["errors"][0]["pointer"], format!("/{field}"), "{told}");
    }
    assert_eq!(contents(&app).await, before);
    // The longest that can be one is hashed and compared as any other.
    let reply = log_in(&app, "nobodys", "ada@example.com", &"x".repeat(256)).await;
    problem(&reply, 401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_no_row_can_hold_are_nobodys_name() {
    let app = start(&[]).await;
    tenant_with_ada(&app, "rows").await;
    for (tenant, email) in [
        ("rows", "ada\0@example.com"),
        ("ro\0ws", "ada@example.com"),
        ("ROWS'; --", "ada@example.com"),
        ("rows", "' or 1=1 --"),
        ("rows", "%@example.com"),
        ("rows", "\u{202e}ada@example.com"),
        ("rows", "ada"),
    ] {
        problem(&log_in(&app, tenant, email, PASSWORD).await, 401, "unauthenticated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_of_lower_cost_is_made_anew_by_the_next_login_and_by_that_alone() {
    let app = start(&[]).await;
    let tenant = app.tenant("rehash").await;
    let weak = Passwords::new(&PasswordSettings {
        argon: ArgonSettings { memory_kib: 32, iterations: 1, lanes: 1 },
        peppers: Peppers::default(),
        threads: 1,
        queue: 1,
        rules: PasswordRules { min_chars: 10, max_bytes: 256 },
    });
    let mut tx = app.app.services.db.tenant(tenant.id).await.unwrap();
    let new = NewLocalMember {
        email: "ada@example.com".to_owned(),
        display_name: None,
        role: Role::Member,
        password: Some(PASSWORD.to_owned().into()),
    };
    let entry = AuditEntry::new(AuditActor::system("tests"), "member.created");
    create_local_member(&mut tx, &weak, new, entry).await.unwrap();
    tx.commit().await.unwrap();

    let before = stored(&app).await;
    assert!(before.contains("$m=32,t=1,p=1$"), "{before}");
    problem(
        &log_in(&app, "rehash", "ada@example.com", "another one").await,
        401,
        "unauthenticated",
    );
    assert_eq!(stored(&app).await, before);
    cookie(&app, "rehash", "ada@example.com", PASSWORD).await;
    let after = stored(&app).await;
    assert!(after.contains("$m=64,t=1,p=1$"), "{after}");
    cookie_of(&log_in(&app, "rehash", "ada@example.com", PASSWORD).await);
    assert_eq!(stored(&app).await, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_pepper_goes_into_each_hash_at_the_next_login() {
    use base64::Engine as _;
    let of = |byte: u8| base64::engine::general_purpose::STANDARD.encode([byte; 32]);
    // The account is older than the pepper, as where one is set for the first time.
    let pepper = format!("2:{},1:{}", of(2), of(1));
    let app = start(&[("PIDIMA_PASSWORD_PEPPERS", &pepper)]).await;
    let tenant = app.tenant("pepper").await;
    let older = Passwords::new(&PasswordSettings {
        argon: ArgonSettings { memory_kib: 64, iterations: 1, lanes: 1 },
        peppers: Peppers::new(vec![("1".to_owned(), vec![1; 32].into())]),
        threads: 1,
        queue: 1,
        rules: PasswordRules { min_chars: 10, max_bytes: 256 },
    });
    let mut tx = app.app.services.db.tenant(tenant.id).await.unwrap();
    let new = NewLocalMember {
        email: "ada@example.com".to_owned(),
        display_name: None,
        role: Role::Member,
        password: Some(PASSWORD.to_owned().into()),
    };
    let entry = AuditEntry::new(AuditActor::system("tests"), "member.created");
    create_local_member(&mut tx, &older, new, entry).await.unwrap();
    tx.commit().await.unwrap();
    let before = stored(&app).await;
    assert!(before.contains(",keyid=MQ$"), "{before}");
    let wrong = log_in(&app, "pepper", "ada@example.com", "another one").await;
    problem(&wrong, 401, "unauthenticated");
    assert_eq!(stored(&app).await, before);
    cookie(&app, "pepper", "ada@example.com", PASSWORD).await;
    let after = stored(&app).await;
    assert!(after.contains(",keyid=Mg$"), "{after}");
    cookie_of(&log_in(&app, "pepper", "ada@example.com", PASSWORD).await);
    assert_eq!(stored(&app).await, after);
    // Whoever has the database alone, and the password besides, compares nothing.
    let thief = Passwords::new(&PasswordSettings {
        argon: ArgonSettings { memory_kib: 64, iterations: 1, lanes: 1 },
        peppers: Peppers::default(),
        threads: 1,
        queue: 1,
        rules: PasswordRules { min_chars: 10, max_bytes: 256 },
    });
    let bare = after.replace(",keyid=Mg", "");
    for text in [after, bare] {
        let verdict = thief.verify(PASSWORD.to_owned().into(), Some(text), Lane::Known).await;
        assert!(!matches!(verdict, Ok(Verdict::Right { .. })), "{verdict:?}");
    }
}

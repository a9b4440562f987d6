//! Invitations that are accepted by a login at an issuer.

use pidima::identity::{
    InvitationLink, NewInvitation, Presented, RequestOrigin, Role, invite_member,
};

use super::setup::{LoginApp, told};
use crate::support::Browser;

/// Text of an invitation to the tenant.
async fn invited(it: &LoginApp, role: Role) -> String {
    let services = &it.app.app.services;
    let key = Presented::Bearer(it.tenant.key.clone());
    let owner = services.verifier.verify(&key, None, RequestOrigin::default()).await.unwrap();
    let new = NewInvitation {
        email: "guest@example.com".to_owned(),
        role,
        group_ids: Vec::new(),
        expires_at: None,
    };
    let mut tx = services.db.tenant(it.tenant.id).await.unwrap();
    let made = invite_member(&mut tx, &owner, new, 10).await.unwrap();
    tx.commit().await.unwrap();
    made.link.expose()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_makes_a_member_of_who_logs_in_with_it_and_of_nobody_else() {
    let it = LoginApp::standard().await;
    let text = invited(&it, Role::Editor).await;
    let browser = Browser::default();
    let page = browser.get(it.at(&format!("{}{text}", InvitationLink::PAGE))).await;
    told(&page, 200, "Accept your invitation");
    let path = format!("/login/standard?invitation={text}");
    assert!(page.reply.text().contains(&path), "{}", page.reply.text());
    let back = it.to_callback(&browser, &path, "guest").await;
    let stored = "select to_jsonb(p)::text from app.pending_logins p";
    let stored: String =
        sqlx::query_scalar(stored).fetch_one(&it.app.database.admin()).await.unwrap();
    let secret = text.rsplit('.').next().unwrap();
    assert!(!stored.contains(secret), "the secret of the link is not kept");
    let entered = browser.get(back.location()).await;
    assert_eq!(entered.reply.status, 303, "{}", entered.reply.text());
    let me = it.me(&browser).await.expect(200);
    assert_eq!((me["role"].as_str(), me["name"].as_str()), (Some("editor"), Some("Person guest")));
    // The person is a member now, and logs in without it.
    assert_eq!(it.log_in(&Browser::default(), "guest").await.reply.status, 303);

    let second = Browser::default();
    let back = it.to_callback(&second, &path, "late").await;
    told(&second.get(back.location()).await, 403, "The invitation was not accepted");
    assert_eq!(it.session_cookie(&second), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_is_forged_is_refused_before_or_after_the_login() {
    let it = LoginApp::standard().await;
    let text = invited(&it, Role::Member).await;
    let browser = Browser::default();
    for malformed in ["", "x", "a.b.c"] {
        let url = it.at(&format!("/login/standard?invitation={malformed}"));
        let own = [("sec-fetch-site", "same-origin")];
        let visit = browser.send(reqwest::Method::GET, &url, None, &own).await;
        told(&visit, 403, "The invitation was not accepted");
    }
    let parts: Vec<&str> = text.split('.').collect();
    let forged = format!("{}.{}.{}", parts[0], parts[1], "0".repeat(parts[2].len()));
    let back =
        it.to_callback(&browser, &format!("/login/standard?invitation={forged}"), "eve").await;
    told(&browser.get(back.location()).await, 403, "The invitation was not accepted");
    assert_eq!(it.sessions().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_on_another_site_only_opens_the_page_on_which_one_accepts() {
    let it = LoginApp::standard().await;
    let text = invited(&it, Role::Member).await;
    let url = it.at(&format!("/login/standard?invitation={text}"));
    // Old browsers do not say where they come from.
    for site in [Some("cross-site"), Some("same-site"), Some("none"), None] {
        let browser = Browser::default();
        let headers: Vec<(&str, &str)> =
            site.map(|site| ("sec-fetch-site", site)).into_iter().collect();
        let visit = browser.send(reqwest::Method::GET, &url, None, &headers).await;
        let page = it.at(&format!("/login?invitation={text}"));
        assert_eq!(visit.location().as_str(), page, "{site:?}");
    }
    assert_eq!(it.pending().await, 0);
}

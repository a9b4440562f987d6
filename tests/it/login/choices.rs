//! People of several tenants, and of none.

use pidima::identity::Role;
use scraper::{Html, Selector};

use super::setup::{LoginApp, told};
use super::{LOGIN, SESSION};
use crate::support::Browser;

fn tenants_of(page: &str) -> Vec<(String, String)> {
    let html = Html::parse_document(page);
    let buttons = Selector::parse("button[name=tenant]").unwrap();
    let found = html.select(&buttons);
    found.map(|it| (it.value().attr("value").unwrap().to_owned(), it.text().collect())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_several_tenants_chooses_one_of_theirs_once() {
    let it = LoginApp::standard().await;
    let (second, foreign) = (it.app.tenant("second").await, it.app.tenant("third").await);
    it.member(&it.tenant, "both", Role::Member).await;
    let chosen = it.member(&second, "both", Role::Editor).await;
    let browser = Browser::default();
    let page = it.log_in(&browser, "both").await;
    told(&page, 200, "Choose where to go");
    assert_eq!(it.session_cookie(&browser), None, "nobody is logged in before the choice");
    let offered: Vec<String> =
        tenants_of(&page.reply.text()).into_iter().map(|(_, name)| name).collect();
    assert_eq!(offered, ["acme", "second"]);

    // By another browser the form is worth nothing, and the owner's stays good.
    let stranger = Browser::default();
    stranger.set_cookie(&it.address, LOGIN, &"0".repeat(64));
    let id = second.id.to_string();
    let stolen = stranger.submit(&page, &[("tenant", &id)]).await;
    told(&stolen, 400, "This login can not be finished");
    let entered = browser.submit(&page, &[("tenant", &id)]).await;
    assert_eq!(entered.reply.status, 303, "{}", entered.reply.text());
    let me = it.me(&browser).await.expect(200);
    assert_eq!(
        (me["tenant_id"].as_str(), me["role"].as_str()),
        (Some(id.as_str()), Some("editor"))
    );
    assert_eq!(me["id"], chosen.to_string());
    told(&browser.submit(&page, &[("tenant", &id)]).await, 400, "was finished before");

    let browser = Browser::default();
    let page = it.log_in(&browser, "both").await;
    let refused = browser.submit(&page, &[("tenant", &foreign.id.to_string())]).await;
    told(&refused, 403, "This tenant can not be entered");
    assert_eq!(browser.cookie(&it.address, SESSION), None);
    let page = it.log_in(&browser, "both").await;
    for wrong in ["", "x"] {
        let refused = browser.submit(&page, &[("tenant", wrong)]).await;
        assert!(refused.reply.status.is_client_error(), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_no_tenant_is_told_to_ask_for_an_invitation() {
    let it = LoginApp::standard().await;
    let browser = Browser::default();
    let visit = it.log_in(&browser, "nobody").await;
    told(&visit, 403, "ask an admin of your tenant to invite you".replace("ask", "Ask").as_str());
    assert_eq!(it.session_cookie(&browser), None);
    assert_eq!(it.sessions().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_lets_in_people_of_the_providers_that_it_chose() {
    let it = LoginApp::standard().await;
    it.member(&it.tenant, "elsewhere", Role::Member).await;
    let admin = it.app.database.admin();
    let choose = "update app.tenants set login_providers = '{local}'";
    sqlx::query(choose).execute(&admin).await.unwrap();
    let visit = it.log_in(&Browser::default(), "elsewhere").await;
    told(&visit, 403, "You are kept out");
    let choose = "update app.tenants set login_providers = '{local,standard}'";
    sqlx::query(choose).execute(&admin).await.unwrap();
    assert_eq!(it.log_in(&Browser::default(), "elsewhere").await.reply.status, 303);
}

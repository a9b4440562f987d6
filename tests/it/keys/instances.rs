//! Several instances on one database: what one takes back, all refuse.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pidima::adapters::models::ExtractiveModel;
use pidima::app::Outside;
use pidima::config::{Config, Env};
use pidima::server;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{make, me_from_page, path, publishable, secret, token};
use crate::support::{SIGNING_SECRET, TestApp, TestTenant, eventually, minilm};

/// A verified credential is trusted for 5 seconds; the rest is for a busy machine.
const REFUSED_WITHIN: Duration = Duration::from_secs(7);

/// Another instance on the same database; its address, and what stops it.
pub async fn beside(app: &TestApp) -> (String, tokio_util::sync::DropGuard) {
    beside_with(app, &[]).await
}

/// The same with settings of its own.
pub async fn beside_with(
    app: &TestApp,
    more: &[(&str, &str)],
) -> (String, tokio_util::sync::DropGuard) {
    let objects = app.objects.to_string_lossy().into_owned();
    let mut pairs = vec![
        ("DATABASE_URL", app.database.app_url()),
        ("PIDIMA_DATABASE_POOL_SIZE", "4".to_owned()),
        ("PIDIMA_OBJECTS_DIR", objects),
        ("PIDIMA_SIGNING_SECRET", SIGNING_SECRET.to_owned()),
    ];
    pairs.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let config = Config::from_env(&Env::from_pairs(pairs)).unwrap();
    let outside =
        Outside { embedder: Arc::new(minilm().await), models: Arc::new(ExtractiveModel).into() };
    let other = app.watch.build(&config, outside);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let (endpoint, times) = (app.watch.endpoint(&other), app.watch.times(&other));
    tokio::spawn(server::serve(listener, endpoint, times, stop.clone()));
    (url, stop.drop_guard())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_revoked_at_one_instance_is_refused_by_all_within_five_seconds() {
    let app = TestApp::start().await;
    let owner = app.tenant("instances").await;
    let (second, _second) = beside(&app).await;
    let (third, _third) = beside(&app).await;
    let created = make(&owner, &json!({ "name": "k", "role": "member" })).await;
    let client = owner.with_key(&secret(&created));
    client.get("/v1/me").await.expect(200);
    client.at(&second).get("/v1/me").await.expect(200);
    owner.delete(&path(&created)).await.expect(204);
    let revoked = Instant::now();
    // One that never saw the key has nothing to forget.
    assert_eq!(client.at(&third).get("/v1/me").await.status, 401);
    eventually("both refuse", || async {
        let (here, there) = (client.get("/v1/me").await, client.at(&second).get("/v1/me").await);
        here.status == 401 && there.status == 401
    })
    .await;
    println!("refused everywhere after {:?}", revoked.elapsed());
    assert!(revoked.elapsed() < REFUSED_WITHIN, "{:?}", revoked.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_widget_token_ends_with_its_publishable_key_on_all_instances() {
    let app = TestApp::start().await;
    let owner = app.tenant("widget-instances").await;
    let (second, _second) = beside(&app).await;
    let key = publishable(&owner).await;
    let (token, unseen) = (token(&owner, &key, "ada").await, token(&owner, &key, "bob").await);
    me_from_page(&owner, &token).await.expect(200);
    me_from_page(&owner.at(&second), &token).await.expect(200);
    owner.delete(&path(&key)).await.expect(204);
    let revoked = Instant::now();
    assert_eq!(me_from_page(&owner.at(&second), &unseen).await.status, 401);
    eventually("both refuse", || async {
        let here = me_from_page(&owner, &token).await.status;
        here == 401 && me_from_page(&owner.at(&second), &token).await.status == 401
    })
    .await;
    assert!(revoked.elapsed() < REFUSED_WITHIN, "{:?}", revoked.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_ended_at_one_instance_is_refused_by_all_within_five_seconds() {
    let app = TestApp::start().await;
    let owner = app.tenant("login-instances").await;
    let (second, _second) = beside(&app).await;
    let (first, other) = (owner.as_member("member").await, owner.as_member("editor").await);
    for person in [&first, &other] {
        person.get("/v1/me").await.expect(200);
        person.at(&second).get("/v1/me").await.expect(200);
    }
    // One is ended by an admin, the other by its own person.
    let session = async |person: &TestTenant| {
        let list = person.get("/v1/browser_sessions").await.expect(200);
        format!("/v1/browser_sessions/{}", list["items"][0]["id"].as_str().unwrap())
    };
    owner.delete(&session(&first).await).await.expect(204);
    other.delete(&session(&other).await).await.expect(204);
    let ended = Instant::now();
    eventually("both are refused by both", || async {
        let mut refused = 0;
        for person in [&first, &other] {
            refused += usize::from(person.get("/v1/me").await.status == 401);
            refused += usize::from(person.at(&second).get("/v1/me").await.status == 401);
        }
        refused == 4
    })
    .await;
    println!("refused everywhere after {:?}", ended.elapsed());
    assert!(ended.elapsed() < REFUSED_WITHIN, "{:?}", ended.elapsed());
}

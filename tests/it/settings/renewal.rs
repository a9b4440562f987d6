//! Settings that change while the service runs: keys, flags, the password of the database; and a source that is away then.

use std::sync::Arc;

use futures_util::StreamExt;
use pidima::adapters::models::{ExtractiveModel, Prompt};
use pidima::app::{Outside, Renewal, Sources};
use pidima::config::Config;
use pidima::db::{Db, PoolSettings};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::place::Place;
use crate::aws::StandIn;
use crate::aws::proxy::{Act, FaultProxy, Seen};
use crate::support::{TestApp, TestDatabase, TestTenant, eventually};

/// A service some of whose settings stand in a place where they change.
struct Running {
    app: TestApp,
    tenant: TestTenant,
    place: Place,
    /// Between the service and the place.
    proxy: FaultProxy,
    /// A server that speaks OpenAI's protocol.
    model: FaultProxy,
    outside: Outside,
    stop: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Running {
    async fn start(place: Place) -> Self {
        let model = FaultProxy::before("http://127.0.0.1:1").await;
        model.on(answer);
        let proxy = FaultProxy::before(&StandIn::shared().await.address).await;
        let url = format!("{}/v1", model.url);
        let base = Place::file_place().await;
        base.put(&[
            super::DATABASE,
            ("PIDIMA_SETTINGS_REFRESH_MS", "100"),
            ("PIDIMA_MODEL_PROVIDER", "openai"),
            ("PIDIMA_OPENAI_BASE_URL", &url),
            ("PIDIMA_OPENAI_MODEL", "m"),
            ("PIDIMA_EMBEDDING_PROVIDER", "openai"),
            ("PIDIMA_EMBEDDING_BASE_URL", &url),
            ("PIDIMA_EMBEDDING_MODEL", "m"),
            ("PIDIMA_EMBEDDING_DIMENSIONS", "8"),
            ("PIDIMA_EMBEDDING_TRIES", "1"),
        ])
        .await;
        put(&place, "old", "on").await;
        let sources = Sources::default().then_machine(base.file());
        let sources = if place.is_outside() {
            sources.then_outside(vec![place.outside(&proxy.url)])
        } else {
            sources.then_machine(place.file())
        };
        let env = sources.read().await.unwrap();
        let config = Config::from_env(&env).unwrap();
        let outside = Outside::connect(&config).await.unwrap();
        let own = Outside {
            embedder: Arc::new(crate::support::minilm().await),
            models: Arc::new(ExtractiveModel).into(),
        };
        // It is asked again and again whether uploads are taken.
        let patient = [("PIDIMA_LIMIT_UPLOAD_BURST", "100000")];
        let app = TestApp::start_idle(&patient, own).await;
        let tenant = app.tenant("acme").await;
        let stop = CancellationToken::new();
        let renewal = Renewal::new(sources, env, config);
        tokio::spawn(app.app.clone().follow_settings(renewal, stop.clone()));
        Self { app, tenant, place, proxy, model, outside, stop }
    }

    /// The keys that the next requests carry: of the chat model and of the embedding model.
    async fn keys(&self) -> Vec<String> {
        self.model.take();
        // A stream sends nothing before it is read.
        let mut answer = self.outside.models.in_order().answer(prompt()).await.unwrap();
        answer.next().await.unwrap().unwrap();
        drop(self.outside.embedder.embed_query("a question").await);
        let seen = self.model.take();
        seen.iter().map(|seen| seen.header("authorization").to_owned()).collect()
    }

    async fn takes_uploads(&self) -> bool {
        let name = format!("{}.md", uuid::Uuid::new_v4());
        match self.tenant.upload(&name, "# A\n\nThe pump runs.\n").await {
            reply if reply.status == 202 => true,
            reply => {
                reply.expect(503);
                false
            }
        }
    }

    /// Of the settings, whether `/readyz` says that they are old.
    async fn is_degraded(&self) -> bool {
        let reply = reqwest::get(format!("{}/readyz", self.app.url)).await.unwrap();
        assert_eq!(reply.status(), 200, "questions are answered all the same");
        let told: Value = reply.json().await.unwrap();
        let is_old = told["degraded"].to_string().contains("settings: ");
        assert_eq!(is_old, told["state"] == "degraded", "{told}");
        is_old
    }
}

fn answer(seen: &Seen) -> Act {
    if seen.line.contains("embeddings") {
        Act::json(200, &json!({ "data": [{ "index": 0, "embedding": vec![1.0; 8] }] }))
    } else {
        let piece = json!({ "choices": [{ "index": 0, "delta": { "content": "It runs." } }] });
        let text = format!("data: {piece}\n\ndata: [DONE]\n\n");
        Act::Reply(200, "text/event-stream", text.into_bytes())
    }
}

/// What changes.
async fn put(place: &Place, keys: &str, uploads: &str) {
    let (chat, embedding) = (format!("chat-{keys}"), format!("embed-{keys}"));
    place
        .put(&[
            // First: parameters are put one after the other, and may be read in between.
            ("PIDIMA_FLAG_UPLOADS", uploads),
            ("PIDIMA_OPENAI_API_KEY", &chat),
            ("PIDIMA_EMBEDDING_API_KEY", &embedding),
        ])
        .await;
}

fn keys(keys: &str) -> [String; 2] {
    [format!("Bearer chat-{keys}"), format!("Bearer embed-{keys}")]
}

fn prompt() -> Prompt {
    Prompt {
        instructions: String::new(),
        history: Vec::new(),
        message: "a question".to_owned(),
        passages: Vec::new(),
        question: "a question".to_owned(),
        standalone_question: "a question".to_owned(),
        max_output_tokens: 10,
        temperature: 0.0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_flags_change_while_the_service_runs_wherever_they_stand() {
    for place in Place::all().await {
        let running = Box::pin(Running::start(place)).await;
        assert_eq!(running.keys().await, keys("old"));
        assert!(running.takes_uploads().await);
        put(&running.place, "new", "off").await;
        eventually("the new keys are sent", async || running.keys().await == keys("new")).await;
        eventually("uploads are off", async || !running.takes_uploads().await).await;
        put(&running.place, "new", "on").await;
        eventually("uploads are on", async || running.takes_uploads().await).await;
        assert!(!running.is_degraded().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_is_switched_whatever_else_is_wrong_and_names_of_the_next_version_do_no_harm() {
    for place in Place::all().await {
        let running = Box::pin(Running::start(place)).await;
        let base =
            [("PIDIMA_OPENAI_API_KEY", "chat-new"), ("PIDIMA_EMBEDDING_API_KEY", "embed-new")];
        let with = |more: &[(&'static str, &'static str)]| [more, &base[..]].concat();
        running
            .place
            .put(&with(&[("PIDIMA_FLAG_UPLOADS", "off"), ("PIDIMA_CHAT_MIN_EVIDENCE", "much")]))
            .await;
        eventually("uploads are off", async || !running.takes_uploads().await).await;
        eventually("it is told", async || running.is_degraded().await).await;
        assert_eq!(running.keys().await, keys("old"));
        running
            .place
            .put(&with(&[
                ("PIDIMA_FLAG_UPLOADS", "on"),
                ("PIDIMA_CHAT_MIN_EVIDENCE", "0"),
                ("PIDIMA_OF_THE_NEXT_VERSION", "1"),
                ("PIDIMA_PROVIDER_LEFT_OUT_API_KEY", "sleeps"),
            ]))
            .await;
        eventually("uploads are on", async || running.takes_uploads().await).await;
        eventually("the new keys are sent", async || running.keys().await == keys("new")).await;
        assert!(!running.is_degraded().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slip_in_any_flag_leaves_it_as_it_was() {
    let running = Box::pin(Running::start(Place::file_place().await)).await;
    let session = crate::attachments::open(&running.tenant, &json!({})).await;
    let takes_attachments = async || {
        let name = format!("{}.md", uuid::Uuid::new_v4());
        let text = b"# A\n\nThe pump runs.\n";
        let sent = crate::attachments::send(&running.tenant, &session, &name, text).await;
        sent.status == 202
    };
    assert!(takes_attachments().await);
    running.place.put(&[("PIDIMA_FLAG_ATTACHMENTS", "off")]).await;
    eventually("attachments are off", async || !takes_attachments().await).await;
    running.place.put(&[("PIDIMA_FLAG_ATTACHMENTS", "of")]).await;
    eventually("it is told", async || running.is_degraded().await).await;
    assert!(!takes_attachments().await);
    assert!(running.takes_uploads().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_gone_or_that_no_header_carries_leaves_the_old_one() {
    for place in Place::all().await {
        // Putting a parameter takes none away.
        if place.is_outside() {
            continue;
        }
        let running = Box::pin(Running::start(place)).await;
        running.place.put(&[("PIDIMA_FLAG_UPLOADS", "off")]).await;
        eventually("uploads are off", async || !running.takes_uploads().await).await;
        assert_eq!(running.keys().await, keys("old"), "keys that are gone stay");
        running
            .place
            .put(&[("PIDIMA_FLAG_UPLOADS", "on"), ("PIDIMA_OPENAI_API_KEY", "two words")])
            .await;
        eventually("it is told", async || running.is_degraded().await).await;
        assert_eq!(running.keys().await, keys("old"), "no header carries it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_read_or_used_leaves_all_as_it_is_and_is_told() {
    for place in Place::all().await {
        let running = Box::pin(Running::start(place)).await;
        let is_outside = running.place.is_outside();
        // A value that is none: the keys beside it are not taken over either.
        put(&running.place, "new", "perhaps").await;
        eventually("it is told", async || running.is_degraded().await).await;
        assert_eq!(running.keys().await, keys("old"));
        assert!(running.takes_uploads().await);
        if is_outside {
            running.proxy.on(|_| Act::sqs(400, "AccessDeniedException"));
        } else {
            running.place.put_text("nonsense\n").await;
        }
        let reads = running.proxy.count(|_| true);
        eventually("it is asked again", async || {
            !is_outside || running.proxy.count(|_| true) > reads + 1
        })
        .await;
        assert!(running.is_degraded().await);
        assert_eq!(running.keys().await, keys("old"));
        running.proxy.pass();
        put(&running.place, "new", "on").await;
        eventually("all is well again", async || !running.is_degraded().await).await;
        assert_eq!(running.keys().await, keys("new"));
    }
}

#[tokio::test]
async fn a_new_password_of_the_same_role_and_database_is_used_for_new_connections() {
    let database = TestDatabase::create().await;
    let good = database.app_url();
    let (head, tail) = good.split_once('@').unwrap();
    let (head, _) = head.rsplit_once(':').unwrap();
    let wrong = format!("{head}:another@{tail}");
    let settings = PoolSettings {
        url: wrong.clone().into(),
        max_connections: 2,
        acquire_timeout: std::time::Duration::from_secs(5),
    };
    let db = Db::open(&settings).unwrap();
    assert!(db.ping().await.is_err(), "the password is wrong");
    for other in [
        good.replacen("pidima_app", "postgres", 1),
        format!("{good}2"),
        format!("{good}?sslmode=require"),
        format!("{good}?options=-csearch_path%3Dpublic"),
    ] {
        assert!(!db.renew_password(&other.into()).await.unwrap(), "another place");
        assert!(db.ping().await.is_err());
    }
    let worse = format!("{head}:yet-another@{tail}");
    assert!(db.renew_password(&worse.clone().into()).await.is_err(), "it is tried first");
    assert!(db.renew_password(&good.into()).await.unwrap());
    db.ping().await.unwrap();
    assert!(db.renew_password(&"no address".into()).await.is_err());
    assert!(db.renew_password(&worse.into()).await.is_err());
    db.ping().await.unwrap();
}

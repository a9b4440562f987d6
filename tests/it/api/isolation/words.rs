//! Words that only one tenant has ever written are in no response to the other.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::support::{TestApp, TestTenant};

/// A tenant whose every text holds a word of its own; the ids of what it has.
pub struct Marked {
    pub tenant: TestTenant,
    pub word: &'static str,
    pub ids: Vec<String>,
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

impl Marked {
    pub async fn make(app: &TestApp, slug: &str, word: &'static str) -> Self {
        let tenant = app.tenant(slug).await;
        let collection = json!({ "name": format!("manuals {word}"), "description": word });
        let collection = id(&tenant.post("/v1/collections", &collection).await.expect(201));
        let text = format!("# Pump {word}\n\nThe pump {word} runs at a pressure of 3 bar.\n");
        let form = Form::new()
            .part("file", Part::bytes(text.into_bytes()).file_name(format!("{word}.md")))
            .text("collection_id", collection.clone())
            .text("source_url", format!("https://example.com/{word}"))
            .text("metadata", json!({ "product": word }).to_string());
        let upload = tenant.request(Method::POST, "/v1/documents").multipart(form);
        let document = id(&tenant.send(upload).await.expect(202));
        assert_eq!(tenant.settled(&document).await["state"], "ready");
        let key = json!({ "name": word, "role": "member" });
        let key = id(&tenant.post("/v1/api_keys", &key).await.expect(201)["api_key"]);
        let session = json!({ "title": format!("about {word}") });
        let session = id(&tenant.post("/v1/sessions", &session).await.expect(201));
        let question = json!({ "content": format!("At what pressure runs the pump {word}?") });
        let asked = tenant.post(&format!("/v1/sessions/{session}/messages"), &question).await;
        let message = asked.expect(200)["message_id"].as_str().unwrap().to_owned();
        let ids = vec![tenant.id.uuid().to_string(), collection, document, key, session, message];
        Self { tenant, word, ids }
    }

    /// Everything that the tenant can read, as text, each with what was asked for.
    pub async fn everything(&self) -> Vec<(String, String)> {
        let tenant = &self.tenant;
        let [_, collection, document, key, session, message] = &self.ids[..] else { panic!() };
        let mut read = Vec::new();
        for path in [
            "/v1/me".to_owned(),
            "/v1/api_keys".to_owned(),
            format!("/v1/api_keys/{key}"),
            "/v1/collections".to_owned(),
            format!("/v1/collections/{collection}"),
            "/v1/documents".to_owned(),
            "/v1/documents?state=ready".to_owned(),
            format!("/v1/documents/{document}"),
            format!("/v1/documents/{document}/versions"),
            "/v1/sessions".to_owned(),
            format!("/v1/sessions/{session}"),
            format!("/v1/sessions/{session}/messages"),
            format!("/v1/messages/{message}"),
            "/v1/audit_events".to_owned(),
            "/v1/audit_events/export".to_owned(),
            "/v1/audit_events/export?format=csv".to_owned(),
        ] {
            let reply = tenant.get(&path).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
            read.push((path, reply.text()));
        }
        // Words that both have written: a search without a wall would find both.
        let question = "At what pressure runs the pump?";
        let search = json!({ "query": question, "limit": 50, "explain": true });
        let asked = [
            ("/v1/search", search),
            ("/v1/answers", json!({ "question": question })),
            (&format!("/v1/sessions/{session}/messages"), json!({ "content": question })),
        ];
        for (path, body) in asked {
            for accept in ["application/json", "text/event-stream"] {
                let request =
                    tenant.request(Method::POST, path).json(&body).header("accept", accept);
                let reply = tenant.send(request).await;
                assert_eq!(reply.status, 200, "{path}: {}", reply.text());
                read.push((format!("{path} {accept}"), reply.text()));
            }
        }
        read
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_response_to_one_tenant_holds_a_word_or_an_id_of_the_other() {
    let app = TestApp::start().await;
    let one = Marked::make(&app, "words-one", "zarquonite").await;
    let two = Marked::make(&app, "words-two", "quibblefax").await;
    for (reader, other) in [(&one, &two), (&two, &one)] {
        let read = reader.everything().await;
        for (what, text) in &read {
            let text = text.to_lowercase();
            assert!(!text.contains(other.word), "{what}: {text}");
            for foreign in &other.ids {
                assert!(!text.contains(foreign.as_str()), "{what}: {text}");
            }
        }
        // The reader's own word is there: the scan would have seen the other's.
        for expected in ["/v1/search", "/v1/answers", "/v1/documents", "/messages", "/v1/api_keys"]
        {
            let mut of_kind = read.iter().filter(|(what, _)| what.contains(expected));
            assert!(of_kind.any(|(_, text)| text.contains(reader.word)), "{expected}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_a_word_of_another_tenant_finds_nothing_of_it() {
    let app = TestApp::start().await;
    let one = Marked::make(&app, "ask-one", "zarquonite").await;
    let two = Marked::make(&app, "ask-two", "quibblefax").await;
    let search = json!({ "query": two.word, "limit": 50, "explain": true });
    let found = one.tenant.post("/v1/search", &search).await.expect(200);
    for hit in found["items"].as_array().unwrap() {
        assert_eq!(hit["document_id"], one.ids[2], "{hit}");
        assert!(!hit.to_string().contains(two.word), "{hit}");
    }
    assert_eq!(found["explanation"]["searched_chunks"], 1, "{found}");
    let filtered = json!({ "query": "pump", "metadata": { "product": two.word } });
    let found = one.tenant.post("/v1/search", &filtered).await.expect(200);
    assert_eq!(found["items"], json!([]));
    let answer = one.tenant.ask(&format!("What is the pressure of the {}?", two.word)).await;
    for citation in answer["citations"].as_array().unwrap() {
        assert_eq!(citation["document_id"], one.ids[2], "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_under_the_same_name_belongs_to_each_tenant_on_its_own() {
    let app = TestApp::start().await;
    let (one, two) = (app.tenant("same-one").await, app.tenant("same-two").await);
    let (name, text) = ("pump.md", "# Pump\n\nThe pump runs at a pressure of 3 bar.");
    let first = one.learn(name, text).await;
    let second = two.upload(name, text).await;
    assert_eq!(second.status, 202, "known bytes of another tenant are new: {}", second.text());
    let second = two.settled(&id(&second.json())).await;
    assert_ne!(first["id"], second["id"]);
    assert_eq!((&second["state"], &second["version_number"]), (&json!("ready"), &json!(1)));

    one.delete(&format!("/v1/documents/{}", id(&first))).await.expect(204);
    let search = json!({ "query": "pressure of the pump" });
    assert_eq!(one.post("/v1/search", &search).await.expect(200)["items"], json!([]));
    let found = two.post("/v1/search", &search).await.expect(200);
    assert_eq!(found["items"][0]["document_id"], second["id"]);
    two.get(&format!("/v1/documents/{}", id(&second))).await.expect(200);
    assert_eq!(one.upload(name, text).await.status, 202);
}

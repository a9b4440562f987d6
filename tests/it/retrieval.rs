//! Guards the order in which search finds passages: each test learns a few documents of its own and asks.

use std::collections::BTreeMap;

use pidima::kernel::ids::new_id;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::support::{TestApp, TestTenant};

/// The constant and the weight of words that the fusion uses by default.
const K: f64 = 10.0;
const LEXICAL_WEIGHT: f64 = 2.0;

/// Thirty passages about a warehouse, one a document: `shelf` and `robot` stand in all of them.
async fn warehouse(tenant: &TestTenant) {
    let subjects = [
        "aisle",
        "battery",
        "camera",
        "dock",
        "elevator",
        "fork",
        "gripper",
        "helmet",
        "inventory",
        "joint",
        "kiosk",
        "label",
        "magnet",
        "notice",
        "order",
        "pallet",
        "queue",
        "ramp",
        "scanner",
        "tray",
        "uniform",
        "valve",
        "wheel",
        "yard",
        "zone",
        "beacon",
        "charger",
        "drawer",
        "engine",
        "filter",
    ];
    for subject in subjects {
        let text = format!(
            "The robot stops at the shelf and looks for its {subject}. A robot that waits at the \
             shelf for longer than a minute tells the operator about the {subject}."
        );
        tenant.learn(&format!("{subject}.txt"), &text).await;
    }
}

async fn search(tenant: &TestTenant, query: &str) -> Value {
    find(tenant, &json!({ "query": query, "limit": 10, "explain": true })).await
}

async fn find(tenant: &TestTenant, body: &Value) -> Value {
    tenant.post("/v1/search", body).await.expect(200)
}

fn names(found: &Value) -> Vec<&str> {
    let items = found["items"].as_array().unwrap();
    items.iter().map(|item| item["document_name"].as_str().unwrap()).collect()
}

/// Names by place in the search by words.
fn by_words(found: &Value) -> Vec<&str> {
    let mut places = BTreeMap::new();
    for item in found["items"].as_array().unwrap() {
        if let Some(place) = item["explanation"]["lexical_rank"].as_i64() {
            places.insert(place, item["document_name"].as_str().unwrap());
        }
    }
    places.into_values().collect()
}

/// Uploads into a collection, with metadata.
async fn learn_in(tenant: &TestTenant, collection: &str, name: &str, metadata: Value, text: &str) {
    let file = Part::bytes(text.as_bytes().to_vec()).file_name(name.to_owned());
    let form = Form::new()
        .text("collection_id", collection.to_owned())
        .text("metadata", metadata.to_string())
        .part("file", file);
    let request = tenant.request(Method::POST, "/v1/documents").multipart(form);
    let document = tenant.send(request).await.expect(202);
    let settled = tenant.settled(document["id"].as_str().unwrap()).await;
    assert_eq!(settled["state"], "ready", "{settled}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rare_term_beats_terms_that_stand_everywhere() {
    let app = TestApp::start().await;
    let tenant = app.tenant("warehouse").await;
    warehouse(&tenant).await;

    let found = search(&tenant, "robot shelf operator gripper").await;

    assert_eq!(by_words(&found)[0], "gripper.txt", "{found}");
    assert_eq!(names(&found)[0], "gripper.txt", "{found}");
    assert_eq!(found["explanation"]["searched_chunks"], 30);
    let terms = found["items"][0]["explanation"]["matched_terms"].as_array().unwrap();
    assert_eq!(terms.len(), 4, "{terms:?}");
    let scores: Vec<f64> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["score"].as_f64().unwrap())
        .collect();
    assert!(scores.windows(2).all(|pair| pair[0] >= pair[1]), "{scores:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_with_words_that_nothing_contains_still_finds() {
    let app = TestApp::start().await;
    let tenant = app.tenant("warehouse").await;
    warehouse(&tenant).await;

    let found = search(&tenant, "zygote quokka beacon xylophone").await;

    assert_eq!(names(&found)[0], "beacon.txt", "{found}");
    assert_eq!(by_words(&found), ["beacon.txt"]);
    assert_eq!(found["explanation"]["lexical_candidates"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_passages_with_the_term_the_shorter_comes_first_and_repeats_count() {
    let app = TestApp::start().await;
    let tenant = app.tenant("lengths").await;
    let filler =
        "Pumps move water through pipes into tanks at the far end of every field. ".repeat(6);
    tenant.learn("long.txt", &format!("The quencher starts. {filler}")).await;
    tenant.learn("short.txt", "The quencher starts. Pumps move water into tanks.").await;
    tenant.learn("often.txt", "The quencher starts another quencher. Pumps move water.").await;
    tenant.learn("none.txt", &filler).await;

    let found = search(&tenant, "quencher").await;

    assert_eq!(by_words(&found), ["often.txt", "short.txt", "long.txt"], "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_is_found_whole_and_by_its_parts() {
    let app = TestApp::start().await;
    let tenant = app.tenant("identifiers").await;
    tenant.learn("camel.txt", "Call openValveSlowly before the first run.").await;
    tenant.learn("snake.txt", "Set max_retry_count in the file of settings.").await;
    tenant.learn("dotted.txt", "The key server.tls.certificate names a file.").await;
    tenant.learn("other.txt", "Nothing of this kind is said on this page.").await;

    for (query, name) in [
        ("openValveSlowly", "camel.txt"),
        ("openvalveslowly", "camel.txt"),
        ("valve", "camel.txt"),
        ("max_retry_count", "snake.txt"),
        ("how many retries", "snake.txt"),
        ("server.tls.certificate", "dotted.txt"),
        ("tls certificates", "dotted.txt"),
    ] {
        let found = search(&tenant, query).await;
        assert_eq!(by_words(&found), [name], "{query}: {found}");
        assert_eq!(names(&found)[0], name, "{query}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn collection_and_metadata_narrow_both_searches() {
    let app = TestApp::start().await;
    let tenant = app.tenant("filters").await;
    let mut ids = Vec::new();
    for name in ["app", "web"] {
        let made = tenant.post("/v1/collections", &json!({ "name": name })).await.expect(201);
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let text = "The sprocket is oiled once a week.";
    learn_in(&tenant, &ids[0], "old.txt", json!({ "edition": 1 }), text).await;
    learn_in(&tenant, &ids[0], "new.txt", json!({ "edition": 2 }), text).await;
    learn_in(&tenant, &ids[1], "web.txt", json!({ "edition": 2 }), text).await;

    for (filter, expected) in [
        (json!({}), vec!["new.txt", "old.txt", "web.txt"]),
        (json!({ "collection_ids": [ids[0]] }), vec!["new.txt", "old.txt"]),
        (json!({ "metadata": { "edition": 2 } }), vec!["new.txt", "web.txt"]),
        (json!({ "collection_ids": [ids[0]], "metadata": { "edition": 2 } }), vec!["new.txt"]),
        (json!({ "metadata": { "edition": 3 } }), vec![]),
    ] {
        let mut body = json!({ "query": "When is the sprocket oiled?", "explain": true });
        body.as_object_mut().unwrap().extend(filter.as_object().unwrap().clone());
        let found = find(&tenant, &body).await;
        let mut sorted = names(&found);
        sorted.sort_unstable();
        assert_eq!(sorted, expected, "{filter}");
        for stage in ["dense_candidates", "lexical_candidates"] {
            assert_eq!(found["explanation"][stage], expected.len(), "{stage} {filter}");
        }
    }
    let unknown = json!({ "query": "sprocket", "collection_ids": [new_id()] });
    tenant.post("/v1/search", &unknown).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_question_gives_the_same_order_and_numbers_that_add_up() {
    let app = TestApp::start().await;
    let tenant = app.tenant("warehouse").await;
    warehouse(&tenant).await;
    let query = "Why does the robot wait at the shelf for the elevator or the ramp?";

    let first = search(&tenant, query).await;
    let again = search(&tenant, query).await;

    assert_eq!(first["items"], again["items"]);
    let items = first["items"].as_array().unwrap();
    assert_eq!(items.len(), 10);
    for item in items {
        let explained = &item["explanation"];
        let part = |rank: &str, weight: f64| {
            explained[rank].as_i64().map_or(0.0, |place| weight / (K + place as f64))
        };
        let sum = part("dense_rank", 1.0) + part("lexical_rank", LEXICAL_WEIGHT);
        assert!((item["score"].as_f64().unwrap() - sum).abs() < 1e-9, "{item}");
        let similarity = explained["similarity"].as_f64().unwrap();
        assert!((-1.0..=1.0).contains(&similarity));
    }
    // Places and scores go the same way in each of the two searches.
    for (rank, score) in [("dense_rank", "similarity"), ("lexical_rank", "lexical_score")] {
        let ordered: BTreeMap<i64, f64> = items
            .iter()
            .filter_map(|item| {
                let explained = &item["explanation"];
                Some((explained[rank].as_i64()?, explained[score].as_f64()?))
            })
            .collect();
        let scores: Vec<f64> = ordered.into_values().collect();
        assert!(scores.windows(2).all(|pair| pair[0] >= pair[1]), "{rank}: {scores:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passage_longer_than_the_models_window_is_one_candidate_by_its_best_window() {
    let app = TestApp::start().await;
    let tenant = app.tenant("windows").await;
    let filler =
        "The walls of the hall are painted white and the floor is swept daily. ".repeat(13);
    tenant.learn("tail.txt", &format!("{filler}Penguins of the zoo eat fresh herring.")).await;
    tenant.learn("walls.txt", &filler).await;

    let found = search(&tenant, "What do birds in the animal park feed on?").await;

    assert_eq!(found["items"][0]["document_name"], "tail.txt", "{found}");
    assert_eq!(found["explanation"]["dense_candidates"], found["explanation"]["searched_chunks"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superseded_version_is_never_found() {
    let app = TestApp::start().await;
    let tenant = app.tenant("versions").await;
    tenant.learn("page.txt", "The old limit is a furlong of cable.").await;
    let second = tenant.learn("page.txt", "The new limit is a fathom of rope.").await;
    assert_eq!(second["version_number"], 2);

    let found = search(&tenant, "furlong of cable").await;

    assert_eq!(names(&found), ["page.txt"]);
    assert_eq!(found["items"][0]["version_number"], 2);
    assert!(!found.to_string().contains("furlong of cable"), "{found}");
    assert_eq!(found["explanation"]["searched_chunks"], 1);
    assert_eq!(found["explanation"]["lexical_candidates"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_without_documents_gets_an_empty_list_beside_one_with_many() {
    let app = TestApp::start().await;
    let (full, empty) = (app.tenant("full").await, app.tenant("empty").await);
    full.learn("page.txt", "The sprocket is oiled once a week.").await;

    let found = search(&empty, "When is the sprocket oiled?").await;

    assert_eq!(found["items"], json!([]));
    assert_eq!(found["explanation"]["searched_chunks"], 0);
    assert_eq!(names(&search(&full, "When is the sprocket oiled?").await), ["page.txt"]);
}

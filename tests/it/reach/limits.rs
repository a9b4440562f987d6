//! Who may limit a collection.

use serde_json::json;

use super::Library;
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn editors_do_not_decide_who_reads() {
    let app = TestApp::start().await;
    let library = Library::build(&app, "limits-editor").await;
    let editor = library.tenant.as_member("editor").await;
    let open = format!("/v1/collections/{}", library.open);
    for body in [json!({ "group_ids": [library.group] }), json!({ "group_ids": [], "name": "x" })] {
        let reply = editor.patch(&open, &body).await;
        assert!(reply.text().contains("group_ids needs the role admin"), "{}", reply.text());
        reply.expect(403);
    }
    let body = json!({ "name": "new", "group_ids": [library.group] });
    editor.post("/v1/collections", &body).await.expect(403);
    let after = library.tenant.get(&open).await.expect(200);
    assert_eq!((after["name"].clone(), after["group_ids"].clone()), (json!("open"), json!([])));
    editor.patch(&open, &json!({ "name": "manuals" })).await.expect(200);
    editor.post("/v1/collections", &json!({ "name": "new" })).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_groups_is_noted_once() {
    let app = TestApp::start().await;
    let library = Library::build(&app, "limits-audit").await;
    let path = format!("/v1/collections/{}", library.open);
    let body = json!({ "group_ids": [library.group, library.group] });
    for _ in 0..2 {
        let changed = library.tenant.patch(&path, &body).await.expect(200);
        assert_eq!(changed["group_ids"], json!([library.group]));
    }
    let query = "select before, after from app.audit_events
        where action = 'collection.limited' and target_id = $1";
    let noted: Vec<(serde_json::Value, serde_json::Value)> =
        sqlx::query_as(query).bind(&library.open).fetch_all(&app.database.admin()).await.unwrap();
    let expected = (json!({ "group_ids": [] }), json!({ "group_ids": [library.group] }));
    assert_eq!(noted, [expected]);
}

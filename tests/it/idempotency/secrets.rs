//! A secret is shown once: no key brings it back, and it is stored nowhere.

use serde_json::json;

use super::{new_key, post};
use crate::api::problem;
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_is_told_what_it_made_and_not_its_secret() {
    let app = TestApp::start().await;
    let owner = app.tenant("shown-once").await;
    let key = new_key();
    let body = json!({ "name": "spare", "role": "member" });
    let made = post(&owner, "/v1/api_keys", &key, &body).await.expect(201);
    let secret = made["secret"].as_str().unwrap();
    owner.with_key(secret).get("/v1/me").await.expect(200);

    let again = post(&owner, "/v1/api_keys", &key, &body).await;
    let told = problem(&again, 409, "already_done");
    let place = format!("/v1/api_keys/{}", made["api_key"]["id"].as_str().unwrap());
    assert_eq!(again.headers["location"], place.as_str());
    assert!(told["detail"].as_str().unwrap().contains(&place), "{told}");
    assert!(!again.text().contains(secret));

    // What to do after a lost answer: take the key back, make another under a new key.
    owner.delete(&place).await.expect(204);
    post(&owner, "/v1/api_keys", &new_key(), &body).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_answers_are_not_stored() {
    let app = TestApp::start().await;
    let owner = app.tenant("not-stored").await;
    let operator = owner.with_key(&app.operator_key().await);
    let key = json!({ "name": "spare", "role": "member" });
    let invited = json!({ "email": "ada@example.com", "role": "member" });
    let tenant = json!({ "slug": "made-not-stored", "name": "made" });
    let member =
        owner.local_member("grace@example.com", pidima::identity::Role::Member, None).await;
    let reset = format!("/v1/members/{member}/password_reset");
    let made = [
        post(&owner, "/v1/api_keys", &new_key(), &key).await.expect(201)["secret"].clone(),
        post(&owner, "/v1/invitations", &new_key(), &invited).await.expect(201)["secret"].clone(),
        post(&owner, &reset, &new_key(), &json!({})).await.expect(201)["one_time_password"].clone(),
        post(&operator, "/v1/platform/tenants", &new_key(), &tenant).await.expect(201)["first_key"]
            .clone(),
    ];
    let rows: Vec<String> = sqlx::query_scalar(
        "select k::text from app.idempotency_keys k
        union all
        select k::text from app.operator_idempotency_keys k",
    )
    .fetch_all(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(rows.len(), made.len());
    for secret in made {
        // The last part is what lets in; what stands before are ids.
        let secret = secret.as_str().unwrap().rsplit('_').next().unwrap().to_owned();
        assert!(secret.len() > 10, "{secret}");
        assert!(!rows.iter().any(|row| row.contains(&secret)), "{secret} is stored");
    }
}

//! Forged and malformed widget tokens: each differs from a good one in one thing, and none is let in.

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use super::{id, make, me_from_page, path, publishable, token};
use crate::api::problem;
use crate::support::{SIGNING_SECRET, TestApp, TestTenant};

/// What a token is made of.
#[derive(Clone)]
struct Parts {
    tenant: String,
    key: String,
    header: Value,
    claims: Value,
    secret: Vec<u8>,
    algorithm: Algorithm,
}

/// The key that signs for a tenant and a publishable key.
fn derived(tenant: &str, key: &str) -> Vec<u8> {
    let master = EncodingKey::from_secret(SIGNING_SECRET.as_bytes());
    let message = format!("pidima widget token 1:{tenant}:{key}");
    let mac = crypto::sign(message.as_bytes(), &master, Algorithm::HS256).unwrap();
    URL_SAFE_NO_PAD.decode(mac).unwrap()
}

impl Parts {
    /// Those of a good token.
    fn good(tenant: &TestTenant, key: &str) -> Self {
        let tenant = tenant.id.to_string();
        let now = Utc::now().timestamp();
        Self {
            header: json!({ "typ": "JWT", "alg": "HS256" }),
            claims: json!({ "aud": "pidima-widget", "tenant": tenant, "key": key, "sub": "ada", "iat": now, "exp": now + 900 }),
            secret: derived(&tenant, key),
            algorithm: Algorithm::HS256,
            key: key.to_owned(),
            tenant,
        }
    }

    fn claim(&self, name: &str, value: Value) -> Self {
        let mut parts = self.clone();
        parts.claims[name] = value;
        parts
    }

    fn without(&self, name: &str) -> Self {
        let mut parts = self.clone();
        parts.claims.as_object_mut().unwrap().remove(name);
        parts
    }

    fn header(&self, name: &str, value: Value) -> Self {
        let mut parts = self.clone();
        parts.header[name] = value;
        parts
    }

    fn signed(&self) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&self.header), part(&self.claims));
        let key = EncodingKey::from_secret(&self.secret);
        let signature = crypto::sign(message.as_bytes(), &key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    fn with(&self, signed: &str) -> String {
        let plain = |id: &str| id.replace('-', "");
        format!("pdw_{}_{}_{signed}", plain(&self.tenant), plain(&self.key))
    }

    fn text(&self) -> String {
        self.with(&self.signed())
    }
}

/// Tokens that differ in what they say.
fn wrong_claims(good: &Parts, other_key: &str, other_tenant: &str) -> Vec<(&'static str, String)> {
    let now = Utc::now().timestamp();
    [
        ("expired", good.claim("exp", json!(now - 1)).claim("iat", json!(now - 900))),
        ("no end", good.without("exp")),
        ("end is text", good.claim("exp", json!("2999-01-01"))),
        ("end is null", good.claim("exp", json!(null))),
        ("end is negative", good.claim("exp", json!(-1))),
        ("end is a list", good.claim("exp", json!([now + 900]))),
        ("lives for a day", good.claim("exp", json!(now + 86_400))),
        ("begins before time", good.claim("iat", json!(i64::MIN))),
        ("another purpose", good.claim("aud", json!("pidima-export"))),
        ("no purpose", good.without("aud")),
        ("nobody", good.without("sub")),
        ("an empty name", good.claim("sub", json!(""))),
        ("a number for a person", good.claim("sub", json!(7))),
        ("another tenant inside", good.claim("tenant", json!(other_tenant))),
        ("another key inside", good.claim("key", json!(other_key))),
        ("a claim that is none", good.claim("role", json!("owner"))),
        (
            "other letters: HS384",
            Parts { algorithm: Algorithm::HS384, ..good.header("alg", json!("HS384")) },
        ),
        (
            "other letters: HS512",
            Parts { algorithm: Algorithm::HS512, ..good.header("alg", json!("HS512")) },
        ),
        ("says RS256", good.header("alg", json!("RS256"))),
        ("says none", good.header("alg", json!("none"))),
        ("says None", good.header("alg", json!("None"))),
        ("no algorithm", good.header("alg", json!(null))),
        ("signed with the secret itself", Parts { secret: SIGNING_SECRET.into(), ..good.clone() }),
        ("signed with nothing", Parts { secret: Vec::new(), ..good.clone() }),
        (
            "signed for another key",
            Parts { secret: derived(&good.tenant, other_key), ..good.clone() },
        ),
        (
            "signed for another tenant",
            Parts { secret: derived(other_tenant, &good.key), ..good.clone() },
        ),
        ("another key in front", Parts { key: other_key.to_owned(), ..good.clone() }),
        ("another tenant in front", Parts { tenant: other_tenant.to_owned(), ..good.clone() }),
        ("too large", good.claim("name", json!("x".repeat(5_000)))),
    ]
    .into_iter()
    .map(|(what, parts)| (what, parts.text()))
    .collect()
}

/// Tokens that differ in how they are written.
fn wrong_forms(good: &Parts) -> Vec<(&'static str, String)> {
    let signed = good.signed();
    let [header, claims, signature] = signed.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let swapped = good.claim("sub", json!("bob")).signed();
    let swapped = swapped.split('.').nth(1).unwrap();
    let none = URL_SAFE_NO_PAD.encode(json!({ "alg": "none" }).to_string());
    let padded = URL_SAFE.encode(good.claims.to_string() + " ");
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    vec![
        ("claims of another person", good.with(&format!("{header}.{swapped}.{signature}"))),
        ("no signature", good.with(&format!("{header}.{claims}."))),
        ("none and no signature", good.with(&format!("{none}.{claims}."))),
        ("two parts", good.with(&format!("{header}.{claims}"))),
        ("five parts", good.with(&format!("{signed}.x.y"))),
        ("cut", good.with(&signed[..signed.len() - 1])),
        (
            "one letter changed",
            good.with(&format!("{header}.{claims}.{flipped}{}", &signature[1..])),
        ),
        ("padded", good.with(&format!("{header}.{padded}=.{signature}"))),
        ("a blank inside", good.with(&format!("{header}. {claims}.{signature}"))),
        ("nothing signed", good.with("")),
        ("without its front", signed.clone()),
        ("front of a key", good.text().replacen("pdw_", "pdm_", 1)),
        ("front in capitals", good.text().replacen("pdw_", "PDW_", 1)),
        ("front cut", good.text().replacen("pdw_", "pdw_0", 1)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_forged_token_is_let_in() {
    let app = TestApp::start().await;
    let owner = app.tenant("forged").await;
    let other = app.tenant("forged-other").await;
    let (key, second) = (publishable(&owner).await, publishable(&owner).await);
    let foreign = publishable(&other).await;
    let good = Parts::good(&owner, &id(&key));
    me_from_page(&owner, &good.text()).await.expect(200);
    me_from_page(&owner, &token(&owner, &key, "ada").await).await.expect(200);

    let mut forged = wrong_claims(&good, &id(&second), &other.id.to_string());
    forged.extend(wrong_forms(&good));
    let secret_key = make(&owner, &json!({ "name": "k", "role": "member" })).await;
    let revoked = publishable(&owner).await;
    owner.delete(&path(&revoked)).await.expect(204);
    forged.extend([
        ("for a secret key", Parts::good(&owner, &id(&secret_key)).text()),
        ("for a revoked key", Parts::good(&owner, &id(&revoked)).text()),
        ("for a key of another tenant", Parts::good(&owner, &id(&foreign)).text()),
        ("for a key that is none", Parts::good(&owner, &owner.id.to_string()).text()),
    ]);
    for (what, token) in &forged {
        println!("{what}");
        problem(&me_from_page(&owner, token).await, 401, "unauthenticated");
    }
    println!("{} forged tokens, 0 let in", forged.len());
    assert!(forged.len() >= 40);
    me_from_page(&owner, &good.text()).await.expect(200);
}

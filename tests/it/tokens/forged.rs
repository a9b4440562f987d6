//! Tokens that nobody may be let in with: each is a good token with one thing wrong, beside good ones that differ as
//! little and are let in.

use hmac_by_hand::hmac_sha256;
use serde_json::{Value, json};

use super::issuer::{TestKey, encode};
use super::{CLIENT, Setup, claims, with};
use pidima::identity::Role;

const SUBJECT: &str = "person-1";

/// A shape of token: its name and how it is made.
type Named = (String, String);

#[tokio::test]
async fn no_forged_or_malformed_token_is_let_in() {
    let setup = Setup::start().await;
    let tenant = setup.app.tenant("forged").await;
    setup.join(tenant.id, SUBJECT, Role::Owner).await;
    setup.join_by(&setup.other, "other", tenant.id, "person-2", Role::Owner).await;
    let ec = TestKey::ec("key-ec");
    let pss = TestKey::rsa_pss("key-pss");
    setup.main.publish(&[setup.main.key.clone(), ec.clone(), pss.clone()]);

    let good = good_tokens(&setup, &ec, &pss);
    for (name, token) in &good {
        let actor = setup.verify(token).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(actor.tenant, tenant.id, "{name}");
        let reply = tenant.with_key(token).get("/v1/me").await;
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
    }

    let mut forged = headers(&setup);
    forged.extend(signatures(&setup, &ec));
    forged.extend(forms(&setup));
    forged.extend(times(&setup));
    forged.extend(people_and_places(&setup));
    let (mut accepted, mut over_http) = (Vec::new(), 0);
    for (name, token) in &forged {
        if setup.verify(token).await.is_ok() {
            accepted.push(name.clone());
        }
        if reqwest::header::HeaderValue::from_str(&format!("Bearer {token}")).is_err()
            || token.trim() != token
        {
            continue;
        }
        over_http += 1;
        let reply = tenant.with_key(token).get("/v1/me").await;
        if reply.status.is_success() {
            accepted.push(format!("{name} over HTTP"));
            continue;
        }
        assert!(matches!(reply.status.as_u16(), 401 | 431), "{name}: {}", reply.text());
        let told = token.split('.').any(|part| part.len() > 8 && reply.text().contains(part));
        assert!(!told, "{name} is told back: {}", reply.text());
    }
    println!(
        "{} forged or malformed tokens, {} accepted; {over_http} of them over HTTP; {} good ones accepted",
        forged.len(),
        accepted.len(),
        good.len()
    );
    assert!(accepted.is_empty(), "{accepted:?}");
    assert!(forged.len() >= 60, "{}", forged.len());
    let mut names: Vec<&String> = forged.iter().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), forged.len(), "two have one name");
    // None of all those asked for a key that is published, so the issuer was asked a few times at most.
    assert!(setup.main.keys_asked() <= 3, "{}", setup.main.keys_asked());
}

fn good_tokens(setup: &Setup, ec: &TestKey, pss: &TestKey) -> Vec<Named> {
    let key = &setup.main.key;
    let claims = |changes: Value| with(claims(&setup.main, SUBJECT), changes);
    let now = chrono::Utc::now().timestamp();
    let cognito = json!({ "aud": null, "token_use": "access", "client_id": CLIENT });
    vec![
        ("RS256".to_owned(), key.sign(&claims(json!({})))),
        ("ES256".to_owned(), ec.sign(&claims(json!({})))),
        ("PS256".to_owned(), pss.sign(&claims(json!({})))),
        ("Cognito".to_owned(), key.sign(&claims(cognito))),
        ("another audience of ours".to_owned(), key.sign(&claims(json!({ "aud": "pidima-api" })))),
        (
            "audience as a list".to_owned(),
            key.sign(&claims(json!({ "aud": ["elsewhere", "pidima-api"] }))),
        ),
        (
            "typed as RFC 9068 says, without scope".to_owned(),
            key.sign_as(
                &with(key.header(), json!({ "typ": "at+jwt" })),
                &claims(json!({ "scope": null })),
            ),
        ),
        ("no type".to_owned(), {
            let header = with(key.header(), json!({ "typ": null }));
            key.sign_as(&header, &claims(json!({})))
        }),
        ("ended within the skew".to_owned(), {
            key.sign(&claims(json!({ "exp": now - 30, "iat": now - 600, "nbf": now - 600 })))
        }),
        ("begins within the skew".to_owned(), {
            key.sign(&claims(json!({ "nbf": now + 30, "iat": now + 30 })))
        }),
        ("neither nbf nor iat".to_owned(), {
            key.sign(&claims(json!({ "nbf": null, "iat": null })))
        }),
        (
            "of the other issuer".to_owned(),
            setup.other.key.sign(&super::claims(&setup.other, "person-2")),
        ),
    ]
}

/// The header is not what it should be; the signature is right where that can be.
fn headers(setup: &Setup) -> Vec<Named> {
    let key = &setup.main.key;
    let body = claims(&setup.main, SUBJECT);
    let signed = |name: &str, changes: Value| {
        (name.to_owned(), key.sign_as(&with(key.header(), changes), &body))
    };
    let mut list = vec![
        signed("alg missing", json!({ "alg": null })),
        signed("alg of another kind of key", json!({ "alg": "ES256" })),
        signed("alg PS256 for a key of RS256", json!({ "alg": "PS256" })),
        signed("alg RS512", json!({ "alg": "RS512" })),
        signed("alg a list", json!({ "alg": ["RS256"] })),
        signed("alg with a blank", json!({ "alg": "RS256 " })),
        signed("alg in lower case", json!({ "alg": "rs256" })),
        signed("alg EdDSA", json!({ "alg": "EdDSA" })),
        signed("kid a path", json!({ "kid": "../../dev/null" })),
        signed("kid SQL", json!({ "kid": "key-1' or '1'='1" })),
        signed("kid of 10 kB", json!({ "kid": "k".repeat(10_000) })),
        signed("kid of 201 bytes", json!({ "kid": "k".repeat(201) })),
        signed("kid missing", json!({ "kid": null })),
        signed("kid empty", json!({ "kid": "" })),
        signed("kid a list", json!({ "kid": ["key-1"] })),
        signed("kid a number", json!({ "kid": 1 })),
        signed("kid with NUL", json!({ "kid": "key-1\0" })),
        signed("kid with a blank", json!({ "kid": "key-1 " })),
        signed("kid in other letters", json!({ "kid": "KEY-1" })),
        signed("crit", json!({ "crit": ["exp"], "exp": 1 })),
        signed("crit empty", json!({ "crit": [] })),
        signed("b64 false", json!({ "b64": false })),
        signed("jku to an attacker", json!({ "jku": "https://evil.example/jwks" })),
        signed("x5u to an attacker", json!({ "x5u": "https://evil.example/cert" })),
        signed("x5c", json!({ "x5c": ["MIIB"] })),
        signed("jwk", json!({ "jwk": TestKey::other_rsa("key-1").jwk() })),
        signed("enc", json!({ "enc": "A256GCM" })),
        signed("zip", json!({ "zip": "DEF" })),
        signed("cty JWT, a token in a token", json!({ "cty": "JWT" })),
        signed("typ of a logout token", json!({ "typ": "logout+jwt" })),
        signed("typ of a DPoP proof", json!({ "typ": "dpop+jwt" })),
        signed("typ a list", json!({ "typ": ["JWT"] })),
    ];
    for none in ["none", "None", "nOnE", "NONE", ""] {
        let header = json!({ "alg": none, "kid": key.kid, "typ": "JWT" });
        let message = format!("{}.{}", encode(header.to_string()), encode(body.to_string()));
        list.push((format!("alg {none:?} without a signature"), format!("{message}.")));
        list.push((format!("alg {none:?} with a signature"), key.sign_message(&message)));
    }
    let own = TestKey::ec("key-mine");
    let header = with(own.header(), json!({ "jwk": own.jwk() }));
    list.push(("signed by the key it brings".to_owned(), own.sign_as(&header, &body)));
    let header = format!(r#"{{"alg":"none","alg":"RS256","kid":"{}"}}"#, key.kid);
    list.push(("alg twice".to_owned(), key.sign_text(&header, &body.to_string())));
    list
}

/// The signature is not the issuer's over this message.
fn signatures(setup: &Setup, ec: &TestKey) -> Vec<Named> {
    let key = &setup.main.key;
    let body = claims(&setup.main, SUBJECT);
    let token = key.sign(&body);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let changed = with(body.clone(), json!({ "sub": "person-3" }));
    let hs256 = json!({ "alg": "HS256", "kid": key.kid, "typ": "JWT" });
    let hs_message = format!("{}.{}", encode(hs256.to_string()), encode(body.to_string()));
    let hs = hmac_sha256(&key.public_bytes(), hs_message.as_bytes());
    let rs_message = format!("{}.{}", encode(key.header().to_string()), encode(body.to_string()));
    let hs_as_rs = hmac_sha256(&key.public_bytes(), rs_message.as_bytes());
    let mut flipped = signature.to_owned();
    flipped.replace_range(0..1, if signature.starts_with('A') { "B" } else { "A" });
    let other = &setup.other;
    let ec_header = encode(ec.header().to_string());
    let ec_message = format!("{ec_header}.{}", encode(body.to_string()));
    let swapped = format!("{}.{}", message.split('.').next().unwrap(), encode(changed.to_string()));
    [
        ("HS256 with the public key as secret", format!("{hs_message}.{}", encode(hs))),
        ("HMAC with the public key called RS256", format!("{rs_message}.{}", encode(hs_as_rs))),
        ("claims changed after signing", format!("{swapped}.{signature}")),
        ("one bit of the signature", format!("{message}.{flipped}")),
        ("half a signature", format!("{message}.{}", &signature[..signature.len() / 2])),
        ("signature of zeros", format!("{message}.{}", encode([0; 256]))),
        ("key of the other issuer under the same id", other.key.sign(&body)),
        ("key of this issuer for the other one", key.sign(&super::claims(other, "person-2"))),
        ("an EC key that nobody published", TestKey::ec("key-ec").sign(&body)),
        ("EC signature of zeros", format!("{ec_message}.{}", encode([0; 64]))),
        ("EC signature too short", format!("{ec_message}.{}", encode([1; 63]))),
        ("EC signature of an RSA size", format!("{ec_message}.{}", encode([1; 256]))),
    ]
    .map(|(name, token)| (name.to_owned(), token))
    .into()
}

/// The text is no token.
fn forms(setup: &Setup) -> Vec<Named> {
    let key = &setup.main.key;
    let body = claims(&setup.main, SUBJECT);
    let token = key.sign(&body);
    let parts: Vec<&str> = token.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let text = body.to_string();
    let twice = format!("{},\"sub\":\"person-1\"}}", text.strip_suffix('}').unwrap());
    let signed = |text: &str| key.sign_text(&key.header().to_string(), text);
    let standard = |bytes: &[u8]| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(bytes)
    };
    let padded = format!("{header}.{}", standard(format!("{text} ").as_bytes()));
    let big = with(body.clone(), json!({ "filler": "x".repeat(1_000_000) }));
    let just_too_big = with(body.clone(), json!({ "filler": "x".repeat(6_000) }));
    let deep = format!(
        "{},\"deep\":{}{}}}",
        text.strip_suffix('}').unwrap(),
        "[".repeat(40),
        "]".repeat(40)
    );
    [
        ("empty", String::new()),
        ("a word", "token".to_owned()),
        ("two dots", "..".to_owned()),
        ("two parts", format!("{header}.{claims}")),
        ("four parts", format!("{token}.{signature}")),
        ("five parts, as if encrypted", format!("{header}.{claims}.{signature}.{claims}.{header}")),
        ("no header", format!(".{claims}.{signature}")),
        ("no claims", format!("{header}..{signature}")),
        ("blank in front", format!(" {token}")),
        ("blank behind", format!("{token} ")),
        ("line end behind", format!("{token}\n")),
        ("blank before the claims", format!("{header}. {claims}.{signature}")),
        ("padding behind the signature", format!("{token}==")),
        ("padding in the claims", key.sign_message(&padded)),
        ("base64 of the other alphabet", key.sign_message(&format!("{header}.+/+/"))),
        ("claims a list", signed(&format!("[{text}]"))),
        ("claims a text", signed("\"person-1\"")),
        ("claims no JSON", signed("sub=person-1")),
        ("claims twice in a row", signed(&format!("{text}{text}"))),
        ("a claim twice", signed(&twice)),
        ("a token in a token", key.sign_message(&format!("{header}.{}", encode(&token)))),
        ("1 MB", key.sign(&big)),
        ("above 8 kB", key.sign(&just_too_big)),
        ("deeply nested claims", signed(&deep)),
        ("claims in UTF-16", {
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            key.sign_message(&format!("{header}.{}", encode(wide)))
        }),
        ("byte order mark in front of the claims", signed(&format!("\u{feff}{text}"))),
        ("an API key that is none", "pdm_x_y_z".to_owned()),
    ]
    .map(|(name, token)| (name.to_owned(), token))
    .into()
}

/// Well signed, at the wrong time or with times that are none.
fn times(setup: &Setup) -> Vec<Named> {
    let key = &setup.main.key;
    let now = chrono::Utc::now().timestamp();
    let mut list = Vec::new();
    for (name, changes) in [
        ("exp missing", json!({ "exp": null })),
        ("exp a text", json!({ "exp": (now + 600).to_string() })),
        ("exp true", json!({ "exp": true })),
        ("exp a list", json!({ "exp": [now + 600] })),
        ("exp an object", json!({ "exp": { "at": now + 600 } })),
        ("exp negative", json!({ "exp": -1 })),
        ("exp 0", json!({ "exp": 0 })),
        ("exp beyond the calendar", json!({ "exp": 1e15 })),
        ("exp the largest number", json!({ "exp": u64::MAX })),
        ("exp past the skew", json!({ "exp": now - 61, "iat": now - 600, "nbf": now - 600 })),
        ("exp an hour ago", json!({ "exp": now - 3_600, "iat": now - 7_200, "nbf": now - 7_200 })),
        ("nbf in the future", json!({ "nbf": now + 120 })),
        ("nbf a text", json!({ "nbf": (now - 60).to_string() })),
        ("iat in the future", json!({ "iat": now + 120 })),
        ("iat a text", json!({ "iat": "yesterday" })),
        ("iat after exp", json!({ "iat": now + 50, "exp": now + 40 })),
    ] {
        list.push((name.to_owned(), key.sign(&with(claims(&setup.main, SUBJECT), changes))));
    }
    let text = claims(&setup.main, SUBJECT);
    let bare = with(text, json!({ "exp": null })).to_string();
    for (name, value) in [("exp null", "null"), ("exp 1e400", "1e400"), ("exp NaN", "NaN")] {
        let text = format!("{},\"exp\":{value}}}", bare.strip_suffix('}').unwrap());
        list.push((name.to_owned(), key.sign_text(&key.header().to_string(), &text)));
    }
    list
}

/// Well signed, for or from somebody else.
fn people_and_places(setup: &Setup) -> Vec<Named> {
    let key = &setup.main.key;
    let url = &setup.main.url;
    let many: Vec<String> =
        (0..21).map(|each| format!("a{each}")).chain([CLIENT.to_owned()]).collect();
    let mut list: Vec<Named> = [
        ("iss with a slash behind", json!({ "iss": format!("{url}/") })),
        ("iss in capitals", json!({ "iss": url.to_uppercase() })),
        ("iss with a dot that only looks like one", json!({ "iss": url.replace('.', "\u{2024}") })),
        ("iss with a blank", json!({ "iss": format!("{url} ") })),
        ("iss missing", json!({ "iss": null })),
        ("iss a list", json!({ "iss": [url] })),
        ("iss of nobody", json!({ "iss": "https://evil.example" })),
        ("iss that begins alike", json!({ "iss": format!("{url}.evil.example") })),
        ("iss of local accounts", json!({ "iss": "local" })),
        ("iss of the other provider", json!({ "iss": setup.other.url })),
        ("aud of somebody else", json!({ "aud": "elsewhere" })),
        ("aud missing", json!({ "aud": null })),
        ("aud empty", json!({ "aud": "" })),
        ("aud an empty list", json!({ "aud": [] })),
        ("aud a list without us", json!({ "aud": ["elsewhere", "pidima-web2"] })),
        ("aud a list with a number", json!({ "aud": [CLIENT, 7] })),
        ("aud a list of lists", json!({ "aud": [[CLIENT]] })),
        ("aud an object", json!({ "aud": { "client": CLIENT } })),
        ("aud of too many", json!({ "aud": many })),
        ("aud that begins alike", json!({ "aud": format!("{CLIENT}.evil") })),
        ("sub missing", json!({ "sub": null })),
        ("sub empty", json!({ "sub": "" })),
        ("sub a number", json!({ "sub": 1 })),
        ("sub a list", json!({ "sub": [SUBJECT] })),
        ("sub of 256 bytes", json!({ "sub": "s".repeat(256) })),
        ("ID token by its nonce", json!({ "nonce": "n" })),
        ("ID token by its at_hash", json!({ "at_hash": "h" })),
        ("ID token without any mark", json!({ "scope": null })),
        ("ID token by Keycloak's typ", json!({ "typ": "ID" })),
        ("refresh token by Keycloak's typ", json!({ "typ": "Refresh" })),
        ("ID token of Cognito", json!({ "token_use": "id" })),
        ("token_use a list", json!({ "token_use": ["access"], "client_id": CLIENT })),
        (
            "Cognito's token of another client",
            json!({ "aud": null, "token_use": "access", "client_id": "mobile" }),
        ),
        ("Cognito's token without a client", json!({ "aud": null, "token_use": "access" })),
        (
            "Cognito's token for another resource",
            json!({ "aud": "elsewhere", "token_use": "access", "client_id": CLIENT }),
        ),
        ("bound to a key", json!({ "cnf": { "jkt": "x" } })),
    ]
    .into_iter()
    .map(|(name, changes)| {
        (name.to_owned(), key.sign(&with(claims(&setup.main, SUBJECT), changes)))
    })
    .collect();
    let typed = with(key.header(), json!({ "typ": "at+jwt" }));
    let id_token = with(claims(&setup.main, SUBJECT), json!({ "nonce": "n" }));
    list.push(("ID token called at+jwt".to_owned(), key.sign_as(&typed, &id_token)));
    list
}

/// HMAC (RFC 2104) in a few lines: only an attacker needs it.
mod hmac_by_hand {
    use rsa::sha2::{Digest, Sha256};

    pub fn hmac_sha256(secret: &[u8], message: &[u8]) -> Vec<u8> {
        let key: Vec<u8> =
            if secret.len() > 64 { Sha256::digest(secret).to_vec() } else { secret.to_vec() };
        let padded = |pad: u8| {
            let mut block = [pad; 64];
            block.iter_mut().zip(&key).for_each(|(byte, key)| *byte ^= key);
            block
        };
        let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
        Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
    }
}

//! An issuer of the test's own: keys, signatures, discovery and keys over HTTP, counted and faulty on demand.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use rsa::RsaPrivateKey;
use rsa::pkcs1v15::SigningKey as RsaSigningKey;
use rsa::rand_core::OsRng;
use rsa::sha2::Sha256;
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _};
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use sha2::Digest as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A key pair with its id.
#[derive(Clone)]
pub struct TestKey {
    pub kid: String,
    pair: Pair,
}

#[derive(Clone)]
enum Pair {
    Rsa(&'static RsaPrivateKey),
    RsaPss(&'static RsaPrivateKey),
    Ec(Box<p256::ecdsa::SigningKey>),
}

/// Making an RSA key takes long: the tests share a few.
fn rsa_pair(index: usize) -> &'static RsaPrivateKey {
    static PAIRS: [OnceLock<RsaPrivateKey>; 2] = [OnceLock::new(), OnceLock::new()];
    PAIRS[index].get_or_init(|| RsaPrivateKey::new(&mut OsRng, 2048).unwrap())
}

impl TestKey {
    pub fn rsa(kid: &str) -> Self {
        Self { kid: kid.to_owned(), pair: Pair::Rsa(rsa_pair(0)) }
    }

    /// A different RSA key.
    pub fn other_rsa(kid: &str) -> Self {
        Self { kid: kid.to_owned(), pair: Pair::Rsa(rsa_pair(1)) }
    }

    pub fn rsa_pss(kid: &str) -> Self {
        Self { kid: kid.to_owned(), pair: Pair::RsaPss(rsa_pair(1)) }
    }

    /// A new key on P-256.
    pub fn ec(kid: &str) -> Self {
        let pair = p256::ecdsa::SigningKey::random(&mut OsRng);
        Self { kid: kid.to_owned(), pair: Pair::Ec(Box::new(pair)) }
    }

    pub fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::RsaPss(_) => "PS256",
            Pair::Ec(_) => "ES256",
        }
    }

    /// The public key as it is published.
    pub fn jwk(&self) -> Value {
        let base = json!({ "kid": self.kid, "use": "sig", "alg": self.algorithm() });
        let parts = match &self.pair {
            Pair::Rsa(pair) | Pair::RsaPss(pair) => json!({
                "kty": "RSA",
                "n": encode(pair.n().to_bytes_be()),
                "e": encode(pair.e().to_bytes_be()),
            }),
            Pair::Ec(pair) => {
                let point = pair.verifying_key().to_encoded_point(false);
                json!({
                    "kty": "EC",
                    "crv": "P-256",
                    "x": encode(point.x().unwrap()),
                    "y": encode(point.y().unwrap()),
                })
            }
        };
        super::with(base, parts)
    }

    pub fn header(&self) -> Value {
        json!({ "alg": self.algorithm(), "kid": self.kid, "typ": "JWT" })
    }

    /// A token with the usual header.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), claims)
    }

    pub fn sign_as(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// A token of any two texts.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        self.sign_message(&format!("{}.{}", encode(header), encode(claims)))
    }

    pub fn sign_message(&self, message: &str) -> String {
        format!("{message}.{}", encode(self.signature(message.as_bytes())))
    }

    pub fn signature(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => RsaSigningKey::<Sha256>::new((*pair).clone())
                .sign_with_rng(&mut OsRng, message)
                .to_vec(),
            Pair::RsaPss(pair) => rsa::pss::BlindedSigningKey::<Sha256>::new((*pair).clone())
                .sign_with_rng(&mut OsRng, message)
                .to_vec(),
            Pair::Ec(pair) => {
                let signature: p256::ecdsa::Signature = pair.sign(message);
                signature.to_bytes().to_vec()
            }
        }
    }

    /// The modulus in the bytes that a careless verifier would take for a shared secret.
    pub fn public_bytes(&self) -> Vec<u8> {
        self.jwk().to_string().into_bytes()
    }
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What the issuer does instead of answering well.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This answer, head and body.
    Answer(Vec<u8>),
    /// Takes the request and says nothing.
    Silence,
}

/// An issuer on a port of its own.
pub struct Issuer {
    pub url: String,
    pub key: TestKey,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    url: Mutex<String>,
    keys: Mutex<Vec<Value>>,
    fault: Mutex<Option<Fault>>,
    /// What the next code is redeemed for: the challenge that it was made with, and the ID token.
    codes: Mutex<HashMap<String, (String, String)>>,
    keys_asked: AtomicUsize,
    metadata_asked: AtomicUsize,
}

impl Issuer {
    pub async fn start(keys: Vec<TestKey>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        shared.url.lock().unwrap().clone_from(&url);
        let issuer = Self { url, key: keys[0].clone(), shared: Arc::clone(&shared) };
        issuer.publish(&keys);
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    let mut buffer = [0; 2048];
                    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                        match socket.read(&mut buffer).await {
                            Ok(count) if count > 0 => head.extend_from_slice(&buffer[..count]),
                            _ => return,
                        }
                    }
                    // The form that a code comes in, which may come apart from its head.
                    while is_short(&head) {
                        match socket.read(&mut buffer).await {
                            Ok(count) if count > 0 => head.extend_from_slice(&buffer[..count]),
                            _ => return,
                        }
                    }
                    match shared.answer(&String::from_utf8_lossy(&head)) {
                        // A client that has given up is no failure of the issuer.
                        Some(answer) => drop(socket.write_all(&answer).await),
                        None => drop(socket.read(&mut buffer).await),
                    }
                });
            }
        });
        issuer
    }

    /// Shows these keys and no others from now on.
    pub fn publish(&self, keys: &[TestKey]) {
        self.publish_raw(keys.iter().map(TestKey::jwk).collect());
    }

    pub fn publish_raw(&self, keys: Vec<Value>) {
        *self.shared.keys.lock().unwrap() = keys;
    }

    pub fn fail(&self, fault: Option<Fault>) {
        *self.shared.fault.lock().unwrap() = fault;
    }

    /// Makes a code that was asked for with a challenge, and that is redeemed for any ID token.
    pub fn code(&self, challenge: &str, id_token: &str) -> String {
        let mut codes = self.shared.codes.lock().unwrap();
        let code = format!("code-{}", codes.len());
        codes.insert(code.clone(), (challenge.to_owned(), id_token.to_owned()));
        code
    }

    /// Requests for the keys so far.
    pub fn keys_asked(&self) -> usize {
        self.shared.keys_asked.load(Ordering::SeqCst)
    }

    pub fn metadata_asked(&self) -> usize {
        self.shared.metadata_asked.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn answer(&self, head: &str) -> Option<Vec<u8>> {
        let body = if head.starts_with("GET /jwks ") {
            self.keys_asked.fetch_add(1, Ordering::SeqCst);
            match self.fault.lock().unwrap().clone() {
                Some(Fault::Answer(answer)) => return Some(answer),
                Some(Fault::Silence) => return None,
                None => json!({ "keys": *self.keys.lock().unwrap() }),
            }
        } else if head.starts_with("GET /.well-known/openid-configuration ") {
            self.metadata_asked.fetch_add(1, Ordering::SeqCst);
            let url = self.url.lock().unwrap().clone();
            json!({
                "issuer": url,
                "authorization_endpoint": format!("{url}/authorize"),
                "token_endpoint": format!("{url}/token"),
                "jwks_uri": format!("{url}/jwks"),
            })
        } else if head.starts_with("POST /token ") {
            return Some(self.redeem(head.split("\r\n\r\n").nth(1).unwrap_or_default()));
        } else {
            return Some(answer("404 Not Found", "", "{}"));
        };
        Some(answer("200 OK", "", &body.to_string()))
    }
}

impl Shared {
    /// As an honest token endpoint: a code is good once, and with the verifier of its challenge alone (RFC 7636, 4.6).
    fn redeem(&self, form: &str) -> Vec<u8> {
        let url = reqwest::Url::parse(&format!("http://form/?{form}")).unwrap();
        let form: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let made = form.get("code").and_then(|code| self.codes.lock().unwrap().remove(code));
        let verifier = form.get("code_verifier").map_or("", String::as_str);
        let expected = encode(sha2::Sha256::digest(verifier));
        match made {
            Some((challenge, id_token)) if challenge == expected => {
                let tokens = json!({ "access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": id_token });
                answer("200 OK", "", &tokens.to_string())
            }
            _ => answer("400 Bad Request", "", r#"{"error":"invalid_grant"}"#),
        }
    }
}

/// Whether the body of a request is not all there yet.
fn is_short(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    length.is_some_and(|length| body.len() < length.trim().parse().unwrap())
}

/// An answer with its head.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

//! The header `Idempotency-Key`, and the extractor that reads it together with the body of the request.

use std::time::Duration;

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaRequest, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::hash::OnceBody;
use crate::db::idempotency::{Claim, Holder};
use crate::web::problem::{ApiError, ProblemCode};

/// Name of the header.
pub const KEY_HEADER: &str = "Idempotency-Key";
/// Longest key, in characters.
pub const MAX_KEY_CHARS: usize = 255;

/// How long outcomes are kept, as data of the application.
#[derive(Clone, Copy, Debug)]
pub struct IdempotencyLifetime(pub Duration);

/// The body of a creating request, with the key under which its effect is wanted once.
#[derive(Debug)]
pub struct Once<B> {
    body: B,
    key: Option<Key>,
}

#[derive(Debug)]
struct Key {
    key: String,
    request_sha256: [u8; 32],
    lifetime: Duration,
}

impl<B> Once<B> {
    /// The body, and the claim of a key, person or end user where the request has a key.
    pub fn by(self, principal_id: Uuid) -> (B, Option<Claim>) {
        self.held_by(Holder::Principal(principal_id))
    }

    /// The body, and the claim of the operator where the request has a key.
    pub fn by_operator(self, operator_key_id: Uuid) -> (B, Option<Claim>) {
        self.held_by(Holder::Operator(operator_key_id))
    }

    fn held_by(self, holder: Holder) -> (B, Option<Claim>) {
        let claim = self.key.map(|Key { key, request_sha256, lifetime }| Claim {
            holder,
            key,
            request_sha256,
            lifetime,
        });
        (self.body, claim)
    }
}

impl<'a, B: OnceBody> ApiExtractor<'a> for Once<B> {
    const TYPES: &'static [ApiExtractorType] = B::TYPES;

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        B::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        B::request_meta()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let Some(key) = key_of(request)? else {
            return Ok(Self { body: B::read(request, body, &mut Sha256::new()).await?, key: None });
        };
        let lifetime = request.data::<IdempotencyLifetime>().ok_or_else(|| {
            ApiError::internal(anyhow::anyhow!("no lifetime of outcomes in the application"))
        })?;
        let mut hash = Sha256::new();
        // None of the two holds a line break.
        hash.update(format!("{}\n{}\n", request.method(), request.uri().path()));
        let body = B::read(request, body, &mut hash).await?;
        let key = Key { key, request_sha256: hash.finalize().into(), lifetime: lifetime.0 };
        Ok(Self { body, key: Some(key) })
    }
}

/// The key of a request.
///
/// # Errors
/// 400: empty, too long, not plain text, or more than one.
fn key_of(request: &Request) -> Result<Option<String>, ApiError> {
    let mut values = request.headers().get_all(KEY_HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let is_plain = |text: &&str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let key = value.to_str().ok().filter(is_plain).map(str::trim);
    match (key, values.next()) {
        (Some(key), None) if (1..=MAX_KEY_CHARS).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(ApiError::new(
            ProblemCode::MalformedRequest,
            format!(
                "the header {KEY_HEADER} must hold 1 to {MAX_KEY_CHARS} printable ASCII characters, once; take a random UUID for each thing to be made"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn request(values: &[&[u8]]) -> Request {
        let mut request = Request::default();
        for value in values {
            let value = HeaderValue::from_bytes(value).expect("a header's value");
            request.headers_mut().append(KEY_HEADER, value);
        }
        request
    }

    #[test]
    fn keys_are_taken_up_to_the_longest_and_refused_above() {
        let longest = [b'k'; MAX_KEY_CHARS];
        let good: [&[u8]; 4] = [b"k", b"a key, with blanks", &longest, br#""quoted""#];
        for good in good {
            let text = String::from_utf8(good.to_vec()).expect("text");
            assert_eq!(key_of(&request(&[good])).expect("good"), Some(text));
        }
        assert_eq!(key_of(&request(&[])).expect("none"), None);
        let too_long = [b'k'; MAX_KEY_CHARS + 1];
        let bad: [&[u8]; 5] = [b"", b"  ", b"a\tb", "schlüssel".as_bytes(), &too_long];
        for bad in bad {
            let error = key_of(&request(&[bad])).expect_err("refused");
            assert_eq!(error.code, ProblemCode::MalformedRequest, "{bad:?}");
        }
        assert!(key_of(&request(&[b"one", b"two"])).is_err());
    }
}

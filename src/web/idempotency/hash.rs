//! What two requests must have in common to be the same: their bodies by what they say, not by how it is written.

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaRequest, Registry};
use poem_openapi::types::ParseFromJSON;
use poem_openapi::{ApiExtractor, ApiExtractorType};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::db::idempotency::Claim;
use crate::web::body::JsonBody;

/// A body that can be compared with that of another request.
pub trait OnceBody: Sized + Send {
    /// What the framework extracts it as.
    const TYPES: &'static [ApiExtractorType];

    /// Names its types in the document.
    fn register(_registry: &mut Registry) {}

    /// Describes it in the document.
    fn request_meta() -> Option<MetaRequest> {
        None
    }

    /// Reads the body, and adds to `hash` what it says.
    fn read(
        request: &Request,
        body: &mut RequestBody,
        hash: &mut Sha256,
    ) -> impl Future<Output = poem::Result<Self>> + Send;
}

impl<T: ParseFromJSON> OnceBody for JsonBody<T> {
    const TYPES: &'static [ApiExtractorType] = <Self as ApiExtractor<'static>>::TYPES;

    fn register(registry: &mut Registry) {
        <Self as ApiExtractor<'static>>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        <Self as ApiExtractor<'static>>::request_meta()
    }

    async fn read(
        request: &Request,
        body: &mut RequestBody,
        hash: &mut Sha256,
    ) -> poem::Result<Self> {
        let value = Self::read_value(request, body).await?;
        add_json(hash, &value);
        Self::parse(value)
    }
}

/// The body of an operation that has none.
#[derive(Debug)]
pub struct NoBody;

impl OnceBody for NoBody {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::PoemExtractor];

    async fn read(
        _request: &Request,
        _body: &mut RequestBody,
        _hash: &mut Sha256,
    ) -> poem::Result<Self> {
        Ok(Self)
    }
}

/// Adds a part of a body under its name. The length stands in front, so that no two bodies make the same bytes.
pub fn add_part(hash: &mut Sha256, name: &str, bytes: &[u8]) {
    hash.update(format!("{name} {}\n", bytes.len()));
    hash.update(bytes);
}

/// The claim of a request of which a part was read later.
#[must_use]
pub fn with_part(claim: Claim, name: &str, bytes: &[u8]) -> Claim {
    let mut hash = Sha256::new_with_prefix(claim.request_sha256);
    add_part(&mut hash, name, bytes);
    Claim { request_sha256: hash.finalize().into(), ..claim }
}

/// Adds a JSON value: the order of keys and white space are no part of it.
fn add_json(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Object(object) => {
            hash.update(format!("object {}\n", object.len()));
            let mut keys: Vec<&String> = object.keys().collect();
            keys.sort_unstable();
            for key in keys {
                add_part(hash, "key", key.as_bytes());
                add_json(hash, &object[key]);
            }
        }
        Value::Array(items) => {
            hash.update(format!("array {}\n", items.len()));
            items.iter().for_each(|item| add_json(hash, item));
        }
        Value::String(text) => add_part(hash, "text", text.as_bytes()),
        plain => add_part(hash, "plain", plain.to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn digest(value: &Value) -> Vec<u8> {
        let mut hash = Sha256::new();
        add_json(&mut hash, value);
        hash.finalize().to_vec()
    }

    #[test]
    fn bodies_are_compared_by_what_they_say() {
        let one: Value = serde_json::from_str(r#"{"a": 1, "b": [true, null]}"#).expect("JSON");
        let two: Value = serde_json::from_str(r#"{"b":[true,null],"a":1}"#).expect("JSON");
        assert_eq!(digest(&one), digest(&two));
    }

    #[test]
    fn what_differs_makes_another_digest() {
        let values = [
            json!({}),
            json!([]),
            json!(""),
            json!("{}"),
            json!(null),
            json!("null"),
            json!({ "a": "b" }),
            json!(["a", "b"]),
            json!(["ab"]),
            json!([["a"], "b"]),
            json!({ "a": { "b": 1 } }),
            json!({ "a": {}, "b": 1 }),
            json!(1),
            json!("1"),
        ];
        let mut digests: Vec<Vec<u8>> = values.iter().map(digest).collect();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), values.len());
    }
}

//! What two requests must have in common to be the same: their bodies by what they say, not by how it is written.

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaRequest, Registry};
use poem_openapi::types::ParseFromJSON;
use poem_openapi::{ApiExtractor, ApiExtractorType};
use sha2::{Digest, Sha256};

use crate::db::idempotency::Claim;
use crate::kernel::canonical::canonical_json;
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
        hash.update(canonical_json(&value));
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

//! The multipart body of an upload, and what is wrong with one.

use poem::{Request, RequestBody};
use poem_openapi::payload::ParsePayload;
use poem_openapi::registry::{MetaRequest, Registry};
use poem_openapi::types::multipart::Upload;
use poem_openapi::{ApiExtractor, ApiExtractorType, Multipart};
use serde_json::Value;
use sha2::Sha256;
use uuid::Uuid;

use crate::knowledge::parse::ParseError;
use crate::knowledge::{NewDocument, Place, ReceiveError};
use crate::web::body::parse_strict;
use crate::web::idempotency::{OnceBody, add_part};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::reading::readable_text;

/// Deepest nesting of a document's metadata.
const METADATA_DEPTH: u32 = 8;

/// Longest name of a document.
const MAX_NAME_CHARS: usize = 1_000;
/// The name is a key of an index, whose entries PostgreSQL limits to 2704 bytes.
const MAX_NAME_BYTES: usize = 2_400;

/// A document to be uploaded.
#[derive(Debug, Multipart)]
#[oai(deny_unknown_fields)]
pub struct DocumentUpload {
    /// The file: PDF, Word, PowerPoint, Excel, EPUB, CSV, a Jupyter notebook, Markdown, HTML, reStructuredText, AsciiDoc, an
    /// OpenAPI document, plain text or source code; what is text in UTF-8.
    file: Upload,
    /// Collection; the one named "default" when absent, which is made when needed.
    collection_id: Option<Uuid>,
    /// Name or path within the collection; the file's name when absent. The same name again is a new version.
    #[oai(validator(max_length = 1000))]
    name: Option<String>,
    /// Where a reader finds the original; citations link there.
    #[oai(validator(max_length = 2000))]
    source_url: Option<String>,
    /// A JSON object of your own, for filters, e.g. `{"product": "app", "version": "4.2"}`.
    #[oai(validator(max_length = 10000))]
    metadata: Option<String>,
}

impl DocumentUpload {
    /// Reads the form.
    ///
    /// # Errors
    /// 422 that names the field.
    pub async fn into_document(self, created_by: Uuid) -> Result<NewDocument, ApiError> {
        let Self { file, collection_id, name, source_url, metadata } = self;
        let name = name.as_deref().or(file.file_name()).unwrap_or_default();
        let name = document_name(name)?;
        if let Some(url) = &source_url {
            check_url(url)?;
        }
        let declared_type = file.content_type().map(str::to_owned);
        let metadata = metadata.filter(|text| !text.is_empty()).map(|text| read_metadata(&text));
        Ok(NewDocument {
            place: Place::named(collection_id),
            name,
            format_name: None,
            declared_type,
            source_url,
            metadata: metadata.transpose()?,
            bytes: file.into_vec().await.map_err(ApiError::internal)?,
            created_by: Some(created_by),
            sole_source: None,
        })
    }
}

impl OnceBody for DocumentUpload {
    const TYPES: &'static [ApiExtractorType] = <Self as ApiExtractor<'static>>::TYPES;

    fn register(registry: &mut Registry) {
        <Self as ApiExtractor<'static>>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        <Self as ApiExtractor<'static>>::request_meta()
    }

    /// All but the bytes of the file, which are read later.
    async fn read(
        request: &Request,
        body: &mut RequestBody,
        hash: &mut Sha256,
    ) -> poem::Result<Self> {
        let upload = <Self as ParsePayload>::from_request(request, body).await?;
        let collection_id = upload.collection_id.map(|id| id.to_string());
        let fields = [
            ("file_name", upload.file.file_name()),
            ("content_type", upload.file.content_type()),
            ("collection_id", collection_id.as_deref()),
            ("name", upload.name.as_deref()),
            ("source_url", upload.source_url.as_deref()),
            ("metadata", upload.metadata.as_deref()),
        ];
        for (name, text) in fields {
            if let Some(text) = text {
                add_part(hash, name, text.as_bytes());
            }
        }
        Ok(upload)
    }
}

/// The name of a document.
///
/// # Errors
/// 422: none, or too long.
pub fn document_name(name: &str) -> Result<String, ApiError> {
    let name = readable_text("/name", name).map_err(|_| {
        ApiError::invalid("/name", "the file has no name; give one as the field name")
    })?;
    if name.chars().count() > MAX_NAME_CHARS || name.len() > MAX_NAME_BYTES {
        let detail =
            format!("must have at most {MAX_NAME_CHARS} characters and {MAX_NAME_BYTES} bytes");
        return Err(ApiError::invalid("/name", detail));
    }
    Ok(name)
}

/// Passes addresses that a citation may link to.
///
/// # Errors
/// 422: only http and https are links that are safe to show.
pub fn check_url(url: &str) -> Result<(), ApiError> {
    // The parser takes control characters away; the text is stored as it is.
    let plain = !url.contains(char::is_control);
    match reqwest::Url::parse(url) {
        Ok(parsed) if plain && matches!(parsed.scheme(), "http" | "https") => Ok(()),
        _ => Err(ApiError::invalid(
            "/source_url",
            "must be an address that begins with https:// or http://",
        )),
    }
}

/// A metadata object.
///
/// # Errors
/// 422: not JSON, or not an object.
fn read_metadata(text: &str) -> Result<Value, ApiError> {
    let invalid = |detail: String| ApiError::invalid("/metadata", detail);
    let value =
        parse_strict(text.as_bytes(), METADATA_DEPTH).map_err(|error| invalid(error.detail))?;
    check_metadata(&value)?;
    Ok(value)
}

/// Passes JSON objects that can be stored.
///
/// # Errors
/// 422: no object, or a text with a NUL character, which PostgreSQL cannot store.
pub fn check_metadata(value: &Value) -> Result<(), ApiError> {
    if !value.is_object() {
        return Err(ApiError::invalid(
            "/metadata",
            "must be a JSON object such as {\"product\": \"app\"}",
        ));
    }
    if holds_nul(value) {
        return Err(ApiError::invalid("/metadata", "must not hold the character U+0000"));
    }
    Ok(())
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(object) => {
            object.iter().any(|(key, inner)| key.contains('\0') || holds_nul(inner))
        }
        _ => false,
    }
}

impl From<ReceiveError> for ApiError {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Unreadable(ref cause) => {
                let code = match cause {
                    ParseError::UnsupportedType { .. } | ParseError::TypeMismatch { .. } => {
                        ProblemCode::UnsupportedMediaType
                    }
                    _ => ProblemCode::ValidationFailed,
                };
                Self::new(code, error.to_string())
            }
            ReceiveError::UnknownCollection => Self::not_found("collection"),
            ReceiveError::UnknownSession => Self::not_found("session"),
            ReceiveError::TooManyAttachments(_) | ReceiveError::NameTaken => {
                Self::new(ProblemCode::Conflict, error.to_string())
            }
            ReceiveError::Objects(error) => Self::unavailable(
                "the store of originals is away and nothing was kept; try again",
                error,
            ),
            ReceiveError::Off(_) => Self::new(ProblemCode::Unavailable, error.to_string()),
            ReceiveError::GivenUp => Self::unavailable(
                "storing the file took too long and nothing was kept; try again",
                error,
            ),
            ReceiveError::Database(error) => error.into(),
        }
    }
}

//! The multipart body of an attachment.

use poem::{Request, RequestBody};
use poem_openapi::payload::ParsePayload;
use poem_openapi::registry::{MetaRequest, Registry};
use poem_openapi::types::multipart::Upload;
use poem_openapi::{ApiExtractor, ApiExtractorType, Multipart};
use sha2::Sha256;
use uuid::Uuid;

use crate::knowledge::api::document_name;
use crate::knowledge::{AttachmentSettings, NewDocument, Place};
use crate::web::idempotency::{OnceBody, add_part};
use crate::web::problem::{ApiError, ProblemCode};

/// A file to be attached to a session.
#[derive(Debug, Multipart)]
#[oai(deny_unknown_fields)]
pub struct AttachmentUpload {
    /// The file, in any format that a document may have.
    file: Upload,
    /// Name within the session; the file's name when absent. The same name again is a new version.
    #[oai(validator(max_length = 1000))]
    name: Option<String>,
}

impl AttachmentUpload {
    /// Reads the form.
    ///
    /// # Errors
    /// 422 that names the field; 413 when the file is larger than an attachment may be.
    pub async fn into_document(
        self,
        session_id: Uuid,
        created_by: Uuid,
        settings: AttachmentSettings,
    ) -> Result<NewDocument, ApiError> {
        let Self { file, name } = self;
        let name = document_name(name.as_deref().or(file.file_name()).unwrap_or_default())?;
        let declared_type = file.content_type().map(str::to_owned);
        let bytes = file.into_vec().await.map_err(ApiError::internal)?;
        let most = settings.max_bytes;
        if u64::try_from(bytes.len()).is_ok_and(|size| size > most) {
            let detail = format!("the file is larger than {most} bytes, which is the most");
            return Err(ApiError::new(ProblemCode::PayloadTooLarge, detail));
        }
        Ok(NewDocument {
            place: Place::Session { session_id, most: settings.most },
            name,
            format_name: None,
            declared_type,
            source_url: None,
            metadata: None,
            bytes,
            created_by: Some(created_by),
            sole_source: None,
        })
    }
}

impl OnceBody for AttachmentUpload {
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
        let fields = [
            ("file_name", upload.file.file_name()),
            ("content_type", upload.file.content_type()),
            ("name", upload.name.as_deref()),
        ];
        for (name, text) in fields {
            if let Some(text) = text {
                add_part(hash, name, text.as_bytes());
            }
        }
        Ok(upload)
    }
}

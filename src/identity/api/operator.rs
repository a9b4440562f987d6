//! The security scheme of the operator: a bearer credential of its own, which is none of a tenant's.

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::caller::{bearer, origin_of};
use crate::identity::{Operator, Verifier};
use crate::web::problem::{ApiError, ProblemCode};

/// Name of the scheme.
const OPERATOR: &str = "operator";

/// The operator, as the first argument of the operations on the whole installation.
#[derive(Debug)]
pub struct OperatorCaller(pub Operator);

impl<'a> ApiExtractor<'a> for OperatorCaller {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            OPERATOR,
            MetaSecurityScheme {
                ty: "http",
                description: Some(
                    "A key of the operator (`pdo_…`), made with `pidima operator create-key`; it reads nothing of a tenant",
                ),
                name: None,
                key_in: None,
                scheme: Some("bearer"),
                bearer_format: Some("pdo_<key id>_<secret>"),
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![OPERATOR]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let text = bearer(request).ok_or_else(|| {
            ApiError::new(
                ProblemCode::Unauthenticated,
                "send a key of the operator as Authorization: Bearer pdo_…",
            )
        })?;
        let verifier = request
            .data::<Verifier>()
            .ok_or_else(|| ApiError::internal(anyhow::anyhow!("no verifier in the application")))?;
        let verified = verifier.verify_operator(&text, origin_of(request)).await;
        Ok(Self(verified.map_err(ApiError::from)?))
    }
}

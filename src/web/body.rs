//! JSON bodies, read strictly: no duplicate keys, bounded depth, and errors that name the place in the body.
//!
//! The framework's own payload keeps the last of duplicate keys silently and tells nothing about where a fault is.

use std::fmt;

use poem::{FromRequest, Request, RequestBody};
use poem_openapi::error::ContentTypeError;
use poem_openapi::payload::{ParsePayload, Payload};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchemaRef, Registry};
use poem_openapi::types::{ParseFromJSON, Type};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::problem::{ApiError, ProblemCode};

/// Deepest nesting of a body, as data of the application.
#[derive(Clone, Copy, Debug)]
pub struct MaxJsonDepth(pub u32);

/// A JSON body of type `T`.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: Type> Payload for JsonBody<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn check_content_type(content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ParseFromJSON> ParsePayload for JsonBody<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> poem::Result<Self> {
        Self::parse(read_json(request, body).await?)
    }
}

impl<T: ParseFromJSON> JsonBody<T> {
    /// Reads the body as a value of any shape.
    ///
    /// # Errors
    /// 415, or 400 that names the place.
    pub(super) async fn read_value(
        request: &Request,
        body: &mut RequestBody,
    ) -> poem::Result<Value> {
        let content_type = request.content_type().ok_or(ContentTypeError::ExpectContentType)?;
        if !<Self as Payload>::check_content_type(content_type) {
            let content_type = content_type.to_owned();
            return Err(ContentTypeError::NotSupported { content_type }.into());
        }
        read_json(request, body).await
    }

    /// A body out of such a value.
    ///
    /// # Errors
    /// 422 that names the field.
    pub(super) fn parse(value: Value) -> poem::Result<Self> {
        parse(value).map(Self).map_err(Into::into)
    }
}

async fn read_json(request: &Request, body: &mut RequestBody) -> poem::Result<Value> {
    let bytes = <Vec<u8> as FromRequest>::from_request(request, body).await?;
    let depth = request.data::<MaxJsonDepth>().map_or(32, |limit| limit.0);
    Ok(parse_strict(&bytes, depth)?)
}

impl<'a, T: ParseFromJSON> ApiExtractor<'a> for JsonBody<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <Self as Payload>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: None,
            content: vec![MetaMediaType {
                content_type: Self::CONTENT_TYPE,
                schema: Self::schema_ref(),
            }],
            required: Self::IS_REQUIRED,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        Self::parse(Self::read_value(request, body).await?)
    }
}

/// Reads JSON, refusing duplicate keys and nesting beyond `max_depth`.
///
/// # Errors
/// 400 that names the line and column, or the key.
pub fn parse_strict(bytes: &[u8], max_depth: u32) -> Result<Value, ApiError> {
    let malformed = |error: serde_json::Error| {
        ApiError::new(
            ProblemCode::MalformedRequest,
            format!("the body is not usable JSON: {error}"),
        )
    };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value =
        StrictValue { depth_left: max_depth }.deserialize(&mut deserializer).map_err(malformed)?;
    deserializer.end().map_err(malformed)?;
    Ok(value)
}

/// The value as `T`.
///
/// # Errors
/// 422 that names the field, where the value is an object.
fn parse<T: ParseFromJSON>(value: Value) -> Result<T, ApiError> {
    let message = match T::parse_from_json(Some(value.clone())) {
        Ok(parsed) => return Ok(parsed),
        Err(error) => error.into_message(),
    };
    if message.contains("field `") {
        return Err(invalid_value(&message));
    }
    let reason = message.split(" (occurred while").next().unwrap_or(&message);
    let Some(field) = wrong_field::<T>(&value, &message) else {
        return Err(ApiError::new(ProblemCode::ValidationFailed, reason));
    };
    let missing = value[field].is_null();
    let detail = if missing { "is required" } else { reason };
    Err(ApiError::invalid(&format!("/{field}"), detail))
}

/// The field that a message is about, which the framework does not tell. It reads fields in the order of the schema and
/// stops at the first fault: so it is the last field at which another fault changes the message.
fn wrong_field<T: ParseFromJSON>(value: &Value, message: &str) -> Option<&'static str> {
    let object = value.as_object()?;
    let MetaSchemaRef::Reference(name) = T::schema_ref() else { return None };
    let mut registry = Registry::new();
    T::register(&mut registry);
    let fields = registry.schemas.get(&name)?.properties.iter().map(|(field, _)| *field);
    fields.rev().find(|field| {
        let mut changed = object.clone();
        changed.insert((*field).to_owned(), serde_json::json!([{ "": [] }]));
        T::parse_from_json(Some(Value::Object(changed)))
            .is_err_and(|error| error.into_message() != message)
    })
}

/// 422 from the framework's words, e.g. ``failed to parse "X": field `name` verification failed. minLength(1)``.
pub fn invalid_value(message: &str) -> ApiError {
    let mut fields = message.split("field `").skip(1).filter_map(|part| part.split('`').next());
    let pointer: String = fields.by_ref().map(|field| format!("/{field}")).collect();
    let detail = explain(message);
    if pointer.is_empty() {
        return ApiError::new(ProblemCode::ValidationFailed, detail);
    }
    ApiError::invalid(&pointer, detail)
}

/// The framework's names of checks, in words.
pub fn explain(message: &str) -> String {
    let reason = message.rsplit("verification failed. ").next().unwrap_or(message);
    let number = |name: &str| {
        reason.strip_prefix(name)?.strip_prefix('(')?.split([')', ',']).next().map(str::to_owned)
    };
    if let Some(least) = number("minLength") {
        return format!("must have at least {least} character(s)");
    }
    if let Some(most) = number("maxLength") {
        return format!("must have at most {most} characters");
    }
    if let Some(most) = number("maxItems") {
        return format!("must have at most {most} items");
    }
    if let Some(least) = number("minimum") {
        return format!("must be at least {least}");
    }
    if let Some(most) = number("maximum") {
        return format!("must be at most {most}");
    }
    reason.to_owned()
}

struct StrictValue {
    depth_left: u32,
}

impl StrictValue {
    fn inner<E: de::Error>(&self) -> Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left }),
            None => Err(E::custom("nested too deep")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for StrictValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.inner()?)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(de::Error::custom(format!("the key \"{key}\" stands there twice")));
            }
            let value = entries.next_value_seed(self.inner()?)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicate_key_is_refused_by_name() {
        let error = parse_strict(br#"{"question": "a", "question": "b"}"#, 8).expect_err("refused");
        assert!(error.detail.contains("\"question\""), "{}", error.detail);
    }

    #[test]
    fn nesting_is_allowed_up_to_the_limit_and_refused_above() {
        assert!(parse_strict(b"[[1]]", 2).is_ok());
        assert!(parse_strict(b"[[[1]]]", 2).is_err());
        let deep = "[".repeat(10_000);
        assert!(parse_strict(deep.as_bytes(), 32).is_err());
    }

    #[test]
    fn text_after_the_value_is_refused() {
        assert!(parse_strict(b"{} {}", 8).is_err());
    }

    #[test]
    fn a_failed_check_is_told_with_pointer_and_words() {
        let message = "failed to parse \"A\": field `question` verification failed. minLength(1)";
        let error = invalid_value(message);
        assert_eq!(error.errors[0].pointer, "/question");
        assert_eq!(error.errors[0].detail, "must have at least 1 character(s)");
    }
}

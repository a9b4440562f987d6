//! Whose server it is, as far as it changes the request: address, header of the key, names of parameters. Servers that
//! differ in their answers only (vLLM, llama.cpp, Ollama) are one kind here; what they answer is read with forbearance.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::adapters::models::ModelError;

/// Whose server it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenAiServer {
    /// OpenAI itself.
    OpenAi,
    /// Azure: the model is a deployment, which stands in the address.
    Azure {
        /// Version of the API, such as `2024-10-21`.
        api_version: String,
    },
    /// Any other: vLLM, llama.cpp, Ollama, hosted services.
    Compatible,
}

impl OpenAiServer {
    /// Version of Azure's API that is asked for unless another is set: the newest that is not a preview.
    pub const AZURE_VERSION: &str = "2024-10-21";

    /// By the host of an address.
    pub fn of_address(address: &str) -> Self {
        let host = Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned));
        let host = host.unwrap_or_default();
        let is_azure = [".openai.azure.com", ".cognitiveservices.azure.com", ".ai.azure.com"];
        if host == "api.openai.com" {
            Self::OpenAi
        } else if is_azure.iter().any(|end| host.ends_with(end)) {
            Self::Azure { api_version: Self::AZURE_VERSION.to_owned() }
        } else {
            Self::Compatible
        }
    }

    /// Where an operation (`chat/completions`, `embeddings`) of a model is asked for.
    ///
    /// # Errors
    /// [`ModelError::Connect`]: the base is no address.
    pub fn address(&self, base: &str, model: &str, operation: &str) -> Result<Url, ModelError> {
        let base = base.trim_end_matches('/');
        // Not shown: a key may stand in its place.
        let wrong =
            |error| ModelError::Connect(format!("the base of the server is no address ({error})"));
        // Azure has a second form of address that is OpenAI's own.
        let (text, version) = match self {
            Self::Azure { api_version } if !base.ends_with("/v1") => {
                let base = base.trim_end_matches("/openai");
                (format!("{base}/openai/deployments"), Some((model, api_version)))
            }
            _ => (format!("{base}/{operation}"), None),
        };
        let mut url = Url::parse(&text).map_err(wrong)?;
        if let Some((model, api_version)) = version {
            let mut path = url.path_segments_mut().map_err(|()| {
                ModelError::Connect("the address of an Azure resource has no path".to_owned())
            })?;
            path.push(model).extend(operation.split('/'));
            drop(path);
            url.query_pairs_mut().append_pair("api-version", api_version);
        }
        Ok(url)
    }

    /// The header that carries the key.
    ///
    /// # Errors
    /// [`ModelError::Connect`]: the key can be in no header.
    pub fn headers(&self, key: Option<&SecretString>) -> Result<HeaderMap, ModelError> {
        let mut headers = HeaderMap::new();
        let Some(key) = key else { return Ok(headers) };
        let (name, text) = match self {
            Self::Azure { .. } => {
                (HeaderName::from_static("api-key"), key.expose_secret().to_owned())
            }
            _ => (AUTHORIZATION, format!("Bearer {}", key.expose_secret())),
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            ModelError::Connect("the api key holds characters that no header may hold".to_owned())
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(headers)
    }
}

/// Which parameters the model takes, as far as it has told: a model that refuses one is asked again without it, and from
/// then on never with it.
#[derive(Debug)]
pub(super) struct Parameters {
    /// `max_completion_tokens`, else `max_tokens`.
    new_bound: AtomicBool,
    temperature: AtomicBool,
    usage: AtomicBool,
}

impl Parameters {
    /// What is known beforehand.
    pub fn of(server: &OpenAiServer, model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        let thinks = ["o1", "o3", "o4", "gpt-5"].iter().any(|start| name.starts_with(start));
        let is_own = !matches!(server, OpenAiServer::Compatible);
        Self {
            new_bound: AtomicBool::new(*server == OpenAiServer::OpenAi || (is_own && thinks)),
            temperature: AtomicBool::new(!(is_own && thinks)),
            usage: AtomicBool::new(true),
        }
    }

    /// Puts the bound of the answer, the temperature and the wish for a count into a request.
    pub fn fill(&self, body: &mut Value, most_tokens: u32, temperature: f32, streams: bool) {
        let bound = if self.new_bound.load(Ordering::Relaxed) {
            "max_completion_tokens"
        } else {
            "max_tokens"
        };
        body[bound] = json!(most_tokens);
        if self.temperature.load(Ordering::Relaxed) {
            body["temperature"] = json!(temperature);
        }
        body["stream"] = json!(streams);
        if streams && self.usage.load(Ordering::Relaxed) {
            body["stream_options"] = json!({ "include_usage": true });
        }
    }

    /// Learns from a refusal; whether the request is now another one.
    pub fn learn(&self, refused: &Value) -> bool {
        let text = |field: &str| refused.get(field).and_then(Value::as_str).unwrap_or_default();
        let about = |name: &str| text("param") == name || text("message").contains(name);
        if about("stream_options") {
            return self.usage.swap(false, Ordering::Relaxed);
        }
        // The message of each often names the other one too, as the remedy.
        let is_new = text("param") == "max_completion_tokens"
            || (!about("max_tokens") && about("max_completion_tokens"));
        if is_new {
            return self.new_bound.swap(false, Ordering::Relaxed);
        }
        if about("max_tokens") && text("message").contains("max_completion_tokens") {
            return !self.new_bound.swap(true, Ordering::Relaxed);
        }
        if about("temperature") {
            return self.temperature.swap(false, Ordering::Relaxed);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_told_by_its_address() {
        let of = OpenAiServer::of_address;
        assert_eq!(of("https://api.openai.com/v1"), OpenAiServer::OpenAi);
        assert!(matches!(of("https://a.openai.azure.com"), OpenAiServer::Azure { .. }));
        assert_eq!(of("http://127.0.0.1:11434/v1"), OpenAiServer::Compatible);
        assert_eq!(of("https://openai.azure.com.example/v1"), OpenAiServer::Compatible);
    }

    #[test]
    fn a_deployment_of_azure_stands_in_the_address_and_its_newer_form_is_that_of_openai() {
        let azure = OpenAiServer::Azure { api_version: "2024-10-21".to_owned() };
        let url = |base| azure.address(base, "my gpt/4", "chat/completions").unwrap().to_string();
        let expected = "https://a.openai.azure.com/openai/deployments/my%20gpt%2F4/chat/completions?api-version=2024-10-21";
        assert_eq!(url("https://a.openai.azure.com"), expected);
        assert_eq!(url("https://a.openai.azure.com/openai/"), expected);
        let newer = "https://a.openai.azure.com/openai/v1";
        assert_eq!(url(newer), format!("{newer}/chat/completions"));
    }

    fn filled(parameters: &Parameters) -> Value {
        let mut body = json!({});
        parameters.fill(&mut body, 9, 0.5, true);
        body
    }

    #[test]
    fn what_a_model_refuses_is_left_out_from_then_on() {
        let parameters = Parameters::of(&OpenAiServer::Compatible, "m");
        let body = filled(&parameters);
        assert_eq!((&body["max_tokens"], &body["temperature"]), (&json!(9), &json!(0.5)));
        let bound = json!({ "param": "max_tokens",
            "message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead." });
        assert!(parameters.learn(&bound) && !parameters.learn(&bound));
        assert!(parameters.learn(&json!({ "param": "temperature", "message": "only 1" })));
        assert!(
            parameters.learn(&json!({ "message": "stream_options: extra fields not permitted" }))
        );
        assert!(!parameters.learn(&json!({ "message": "context length exceeded" })));
        let body = filled(&parameters);
        assert_eq!(body, json!({ "max_completion_tokens": 9, "stream": true }));
    }

    #[test]
    fn models_of_openai_that_think_get_no_temperature() {
        let body = filled(&Parameters::of(&OpenAiServer::OpenAi, "gpt-5-mini"));
        assert_eq!(body.get("temperature"), None);
        let body = filled(&Parameters::of(&OpenAiServer::OpenAi, "gpt-4.1"));
        assert_eq!(body["max_completion_tokens"], 9);
        assert_eq!(body["temperature"], 0.5);
    }
}

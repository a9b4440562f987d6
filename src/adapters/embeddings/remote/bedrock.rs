//! Embeddings of Amazon Bedrock: Titan Text Embeddings v2 and Cohere Embed v3 and v4, by the operation InvokeModel, whose
//! body is the model's own.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::primitives::Blob;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{EmbeddingCalls, Purpose};
use crate::adapters::aws::Aws;
use crate::adapters::models::bedrock::{connect, refused};
use crate::adapters::models::{ModelError, without_region};

/// For the connection itself.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Whose body a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BedrockFamily {
    /// Amazon Titan Text Embeddings v2: one text a request; 256, 512 or 1024 dimensions.
    TitanV2,
    /// Cohere Embed v3: 96 texts a request, each of 2048 characters at most; 1024 dimensions.
    CohereV3,
    /// Cohere Embed v4: 96 texts a request; 256, 512, 1024 or 1536 dimensions.
    CohereV4,
}

impl BedrockFamily {
    /// By the id of a model or of a cross-region profile; `None` for a model of another kind.
    pub fn of_model(model: &str) -> Option<Self> {
        let has = |name: &str| model.contains(name);
        if has("amazon.titan-embed-text-v2") {
            Some(Self::TitanV2)
        } else if has("cohere.embed-english-v3") || has("cohere.embed-multilingual-v3") {
            Some(Self::CohereV3)
        } else if has("cohere.embed-v4") {
            Some(Self::CohereV4)
        } else {
            None
        }
    }

    /// Dimensions that the model can give.
    pub fn dimensions(self) -> &'static [usize] {
        match self {
            Self::TitanV2 => &[256, 512, 1024],
            Self::CohereV3 => &[1024],
            Self::CohereV4 => &[256, 512, 1024, 1536],
        }
    }
}

/// One model of Bedrock.
pub struct BedrockEmbeddings {
    client: Client,
    model: String,
    family: BedrockFamily,
    dimensions: usize,
}

impl BedrockEmbeddings {
    /// A model reached with the credentials and the endpoint of the environment. Nothing is sent yet.
    pub async fn connect(
        aws: &Aws,
        region: Option<String>,
        model: &str,
        family: BedrockFamily,
        dimensions: usize,
    ) -> Self {
        Self::with_client(connect(aws, region, CONNECT_TIMEOUT).await, model, family, dimensions)
    }

    /// A model behind a client made elsewhere.
    pub fn with_client(
        client: Client,
        model: &str,
        family: BedrockFamily,
        dimensions: usize,
    ) -> Self {
        Self { client, model: model.to_owned(), family, dimensions }
    }

    fn body(&self, texts: &[String], purpose: Purpose) -> Value {
        let purpose = match purpose {
            Purpose::Passage => "search_document",
            Purpose::Question => "search_query",
        };
        match self.family {
            BedrockFamily::TitanV2 => json!({
                "inputText": texts.first(),
                "dimensions": self.dimensions,
                "normalize": true,
            }),
            // What is too long is an error and not cut: a part of a passage would be found nowhere.
            BedrockFamily::CohereV3 => {
                json!({ "texts": texts, "input_type": purpose, "truncate": "NONE" })
            }
            BedrockFamily::CohereV4 => json!({
                "texts": texts,
                "input_type": purpose,
                "truncate": "NONE",
                "output_dimension": self.dimensions,
                "embedding_types": ["float"],
            }),
        }
    }
}

/// What the models answer: Titan one vector, Cohere a list, or lists by type of number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    One { embedding: Vec<f32> },
    Many { embeddings: Vec<Vec<f32>> },
    Typed { embeddings: Typed },
}

#[derive(Deserialize)]
struct Typed {
    float: Vec<Vec<f32>>,
}

#[async_trait]
impl EmbeddingCalls for BedrockEmbeddings {
    fn model(&self) -> &str {
        // A profile makes the vectors that its model makes.
        without_region(&self.model)
    }

    fn batch(&self) -> usize {
        if self.family == BedrockFamily::TitanV2 { 1 } else { 96 }
    }

    fn window_bytes(&self) -> usize {
        match self.family {
            // 8192 tokens, and 50000 characters.
            BedrockFamily::TitanV2 => 16_000,
            // 512 tokens, and 2048 characters.
            BedrockFamily::CohereV3 => 1_500,
            // 128000 tokens; a vector of so much text would say nothing.
            BedrockFamily::CohereV4 => 16_000,
        }
    }

    async fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, ModelError> {
        let body = self.body(texts, purpose).to_string();
        let reply = self
            .client
            .invoke_model()
            .model_id(&self.model)
            .content_type("application/json")
            .accept("application/json")
            .body(Blob::new(body.into_bytes()))
            .send()
            .await
            .map_err(|error| refused(&error))?;
        let answer = serde_json::from_slice(reply.body().as_ref())
            .map_err(|error| ModelError::Malformed(format!("no vectors ({error})")))?;
        Ok(match answer {
            Answer::One { embedding } => vec![embedding],
            Answer::Many { embeddings } => embeddings,
            Answer::Typed { embeddings } => embeddings.float,
        })
    }
}

//! The sentence-embedding model all-MiniLM-L6-v2, run in process on the CPU.
//!
//! The default where no embedding service is set. Built at start by the composition root from files fetched
//! beforehand; it opens no connection. Vectors have 384 numbers: the mean of the token vectors at unit length.
//! Text of any length is embedded whole, in windows.

mod batches;
mod fused_graph;
mod onnx;
mod protobuf;
mod session;
mod vocabulary;
mod weights;
mod windows;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tokenizers::{Encoding, Tokenizer};
use tokio::task::spawn_blocking;

use self::session::{Lane, unit};
use self::vocabulary::{FIRST_TOKEN, LAST_TOKEN, load_tokenizer};
use self::windows::Border;
use super::{Embedder, EmbeddingError, Vector};

/// Id stored with every vector.
const MODEL: &str = "all-minilm-l6-v2-int8";

/// Where the three files are that the model is made of.
#[derive(Debug, Clone)]
pub struct MiniLmFiles {
    /// ONNX Runtime's shared library.
    pub runtime_library: PathBuf,
    /// The published int8 ONNX file.
    pub model: PathBuf,
    /// The model's `tokenizer.json`, or BERT's uncased vocabulary as a JSON list.
    pub tokenizer: PathBuf,
}

/// The loaded model. Cloning shares it.
#[derive(Clone)]
pub struct MiniLm {
    tokenizer: Arc<Tokenizer>,
    /// Questions have a session of their own, so that they never queue behind an ingestion.
    questions: Lane,
    passages: Lane,
}

impl MiniLm {
    /// Loads the model; passages are embedded on `threads` threads, a question on one.
    ///
    /// Blocks for some tenths of a second.
    pub fn load(files: &MiniLmFiles, threads: usize) -> Result<Self, EmbeddingError> {
        let tokenizer = load_tokenizer(&files.tokenizer)?;
        let published =
            std::fs::read(&files.model).map_err(|error| load_error(&files.model, error))?;
        let model =
            fused_graph::build(&published).map_err(|error| load_error(&files.model, error))?;
        drop(published);
        Ok(Self {
            tokenizer: Arc::new(tokenizer),
            questions: Lane::open(&files.runtime_library, &model, 1)?,
            passages: Lane::open_polite(&files.runtime_library, &model, threads.max(1))?,
        })
    }

    /// The model's tokens of a text, without special ones and of any length.
    pub fn token_ids(&self, text: &str) -> Result<Vec<u32>, EmbeddingError> {
        Ok(encode(&self.tokenizer, text)?.get_ids().to_vec())
    }

    /// The sequences of each text's windows, special tokens included. Reads texts on a blocking thread.
    async fn sequences(&self, texts: Vec<String>) -> Result<Vec<Vec<Vec<u32>>>, EmbeddingError> {
        let tokenizer = Arc::clone(&self.tokenizer);
        let work = spawn_blocking(move || {
            texts.iter().map(|text| Ok(sequences_of(&encode(&tokenizer, text)?))).collect()
        });
        work.await.map_err(|error| EmbeddingError::Unavailable {
            model: MODEL.into(),
            reason: error.to_string(),
        })?
    }
}

#[async_trait]
impl Embedder for MiniLm {
    fn model(&self) -> &str {
        MODEL
    }

    fn dimensions(&self) -> usize {
        fused_graph::WIDTH
    }

    /// A text which the tokenizer refuses counts its bytes, which is never too few.
    fn count_tokens(&self, text: &str) -> usize {
        encode(&self.tokenizer, text).map_or(text.len(), |encoding| encoding.len())
    }

    async fn embed_query(&self, text: &str) -> Result<Vector, EmbeddingError> {
        let texts = self.sequences(vec![text.to_string()]).await?;
        let mut sum = vec![0.0; self.dimensions()];
        for sequence in texts.into_iter().flatten() {
            for vector in self.questions.run(vec![sequence]).await? {
                for (total, number) in sum.iter_mut().zip(vector) {
                    *total += number;
                }
            }
        }
        unit(sum)
    }

    async fn embed_passages(
        &self,
        passages: &[String],
    ) -> Result<Vec<Vec<Vector>>, EmbeddingError> {
        let texts = self.sequences(passages.to_vec()).await?;
        let mut vectors: Vec<Vec<Vector>> =
            texts.iter().map(|windows| vec![Vector::new(); windows.len()]).collect();
        let mut places = Vec::new();
        let mut sequences = Vec::new();
        for (text, windows) in texts.into_iter().enumerate() {
            for (window, sequence) in windows.into_iter().enumerate() {
                places.push((text, window));
                sequences.push(sequence);
            }
        }
        let lengths: Vec<usize> = sequences.iter().map(Vec::len).collect();
        for batch in batches::plan(&lengths) {
            let inputs = batch.iter().map(|index| std::mem::take(&mut sequences[*index])).collect();
            let outputs = self.passages.run(inputs).await?;
            for (index, vector) in batch.into_iter().zip(outputs) {
                let (text, window) = places[index];
                vectors[text][window] = vector;
            }
        }
        Ok(vectors)
    }
}

fn encode(tokenizer: &Tokenizer, text: &str) -> Result<Encoding, EmbeddingError> {
    tokenizer.encode(text, false).map_err(|error| EmbeddingError::Tokenize {
        model: MODEL.into(),
        bytes: text.len(),
        reason: error.to_string(),
    })
}

/// The windows of an encoded text as token ids between the two special tokens.
fn sequences_of(encoding: &Encoding) -> Vec<Vec<u32>> {
    let ids = encoding.get_ids();
    let mut sequences = Vec::new();
    for window in windows::plan(&borders(encoding)) {
        let mut sequence = Vec::with_capacity(window.len() + 2);
        sequence.push(FIRST_TOKEN);
        sequence.extend_from_slice(&ids[window]);
        sequence.push(LAST_TOKEN);
        sequences.push(sequence);
    }
    sequences
}

/// How well the text can be cut before each of its tokens.
fn borders(encoding: &Encoding) -> Vec<Border> {
    let (offsets, words) = (encoding.get_offsets(), encoding.get_word_ids());
    let mut borders = Vec::with_capacity(offsets.len());
    for token in 0..offsets.len() {
        borders.push(if token == 0 || offsets[token].0 > offsets[token - 1].1 {
            Border::Space
        } else if words[token].is_none() || words[token] != words[token - 1] {
            Border::Touching
        } else {
            Border::Inside
        });
    }
    borders
}

fn load_error(path: &Path, reason: impl Display) -> EmbeddingError {
    EmbeddingError::Load { path: path.to_path_buf(), reason: reason.to_string() }
}

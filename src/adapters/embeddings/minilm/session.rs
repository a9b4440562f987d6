//! Runs batches of windows through ONNX Runtime and pools them to sentence vectors.
//!
//! Called by `minilm`, which plans the batches. The runtime is a shared library loaded when the first
//! session opens. It does not tokenise.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use ort::environment::Environment;
use ort::ep;
use ort::session::Session;
use ort::value::TensorRef;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::fused_graph::{ATTENTION_MASK, INPUT_IDS, TOKEN_VECTORS, WIDTH};
use super::{MODEL, load_error};
use crate::adapters::embeddings::{EmbeddingError, Vector};
use crate::kernel::priority;

/// The runtime allows one environment in the life of a process, so it is kept for the next session.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

type Job = Box<dyn FnOnce() + Send>;

/// A session of the model which runs one batch at a time; callers are served in the order they came.
#[derive(Clone)]
pub struct Lane {
    session: Arc<tokio::sync::Mutex<Session>>,
    /// The thread that gives way to all others; a thread of the pool when absent.
    polite: Option<mpsc::Sender<Job>>,
}

impl Lane {
    /// Opens a session with `threads` threads on `model`, the bytes of an ONNX file.
    ///
    /// `library` is ONNX Runtime's shared library; the first one loaded serves the whole process.
    pub fn open(library: &Path, model: &[u8], threads: usize) -> Result<Self, EmbeddingError> {
        let environment = environment(library)?;
        let session = open_session(&environment, model, threads)
            .map_err(|reason| load_error(library, reason))?;
        Ok(Self { session: Arc::new(tokio::sync::Mutex::new(session)), polite: None })
    }

    /// The same on threads of its own that give way: for what nobody waits for, as the passages of documents. The threads end
    /// with the last clone.
    pub fn open_polite(
        library: &Path,
        model: &[u8],
        threads: usize,
    ) -> Result<Self, EmbeddingError> {
        let (send, jobs) = mpsc::channel::<Job>();
        // The runtime's threads get the priority of the one that opens the session.
        let opened = thread::scope(|scope| {
            let open = || {
                priority::give_way();
                Self::open(library, model, threads)
            };
            scope.spawn(open).join().unwrap_or_else(|_| Err(load_error(library, "it panicked")))
        });
        let work = move || {
            priority::give_way();
            for job in jobs {
                if std::panic::catch_unwind(AssertUnwindSafe(job)).is_err() {
                    tracing::error!("embedding passages panicked");
                }
            }
        };
        let started = thread::Builder::new().name("embed-passages".to_owned()).spawn(work);
        started.map_err(|error| load_error(library, error))?;
        Ok(Self { polite: Some(send), ..opened? })
    }

    /// Embeds one batch of token sequences, special tokens included: one unit vector for each, in order.
    ///
    /// When the caller goes away, a batch that has begun is finished and its result dropped.
    pub async fn run(&self, sequences: Vec<Vec<u32>>) -> Result<Vec<Vector>, EmbeddingError> {
        let mut session = Arc::clone(&self.session).lock_owned().await;
        let (tell, told) = oneshot::channel();
        let work = move || drop(tell.send(run_batch(&mut session, &sequences)));
        match &self.polite {
            // Without its thread the answer is never told.
            Some(thread) => drop(thread.send(Box::new(work))),
            None => drop(spawn_blocking(work)),
        }
        told.await.map_err(|_| EmbeddingError::Unavailable {
            model: MODEL.into(),
            reason: "embedding ended abnormally".to_owned(),
        })?
    }
}

/// Scales a vector to unit length; a vector that is not finite or has no direction is an error.
pub fn unit(mut vector: Vector) -> Result<Vector, EmbeddingError> {
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if !length.is_finite() || length < f32::EPSILON {
        return Err(output_error(format!("its length is {length}")));
    }
    for number in &mut vector {
        *number /= length;
    }
    Ok(vector)
}

fn environment(library: &Path) -> Result<Environment, EmbeddingError> {
    let mut slot = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = slot.as_ref() {
        return Ok(environment.clone());
    }
    // The loader would look for a relative path beside the program, not in the working directory.
    let absolute = std::path::absolute(library).map_err(|error| load_error(library, error))?;
    let environment = ort::init_from(absolute)
        .map_err(|error| load_error(library, error))?
        .with_telemetry(false)
        .build()
        .map_err(|error| load_error(library, error))?;
    Ok(slot.insert(environment).clone())
}

fn open_session(
    environment: &Environment,
    model: &[u8],
    threads: usize,
) -> Result<Session, ort::Error> {
    Session::builder(environment)?
        .with_intra_threads(threads)?
        .with_inter_threads(1)?
        // Idle threads would spin on cores which the rest of the program needs.
        .with_intra_op_spinning(false)?
        // Shapes vary from batch to batch, so a plan of memory made for one does not serve the next.
        .with_memory_pattern(false)?
        // Scratch memory kept by the runtime grows to one batch. Given back to the C library instead, it
        // spread over the heaps of the blocking threads and resident memory tripled.
        .with_execution_providers([ep::CPU::default().with_arena_allocator(true).build()])?
        .commit_from_memory(model)
}

fn run_batch(session: &mut Session, sequences: &[Vec<u32>]) -> Result<Vec<Vector>, EmbeddingError> {
    let longest = sequences.iter().map(Vec::len).max().unwrap_or(0);
    let failed = |reason: String| EmbeddingError::Run {
        model: MODEL.into(),
        texts: sequences.len(),
        tokens: longest,
        reason,
    };
    let (ids, mask) = padded(sequences, longest);
    let shape = [sequences.len(), longest];
    let ids = TensorRef::from_array_view((shape, ids.as_slice()))
        .map_err(|error| failed(error.to_string()))?;
    let mask = TensorRef::from_array_view((shape, mask.as_slice()))
        .map_err(|error| failed(error.to_string()))?;
    let outputs = session
        .run(ort::inputs! { INPUT_IDS => ids, ATTENTION_MASK => mask })
        .map_err(|error| failed(error.to_string()))?;
    let output = outputs
        .get(TOKEN_VECTORS)
        .ok_or_else(|| output_error(format!("the model has no output {TOKEN_VECTORS}")))?;
    let (found, numbers) =
        output.try_extract_tensor::<f32>().map_err(|error| output_error(error.to_string()))?;
    let expected = [sequences.len() as i64, longest as i64, WIDTH as i64];
    if **found != expected {
        return Err(output_error(format!("its shape is {found:?}, not {expected:?}")));
    }
    let rows = numbers.chunks_exact(longest * WIDTH);
    rows.zip(sequences).map(|(row, sequence)| unit(mean(row, sequence.len()))).collect()
}

/// Token ids and attention mask of a batch, row by row, padded with 0 to `longest`.
fn padded(sequences: &[Vec<u32>], longest: usize) -> (Vec<i64>, Vec<i32>) {
    let mut ids = vec![0; sequences.len() * longest];
    let mut mask = vec![0; sequences.len() * longest];
    for (row, sequence) in sequences.iter().enumerate() {
        for (column, id) in sequence.iter().enumerate() {
            ids[row * longest + column] = i64::from(*id);
            mask[row * longest + column] = 1;
        }
    }
    (ids, mask)
}

/// The sum of the first `tokens` token vectors of `row`: the mean, but for a length that `unit` removes.
fn mean(row: &[f32], tokens: usize) -> Vector {
    let mut sum = vec![0.0; WIDTH];
    for token in row.chunks_exact(WIDTH).take(tokens) {
        for (total, number) in sum.iter_mut().zip(token) {
            *total += number;
        }
    }
    sum
}

fn output_error(reason: String) -> EmbeddingError {
    EmbeddingError::Output { model: MODEL.into(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_that_is_not_finite_or_has_no_direction_is_an_error() {
        assert!(unit(vec![1.0, f32::NAN]).is_err());
        assert!(unit(vec![1.0, f32::INFINITY]).is_err());
        assert!(unit(vec![0.0, 0.0]).is_err());
        assert_eq!(unit(vec![3.0, -4.0]).unwrap(), [0.6, -0.8]);
    }

    #[test]
    fn padding_has_no_part_in_ids_mask_or_mean() {
        let (ids, mask) = padded(&[vec![101, 102], vec![101, 7, 102]], 3);
        assert_eq!(ids, [101, 102, 0, 101, 7, 102]);
        assert_eq!(mask, [1, 1, 0, 1, 1, 1]);
        let row: Vec<f32> = [1.0, 2.0, 99.0].into_iter().flat_map(|n| [n; WIDTH]).collect();
        assert_eq!(mean(&row, 2), [3.0; WIDTH]);
    }

    #[test]
    fn a_library_that_cannot_be_loaded_is_named_in_the_error() {
        let error = Lane::open(Path::new("/nowhere/libonnxruntime.so"), &[], 1).err().unwrap();
        assert!(!error.is_retryable());
        assert!(error.to_string().contains("/nowhere/libonnxruntime.so"), "{error}");
    }
}

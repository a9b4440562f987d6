//! What a model made of a follow-up that it was asked to rewrite. Called by the adapters of real models; the rewriting
//! holds up everything behind it, so whatever goes wrong, the question is searched as it was written.

use tokio::time::error::Elapsed;

use super::ModelError;

/// A rewritten question is one sentence.
pub(super) const MOST_REWRITING_TOKENS: u32 = 120;
/// What is longer is no question.
const MOST_QUESTION_CHARS: usize = 600;

/// The question in a model's reply: its first line, without the marks that models put around it.
///
/// # Errors
/// [`ModelError::Malformed`] when there is none.
pub(super) fn question(reply: &str) -> Result<String, ModelError> {
    let line = reply.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.unwrap_or_default().trim_matches(['"', '“', '”', '`', '*']);
    if line.is_empty() || line.chars().count() > MOST_QUESTION_CHARS {
        return Err(ModelError::Malformed("no question of one line".to_owned()));
    }
    Ok(line.to_owned())
}

/// The rewritten question, or the one that was written.
pub(super) fn or_as_written(
    rewritten: Result<Result<String, ModelError>, Elapsed>,
    written: &str,
) -> String {
    match rewritten {
        Ok(Ok(rewritten)) => return rewritten,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the follow-up is searched as it was written");
        }
        Err(_) => {
            tracing::warn!("no rewritten follow-up in time, it is searched as it was written");
        }
    }
    written.to_owned()
}

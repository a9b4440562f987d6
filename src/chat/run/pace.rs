//! How often each answer tells text while many are written at once. A text costs its events, its readers and its rows the same
//! whether it is a word or a line: what would be too many texts a second become fewer and longer ones.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::generate::Generation;
use crate::adapters::models::{ModelError, ModelEvent, ModelStream};

/// Below this it is not worth it: most models do not bring a piece more often.
const SHORTEST: Duration = Duration::from_millis(10);
/// Whoever reads along sees the text grow all the same.
const LONGEST: Duration = Duration::from_millis(250);
/// How long nothing has come when all that was there is read: a connection hands over its pieces one by one.
const QUIET: Duration = Duration::from_millis(2);
/// Text that is gathered at most, in bytes.
const MOST_BYTES: usize = 65_536;

/// What a model's stream brings next.
pub(super) type Next = Option<Result<ModelEvent, ModelError>>;

impl Generation {
    /// After a text was told, if there are so many answers: gathers what comes until the next one may be. What comes that is no
    /// text is given back, and ends it.
    pub(super) async fn gather(
        &self,
        stream: &mut ModelStream,
        waiting: &mut String,
    ) -> Option<Next> {
        let pause = pause(self.chat.live.len(), self.chat.settings.runs.texts_per_second)?;
        let until = Instant::now() + pause;
        // At first it gathers in the kernel, where it costs nothing.
        sleep_until(until - pause / 4).await;
        // All of it is read, however long that takes: what was left would be late by another pause, and more the next time.
        while waiting.len() < MOST_BYTES {
            match timeout_at(until.max(Instant::now() + QUIET), stream.next()).await {
                Ok(Some(Ok(ModelEvent::Delta(text)))) => waiting.push_str(&text),
                Ok(next) => return Some(next),
                Err(_) => break,
            }
        }
        None
    }
}

/// Time between two texts of each of so many answers, that all of them together tell at most so many a second.
fn pause(answers: usize, texts_per_second: u32) -> Option<Duration> {
    let answers = u32::try_from(answers).unwrap_or(u32::MAX);
    let pause = Duration::from_secs(1).saturating_mul(answers) / texts_per_second.max(1);
    (pause >= SHORTEST).then_some(pause.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_gather_from_so_many_answers_on_and_never_for_long() {
        let millis = |answers, most| pause(answers, most).map(|pause| pause.as_millis());
        assert_eq!(millis(99, 10_000), None, "one answer fewer than what gathers");
        assert_eq!(millis(100, 10_000), Some(10));
        assert_eq!(millis(1_000, 10_000), Some(100));
        assert_eq!(millis(2_500, 10_000), Some(250));
        assert_eq!(millis(2_501, 10_000), Some(250));
        assert_eq!(millis(usize::MAX, 1), Some(250));
        assert_eq!(millis(1, 100), Some(10));
        assert_eq!(millis(1, 101), None);
    }
}

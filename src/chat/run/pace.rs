//! How often each answer tells text while many are written at once. A text costs its events, its readers and its rows the same
//! whether it is a word or a line: what would be too many texts a second become fewer and longer ones.

use std::time::Duration;

use super::generate::Generation;

/// Below this nothing gathers: models do not bring a piece more often.
const SHORTEST: Duration = Duration::from_millis(10);
/// Whoever reads along sees the text grow all the same.
const LONGEST: Duration = Duration::from_millis(250);

impl Generation {
    /// Waits after a text was told, if there are so many answers that what comes meanwhile is to be told at once.
    pub(super) async fn gather(&self) {
        let most = self.chat.settings.runs.texts_per_second;
        if let Some(pause) = pause(self.chat.live.len(), most) {
            tokio::time::sleep(pause).await;
        }
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

//! Recognises the word by which a model says that the passages do not answer, also when it comes in
//! pieces, and takes it out of the text. Called by the adapters while they read an answer.

/// The word by which a prompt asks a model to begin when the passages do not answer.
pub const NO_ANSWER: &str = "NO_ANSWER";

/// Marks that models put around a word that they were asked to say exactly.
const WRAPPING: [char; 5] = ['*', '`', '"', '\'', '_'];

/// The beginning of an answer, until it is clear what it is.
#[derive(Debug, Default)]
pub(super) struct NoAnswerFilter {
    state: State,
    held: String,
}

#[derive(Debug, Default, PartialEq)]
enum State {
    #[default]
    Undecided,
    /// The word was said; what separates it from the text behind it is still to be dropped.
    Separator,
    /// Everything goes through; whether the word was said before.
    Open(bool),
}

impl NoAnswerFilter {
    /// The text that may be shown now; empty while more is needed to decide.
    pub fn push(&mut self, delta: &str) -> String {
        if let State::Open(_) = self.state {
            return delta.to_owned();
        }
        self.held.push_str(delta);
        if self.state == State::Undecided {
            self.decide();
        }
        match self.state {
            State::Undecided => String::new(),
            State::Separator => self.drop_separator(),
            State::Open(_) => std::mem::take(&mut self.held),
        }
    }

    /// What is still held when the answer ends.
    pub fn finish(&mut self) -> String {
        if self.state == State::Undecided && self.bare() == NO_ANSWER {
            self.state = State::Open(true);
            self.held.clear();
        }
        if self.state == State::Separator {
            return String::new();
        }
        std::mem::take(&mut self.held)
    }

    /// Whether the model said that there is no answer.
    pub fn is_no_answer(&self) -> bool {
        matches!(self.state, State::Separator | State::Open(true))
    }

    fn bare(&self) -> &str {
        self.held.trim_start().trim_start_matches(WRAPPING)
    }

    fn decide(&mut self) {
        let bare = self.bare();
        if NO_ANSWER.starts_with(bare) {
            // Also the whole word: what follows may make another word of it.
            return;
        }
        let behind = bare.strip_prefix(NO_ANSWER).map(str::to_owned);
        match behind {
            Some(behind) if !behind.starts_with(|c: char| c.is_alphanumeric()) => {
                self.held = behind;
                self.state = State::Separator;
            }
            _ => self.state = State::Open(false),
        }
    }

    fn drop_separator(&mut self) -> String {
        let text = self.held.trim_start_matches(|character: char| {
            character.is_whitespace()
                || WRAPPING.contains(&character)
                || ".:,;-–—".contains(character)
        });
        let text = text.to_owned();
        self.held.clear();
        if !text.is_empty() {
            self.state = State::Open(true);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(deltas: &[&str]) -> (String, bool) {
        let mut filter = NoAnswerFilter::default();
        let mut text = String::new();
        for delta in deltas {
            text.push_str(&filter.push(delta));
        }
        text.push_str(&filter.finish());
        (text, filter.is_no_answer())
    }

    #[test]
    fn the_word_is_taken_out_however_it_is_cut_and_wrapped() {
        let said = ("It is not covered.".to_owned(), true);
        assert_eq!(run(&["NO_ANSWER\n\nIt is not covered."]), said);
        assert_eq!(run(&["N", "O_", "ANSW", "ER", "\n", "\nIt is", " not covered."]), said);
        assert_eq!(run(&[" **NO_", "ANSWER**: ", "It is not covered."]), said);
        assert_eq!(run(&["NO_ANSWER"]), (String::new(), true));
        assert_eq!(run(&["`NO_ANSWER", "`."]), (String::new(), true));
    }

    #[test]
    fn a_text_that_only_begins_alike_goes_through_unchanged() {
        assert_eq!(run(&["NO", " keys exist."]), ("NO keys exist.".to_owned(), false));
        assert_eq!(
            run(&["NO_ANSWER", "ED is a state."]),
            ("NO_ANSWERED is a state.".to_owned(), false)
        );
        assert_eq!(run(&["The word NO_ANSWER"]), ("The word NO_ANSWER".to_owned(), false));
        assert_eq!(run(&["NO_"]), ("NO_".to_owned(), false));
        assert_eq!(run(&["**Bold** start"]), ("**Bold** start".to_owned(), false));
    }
}

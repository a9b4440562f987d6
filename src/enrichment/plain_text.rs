//! Makes what a model wrote into plain text that may be stored and shown: no images, no HTML, no links, nothing that nobody
//! sees, and no longer than the settings allow. What it wrote is data, as the document is that it read.

use crate::chat::{AllowedLinks, FilterSettings, OutputFilter};

/// Signs before a line of a list.
const LIST_SIGNS: [char; 4] = ['-', '*', '•', ' '];
/// How a line with a question begins.
const QUESTION: &str = "Q:";

/// The text without what no answer may hold, and without a word that is none of its business.
pub fn filtered(written: &str, marker: &str) -> String {
    let settings = FilterSettings::default();
    let mut filter = OutputFilter::new(AllowedLinks::default(), settings.max_held_bytes);
    let mut segments = filter.push(written);
    segments.extend(filter.finish());
    let text: String = segments.into_iter().map(|segment| segment.text).collect();
    text.replace(marker, "")
}

/// The text in one line, cut between two words where it is too long; absent when nothing is left.
pub fn line(text: &str, most_chars: usize) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= most_chars {
        return (!line.is_empty()).then_some(line);
    }
    let cut: String = line.chars().take(most_chars.saturating_sub(1)).collect();
    let end = cut.rfind(' ').unwrap_or(cut.len());
    let cut = cut[..end].trim_end();
    (!cut.is_empty()).then(|| format!("{cut}…"))
}

/// The paragraph before the questions, and the questions: those that are too long are left out, since a part of one asks
/// something else.
pub fn overview(
    text: &str,
    most_summary_chars: usize,
    most_questions: usize,
    most_question_chars: usize,
) -> (Option<String>, Vec<String>) {
    let mut summary: Vec<&str> = Vec::new();
    let mut questions: Vec<String> = Vec::new();
    for written in text.lines() {
        let bare = written.trim_start_matches(LIST_SIGNS);
        let Some(question) = bare.strip_prefix(QUESTION) else {
            if questions.is_empty() {
                summary.push(written);
            }
            continue;
        };
        let question = line(question, usize::MAX);
        let fits = question.filter(|question| question.chars().count() <= most_question_chars);
        if let Some(question) = fits
            && questions.len() < most_questions
            && !questions.contains(&question)
        {
            questions.push(question);
        }
    }
    (line(&summary.join("\n"), most_summary_chars), questions)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_no_answer_may_hold_is_not_kept() {
        let written = "See ![x](https://evil.example/a) and <b>this</b> [page](https://evil.example/b?q=1) of k3Jf.";
        let kept = filtered(written, "k3Jf");
        for part in ["evil.example", "<b>", "![", "k3Jf"] {
            assert!(!kept.contains(part), "{kept}");
        }
        assert!(kept.contains("this"), "{kept}");
    }

    #[test]
    fn a_line_is_cut_between_words_at_its_limit() {
        assert_eq!(line(" one\n two ", 7).as_deref(), Some("one two"));
        assert_eq!(line("one two three", 13).as_deref(), Some("one two three"));
        assert_eq!(line("one two three", 12).as_deref(), Some("one two…"));
        assert_eq!(line("  \n ", 10), None);
    }

    #[test]
    fn questions_stand_behind_the_summary_and_are_never_cut() {
        let text = "The guide tells\nhow keys work.\n\nQ: How long do keys live?\n- Q: Who makes keys?\nQ: Who makes keys?\nQ: This one is far too long to be asked?\nGood luck!";
        let (summary, questions) = overview(text, 100, 5, 30);
        assert_eq!(summary.as_deref(), Some("The guide tells how keys work."));
        assert_eq!(questions, ["How long do keys live?", "Who makes keys?"]);
        assert_eq!(overview(text, 100, 1, 30).1, ["How long do keys live?"]);
        assert_eq!(overview(text, 100, 5, 15).1, ["Who makes keys?"]);
        assert_eq!(overview(text, 100, 5, 14).1, Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_its_limit(text in any::<String>(), most in 0..60_usize) {
            let cut = line(&text, most).unwrap_or_default();
            prop_assert!(cut.chars().count() <= most, "{}", cut);
            prop_assert!(!cut.contains('\n'));
            let (summary, questions) = overview(&text, most, 2, most);
            prop_assert!(summary.unwrap_or_default().chars().count() <= most);
            prop_assert!(questions.iter().all(|question| question.chars().count() <= most));
        }
    }
}

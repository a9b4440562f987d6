//! Makes what a model wrote into plain text that may be stored and shown: no images, no HTML, no links, nothing that nobody
//! sees, and no longer than the settings allow. What it wrote is data, as the document is that it read.

use super::prompt::Lengths;
use crate::chat::{AllowedLinks, FilterSettings, OutputFilter};

/// Signs before a line of a list.
const LIST_SIGNS: [char; 4] = ['-', '*', '•', ' '];
/// How a line with a question begins.
const QUESTION: &str = "Q:";
/// How a question ends: as in Latin, Chinese, Arabic and Greek.
const QUESTION_MARKS: [char; 5] = ['?', '？', '؟', ';', '\u{37e}'];
/// Dots of names of sites, as browsers read them, and what looks like one.
const DOTS: [char; 5] = ['.', '。', '．', '｡', '\u{2024}'];
/// Digits that stand together in a phone number or an account, and in no question of a reader.
const MOST_DIGITS: usize = 6;
/// Signs within a phone number.
const DIGIT_SIGNS: [char; 6] = [' ', '-', '.', '/', '(', ')'];

/// What was written as one line without what no answer may hold, and without a word that is none of its business.
///
/// It is no code either: the filter lets code stand whatever is in it, and where a part of the line is shown, the mark at the other
/// end of the code is missing, and what stood between the marks is markup.
pub fn plain(written: &str, marker: &str) -> String {
    // Before the filter, which must see what comes together where something was taken out.
    let bare = written.replace(marker, " ").replace('`', "'");
    let words: Vec<&str> = bare.split_whitespace().collect();
    let held = FilterSettings::default().max_held_bytes;
    let mut filter = OutputFilter::new(AllowedLinks::default(), held);
    let mut segments = filter.push(&words.join(" "));
    segments.extend(filter.finish());
    let texts = segments.iter().map(|it| if it.is_code { " " } else { it.text.as_str() });
    texts.collect()
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

/// The paragraph before the questions, and the questions, each by itself: those that are too long, or hold what is not plain, are
/// left out, since a part of one asks something else; and so is the last one of what is cut.
pub fn overview(
    written: &str,
    marker: &str,
    lengths: Lengths,
    is_cut: bool,
) -> (Option<String>, Vec<String>) {
    let mut summary: Vec<&str> = Vec::new();
    let mut questions: Vec<String> = Vec::new();
    let mut lines = written.lines().peekable();
    while let Some(text) = lines.next() {
        let bare = text.trim_start_matches(LIST_SIGNS);
        let Some(question) = bare.strip_prefix(QUESTION) else {
            if questions.is_empty() {
                summary.push(text);
            }
            continue;
        };
        if is_cut && lines.peek().is_none() {
            break;
        }
        let question = line(&question.replace(marker, " ").replace('`', "'"), usize::MAX);
        let fits = question.filter(|it| {
            it.chars().count() <= lengths.question_chars
                && is_question(it)
                && plain(it, marker) == *it
        });
        if let Some(question) = fits
            && questions.len() < lengths.questions
            && !questions.contains(&question)
        {
            questions.push(question);
        }
    }
    (line(&plain(&summary.join("\n"), marker), lengths.summary_chars), questions)
}

/// Whether a reader may be given this to ask: a document that anybody may have written must not have its readers sent elsewhere,
/// so it names no address, no number to call and no site.
fn is_question(text: &str) -> bool {
    let mut digits = 0;
    for letter in text.chars() {
        if letter.is_numeric() {
            digits += 1;
        } else if !DIGIT_SIGNS.contains(&letter) {
            digits = 0;
        }
        if letter == '@' || letter == '＠' || digits > MOST_DIGITS {
            return false;
        }
    }
    let letters: Vec<char> = text.chars().collect();
    let is_site = letters.windows(3).any(|it| {
        DOTS.contains(&it[1])
            && it[0].is_alphanumeric()
            && it[2].is_alphanumeric()
            && (it[0].is_alphabetic() || it[2].is_alphabetic())
    });
    !is_site && text.ends_with(QUESTION_MARKS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORD: &str = "k3Jf9aQz71Lm";

    fn lengths(summary_chars: usize, questions: usize, question_chars: usize) -> Lengths {
        Lengths { output_tokens: 512, context_chars: 400, summary_chars, questions, question_chars }
    }

    #[test]
    fn what_no_answer_may_hold_is_not_kept() {
        let written = "See ![x](https://evil.example/a) and <b>this</b> [page](https://evil.example/b?q=1) of k3Jf9aQz71Lm.";
        let kept = plain(written, WORD);
        for part in ["evil.example", "<b>", "![", WORD] {
            assert!(!kept.contains(part), "{kept}");
        }
        assert!(kept.contains("this"), "{kept}");
    }

    #[test]
    fn code_of_which_a_part_is_shown_hides_nothing() {
        let image = "![x](https://evil.example/a)";
        for written in [
            format!("```\n{image} is what you see when the work is done\n```"),
            format!("~~~\n{image} is what you see when the work is done\n~~~"),
            format!("`a {image} is what you see when the work is done`"),
        ] {
            for most in 0..written.len() {
                let kept = line(&plain(&written, WORD), most).unwrap_or_default();
                assert!(!kept.contains("![") && !kept.contains("]("), "{most}: {kept}");
            }
        }
        let (summary, questions) =
            overview(&format!("`a\nQ: {image} what?\n`"), WORD, lengths(100, 5, 100), false);
        let kept = format!("{summary:?} {questions:?}");
        assert!(!kept.contains("![") && !kept.contains("]("), "{kept}");
    }

    #[test]
    fn nothing_comes_together_where_the_word_is_taken_out() {
        for (written, never) in [
            (format!("<{WORD}script>run()"), "<script"),
            (format!("see https:{WORD}//evil.example/a"), "https://"),
            (format!("!{WORD}[x](https://evil.example/a)"), "!["),
        ] {
            let kept = plain(&written, WORD);
            assert!(!kept.contains(never), "{kept}");
        }
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
        let (summary, questions) = overview(text, WORD, lengths(100, 5, 30), false);
        assert_eq!(summary.as_deref(), Some("The guide tells how keys work."));
        assert_eq!(questions, ["How long do keys live?", "Who makes keys?"]);
        let asked =
            |most, most_chars| overview(text, WORD, lengths(100, most, most_chars), false).1;
        assert_eq!(asked(1, 30), ["How long do keys live?"]);
        assert_eq!(asked(5, 15), ["Who makes keys?"]);
        assert_eq!(asked(5, 14), Vec::<String>::new());
    }

    #[test]
    fn the_last_question_of_what_is_cut_is_left_out() {
        let text = "About keys.\nQ: Who makes keys?\nQ: How long do keys live in?";
        let questions = |text: &str, is_cut| overview(text, WORD, lengths(100, 5, 60), is_cut).1;
        assert_eq!(questions(text, false).len(), 2);
        assert_eq!(questions(text, true), ["Who makes keys?"]);
        let ended = format!("{text}\nGood");
        assert_eq!(questions(&ended, true).len(), 2, "another line is cut");
    }

    #[test]
    fn what_is_no_question_or_would_send_a_reader_elsewhere_is_left_out() {
        for kept in [
            "How long do keys live?",
            "钥匙有效多久？",
            "كم تدوم المفاتيح؟",
            "Πόσο διαρκούν τα κλειδιά;",
            "What does error 123456 mean?",
            "What is new in 2.5?",
            "What comes after the end. Or before?",
        ] {
            let written = format!("Keys.\nQ: {kept}");
            assert_eq!(overview(&written, WORD, lengths(100, 5, 100), false).1, [kept]);
        }
        for left_out in [
            "Send your password",
            "Do you have your password? Send it!",
            "Why not write to help@evil?",
            "Why not write to help＠evil?",
            "Who answers at 1234567?",
            "Who answers at 0800 123-456?",
            "Who answers at ٠٨٠٠١٢٣?",
            "What is on evil.example?",
            "What is on www.evil?",
            "What is on evil1.example?",
            "What is on evil.2go?",
            "What is on evil\u{2024}example?",
            "What does ![x](https://evil.example/a) show?",
            "What is <b>this</b>?",
        ] {
            let written = format!("Keys.\nQ: {left_out}");
            let questions = overview(&written, WORD, lengths(100, 5, 100), false).1;
            assert!(questions.is_empty(), "{questions:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_its_limit(text in any::<String>(), most in 0..60_usize) {
            let cut = line(&text, most).unwrap_or_default();
            prop_assert!(cut.chars().count() <= most, "{}", cut);
            prop_assert!(!cut.contains('\n'));
            let (summary, questions) = overview(&text, WORD, lengths(most, 2, most), false);
            prop_assert!(summary.unwrap_or_default().chars().count() <= most);
            prop_assert!(questions.iter().all(|question| question.chars().count() <= most));
        }
    }
}

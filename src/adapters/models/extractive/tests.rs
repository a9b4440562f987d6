//! Questions whose answer is known, put to the extractive model through its public trait.

use futures_util::StreamExt;

use super::*;

const INSTALL: &str = "# Installing\n\nInstalling Pidima takes one command. Install it with the \
    package manager:\n\n```sh\napt-get update\n\napt-get install pidima\n```\n\nThe service starts on \
    port 8080. Quickstart Overview Pricing";
const KEYS: &str = "API keys belong to a tenant. A tenant may have at most 25 API keys. An API key is \
    a secret that a program uses to log in.\nRevoke a key that was lost, see [3].";

fn passage(marker: u32, title: &str, text: &str, similarity: f32) -> Passage {
    Passage {
        marker,
        title: title.to_owned(),
        heading_path: vec![title.to_owned()],
        text: text.to_owned(),
        score: 0.03 / marker as f32,
        similarity: Some(similarity),
    }
}

fn prompt(question: &str, passages: Vec<Passage>) -> Prompt {
    Prompt {
        instructions: "Be brief.".to_owned(),
        history: Vec::new(),
        message: String::new(),
        passages,
        question: question.to_owned(),
        standalone_question: question.to_owned(),
        max_output_tokens: 500,
        temperature: 0.0,
    }
}

fn ask(question: &str, similarity: f32) -> Answer {
    let passages = vec![
        passage(1, "Installing Pidima", INSTALL, similarity),
        passage(2, "API keys", KEYS, similarity),
    ];
    write_answer(&prompt(question, passages))
}

#[test]
fn a_question_for_steps_gets_the_command_block_with_its_lead_in() {
    let answer = ask("How do I install Pidima?", 0.6);
    assert_eq!(answer.finish, FinishReason::Stop);
    let block = "Install it with the package manager: [1]\n\n```\napt-get update\n\napt-get install \
                 pidima\n```";
    assert!(answer.text.contains(block), "{}", answer.text);
}

#[test]
fn a_question_for_a_number_gets_the_sentence_with_the_number_first_among_its_passage() {
    let answer = ask("How many API keys may a tenant have?", 0.6);
    assert!(answer.text.contains("A tenant may have at most 25 API keys. [2]"), "{}", answer.text);
}

#[test]
fn a_question_for_a_definition_gets_the_sentence_that_defines() {
    let answer = ask("What is an API key?", 0.6);
    assert!(answer.text.contains("An API key is a secret that a program uses to log in. [2]"));
}

#[test]
fn a_question_about_something_else_gets_no_answer_and_the_nearest_sections() {
    let answer = ask("Which colours can the dashboard charts have?", 0.3);
    assert_eq!(answer.finish, FinishReason::NoAnswer);
    assert!(answer.text.starts_with(NO_ANSWER));
    assert!(answer.text.contains("Installing Pidima; API keys."));
    assert!(!answer.text.contains('['));
}

#[test]
fn no_passages_or_passages_without_a_sentence_give_no_answer() {
    let none = write_answer(&prompt("How do I install Pidima?", Vec::new()));
    assert_eq!(none.finish, FinishReason::NoAnswer);
    assert_eq!(none.text, NO_ANSWER);
    let menu = passage(1, "Install Pidima", "# Install Pidima\nInstall Pidima", 0.9);
    let only_headings = write_answer(&prompt("How do I install Pidima?", vec![menu]));
    assert_eq!(only_headings.finish, FinishReason::NoAnswer);
}

#[test]
fn a_source_sentence_with_a_bracketed_number_is_not_quoted() {
    let answer = ask("How do I revoke a lost API key?", 0.7);
    assert!(!answer.text.contains("[3]"), "{}", answer.text);
}

#[test]
fn what_a_thing_does_is_told_by_the_sentence_that_opens_with_it_and_a_verb() {
    let limits =
        "VACUUM FULL can reclaim more disk space but runs slowly. VACUUM FULL requires a lock.";
    let does =
        "Plain VACUUM reclaims space. VACUUM FULL rewrites the entire table into a new file.";
    let passages = vec![passage(1, "Routine work", limits, 0.6), passage(2, "VACUUM", does, 0.6)];
    let answer = write_answer(&prompt("What does VACUUM FULL do?", passages));
    assert!(answer.text.starts_with("VACUUM FULL rewrites the entire table"), "{}", answer.text);
}

#[test]
fn a_sentence_below_a_label_that_names_the_setting_answers_for_it() {
    let settings = "max_connections (integer)\nSets the number of sessions. The default is 100 sessions.\n\
        port (integer)\nThe default is 5432 everywhere.";
    let passages = vec![passage(1, "Connection settings", settings, 0.6)];
    let answer = write_answer(&prompt("What is the default value of max_connections?", passages));
    assert!(answer.text.starts_with("The default is 100 sessions. [1]"), "{}", answer.text);
}

#[test]
fn steps_below_a_label_that_names_the_task_come_whole_although_no_step_repeats_it() {
    let steps =
        "Install the hardware\n1. Hold the plate against the wall.\n2. Screw it to the wall.";
    let passages = vec![passage(1, "Setting up", steps, 0.6)];
    let answer = write_answer(&prompt("How do I install the hardware?", passages));
    assert_eq!(
        answer.text,
        "1. Hold the plate against the wall. [1]\n2. Screw it to the wall. [1]"
    );
}

#[test]
fn a_sentence_that_leads_to_a_command_brings_the_command_along() {
    let text = "There is one function to generate a UUID:\ngen_random_uuid () → uuid\nIt is fast.";
    let passages = vec![passage(1, "UUID functions", text, 0.6)];
    let answer = write_answer(&prompt("How do I generate a UUID?", passages));
    assert!(answer.text.contains("gen_random_uuid () → uuid [1]"), "{}", answer.text);
}

#[test]
fn the_same_sentence_in_two_passages_is_said_once() {
    let text = "The session ends after thirty minutes without a request.";
    let passages = vec![passage(1, "Sessions", text, 0.7), passage(2, "Limits", text, 0.7)];
    let answer = write_answer(&prompt("When does a session end?", passages));
    assert_eq!(answer.text.matches("thirty minutes").count(), 1);
}

#[test]
fn a_table_row_comes_with_the_head_of_its_table() {
    let table = "| plan | requests per minute |\n|---|---|\n| free | 20 |\n| team | 300 |";
    let question = "How many requests per minute has the team plan?";
    let answer = write_answer(&prompt(question, vec![passage(1, "Plans", table, 0.6)]));
    assert!(answer.text.contains("```\n| plan | requests per minute |\n"), "{}", answer.text);
    assert!(answer.text.contains("| team | 300 |\n"), "{}", answer.text);
    assert!(answer.text.ends_with("[1]"));
}

#[test]
fn a_bound_on_the_length_keeps_whole_sentences_and_is_told() {
    let mut short =
        prompt("What is an API key of a tenant?", vec![passage(2, "API keys", KEYS, 0.7)]);
    short.max_output_tokens = 1;
    let answer = write_answer(&short);
    assert_eq!(answer.finish, FinishReason::Length);
    assert!(answer.text.ends_with(". [2]"));
}

#[tokio::test]
async fn the_stream_gives_the_whole_text_then_the_usage_then_the_end() {
    let passages = vec![passage(1, "Installing Pidima", INSTALL, 0.6)];
    let prompt = prompt("How do I install Pidima?", passages);
    let whole = write_answer(&prompt).text;
    let stream = ExtractiveModel.answer(prompt).await.unwrap();
    let events: Vec<ModelEvent> = stream.map(Result::unwrap).collect().await;
    let mut text = String::new();
    for event in &events[..events.len() - 2] {
        let ModelEvent::Delta(delta) = event else { panic!("{event:?}") };
        assert!(!delta.is_empty());
        text.push_str(delta);
    }
    assert_eq!(text, whole);
    assert!(events.len() > 4);
    assert!(
        matches!(events[events.len() - 2], ModelEvent::Usage(usage) if usage.output_tokens > 5)
    );
    assert_eq!(events.last(), Some(&ModelEvent::Finished(FinishReason::Stop)));
}

/// The text before the first marker, its number, and the text behind it.
fn next_marker(text: &str) -> Option<(&str, u32, &str)> {
    text.match_indices('[').find_map(|(at, _)| {
        let (number, behind) = text[at + 1..].split_once(']')?;
        Some((&text[..at], number.parse().ok()?, behind))
    })
}

/// The rule of the module's documentation, as a reader of the answer would apply it.
fn assert_every_part_stands_in_its_passage(text: &str, passages: &[Passage]) {
    let fold = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut in_fence = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_fence = !in_fence;
            continue;
        }
        if in_fence {
            assert!(passages.iter().any(|it| fold(&it.text).contains(&fold(line))), "{line}");
            continue;
        }
        let mut rest = line;
        while let Some((before, marker, behind)) = next_marker(rest) {
            let cited = passages.iter().find(|it| it.marker == marker).unwrap();
            assert!(fold(&cited.text).contains(before.trim()), "{before:?}");
            rest = behind;
        }
        assert!(rest.trim().is_empty(), "text without a marker: {rest:?}");
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_the_passages_hold_each_part_of_the_answer_stands_in_the_passage_it_cites(
            texts in prop::collection::vec(
                "((The|key|rotate|server|limit|25|x_y|`a`|\\[3\\]|é|[.:|#*-]|\\n|```\n|- ) ?){1,60}", 1..4),
        ) {
            let mut passages = Vec::new();
            for (index, text) in texts.iter().enumerate() {
                passages.push(passage(index as u32 + 1, "Keys", text, 0.8));
            }
            let answer = write_answer(&prompt("How do I rotate the server key limit?", passages.clone()));
            if answer.finish == FinishReason::Stop {
                assert_every_part_stands_in_its_passage(&answer.text, &passages);
            }
        }
    }
}

//! Puts a prompt into the messages that a model reads. Called by the adapters of real models, which put them into their
//! protocol's form; it sends nothing, and what the messages say of an answer is the caller's.

use rand::Rng;
use rand::distr::Alphanumeric;

use super::{Prompt, Role, Turn};

/// 12 letters and digits: more than 70 bits.
const TAG_CHARS: usize = 12;
/// Turns that a follow-up can sensibly point back to.
const TURNS_FOR_REWRITING: usize = 6;

/// What a model reads, in no protocol's form yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Messages {
    /// Rules: the only text that orders anything.
    pub system: String,
    /// The conversation; the last turn is the user's.
    pub turns: Vec<Turn>,
}

/// The messages of one answer.
pub(super) fn for_answer(prompt: &Prompt) -> Messages {
    let mut turns = prompt.history.clone();
    turns.push(Turn { role: Role::User, content: prompt.message.clone() });
    Messages { system: prompt.instructions.clone(), turns }
}

/// The messages that let a model go on with an answer whose beginning another one wrote. The beginning stands as a quotation
/// in the user's message: as a turn of the assistant's own, some models would refuse it.
pub(super) fn for_continuation(prompt: &Prompt, written: &str) -> Messages {
    let mut messages = for_answer(prompt);
    let tag = random_tag();
    let task = format!(
        "\n\nThe beginning of your answer is written already. It stands between <written-{tag}> and </written-{tag}>:\n\
         <written-{tag}>{written}</written-{tag}>\n\
         Continue exactly where it ends, in its language and style: reply with nothing but what comes behind its last \
         character, and repeat no word of it. If it is complete, reply with a full stop."
    );
    if let Some(last) = messages.turns.last_mut() {
        last.content.push_str(&task);
    }
    messages
}

/// The messages that ask for a question which needs no conversation.
pub(super) fn for_rewriting(history: &[Turn], follow_up: &str) -> Messages {
    let task = "Rewrite the user's last question so that it can be understood without the conversation: \
                replace pronouns and left-out words by what they stand for. Keep its language and its \
                meaning, add nothing, do not answer it. If it can be understood alone, repeat it. Reply \
                with the question only.";
    let recent = history.len().saturating_sub(TURNS_FOR_REWRITING);
    let mut turns = history[recent..].to_vec();
    let content = format!("Question to rewrite: {follow_up}");
    turns.push(Turn { role: Role::User, content });
    Messages { system: task.to_owned(), turns }
}

fn random_tag() -> String {
    rand::rng().sample_iter(Alphanumeric).take(TAG_CHARS).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt() -> Prompt {
        Prompt {
            instructions: "Answer in German.".to_owned(),
            history: vec![
                Turn { role: Role::User, content: "Hello".to_owned() },
                Turn { role: Role::Assistant, content: "Hi".to_owned() },
            ],
            message: "Question: and now?".to_owned(),
            passages: Vec::new(),
            question: "and now?".to_owned(),
            standalone_question: "What about now?".to_owned(),
            max_output_tokens: 10,
            temperature: 0.0,
        }
    }

    #[test]
    fn rules_come_first_then_the_history_and_the_question_last() {
        let messages = for_answer(&prompt());
        let roles: Vec<_> = messages.turns.iter().map(|turn| turn.role).collect();
        assert_eq!(roles, [Role::User, Role::Assistant, Role::User]);
        assert_eq!(messages.system, "Answer in German.");
        assert_eq!(messages.turns[2].content, "Question: and now?");
    }

    #[test]
    fn what_is_written_already_is_a_quotation_of_the_user_and_no_turn_of_the_assistant() {
        let messages = for_continuation(&prompt(), "Keys live </written> for");
        let last = messages.turns.last().unwrap();
        assert_eq!((messages.turns.len(), last.role), (3, Role::User));
        assert!(last.content.contains(">Keys live </written> for</written-"));
        assert!(last.content.contains("Continue exactly where it ends"));
    }

    #[test]
    fn two_requests_never_share_their_tag() {
        let tags: std::collections::HashSet<_> = (0..50).map(|_| random_tag()).collect();
        assert_eq!(tags.len(), 50);
    }
}

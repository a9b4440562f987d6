//! Turns in the form of Bedrock's messages: it wants them to alternate, to begin with the user's, and none without text.

use aws_sdk_bedrockruntime::types::{ContentBlock, ConversationRole, Message};

use crate::adapters::models::{ModelError, Role, Turn};

/// The turns as messages. Neighbours of one role become one; what the assistant said before the user said anything is
/// left out.
///
/// # Errors
/// [`ModelError::Malformed`] when the SDK takes no such message.
pub(super) fn in_form(turns: &[Turn]) -> Result<Vec<Message>, ModelError> {
    alternating(turns)
        .into_iter()
        .map(|turn| {
            let role = match turn.role {
                Role::User => ConversationRole::User,
                Role::Assistant => ConversationRole::Assistant,
            };
            Message::builder()
                .role(role)
                .content(ContentBlock::Text(turn.content))
                .build()
                .map_err(|error| ModelError::Malformed(error.to_string()))
        })
        .collect()
}

/// The text of a message, without what is none.
pub(super) fn text_of(message: &Message) -> String {
    message.content().iter().filter_map(|block| block.as_text().ok()).cloned().collect()
}

fn alternating(turns: &[Turn]) -> Vec<Turn> {
    let mut merged: Vec<Turn> = Vec::new();
    for turn in turns.iter().filter(|turn| !turn.content.trim().is_empty()) {
        match merged.last_mut() {
            Some(last) if last.role == turn.role => {
                last.content.push_str("\n\n");
                last.content.push_str(&turn.content);
            }
            None if turn.role == Role::Assistant => {}
            _ => merged.push(turn.clone()),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(role: Role, content: &str) -> Turn {
        Turn { role, content: content.to_owned() }
    }

    #[test]
    fn turns_alternate_and_begin_with_the_user() {
        let turns = [
            turn(Role::Assistant, "left over"),
            turn(Role::User, "first"),
            turn(Role::User, "again"),
            turn(Role::Assistant, "  "),
            turn(Role::Assistant, "reply"),
            turn(Role::User, "next"),
        ];
        let expected = [
            turn(Role::User, "first\n\nagain"),
            turn(Role::Assistant, "reply"),
            turn(Role::User, "next"),
        ];
        assert_eq!(alternating(&turns), expected);
    }
}

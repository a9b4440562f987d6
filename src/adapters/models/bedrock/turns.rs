//! Turns in the form of Bedrock's messages: it wants them to alternate, to begin with the user's, and none without text.

use aws_sdk_bedrockruntime::types::{
    CachePointBlock, CachePointType, ContentBlock, ConversationRole, Message,
};

use crate::adapters::models::{ModelError, Role, Turn};

/// Marks that what stands before it shall be kept in the provider's cache.
///
/// # Errors
/// [`ModelError::Malformed`] when the SDK takes no such mark.
pub(super) fn cache_point() -> Result<CachePointBlock, ModelError> {
    let point = CachePointBlock::builder().r#type(CachePointType::Default);
    point.build().map_err(|error| ModelError::Malformed(error.to_string()))
}

/// The turns as messages. Neighbours of one role become one; what the assistant said before the user said anything is
/// left out. With `caches` a mark stands behind the last turn but one: the last holds passages and is new each time.
///
/// # Errors
/// [`ModelError::Malformed`] when the SDK takes no such message.
pub(super) fn in_form(turns: &[Turn], caches: bool) -> Result<Vec<Message>, ModelError> {
    let turns = alternating(turns);
    let marked = turns.len().checked_sub(2).filter(|_| caches);
    let message = |(place, turn): (usize, Turn)| {
        let role = match turn.role {
            Role::User => ConversationRole::User,
            Role::Assistant => ConversationRole::Assistant,
        };
        let mut message = Message::builder().role(role).content(ContentBlock::Text(turn.content));
        if marked == Some(place) {
            message = message.content(ContentBlock::CachePoint(cache_point()?));
        }
        message.build().map_err(|error| ModelError::Malformed(error.to_string()))
    };
    turns.into_iter().enumerate().map(message).collect()
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
    fn the_mark_of_the_cache_stands_behind_the_history_and_nowhere_else() {
        let marks = |turns: &[Turn], caches| -> Vec<usize> {
            let messages = in_form(turns, caches).unwrap();
            let is_mark = |block: &&ContentBlock| block.is_cache_point();
            messages.iter().map(|it| it.content().iter().filter(is_mark).count()).collect()
        };
        let turns =
            [turn(Role::User, "a"), turn(Role::Assistant, "b"), turn(Role::User, "passages")];
        assert_eq!(marks(&turns, true), [0, 1, 0]);
        assert_eq!(marks(&turns, false), [0, 0, 0]);
        assert_eq!(marks(&turns[2..], true), [0], "no history, nothing to keep");
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

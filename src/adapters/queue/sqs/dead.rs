//! Dead letters. SQS has no way to look at a message but to receive it: what was looked at is hidden from other looks for a
//! moment, and shown again at once afterwards.

use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, Message as Received, MessageAttributeValue,
    MessageSystemAttributeName,
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::fault::failed;
use super::{MOST_AT_ONCE, SqsQueue, body, number, receives};
use crate::adapters::queue::{DeadLetter, Message, QueueError};

/// Most letters that are looked through for one.
const MOST_LOOKED_AT: usize = 1_000;
/// How long letters are hidden while we look, in seconds. A look that dies leaves them hidden that long.
const HIDDEN_SECONDS: i32 = 30;
/// A look that does not wait asks only some of the servers that hold the queue, and may find nothing where something is.
const WAIT_SECONDS: i32 = 1;
/// How often the message was received, as whoever set it aside saw it: SQS counts from the start in each queue.
pub(super) const RECEIVES: &str = "receives";

/// A letter that is in our hand.
struct Held {
    letter: DeadLetter,
    receipt: String,
}

impl SqsQueue {
    /// Up to `limit` letters, the latest first. Those that are no message of ours are passed over.
    pub(super) async fn list_dead(&self, limit: usize) -> Result<Vec<DeadLetter>, QueueError> {
        let (held, all) = self.look(limit, |_| false).await?;
        self.show_again(all).await;
        let mut letters: Vec<DeadLetter> = held.into_iter().map(|held| held.letter).collect();
        letters.sort_by_key(|letter| std::cmp::Reverse(letter.dead_at));
        Ok(letters)
    }

    /// The message of one letter.
    pub(super) async fn find_one_dead(
        &self,
        message_id: Uuid,
    ) -> Result<Option<Message>, QueueError> {
        let is_it = |letter: &DeadLetter| letter.message.message_id == message_id;
        let (held, all) = self.look(MOST_LOOKED_AT, is_it).await?;
        self.show_again(all).await;
        Ok(held.into_iter().map(|held| held.letter).find(is_it).map(|letter| letter.message))
    }

    /// Takes one letter out for good.
    pub(super) async fn take_dead(&self, message_id: Uuid) -> Result<Option<Message>, QueueError> {
        let is_it = |letter: &DeadLetter| letter.message.message_id == message_id;
        let (held, mut all) = self.look(MOST_LOOKED_AT, is_it).await?;
        let found = held.into_iter().find(|held| is_it(&held.letter));
        let Some(Held { letter, receipt }) = found else {
            self.show_again(all).await;
            return Ok(None);
        };
        let url = &self.settings.dead_url;
        let request = self.client().await.delete_message().queue_url(url).receipt_handle(&receipt);
        let deleted = request.send().await;
        if deleted.is_ok() {
            all.retain(|other| *other != receipt);
        }
        self.show_again(all).await;
        deleted.map(|_| Some(letter.message)).map_err(|error| failed(&error))
    }

    /// Receives letters until there are no more, `most` are read or the one that is looked for; those that are messages of
    /// ours, and the receipts of all.
    async fn look(
        &self,
        most: usize,
        is_it: impl Fn(&DeadLetter) -> bool,
    ) -> Result<(Vec<Held>, Vec<String>), QueueError> {
        let (mut held, mut all) = (Vec::new(), Vec::new());
        while held.len() < most && all.len() < MOST_LOOKED_AT {
            let received = self.receive_dead(MOST_AT_ONCE.min(most - held.len())).await;
            let received = match received {
                Ok(received) => received,
                Err(error) => {
                    self.show_again(all).await;
                    return Err(error);
                }
            };
            if received.is_empty() {
                break;
            }
            let mut is_found = false;
            for one in received {
                let Some(receipt) = one.receipt_handle.clone() else { continue };
                all.push(receipt.clone());
                let Ok(message) = body::read(one.body.as_deref()) else { continue };
                let letter =
                    DeadLetter { message, receives: counted(&one), dead_at: set_aside_at(&one) };
                is_found |= is_it(&letter);
                held.push(Held { letter, receipt });
            }
            if is_found {
                break;
            }
        }
        Ok((held, all))
    }

    async fn receive_dead(&self, most: usize) -> Result<Vec<Received>, QueueError> {
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let found = self
            .client()
            .await
            .receive_message()
            .queue_url(&self.settings.dead_url)
            .max_number_of_messages(number(most))
            .visibility_timeout(HIDDEN_SECONDS)
            .wait_time_seconds(WAIT_SECONDS)
            .message_attribute_names(RECEIVES)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        Ok(found.messages.unwrap_or_default())
    }

    /// Ends the hiding. What fails here is hidden for some seconds more, and nothing else depends on it.
    async fn show_again(&self, receipts: Vec<String>) {
        for some in receipts.chunks(MOST_AT_ONCE) {
            let entries = some.iter().enumerate().filter_map(|(index, receipt)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(receipt)
                    .visibility_timeout(0)
                    .build()
                    .ok()
            });
            let request = self.client().await.change_message_visibility_batch();
            let request = request.queue_url(&self.settings.dead_url);
            if let Err(error) = request.set_entries(Some(entries.collect())).send().await {
                let error = failed(&error);
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "dead letters are hidden for some seconds more");
            }
        }
    }
}

/// The attribute that keeps how often a message was received before it was set aside.
pub(super) fn receives_attribute(count: u32) -> Option<MessageAttributeValue> {
    MessageAttributeValue::builder()
        .data_type("Number")
        .string_value(count.to_string())
        .build()
        .ok()
}

fn counted(letter: &Received) -> u32 {
    let attributes = letter.message_attributes.as_ref();
    let count = attributes.and_then(|all| all.get(RECEIVES)?.string_value.as_deref()?.parse().ok());
    count.unwrap_or_else(|| receives(letter))
}

/// When it was sent to this queue; unknown where SQS itself moved it, which keeps the time of the first sending.
fn set_aside_at(letter: &Received) -> Option<DateTime<Utc>> {
    let attributes = letter.attributes.as_ref()?;
    if attributes.contains_key(&MessageSystemAttributeName::DeadLetterQueueSourceArn) {
        return None;
    }
    let sent = attributes.get(&MessageSystemAttributeName::SentTimestamp)?;
    DateTime::from_timestamp_millis(sent.parse().ok()?)
}

//! Sending in batches. SQS answers for each message of a batch: those that it did not take are tried again, and only they.

use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use uuid::Uuid;

use super::{MOST_AT_ONCE, SqsQueue, body, fault};
use crate::adapters::queue::{Message, QueueError};

/// Wait before messages are tried again that SQS did not take; it doubles with each further try.
const FIRST_WAIT: Duration = Duration::from_millis(100);

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What became of a batch that was not taken whole.
struct Refused {
    /// Ids of messages that were not taken after all tries.
    failed: Vec<Uuid>,
    cause: Cause,
    /// SQS did not answer, or refused the batch as such: those behind it need not be tried.
    is_whole: bool,
}

/// A message that was not taken, and whether it never will be.
struct RefusedEntry<'a> {
    message: &'a Message,
    is_final: bool,
    cause: Cause,
}

impl SqsQueue {
    /// Sends every message that SQS takes.
    pub(super) async fn send_all(&self, messages: &[Message]) -> Result<(), QueueError> {
        let mut failed = Vec::new();
        let mut last = None;
        for (index, batch) in messages.chunks(MOST_AT_ONCE).enumerate() {
            let Err(refused) = self.send_batch(batch).await else { continue };
            failed.extend(refused.failed);
            last = Some(refused.cause);
            if refused.is_whole {
                failed.extend(ids(messages.iter().skip((index + 1) * MOST_AT_ONCE)));
                break;
            }
        }
        match last {
            None => Ok(()),
            Some(source) if failed.len() == messages.len() => Err(QueueError::Unavailable(source)),
            Some(source) => Err(QueueError::Partly { failed, source }),
        }
    }

    /// Sends as many messages as one request takes.
    async fn send_batch(&self, batch: &[Message]) -> Result<(), Refused> {
        let mut left: Vec<&Message> = batch.iter().collect();
        let mut failed = Vec::new();
        let mut last = None;
        let mut wait = FIRST_WAIT;
        for number in 0..self.settings.tries {
            if number > 0 {
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
            let refused = match self.send_once(&left).await {
                Ok(refused) => refused,
                Err(cause) => {
                    failed.extend(ids(left));
                    return Err(Refused { failed, cause, is_whole: true });
                }
            };
            left.clear();
            for RefusedEntry { message, is_final, cause } in refused {
                last = Some(cause);
                if is_final {
                    failed.push(message.message_id);
                } else {
                    left.push(message);
                }
            }
            if left.is_empty() {
                break;
            }
        }
        failed.extend(ids(left));
        match last {
            Some(cause) if !failed.is_empty() => Err(Refused { failed, cause, is_whole: false }),
            _ => Ok(()),
        }
    }

    /// One request; the messages of it that were not taken.
    async fn send_once<'a>(
        &self,
        messages: &[&'a Message],
    ) -> Result<Vec<RefusedEntry<'a>>, Cause> {
        let entries = messages.iter().enumerate().map(|(index, message)| {
            let entry = SendMessageBatchRequestEntry::builder().id(index.to_string());
            Ok(entry.message_body(body::write(message)?).build()?)
        });
        let entries: Result<Vec<_>, Cause> = entries.collect();
        let sent = self
            .client()
            .await
            .send_message_batch()
            .queue_url(&self.settings.url)
            .set_entries(Some(entries?))
            .send()
            .await
            .map_err(|error| fault::of_request(&error))?;
        let refused = sent.failed().iter().filter_map(|entry| {
            let message = entry.id().parse::<usize>().ok().and_then(|index| messages.get(index))?;
            let cause = Box::new(fault::of_entry(entry.code(), entry.message()));
            Some(RefusedEntry { message, is_final: entry.sender_fault(), cause })
        });
        Ok(refused.collect())
    }
}

fn ids<'a>(messages: impl IntoIterator<Item = &'a Message>) -> impl Iterator<Item = Uuid> {
    messages.into_iter().map(|message| message.message_id)
}

//! The queue as a standard queue of Amazon SQS, with a second one for dead letters.
//!
//! SQS delivers at least once and in no order, and can not tell that it has a message already: jobs must bear that anyway.

mod body;
mod dead;
mod fault;
mod send;

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::types::{Message as Received, MessageSystemAttributeName, QueueAttributeName};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::OnceCell;
use uuid::Uuid;

use self::fault::{failed, is_lost};
use super::{DeadLetter, Delivery, Message, Queue, QueueError, Receipt};
use crate::adapters::aws::{Aws, Patience};

/// Most messages of one request.
const MOST_AT_ONCE: usize = 10;
/// How long SQS lets one receipt hold a message, whatever is asked for.
const LONGEST_HOLD: TimeDelta = TimeDelta::hours(12);
/// What counts as backlog.
static COUNTS: [QueueAttributeName; 3] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
];

/// Which queues, and how patiently they are asked.
#[derive(Clone, Debug)]
pub struct SqsSettings {
    /// Address of the queue.
    pub url: String,
    /// Address of the queue for dead letters.
    pub dead_url: String,
    /// How long a request for messages waits for one, in seconds, 20 at most.
    pub wait_seconds: u32,
    /// Time for one try of a request; one that waits for messages has that long in addition.
    pub timeout: Duration,
    /// Tries of a request.
    pub tries: u32,
}

/// A queue of Amazon SQS.
#[derive(Debug)]
pub struct SqsQueue {
    aws: Aws,
    settings: SqsSettings,
    client: OnceCell<Client>,
}

impl SqsQueue {
    /// A queue of SQS. Nothing is sent yet.
    pub fn new(aws: Aws, settings: SqsSettings) -> Self {
        Self { aws, settings, client: OnceCell::new() }
    }

    async fn client(&self) -> &Client {
        self.client.get_or_init(|| self.connect()).await
    }

    async fn connect(&self) -> Client {
        let patience = self.patience();
        let mut config = Builder::from(self.aws.config().await)
            .retry_config(patience.retries())
            .timeout_config(patience.timeouts());
        if let Some(endpoint) = self.aws.sqs_endpoint() {
            config = config.endpoint_url(endpoint);
        }
        Client::from_conf(config.build())
    }

    fn patience(&self) -> Patience {
        Patience { timeout: self.settings.timeout, tries: self.settings.tries }
    }

    /// One request for messages, which may wait for the first of them.
    async fn poll(&self, most: u32, visibility: Duration) -> Result<Vec<Received>, QueueError> {
        let wait = Duration::from_secs(self.settings.wait_seconds.into());
        let patience = Patience { timeout: self.settings.timeout + wait, ..self.patience() };
        let found = self
            .client()
            .await
            .receive_message()
            .queue_url(&self.settings.url)
            .max_number_of_messages(number(most.min(MOST_AT_ONCE as u32).max(1)))
            .visibility_timeout(seconds(visibility))
            .wait_time_seconds(number(self.settings.wait_seconds))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .customize()
            .config_override(Builder::new().timeout_config(patience.timeouts()))
            .send()
            .await
            .map_err(|error| failed(&error))?;
        Ok(found.messages.unwrap_or_default())
    }

    /// The delivery of what was received; none when it is not one of our messages, which is set aside.
    async fn delivery(&self, received: Received, at: DateTime<Utc>) -> Option<Delivery> {
        let receipt = received.receipt_handle.as_deref().unwrap_or_default();
        let told = received.message_id.as_deref().unwrap_or_default();
        match body::read(received.body.as_deref()) {
            Ok(message) => Some(Delivery {
                message,
                receipt: Receipt::new(receipt),
                receives: receives(&received),
                received_at: at,
            }),
            Err(reason) => {
                let body = received.body.as_deref().unwrap_or_default();
                match self.set_aside(body, receipt, receives(&received)).await {
                    Ok(()) => {
                        tracing::error!(sqs.id = told, %reason, "unreadable message set aside")
                    }
                    Err(error) => tracing::error!(
                        sqs.id = told,
                        %reason,
                        error = &error as &dyn std::error::Error,
                        "unreadable message could not be set aside; it comes again"
                    ),
                }
                None
            }
        }
    }

    /// Among the dead letters first: in both queues for a moment is better than in none.
    async fn set_aside(&self, body: &str, receipt: &str, receives: u32) -> Result<(), QueueError> {
        // SQS takes no empty body, and gives none either.
        let body = if body.is_empty() { "(empty)" } else { body };
        self.client()
            .await
            .send_message()
            .queue_url(&self.settings.dead_url)
            .message_body(body)
            .set_message_attributes(
                dead::receives_attribute(receives)
                    .map(|count| [(dead::RECEIVES.to_owned(), count)].into()),
            )
            .send()
            .await
            .map_err(|error| failed(&error))?;
        self.end(receipt).await
    }

    async fn end(&self, receipt: &str) -> Result<(), QueueError> {
        let url = &self.settings.url;
        let request = self.client().await.delete_message().queue_url(url).receipt_handle(receipt);
        match request.send().await {
            Err(error) if !is_lost(&error) => Err(failed(&error)),
            _ => Ok(()),
        }
    }

    async fn hide(&self, receipt: &Receipt, seconds: i32) -> Result<bool, QueueError> {
        let request = self
            .client()
            .await
            .change_message_visibility()
            .queue_url(&self.settings.url)
            .receipt_handle(receipt.as_str())
            .visibility_timeout(seconds);
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_lost(&error) => Ok(false),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Sum of the counts that SQS gives of a queue.
    async fn count(&self, url: &str) -> Result<u64, QueueError> {
        let got = self
            .client()
            .await
            .get_queue_attributes()
            .queue_url(url)
            .set_attribute_names(Some(COUNTS.to_vec()))
            .send()
            .await
            .map_err(|error| failed(&error))?;
        let attributes = got.attributes.unwrap_or_default();
        let counts = COUNTS.iter().filter_map(|name| attributes.get(name));
        Ok(counts.filter_map(|count| count.parse::<u64>().ok()).sum())
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, messages: &[Message]) -> Result<(), QueueError> {
        self.send_all(messages).await
    }

    async fn receive(&self, most: u32, visibility: Duration) -> Result<Vec<Delivery>, QueueError> {
        loop {
            let at = Utc::now();
            let received = self.poll(most, visibility).await?;
            let was_empty = received.is_empty();
            let mut deliveries = Vec::new();
            for message in received {
                deliveries.extend(self.delivery(message, at).await);
            }
            // Nothing but unreadable ones says nothing of those behind them.
            if was_empty || !deliveries.is_empty() {
                return Ok(deliveries);
            }
        }
    }

    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<bool, QueueError> {
        match still(delivery.received_at, Utc::now(), visibility) {
            Some(seconds) => self.hide(&delivery.receipt, seconds).await,
            None => Ok(false),
        }
    }

    async fn delete(&self, delivery: &Delivery) -> Result<(), QueueError> {
        self.end(delivery.receipt.as_str()).await
    }

    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<(), QueueError> {
        // One that was held for twelve hours comes again by itself.
        self.extend(delivery, delay).await.map(drop)
    }

    async fn bury(&self, delivery: &Delivery) -> Result<(), QueueError> {
        let body = body::write(&delivery.message);
        let body = body.map_err(|error| QueueError::Unavailable(Box::new(error)))?;
        self.set_aside(&body, delivery.receipt.as_str(), delivery.receives).await
    }

    async fn backlog(&self) -> Result<u64, QueueError> {
        self.count(&self.settings.url).await
    }

    async fn check(&self) -> Result<(), QueueError> {
        self.count(&self.settings.url).await?;
        self.count(&self.settings.dead_url).await.map(drop)
    }

    async fn dead(&self, limit: u32) -> Result<Vec<DeadLetter>, QueueError> {
        self.list_dead(usize::try_from(limit).unwrap_or(usize::MAX)).await
    }

    async fn find_dead(&self, message_id: Uuid) -> Result<Option<Message>, QueueError> {
        self.find_one_dead(message_id).await
    }

    async fn discard(&self, message_id: Uuid) -> Result<Option<Message>, QueueError> {
        self.take_dead(message_id).await
    }
}

/// How often SQS gave a message out. It says so with each; one without the word is taken for new.
fn receives(received: &Received) -> u32 {
    let attributes = received.attributes.as_ref();
    let count =
        attributes.and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount));
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// Seconds for which a message can still be hidden: as asked for, or what is left of the twelve hours; none when that is
/// less than one.
fn still(received_at: DateTime<Utc>, now: DateTime<Utc>, visibility: Duration) -> Option<i32> {
    let left = (received_at + LONGEST_HOLD - now).num_seconds();
    let left = i32::try_from(left.min(LONGEST_HOLD.num_seconds())).unwrap_or_default();
    (left > 0).then(|| seconds(visibility).min(left))
}

/// Whole seconds, as SQS counts: rather more than less, and never more than it takes.
fn seconds(time: Duration) -> i32 {
    let whole = time.as_millis().div_ceil(1_000);
    let most = LONGEST_HOLD.num_seconds();
    i32::try_from(i64::try_from(whole).unwrap_or(most).min(most)).unwrap_or(i32::MAX)
}

fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_seconds_and_never_shorter_than_asked_for() {
        for (millis, expected) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (120_000, 120)] {
            assert_eq!(seconds(Duration::from_millis(millis)), expected, "{millis} ms");
        }
        assert_eq!(seconds(Duration::from_secs(43_201)), 43_200);
        assert_eq!(seconds(Duration::MAX), 43_200);
    }

    #[test]
    fn twelve_hours_after_it_was_received_a_message_is_held_no_longer() {
        let received = Utc::now();
        let held = |seconds: i64, visibility: u64| {
            let now = received + TimeDelta::seconds(seconds);
            still(received, now, Duration::from_secs(visibility))
        };
        assert_eq!(held(0, 120), Some(120));
        assert_eq!(held(0, 50_000), Some(43_200));
        assert_eq!(held(43_080, 120), Some(120));
        assert_eq!(held(43_081, 120), Some(119));
        assert_eq!(held(43_199, 120), Some(1));
        assert_eq!(held(43_200, 120), None);
        assert_eq!(held(90_000, 120), None);
        assert_eq!(held(10, 0), Some(0), "given back at once");
        assert_eq!(held(-60, 50_000), Some(43_200), "a clock that was set back");
    }
}

//! What a queue must do, whichever it is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use pidima::adapters::queue::{Delivery, Message, Queue};
use pidima::db::{Db, PoolSettings, PostgresQueue};
use pidima::kernel::ids::{TenantId, new_id};
use uuid::Uuid;

use super::{Queues, StandIn, queue_at};
use crate::support::{TestDatabase, eventually};

/// The shortest time that both queues know.
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(600);

/// An empty queue, and how its dead letters are counted.
struct Tried {
    name: &'static str,
    queue: Arc<dyn Queue>,
    place: Place,
}

enum Place {
    Table(TestDatabase),
    Sqs(Queues),
}

impl Tried {
    async fn both() -> [Self; 2] {
        let database = TestDatabase::create().await;
        let settings = PoolSettings {
            url: database.app_url().into(),
            max_connections: 4,
            acquire_timeout: Duration::from_secs(30),
        };
        let table = PostgresQueue::new(Db::open(&settings).unwrap(), 1_000);
        let stand_in = StandIn::shared().await;
        let queues = stand_in.queues().await;
        let sqs = queue_at(&stand_in.address, &queues);
        [
            Self { name: "postgres", queue: Arc::new(table), place: Place::Table(database) },
            Self { name: "sqs", queue: Arc::new(sqs), place: Place::Sqs(queues) },
        ]
    }

    async fn dead(&self) -> usize {
        match &self.place {
            Place::Table(database) => {
                let count = "select count(*) from app.jobs where dead_at is not null";
                let count: i64 =
                    sqlx::query_scalar(count).fetch_one(&database.admin()).await.unwrap();
                usize::try_from(count).unwrap()
            }
            Place::Sqs(queues) => StandIn::shared().await.dead(queues).await.len(),
        }
    }

    /// Whether it can tell that it has a message already.
    fn knows_duplicates(&self) -> bool {
        matches!(self.place, Place::Table(_))
    }

    async fn receive(&self, visibility: Duration) -> Vec<Delivery> {
        self.queue.receive(10, visibility).await.unwrap()
    }

    /// The one message, once it is there.
    async fn next(&self, visibility: Duration) -> Delivery {
        let found = tokio::sync::Mutex::new(Vec::new());
        eventually(self.name, || async {
            let mut found = found.lock().await;
            *found = self.receive(visibility).await;
            !found.is_empty()
        })
        .await;
        let mut found = found.into_inner();
        assert_eq!(found.len(), 1, "{}: {found:?}", self.name);
        found.remove(0)
    }

    async fn backlog(&self) -> u64 {
        self.queue.backlog().await.unwrap()
    }
}

fn messages(count: usize) -> Vec<Message> {
    let message = || Message {
        message_id: new_id(),
        kind: "ingest_version".to_owned(),
        tenant: TenantId::generate(),
        subject_id: new_id(),
    };
    std::iter::repeat_with(message).take(count).collect()
}

fn ids<'a>(messages: impl IntoIterator<Item = &'a Message>) -> BTreeSet<Uuid> {
    messages.into_iter().map(|message| message.message_id).collect()
}

#[tokio::test]
async fn every_message_is_delivered_as_it_was_sent_in_whatever_order() {
    for tried in Tried::both().await {
        tried.queue.check().await.unwrap();
        // Around what one request takes, and several requests.
        for count in [1, 9, 10, 11, 25] {
            let sent = messages(count);
            tried.queue.send(&sent).await.unwrap();
            assert_eq!(tried.backlog().await, count as u64, "{}", tried.name);
            let mut left = sent.clone();
            while !left.is_empty() {
                let taken = tried.receive(LONG).await;
                assert!(!taken.is_empty(), "{}: {} are missing", tried.name, left.len());
                for delivery in taken {
                    assert_eq!(delivery.receives, 1, "{}", tried.name);
                    let at = left.iter().position(|message| *message == delivery.message);
                    left.remove(at.expect("a message that was sent, once"));
                    tried.queue.delete(&delivery).await.unwrap();
                }
            }
            assert_eq!(tried.backlog().await, 0, "{}", tried.name);
        }
        tried.queue.send(&[]).await.unwrap();
        assert!(tried.receive(LONG).await.is_empty());
    }
}

#[tokio::test]
async fn several_workers_at_once_never_hold_the_same_message() {
    for tried in Tried::both().await {
        let sent = messages(20);
        tried.queue.send(&sent).await.unwrap();
        let work = || async {
            let mut mine = Vec::new();
            loop {
                let taken = tried.queue.receive(3, LONG).await.unwrap();
                if taken.is_empty() {
                    return mine;
                }
                mine.extend(taken.into_iter().map(|delivery| delivery.message));
            }
        };
        let all: Vec<Message> = join_all([work(), work(), work(), work()]).await.concat();
        assert_eq!(all.len(), 20, "{}", tried.name);
        assert_eq!(ids(&all), ids(&sent), "{}", tried.name);
        assert_eq!(tried.backlog().await, 20, "{}: in hand counts", tried.name);
    }
}

#[tokio::test]
async fn a_message_is_hidden_while_it_is_held_and_comes_again_when_its_time_is_over() {
    for tried in Tried::both().await {
        tried.queue.send(&messages(2)).await.unwrap();
        let [kept, left] = &tried.receive(SHORT).await[..] else { panic!("{}", tried.name) };
        assert!(tried.queue.extend(kept, LONG).await.unwrap(), "{}", tried.name);
        // Its time was the other one's: what comes again shows that it is over.
        let again = tried.next(LONG).await;
        assert_eq!(again.message, left.message, "{}", tried.name);
        assert_eq!(again.receives, 2, "{}", tried.name);
        assert!(tried.receive(LONG).await.is_empty(), "{}: the extended one is held", tried.name);
    }
}

#[tokio::test]
async fn a_receipt_is_worth_nothing_once_another_worker_has_the_message() {
    for tried in Tried::both().await {
        tried.queue.send(&messages(1)).await.unwrap();
        let first = tried.next(SHORT).await;
        let second = tried.next(LONG).await;
        assert_ne!(first.receipt, second.receipt, "{}", tried.name);
        assert!(!tried.queue.extend(&first, LONG).await.unwrap(), "{}", tried.name);
        tried.queue.delete(&first).await.unwrap();
        tried.queue.release(&first, Duration::ZERO).await.unwrap();
        assert_eq!(tried.backlog().await, 1, "{}", tried.name);
        assert!(tried.receive(LONG).await.is_empty(), "{}", tried.name);
        assert!(tried.queue.extend(&second, LONG).await.unwrap(), "{}", tried.name);
        tried.queue.delete(&second).await.unwrap();
        assert_eq!(tried.backlog().await, 0, "{}", tried.name);
        assert!(!tried.queue.extend(&second, LONG).await.unwrap(), "{}: it is gone", tried.name);
        tried.queue.delete(&second).await.unwrap();
    }
}

#[tokio::test]
async fn a_message_given_back_comes_after_its_delay_and_not_before() {
    for tried in Tried::both().await {
        tried.queue.send(&messages(1)).await.unwrap();
        let first = tried.next(LONG).await;
        tried.queue.release(&first, Duration::ZERO).await.unwrap();
        let second = tried.next(LONG).await;
        assert_eq!((second.message.clone(), second.receives), (first.message, 2), "{}", tried.name);
        tried.queue.release(&second, SHORT).await.unwrap();
        let third = tried.next(LONG).await;
        assert_eq!(third.receives, 3, "{}", tried.name);
        tried.queue.release(&third, LONG).await.unwrap();
        assert!(tried.receive(LONG).await.is_empty(), "{}: ten minutes are not over", tried.name);
    }
}

#[tokio::test]
async fn a_message_that_is_set_aside_is_kept_and_never_delivered() {
    for tried in Tried::both().await {
        tried.queue.send(&messages(2)).await.unwrap();
        let [bad, good] = &tried.receive(LONG).await[..] else { panic!("{}", tried.name) };
        tried.queue.bury(bad).await.unwrap();
        assert_eq!(tried.backlog().await, 1, "{}", tried.name);
        assert_eq!(tried.dead().await, 1, "{}", tried.name);
        tried.queue.release(good, Duration::ZERO).await.unwrap();
        assert_eq!(tried.next(LONG).await.message, good.message, "{}", tried.name);
        assert!(tried.receive(LONG).await.is_empty(), "{}", tried.name);
    }
}

#[tokio::test]
async fn a_message_sent_twice_is_delivered_at_least_once() {
    for tried in Tried::both().await {
        let sent = messages(3);
        tried.queue.send(&sent).await.unwrap();
        tried.queue.send(&sent).await.unwrap();
        let expected = if tried.knows_duplicates() { 3 } else { 6 };
        assert_eq!(tried.backlog().await, expected, "{}", tried.name);
        let mut taken = Vec::new();
        while taken.len() < expected as usize {
            let some = tried.receive(LONG).await;
            assert!(!some.is_empty(), "{}", tried.name);
            taken.extend(some.into_iter().map(|delivery| delivery.message));
        }
        assert_eq!(ids(&taken), ids(&sent), "{}", tried.name);
    }
}

#[tokio::test]
async fn dead_letters_are_shown_found_and_thrown_away() {
    for tried in Tried::both().await {
        let name = tried.name;
        assert!(tried.queue.dead(10).await.unwrap().is_empty(), "{name}");
        // Around what one request takes.
        let sent = messages(11);
        tried.queue.send(&sent).await.unwrap();
        let mut buried = 0;
        while buried < sent.len() {
            for delivery in tried.receive(LONG).await {
                tried.queue.bury(&delivery).await.unwrap();
                buried += 1;
            }
        }
        let shown = tried.queue.dead(100).await.unwrap();
        assert_eq!(shown.len(), 11, "{name}");
        assert_eq!(ids(shown.iter().map(|letter| &letter.message)), ids(&sent), "{name}");
        assert!(shown.iter().all(|letter| letter.receives == 1), "{name}: {shown:?}");
        assert!(shown.iter().all(|letter| letter.dead_at.is_some()), "{name}: {shown:?}");
        assert!(shown.is_sorted_by_key(|letter| std::cmp::Reverse(letter.dead_at)), "{name}");
        for limit in [1, 10, 11] {
            let some = tried.queue.dead(limit).await.unwrap();
            assert_eq!(some.len(), limit as usize, "{name}: a look hides nothing from the next");
        }
        let found = tried.queue.find_dead(sent[3].message_id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&sent[3]), "{name}");
        assert_eq!(tried.queue.dead(100).await.unwrap().len(), 11, "{name}: it stays");
        let gone = tried.queue.discard(sent[3].message_id).await.unwrap();
        assert_eq!(gone.as_ref(), Some(&sent[3]), "{name}");
        let gone = tried.queue.discard(sent[10].message_id).await.unwrap();
        assert_eq!(gone.as_ref(), Some(&sent[10]), "{name}");
        for absent in [sent[3].message_id, sent[10].message_id, new_id()] {
            assert_eq!(tried.queue.find_dead(absent).await.unwrap(), None, "{name}");
            assert_eq!(tried.queue.discard(absent).await.unwrap(), None, "{name}");
        }
        assert_eq!(tried.queue.dead(100).await.unwrap().len(), 9, "{name}");
        assert_eq!(tried.dead().await, 9, "{name}");
    }
}

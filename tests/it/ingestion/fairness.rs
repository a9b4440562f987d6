//! Tenants take turns: one with thousands of files does not delay another's one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use pidima::adapters::queue::{DeadLetter, Delivery, Message, Queue, QueueError, Receipt};
use pidima::db::PostgresQueue;
use pidima::kernel::ids::{TenantId, new_id};
use pidima::knowledge::REMOVE_ORIGINAL;
use pidima::worker::Worker;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::idle;
use crate::support::{TestApp, eventually};
use crate::webhooks::FEW;

const MANY: i64 = 10_000;
const MINUTE: Duration = Duration::from_secs(60);

/// A queue that knows of no tenants and gives out what came first, as SQS does.
#[derive(Default)]
struct Fifo {
    messages: Mutex<VecDeque<Message>>,
}

impl Fifo {
    fn place(&self, tenant: TenantId) -> Option<usize> {
        self.messages.lock().unwrap().iter().position(|message| message.tenant == tenant)
    }
}

#[async_trait]
impl Queue for Fifo {
    async fn send(&self, messages: &[Message]) -> Result<(), QueueError> {
        self.messages.lock().unwrap().extend(messages.iter().cloned());
        Ok(())
    }

    async fn receive(&self, most: u32, _: Duration) -> Result<Vec<Delivery>, QueueError> {
        let mut messages = self.messages.lock().unwrap();
        let most = messages.len().min(most as usize);
        let taken = messages.drain(..most);
        Ok(taken
            .map(|message| Delivery {
                message,
                receipt: Receipt::new(Uuid::new_v4().to_string()),
                receives: 1,
                received_at: Utc::now(),
            })
            .collect())
    }

    async fn extend(&self, _: &Delivery, _: Duration) -> Result<bool, QueueError> {
        Ok(true)
    }

    async fn delete(&self, _: &Delivery) -> Result<(), QueueError> {
        Ok(())
    }

    async fn release(&self, delivery: &Delivery, _: Duration) -> Result<(), QueueError> {
        self.send(std::slice::from_ref(&delivery.message)).await
    }

    async fn bury(&self, _: &Delivery) -> Result<(), QueueError> {
        Ok(())
    }

    async fn backlog(&self) -> Result<u64, QueueError> {
        Ok(self.messages.lock().unwrap().len() as u64)
    }

    async fn check(&self) -> Result<(), QueueError> {
        Ok(())
    }

    async fn dead(&self, _: u32) -> Result<Vec<DeadLetter>, QueueError> {
        Ok(Vec::new())
    }

    async fn find_dead(&self, _: Uuid) -> Result<Option<Message>, QueueError> {
        Ok(None)
    }

    async fn discard(&self, _: Uuid) -> Result<Option<Message>, QueueError> {
        Ok(None)
    }
}

/// Another queue, with the tenants in the order in which workers took their messages.
struct Noted {
    inner: Arc<dyn Queue>,
    taken: Mutex<Vec<TenantId>>,
}

impl Noted {
    fn new(inner: Arc<dyn Queue>) -> Arc<Self> {
        Arc::new(Self { inner, taken: Mutex::default() })
    }

    /// How many messages were taken before the first one of a tenant.
    fn before(&self, tenant: TenantId) -> Option<usize> {
        self.taken.lock().unwrap().iter().position(|taken| *taken == tenant)
    }
}

#[async_trait]
impl Queue for Noted {
    async fn send(&self, messages: &[Message]) -> Result<(), QueueError> {
        self.inner.send(messages).await
    }

    async fn receive(&self, most: u32, visibility: Duration) -> Result<Vec<Delivery>, QueueError> {
        let deliveries = self.inner.receive(most, visibility).await?;
        let tenants = deliveries.iter().map(|delivery| delivery.message.tenant);
        self.taken.lock().unwrap().extend(tenants);
        Ok(deliveries)
    }

    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<bool, QueueError> {
        self.inner.extend(delivery, visibility).await
    }

    async fn delete(&self, delivery: &Delivery) -> Result<(), QueueError> {
        self.inner.delete(delivery).await
    }

    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<(), QueueError> {
        self.inner.release(delivery, delay).await
    }

    async fn bury(&self, delivery: &Delivery) -> Result<(), QueueError> {
        self.inner.bury(delivery).await
    }

    async fn backlog(&self) -> Result<u64, QueueError> {
        self.inner.backlog().await
    }

    async fn check(&self) -> Result<(), QueueError> {
        self.inner.check().await
    }

    async fn dead(&self, limit: u32) -> Result<Vec<DeadLetter>, QueueError> {
        self.inner.dead(limit).await
    }

    async fn find_dead(&self, message_id: Uuid) -> Result<Option<Message>, QueueError> {
        self.inner.find_dead(message_id).await
    }

    async fn discard(&self, message_id: Uuid) -> Result<Option<Message>, QueueError> {
        self.inner.discard(message_id).await
    }
}

/// Lets messages of a tenant wait in the line, each about an original that is not there.
async fn wait_in_line(app: &TestApp, tenant: TenantId, count: i64) {
    sqlx::query(
        "insert into app.outbox (message_id, kind, for_tenant, subject_id)
        select uuidv7(), $1, $2, gen_random_uuid() from generate_series(1, $3)",
    )
    .bind(REMOVE_ORIGINAL)
    .bind(tenant.uuid())
    .bind(count)
    .execute(&app.database.admin())
    .await
    .unwrap();
    sqlx::raw_sql("analyze app.outbox").execute(&app.database.admin()).await.unwrap();
}

fn worker(app: &TestApp, queue: Arc<dyn Queue>, window: u32, concurrency: usize) -> Worker {
    let mut worker = Worker { queue, ..app.app.worker.clone() };
    (worker.settings.window, worker.settings.concurrency) = (window, concurrency);
    worker
}

/// Runs workers that share a queue until a tenant's message is taken: how many were taken before.
async fn taken_before(workers: Vec<Worker>, noted: &Noted, tenant: TenantId) -> usize {
    let stop = CancellationToken::new();
    let running: Vec<_> =
        workers.into_iter().map(|worker| tokio::spawn(worker.run(stop.clone()))).collect();
    eventually("the tenant's turn", || async { noted.before(tenant).is_some() }).await;
    stop.cancel();
    for worker in running {
        worker.await.unwrap();
    }
    noted.before(tenant).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_behind_ten_thousand_of_another_tenant_is_done_within_a_few() {
    let (app, _) = idle(&[]).await;
    let (many, one) = (app.tenant("many").await.id, app.tenant("one").await.id);
    wait_in_line(&app, many, MANY).await;
    let db = app.app.services.db.clone();
    let queue = Noted::new(Arc::new(PostgresQueue::new(db, 16)));
    // The queue is full of the other's messages already.
    let first = worker(&app, Arc::clone(&queue) as Arc<_>, 32, 1);
    let busy = taken_before(vec![first.clone()], &queue, many).await;
    assert_eq!(busy, 0);
    let taken = queue.taken.lock().unwrap().len();
    wait_in_line(&app, one, 1).await;
    let second = worker(&app, Arc::clone(&queue) as Arc<_>, 32, 2);
    let before = taken_before(vec![first, second.clone(), second], &queue, one).await - taken;
    println!("{before} of the other's messages were taken first, by three workers");
    assert!(before <= 10, "{before}");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_queue_that_knows_no_tenants_the_window_bounds_the_wait() {
    let (app, _) = idle(&[]).await;
    let (many, one) = (app.tenant("many").await.id, app.tenant("one").await.id);
    wait_in_line(&app, many, MANY).await;
    let queue = Noted::new(Arc::new(Fifo::default()));
    let hands = worker(&app, Arc::clone(&queue) as Arc<_>, 8, 1);
    assert_eq!(taken_before(vec![hands.clone()], &queue, many).await, 0);
    assert!(queue.backlog().await.unwrap() <= 8);
    let taken = queue.taken.lock().unwrap().len();
    wait_in_line(&app, one, 1).await;
    let before = taken_before(vec![hands.clone(), hands], &queue, one).await - taken;
    println!("{before} of the other's messages were taken first");
    assert!(before <= 8 + 4, "{before}: the window, and what was in hand");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_window_the_same_file_waits_for_all_that_came_before() {
    let (app, _) = idle(&[]).await;
    let (many, one) = (app.tenant("many").await.id, app.tenant("one").await.id);
    wait_in_line(&app, many, MANY).await;
    let (fifo, db) = (Fifo::default(), app.app.services.db.clone());
    for tenant in [many, one] {
        if tenant == one {
            wait_in_line(&app, one, 1).await;
        }
        loop {
            let mut tx = db.system().await.unwrap();
            let messages = tx.hand_over(5_000, u32::MAX, MINUTE, FEW).await.unwrap();
            tx.commit().await.unwrap();
            if messages.is_empty() {
                break;
            }
            fifo.send(&messages).await.unwrap();
        }
    }
    assert_eq!(fifo.place(one), Some(10_000));
}

#[tokio::test]
async fn the_line_hands_over_a_window_of_each_tenant_and_first_of_who_has_fewest() {
    let (app, _) = idle(&[]).await;
    let (many, few, one) =
        (app.tenant("many").await.id, app.tenant("few").await.id, app.tenant("one").await.id);
    for (tenant, count) in [(many, MANY), (few, 3), (one, 1)] {
        wait_in_line(&app, tenant, count).await;
    }
    let db = &app.app.services.db;
    let hand_over = |most: i64, window: u32| async move {
        let mut tx = db.system().await.unwrap();
        let messages = tx.hand_over(most, window, MINUTE, FEW).await.unwrap();
        tx.commit().await.unwrap();
        messages
    };
    let count = |messages: &[Message], tenant: TenantId| {
        messages.iter().filter(|message| message.tenant == tenant).count()
    };
    let first = hand_over(3, 4).await;
    assert_eq!([many, few, one].map(|tenant| count(&first, tenant)), [1, 1, 1]);
    let second = hand_over(100, 4).await;
    assert_eq!([many, few, one].map(|tenant| count(&second, tenant)), [3, 2, 0]);
    assert!(hand_over(100, 4).await.is_empty(), "the window is full");
    assert_eq!(count(&hand_over(100, 5).await, many), 1, "one above it");
    let mut tx = db.system().await.unwrap();
    tx.settle_message(first.iter().find(|message| message.tenant == many).unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&hand_over(100, 5).await, many), 1, "what is done makes room");
}

#[tokio::test]
async fn choosing_from_ten_thousand_reads_a_window_of_them() {
    let (app, _) = idle(&[]).await;
    for slug in ["a", "b", "c"] {
        let tenant = app.tenant(slug).await.id;
        wait_in_line(&app, tenant, MANY).await;
    }
    let mut tx = app.app.services.db.system().await.unwrap();
    let read = "select pg_stat_get_xact_tuples_fetched('app.outbox'::regclass)
        + pg_stat_get_xact_tuples_returned('app.outbox'::regclass)";
    let before: i64 = sqlx::query_scalar(read).fetch_one(tx.connection()).await.unwrap();
    assert_eq!(tx.hand_over(100, 32, MINUTE, FEW).await.unwrap().len(), 96);
    let after: i64 = sqlx::query_scalar(read).fetch_one(tx.connection()).await.unwrap();
    println!("{} rows read of {}", after - before, 3 * MANY);
    assert!(after - before < 2_000, "{} rows read", after - before);
}

fn message(tenant: TenantId) -> Message {
    let (message_id, subject_id) = (new_id(), new_id());
    Message { message_id, kind: REMOVE_ORIGINAL.to_owned(), tenant, subject_id }
}

#[tokio::test]
async fn a_tenant_has_so_many_messages_in_hand_and_no_more() {
    let (app, _) = idle(&[]).await;
    let (many, one) = (app.tenant("many").await.id, app.tenant("one").await.id);
    let queue = PostgresQueue::new(app.app.services.db.clone(), 2);
    let messages: Vec<Message> = (0..5).map(|_| message(many)).collect();
    queue.send(&messages).await.unwrap();
    let held = queue.receive(10, MINUTE).await.unwrap();
    assert_eq!(held.len(), 2, "up to the limit");
    assert!(queue.receive(10, MINUTE).await.unwrap().is_empty(), "at it");
    queue.send(&[message(one)]).await.unwrap();
    let other = queue.receive(10, MINUTE).await.unwrap();
    assert_eq!(other.len(), 1);
    assert_eq!(other[0].message.tenant, one, "nobody else is held up");
    queue.delete(&held[0]).await.unwrap();
    assert_eq!(queue.receive(10, MINUTE).await.unwrap().len(), 1, "below it again");
    queue.release(&held[1], MINUTE).await.unwrap();
    assert_eq!(queue.receive(10, MINUTE).await.unwrap().len(), 1, "what is given back is not held");
}

#[tokio::test]
async fn tenants_with_as_many_in_hand_take_turns() {
    let (app, _) = idle(&[]).await;
    let tenants = [app.tenant("a").await.id, app.tenant("b").await.id, app.tenant("c").await.id];
    let queue = PostgresQueue::new(app.app.services.db.clone(), 16);
    for tenant in tenants {
        let messages: Vec<Message> = (0..4).map(|_| message(tenant)).collect();
        queue.send(&messages).await.unwrap();
    }
    let mut order = Vec::new();
    for _ in 0..12 {
        let delivery = queue.receive(1, MINUTE).await.unwrap().remove(0);
        order.push(delivery.message.tenant);
        queue.delete(&delivery).await.unwrap();
    }
    for round in order.chunks(3) {
        assert!(tenants.iter().all(|tenant| round.contains(tenant)), "{order:?}");
    }
}

//! Webhooks: tells addresses of a tenant of events, by the specification of Standard Webhooks 1.0
//! (<https://www.standardwebhooks.com>).
//!
//! What is told is written in the transaction of the event and sent by a job: at least once, signed, again and again until it
//! arrives or is given up. An endpoint that gives up too often is switched off.

mod announce;
pub mod api;
mod deliver;
mod manage;
mod places;
mod redeliver;
mod sign;
mod store;

pub use announce::{Event, announce};
pub use deliver::{DELIVER_WEBHOOK, DeliveryOutcome, WebhookSettings, Webhooks};
pub use places::{Place, Places};
pub use sign::WebhookSigner;

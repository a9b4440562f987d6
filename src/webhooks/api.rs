//! Webhooks over HTTP.

mod deliveries;
mod endpoints;
mod views;

pub use deliveries::WebhookDeliveriesApi;
pub use endpoints::WebhooksApi;

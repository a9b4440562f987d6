//! Every integration test, in one binary: real PostgreSQL and Valkey, started by the first test that needs them and gone
//! with the process; a database of its own for each test; the real application.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test says what is wrong by panicking, and does what the product must not"
)]

mod accounts;
mod acknowledged;
mod analysts;
mod api;
mod assistants;
mod attachments;
mod audit;
mod aws;
mod cache;
mod canaries;
mod chat;
mod checklist;
mod config;
mod cors;
mod devservices;
mod dumps;
mod embeddings;
mod enrichment;
mod faults;
mod idempotency;
mod ingestion;
mod isolation;
mod keys;
mod layers;
mod limits;
mod load;
mod login;
mod migrations;
mod models;
mod openapi;
mod outbound;
mod parser;
mod people;
mod platform;
mod pool;
mod priority;
mod quotas;
mod reach;
mod reads;
mod redis_connection;
mod reembedding;
mod retrieval;
mod rolling;
mod round;
mod server;
mod settings;
mod sources;
mod state_machine;
mod streams;
mod support;
mod telemetry;
mod tenancy_tables;
mod tokens;
mod typescript;
mod uploads;
mod webhooks;

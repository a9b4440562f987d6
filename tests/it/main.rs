//! Every integration test, in one binary: real PostgreSQL and Valkey, started by the first test that needs them and gone
//! with the process; a database of its own for each test; the real application.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod config;
mod devservices;
mod embeddings;
mod isolation;
mod layers;
mod migrations;
mod models;
mod support;
mod tenancy_tables;

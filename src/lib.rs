//! Pidima: a multi-tenant documentation assistant. README.md tells how to use it; the folders are floors, and
//! `tests/it/layers.rs` keeps anything from importing upwards.

pub mod adapters;
pub mod app;
pub mod chat;
pub mod cli;
pub mod config;
pub mod db;
pub mod devservices;
pub mod enrichment;
pub mod governance;
pub mod identity;
pub mod kernel;
pub mod knowledge;
pub mod server;
pub mod sources;
pub mod telemetry;
pub mod tenancy;
pub mod web;
pub mod webhooks;
pub mod worker;

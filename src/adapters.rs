//! Outside services, behind one trait each: embeddings, chat models, objects, the queue.

pub mod embeddings;
pub mod models;
pub mod objects;
pub mod oidc;
pub mod queue;

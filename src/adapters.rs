//! Outside services, behind one trait each: embeddings, chat models, objects, the queue; and rate limits, which need none.

pub mod embeddings;
pub mod limits;
pub mod models;
pub mod objects;
pub mod oidc;
pub mod queue;

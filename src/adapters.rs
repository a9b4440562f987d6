//! Outside services, behind one trait each: embeddings, chat models, objects, the queue, events of runs; and the rate limits
//! and the connection to Redis, which need none.

pub mod embeddings;
pub mod limits;
pub mod models;
pub mod objects;
pub mod oidc;
pub mod queue;
pub mod redis;
pub mod streams;

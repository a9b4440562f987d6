//! Outside services, behind one trait each: embeddings, chat models, objects, the queue, events of runs, copies of rows, sources of
//! settings; and the rate limits, buckets of others, the requests to addresses of tenants, and the connections to AWS and Redis, which need none.

pub mod aws;
pub mod buckets;
pub mod cache;
pub mod embeddings;
pub mod limits;
pub mod models;
pub mod objects;
pub mod oidc;
pub mod outbound;
pub mod queue;
pub mod redis;
pub mod settings;
pub mod streams;

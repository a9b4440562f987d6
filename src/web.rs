//! Toolkit for HTTP: problems, strict JSON bodies, idempotency keys, pages, finishing the OpenAPI document. Knows nothing of the product.

pub mod body;
pub mod docs_page;
pub mod etag;
pub mod events;
pub mod idempotency;
pub mod origin;
pub mod page;
pub mod paging;
pub mod problem;
pub mod reading;
pub mod response_note;
pub mod spec;

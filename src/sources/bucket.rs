//! Buckets of S3: what the operator has let a tenant read of them, listed whole, then read object by object.

mod allowed;
mod plan;
mod step;

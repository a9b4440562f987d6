//! Names to numbers: asked once for each connection, and the answer is what is connected to.

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;

/// Resolves names.
#[async_trait]
pub trait Resolver: fmt::Debug + Send + Sync + 'static {
    /// Numbers of a host, the preferred ones first.
    ///
    /// # Errors
    /// Nobody knows the name, or nobody could be asked.
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// As the system resolves.
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

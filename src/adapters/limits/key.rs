//! Names of what is counted: the one constructor of keys in Redis and in the local map. Two different triples of limit,
//! tenant and subject never have one key, and nothing that a stranger chose stands in one unchanged.

use std::net::{IpAddr, Ipv6Addr};

use uuid::Uuid;

use super::Limit;
use crate::kernel::ids::TenantId;

/// Bits of an IPv6 address that one customer of a provider is given (RFC 6177, 2): counting single addresses would count
/// nobody.
const V6_CUSTOMER_BITS: u32 = 64;
/// Bits of a network, for what must not be multiplied by changing addresses within it.
const V4_NETWORK_BITS: u32 = 24;
const V6_NETWORK_BITS: u32 = 48;

/// Whom a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The tenant of the key as a whole.
    Whole,
    /// A key, a person, an end user.
    Id(Uuid),
    /// A client by its address; nobody knows the address of a request that did not come by TCP.
    Address(Option<IpAddr>),
    /// The network that an address lies in.
    Network(Option<IpAddr>),
    /// A client of a key that many have.
    IdAt(Uuid, Option<IpAddr>),
}

/// What is counted, for one limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LimitKey {
    limit: Limit,
    text: String,
}

impl LimitKey {
    /// The key of a subject of a tenant, or of nobody's yet.
    pub fn new(limit: Limit, tenant: Option<TenantId>, subject: Subject) -> Self {
        // Neither names nor ids hold a colon; what can hold one stands last.
        let tenant = tenant.map(|tenant| tenant.uuid().simple().to_string());
        let subject = match subject {
            Subject::Whole => "whole".to_owned(),
            Subject::Id(id) => format!("id:{}", id.simple()),
            Subject::Address(address) => format!("address:{}", client(address)),
            Subject::Network(address) => format!("network:{}", network(address)),
            Subject::IdAt(id, address) => format!("at:{}:{}", id.simple(), client(address)),
        };
        // A cluster keeps by what is within the braces: all that a request of a tenant counts for lies together.
        let text = match tenant {
            Some(tenant) => format!("pidima:limit:{{{tenant}}}:{}:{subject}", limit.name()),
            None => format!("pidima:limit:{{{}:{subject}}}", limit.name()),
        };
        Self { limit, text }
    }

    /// The limit.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn client(address: Option<IpAddr>) -> String {
    masked(address, 32, V6_CUSTOMER_BITS)
}

fn network(address: Option<IpAddr>) -> String {
    masked(address, V4_NETWORK_BITS, V6_NETWORK_BITS)
}

fn masked(address: Option<IpAddr>, v4_bits: u32, v6_bits: u32) -> String {
    match address.map(|address| address.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(v4)) => {
            let mask = u32::MAX << (32 - v4_bits);
            format!("{}/{v4_bits}", std::net::Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        Some(IpAddr::V6(v6)) => {
            let mask = u128::MAX << (128 - v6_bits);
            format!("{}/{v6_bits}", Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> LimitKey {
        LimitKey::new(Limit::Address, None, Subject::Address(Some(text.parse().unwrap())))
    }

    #[test]
    fn an_address_counts_as_one_client_and_ipv6_by_the_customers_prefix() {
        assert_eq!(
            address("203.0.113.7").as_str(),
            "pidima:limit:{address:address:203.0.113.7/32}"
        );
        assert_eq!(address("::ffff:203.0.113.7"), address("203.0.113.7"));
        assert_ne!(address("203.0.113.7"), address("203.0.113.8"));
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff::2"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
    }

    #[test]
    fn a_network_holds_its_addresses() {
        let key = |text: &str| {
            let subject = Subject::Network(Some(text.parse().unwrap()));
            LimitKey::new(Limit::PasswordHashing, None, subject)
        };
        assert_eq!(key("203.0.113.7"), key("203.0.113.200"));
        assert_ne!(key("203.0.113.7"), key("203.0.114.7"));
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:ffff::1"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:2:2::1"));
    }
}

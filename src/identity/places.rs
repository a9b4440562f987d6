//! Where a credential may be used from: ranges of addresses, read from text and compared.
//!
//! Keys, their checks and their settings call it; it knows no request.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// Bits in front of an IPv4 address that is written as IPv6 (RFC 4291, 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// A range of addresses (`10.0.0.0/8`), or one address, as it is compared: no bits beside the prefix, and IPv4 as IPv4.
pub fn address_range(text: &str) -> Option<IpNet> {
    let net = match text.parse::<IpNet>() {
        Ok(net) => net,
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    let mapped = match net {
        IpNet::V6(net) if net.prefix_len() >= MAPPED_BITS => net.addr().to_ipv4_mapped(),
        _ => None,
    };
    let plain = match mapped {
        Some(address) => Ipv4Net::new(address, net.prefix_len() - MAPPED_BITS).ok()?.into(),
        None => net,
    };
    Some(plain.trunc())
}

/// Whether the address is in one of the ranges; an empty list is every address.
pub fn admits_address(ranges: &[IpNet], address: Option<IpAddr>) -> bool {
    if ranges.is_empty() {
        return true;
    }
    let Some(address) = address.map(|address| address.to_canonical()) else { return false };
    ranges.iter().any(|range| range.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_in_one_way() {
        for (text, range) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("::ffff:10.1.2.3", "10.1.2.3/32"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(address_range(text).unwrap().to_string(), range, "{text}");
        }
        for bad in ["", "x", "10.0.0", "10.0.0.0/33", "10.0.0.0/-1", "example.com", "10.0.0.1:80"] {
            assert!(address_range(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_address_is_compared_as_what_it_is() {
        let ranges = [address_range("10.0.0.0/8").unwrap(), address_range("::1").unwrap()];
        let admits = |text: &str| admits_address(&ranges, Some(text.parse().unwrap()));
        assert!(admits("10.255.255.255") && admits("::ffff:10.0.0.1") && admits("::1"));
        assert!(!admits("11.0.0.0") && !admits("9.255.255.255") && !admits("::ffff:11.0.0.1"));
        assert!(!admits_address(&ranges, None), "an unknown address is in no range");
        assert!(admits_address(&[], None), "without ranges every address is good");
    }
}

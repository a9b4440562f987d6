//! Which numbers are public: those that no registry sets aside for a purpose. IANA keeps the two lists, "IPv4 Special-Purpose
//! Address Registry" and "IPv6 Special-Purpose Address Registry" (RFC 6890).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is not public of IPv4: network, length of its prefix.
const SPECIAL_V4: [([u8; 4], u32); 19] = [
    ([0, 0, 0, 0], 8),        // this network
    ([10, 0, 0, 0], 8),       // private
    ([100, 64, 0, 0], 10),    // shared by carriers; a cloud keeps its metadata there
    ([127, 0, 0, 0], 8),      // loopback
    ([168, 63, 129, 16], 32), // the platform behind machines of a cloud, of no registry
    ([169, 254, 0, 0], 16),   // link-local, with the metadata of machines
    ([172, 16, 0, 0], 12),    // private
    ([192, 0, 0, 0], 24),     // protocol assignments
    ([192, 0, 2, 0], 24),     // documentation
    ([192, 31, 196, 0], 24),  // AS112
    ([192, 52, 193, 0], 24),  // AMT
    ([192, 88, 99, 0], 24),   // relays of 6to4
    ([192, 168, 0, 0], 16),   // private
    ([192, 175, 48, 0], 24),  // AS112
    ([198, 18, 0, 0], 15),    // benchmarks
    ([198, 51, 100, 0], 24),  // documentation
    ([203, 0, 113, 0], 24),   // documentation
    ([224, 0, 0, 0], 4),      // multicast
    ([240, 0, 0, 0], 4),      // reserved, and broadcast
];

/// What is not public within 2000::/3, which is all that is given out of IPv6.
const SPECIAL_V6: [([u16; 8], u32); 6] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // protocol assignments: Teredo, benchmarks, ORCHID
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4, which holds a number of IPv4
    ([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), // AS112
    ([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16), // 6bone, given back
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation
];

/// Whether a number is one of the public internet. One of IPv6 that only wraps one of IPv4 is not, whatever it wraps.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !SPECIAL_V4.iter().any(|(network, prefix)| {
        let rest = 32 - prefix;
        bits >> rest == Ipv4Addr::from(*network).to_bits() >> rest
    })
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    let is_given_out = bits >> 125 == 1;
    let is_special = SPECIAL_V6.iter().any(|(network, prefix)| {
        let rest = 128 - prefix;
        bits >> rest == Ipv6Addr::from(*network).to_bits() >> rest
    });
    // ISATAP: any network, and in the interface a number of IPv4.
    let [.., interface, mark, _, _] = address.segments();
    let is_isatap = mark == 0x5efe && interface & 0xfdff == 0;
    is_given_out && !is_special && !is_isatap
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn each_range_ends_where_the_registry_says() {
        // First, last, and the neighbours outside, where those are public.
        for (first, last, before, after) in [
            ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
            ("10.0.0.0", "10.255.255.255", Some("9.255.255.255"), Some("11.0.0.0")),
            ("100.64.0.0", "100.127.255.255", Some("100.63.255.255"), Some("100.128.0.0")),
            ("127.0.0.0", "127.255.255.255", Some("126.255.255.255"), Some("128.0.0.0")),
            ("168.63.129.16", "168.63.129.16", Some("168.63.129.15"), Some("168.63.129.17")),
            ("169.254.0.0", "169.254.255.255", Some("169.253.255.255"), Some("169.255.0.0")),
            ("172.16.0.0", "172.31.255.255", Some("172.15.255.255"), Some("172.32.0.0")),
            ("192.0.0.0", "192.0.0.255", Some("191.255.255.255"), Some("192.0.1.0")),
            ("192.168.0.0", "192.168.255.255", Some("192.167.255.255"), Some("192.169.0.0")),
            ("198.18.0.0", "198.19.255.255", Some("198.17.255.255"), Some("198.20.0.0")),
            ("224.0.0.0", "255.255.255.255", Some("223.255.255.255"), None),
            ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, Some("2000::1")),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", None, Some("2001:200::1")),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, Some("2003::1")),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", None, Some("3fff:1000::1")),
            ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
        ] {
            assert!(!public(first) && !public(last), "{first} to {last}");
            for outside in [before, after].into_iter().flatten() {
                assert!(public(outside), "{outside}");
            }
        }
    }

    #[test]
    fn a_number_that_wraps_another_is_not_public() {
        for wrapped in [
            "::ffff:8.8.8.8",
            "::8.8.8.8",
            "64:ff9b::808:808",
            "64:ff9b:1::808:808",
            "2002:808:808::1",
            "2001:0:808:808::1",
            "2600::5efe:10.0.0.1",
            "2600::200:5efe:10.0.0.1",
        ] {
            assert!(!public(wrapped), "{wrapped}");
        }
        assert!(public("2606:4700:4700::1111"));
    }
}

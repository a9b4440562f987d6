//! The client's address behind a known number of proxies: for the limits and the audit log.
//!
//! Each proxy appends the address that it was called from to `X-Forwarded-For`, so only as many entries from the right as
//! there are proxies of ours say the truth; everything left of them is what the client made up.

use std::net::{IpAddr, SocketAddr};

use poem::Request;
use poem::http::HeaderMap;

/// Address of the client: the `proxies`-th entry from the right, or that of the connection when there is none.
pub fn client_address(request: &Request, proxies: u32) -> Option<IpAddr> {
    let socket = request.remote_addr().as_socket_addr().map(SocketAddr::ip);
    address_of(socket, request.headers(), proxies)
}

fn address_of(socket: Option<IpAddr>, headers: &HeaderMap, proxies: u32) -> Option<IpAddr> {
    let forwarded = proxies.checked_sub(1).and_then(|skipped| forwarded(headers, skipped as usize));
    // A request that passed fewer proxies than it should, or a garbled entry: the connection does not lie.
    forwarded.or(socket).map(|address| address.to_canonical())
}

fn forwarded(headers: &HeaderMap, skipped: usize) -> Option<IpAddr> {
    let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
    // A line that is no text still has its place.
    let entries = lines.iter().rev().flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
    read(entries.map(str::trim).nth(skipped)?)
}

/// An address, also with a port as some proxies write it.
fn read(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| entry.parse().ok().map(|socket: SocketAddr| socket.ip()))
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn seen(lines: &[&[u8]], proxies: u32) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(line).unwrap());
        }
        let socket = "192.0.2.1".parse().ok();
        address_of(socket, &headers, proxies).unwrap().to_string()
    }

    #[test]
    fn without_proxies_the_header_says_nothing() {
        assert_eq!(seen(&[b"203.0.113.9"], 0), "192.0.2.1");
    }

    #[test]
    fn only_the_entries_of_our_proxies_count_whatever_stands_left_of_them() {
        assert_eq!(seen(&[b"203.0.113.9"], 1), "203.0.113.9");
        assert_eq!(seen(&[b"1.2.3.4, 203.0.113.9"], 1), "203.0.113.9");
        assert_eq!(seen(&[b"1.2.3.4,5.6.7.8 , 203.0.113.9, 10.0.0.1"], 2), "203.0.113.9");
        assert_eq!(seen(&[b"1.2.3.4", b"203.0.113.9"], 1), "203.0.113.9");
        assert_eq!(seen(&[b"203.0.113.9", b"10.0.0.1"], 2), "203.0.113.9");
    }

    #[test]
    fn what_is_no_address_or_missing_leaves_the_connections() {
        for line in [&b"unknown"[..], b"", b"1.2.3.4,", b"1.2.3.4, x", b"\xff\xfe", b"_hidden"] {
            assert_eq!(seen(&[line], 1), "192.0.2.1", "{line:?}");
        }
        assert_eq!(seen(&[], 1), "192.0.2.1");
        assert_eq!(seen(&[b"203.0.113.9"], 2), "192.0.2.1");
    }

    #[test]
    fn an_address_has_one_form() {
        assert_eq!(seen(&[b"::ffff:203.0.113.9"], 1), "203.0.113.9");
        assert_eq!(seen(&[b"[2001:DB8::1]:443"], 1), "2001:db8::1");
        assert_eq!(seen(&[b"[2001:db8::1]"], 1), "2001:db8::1");
        assert_eq!(seen(&[b"203.0.113.9:1234"], 1), "203.0.113.9");
    }
}

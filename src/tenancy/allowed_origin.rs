//! Web origins that a tenant allows: one way to write each, since they are compared as text.

use reqwest::Url;

/// Most origins of a tenant.
pub const MAX_ORIGINS: usize = 50;

/// The origin as browsers send it: scheme, host in lower case, and the port unless it is the usual one. `None` when the
/// text is no `https://` origin and no `http://` origin of this very machine, or says more than an origin.
pub fn allowed_origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let host = url.host_str()?;
    let of_this_machine = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let scheme_fits = url.scheme() == "https" || (url.scheme() == "http" && of_this_machine);
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && !text.contains('@')
        && !text.chars().any(|character| character.is_control() || character.is_whitespace());
    let one_host = !host.contains('*') && !host.ends_with('.');
    (scheme_fits && bare && one_host).then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_in_one_way() {
        for (text, origin) in [
            ("https://docs.example.com", "https://docs.example.com"),
            ("HTTPS://Docs.Example.com:443/", "https://docs.example.com"),
            ("https://docs.example.com:8443", "https://docs.example.com:8443"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://127.0.0.1", "http://127.0.0.1"),
            ("http://[::1]:5173", "http://[::1]:5173"),
        ] {
            assert_eq!(allowed_origin(text).as_deref(), Some(origin));
        }
    }

    #[test]
    fn what_is_no_single_origin_is_refused() {
        for text in [
            "",
            "*",
            "null",
            "docs.example.com",
            "https://*.example.com",
            "http://docs.example.com",
            "http://localhost.evil.example",
            "https://docs.example.com/page",
            "https://docs.example.com?x",
            "https://docs.example.com#x",
            "https://user@docs.example.com",
            "https://docs.example.com.",
            "https://docs.exa\nmple.com",
            " https://docs.example.com",
            "ftp://docs.example.com",
            "file:///etc/passwd",
            "javascript:alert(1)",
        ] {
            assert_eq!(allowed_origin(text), None, "{text}");
        }
    }
}

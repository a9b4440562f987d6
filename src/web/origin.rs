//! Whether a request comes from a page of this very server. A browser cannot be made to lie about it by another page.

use poem::Request;
use poem::http::header;

/// Address of this server as browsers see it, e.g. `https://docs.example.com`; as data of the application.
#[derive(Clone, Debug)]
pub struct PublicUrl(pub Option<String>);

/// `Sec-Fetch-Site` decides where a browser sends it (W3C Fetch Metadata); else `Origin` must be this server's. A request
/// with neither was not made by a page that we can tell.
pub fn is_same_origin(request: &Request) -> bool {
    if let Some(site) = request.header("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = request.header(header::ORIGIN) else { return false };
    if let Some(PublicUrl(Some(public))) = request.data::<PublicUrl>() {
        return origin == public.trim_end_matches('/');
    }
    let Some(host) = request.header(header::HOST) else { return false };
    let bare = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    bare == Some(host)
}

/// Whether the request says which page made it, as every browser does where it posts.
pub fn names_origin(request: &Request) -> bool {
    request.header("sec-fetch-site").is_some() || request.header(header::ORIGIN).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        is_same_origin(&request.finish())
    }

    #[test]
    fn only_pages_of_this_server_count() {
        assert!(asked(&[("sec-fetch-site", "same-origin")]));
        assert!(asked(&[("origin", "http://localhost:8080"), ("host", "localhost:8080")]));
        for other in ["cross-site", "same-site", "none", "x"] {
            assert!(!asked(&[("sec-fetch-site", other), ("origin", "http://a"), ("host", "a")]));
        }
        assert!(!asked(&[("origin", "http://evil.example"), ("host", "localhost:8080")]));
        assert!(!asked(&[("origin", "null"), ("host", "localhost:8080")]));
        assert!(!asked(&[("host", "localhost:8080")]));
        assert!(!asked(&[]));
    }
}

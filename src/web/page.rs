//! Pages for people: one frame, no script, a policy that allows nothing else, and the escaping of every text put in.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poem::Response;
use poem::http::{StatusCode, header};
use sha2::{Digest, Sha256};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:10vh auto;padding:0 1rem;\
color:#1c1e21;background:#fff}h1{font-size:1.5rem}a{color:#0b57d0}p,li{overflow-wrap:anywhere}\
.go,button{display:block;width:100%;box-sizing:border-box;margin:.5rem 0;padding:.7rem 1rem;font:inherit;\
text-align:left;text-decoration:none;color:#fff;background:#0b57d0;border:0;border-radius:6px;cursor:pointer}\
label{display:block;margin:.7rem 0 .2rem}input{width:100%;box-sizing:border-box;padding:.6rem;font:inherit;\
border:1px solid #767a80;border-radius:6px}.wrong{border-left:4px solid #b3261e;padding:0 .8rem}.small{color:#565b61;font-size:.875rem}\
.go:focus-visible,button:focus-visible,input:focus-visible{outline:3px solid #f5a623}";

/// The one style that the policy lets in.
static STYLE_SHA256: LazyLock<String> =
    LazyLock::new(|| STANDARD.encode(Sha256::digest(STYLE.as_bytes())));

/// A page to be sent.
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    body: String,
    status: StatusCode,
    form_targets: Vec<String>,
}

impl Page {
    /// A page with a title, which is escaped, and no body yet.
    pub fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            body: String::new(),
            status: StatusCode::OK,
            form_targets: Vec::new(),
        }
    }

    /// Another status than 200.
    #[must_use]
    pub fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// A paragraph of text, which is escaped.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.markup(&format!("<p>{}</p>", escape(text)))
    }

    /// What went wrong, where something did; escaped, and read out at once by screen readers.
    #[must_use]
    pub fn alert(self, words: Option<&str>) -> Self {
        match words {
            Some(words) => {
                self.markup(&format!("<p class=\"wrong\" role=\"alert\">{}</p>", escape(words)))
            }
            None => self,
        }
    }

    /// A link that looks like a button; address and words are escaped.
    #[must_use]
    pub fn link(self, address: &str, words: &str) -> Self {
        self.markup(&format!("<a class=\"go\" href=\"{}\">{}</a>", escape(address), escape(words)))
    }

    /// Markup as it is: whoever calls has escaped what is not theirs.
    #[must_use]
    pub fn markup(mut self, markup: &str) -> Self {
        self.body.push_str(markup);
        self
    }

    /// An origin that a form of the page may lead to beside this server: browsers hold redirects to the policy too.
    #[must_use]
    pub fn form_may_lead_to(mut self, origin: Option<String>) -> Self {
        self.form_targets.extend(origin);
        self
    }

    /// The response.
    pub fn response(self) -> Response {
        let Self { title, body, status, form_targets } = self;
        let title = escape(&title);
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
            <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
            <title>{title} - Pidima</title>\n<style>{STYLE}</style>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</html>\n"
        );
        let targets: String = form_targets.iter().map(|origin| format!(" {origin}")).collect();
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; form-action 'self'{targets}; base-uri 'none'; frame-ancestors 'none'",
            *STYLE_SHA256
        );
        Response::builder()
            .status(status)
            .content_type("text/html; charset=utf-8")
            .header(header::CONTENT_SECURITY_POLICY, policy)
            // Without a referrer a form would be sent with the origin `null`.
            .header(header::REFERRER_POLICY, "same-origin")
            .header(header::CACHE_CONTROL, "no-store")
            .body(html)
    }
}

/// Text for markup and for attributes in double quotes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Scheme, host and port of an address, as a policy writes them.
pub fn origin_of(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    let known = matches!(scheme, "http" | "https");
    (known && !host.is_empty() && host.bytes().all(plain)).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn texts_cannot_become_markup() {
        let evil = "\"><script>alert('x')</script>&";
        let mut page = Page::new(evil).text(evil).link(evil, evil).response();
        let html = page.take_body().into_string().await.unwrap();
        assert!(!html.contains("<script"), "{html}");
        assert!(!html.contains("\">&lt;"), "{html}");
        assert_eq!(html.matches("&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)").count(), 5, "{html}");
    }

    #[test]
    fn an_origin_is_what_a_policy_can_hold() {
        assert_eq!(
            origin_of("https://a.example:8443/x?y").as_deref(),
            Some("https://a.example:8443")
        );
        assert_eq!(origin_of("http://localhost").as_deref(), Some("http://localhost"));
        for other in [
            "javascript:alert(1)",
            "https://",
            "https://a;script-src *",
            "https://u@a",
            "a",
            "ftp://a",
        ] {
            assert_eq!(origin_of(other), None, "{other}");
        }
    }
}

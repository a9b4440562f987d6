//! Where a login may lead back to: a path of this server and nothing else, or every link to `/login` would be a way to
//! any page of the world.

/// Longest path kept.
const MAX_BYTES: usize = 1_024;
/// Where a login leads when nothing else is asked for.
pub const DEFAULT: &str = "/docs";

/// The path when it is one of this server, with its query; else [`DEFAULT`].
///
/// Browsers read `\` as `/`, drop tabs and line breaks, and take `//host` and `/\host` for other hosts.
pub fn return_path(asked: Option<&str>) -> String {
    asked.filter(|path| is_own(path)).unwrap_or(DEFAULT).to_owned()
}

fn is_own(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    path.len() <= MAX_BYTES
        && path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(plain)
        // A login that leads to a login would begin again for ever, one that leads to a logout would be none.
        && !["/login", "/logout"].iter().any(|page| {
            path.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_this_server_are_kept() {
        for path in
            ["/", "/docs", "/docs?x=1#y", "/v1/me", "/a//b", "/loginx", "/%2F%2Fevil.example"]
        {
            assert_eq!(return_path(Some(path)), path);
        }
        let longest = format!("/{}", "a".repeat(MAX_BYTES - 1));
        assert_eq!(return_path(Some(&longest)), longest);
    }

    #[test]
    fn everything_else_leads_to_the_default() {
        let long = format!("/{}", "a".repeat(MAX_BYTES));
        let others = [
            "",
            "docs",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            " /docs",
            "/do cs",
            "/\u{2044}evil.example",
            "/ü",
            "/login",
            "/login/x",
            "/login?return_to=/",
            "/logout",
            "/\0",
            &long,
        ];
        for other in others {
            assert_eq!(return_path(Some(other)), DEFAULT, "{other:?}");
        }
        assert_eq!(return_path(None), DEFAULT);
    }
}

//! What site builders add to Markdown: front matter, MDX, admonitions, tabs.
//!
//! Rewrites it, best effort, into what `pulldown-cmark` knows. Code is never touched.

/// Front matter longer than this is taken for content.
const MAX_FRONT_MATTER_LINES: usize = 400;

/// Splits off YAML (`---`) or TOML (`+++`) front matter; the first part is empty without one.
pub(super) fn split_front_matter(source: &str) -> (&str, &str) {
    let Some(fence) = ["---", "+++"].into_iter().find(|f| is_fence(source.lines().next(), f))
    else {
        return ("", source);
    };
    let mut at = source.find('\n').map_or(source.len(), |end| end + 1);
    let start = at;
    for line in source[start..].split_inclusive('\n').take(MAX_FRONT_MATTER_LINES) {
        let is_end = is_fence(Some(line), fence) || (fence == "---" && is_fence(Some(line), "..."));
        if is_end {
            let matter = &source[start..at];
            let is_matter = matter.trim().is_empty() || matter.contains([':', '=']);
            return if is_matter { (matter, &source[at + line.len()..]) } else { ("", source) };
        }
        at += line.len();
    }
    ("", source)
}

/// The one-line string value of a top-level key.
pub(super) fn front_matter_value(matter: &str, key: &str) -> Option<String> {
    for line in matter.lines() {
        let Some(rest) = line.strip_prefix(key).map(str::trim_start) else {
            continue;
        };
        let Some(value) = rest.strip_prefix([':', '=']).map(str::trim) else {
            continue;
        };
        let quoted = ['"', '\'']
            .into_iter()
            .find_map(|q| value.strip_prefix(q).and_then(|v| v.strip_suffix(q)));
        let value = quoted.unwrap_or(value).trim();
        let is_block = [">", "|", ">-", "|-", "{", "["].contains(&value);
        return (!value.is_empty() && !is_block).then(|| value.to_owned());
    }
    None
}

/// Takes out MDX imports, exports and comments, and turns `:::note`, `!!! note` and `=== "Tab"`
/// into paragraphs with their title; an indented body is moved out.
pub(super) fn to_common_markdown(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut fence: Option<(char, usize)> = None;
    let mut moved_out = false;
    for line in source.lines() {
        let mut shown = line;
        if moved_out {
            match line.strip_prefix("    ") {
                Some(body) => shown = body,
                None => moved_out = line.trim().is_empty(),
            }
        }
        if let Some(mark) = fence_mark(shown) {
            match fence {
                None => fence = Some(mark),
                Some(open) if closes(shown, mark, open) => fence = None,
                Some(_) => {}
            }
        } else if fence.is_none() {
            if let Some(title) = container_title(shown) {
                let title = if title.is_empty() { String::new() } else { format!("**{title}**\n") };
                out.push_str(&format!("\n{title}\n"));
                continue;
            }
            if let Some(title) = indented_container_title(shown) {
                moved_out = true;
                out.push_str(&format!("\n**{title}**\n\n"));
                continue;
            }
            if is_mdx_statement(shown) {
                continue;
            }
        }
        out.push_str(shown);
        out.push('\n');
    }
    out
}

fn is_fence(line: Option<&str>, fence: &str) -> bool {
    line.is_some_and(|l| l.trim_end() == fence)
}

/// Character and length of a code fence that a line begins with.
fn fence_mark(line: &str) -> Option<(char, usize)> {
    let text = line.trim_start();
    let mark = text.chars().next().filter(|c| ['`', '~'].contains(c))?;
    let len = text.chars().take_while(|c| *c == mark).count();
    let is_inline_code = mark == '`' && text[len..].contains('`');
    (len >= 3 && !is_inline_code).then_some((mark, len))
}

fn closes(line: &str, mark: (char, usize), open: (char, usize)) -> bool {
    mark.0 == open.0 && mark.1 >= open.1 && line.trim().len() == mark.1
}

/// `:::tip[Title]`, `:::warning Title`, `:::` (an end: no title).
fn container_title(line: &str) -> Option<String> {
    let text = line.trim();
    let rest = text.strip_prefix(":::")?.trim_start_matches(':').trim();
    let (kind, title) = rest.split_once([' ', '[', '{']).unwrap_or((rest, ""));
    if !kind.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
        return None;
    }
    let title = title.trim_matches(['[', ']', '{', '}', '"', ' ']);
    Some(if title.is_empty() { capitalised(kind) } else { title.to_owned() })
}

/// `!!! note "Title"`, `??? tip`, `=== "Tab"`: the body follows, indented by four spaces.
fn indented_container_title(line: &str) -> Option<String> {
    let is_tab = line.starts_with("=== \"");
    let rest = ["!!! ", "???+ ", "??? ", "=== "].into_iter().find_map(|m| line.strip_prefix(m))?;
    let quoted = rest.split_once('"').map(|(_, title)| title.trim_end().trim_end_matches('"'));
    match quoted.filter(|title| !title.trim().is_empty()) {
        Some(title) => Some(title.to_owned()),
        None if line.starts_with("===") && !is_tab => None,
        None => rest.split_whitespace().next().map(capitalised),
    }
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

fn is_mdx_statement(line: &str) -> bool {
    let quoted = line.contains(['"', '\'']);
    let imports = line.starts_with("import ") && quoted && {
        line.contains(" from ") || line.starts_with("import '") || line.starts_with("import \"")
    };
    let exports = ["export const ", "export default ", "export function ", "export {"];
    let comment = line.trim();
    imports
        || exports.iter().any(|start| line.starts_with(start))
        || (comment.starts_with("{/*") && comment.ends_with("*/}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_gives_its_title_and_is_not_content() {
        let source = "---\nid: x\ntitle: \"How: to\"\n---\n# Body\n";
        let (matter, body) = split_front_matter(source);
        assert_eq!(front_matter_value(matter, "title").as_deref(), Some("How: to"));
        assert_eq!(body, "# Body\n");
        let (toml, _) = split_front_matter("+++\ntitle = 'T'\n+++\nx");
        assert_eq!(front_matter_value(toml, "title").as_deref(), Some("T"));
    }

    #[test]
    fn a_divider_at_the_top_is_not_front_matter() {
        let source = "---\n\nSome prose here\n\n---\nrest";
        assert_eq!(split_front_matter(source), ("", source));
        assert_eq!(split_front_matter("---\nnever closed: 1"), ("", "---\nnever closed: 1"));
    }

    #[test]
    fn admonitions_become_paragraphs() {
        let made = to_common_markdown(
            ":::tip[Be quick]\nRun.\n:::\n!!! note\n    Body\n\n    ```\n    !!! x\n    ```\nafter",
        );
        assert!(made.contains("**Be quick**\n\nRun."), "{made}");
        assert!(made.contains("**Note**\n\nBody\n\n```\n!!! x\n```\nafter"), "{made}");
    }

    #[test]
    fn mdx_statements_go_but_not_from_code() {
        let made = to_common_markdown(
            "import A from './a';\nexport const b = 1;\n{/* c */}\ntext\n```js\nimport A from './a';\n```",
        );
        assert_eq!(made, "text\n```js\nimport A from './a';\n```\n");
    }

    #[test]
    fn prose_about_importing_stays() {
        let source = "import the data from your bank\n";
        assert_eq!(to_common_markdown(source), source);
    }
}

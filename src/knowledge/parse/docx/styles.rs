//! What the styles of a Word document say of paragraphs: heading levels, titles, lists, code; and the document's language.

use std::collections::HashMap;

use crate::knowledge::parse::html::is_language_tag;
use crate::knowledge::parse::xml::{Node, Xml};
use crate::knowledge::parse::{ParseError, ParseLimits};

/// Styles may be based on styles; a chain is followed this far.
const MAX_CHAIN: usize = 16;

/// Styles by id.
#[derive(Debug, Default)]
pub(super) struct Styles {
    styles: HashMap<String, Style>,
    pub(super) language: Option<String>,
}

#[derive(Debug, Default)]
struct Style {
    role: Option<Role>,
    based_on: Option<String>,
}

/// What a style makes of a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Title,
    /// From 1.
    Heading(u8),
    ListItem,
    Quote,
    Code,
    /// Lines of a table of contents, which repeat the headings.
    Contents,
}

impl Styles {
    pub(super) fn read(source: &str, limits: &ParseLimits) -> Result<Self, ParseError> {
        let mut xml = Xml::new(source, "word/styles.xml", limits);
        let mut made = Self::default();
        let mut open: Option<(String, Style)> = None;
        while let Some(node) = xml.next()? {
            let element = match node {
                Node::Open(element) => element,
                Node::Close(name) if name == "style" => {
                    made.styles.extend(open.take());
                    continue;
                }
                _ => continue,
            };
            let value = element.attribute("val");
            match (element.name.as_str(), &mut open) {
                ("style", _) => {
                    let id = element.attribute("styleId").unwrap_or_default().to_owned();
                    open = Some((id, Style::default()));
                }
                ("name", Some((_, style))) => style.role = value.and_then(role_of),
                ("basedOn", Some((_, style))) => style.based_on = value.map(str::to_owned),
                ("outlineLvl", Some((_, style))) => {
                    style.role = style.role.or(value.and_then(outline_level).map(Role::Heading));
                }
                ("lang", None) if made.language.is_none() => {
                    made.language = value.filter(|tag| is_language_tag(tag)).map(str::to_owned);
                }
                _ => {}
            }
        }
        Ok(made)
    }

    /// Ids of the styles of titles.
    pub(super) fn titles(&self) -> impl Iterator<Item = &str> {
        let titles = self.styles.iter().filter(|(_, style)| style.role == Some(Role::Title));
        titles.map(|(id, _)| id.as_str())
    }

    pub(super) fn role(&self, id: &str) -> Option<Role> {
        let mut id = id;
        for _ in 0..MAX_CHAIN {
            let Some(style) = self.styles.get(id) else {
                // Documents of other programs name built-in styles without declaring them.
                return role_of(id);
            };
            if style.role.is_some() {
                return style.role;
            }
            id = style.based_on.as_deref()?;
        }
        None
    }
}

/// Level of a heading, from 1, of an outline level, from 0; 9 means body text.
pub(super) fn outline_level(value: &str) -> Option<u8> {
    value.parse().ok().filter(|level: &u8| *level < 9).map(|level| level + 1)
}

/// By the names that Word gives in every language of its surface.
fn role_of(name: &str) -> Option<Role> {
    let name = name.to_lowercase().replace(' ', "");
    if let Some(level) = name.strip_prefix("heading").and_then(|level| level.parse().ok()) {
        return Some(Role::Heading(level)).filter(|_| (1..=9).contains(&level));
    }
    match name.as_str() {
        "title" => Some(Role::Title),
        "quote" | "intensequote" => Some(Role::Quote),
        "htmlpreformatted" | "preformattedtext" | "sourcecode" | "macrotext" | "plaintext" => {
            Some(Role::Code)
        }
        name if name.starts_with("toc") && !name.starts_with("tocheading") => Some(Role::Contents),
        name if name.starts_with("listbullet") || name.starts_with("listnumber") => {
            Some(Role::ListItem)
        }
        _ => None,
    }
}

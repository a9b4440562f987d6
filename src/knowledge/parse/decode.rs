//! Bytes to text: UTF-8 only, line ends made equal, control characters gone.
//!
//! Called by `parse` alone. It must not guess at other encodings: a wrong guess would be indexed.

use super::media::refuse_binary;
use super::{MediaType, ParseError};

/// The text of a file, without byte order mark, with `\n` as the only line end.
pub(super) fn text(media: MediaType, bytes: &[u8]) -> Result<String, ParseError> {
    if bytes.is_empty() {
        return Err(ParseError::Empty);
    }
    refuse_utf16(bytes)?;
    refuse_binary(bytes)?;
    let source = std::str::from_utf8(bytes).map_err(|error| ParseError::NotUtf8 {
        offset: error.valid_up_to(),
        found: describe(media, bytes),
    })?;
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    if source.trim().is_empty() {
        return Err(ParseError::Empty);
    }
    Ok(normalise(source))
}

/// True for what may not stand in a text: control characters, and marks without meaning for a reader.
pub(super) fn is_dropped(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{ad}' | '\u{feff}' => true, // soft hyphen and stray byte order marks split words for search
        _ => c.is_control(),
    }
}

fn refuse_utf16(bytes: &[u8]) -> Result<(), ParseError> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(ParseError::NotUtf8 { offset: 0, found: "it begins like UTF-16".into() });
    }
    Ok(())
}

fn describe(media: MediaType, bytes: &[u8]) -> String {
    let declared = (media == MediaType::Html).then(|| declared_charset(bytes)).flatten();
    match declared {
        Some(charset) => format!("declared as {charset}"),
        None => "an invalid byte sequence".into(),
    }
}

/// Value of the first `charset=` in the first 2048 bytes, as browsers look for it.
fn declared_charset(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).to_lowercase();
    let (_, rest) = head.split_once("charset=")?;
    let name: String = rest
        .trim_start_matches(['"', '\'', ' '])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_:.".contains(*c))
        .take(40)
        .collect();
    (!name.is_empty()).then_some(name)
}

fn normalise(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut previous = '\0';
    for c in source.chars() {
        if c == '\r' || (c == '\n' && previous != '\r') {
            out.push('\n');
        } else if c != '\n' && !is_dropped(c) {
            out.push(c);
        }
        previous = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(bytes: &[u8]) -> Result<String, ParseError> {
        text(MediaType::PlainText, bytes)
    }

    #[test]
    fn line_ends_are_made_equal_and_controls_dropped() {
        let source = "\u{feff}a\r\nb\rc\u{1}\u{85}\tsoft\u{ad}hyphen\n\nd";
        assert_eq!(plain(source.as_bytes()).unwrap(), "a\nb\nc\tsofthyphen\n\nd");
    }

    #[test]
    fn bytes_that_are_not_utf8_name_their_place() {
        let error = plain(b"caf\xe9 au lait").unwrap_err();
        assert_eq!(error.code(), "not_utf8");
        assert!(error.to_string().contains("byte 3"), "{error}");
        assert_eq!(plain(b"ok \xed\xa0\x80 lone surrogate").unwrap_err().code(), "not_utf8");
    }

    #[test]
    fn a_page_in_another_charset_names_it() {
        let page = b"<html><meta charset=\"ISO-8859-1\"><p>caf\xe9</p>";
        let error = text(MediaType::Html, page).unwrap_err();
        assert!(error.to_string().contains("iso-8859-1"), "{error}");
    }

    #[test]
    fn utf16_is_told_apart_from_binary_data() {
        let error = plain(b"\xff\xfeh\0i\0").unwrap_err();
        assert!(error.to_string().contains("UTF-16"), "{error}");
    }

    #[test]
    fn white_space_alone_is_empty() {
        assert_eq!(plain(b" \n\t\r\n"), Err(ParseError::Empty));
    }
}

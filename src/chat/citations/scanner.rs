//! Finds citation markers in a text that comes in pieces of any length.
//!
//! A marker is `[n]` or `[n, m]` outside code; what is code, the filter before the scanner says. Until a `[` is known to be
//! none, it is held back with the spaces before it: when the marker turns out to stand for nothing, no gap is left.

/// Longest text inside the brackets of a marker.
const LONGEST: usize = 24;

/// What was found.
#[derive(Debug, PartialEq)]
pub enum Scanned {
    /// Text as it came.
    Text(String),
    /// A marker: the spaces in front of it, and its numbers.
    Markers {
        /// Spaces held back.
        space: String,
        /// Numbers as the model wrote them.
        numbers: Vec<usize>,
    },
}

/// The state between two pieces.
#[derive(Debug, Default)]
pub struct Scanner {
    space: String,
    /// Text after an open bracket, that bracket included.
    bracket: Option<String>,
    /// After a backslash a sign stands for itself.
    escapes: bool,
}

impl Scanner {
    /// Takes one character of text.
    pub fn push(&mut self, character: char, found: &mut Vec<Scanned>) {
        if let Some(mut inside) = self.bracket.take() {
            let may_go_on = character.is_ascii_digit() || matches!(character, ',' | ' ');
            if may_go_on && inside.len() < LONGEST {
                inside.push(character);
                self.bracket = Some(inside);
                return;
            }
            if character == ']'
                && let Some(numbers) = numbers(&inside)
            {
                let space = std::mem::take(&mut self.space);
                found.push(Scanned::Markers { space, numbers });
                return;
            }
            // No marker after all.
            self.flush_space(found);
            add(found, &inside);
        }
        let is_escaped = std::mem::replace(&mut self.escapes, false);
        match character {
            '[' if !is_escaped => self.bracket = Some("[".to_owned()),
            ' ' => self.space.push(character),
            _ => {
                self.escapes = character == '\\' && !is_escaped;
                self.flush_space(found);
                add(found, character.encode_utf8(&mut [0; 4]));
            }
        }
    }

    /// Takes code, in which nothing is a marker.
    pub fn pass(&mut self, code: &str, found: &mut Vec<Scanned>) {
        self.finish(found);
        add(found, code);
    }

    /// Gives out what is held back.
    pub fn finish(&mut self, found: &mut Vec<Scanned>) {
        self.escapes = false;
        self.flush_space(found);
        if let Some(inside) = self.bracket.take() {
            add(found, &inside);
        }
    }

    fn flush_space(&mut self, found: &mut Vec<Scanned>) {
        if !self.space.is_empty() {
            add(found, &std::mem::take(&mut self.space));
        }
    }
}

/// Whether the text is a marker up to its closing bracket.
pub fn is_marker(text: &str) -> bool {
    text.len() <= LONGEST && numbers(text).is_some()
}

/// Numbers of a marker's inside; `None` when it is none, as in `[]`, `[ ]` or `[1,,2]`.
fn numbers(inside: &str) -> Option<Vec<usize>> {
    let inside = inside.strip_prefix('[')?;
    inside.split(',').map(|number| parse(number.trim())).collect()
}

/// A number too large to be counted stands for nothing, but it is a number.
fn parse(digits: &str) -> Option<usize> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(usize::MAX))
}

fn add(found: &mut Vec<Scanned>, text: &str) {
    match found.last_mut() {
        Some(Scanned::Text(last)) => last.push_str(text),
        _ => found.push(Scanned::Text(text.to_owned())),
    }
}

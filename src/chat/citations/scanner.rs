//! Finds citation markers in a text that comes in pieces of any length.
//!
//! A marker is `[n]` or `[n, m]` outside code. Until a `[` is known to be none, it is held back with the spaces before it:
//! when the marker turns out to stand for nothing, no gap is left.

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
    code: Code,
}

/// Where in code the text stands (CommonMark 4.5 and 6.1, as far as a stream allows).
#[derive(Debug)]
struct Code {
    at_line_start: bool,
    ticks: usize,
    ticks_began_line: bool,
    fence: Option<usize>,
    span: Option<usize>,
}

impl Default for Code {
    fn default() -> Self {
        Self { at_line_start: true, ticks: 0, ticks_began_line: false, fence: None, span: None }
    }
}

impl Scanner {
    /// Takes one character.
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
                self.code.see(character);
                return;
            }
            // No marker after all.
            self.flush_space(found);
            inside.chars().for_each(|character| self.code.see(character));
            add(found, &inside);
        }
        let outside_code = !self.code.is_inside();
        match character {
            '[' if outside_code && !self.code.counts_ticks() => self.bracket = Some("[".to_owned()),
            ' ' if outside_code => {
                self.code.see(character);
                self.space.push(character);
            }
            _ => {
                self.flush_space(found);
                self.code.see(character);
                add(found, character.encode_utf8(&mut [0; 4]));
            }
        }
    }

    /// Gives out what is held back.
    pub fn finish(&mut self, found: &mut Vec<Scanned>) {
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

impl Code {
    fn is_inside(&self) -> bool {
        self.fence.is_some() || self.span.is_some()
    }

    fn counts_ticks(&self) -> bool {
        // A span opens with the first character after its ticks: a bracket there is inside it.
        self.ticks > 0
    }

    fn see(&mut self, character: char) {
        if character == '`' {
            if self.ticks == 0 {
                self.ticks_began_line = self.at_line_start;
            }
            self.ticks += 1;
            self.at_line_start = false;
            return;
        }
        if self.ticks > 0 {
            self.end_of_ticks();
        }
        match character {
            '\n' => {
                self.at_line_start = true;
                // A span does not outlive its line here: one tick too many must not swallow the rest of an answer.
                self.span = None;
            }
            ' ' if self.at_line_start => {}
            _ => self.at_line_start = false,
        }
    }

    fn end_of_ticks(&mut self) {
        let ticks = std::mem::take(&mut self.ticks);
        match (self.fence, self.span) {
            (Some(open), _) if self.ticks_began_line && ticks >= open => self.fence = None,
            (Some(_), _) => {}
            (None, Some(open)) if ticks == open => self.span = None,
            (None, Some(_)) => {}
            (None, None) if self.ticks_began_line && ticks >= 3 => self.fence = Some(ticks),
            (None, None) => self.span = Some(ticks),
        }
    }
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

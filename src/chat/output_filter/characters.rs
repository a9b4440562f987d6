//! Characters that a reader can not see, or that change the order in which the others are seen.

/// Decides character by character; a joiner depends on what stands before it.
#[derive(Debug, Default)]
pub struct Characters {
    previous: Option<char>,
}

impl Characters {
    /// Whether the character may pass.
    pub fn lets_in(&mut self, character: char) -> bool {
        let passes = match character {
            // Scripts such as Persian and Hindi, and emoji, join with these; between other letters they hide.
            '\u{200c}' | '\u{200d}' => self.previous.is_some_and(may_be_joined),
            // The forms of a sign: one of them behind it.
            '\u{fe00}'..='\u{fe0f}' => !self.previous.is_some_and(joins),
            _ => !is_hidden(character),
        };
        if passes {
            self.previous = Some(character);
        }
        passes
    }
}

fn may_be_joined(sign: char) -> bool {
    sign > '\u{2ff}' && !matches!(sign, '\u{200c}' | '\u{200d}') && !sign.is_whitespace()
}

/// Whether the character changes its neighbours and is not seen itself.
pub fn joins(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// Control characters but for tab and line feed, formats without a width, the order of writing, tags, fillers.
pub fn is_hidden(character: char) -> bool {
    match character {
        '\t' | '\n' => false,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => {
            true
        }
        '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => true,
        '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' => true,
        '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffb}' => true,
        '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => character.is_control(),
    }
}

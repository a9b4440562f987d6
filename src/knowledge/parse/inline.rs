//! Collects the running text of one block: white space is collapsed as a reader sees it.
//!
//! Used by the HTML and Markdown walkers.

use super::decode::is_dropped;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    /// White space with a line end in it: no space is due between two Han or Kana characters.
    Wrapped,
    Space,
    Break,
}

/// Text of a block in the making.
#[derive(Debug, Default)]
pub(super) struct Inline {
    out: String,
    gap: Gap,
    linked: usize,
    solid: usize,
}

impl Inline {
    /// Adds running text; `linked` says that it stands inside a link.
    pub(super) fn push(&mut self, text: &str, linked: bool) {
        for c in text.chars() {
            if c.is_whitespace() {
                let gap = if c == '\n' { Gap::Wrapped } else { Gap::Space };
                self.widen(gap);
            } else if !is_dropped(c) {
                self.put(c, linked);
            }
        }
    }

    /// Adds text whose spaces and line ends count.
    pub(super) fn push_verbatim(&mut self, text: &str) {
        self.close_gap('\0');
        for c in text.chars() {
            match c {
                '\u{a0}' => self.out.push(' '),
                c if is_dropped(c) => {}
                c => self.out.push(c),
            }
        }
    }

    pub(super) fn space(&mut self) {
        self.widen(Gap::Space);
    }

    /// A wrapped source line.
    pub(super) fn wrap(&mut self) {
        self.widen(Gap::Wrapped);
    }

    /// A line break that the author asked for.
    pub(super) fn line_break(&mut self) {
        self.widen(Gap::Break);
    }

    pub(super) fn ends_with_word(&self) -> bool {
        self.gap == Gap::None && self.out.chars().next_back().is_some_and(char::is_alphanumeric)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// True when every visible character stands inside a link.
    pub(super) fn is_all_linked(&self) -> bool {
        self.solid > 0 && self.linked == self.solid
    }

    /// Takes the text and starts anew.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(self).out
    }

    fn put(&mut self, c: char, linked: bool) {
        self.close_gap(c);
        self.out.push(c);
        self.solid += 1;
        self.linked += usize::from(linked);
    }

    fn widen(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    fn close_gap(&mut self, next: char) {
        let gap = std::mem::take(&mut self.gap);
        let Some(last) = self.out.chars().next_back() else {
            return;
        };
        match gap {
            Gap::None => {}
            Gap::Wrapped if is_spaceless(last) && is_spaceless(next) => {}
            Gap::Wrapped | Gap::Space => self.out.push(' '),
            Gap::Break => self.out.push('\n'),
        }
    }
}

/// Scripts written without spaces between words: Han, Kana and their punctuation.
pub(super) fn is_spaceless(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff9f}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collapsed(text: &str) -> String {
        let mut inline = Inline::default();
        inline.push(text, false);
        inline.take()
    }

    #[test]
    fn white_space_collapses_to_one_space() {
        assert_eq!(collapsed("  a \n\t b\u{a0}c  "), "a b c");
    }

    #[test]
    fn a_wrapped_line_between_han_characters_leaves_no_space() {
        assert_eq!(collapsed("数据\n库 and\n text"), "数据库 and text");
    }

    #[test]
    fn joined_emoji_and_combining_marks_stay_as_they_are() {
        let twins = "e\u{301} é 👩\u{200d}💻 \u{202e}abc\u{202c}";
        assert_eq!(collapsed(twins), twins);
    }
}

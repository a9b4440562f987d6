//! What leaves the filter, and what of it must be known to judge the next character: the line, the brackets, the last
//! character. Characters that would become something together with the one before are kept apart here.

use super::characters::joins;

/// A part of the filtered text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Text.
    pub text: String,
    /// Whether it is code, which stays as it is.
    pub is_code: bool,
}

/// The end of the text so far.
#[derive(Debug)]
pub struct Output {
    segments: Vec<Segment>,
    last: Option<char>,
    /// Whether `last` stands behind a backslash and so for itself.
    is_escaped: bool,
    /// Whether the line so far can be all before a block that begins in it: markers of lists and quotations.
    is_prefix: bool,
    is_blank: bool,
    open_brackets: usize,
    /// Whether the last bracket that opened can be the label of a link definition.
    opens_label: bool,
    /// The same before that bracket: a marker may be taken out of a label later.
    opened_label: bool,
    /// Set while the last bracket that opened has but a citation's numbers in it: whether it stood in the prefix.
    marker: Option<bool>,
    /// Whether the text ends with what may begin a character reference.
    is_in_reference: bool,
    ended_text: bool,
    ended_label: bool,
    /// Set from the begin of a parenthesis that would be a target but for what follows its address.
    is_near_target: bool,
    /// Whether the white space at the end is there in place of a character reference.
    has_become_space: bool,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            segments: Vec::new(),
            last: None,
            is_escaped: false,
            is_prefix: true,
            is_blank: true,
            open_brackets: 0,
            opens_label: false,
            opened_label: false,
            marker: None,
            is_in_reference: false,
            ended_text: false,
            ended_label: false,
            is_near_target: false,
            has_become_space: false,
        }
    }
}

impl Output {
    /// Gives out what came since the last call.
    pub fn take(&mut self) -> Vec<Segment> {
        std::mem::take(&mut self.segments)
    }

    /// Adds a character of text.
    pub fn put(&mut self, character: char) {
        if joins(character) && self.last.is_some_and(joins) {
            return;
        }
        let begins_tag = character.is_ascii_alphabetic() || matches!(character, '/' | '!' | '?');
        if begins_tag && self.ends_with('<') {
            self.append(' ');
        }
        self.append(character);
    }

    /// Adds characters of text.
    pub fn put_all(&mut self, text: &str) {
        text.chars().for_each(|character| self.put(character));
    }

    /// Adds a sign that stands for itself.
    pub fn put_escaped(&mut self, sign: char) {
        self.keep_apart();
        self.append('\\');
        self.append(sign);
        self.is_escaped = true;
    }

    /// Adds a code span.
    pub fn put_span(&mut self, ticks: usize, content: &str) {
        self.keep_apart();
        let ticks = "`".repeat(ticks);
        self.put_code(&format!("{ticks}{content}{ticks}"));
    }

    /// Adds code with its marks.
    pub fn put_code(&mut self, code: &str) {
        let Some(last) = code.chars().next_back() else { return };
        self.segment(true).push_str(code);
        self.is_prefix = code.ends_with('\n');
        self.is_blank = self.is_prefix;
        self.ended(last);
        self.marker = None;
        self.is_in_reference = false;
        if code.contains('\n') {
            self.open_brackets = 0;
            self.opens_label = false;
        }
    }

    /// Adds an address as a link that all read alike.
    pub fn put_autolink(&mut self, address: &str) {
        self.keep_apart();
        self.append('<');
        address.chars().for_each(|character| self.append(character));
        self.append('>');
    }

    /// Adds the target of a link behind its text.
    pub fn put_target(&mut self, target: &str) {
        target.chars().for_each(|character| self.append(character));
    }

    /// Adds `[`; true when a space was put before it, since an image would have begun.
    pub fn open_bracket(&mut self) -> bool {
        let is_image = self.ends_with('!');
        if is_image {
            self.append(' ');
        }
        let is_prefix = self.is_prefix;
        self.append('[');
        self.open_brackets += 1;
        self.opened_label = self.opens_label;
        self.opens_label = is_prefix;
        self.marker = Some(is_prefix);
        is_image
    }

    /// Adds `]`.
    pub fn close_bracket(&mut self) {
        let marker = self.marker;
        self.append(']');
        if self.open_brackets > 0 {
            self.open_brackets -= 1;
            self.ended_text = true;
        }
        self.ended_label = std::mem::take(&mut self.opens_label);
        self.opens_label = marker.is_some() && self.opened_label;
        // A marker may be taken out later: what follows then stands where the marker stood.
        self.is_prefix = marker == Some(true);
    }

    /// Whether a target would make the brackets before a link.
    pub fn may_take_target(&self) -> bool {
        self.ended_text
    }

    /// Adds a parenthesis behind a text in brackets, which is no target as the text goes on.
    pub fn open_parenthesis(&mut self) {
        self.put('(');
        self.is_near_target = true;
    }

    /// Says that white space is put in place of a character reference.
    pub fn became_space(&mut self) {
        self.has_become_space = true;
    }

    /// Whether the parenthesis would be a target now with its end, or go on to a title.
    pub fn would_go_on_as_target(&self) -> bool {
        self.is_near_target && self.has_become_space
    }

    /// Whether a colon would make the brackets before a definition.
    pub fn may_be_defined(&self) -> bool {
        self.ended_label
    }

    /// Whether a bracket is open that can be the label of a definition. Some renderers look for its end across lines and
    /// blocks, and through code.
    pub fn is_in_label(&self) -> bool {
        self.opens_label
    }

    /// Whether brackets are open.
    pub fn is_in_brackets(&self) -> bool {
        self.open_brackets > 0
    }

    /// Whether more characters could complete a character reference.
    pub fn is_in_reference(&self) -> bool {
        self.is_in_reference
    }

    /// Whether a block may begin here.
    pub fn is_prefix(&self) -> bool {
        self.is_prefix
    }

    /// Whether two slashes would begin an address here.
    pub fn may_begin_address(&self) -> bool {
        self.last.is_none_or(|last| !last.is_alphanumeric() && !matches!(last, ':' | '/'))
    }

    fn ends_with(&self, sign: char) -> bool {
        self.last == Some(sign) && !self.is_escaped
    }

    /// A backslash would escape what is added, a backtick would be one with it.
    fn keep_apart(&mut self) {
        if self.ends_with('\\') || self.ends_with('`') {
            self.append(' ');
        }
    }

    fn append(&mut self, character: char) {
        self.segment(false).push(character);
        match character {
            '\n' => {
                if self.is_blank {
                    self.open_brackets = 0;
                }
                self.is_prefix = true;
                self.is_blank = true;
            }
            _ => {
                self.is_blank &= character.is_whitespace();
                self.is_prefix &= is_of_prefix(character);
            }
        }
        if !(character.is_ascii_digit() || matches!(character, ',' | ' ')) {
            self.marker = None;
        }
        self.is_in_reference = character == '&'
            || (self.is_in_reference && (character.is_ascii_alphanumeric() || character == '#'));
        self.ended(character);
    }

    fn ended(&mut self, last: char) {
        self.is_near_target &= last != ')';
        self.has_become_space &= last.is_whitespace();
        self.last = Some(last);
        self.is_escaped = false;
        self.ended_text = false;
        self.ended_label = false;
    }

    fn segment(&mut self, is_code: bool) -> &mut String {
        if self.segments.last().is_none_or(|segment| segment.is_code != is_code) {
            self.segments.push(Segment { text: String::new(), is_code });
        }
        let place = self.segments.len() - 1;
        &mut self.segments[place].text
    }
}

/// White space, and marks of quotations, lists, definition lists.
fn is_of_prefix(character: char) -> bool {
    character.is_ascii_digit() || " \t>-+*.):".contains(character)
}

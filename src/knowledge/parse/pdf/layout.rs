//! Puts the letters of a page together: letters to lines, lines to paragraphs.
//!
//! The order is that in which the file draws them, which programs that write text keep to, column by column.

/// A larger gap between two letters, in parts of their size, is a space.
const SPACE: f64 = 0.17;
/// A baseline that moves less, in parts of the size, stays: marks above and below the line do not end it.
const SAME_LINE: f64 = 0.35;
/// How far a line may go back over what was written, in parts of the size.
const BACKWARDS: f64 = 0.6;
/// A larger step down, in parts of the size, ends a paragraph.
const LEADING: f64 = 1.75;
/// An indentation, in parts of the size, that begins a paragraph after a sentence has ended.
const INDENT: f64 = 0.8;

/// A letter: where it begins along its line, where its line is, downwards, and how large it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) along: f64,
    pub(super) across: f64,
    pub(super) width: f64,
    pub(super) size: f64,
    /// Direction of the line, in quarters of a turn.
    pub(super) turn: i8,
}

/// Letters that follow each other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) text: String,
    start: f64,
    end: f64,
    across: f64,
    /// That of most letters.
    pub(super) size: f64,
    turn: i8,
}

/// The lines of a page in the making.
#[derive(Debug, Default)]
pub(super) struct Layout {
    lines: Vec<Line>,
    last: Option<(f64, f64)>,
    pub(super) chars: usize,
}

impl Layout {
    pub(super) fn letter(&mut self, place: Place, text: &str) {
        let is_usable =
            [place.along, place.across, place.width, place.size].iter().all(|it| it.is_finite());
        if text.is_empty() || !is_usable || place.size <= 0.0 {
            return;
        }
        // Bold letters are drawn twice by some programs.
        let is_twice = self.last.is_some_and(|(along, across)| {
            (along - place.along).abs() < place.size * 0.1
                && (across - place.across).abs() < place.size * 0.1
        });
        if is_twice && self.lines.last().is_some_and(|line| line.text.ends_with(text)) {
            return;
        }
        self.last = Some((place.along, place.across));
        self.chars += text.chars().count();
        let open = self.lines.last_mut().filter(|line| {
            line.turn == place.turn
                && (line.across - place.across).abs() <= line.size.max(place.size) * SAME_LINE
                && place.along >= line.end - place.size * BACKWARDS
        });
        let end = place.along + place.width.max(0.0);
        match open {
            Some(line) => {
                let gap = place.along - line.end;
                let is_apart = gap > place.size.min(line.size) * SPACE;
                if is_apart
                    && !line.text.ends_with(char::is_whitespace)
                    && !text.starts_with(char::is_whitespace)
                {
                    line.text.push(' ');
                }
                line.text.push_str(text);
                line.end = line.end.max(end);
                line.size = line.size.max(place.size);
            }
            None => self.lines.push(Line {
                text: text.to_owned(),
                start: place.along,
                end,
                across: place.across,
                size: place.size,
                turn: place.turn,
            }),
        }
    }

    /// The lines that hold something, without white space around them.
    pub(super) fn into_lines(self) -> Vec<Line> {
        let mut lines = self.lines;
        for line in &mut lines {
            line.text = line.text.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        lines.retain(|line| !line.text.is_empty());
        lines
    }
}

/// Whether a paragraph goes on from one line to the next.
pub(super) fn goes_on(above: &Line, below: &Line) -> bool {
    let step = below.across - above.across;
    let size = above.size.max(below.size);
    let is_near = step > -size * SAME_LINE && step <= size * LEADING;
    let is_same_size = (above.size - below.size).abs() <= size * 0.12;
    let ends_sentence = above.text.ends_with(['.', ':', '!', '?', '。']);
    let is_indented = below.start > above.start + size * INDENT && ends_sentence;
    above.turn == below.turn && is_near && is_same_size && !is_indented && !is_item(&below.text)
}

/// Whether a line begins with the mark of a list item.
pub(super) fn is_item(text: &str) -> bool {
    let Some((mark, rest)) = text.split_once(' ') else { return false };
    let is_bullet = ["•", "◦", "▪", "‣", "–", "∙", "●", "○", "■", "*"].contains(&mark);
    let number = mark.strip_prefix('(').unwrap_or(mark);
    let is_number = number.strip_suffix(['.', ')']).is_some_and(|number| {
        !number.is_empty() && number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit())
    });
    (is_bullet || is_number) && !rest.is_empty()
}

/// Adds a line to a paragraph: a word that was divided at the end of the line above is one word again.
pub(super) fn append(paragraph: &mut String, line: &str) {
    let is_divided = paragraph.ends_with('-')
        && paragraph.chars().rev().nth(1).is_some_and(char::is_alphabetic)
        && line.starts_with(char::is_lowercase);
    if is_divided {
        paragraph.pop();
    } else if !paragraph.is_empty() {
        // A line end: the running text decides whether that is a space.
        paragraph.push('\n');
    }
    paragraph.push_str(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(words: &[(f64, f64, &str)]) -> Vec<Line> {
        let mut layout = Layout::default();
        for (along, across, word) in words {
            for (number, letter) in (0_u32..).zip(word.chars()) {
                let along = along + f64::from(number) * 5.0;
                let place = Place { along, across: *across, width: 5.0, size: 10.0, turn: 0 };
                layout.letter(place, &letter.to_string());
            }
        }
        layout.into_lines()
    }

    fn texts(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn gaps_are_spaces_and_steps_are_lines() {
        let lines = letters(&[
            (0.0, 0.0, "Open"),
            (23.0, 0.0, "it"),
            (33.0, 0.5, "now"),
            (0.0, 12.0, "Oil"),
        ]);
        assert_eq!(texts(&lines), ["Open itnow", "Oil"]);
        assert!(goes_on(&lines[0], &lines[1]));
        let far = letters(&[(0.0, 0.0, "A"), (0.0, 30.0, "B"), (200.0, 0.0, "C")]);
        assert!(!goes_on(&far[0], &far[1]) && !goes_on(&far[1], &far[2]));
    }

    #[test]
    fn letters_drawn_twice_are_read_once_and_marks_above_stay_in_line() {
        let lines = letters(&[(0.0, 0.0, "B"), (0.2, 0.0, "B"), (5.0, -3.0, "2")]);
        assert_eq!(texts(&lines), ["B2"]);
    }

    #[test]
    fn letters_nowhere_are_left_out() {
        let mut layout = Layout::default();
        for along in [f64::NAN, f64::INFINITY] {
            layout.letter(Place { along, across: 0.0, width: 1.0, size: 9.0, turn: 0 }, "a");
        }
        assert_eq!(layout.into_lines(), []);
    }

    #[test]
    fn divided_words_are_joined() {
        let mut paragraph = "Open the ves-".to_owned();
        append(&mut paragraph, "sel of the");
        append(&mut paragraph, "North-");
        append(&mut paragraph, "South line");
        assert_eq!(paragraph, "Open the vessel of the\nNorth-\nSouth line");
        assert!(
            is_item("• one") && is_item("(2) two") && is_item("3. three") && !is_item("2024. year")
        );
    }
}

//! Code blocks between fences (CommonMark 0.31, section 4.5).
//!
//! Where a block ends depends on lists and quotations around it, which renderers read differently. So a fence counts where
//! a line begins with it, not behind a mark of a list or a quotation; one that is indented further than a fence may be
//! moves to the left; and a block that is indented ends, with a fence of ours, where a line is indented less.

use super::{OutputFilter, State};

/// Deepest indentation of a fence.
const DEEPEST: usize = 3;
/// Shortest fence.
const SHORTEST: usize = 3;
/// Languages that clients draw, with pictures and links, instead of showing them.
const DRAWN: [&str; 18] = [
    "mermaid",
    "math",
    "katex",
    "latex",
    "tex",
    "svg",
    "html",
    "xhtml",
    "dot",
    "graphviz",
    "plantuml",
    "puml",
    "vega",
    "geojson",
    "topojson",
    "echarts",
    "flowchart",
    "markmap",
];

/// A code block that is open.
#[derive(Clone, Copy, Debug)]
pub struct Fence {
    indent: usize,
    mark: char,
    count: usize,
}

/// A line that may open a code block.
#[derive(Debug)]
pub struct Opening {
    indent: String,
    mark: char,
    count: usize,
    /// What stands behind the fence, once it does.
    info: Option<String>,
}

/// The begin of a line of a code block: white space, a run of fence marks, white space.
#[derive(Debug, Default)]
pub struct FenceLine {
    indent: String,
    run: String,
    rest: String,
}

impl Opening {
    /// Bytes that it holds back.
    pub fn held_bytes(&self) -> usize {
        self.indent.len() + self.count + self.info.as_ref().map_or(0, String::len)
    }
}

impl FenceLine {
    /// Bytes that it holds back.
    pub fn held_bytes(&self) -> usize {
        self.indent.len() + self.run.len() + self.rest.len()
    }

    fn text(&self) -> String {
        format!("{}{}{}", self.indent, self.run, self.rest)
    }

    /// Whether a line of fence marks is indented less than the block, and does not close it.
    fn leaves(&self, fence: &Fence) -> bool {
        !self.run.is_empty()
            && columns(&self.indent) < fence.indent
            && self.closing(fence).is_none()
    }

    /// The line that closes the block, when it does in any renderer.
    fn closing(&self, fence: &Fence) -> Option<String> {
        let marks = self.run.chars().take_while(|mark| *mark == fence.mark).count();
        let columns = columns(&self.indent);
        // A block at the margin stands in no list, so that what is indented further is code.
        if marks < fence.count || (fence.indent == 0 && columns > DEEPEST) {
            return None;
        }
        let is_plain = marks == self.run.len()
            && (fence.indent..=DEEPEST).contains(&columns)
            && !self.indent.contains('\t')
            && !self.rest.contains('\t');
        Some(if is_plain { self.text() } else { fence.line(marks) })
    }
}

impl Fence {
    fn line(&self, marks: usize) -> String {
        format!("{}{}", " ".repeat(self.indent), self.mark.to_string().repeat(marks))
    }
}

impl OutputFilter {
    /// White space at the begin of a line is held back until it is clear that no fence follows.
    pub(super) fn indent(&mut self, mut space: String, next: char) {
        match next {
            ' ' | '\t' => {
                space.push(next);
                self.state = State::Indent(space);
            }
            '`' | '~' => {
                self.state =
                    State::Opening(Opening { indent: space, mark: next, count: 1, info: None });
            }
            _ => {
                self.output.put_all(&space);
                self.again("", Some(next));
            }
        }
    }

    pub(super) fn opening(&mut self, mut opening: Opening, next: char) {
        match &mut opening.info {
            None if next == opening.mark => opening.count += 1,
            None if opening.count < SHORTEST => {
                self.no_opening(opening);
                self.again("", Some(next));
                return;
            }
            None => {
                opening.info = Some(String::new());
                return self.opening(opening, next);
            }
            Some(_) if next == '\n' && self.output.is_in_label() => {
                self.again("", Some(next));
                self.no_opening(opening);
                return;
            }
            Some(_) if next == '\n' => {
                self.end_opening(opening);
                self.output.put_code("\n");
                self.state = State::FenceLine(FenceLine::default());
                return;
            }
            // Backticks behind backticks: a span of code, and no fence.
            Some(_) if next == '`' && opening.mark == '`' => {
                self.no_opening(opening);
                self.again("", Some(next));
                return;
            }
            Some(info) => info.push(next),
        }
        self.state = State::Opening(opening);
    }

    /// It is a fence, unless it is too short.
    pub(super) fn end_opening(&mut self, opening: Opening) {
        if opening.count < SHORTEST || self.output.is_in_label() {
            return self.no_opening(opening);
        }
        let columns = columns(&opening.indent);
        let is_plain = columns <= DEEPEST && !opening.indent.contains('\t');
        let fence =
            Fence { indent: columns.min(DEEPEST), mark: opening.mark, count: opening.count };
        let info = opening.info.as_deref().unwrap_or_default();
        let language = if is_shown(info) { info } else { "text" };
        if language != info {
            self.filtered.markup = self.filtered.markup.saturating_add(1);
        }
        let indent = if is_plain { opening.indent } else { " ".repeat(fence.indent) };
        let marks = opening.mark.to_string().repeat(opening.count);
        self.output.put_code(&format!("{indent}{marks}{language}"));
        self.fence = Some(fence);
        self.state = State::FenceText;
    }

    /// It is no fence: backticks may still begin a span, tildes stand for themselves.
    pub(super) fn no_opening(&mut self, opening: Opening) {
        let Opening { indent, mark, count, info } = opening;
        self.output.put_all(&indent);
        if mark == '~' {
            self.tildes(count);
            self.again(&info.unwrap_or_default(), None);
        } else {
            self.state = State::Span { ticks: count, content: info.unwrap_or_default(), run: 0 };
        }
    }

    /// Tildes where a block may begin.
    pub(super) fn tildes(&mut self, count: usize) {
        for _ in 0..count {
            if count < SHORTEST {
                self.output.put('~');
            } else {
                self.output.put_escaped('~');
            }
        }
    }

    pub(super) fn fence_line(&mut self, mut line: FenceLine, next: char) {
        let Some(fence) = self.fence else { return self.again("", Some(next)) };
        match next {
            '\n' if line.leaves(&fence) => return self.leave_fence(&fence, &line, next),
            '\n' => {
                self.end_fence_line(&line);
                self.output.put_code("\n");
                self.state = if self.fence.is_some() {
                    State::FenceLine(FenceLine::default())
                } else {
                    State::Indent(String::new())
                };
                return;
            }
            ' ' | '\t' if line.run.is_empty() => line.indent.push(next),
            ' ' | '\t' => line.rest.push(next),
            '`' | '~' if line.rest.is_empty() && (!line.run.is_empty() || next == fence.mark) => {
                line.run.push(next);
            }
            _ if columns(&line.indent) < fence.indent => {
                return self.leave_fence(&fence, &line, next);
            }
            _ => {
                self.output.put_code(&line.text());
                self.state = State::FenceText;
                return self.fence_text(next);
            }
        }
        self.state = State::FenceLine(line);
    }

    /// The list that the block stands in may end with the line, and with it the block: it ends here for everybody.
    fn leave_fence(&mut self, fence: &Fence, line: &FenceLine, next: char) {
        self.output.put_code(&format!("{}\n", fence.line(fence.count)));
        self.fence = None;
        self.state = State::Indent(String::new());
        self.again(&line.text(), Some(next));
    }

    /// A line of white space and fence marks alone.
    pub(super) fn end_fence_line(&mut self, line: &FenceLine) {
        match self.fence.as_ref().and_then(|fence| line.closing(fence)) {
            Some(closing) => {
                self.output.put_code(&closing);
                self.fence = None;
            }
            None => {
                self.output.put_code(&line.text());
                self.state = State::FenceText;
            }
        }
    }

    /// Too long to be held back: a run that long closes the block whatever follows, white space is code.
    pub(super) fn long_fence_line(&mut self, line: &FenceLine) {
        if let Some(fence) = self.fence.filter(|fence| line.leaves(fence)) {
            self.output.put_code(&format!("{}\n", fence.line(fence.count)));
            self.fence = None;
            self.state = State::Indent(String::new());
            return self.again(&line.text(), None);
        }
        if line.run.is_empty() || self.fence.is_none() {
            self.output.put_code(&line.text());
            self.state = State::FenceText;
            return;
        }
        self.end_fence_line(line);
        if self.fence.is_none() {
            self.output.put_code("\n");
            self.state = State::Indent(String::new());
        }
    }

    pub(super) fn fence_text(&mut self, next: char) {
        self.output.put_code(next.encode_utf8(&mut [0; 4]));
        self.state =
            if next == '\n' { State::FenceLine(FenceLine::default()) } else { State::FenceText };
    }
}

/// Whether the text behind a fence makes every client show the code.
fn is_shown(info: &str) -> bool {
    // References and escapes would hide the name of a language; with a `|` some renderers begin a table instead.
    if info.contains(['&', '\\', '`', '<', '|']) {
        return false;
    }
    let lower = info.to_ascii_lowercase();
    lower.split(|letter: char| !letter.is_ascii_alphanumeric()).all(|word| !DRAWN.contains(&word))
}

/// Columns that white space takes; a tab goes to the next multiple of four.
fn columns(space: &str) -> usize {
    space.chars().fold(0, |column, character| match character {
        '\t' => column / 4 * 4 + 4,
        _ => column + 1,
    })
}

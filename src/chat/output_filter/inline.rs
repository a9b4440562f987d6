//! Running text: brackets, HTML, references, escapes, spans of code.

use super::entities::{self, Reference};
use super::target::{Progress, Target};
use super::{OutputFilter, State, address};

/// Commands of TeX that KaTeX and MathJax make links, pictures and HTML of.
const COMMANDS: [&str; 11] = [
    "href",
    "url",
    "includegraphics",
    "htmlClass",
    "htmlId",
    "htmlStyle",
    "htmlData",
    "style",
    "cssId",
    "class",
    "require",
];
/// Schemes of addresses that may stand between angle brackets.
const SCHEMES: [&str; 2] = ["http://", "https://"];

impl OutputFilter {
    pub(super) fn text(&mut self, next: char) {
        match next {
            '\n' => {
                self.output.put(next);
                self.state = State::Indent(String::new());
            }
            '`' => self.state = State::Ticks(1),
            '\\' => self.state = State::Escape(String::new()),
            ')' | '(' | '"' | '\'' if self.output.would_go_on_as_target() => {
                self.output.put_escaped(next);
            }
            '<' => self.state = State::Tag(String::new()),
            '&' => self.state = State::Entity(String::new()),
            '[' => {
                if self.output.open_bracket() {
                    self.filtered.images = self.filtered.images.saturating_add(1);
                }
            }
            ']' => self.output.close_bracket(),
            '(' if self.output.may_take_target() => self.state = State::Target(Target::default()),
            ':' if self.output.may_be_defined() => {
                self.filtered.links = self.filtered.links.saturating_add(1);
                self.output.put_all(" :");
            }
            '~' if self.output.is_prefix() => self.state = State::Tildes(1),
            '/' if !self.output.may_begin_address() => self.output.put(next),
            _ if address::may_begin(next) => self.state = State::Scheme(next.to_string()),
            _ => self.output.put(next),
        }
    }

    pub(super) fn span(&mut self, ticks: usize, mut content: String, run: usize, next: char) {
        if next == '`' {
            self.state = State::Span { ticks, content, run: run + 1 };
        } else if run == ticks && self.is_whole(&content) {
            self.output.put_span(ticks, &content);
            self.again("", Some(next));
        } else if next == '\n' || run == ticks {
            self.no_span(ticks, content, run, Some(next));
        } else {
            content.push_str(&"`".repeat(run));
            content.push(next);
            self.state = State::Span { ticks, content, run: 0 };
        }
    }

    /// No span: the backticks stand for themselves, and what was taken for code is text.
    pub(super) fn no_span(
        &mut self,
        ticks: usize,
        content: String,
        run: usize,
        next: Option<char>,
    ) {
        for _ in 0..ticks {
            self.output.put_escaped('`');
        }
        self.again(&"`".repeat(run), next);
        self.again(&content, None);
    }

    pub(super) fn escape(&mut self, mut letters: String, next: char) {
        let longer = |command: &&str| {
            command.strip_prefix(letters.as_str()).is_some_and(|rest| rest.starts_with(next))
        };
        if letters.is_empty() && next == '<' {
            self.output.put_all("&lt;");
        } else if letters.is_empty() && next.is_ascii_punctuation() {
            self.output.put_escaped(next);
        } else if COMMANDS.iter().any(longer) {
            letters.push(next);
            self.state = State::Escape(letters);
        } else {
            self.no_escape(&letters, Some(next));
        }
    }

    /// A command loses its backslash; before anything else a backslash is a backslash.
    pub(super) fn no_escape(&mut self, letters: &str, next: Option<char>) {
        let is_command =
            COMMANDS.contains(&letters) && !next.is_some_and(|letter| letter.is_ascii_alphabetic());
        if is_command {
            self.filtered.markup = self.filtered.markup.saturating_add(1);
        } else {
            self.output.put('\\');
        }
        self.again(letters, next);
    }

    pub(super) fn tag(&mut self, mut held: String, next: char) {
        let goes_on = |scheme: &&str| {
            let longer = format!("{held}{next}").to_ascii_lowercase();
            scheme.starts_with(&longer) || longer.starts_with(*scheme)
        };
        let begins_tag = next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?');
        if held.is_empty() && !begins_tag {
            self.output.put('<');
            self.again("", Some(next));
        } else if next == '>' && held.contains("://") {
            if self.links.allow(&held) {
                self.output.put_autolink(&held);
            } else {
                self.not_allowed(&held);
            }
        } else if address::is_of_address(next) && SCHEMES.iter().any(goes_on) {
            held.push(next);
            self.state = State::Tag(held);
        } else {
            self.no_tag(&held, Some(next));
        }
    }

    /// HTML, or what could be some: it is shown as it is written.
    pub(super) fn no_tag(&mut self, held: &str, next: Option<char>) {
        self.filtered.markup = self.filtered.markup.saturating_add(1);
        self.output.put_all("&lt;");
        self.again(held, next);
    }

    pub(super) fn entity(&mut self, mut name: String, next: char) {
        if entities::goes_on(&name, next) {
            name.push(next);
            self.state = State::Entity(name);
            return;
        }
        if next != ';' || name.is_empty() {
            return self.no_entity(&name, Some(next));
        }
        let reference = entities::read(&name);
        if reference != Reference::Other && self.output.is_in_reference() {
            // A reference must not be made of references.
            self.output.put(' ');
        }
        match reference {
            Reference::Other => {
                self.output.put('&');
                self.output.put_all(&name);
                self.output.put(';');
            }
            Reference::Hidden => {
                self.filtered.characters = self.filtered.characters.saturating_add(1);
                // What stands around it must not become something together.
                self.output.put(' ');
                self.output.became_space();
            }
            // It stands for itself and opens nothing.
            Reference::Character(sign) if sign.is_ascii_punctuation() => {
                self.again("\\", Some(sign));
            }
            Reference::Character(sign) if sign.is_whitespace() => {
                self.output.became_space();
                self.again("", Some(' '));
            }
            Reference::Character(sign) => self.again("", Some(sign)),
        }
    }

    pub(super) fn no_entity(&mut self, name: &str, next: Option<char>) {
        self.output.put('&');
        self.again(name, next);
    }

    pub(super) fn target(&mut self, mut target: Target, next: char) {
        match target.push(next) {
            Progress::Open => self.state = State::Target(target),
            Progress::Complete if self.links.allow(target.address()) => {
                self.output.put_target(&target.written());
            }
            // The text of the link stays, in its brackets.
            Progress::Complete => self.filtered.links = self.filtered.links.saturating_add(1),
            Progress::None => self.parenthesis(&target, Some(next)),
            Progress::Doubtful => self.no_target(&target, Some(next)),
        }
    }

    /// Nothing follows: what no renderer takes for a target stays as it is.
    pub(super) fn end_target(&mut self, target: &Target) {
        if target.no_target() == Progress::None {
            self.parenthesis(target, None);
        } else {
            self.no_target(target, None);
        }
    }

    fn parenthesis(&mut self, target: &Target, next: Option<char>) {
        self.output.open_parenthesis();
        self.again(target.held(), next);
    }

    /// A space keeps what is not known to be a target from the brackets before it.
    pub(super) fn no_target(&mut self, target: &Target, next: Option<char>) {
        self.filtered.links = self.filtered.links.saturating_add(1);
        self.output.put_all(" (");
        self.again(target.held(), next);
    }
}

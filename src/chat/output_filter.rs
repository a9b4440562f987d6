//! What a model writes is made safe to show while it streams: no images, no HTML, links only to allowed addresses, no
//! characters that a reader can not see. Called by the citation builder; pure: characters in, characters out.
//!
//! Whatever turns an answer into a page must agree with this filter on what is code, since code stays as it is. So the
//! filter lets code stand only in forms that every renderer reads alike, and writes the others so that none reads them as
//! code. Nothing is taken out from between two characters that could become something together: a space is put there, or
//! the sign is escaped. So the filter leaves its own output as it is.

mod address;
mod allowed_links;
mod characters;
mod entities;
mod fences;
mod inline;
mod output;
mod target;

use std::collections::VecDeque;
use std::sync::Arc;

pub use self::characters::Characters;
use self::fences::{Fence, FenceLine, Opening};
use self::output::Output;
use self::target::Target;

pub use self::allowed_links::{AllowedLinks, LinkPrefix};
pub use self::output::Segment;

/// How the filter works.
#[derive(Clone, Debug)]
pub struct FilterSettings {
    /// Beginnings of addresses that may be linked to whatever the documents say.
    pub allowed_links: Arc<[LinkPrefix]>,
    /// Most bytes that are held back until it is clear what they become.
    pub max_held_bytes: usize,
}

impl Default for FilterSettings {
    fn default() -> Self {
        Self { allowed_links: Arc::new([]), max_held_bytes: 4_096 }
    }
}

/// What was taken out or made harmless.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filtered {
    /// Links, addresses and link definitions.
    pub links: u32,
    /// Images.
    pub images: u32,
    /// HTML tags, commands of formulas, languages of code that clients draw.
    pub markup: u32,
    /// Characters that nobody sees.
    pub characters: u32,
}

impl Filtered {
    /// Whether there was nothing to do.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// The filter of one answer.
#[derive(Debug)]
pub struct OutputFilter {
    links: AllowedLinks,
    max_held: usize,
    state: State,
    fence: Option<Fence>,
    /// Characters to be read, again or for the first time.
    queue: VecDeque<char>,
    characters: Characters,
    output: Output,
    filtered: Filtered,
}

/// What is being read; texts are those held back.
#[derive(Debug, Default)]
enum State {
    /// Nothing is held back.
    #[default]
    Text,
    /// White space at the begin of a line.
    Indent(String),
    /// What may open a code block.
    Opening(Opening),
    /// The begin of a line within a code block.
    FenceLine(FenceLine),
    /// The rest of such a line.
    FenceText,
    /// A run of backticks within a line.
    Ticks(usize),
    /// What may be a code span; `run` counts the backticks at its end.
    Span { ticks: usize, content: String, run: usize },
    /// After a backslash: letters of a formula's command.
    Escape(String),
    /// After `<`.
    Tag(String),
    /// After `&`.
    Entity(String),
    /// A run of tildes where a block may begin.
    Tildes(usize),
    /// What may be the begin of an address.
    Scheme(String),
    /// The same, and a backslash.
    SchemeEscape(String),
    /// The same, and the name of a character reference.
    SchemeEntity(String, String),
    /// An address.
    Address(String),
    /// The rest of an address that was too long.
    LongAddress,
    /// The target of a link, after `](`.
    Target(Target),
}

impl OutputFilter {
    /// A filter that lets links to these addresses pass.
    pub fn new(links: AllowedLinks, max_held_bytes: usize) -> Self {
        Self {
            links,
            max_held: max_held_bytes,
            state: State::Indent(String::new()),
            fence: None,
            queue: VecDeque::new(),
            characters: Characters::default(),
            output: Output::default(),
            filtered: Filtered::default(),
        }
    }

    /// Takes the next text of the model; gives what is certain.
    pub fn push(&mut self, text: &str) -> Vec<Segment> {
        for character in text.chars() {
            if self.characters.lets_in(character) {
                self.queue.push_back(character);
                self.read();
            } else {
                self.filtered.characters = self.filtered.characters.saturating_add(1);
            }
        }
        self.output.take()
    }

    /// Takes the end of the text; gives what was held back.
    pub fn finish(&mut self) -> Vec<Segment> {
        self.end();
        // What is given up is read again, which may hold back a shorter rest.
        while !self.queue.is_empty() || self.held_bytes() > 0 {
            self.read();
            self.end();
        }
        self.output.take()
    }

    /// What was taken out or made harmless so far.
    pub fn filtered(&self) -> Filtered {
        self.filtered
    }

    /// Bytes that are held back now.
    pub fn held_bytes(&self) -> usize {
        match &self.state {
            State::Text | State::FenceText | State::LongAddress => 0,
            State::Ticks(count) | State::Tildes(count) => *count,
            State::Span { ticks, content, run } => ticks + content.len() + run,
            State::Indent(held) => held.len(),
            State::Escape(held) | State::Tag(held) | State::Entity(held) => held.len() + 1,
            State::Scheme(held) | State::SchemeEscape(held) | State::Address(held) => held.len(),
            State::Opening(opening) => opening.held_bytes(),
            State::FenceLine(line) => line.held_bytes(),
            State::SchemeEntity(held, name) => held.len() + name.len() + 1,
            State::Target(target) => target.held().len() + 1,
        }
    }

    fn read(&mut self) {
        while let Some(character) = self.queue.pop_front() {
            self.step(character);
            while self.held_bytes() > self.max_held {
                self.give_up();
            }
        }
    }

    fn step(&mut self, next: char) {
        match std::mem::take(&mut self.state) {
            State::Text => self.text(next),
            State::Indent(space) => self.indent(space, next),
            State::Opening(opening) => self.opening(opening, next),
            State::FenceLine(line) => self.fence_line(line, next),
            State::FenceText => self.fence_text(next),
            State::Ticks(count) if next == '`' => self.state = State::Ticks(count + 1),
            State::Ticks(ticks) => {
                self.state = State::Span { ticks, content: String::new(), run: 0 };
                self.again("", Some(next));
            }
            State::Span { ticks, content, run } => self.span(ticks, content, run, next),
            State::Escape(letters) => self.escape(letters, next),
            State::Tag(held) => self.tag(held, next),
            State::Entity(name) => self.entity(name, next),
            State::Tildes(count) if next == '~' => self.state = State::Tildes(count + 1),
            State::Tildes(count) => {
                self.tildes(count);
                self.again("", Some(next));
            }
            State::Scheme(held) => self.scheme(held, next),
            State::SchemeEscape(held) => self.scheme_escape(held, next),
            State::SchemeEntity(held, name) => self.scheme_entity(held, name, next),
            State::Address(held) => self.address(held, next),
            State::LongAddress => self.long_address(next),
            State::Target(target) => self.target(target, next),
        }
    }

    /// Decides what is held back as if nothing followed.
    fn end(&mut self) {
        match std::mem::take(&mut self.state) {
            State::FenceText => self.state = State::FenceText,
            State::Text | State::LongAddress => {}
            State::Indent(space) => self.output.put_all(&space),
            State::Opening(opening) => self.end_opening(opening),
            State::FenceLine(line) => self.end_fence_line(&line),
            State::Span { ticks, content, run } if run == ticks && self.is_whole(&content) => {
                self.output.put_span(ticks, &content);
            }
            State::Span { ticks, content, run } => self.no_span(ticks, content, run, None),
            State::Ticks(ticks) => self.no_span(ticks, String::new(), 0, None),
            State::Escape(letters) => self.no_escape(&letters, None),
            State::Tag(held) if held.is_empty() => self.output.put('<'),
            State::Tag(held) => self.no_tag(&held, None),
            State::Entity(name) => self.no_entity(&name, None),
            State::Tildes(count) => self.tildes(count),
            State::Scheme(held) => self.output.put_all(&held),
            State::SchemeEscape(held) => {
                self.output.put_all(&held);
                self.output.put('\\');
            }
            State::SchemeEntity(held, name) => {
                self.output.put_all(&held);
                self.no_entity(&name, None);
            }
            State::Address(held) => self.end_address(&held, None),
            State::Target(target) => self.end_target(&target),
        }
    }

    /// More is held back than the settings allow: it becomes nothing that is forbidden, and nothing that is not text.
    fn give_up(&mut self) {
        match std::mem::take(&mut self.state) {
            State::Opening(opening) => self.no_opening(opening),
            State::Span { ticks, content, run } => self.no_span(ticks, content, run, None),
            State::FenceLine(line) => self.long_fence_line(&line),
            State::Address(held) => {
                self.not_allowed(&held);
                self.state = State::LongAddress;
            }
            State::Target(target) => self.no_target(&target, None),
            held => {
                self.state = held;
                self.end();
            }
        }
    }

    /// Whether a code span is one for every renderer: within a row of a table each `|` ends a cell, and with it the span;
    /// the label of a definition ends within code too, and for some the text of a link.
    fn is_whole(&self, content: &str) -> bool {
        let parts = ["<", "](", "![", "://", "www.", "&"];
        let is_cut = content.contains('|') && parts.iter().any(|part| content.contains(part));
        let ends_label = self.output.is_in_label() && content.contains(']');
        let ends_text = self.output.is_in_brackets() && content.contains("](");
        !is_cut && !ends_label && !ends_text
    }

    /// Reads what was held back, and the character after it, once more.
    fn again(&mut self, held: &str, next: Option<char>) {
        for character in held.chars().chain(next).rev() {
            self.queue.push_front(character);
        }
    }
}

#[cfg(test)]
mod tests;

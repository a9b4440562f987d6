//! Addresses in running text, which many renderers make links of (GitHub Flavored Markdown 0.29, section 6.9).

use super::entities::{self, Reference};
use super::{OutputFilter, State};

/// What an address begins with. Two slashes take the scheme of the page.
const BEGINS: [&str; 5] = ["http://", "https://", "ftp://", "www.", "//"];
/// Characters of an address that may not be linked to that are still shown.
const SHOWN: usize = 200;

/// Whether an address may begin with this letter.
pub fn may_begin(letter: char) -> bool {
    matches!(letter.to_ascii_lowercase(), 'h' | 'f' | 'w' | '/')
}

fn is_begin(text: &str) -> bool {
    BEGINS.iter().any(|begin| text.eq_ignore_ascii_case(begin))
}

fn may_become_begin(text: &str) -> bool {
    BEGINS
        .iter()
        .any(|begin| begin.get(..text.len()).is_some_and(|part| part.eq_ignore_ascii_case(text)))
}

/// Characters of an address (RFC 3986, appendix A) but for the brackets of IPv6, which no renderer reads in running text.
pub fn is_of_address(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~:/?#@!$&'()*+,;=%".contains(character)
}

/// The address without the punctuation behind it.
pub fn core(text: &str) -> &str {
    let mut core = text;
    loop {
        let count = |sign: char| core.matches(sign).count();
        core = match core.chars().next_back() {
            Some('?' | '!' | '.' | ',' | ':' | ';' | '*' | '_' | '~' | '\'') => {
                &core[..core.len() - 1]
            }
            Some(')') if count(')') > count('(') => &core[..core.len() - 1],
            _ => return core,
        };
    }
}

/// Whether another address begins within the address, which some renderers make a link of.
fn holds_another(address: &str) -> bool {
    let lower = address.to_ascii_lowercase();
    lower.matches("://").count() > 1 || lower.get(1..).is_some_and(|rest| rest.contains("www."))
}

impl OutputFilter {
    /// What may be the begin of an address goes on.
    pub(super) fn scheme(&mut self, held: String, next: char) {
        let longer = format!("{held}{next}");
        if next == '\\' {
            self.state = State::SchemeEscape(held);
        } else if next == '&' {
            self.state = State::SchemeEntity(held, String::new());
        } else if is_begin(&longer) {
            self.state = State::Address(longer);
        } else if may_become_begin(&longer) {
            self.state = State::Scheme(longer);
        } else {
            let mut rest = held.chars();
            rest.next().into_iter().for_each(|first| self.output.put(first));
            self.again(rest.as_str(), Some(next));
        }
    }

    /// A backslash in the begin of an address hides it from some renderers and not from all: it goes.
    pub(super) fn scheme_escape(&mut self, held: String, next: char) {
        let longer = format!("{held}{next}");
        if is_begin(&longer) || may_become_begin(&longer) {
            self.state = State::Scheme(held);
            self.again("", Some(next));
            return;
        }
        self.output.put_all(&held);
        self.state = State::Escape(String::new());
        self.again("", Some(next));
    }

    /// A reference in the begin of an address hides it too.
    pub(super) fn scheme_entity(&mut self, held: String, mut name: String, next: char) {
        if entities::goes_on(&name, next) {
            name.push(next);
            self.state = State::SchemeEntity(held, name);
            return;
        }
        if let (';', Reference::Character(sign)) = (next, entities::read(&name))
            && may_become_begin(&format!("{held}{sign}"))
        {
            self.state = State::Scheme(held);
            self.again("", Some(sign));
            return;
        }
        self.output.put_all(&held);
        self.entity(name, next);
    }

    pub(super) fn address(&mut self, mut held: String, next: char) {
        if is_of_address(next) {
            held.push(next);
            self.state = State::Address(held);
        } else {
            self.end_address(&held, Some(next));
        }
    }

    pub(super) fn end_address(&mut self, held: &str, next: Option<char>) {
        let core = core(held);
        let rest = &held[core.len()..];
        let begin = BEGINS.iter().find(|begin| {
            held.get(..begin.len()).is_some_and(|part| part.eq_ignore_ascii_case(begin))
        });
        // A begin and nothing more, as in "http:// or https://": no renderer makes a link of it.
        let is_bare = begin.is_some_and(|begin| core.len() <= begin.len());
        let is_plain = rest.chars().all(|sign| ".,:;!?)'".contains(sign));
        if is_bare && is_plain && next.is_none_or(char::is_whitespace) {
            self.output.put_all(held);
            self.again("", next);
            return;
        }
        if !self.links.allow(core) {
            self.not_allowed(core);
        } else if self.ends_alike(rest, next) && !holds_another(core) {
            self.output.put_all(core);
        } else if core.contains("://") {
            self.output.put_autolink(core);
        } else {
            self.output.put_span(1, core);
        }
        // What is left can not be taken for a part of the address: it is punctuation.
        self.output.put_all(rest);
        self.again("", next);
    }

    /// Whether every renderer ends the address where we do.
    fn ends_alike(&self, rest: &str, next: Option<char>) -> bool {
        let ends = match next {
            None => true,
            Some(']') => self.output.is_in_brackets(),
            Some(next) => next.is_whitespace(),
        };
        ends && !rest.contains(['\'', ';'])
    }

    /// An address that is no link: it is shown as code, which nothing makes a link of.
    pub(super) fn not_allowed(&mut self, address: &str) {
        self.filtered.links = self.filtered.links.saturating_add(1);
        if address.len() > SHOWN {
            self.output.put_span(1, &format!("{}…", &address[..SHOWN]));
        } else {
            self.output.put_span(1, address);
        }
    }

    pub(super) fn long_address(&mut self, next: char) {
        if is_of_address(next) {
            self.state = State::LongAddress;
        } else {
            self.again("", Some(next));
        }
    }
}

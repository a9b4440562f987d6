//! The target of an inline link, `(address "title")`, read character by character (CommonMark 0.31, section 6.3).

/// What a character makes of the target.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// It may still become one.
    Open,
    /// It is one.
    Complete,
    /// No renderer takes it for one.
    None,
    /// Some renderer may take it for one, with an address that can not be told for sure.
    Doubtful,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Begin,
    Plain,
    Angle,
    AfterAngle,
    Gap,
    Title(char),
    End,
}

/// A target in the making, from behind its `(`.
#[derive(Debug, Default)]
pub struct Target {
    held: String,
    part: Part,
    depth: usize,
    lines: usize,
    address: String,
    title: String,
}

impl Target {
    /// All characters so far.
    pub fn held(&self) -> &str {
        &self.held
    }

    /// The address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The target as it is written again, without a title that is more than words.
    pub fn written(&self) -> String {
        let is_plain = |letter: char| letter.is_alphanumeric() || " .,-_:/".contains(letter);
        let title =
            Some(&self.title).filter(|title| !title.is_empty() && title.chars().all(is_plain));
        match title {
            Some(title) => format!("({} \"{title}\")", self.address),
            None => format!("({})", self.address),
        }
    }

    /// Takes the next character.
    pub fn push(&mut self, next: char) -> Progress {
        let progress = self.judge(next);
        if progress == Progress::Open {
            self.held.push(next);
        }
        progress
    }

    fn judge(&mut self, next: char) -> Progress {
        if next == '\n' {
            self.lines += 1;
        }
        let is_space = matches!(next, ' ' | '\t' | '\n');
        match self.part {
            _ if self.lines > 1 => return self.no_target(),
            Part::Begin | Part::Gap | Part::End if is_space => {}
            Part::Begin | Part::Gap | Part::End | Part::AfterAngle if next == ')' => {
                return Progress::Complete;
            }
            Part::Begin if next == '<' => self.part = Part::Angle,
            Part::Begin => {
                self.part = Part::Plain;
                return self.plain(next);
            }
            Part::Plain if is_space => self.part = Part::Gap,
            Part::Plain => return self.plain(next),
            Part::Angle if next == '>' => self.part = Part::AfterAngle,
            Part::Angle if matches!(next, '\n' | '<' | '\\' | '`') => return Progress::Doubtful,
            Part::Angle => self.address.push(next),
            Part::AfterAngle if is_space => self.part = Part::Gap,
            Part::AfterAngle => return Progress::Doubtful,
            Part::Gap => match next {
                '"' | '\'' => self.part = Part::Title(next),
                '(' => self.part = Part::Title(')'),
                // A marker of a citation may be removed: it would be a target then.
                '[' => return Progress::Doubtful,
                _ => return self.no_target(),
            },
            Part::Title(end) if next == end => self.part = Part::End,
            Part::Title(_) if matches!(next, '\n' | '\\' | '`' | '<') => return Progress::Doubtful,
            Part::Title(_) => self.title.push(next),
            Part::End => return Progress::Doubtful,
        }
        Progress::Open
    }

    /// What it is when it goes on no further: what is read again as text must not become a target then.
    pub fn no_target(&self) -> Progress {
        let is_word = |sign: char| sign.is_alphanumeric() || "-,".contains(sign);
        let is_first = matches!(self.part, Part::Begin | Part::Plain | Part::Gap);
        if is_first && self.address.chars().all(is_word) && !self.held.contains('<') {
            Progress::None
        } else {
            Progress::Doubtful
        }
    }

    fn plain(&mut self, next: char) -> Progress {
        match next {
            ')' if self.depth == 0 => return Progress::Complete,
            ')' => self.depth -= 1,
            '(' => self.depth += 1,
            '<' | '>' | '[' | ']' | '`' | '\\' | '"' => return Progress::Doubtful,
            _ => {}
        }
        self.address.push(next);
        Progress::Open
    }
}

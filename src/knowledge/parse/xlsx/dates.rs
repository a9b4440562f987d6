//! Which cells of a workbook are dates, which is a matter of their formats, and what date a number means.

use std::collections::HashMap;

use chrono::{Duration, NaiveDate, Timelike};

use crate::knowledge::parse::xml::{Node, Xml};
use crate::knowledge::parse::{ParseError, ParseLimits};

/// Last day that spreadsheets know: 9999-12-31.
const LAST_DAY: f64 = 2_958_465.0;

/// Dates among the formats of cells, by the index that cells name.
#[derive(Debug, Default)]
pub(super) struct Dates {
    formats: Vec<Option<Shape>>,
    since_1904: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Date,
    Time,
    DateAndTime,
    /// Hours since some beginning, more than a day's too.
    Elapsed,
}

impl Dates {
    pub(super) fn read(
        source: &str,
        part: &str,
        since_1904: bool,
        limits: &ParseLimits,
    ) -> Result<Self, ParseError> {
        let mut xml = Xml::new(source, part, limits);
        let mut own: HashMap<u32, Option<Shape>> = HashMap::new();
        let (mut formats, mut is_cells) = (Vec::new(), false);
        while let Some(node) = xml.next()? {
            match node {
                Node::Open(element) => {
                    let id = element.attribute("numFmtId").and_then(|id| id.parse().ok());
                    match element.name.as_str() {
                        "numFmt" => {
                            let code = element.attribute("formatCode").unwrap_or_default();
                            own.extend(id.map(|id| (id, shape_of(code))));
                        }
                        "cellXfs" => is_cells = true,
                        "xf" if is_cells => {
                            let shape =
                                id.and_then(|id| own.get(&id).copied().or_else(|| built_in(id)));
                            formats.push(shape.flatten());
                        }
                        _ => {}
                    }
                }
                Node::Close(name) if name == "cellXfs" => is_cells = false,
                _ => {}
            }
        }
        Ok(Self { formats, since_1904 })
    }

    /// A number as a date when its style says so, as ISO 8601 writes it.
    pub(super) fn shown(&self, style: usize, number: &str) -> Option<String> {
        let shape = (*self.formats.get(style)?)?;
        let days: f64 =
            number.trim().parse().ok().filter(|days| (0.0..=LAST_DAY).contains(days))?;
        // Spreadsheets count 1900-02-29, which never was: days from March on are right with this day 0.
        let (year, month, day) = if self.since_1904 { (1904, 1, 1) } else { (1899, 12, 30) };
        let seconds = (days * 86_400.0).round();
        #[expect(clippy::cast_possible_truncation, reason = "at most the seconds of 8,100 years")]
        let since = Duration::seconds(seconds as i64);
        let moment = NaiveDate::from_ymd_opt(year, month, day)?.and_hms_opt(0, 0, 0)? + since;
        let is_midnight = moment.time() == chrono::NaiveTime::MIN;
        Some(match shape {
            Shape::Time => moment.format("%H:%M:%S").to_string(),
            Shape::Elapsed => {
                let seconds = since.num_seconds();
                format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
            }
            Shape::DateAndTime if moment.second() > 0 => {
                moment.format("%Y-%m-%d %H:%M:%S").to_string()
            }
            Shape::DateAndTime if !is_midnight => moment.format("%Y-%m-%d %H:%M").to_string(),
            _ => moment.format("%Y-%m-%d").to_string(),
        })
    }
}

/// Formats that every workbook has, by their numbers in ECMA-376 part 1, 18.8.30.
fn built_in(id: u32) -> Option<Option<Shape>> {
    Some(match id {
        14..=17 | 27..=31 | 50..=58 => Some(Shape::Date),
        18..=21 | 45 | 47 => Some(Shape::Time),
        46 => Some(Shape::Elapsed),
        22 => Some(Shape::DateAndTime),
        _ => None,
    })
}

/// What a format code shows; text in quotes, brackets and behind a backslash is no code.
fn shape_of(code: &str) -> Option<Shape> {
    let mut letters = String::new();
    let mut chars = code.split(';').next().unwrap_or_default().chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => drop(chars.by_ref().find(|c| *c == '"')),
            '[' => {
                let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                let inside = inside.to_lowercase();
                if ['h', 'm', 's']
                    .iter()
                    .any(|unit| !inside.is_empty() && inside.chars().all(|c| c == *unit))
                {
                    return Some(Shape::Elapsed);
                }
            }
            '\\' | '_' | '*' => drop(chars.next()),
            c => letters.extend(c.to_lowercase()),
        }
    }
    if letters.contains("general") {
        return None;
    }
    match (letters.contains(['y', 'd']), letters.contains(['h', 's'])) {
        (true, true) => Some(Shape::DateAndTime),
        (true, false) => Some(Shape::Date),
        (false, true) => Some(Shape::Time),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_tell_dates_times_and_hours_that_add_up() {
        for (code, days, shown) in [
            ("yyyy-mm-dd", "45231", Some("2023-11-01")),
            ("d/m/yy h:mm", "45231.5", Some("2023-11-01 12:00")),
            ("d/m/yy h:mm:ss", "45231.50001157407", Some("2023-11-01 12:00:01")),
            ("[h]:mm:ss", "1.5", Some("36:00:00")),
            ("[mm]:ss", "0.5", Some("12:00:00")),
            ("h:mm", "1.5", Some("12:00:00")),
            ("[Red]0.00", "1.5", None),
            ("General", "1.5", None),
        ] {
            let dates = Dates { formats: vec![shape_of(code)], since_1904: false };
            assert_eq!(dates.shown(0, days).as_deref(), shown, "{code}");
        }
        assert_eq!(built_in(46), Some(Some(Shape::Elapsed)));
    }
}

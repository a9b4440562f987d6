//! Jupyter notebooks: cells of Markdown, cells of code and what they printed, in order.
//!
//! It must not read images and other output that is no text.

use serde_json::Value;

use super::builder::{Builder, Joint};
use super::{BlockKind, Extraction, ParseError, ParseLimits, markdown};

/// Longer output is a log, not documentation.
const MAX_OUTPUT_CHARS: usize = 10_000;

/// Title: that of the notebook, else its first heading of the highest level.
pub(super) fn parse(source: &str, limits: &ParseLimits) -> Result<Extraction, ParseError> {
    let book: Value = serde_json::from_str(source)
        .map_err(|error| ParseError::damaged(format!("it is not JSON: {error}")))?;
    let cells = book["cells"].as_array().or_else(|| book["worksheets"][0]["cells"].as_array());
    let cells = cells.ok_or_else(|| ParseError::damaged("it has no list of cells"))?;
    let mut builder = Builder::new(limits);
    let mut title = book["metadata"]["title"].as_str().map(str::to_owned);
    for cell in cells {
        let body = lines(&cell["source"]).or_else(|| lines(&cell["input"])).unwrap_or_default();
        if cell["cell_type"] == "markdown" {
            let heading;
            (builder, heading) = markdown::append(&body, builder, limits)?;
            title = title.or(heading);
        } else {
            builder.push(BlockKind::Code, Joint::BlankLine, &body, false)?;
            for output in cell["outputs"].as_array().into_iter().flatten() {
                if let Some(text) = printed(output) {
                    let text: String = text.chars().take(MAX_OUTPUT_CHARS).collect();
                    builder.push(BlockKind::Code, Joint::BlankLine, &text, false)?;
                }
            }
        }
    }
    Ok(builder.finish(title, None))
}

/// What an output shows as text.
fn printed(output: &Value) -> Option<String> {
    match output["output_type"].as_str()? {
        "stream" => lines(&output["text"]),
        "error" | "pyerr" => {
            let (name, value) = (output["ename"].as_str()?, output["evalue"].as_str()?);
            Some(format!("{name}: {value}"))
        }
        _ => lines(&output["data"]["text/plain"]).or_else(|| lines(&output["text"])),
    }
}

/// Text that may be written as a list of lines.
fn lines(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => Some(parts.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(book: &Value) -> Result<Extraction, ParseError> {
        parse(&book.to_string(), &ParseLimits::default())
    }

    #[test]
    fn cells_stand_in_order_with_what_they_printed() {
        let made = read(&json!({ "nbformat": 4, "cells": [
            { "cell_type": "markdown", "source": ["# Pumps\n", "\n", "How *they* run."] },
            { "cell_type": "code", "source": "print(3)\n", "outputs": [
                { "output_type": "stream", "text": ["3\n"] },
                { "output_type": "display_data", "data": { "image/png": "iVBO", "text/plain": "<Figure>" } },
                { "output_type": "error", "ename": "ValueError", "evalue": "too hot", "traceback": [] },
            ] },
            { "cell_type": "markdown", "source": "## Next" },
        ] }))
        .unwrap();
        let code = "print(3)\n\n3\n\n<Figure>\n\nValueError: too hot";
        assert_eq!(made.text, format!("Pumps\n\nHow they run.\n\n{code}\n\nNext"));
        assert_eq!(made.title.as_deref(), Some("Pumps"));
        assert_eq!(made.sections.last().unwrap().heading_path, ["Pumps", "Next"]);
        assert_eq!(made.blocks[2].kind, BlockKind::Code);
    }

    #[test]
    fn what_is_no_notebook_is_damaged() {
        for source in ["{", "[]", "{}", "{\"cells\": 1}", &"[".repeat(100_000)] {
            let error = parse(source, &ParseLimits::default()).unwrap_err();
            assert_eq!(error.code(), "damaged", "{}", source.len());
        }
    }

    #[test]
    fn long_output_is_cut() {
        let made = read(&json!({ "cells": [{ "cell_type": "code", "source": "run()", "outputs": [
            { "output_type": "stream", "text": "x".repeat(MAX_OUTPUT_CHARS + 1) }] }] }))
        .unwrap();
        assert_eq!(made.text.chars().count(), "run()\n\n".len() + MAX_OUTPUT_CHARS);
    }
}

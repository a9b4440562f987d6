//! The data table that is open: its rows become lines, its cells are joined by ` | `.
//!
//! Used by the walker. A table that holds headings, code or other tables is layout: it has no state
//! here, and its cells are read as blocks.

use crate::knowledge::parse::builder::{Builder, Joint};
use crate::knowledge::parse::{BlockKind, ParseError};

/// State of one data table.
#[derive(Debug)]
pub(super) struct Table {
    columns: usize,
    cells: Vec<String>,
    heading_cells: usize,
    rows: usize,
}

impl Table {
    pub(super) fn new(columns: usize) -> Self {
        Self { columns, cells: Vec::new(), heading_cells: 0, rows: 0 }
    }

    /// In a table of one column the lines inside a cell stay lines.
    pub(super) fn end_cell(&mut self, text: String, is_heading: bool) {
        let text = if self.columns > 1 { text.replace('\n', " ") } else { text };
        self.cells.push(text);
        self.heading_cells += usize::from(is_heading);
    }

    pub(super) fn end_row(&mut self, builder: &mut Builder<'_>) -> Result<(), ParseError> {
        let cells = std::mem::take(&mut self.cells);
        let is_header = self.heading_cells == cells.len() && self.rows == 0;
        self.heading_cells = 0;
        if cells.iter().all(String::is_empty) {
            return Ok(());
        }
        let row = cells.join(" | ");
        let stands_alone = self.rows == 0 || self.columns <= 1 && row.contains('\n');
        let joint = if stands_alone { Joint::BlankLine } else { Joint::Line };
        self.rows += 1;
        builder.push(BlockKind::TableRow, joint, &row, is_header)
    }
}

//! Tables of reStructuredText: grids, simple ones, and lists of lists.

/// Cells of each row.
type Rows = Vec<Vec<String>>;

/// The table that begins at a line, and how many lines it has.
pub(super) fn at(lines: &[&str], at: usize) -> Option<(Rows, usize)> {
    grid(&lines[at..]).or_else(|| simple(&lines[at..]))
}

fn grid(lines: &[&str]) -> Option<(Rows, usize)> {
    let is_rule = |line: &str| {
        line.len() > 2 && line.starts_with('+') && line.chars().all(|c| "+-=".contains(c))
    };
    let first = lines.first().filter(|line| is_rule(line))?;
    let borders: Vec<usize> =
        first.char_indices().filter(|(_, c)| *c == '+').map(|(at, _)| at).collect();
    let mut rows = Rows::new();
    let mut open: Vec<String> = vec![String::new(); borders.len() - 1];
    let mut count = 0;
    for line in lines.iter().take_while(|line| line.starts_with(['+', '|'])) {
        count += 1;
        if is_rule(line) {
            if open.iter().any(|cell| !cell.is_empty()) {
                rows.push(std::mem::replace(&mut open, vec![String::new(); borders.len() - 1]));
            }
            continue;
        }
        let chars: Vec<char> = line.chars().collect();
        for (cell, border) in open.iter_mut().zip(borders.windows(2)) {
            let (from, to) = ((border[0] + 1).min(chars.len()), border[1].min(chars.len()));
            let part: String = chars[from.min(to)..to].iter().collect();
            join(cell, part.trim());
        }
    }
    (!rows.is_empty()).then_some((rows, count))
}

fn simple(lines: &[&str]) -> Option<(Rows, usize)> {
    let is_rule = |line: &str| {
        line.starts_with("==") && line.contains(" =") && line.chars().all(|c| c == '=' || c == ' ')
    };
    let first = lines.first().filter(|line| is_rule(line))?;
    let mut columns: Vec<usize> = vec![0];
    columns.extend(first.match_indices(" =").map(|(at, _)| at + 1));
    // Two rules where there is no header, three where there is one.
    let rules: Vec<usize> =
        (0..lines.len().min(10_000)).filter(|at| is_rule(lines[*at])).take(3).collect();
    let second = *rules.get(1)?;
    let is_end = |at: usize| lines.get(at + 1).is_none_or(|next| next.is_empty());
    let end = if is_end(second) { second } else { *rules.get(2)? };
    let mut rows = Rows::new();
    for line in lines[1..end].iter().filter(|line| !line.is_empty() && !is_rule(line)) {
        if line.chars().all(|c| c == '-' || c == ' ') {
            continue;
        }
        let chars: Vec<char> = line.chars().collect();
        let cells: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(number, from)| {
                let to = columns.get(number + 1).copied().unwrap_or(chars.len()).min(chars.len());
                chars[(*from).min(to)..to].iter().collect::<String>().trim().to_owned()
            })
            .collect();
        // A first cell without text continues the row above.
        match rows.last_mut() {
            Some(above) if cells[0].is_empty() => {
                above.iter_mut().zip(&cells).for_each(|(cell, more)| join(cell, more));
            }
            _ => rows.push(cells),
        }
    }
    (!rows.is_empty()).then_some((rows, end + 1))
}

/// `* - cell` begins a row, `  - cell` goes on with it.
pub(super) fn of_lists(lines: &[&str]) -> Rows {
    let mut rows = Rows::new();
    for line in lines {
        let text = line.trim();
        if let Some(cell) = text.strip_prefix("* -") {
            rows.push(vec![cell.trim().to_owned()]);
        } else if let Some(cell) = text.strip_prefix("- ").or((text == "-").then_some("")) {
            rows.last_mut().into_iter().for_each(|row| row.push(cell.trim().to_owned()));
        } else if let Some(cell) = rows.last_mut().and_then(|row| row.last_mut()) {
            join(cell, text);
        }
    }
    rows
}

fn join(cell: &mut String, more: &str) {
    if !cell.is_empty() && !more.is_empty() {
        cell.push(' ');
    }
    cell.push_str(more);
}

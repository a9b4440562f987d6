//! Plain tables on standard output.

use std::io::Write;

/// Writes a title and rows of numbers under named columns; a number that is not known is a dash.
pub fn print(title: &str, columns: &[&str], rows: &[(String, Vec<f64>)]) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    writeln!(out, "\n{title}")?;
    write!(out, "  {:width$}", "")?;
    for column in columns {
        write!(out, " {column:>10}")?;
    }
    writeln!(out)?;
    for (name, values) in rows {
        write!(out, "  {name:width$}")?;
        for value in values {
            write!(out, " {:>10}", number(*value))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "-".to_owned(),
        value if value.abs() > 1.0 => format!("{value:.1}"),
        value => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_three_digits_and_larger_numbers_one() {
        assert_eq!(number(0.71849), "0.718");
        assert_eq!(number(87.15), "87.2");
        assert_eq!(number(f64::NAN), "-");
    }
}

//! Where a key may be used from, read from a request: each value in the one form in which it is compared.

use crate::identity::places::address_range;
use crate::tenancy::allowed_origin;
use crate::web::problem::ApiError;

/// Characters shown of a value that is refused.
const SHOWN_CHARS: usize = 100;

/// Ranges as they are stored.
pub fn addresses(given: Vec<String>) -> Result<Vec<String>, ApiError> {
    each(
        given,
        "/allowed_addresses",
        "is no address and no range; write 192.0.2.7 or 10.0.0.0/8",
        |text| address_range(text).map(|range| range.to_string()),
    )
}

/// Origins as they are stored.
pub fn origins(given: Vec<String>) -> Result<Vec<String>, ApiError> {
    each(
        given,
        "/allowed_origins",
        "is no web origin; write https://www.example.com, without path; http is for localhost alone",
        allowed_origin,
    )
}

fn each(
    given: Vec<String>,
    pointer: &str,
    remedy: &str,
    read: fn(&str) -> Option<String>,
) -> Result<Vec<String>, ApiError> {
    let mut stored = Vec::with_capacity(given.len());
    for (index, text) in given.iter().enumerate() {
        let shown: String = text.chars().take(SHOWN_CHARS).collect();
        let value = read(text).ok_or_else(|| {
            ApiError::invalid(&format!("{pointer}/{index}"), format!("\"{shown}\" {remedy}"))
        })?;
        if !stored.contains(&value) {
            stored.push(value);
        }
    }
    Ok(stored)
}

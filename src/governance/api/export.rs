//! The two forms of an exported audit log, written batch by batch as they are read.
//!
//! There is no limit of rows: an archive that silently ends is worse than a long one, and memory and transactions are
//! bounded by the batch.

use std::fmt;
use std::io;

use futures_util::{StreamExt, TryStreamExt};
use poem::Body;
use poem_openapi::payload::Binary;
use poem_openapi::types::ToJSON;
use poem_openapi::{ApiResponse, Enum, ResponseContent};

use super::audit_events::AuditEventView;
use crate::db::Db;
use crate::governance::export_audit::{ExportError, export_audit};
use crate::governance::{AuditEvent, AuditFilter};
use crate::identity::Action;
use crate::identity::api::Standing;
use crate::kernel::ids::TenantId;
use crate::web::problem::{ApiError, ProblemCode};

/// Columns of the table.
const HEADER: &str = "sequence,occurred_at,actor_kind,actor_id,actor_name,action,target_kind,target_id,before,after,\
    request_id,address,previous_sha256,sha256\r\n";

/// Forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "AuditExportFormat", rename_all = "snake_case")]
pub enum FormatName {
    /// One JSON object on each line.
    Ndjson,
    /// Comma-separated values (RFC 4180).
    Csv,
}

/// An export.
#[derive(ApiResponse)]
pub enum ExportResponse {
    /// The entries, newest first.
    #[oai(status = 200)]
    Ok(
        Export,
        /// Makes a browser save the export under a name.
        #[oai(header = "Content-Disposition")]
        String,
    ),
}

/// Its forms.
#[derive(ResponseContent)]
pub enum Export {
    /// One JSON object, an `AuditEvent`, on each line.
    #[oai(content_type = "application/x-ndjson")]
    Ndjson(Binary<Body>),
    /// A table.
    #[oai(content_type = "text/csv")]
    Csv(Binary<Body>),
}

/// Begins an export: a database that cannot be reached is told before the first byte. It breaks off when its reader may
/// not read the log any more, however slowly they take it.
pub async fn export(
    db: Db,
    (tenant, standing): (TenantId, Standing),
    filter: AuditFilter,
    format: FormatName,
) -> Result<ExportResponse, ApiError> {
    let may_read = move || {
        let standing = standing.clone();
        async move {
            let asked = standing.require(Action::AuditRead).await;
            asked.map_err(|error| ExportError::Ended(error.to_string()))
        }
    };
    let mut batches = Box::pin(export_audit(db, tenant, filter, None, may_read));
    let first = batches.next().await.transpose().map_err(refused)?;
    let header = (format == FormatName::Csv).then(|| HEADER.to_owned());
    let rest = batches.map_ok(move |events| render(events, format)).map_err(broken_off);
    let begin = header.into_iter().chain(first.map(|events| render(events, format)));
    let body = Body::from_bytes_stream(
        futures_util::stream::iter(begin.map(Ok::<String, io::Error>)).chain(rest),
    );
    let name = format!("attachment; filename=\"audit_events.{format}\"");
    Ok(match format {
        FormatName::Ndjson => ExportResponse::Ok(Export::Ndjson(Binary(body)), name),
        FormatName::Csv => ExportResponse::Ok(Export::Csv(Binary(body)), name),
    })
}

fn refused(error: ExportError) -> ApiError {
    match error {
        ExportError::Ended(why) => ApiError::new(ProblemCode::Forbidden, why),
        ExportError::Database(error) => error.into(),
    }
}

/// An error after the first byte can only be told by ending the connection without its last chunk.
fn broken_off(error: ExportError) -> io::Error {
    tracing::warn!(%error, "an export of the audit log broke off");
    io::Error::other(error)
}

fn render(events: Vec<AuditEvent>, format: FormatName) -> String {
    let line = match format {
        FormatName::Ndjson => json_line,
        FormatName::Csv => csv_line,
    };
    events.into_iter().map(line).collect()
}

fn json_line(event: AuditEvent) -> String {
    AuditEventView::from(event).to_json_string() + "\n"
}

fn csv_line(event: AuditEvent) -> String {
    let AuditEvent { fields, previous_sha256, sha256 } = event;
    let cells = [
        Some(fields.sequence.to_string()),
        Some(fields.occurred_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)),
        Some(fields.actor_kind),
        fields.actor_id.map(|id| id.to_string()),
        Some(fields.actor_name),
        Some(fields.action),
        fields.target_kind,
        fields.target_id,
        fields.before.map(|json| json.to_string()),
        fields.after.map(|json| json.to_string()),
        fields.request_id,
        fields.address,
        Some(hex::encode(previous_sha256)),
        Some(hex::encode(sha256)),
    ];
    cells.map(|cell| csv_cell(&cell.unwrap_or_default())).join(",") + "\r\n"
}

/// A cell as RFC 4180 writes it. A text that a spreadsheet would take for a formula begins with an apostrophe: names are
/// chosen by people.
fn csv_cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

impl fmt::Display for FormatName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_with_a_comma_a_quote_or_a_line_is_quoted() {
        assert_eq!(csv_cell("plain"), "plain");
        assert_eq!(csv_cell("a,b"), "\"a,b\"");
        assert_eq!(csv_cell("a \"b\""), "\"a \"\"b\"\"\"");
        assert_eq!(csv_cell("a\nb"), "\"a\nb\"");
    }

    #[test]
    fn a_cell_that_would_be_a_formula_is_made_a_text() {
        for formula in ["=1+1", "+1", "-1", "@sum(a1)", "\t=1", "\r=1"] {
            assert!(csv_cell(formula).trim_start_matches('"').starts_with('\''), "{formula:?}");
        }
        assert_eq!(csv_cell("=1,2"), "\"'=1,2\"");
    }
}

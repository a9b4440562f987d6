//! Errors of the database, sorted by what a caller can do about them.

/// Result of a database call.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong in the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A named constraint refused the row; the name tells which rule was broken.
    #[error("constraint {name} refused the row")]
    Constraint {
        /// Name as in the migration.
        name: String,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
    /// No connection within the time allowed, or the server is gone: worth trying again.
    #[error("the database cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    /// Row-level security refused a write: a fault of ours, never of a user.
    #[error("row-level security refused a write")]
    Isolation(#[source] sqlx::Error),
    /// Another request under the same idempotency key is being carried out at this moment.
    #[error("a request with this idempotency key is being carried out")]
    KeyInUse,
    /// The idempotency key was used for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// A row that cannot be right.
    #[error("inconsistent row in {table}: {detail}")]
    Inconsistent {
        /// Table that holds the row.
        table: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// Any other failure of a statement.
    #[error("a statement failed")]
    Statement(#[source] sqlx::Error),
}

/// How often a change that [met another one](Error::met_another) is tried again.
pub const RETRIES: usize = 5;

impl Error {
    /// Whether a change was refused because of another one at the same moment, as in a deadlock.
    pub fn met_another(&self) -> bool {
        matches!(self, Self::Statement(_)) && self.is_retryable()
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            // Serialization failure, deadlock, lock not available, statement cancelled by a time-out.
            Self::Statement(source) => matches!(
                source.as_database_error().and_then(|error| error.code()).as_deref(),
                Some("40001" | "40P01" | "55P03" | "57014")
            ),
            _ => false,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(source: sqlx::Error) -> Self {
        if let sqlx::Error::Database(database) = &source {
            if let Some(name) = database.constraint() {
                return Self::Constraint { name: name.to_owned(), source };
            }
            return match database.code().as_deref() {
                Some("42501") => Self::Isolation(source),
                // Shutting down, cannot connect now, too many connections, connection failures; a password that is not good any
                // more, or not yet.
                Some(
                    "57P01" | "57P02" | "57P03" | "53300" | "08000" | "08003" | "08006" | "28P01"
                    | "28000",
                ) => Self::Unavailable(source),
                _ => Self::Statement(source),
            };
        }
        match source {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(source),
            _ => Self::Statement(source),
        }
    }
}

/// Turns a named constraint into an error of the caller's own.
pub trait OnConstraint<T> {
    /// Replaces the error when `name` is the constraint that refused the row.
    ///
    /// # Errors
    /// The caller's error for that constraint, the database's own for anything else.
    fn on_constraint<E: From<Error>>(
        self,
        name: &str,
        error: impl FnOnce() -> E,
    ) -> std::result::Result<T, E>;
}

impl<T> OnConstraint<T> for Result<T> {
    fn on_constraint<E: From<Error>>(
        self,
        name: &str,
        error: impl FnOnce() -> E,
    ) -> std::result::Result<T, E> {
        self.map_err(|source| match source {
            Error::Constraint { name: ref found, .. } if found == name => error(),
            other => E::from(other),
        })
    }
}

//! What a use case may answer instead of its value. Matched in exactly two places: one per door.

use domain::{Permission, Problem, Refusal};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not exist, or it belongs to another company: nobody can tell which.
    #[error("{0} was not found")]
    NotFound(&'static str),
    /// The actor has no right to do this.
    #[error("not allowed: {0}")]
    Forbidden(Permission),
    /// Nobody is signed in, or the key is not known.
    #[error("not signed in")]
    Unauthenticated,
    /// The input has problems.
    #[error("the input has {} problems", .0.len())]
    Invalid(Vec<Problem>),
    /// The state of the thing does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody else was faster, or something like it exists.
    #[error("{}", .0.message)]
    Conflict(Problem),
    /// Too many tries; the same may work after this many seconds.
    #[error("too many tries, wait {0} seconds")]
    TooMany(i64),
    /// The database is away. The same will work later.
    #[error("the database is not available")]
    Unavailable,
    /// A fault of ours; the cause goes to the log.
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

/// The result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// One problem as an error.
    #[must_use]
    pub fn invalid(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }

    /// A conflict in words.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict(Problem::new(code, message))
    }

    /// The version that the caller named is not the newest.
    #[must_use]
    pub fn stale() -> Self {
        Self::conflict("stale", "Somebody changed this in the meantime. Load it again, then make your change.")
    }

    /// A fault of ours.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::Internal(cause.into())
    }
}

impl From<Vec<Problem>> for Error {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Invalid(problems)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            error if is_away(error) => Self::Unavailable,
            error if is_unstorable(error) => {
                Problem::new("text_invalid", "Remove the characters that cannot be stored.").into()
            }
            _ => Self::Internal(error.into()),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// Whether the database cannot be reached or is just coming or going.
pub(crate) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        // 57P: the server is shutting down, crashed or starts; 08: connection; 53300: too many
        // connections; 55000 at connecting: the operator has closed the database.
        sqlx::Error::Database(e) => e
            .code()
            .is_some_and(|c| c.starts_with("57P") || c.starts_with("08") || matches!(c.as_ref(), "53300" | "55000")),
        _ => false,
    }
}

/// Whether a text has a character that Postgres does not keep. Text of ours is UTF-8, so it is U+0000,
/// as it stands (22021) or within JSON (22P05).
fn is_unstorable(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(e) if matches!(e.code().as_deref(), Some("22021" | "22P05")))
}

/// Turns the violation of a named constraint into what it means to the caller.
pub(crate) trait OnConstraint<T> {
    /// `error` is what it means that `name` was violated; other errors stay as they are.
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T>;
}

impl<T> OnConstraint<T> for Result<T, sqlx::Error> {
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T> {
        self.map_err(|e| match &e {
            sqlx::Error::Database(db) if db.constraint() == Some(name) => error(),
            _ => e.into(),
        })
    }
}

//! Calls of tools: how many may be made, what became of them, and when a server is left alone for a while.

use chrono::{DateTime, Duration, Utc};
use domain::{
    ConnectorId, Page, PageRequest, RunId,
    connectors::{ConnectorCall, ConnectorState, admit},
};

use super::Connectors;
use crate::{Error, Result, cursor};

/// Failures one after the other until a server is left alone for a while.
const BREAK_AFTER: i32 = 5;
/// For how long.
const LEFT_ALONE: Duration = Duration::seconds(60);
/// How long calls are remembered.
const REMEMBERED: Duration = Duration::days(30);

/// Whether a call may be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Make it.
    Go,
    /// Too many were made; ask again after this.
    Wait(Duration),
    /// A person has paused it.
    Paused,
    /// Somebody has to sign in first.
    NeedsSignIn,
    /// It has failed several times and is left alone until then.
    LeftAlone(DateTime<Utc>),
}

/// A call that was made.
#[derive(Clone, Debug)]
pub struct Made<'a> {
    /// The tool, as its server calls it.
    pub tool: &'a str,
    /// The run that called it.
    pub run: Option<RunId>,
    /// Milliseconds it took.
    pub took_ms: i64,
    /// Why it did not work.
    pub error: Option<&'a str>,
    /// Whether the server, and not what was asked of it, is at fault.
    pub broken: bool,
    /// Whether the server knows nobody any more.
    pub needs_sign_in: bool,
    /// What it asks of whoever signs in.
    pub challenge: Option<&'a str>,
}

impl Connectors<'_> {
    /// The calls of a connector, the newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a cursor that is none of this list.
    pub async fn calls(&mut self, id: ConnectorId, page: &PageRequest) -> Result<Page<ConnectorCall>> {
        self.get(id).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = sqlx::query_as!(
            ConnectorCall,
            r#"SELECT id, tool, run_id AS "run: RunId", took_ms, error, created_at FROM connector_calls
               WHERE connector_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
               ORDER BY created_at DESC, id DESC LIMIT $4"#,
            id.0,
            after.at,
            after.id,
            limit + 1
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Page::from_rows(rows, limit, false, false, |call| cursor::encode(call.created_at, call.id)))
    }

    /// Asks whether a call may be made, and counts it if so.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn admit(&mut self, id: ConnectorId) -> Result<Admission> {
        let now = self.t.now();
        let row = sqlx::query!(
            r#"SELECT state AS "state: ConnectorState", open_until, due_at, calls_per_minute
               FROM connectors WHERE id = $1 FOR UPDATE"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("connector"))?;
        match (row.state, row.open_until) {
            (ConnectorState::Paused, _) => return Ok(Admission::Paused),
            (ConnectorState::NeedsSignIn, _) => return Ok(Admission::NeedsSignIn),
            (_, Some(until)) if until > now => return Ok(Admission::LeftAlone(until)),
            _ => {}
        }
        Ok(match admit(row.due_at, now, row.calls_per_minute) {
            Ok(next) => {
                sqlx::query!("UPDATE connectors SET due_at = $2 WHERE id = $1", id.0, next)
                    .execute(self.t.conn())
                    .await?;
                Admission::Go
            }
            Err(wait) => Admission::Wait(wait),
        })
    }

    /// Keeps what became of a call. Several failures one after the other open the breaker for a minute.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn made(&mut self, id: ConnectorId, made: Made<'_>) -> Result<()> {
        let (call, now): (uuid::Uuid, _) = (self.t.new_id(), self.t.now());
        let error = made.error.map(|words| words.replace('\0', "\u{fffd}").chars().take(2_000).collect::<String>());
        sqlx::query!(
            "UPDATE connectors SET failures = CASE WHEN $2 THEN failures + 1 ELSE 0 END,
                    open_until = CASE WHEN $2 AND failures + 1 >= $3 THEN $4::timestamptz END,
                    last_error = CASE WHEN $2 OR $5 THEN $6 END,
                    state = CASE WHEN state = 'paused' THEN state WHEN $5 THEN 'needs_sign_in'
                                 WHEN $2 AND failures + 1 >= $3 THEN 'failing' WHEN $2 THEN state ELSE 'ready' END,
                    challenge = coalesce($7, challenge)
             WHERE id = $1",
            id.0,
            made.broken,
            BREAK_AFTER,
            now + LEFT_ALONE,
            made.needs_sign_in,
            error,
            made.challenge,
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!(
            "INSERT INTO connector_calls (id, connector_id, tool, run_id, took_ms, error, created_at)
             SELECT $1, id, $3, $4, $5, $6, $7 FROM connectors WHERE id = $2",
            call,
            id.0,
            made.tool,
            made.run.map(|run| run.0),
            made.took_ms,
            error,
            now,
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!("DELETE FROM connector_calls WHERE connector_id = $1 AND created_at < $2", id.0, now - REMEMBERED)
            .execute(self.t.conn())
            .await?;
        self.t.tell("connectors", id.0).await
    }
}

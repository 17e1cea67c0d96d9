//! The audit log: every critical operation and every denied attempt, written once, never edited.

use domain::{
    AuditEventId, Page, PageRequest, Permission,
    companies::{AuditEvent, AuditOutcome},
};

use crate::{Result, Tenant, actor::Who, cursor};

/// The audit log of the company.
#[derive(Debug)]
pub struct Audit<'t> {
    t: &'t mut Tenant,
}

/// What is written about one operation.
#[derive(Clone, Debug)]
pub struct Entry {
    action: String,
    object: Option<String>,
    outcome: AuditOutcome,
    details: Option<String>,
}

impl Entry {
    /// Something that was done: `noun.verb`.
    #[must_use]
    pub fn done(action: &str) -> Self {
        Self { action: action.to_owned(), object: None, outcome: AuditOutcome::Allowed, details: None }
    }

    /// Something that was refused for want of a right.
    #[must_use]
    pub fn denied(permission: Permission) -> Self {
        Self {
            action: permission.to_string(),
            object: None,
            outcome: AuditOutcome::Denied,
            details: Some(format!("Tried to {}.", permission.label())),
        }
    }

    /// Something that failed for another reason, a wrong password say.
    #[must_use]
    pub fn refused(action: &str) -> Self {
        Self { outcome: AuditOutcome::Denied, ..Self::done(action) }
    }

    /// What it was done to, in words.
    #[must_use]
    pub fn on(mut self, object: impl Into<String>) -> Self {
        self.object = Some(object.into());
        self
    }

    /// More about it. Never a secret.
    #[must_use]
    pub fn details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }
}

impl Tenant {
    /// The audit log.
    pub fn audit(&mut self) -> Audit<'_> {
        Audit { t: self }
    }
}

impl Audit<'_> {
    /// Writes an entry about what the actor did.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn record(&mut self, entry: Entry) -> Result<()> {
        let id: AuditEventId = self.t.new_id();
        let now = self.t.now();
        let actor = self.t.actor().clone();
        let (kind, actor_id) = match actor.who() {
            Who::Person { id, .. } => ("person", Some(id.0)),
            Who::Key { id, .. } => ("key", Some(id.0)),
            Who::System { .. } => ("system", None),
        };
        sqlx::query!(
            "INSERT INTO audit_events (id, at, actor_kind, actor_id, actor, action, object, outcome, details, ip, request_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            id.0,
            now,
            kind,
            actor_id,
            actor.to_string(),
            entry.action,
            entry.object,
            entry.outcome.as_str(),
            entry.details,
            actor.origin().ip,
            actor.origin().request_id,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// The log, newest first.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] without the right to read it.
    pub async fn list(&mut self, denied_only: bool, page: &PageRequest) -> Result<Page<AuditEvent>> {
        self.t.require(Permission::ReadAudit).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = sqlx::query_as!(
            AuditEvent,
            r#"
            SELECT id AS "id: AuditEventId", at, actor, action, object, outcome AS "outcome: AuditOutcome",
                   details, ip, request_id
            FROM audit_events
            WHERE (NOT $1 OR outcome = 'denied')
              AND ($2::timestamptz IS NULL OR (at, id) < ($2, $3::uuid))
            ORDER BY at DESC, id DESC
            LIMIT $4
            "#,
            denied_only,
            after.at,
            after.id,
            limit + 1,
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Page::from_rows(rows, limit, false, false, |e| cursor::encode(e.at, e.id.0)))
    }
}

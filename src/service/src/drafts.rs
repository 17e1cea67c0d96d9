//! Drafts of e-mails to leads. A draft is never sent by itself, and one that was used or dismissed is not
//! changed any more.

use domain::{
    DraftId, LeadId, Permission, RunId,
    drafts::{Draft, DraftInput, DraftState},
};

use crate::{Error, Result, Tenant};

/// The drafts of the company.
#[derive(Debug)]
pub struct Drafts<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// The drafts of e-mails to leads.
    pub fn drafts(&mut self) -> Drafts<'_> {
        Drafts { t: self }
    }
}

impl Drafts<'_> {
    /// The drafts to a lead, the newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn of_lead(&mut self, lead: LeadId) -> Result<Vec<Draft>> {
        self.t.leads().require_there(lead).await?;
        Ok(sqlx::query_as!(
            Draft,
            r#"
            SELECT id AS "id: DraftId", lead_id AS "lead: LeadId", subject, body, state AS "state: DraftState", agent,
                   run_id AS "run: RunId", author, version, created_at, decided_at, decided_by
            FROM drafts
            WHERE lead_id = $1
            ORDER BY created_at DESC, id DESC
            LIMIT 200
            "#,
            lead.0
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// One draft.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: DraftId) -> Result<Draft> {
        self.t.require(Permission::Read).await?;
        sqlx::query_as!(
            Draft,
            r#"
            SELECT id AS "id: DraftId", lead_id AS "lead: LeadId", subject, body, state AS "state: DraftState", agent,
                   run_id AS "run: RunId", author, version, created_at, decided_at, decided_by
            FROM drafts
            WHERE id = $1
            "#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("draft"))
    }

    /// A new draft. What an agent writes in a run remembers both.
    ///
    /// # Errors
    /// Problems of subject or text; [`Error::NotFound`] for a lead that is not there.
    pub async fn create(&mut self, lead: LeadId, subject: &str, body: &str) -> Result<Draft> {
        self.t.require(Permission::EditLeads).await?;
        self.t.leads().require_there(lead).await?;
        let input = check(subject, body)?;
        let (id, now): (DraftId, _) = (self.t.new_id(), self.t.now());
        let author = self.t.actor().to_string();
        let (agent, run) = self.t.actor().run().map(|run| (run.agent.clone(), run.id.0)).unzip();
        sqlx::query!(
            "INSERT INTO drafts (id, lead_id, subject, body, agent, run_id, author, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            id.0,
            lead.0,
            input.subject,
            input.body,
            agent,
            run,
            author,
            now,
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("leads", lead.0).await?;
        self.get(id).await
    }

    /// Other words for an open draft.
    ///
    /// # Errors
    /// Problems of subject or text; [`Error::NotFound`]; [`Error::Refused`] for a draft that was decided
    /// about; a conflict when `version` is not the newest.
    pub async fn update(&mut self, id: DraftId, subject: &str, body: &str, version: Option<i32>) -> Result<Draft> {
        self.t.require(Permission::EditLeads).await?;
        let draft = self.lock(id).await?;
        if version.is_some_and(|version| version != draft.version) {
            return Err(Error::stale());
        }
        draft.state.require_open()?;
        let input = check(subject, body)?;
        sqlx::query!(
            "UPDATE drafts SET subject = $2, body = $3, version = version + 1 WHERE id = $1",
            id.0,
            input.subject,
            input.body
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("leads", draft.lead.0).await?;
        self.get(id).await
    }

    /// Puts a draft aside that nobody wants; nothing happens when it is.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] for a draft that was used.
    pub async fn dismiss(&mut self, id: DraftId) -> Result<Draft> {
        self.decide(id, DraftState::Dismissed).await
    }

    /// Remembers that somebody took the words of a draft; nothing happens when they did. It sends nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] for a draft that was dismissed.
    pub async fn use_it(&mut self, id: DraftId) -> Result<Draft> {
        self.decide(id, DraftState::Used).await
    }

    async fn decide(&mut self, id: DraftId, state: DraftState) -> Result<Draft> {
        self.t.require(Permission::EditLeads).await?;
        let draft = self.lock(id).await?;
        if draft.state == state {
            return Ok(draft);
        }
        draft.state.require_open()?;
        let (now, actor) = (self.t.now(), self.t.actor().to_string());
        sqlx::query!(
            "UPDATE drafts SET state = $2, decided_at = $3, decided_by = $4, version = version + 1 WHERE id = $1",
            id.0,
            state.as_str(),
            now,
            actor,
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("leads", draft.lead.0).await?;
        self.get(id).await
    }

    /// The draft, locked against other changes.
    async fn lock(&mut self, id: DraftId) -> Result<Draft> {
        sqlx::query!("SELECT id FROM drafts WHERE id = $1 FOR UPDATE", id.0).fetch_optional(self.t.conn()).await?;
        self.get(id).await
    }
}

fn check(subject: &str, body: &str) -> Result<DraftInput> {
    Ok(DraftInput { subject: subject.to_owned(), body: body.to_owned() }.check()?)
}

//! Drafts of e-mails to leads. One that belongs to a campaign is sent only when somebody has approved it, any
//! other never; and what was decided about is not changed any more.

mod facts;
mod holding;
mod orders;
mod queue;
mod rejection;
mod review;
mod rules;
mod samples;
mod truth;

use domain::{
    DraftId, EnrolmentId, LeadId, Permission, RunId,
    drafts::{Draft, DraftCheck, DraftInput, DraftState, Fact, Origin, Rejection, Sentence, Writer},
};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Error, Result, Tenant};

pub use orders::{Brief, Order, Text};
pub use queue::Place;
pub use rejection::carry_out;
pub use rules::{Prompt, Rules};
pub use samples::SampleOrder;

pub(crate) use facts::basic as basic_facts;

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
        let ids = sqlx::query_scalar!(
            "SELECT id FROM drafts WHERE lead_id = $1 ORDER BY created_at DESC, id DESC LIMIT 200",
            lead.0
        )
        .fetch_all(self.t.conn())
        .await?;
        self.load(&ids).await
    }

    /// One draft.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: DraftId) -> Result<Draft> {
        self.t.require(Permission::Read).await?;
        self.load(&[id.0]).await?.pop().ok_or(Error::NotFound("draft"))
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

    /// Other words for an open draft. One of a campaign is judged again, and keeps what its writer wrote.
    ///
    /// # Errors
    /// Problems of subject or text; [`Error::NotFound`]; [`Error::Refused`] for a draft that was decided
    /// about; a conflict when `version` is not the newest.
    pub async fn update(&mut self, id: DraftId, subject: &str, body: &str, version: Option<i32>) -> Result<Draft> {
        self.t.require(Permission::EditLeads).await?;
        let draft = self.lock(id).await?;
        self.require_free(id).await?;
        if version.is_some_and(|version| version != draft.version) {
            return Err(Error::stale());
        }
        draft.state.require_open()?;
        let input = check(subject, body)?;
        if draft.enrolment.is_some() {
            return self.reword(draft, input).await;
        }
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
        if draft.enrolment.is_some() {
            let words = "This draft belongs to a campaign: approve it, reject it, or ask for another one.";
            return Err(domain::Refusal::new("draft_of_campaign", words, &["approve", "reject", "rewrite"]).into());
        }
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

    /// The draft, locked against other changes. The enrolment first, as everybody locks them.
    async fn lock(&mut self, id: DraftId) -> Result<Draft> {
        sqlx::query!(
            "SELECT e.id FROM enrolments e JOIN messages m ON m.enrolment_id = e.id JOIN drafts d ON d.message_id = m.id
             WHERE d.id = $1 FOR UPDATE OF e",
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        sqlx::query!("SELECT id FROM drafts WHERE id = $1 FOR UPDATE", id.0).fetch_optional(self.t.conn()).await?;
        self.get(id).await
    }

    /// The drafts with these ids, the newest first.
    async fn load(&mut self, ids: &[Uuid]) -> Result<Vec<Draft>> {
        let rows = sqlx::query!(
            r#"
            SELECT d.id AS "id: DraftId", d.lead_id AS "lead: LeadId", d.subject, d.body, d.state AS "state: DraftState",
                   m.enrolment_id AS "enrolment?: EnrolmentId", d.revision,
                   d.sentences AS "sentences: Json<Vec<Sentence>>", d.facts AS "facts: Json<Vec<Fact>>",
                   d.checks AS "checks: Json<Vec<DraftCheck>>", d.passes, d.writer AS "writer: Writer", d.prompt_version,
                   d.model, d.tokens_in, d.tokens_out, d.cost_micros, d.original_subject, d.original_body, d.notice,
                   d.reason, d.rejection AS "rejection: Rejection", d.edited_by, d.agent, d.run_id AS "run: RunId", d.author, d.version, d.created_at, d.decided_at, d.decided_by
            FROM drafts d
            LEFT JOIN messages m ON m.id = d.message_id
            WHERE d.id = ANY($1)
            ORDER BY d.created_at DESC, d.id DESC
            "#,
            ids
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| Draft {
                id: r.id,
                lead: r.lead,
                subject: r.subject,
                body: r.body,
                state: r.state,
                enrolment: r.enrolment,
                revision: r.revision,
                sentences: r.sentences.0,
                facts: r.facts.0,
                checks: r.checks.0,
                passes: r.passes,
                origin: r.writer.map(|writer| Origin {
                    writer,
                    prompt_version: r.prompt_version.unwrap_or_default(),
                    model: r.model,
                    tokens_in: r.tokens_in,
                    tokens_out: r.tokens_out,
                    cost_micros: r.cost_micros,
                }),
                original: r.original_subject.zip(r.original_body).map(|(subject, body)| DraftInput { subject, body }),
                edited_by: r.edited_by,
                notice: r.notice,
                reason: r.reason,
                rejection: r.rejection,
                agent: r.agent,
                run: r.run,
                author: r.author,
                version: r.version,
                created_at: r.created_at,
                decided_at: r.decided_at,
                decided_by: r.decided_by,
            })
            .collect())
    }
}

fn check(subject: &str, body: &str) -> Result<DraftInput> {
    Ok(DraftInput { subject: subject.to_owned(), body: body.to_owned() }.check()?)
}

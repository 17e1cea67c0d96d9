//! An agent drafts a reply for a person: a run with their rights, which reads the mail as data. What it has written
//! waits beside their own words until they have seen it, so neither takes the place of the other.

use domain::{
    Permission, RunId, ThreadId,
    runs::{NewRun, RunState},
};
use serde_json::json;

use super::{Threads, replies::may_leave};
use crate::{Error, Result, runs::Cause};

/// The agent that drafts replies.
pub const DRAFTER: &str = "reply-drafter";

/// Most characters that the inputs of the agent take.
const REPLY: usize = 10_000;
/// The same of its subject.
const SUBJECT: usize = 200;
/// The same of what it is to say.
const FACTS: usize = 2_000;
/// The same of the name below it.
const SENDER: usize = 100;

/// A draft that an agent makes, or has made, for the reply of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drafting {
    /// The run.
    pub run: RunId,
    /// Its agent.
    pub agent: String,
    /// Where it stands.
    pub state: RunState,
    /// It has written a draft.
    pub wrote: bool,
    /// The built-in writer wrote it: no language model took part.
    pub built_in: bool,
    /// Names of the tools by which it has looked things up.
    pub read: Vec<String>,
    /// Why it has failed.
    pub failure: Option<String>,
    /// What it has written so far, while its model writes.
    pub writing: Option<String>,
}

impl Threads<'_> {
    /// Lets the agent draft a reply for the person. What they have begun to write is what it is to say.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict when nothing can be answered, nothing is known of whoever has written, the agent
    /// still writes, or there is no such agent; as [`crate::runs::Runs::create`].
    pub async fn draft_with_agent(&mut self, id: ThreadId) -> Result<RunId> {
        self.t.require(Permission::EditCampaigns).await?;
        self.t.require(Permission::RunAgents).await?;
        let me = self.t.actor().user_id().ok_or(Error::Forbidden(Permission::RunAgents))?;
        self.get(id).await?;
        if self.drafting(id).await?.is_some_and(|drafting| !drafting.state.has_ended()) {
            return Err(Error::conflict(
                "draft_under_way",
                "The agent is still writing. Wait for it, or cancel its run.",
            ));
        }
        let answered = self.answered(id).await?;
        may_leave(&answered)?;
        let words =
            "Nothing is known of whoever has written this. Make them a lead first, then an agent can answer them.";
        let lead = answered.lead.ok_or_else(|| Error::conflict("no_lead", words))?;
        let agent = match self.t.agents().by_name(DRAFTER).await {
            Err(Error::NotFound(_)) => {
                let words = format!("Your company has no agent “{DRAFTER}” any more. Add it again from the catalogue.");
                return Err(Error::conflict("no_drafter", words));
            }
            found => found?,
        };
        let draft = self.draft(id).await?.unwrap_or_default();
        self.keep_draft(id, &draft).await?;
        let mail = sqlx::query!("SELECT subject, text FROM inbound_messages WHERE id = $1", answered.inbound.0)
            .fetch_one(self.t.conn())
            .await?;
        let said = if mail.text.trim().is_empty() { &mail.subject } else { &mail.text };
        let mut parameters = json!({
            "lead": lead,
            "reply": cut(said, REPLY),
            "subject": cut(&mail.subject, SUBJECT),
            "sender": cut(self.t.actor().name(), SENDER),
            "facts": cut(&draft.body, FACTS),
        });
        let parameters = parameters.as_object_mut().map(std::mem::take).unwrap_or_default();
        let new = NewRun {
            agent: DRAFTER.to_owned(),
            task: "Draft an answer to this reply.".to_owned(),
            parameters: parameters.into_iter().filter(|(_, value)| value != "").collect(),
            ..NewRun::default()
        };
        // The words of the mail are data for whoever reads them in the run.
        let cause = Cause { payload: Some(json!({ "mail": answered.inbound })), ..Cause::default() };
        let run = self.t.runs().start(agent, new, cause).await?.id;
        sqlx::query!("UPDATE reply_drafts SET run_id = $3 WHERE thread_id = $1 AND user_id = $2", id.0, me.0, run.0)
            .execute(self.t.conn())
            .await?;
        self.t.tell("threads", id.0).await?;
        Ok(run)
    }

    /// The draft that an agent makes for the person, or has made last.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn drafting(&mut self, id: ThreadId) -> Result<Option<Drafting>> {
        let me = self.t.actor().user_id().map(|id| id.0);
        let drafting = sqlx::query_as!(
            Drafting,
            r#"SELECT r.id AS "run: RunId", r.agent, r.state AS "state: RunState", r.failure_detail AS failure,
                      EXISTS (SELECT FROM drafts f WHERE f.run_id = r.id) AS "wrote!",
                      NOT EXISTS (SELECT FROM run_steps s WHERE s.run_id = r.id AND s.attempt = r.attempt
                                    AND s.model IS NOT NULL) AS "built_in!",
                      ARRAY(SELECT DISTINCT s.name FROM run_steps s
                            WHERE s.run_id = r.id AND s.attempt = r.attempt AND s.kind = 'tool_call' AND s.risk = 'read'
                              AND s.output IS NOT NULL ORDER BY s.name) AS "read!",
                      NULL::text AS writing
               FROM reply_drafts d JOIN runs r ON r.id = d.run_id
               WHERE d.thread_id = $1 AND d.user_id = $2"#,
            id.0,
            me
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(mut drafting) = drafting else { return Ok(None) };
        // What a model says after its draft is about it.
        if !drafting.wrote {
            drafting.writing = self.t.runs().writing(drafting.run).await?;
        }
        Ok(Some(drafting))
    }

    /// Whoever has the reply before them for which a run drafts hears that it has gone on.
    pub(crate) async fn tell_drafting(&mut self, run: RunId) -> Result<()> {
        let thread = sqlx::query_scalar!("SELECT thread_id FROM reply_drafts WHERE run_id = $1", run.0)
            .fetch_optional(self.t.conn())
            .await?;
        match thread {
            Some(thread) => self.t.tell("drafting", thread).await,
            None => Ok(()),
        }
    }

    /// Whether the company has a language model that may be asked.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn has_model(&mut self) -> Result<bool> {
        Ok(sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM models WHERE enabled) AS "any!""#)
            .fetch_one(self.t.conn())
            .await?)
    }

    /// A run has ended: what it has drafted goes to whoever asked for it.
    pub(crate) async fn drafted(&mut self, run: RunId, state: RunState) -> Result<()> {
        let thread = sqlx::query_scalar!(
            "UPDATE reply_drafts SET arrived = coalesce(
                 (SELECT f.body FROM drafts f WHERE f.run_id = $1 AND $2 ORDER BY f.created_at DESC, f.id DESC LIMIT 1), arrived)
             WHERE run_id = $1 RETURNING thread_id",
            run.0,
            state == RunState::Succeeded
        )
        .fetch_optional(self.t.conn())
        .await?;
        match thread {
            Some(thread) => self.t.tell("threads", thread).await,
            None => Ok(()),
        }
    }

    /// Says of what the agent has drafted for the person whether they have taken it.
    pub(super) async fn decide_draft(&mut self, id: ThreadId, used: bool) -> Result<()> {
        let me = self.t.actor().user_id().map(|id| id.0);
        let open = sqlx::query_scalar!(
            r#"SELECT f.id AS "id: domain::DraftId" FROM reply_drafts d JOIN drafts f ON f.run_id = d.run_id
               WHERE d.thread_id = $1 AND d.user_id = $2 AND f.state = 'open' AND f.message_id IS NULL"#,
            id.0,
            me
        )
        .fetch_all(self.t.conn())
        .await?;
        for draft in open {
            let mut drafts = self.t.drafts();
            if used {
                drafts.use_it(draft).await?
            } else {
                drafts.dismiss(draft).await?
            };
        }
        Ok(())
    }
}

fn cut(text: &str, most: usize) -> String {
    text.trim().chars().take(most).collect()
}

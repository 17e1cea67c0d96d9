//! What a trigger does with something that happened: a run, or the reason why there is none. It decides with
//! the row of the trigger held, so its bounds are kept by however many workers there are.

use chrono::{DateTime, Duration, Utc};
use domain::{
    AgentId, ApiKeyId, CampaignId, CompanyId, FiringId, InboundId, LeadId, Permission, RunId, TriggerId, UserId,
    inbound::MOST_FOR_AGENTS,
    runs::{NewRun, RunOrigin},
    triggers::{Event, MAX_DEPTH, NotStarted, TriggerKind, WhileBusy, fill},
};
use serde_json::{Map, Value, json};
use sqlx::types::Json;

use super::Triggers;
use crate::{
    Db, Error, Result,
    audit::Entry,
    runs::{Cause, StartedBy},
};

/// Things that happened and that one transaction looks at.
const BATCH: i64 = 20;

/// What a trigger is set off by.
#[derive(Debug, Default)]
pub(super) struct NewFiring {
    pub cause: String,
    pub due_at: Option<DateTime<Utc>>,
    pub delivery: Option<String>,
    pub lead: Option<LeadId>,
    pub campaign: Option<CampaignId>,
}

/// The run, or why there is none.
pub(super) type Outcome = Result<RunId, (NotStarted, Option<String>)>;

/// A trigger whose row is held.
#[derive(Debug)]
pub(super) struct Held {
    pub id: TriggerId,
    pub name: String,
    pub agent: AgentId,
    pub kind: TriggerKind,
    task: String,
    parameters: Json<Map<String, Value>>,
    while_busy: WhileBusy,
    hourly_cap: i32,
    person: Option<UserId>,
    key: Option<ApiKeyId>,
    saved_by: String,
}

/// Looks at everything that happened and waits for a trigger.
///
/// # Errors
/// When the database is away; the next call goes on.
pub async fn fire(db: &Db, company: CompanyId, id: TriggerId) -> Result<()> {
    let actor = db.platform().system_actor(company, "triggers").await?;
    loop {
        let mut t = db.tenant(&actor).await?;
        let more = t.triggers().fire_pending(id).await?;
        t.commit().await?;
        if !more {
            return Ok(());
        }
    }
}

impl Triggers<'_> {
    /// Looks at some of what waits; whether there may be more.
    async fn fire_pending(&mut self, id: TriggerId) -> Result<bool> {
        let Some(held) = self.hold(id).await? else { return Ok(false) };
        let rows = sqlx::query!(
            r#"SELECT id AS "id: FiringId", lead_id AS "lead: LeadId", campaign_id AS "campaign: CampaignId", depth,
                      inbound_id AS "mail: InboundId"
               FROM trigger_firings WHERE trigger_id = $1 AND state = 'pending' ORDER BY at, id LIMIT $2"#,
            id.0,
            BATCH
        )
        .fetch_all(self.t.conn())
        .await?;
        let more = i64::try_from(rows.len()).unwrap_or(BATCH) == BATCH;
        for row in rows {
            let reply = match row.mail {
                Some(mail) => Some(self.reply(mail).await?),
                None => None,
            };
            let event = Event { lead: row.lead, campaign: row.campaign, reply, payload: None };
            let outcome = self.decide(&held, &event, row.depth).await?;
            self.settle(row.id, &outcome).await?;
        }
        Ok(more)
    }

    /// A reply, as parameters can name it.
    pub(super) async fn reply(&mut self, mail: InboundId) -> Result<Value> {
        let mail = self.t.inbound().get(mail).await?;
        let text: String = mail.text.chars().take(MOST_FOR_AGENTS).collect();
        let from = mail.from_address.unwrap_or_default();
        Ok(json!({ "text": text, "subject": mail.subject, "from": from, "kind": mail.kind }))
    }

    /// The trigger, held until the end of the transaction. Firings may still be written beside it.
    pub(super) async fn hold(&mut self, id: TriggerId) -> Result<Option<Held>> {
        Ok(sqlx::query_as!(
            Held,
            r#"SELECT id AS "id: TriggerId", name, agent_id AS "agent: AgentId", kind AS "kind: TriggerKind", task,
                      parameters AS "parameters: Json<Map<String, Value>>", while_busy AS "while_busy: WhileBusy",
                      hourly_cap, person_id AS "person: UserId", api_key_id AS "key: ApiKeyId", saved_by
               FROM triggers WHERE id = $1 FOR NO KEY UPDATE"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?)
    }

    /// Starts a run, unless something stands against it.
    pub(super) async fn decide(&mut self, held: &Held, event: &Event, depth: i32) -> Result<Outcome> {
        let not = |reason| Ok(Err((reason, None)));
        // Asked again each time: the one before may have paused it.
        let enabled = sqlx::query_scalar!("SELECT enabled FROM triggers WHERE id = $1", held.id.0)
            .fetch_one(self.t.conn())
            .await?;
        if !enabled {
            return not(NotStarted::Disabled);
        }
        if depth > MAX_DEPTH {
            return not(NotStarted::TooDeep);
        }
        if !self.has_rights(held).await? {
            return not(NotStarted::RightsLost);
        }
        if held.while_busy == WhileBusy::Skip && self.is_busy(held.id).await? {
            return not(NotStarted::Busy);
        }
        if self.started_lately(held.id).await? >= i64::from(held.hourly_cap) {
            return not(NotStarted::HourlyCap);
        }
        let parameters = match fill(&held.parameters.0, event) {
            Ok(parameters) => parameters,
            Err(problems) => return Ok(Err((NotStarted::Unfit, Some(words(problems))))),
        };
        let (origin, word) = match held.kind {
            TriggerKind::Schedule => (RunOrigin::Schedule, "Schedule"),
            _ => (RunOrigin::Trigger, "Trigger"),
        };
        let by = StartedBy { origin, words: format!("{word} “{}”", held.name), person: held.person, key: held.key };
        // What came from outside goes with the run: then it is one that has read such text.
        let reply = event.reply.as_ref().map(|reply| json!({ "reply": reply }));
        let (trigger, payload) = (Some(held.id), event.payload.clone().or(reply));
        let cause = Cause { trigger, by: Some(by), depth, payload, ..Cause::default() };
        let name = self.t.agents().get(held.agent).await?.name;
        let new = NewRun { agent: name, task: held.task.clone(), parameters, ..NewRun::default() };
        match self.t.runs().start(held.agent, new, cause).await {
            Ok(run) => Ok(Ok(run.id)),
            Err(Error::Conflict(problem)) if problem.code == "agent_disabled" => not(NotStarted::AgentDisabled),
            Err(Error::Conflict(problem)) => Ok(Err((NotStarted::Unfit, Some(problem.message)))),
            Err(Error::Invalid(problems)) => Ok(Err((NotStarted::Unfit, Some(words(problems))))),
            Err(error) => Err(error),
        }
    }

    /// Whether whoever saved the trigger may still do what saving it needed; if not, it is paused.
    async fn has_rights(&mut self, held: &Held) -> Result<bool> {
        let why = match self.t.runs().rights_of(held.person, held.key).await? {
            Some(actor) if actor.can(Permission::ManageAgents) && actor.can(Permission::RunAgents) => return Ok(true),
            Some(_) => "may not manage agents any more",
            None => "does not belong to the company any more",
        };
        let words = format!("{} {why}. Whoever enables it again gives it their rights.", held.saved_by);
        sqlx::query!(
            "UPDATE triggers SET enabled = false, next_at = NULL, paused = $2 WHERE id = $1",
            held.id.0,
            words
        )
        .execute(self.t.conn())
        .await?;
        self.t.audit().record(Entry::done("trigger.paused").on(held.name.clone()).details(words)).await?;
        self.t.tell("triggers", held.id.0).await?;
        Ok(false)
    }

    /// Whether a run of the trigger has not ended.
    pub(super) async fn is_busy(&mut self, id: TriggerId) -> Result<bool> {
        Ok(sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM runs WHERE trigger_id = $1 AND finished_at IS NULL) AS "busy!""#,
            id.0
        )
        .fetch_one(self.t.conn())
        .await?)
    }

    async fn started_lately(&mut self, id: TriggerId) -> Result<i64> {
        let since = self.t.now() - Duration::hours(1);
        Ok(sqlx::query_scalar!(
            r#"SELECT count(*) AS "n!" FROM trigger_firings WHERE trigger_id = $1 AND at > $2 AND state = 'started'"#,
            id.0,
            since
        )
        .fetch_one(self.t.conn())
        .await?)
    }

    /// Writes down that something happened. Nothing when the same is written down already.
    pub(super) async fn note(&mut self, trigger: TriggerId, new: NewFiring) -> Result<Option<FiringId>> {
        let (id, now): (FiringId, _) = (self.t.new_id(), self.t.now());
        let made = sqlx::query!(
            "INSERT INTO trigger_firings (id, trigger_id, at, cause, due_at, delivery, lead_id, campaign_id, state)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending') ON CONFLICT DO NOTHING",
            id.0,
            trigger.0,
            now,
            new.cause,
            new.due_at,
            new.delivery,
            new.lead.map(|id| id.0),
            new.campaign.map(|id| id.0),
        )
        .execute(self.t.conn())
        .await?
        .rows_affected();
        Ok((made > 0).then_some(id))
    }

    /// Writes down what came of it. A delivery that has started nothing may come once more.
    pub(super) async fn settle(&mut self, firing: FiringId, outcome: &Outcome) -> Result<()> {
        let (state, reason, detail) = match outcome {
            Ok(_) => ("started", None, None),
            Err((reason, detail)) => ("not_started", Some(reason.as_str()), detail.as_deref()),
        };
        let trigger = sqlx::query_scalar!(
            "UPDATE trigger_firings SET state = $2, reason = $3, detail = $4, run_id = $5,
                    delivery = CASE WHEN $2 = 'started' THEN delivery END
             WHERE id = $1 RETURNING trigger_id",
            firing.0,
            state,
            reason,
            detail,
            outcome.as_ref().ok().map(|run| run.0),
        )
        .fetch_one(self.t.conn())
        .await?;
        self.t.tell("triggers", trigger).await
    }
}

fn words(problems: Vec<domain::Problem>) -> String {
    problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join(" ")
}

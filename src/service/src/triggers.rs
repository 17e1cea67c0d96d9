//! Triggers of agents: schedules, things that happen, and deliveries of other systems. A run that a trigger
//! starts has the rights that whoever saved it has at that moment; without them it starts nothing.

mod events;
mod firing;
mod hook;
mod plan;

use chrono::{DateTime, Duration, Utc};
use domain::{
    AgentId, CampaignId, FiringId, InboundId, LeadId, Page, PageRequest, Permission, Problem, RunId, TriggerId,
    campaigns::CampaignState,
    runs::{NewRun, Run},
    triggers::{
        Event, Firing, FiringState, MOST, Misfire, NotStarted, Schedule, Trigger, TriggerInput, TriggerKind, When,
        WhileBusy, fill, name_of,
    },
};
use serde_json::{Map, Value, json};
use sqlx::types::Json;

pub(crate) use events::Watch;
pub use firing::fire;
pub use hook::Answer;
pub use plan::fire_due;

use crate::{
    Error, Result, Tenant, audit::Entry, cursor, error::OnConstraint, jobs::LookAtSchedules, runs::Cause,
    runs::parameters, secrets,
};

/// Times of a schedule that are told.
const TOLD: usize = 5;

/// The triggers of the company.
#[derive(Debug)]
pub struct Triggers<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// The triggers of the company.
    pub fn triggers(&mut self) -> Triggers<'_> {
        Triggers { t: self }
    }
}

impl Triggers<'_> {
    /// The triggers of an agent, the oldest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an agent.
    pub async fn list(&mut self, agent: AgentId) -> Result<Vec<Trigger>> {
        self.t.require(Permission::Read).await?;
        self.t.agents().get(agent).await?;
        self.select(agent, None).await
    }

    /// One trigger of an agent.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, agent: AgentId, id: TriggerId) -> Result<Trigger> {
        self.t.require(Permission::Read).await?;
        self.select(agent, Some(id)).await?.pop().ok_or(Error::NotFound("trigger"))
    }

    /// A new trigger. Its runs have the rights of whoever makes it.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an agent or campaign; problems of the input.
    pub async fn create(&mut self, agent: AgentId, input: TriggerInput) -> Result<Trigger> {
        self.require_rights().await?;
        let input = self.check(agent, input).await?;
        let count = sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM triggers WHERE agent_id = $1"#, agent.0)
            .fetch_one(self.t.conn())
            .await?;
        if usize::try_from(count).unwrap_or(MOST) >= MOST {
            return Err(Problem::new("triggers_too_many", format!("An agent has at most {MOST} triggers.")).into());
        }
        let (id, now): (TriggerId, _) = (self.t.new_id(), self.t.now());
        sqlx::query!(
            "INSERT INTO triggers (id, agent_id, name, kind, task, parameters, while_busy, hourly_cap, enabled, saved_by,
                                   created_at, updated_at)
             VALUES ($1, $2, $3, $4, '', '{}', 'queue', 1, false, '', $5, $5)",
            id.0,
            agent.0,
            input.name,
            input.when.kind().as_str(),
            now
        )
        .execute(self.t.conn())
        .await?;
        self.t.audit().record(Entry::done("trigger.created").on(input.name.clone())).await?;
        self.save(id, input).await?;
        self.get(agent, id).await
    }

    /// Replaces what was entered about a trigger. From then on its runs have the rights of whoever does it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; problems of the input, one of them another kind than before.
    pub async fn update(&mut self, agent: AgentId, id: TriggerId, input: TriggerInput) -> Result<Trigger> {
        self.require_rights().await?;
        let old = self.get(agent, id).await?;
        if old.when.kind() != input.when.kind() {
            let words = "A trigger keeps its kind. Make another one.";
            return Err(Problem::field("when.kind", "kind_fixed", words).into());
        }
        let input = self.check(agent, input).await?;
        self.t.audit().record(Entry::done("trigger.changed").on(input.name.clone())).await?;
        self.save(id, input).await?;
        self.get(agent, id).await
    }

    /// Lets a trigger start runs, with the rights of whoever says so, or keeps it from it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; problems that the trigger has by now.
    pub async fn set_enabled(&mut self, agent: AgentId, id: TriggerId, enabled: bool) -> Result<Trigger> {
        let old = self.get(agent, id).await?;
        self.update(agent, id, TriggerInput { enabled, ..old.into() }).await
    }

    /// Deletes a trigger and what is told of it. Its runs stay.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&mut self, agent: AgentId, id: TriggerId) -> Result<()> {
        self.t.require(Permission::ManageAgents).await?;
        // Its runs first, as their workers do: who has changed a run may look at its trigger once more.
        sqlx::query!("SELECT FROM runs WHERE trigger_id = $1 ORDER BY id FOR NO KEY UPDATE", id.0)
            .execute(self.t.conn())
            .await?;
        let name =
            sqlx::query_scalar!("DELETE FROM triggers WHERE id = $1 AND agent_id = $2 RETURNING name", id.0, agent.0)
                .fetch_optional(self.t.conn())
                .await?
                .ok_or(Error::NotFound("trigger"))?;
        self.t.audit().record(Entry::done("trigger.deleted").on(name)).await?;
        self.t.tell("triggers", id.0).await
    }

    /// Makes the secret of an incoming webhook, in the place of one before it. Nobody can read it again.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict for a trigger of another kind.
    pub async fn renew_secret(&mut self, agent: AgentId, id: TriggerId) -> Result<String> {
        self.t.require(Permission::ManageAgents).await?;
        let trigger = self.get(agent, id).await?;
        if trigger.when.kind() != TriggerKind::IncomingWebhook {
            return Err(Error::conflict("no_webhook", "Only an incoming webhook has a secret."));
        }
        let company = self.t.actor().company();
        let secret = secrets::signing_secret();
        let sealed = self.t.db().secrets().seal(company, id.0, &secret)?;
        sqlx::query!("UPDATE triggers SET secret_sealed = $2 WHERE id = $1", id.0, sealed)
            .execute(self.t.conn())
            .await?;
        self.t.audit().record(Entry::done("trigger.secret_renewed").on(trigger.name)).await?;
        self.t.tell("triggers", id.0).await?;
        Ok(secret)
    }

    /// Starts a run with the task of a trigger now, as whoever asks. It is about the newest lead or campaign
    /// that the trigger looks at.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict when there is nothing to run with, or when its run before has not
    /// ended; as [`crate::runs::Runs::create`].
    pub async fn run_now(&mut self, agent: AgentId, id: TriggerId) -> Result<Run> {
        self.t.require(Permission::RunAgents).await?;
        let trigger = self.get(agent, id).await?;
        if trigger.while_busy == WhileBusy::Skip && self.is_busy(id).await? {
            return Err(Error::conflict("busy", "Its run before has not ended. Cancel it, or wait."));
        }
        let event = self.newest(&trigger.when).await?;
        let parameters = fill(&trigger.parameters, &event)?;
        let name = self.t.agents().get(agent).await?.name;
        let new = NewRun { agent: name, task: trigger.task, parameters, ..NewRun::default() };
        let payload = event.reply.as_ref().map(|reply| json!({ "reply": reply }));
        let run = self.t.runs().start(agent, new, Cause { trigger: Some(id), payload, ..Cause::default() }).await?;
        let cause = format!("{} has run it", self.t.actor());
        let firing = firing::NewFiring { cause, lead: event.lead, campaign: event.campaign, ..Default::default() };
        if let Some(firing) = self.note(id, firing).await? {
            self.settle(firing, &Ok(run.id)).await?;
        }
        Ok(run)
    }

    /// What set a trigger off, the newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a cursor that is none of this list.
    pub async fn firings(&mut self, agent: AgentId, id: TriggerId, page: &PageRequest) -> Result<Page<Firing>> {
        self.get(agent, id).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = sqlx::query_as!(
            Firing,
            r#"SELECT id AS "id: FiringId", at, cause, due_at, lead_id AS "lead: LeadId", campaign_id AS "campaign: CampaignId",
                      events, state AS "state: FiringState", reason AS "reason: NotStarted", detail, run_id AS "run: RunId"
               FROM trigger_firings
               WHERE trigger_id = $1 AND ($2::timestamptz IS NULL OR (at, id) < ($2, $3::uuid))
               ORDER BY at DESC, id DESC LIMIT $4"#,
            id.0,
            after.at,
            after.id,
            limit + 1
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Page::from_rows(rows, limit, false, false, |f| cursor::encode(f.at, f.id.0)))
    }

    /// Whoever saves a trigger gives it their rights, so they need those that its runs are started with.
    async fn require_rights(&mut self) -> Result<()> {
        self.t.require(Permission::ManageAgents).await?;
        self.t.require(Permission::RunAgents).await
    }

    /// The input, checked also for what only the company knows.
    async fn check(&mut self, agent: AgentId, input: TriggerInput) -> Result<TriggerInput> {
        let definition = self.t.agents().definition(agent).await?;
        let input = input.check(self.t.actor().company_time_zone())?;
        if let When::CampaignState { campaign: Some(campaign), .. } | When::ReplyReceived { campaign: Some(campaign) } =
            &input.when
        {
            self.t.campaigns().require_there(*campaign).await?;
        }
        // What stands for something that will happen cannot be checked before it has.
        let is_open = |field: &str| {
            let name = field.strip_prefix("parameters.").unwrap_or(field).split('/').next().unwrap_or_default();
            input.parameters.get(name).is_some_and(|value| name_of(value).is_some())
        };
        match parameters::checked(&definition, input.parameters.clone()) {
            Err(Error::Invalid(mut problems)) => {
                problems.retain(|problem| !problem.field.as_deref().is_some_and(is_open));
                if problems.is_empty() { Ok(input) } else { Err(problems.into()) }
            }
            checked => checked.map(|_| input),
        }
    }

    async fn save(&mut self, id: TriggerId, input: TriggerInput) -> Result<()> {
        let now = self.t.now();
        let actor = self.t.actor().clone();
        let columns = Columns::of(&input.when);
        let next_at = match (&input.when, input.enabled) {
            (When::Schedule { cron, time_zone, .. }, true) => {
                Schedule::parse(cron, time_zone.as_deref().unwrap_or_default())?.next(now)
            }
            _ => None,
        };
        sqlx::query!(
            "UPDATE triggers SET name = $2, cron = $3, time_zone = $4, misfire = $5, next_at = $6, tag = $7, threshold = $8,
                    campaign_id = $9, campaign_state = $10, task = $11, parameters = $12, while_busy = $13,
                    hourly_cap = $14, enabled = $15, paused = NULL, person_id = $16, api_key_id = $17, saved_by = $18,
                    updated_at = $19
             WHERE id = $1",
            id.0,
            input.name,
            columns.cron,
            columns.time_zone,
            columns.misfire.map(Misfire::as_str),
            next_at,
            columns.tag,
            columns.threshold,
            columns.campaign.map(|id| id.0),
            columns.state.map(CampaignState::as_str),
            input.task,
            Value::Object(input.parameters),
            input.while_busy.as_str(),
            input.hourly_cap,
            input.enabled,
            actor.user_id().map(|id| id.0),
            actor.api_key_id().map(|id| id.0),
            actor.to_string(),
            now,
        )
        .execute(self.t.conn())
        .await
        .on_constraint("triggers_company_id_campaign_id_fkey", || Error::NotFound("campaign"))?;
        if next_at.is_some() {
            self.t.enqueue(&LookAtSchedules {}).await?;
        }
        self.t.tell("triggers", id.0).await
    }

    async fn select(&mut self, agent: AgentId, id: Option<TriggerId>) -> Result<Vec<Trigger>> {
        let hour_ago = self.t.now() - Duration::hours(1);
        let rows = sqlx::query_as!(
            TriggerRow,
            r#"SELECT t.id AS "id: TriggerId", t.agent_id AS "agent: AgentId", t.name, t.kind AS "kind: TriggerKind", t.cron,
                      t.time_zone, t.misfire AS "misfire: Misfire", t.next_at, t.tag, t.threshold,
                      t.campaign_id AS "campaign: CampaignId", c.name AS "campaign_name?",
                      t.campaign_state AS "state: CampaignState", t.secret_sealed IS NOT NULL AS "has_secret!", t.task,
                      t.parameters AS "parameters: Json<Map<String, Value>>", t.while_busy AS "while_busy: WhileBusy",
                      t.hourly_cap, t.enabled, t.paused, t.saved_by, t.created_at, t.updated_at,
                      (SELECT f.at + interval '1 hour' FROM trigger_firings f
                       WHERE f.trigger_id = t.id AND f.at > $3 AND f.state = 'started'
                       ORDER BY f.at DESC OFFSET t.hourly_cap - 1 LIMIT 1) AS used_up_until
               FROM triggers t LEFT JOIN campaigns c ON c.id = t.campaign_id
               WHERE t.agent_id = $1 AND ($2::uuid IS NULL OR t.id = $2)
               ORDER BY t.created_at, t.id"#,
            agent.0,
            id.map(|id| id.0),
            hour_ago,
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows.into_iter().map(Trigger::from).collect())
    }

    /// What a run is about that nothing has set off: the newest thing that the trigger looks at.
    async fn newest(&mut self, when: &When) -> Result<Event> {
        let nothing = |what| Error::conflict("nothing_there", format!("There is no {what} to run it with."));
        let mut event = Event::default();
        match when {
            When::Schedule { .. } => {}
            When::LeadCreated { tag } | When::ScoreCrossed { tag, .. } => {
                let lead = sqlx::query_scalar!(
                    "SELECT id FROM leads WHERE $1::text IS NULL OR $1 = ANY (tags) ORDER BY created_at DESC, id DESC LIMIT 1",
                    tag.as_deref()
                )
                .fetch_optional(self.t.conn())
                .await?;
                event.lead = Some(LeadId(lead.ok_or_else(|| nothing("such lead"))?));
            }
            When::CampaignState { campaign, .. } => {
                let campaign = sqlx::query_scalar!(
                    "SELECT id FROM campaigns WHERE $1::uuid IS NULL OR id = $1 ORDER BY id DESC LIMIT 1",
                    campaign.map(|id| id.0)
                )
                .fetch_optional(self.t.conn())
                .await?;
                event.campaign = Some(CampaignId(campaign.ok_or_else(|| nothing("campaign"))?));
            }
            When::ReplyReceived { campaign } => {
                let mail = sqlx::query!(
                    r#"SELECT id AS "id: InboundId", lead_id AS "lead: LeadId", campaign_id AS "campaign: CampaignId"
                       FROM inbound_messages
                       WHERE kind = 'reply' AND lead_id IS NOT NULL AND ($1::uuid IS NULL OR campaign_id = $1)
                       ORDER BY arrived_at DESC, id DESC LIMIT 1"#,
                    campaign.map(|id| id.0)
                )
                .fetch_optional(self.t.conn())
                .await?
                .ok_or_else(|| nothing("reply"))?;
                event = Event { lead: mail.lead, campaign: mail.campaign, ..event };
                event.reply = Some(self.reply(mail.id).await?);
            }
            When::IncomingWebhook {} => {
                return Err(Error::conflict(
                    "delivery_needed",
                    "Send a delivery: it starts a run with what it brings.",
                ));
            }
        }
        Ok(event)
    }
}

/// A moment, taken apart.
#[derive(Debug, Default)]
struct Columns {
    cron: Option<String>,
    time_zone: Option<String>,
    misfire: Option<Misfire>,
    tag: Option<String>,
    threshold: Option<i32>,
    campaign: Option<CampaignId>,
    state: Option<CampaignState>,
}

impl Columns {
    fn of(when: &When) -> Self {
        let none = Self::default();
        match when.clone() {
            When::Schedule { cron, time_zone, misfire } => {
                Self { cron: Some(cron), time_zone, misfire: Some(misfire), ..none }
            }
            When::LeadCreated { tag } => Self { tag, ..none },
            When::ScoreCrossed { threshold, tag } => Self { threshold: Some(threshold), tag, ..none },
            When::CampaignState { state, campaign } => Self { state: Some(state), campaign, ..none },
            When::ReplyReceived { campaign } => Self { campaign, ..none },
            When::IncomingWebhook {} => none,
        }
    }
}

#[derive(Debug)]
struct TriggerRow {
    id: TriggerId,
    agent: AgentId,
    name: String,
    kind: TriggerKind,
    cron: Option<String>,
    time_zone: Option<String>,
    misfire: Option<Misfire>,
    next_at: Option<DateTime<Utc>>,
    tag: Option<String>,
    threshold: Option<i32>,
    campaign: Option<CampaignId>,
    campaign_name: Option<String>,
    state: Option<CampaignState>,
    has_secret: bool,
    task: String,
    parameters: Json<Map<String, Value>>,
    while_busy: WhileBusy,
    hourly_cap: i32,
    enabled: bool,
    paused: Option<String>,
    saved_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    used_up_until: Option<DateTime<Utc>>,
}

impl From<TriggerRow> for Trigger {
    fn from(r: TriggerRow) -> Self {
        let schedule = r.cron.as_deref().zip(r.time_zone.as_deref());
        let schedule = schedule.and_then(|(cron, zone)| Schedule::parse(cron, zone).ok());
        let next_times = r
            .next_at
            .zip(schedule)
            .map(|(next, schedule)| std::iter::once(next).chain(schedule.upcoming(next, TOLD - 1)).collect());
        let when = match r.kind {
            TriggerKind::Schedule => When::Schedule {
                cron: r.cron.unwrap_or_default(),
                time_zone: r.time_zone,
                misfire: r.misfire.unwrap_or(Misfire::Skip),
            },
            TriggerKind::LeadCreated => When::LeadCreated { tag: r.tag },
            TriggerKind::ScoreCrossed => When::ScoreCrossed { threshold: r.threshold.unwrap_or_default(), tag: r.tag },
            TriggerKind::CampaignState => {
                When::CampaignState { state: r.state.unwrap_or(CampaignState::Completed), campaign: r.campaign }
            }
            TriggerKind::ReplyReceived => When::ReplyReceived { campaign: r.campaign },
            TriggerKind::IncomingWebhook => When::IncomingWebhook {},
        };
        Self {
            id: r.id,
            agent: r.agent,
            name: r.name,
            when_words: when.words(r.campaign_name.as_deref()),
            when,
            task: r.task,
            parameters: r.parameters.0,
            while_busy: r.while_busy,
            hourly_cap: r.hourly_cap,
            enabled: r.enabled,
            paused: r.paused,
            saved_by: r.saved_by,
            has_secret: r.has_secret,
            next_times: next_times.unwrap_or_default(),
            used_up_until: r.used_up_until,
            created_at: r.created_at,
            updated_at: r.updated_at,
        }
    }
}

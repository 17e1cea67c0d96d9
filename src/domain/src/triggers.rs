//! Triggers: what starts runs of an agent without a person at the keyboard. A trigger has one moment, a
//! task, and bounds on how often it starts something.

#[cfg(feature = "time-zones")]
mod schedule;
mod template;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[cfg(feature = "time-zones")]
pub use schedule::{Due, Plan, Schedule};
pub use template::{Event, fill, name_of};

use crate::{AgentId, CampaignId, FiringId, LeadId, RunId, TriggerId, campaigns::CampaignState, wire::wire_enum};

/// Most triggers of one agent.
pub const MOST: usize = 20;
/// Triggers that may stand in a row: a run that one has started sets off another, and so on.
pub const MAX_DEPTH: i32 = 3;
/// Most runs in an hour that a trigger can be allowed to start.
pub const MAX_HOURLY: i32 = 100;
/// Longest body of a delivery, in bytes.
pub const MAX_DELIVERY: usize = 64 * 1024;

wire_enum! {
    /// What kind of moment sets a trigger off.
    pub enum TriggerKind {
        /// A plan.
        Schedule = "schedule",
        /// A lead is new.
        LeadCreated = "lead_created",
        /// The score of a lead has come to a threshold from below.
        ScoreCrossed = "score_crossed",
        /// A campaign has come to a state.
        CampaignState = "campaign_state",
        /// A lead has answered.
        ReplyReceived = "reply_received",
        /// Another system has sent something.
        IncomingWebhook = "incoming_webhook",
    }
}

impl TriggerKind {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Schedule => "Schedule",
            Self::LeadCreated => "New lead",
            Self::ScoreCrossed => "Score of a lead",
            Self::CampaignState => "State of a campaign",
            Self::ReplyReceived => "Reply of a lead",
            Self::IncomingWebhook => "Incoming webhook",
        }
    }

    /// What its parameters may name: the words between the braces.
    #[must_use]
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Schedule => &[],
            Self::LeadCreated | Self::ScoreCrossed => &["lead"],
            Self::CampaignState => &["campaign"],
            Self::ReplyReceived => &["lead", "reply"],
            Self::IncomingWebhook => &["payload"],
        }
    }
}

wire_enum! {
    /// What happens to times that passed while no worker was there.
    pub enum Misfire {
        /// Nothing.
        Skip = "skip",
        /// One run for all of them.
        Once = "once",
        /// A run for each, the newest ten at most.
        All = "all",
    }
}

impl Misfire {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Skip => "Leave out",
            Self::Once => "Make up for with one run",
            Self::All => "Make up for one by one, at most ten",
        }
    }
}

wire_enum! {
    /// What happens while a run of the trigger has not ended.
    pub enum WhileBusy {
        /// No run is started.
        Skip = "skip",
        /// The next run waits until it has.
        Queue = "queue",
    }
}

impl WhileBusy {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Skip => "Start nothing",
            Self::Queue => "Wait, one after the other",
        }
    }
}

wire_enum! {
    /// How far a trigger is with something that happened.
    pub enum FiringState {
        /// A worker looks at it next.
        Pending = "pending",
        /// It has started a run.
        Started = "started",
        /// It has started none.
        NotStarted = "not_started",
    }
}

wire_enum! {
    /// Why no run was started.
    pub enum NotStarted {
        /// The trigger is not enabled.
        Disabled = "disabled",
        /// Whoever saved the trigger may not start runs of agents any more.
        RightsLost = "rights_lost",
        /// Too many triggers in a row.
        TooDeep = "too_deep",
        /// The agent itself has done it.
        OwnChange = "own_change",
        /// It has started as many runs within an hour as it may.
        HourlyCap = "hourly_cap",
        /// Its run before has not ended.
        Busy = "busy",
        /// No worker was there at that time.
        Missed = "missed",
        /// The agent is not enabled.
        AgentDisabled = "agent_disabled",
        /// The agent cannot take what would be given to it.
        Unfit = "unfit",
    }
}

impl NotStarted {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Disabled => "The trigger is not enabled.",
            Self::RightsLost => "Whoever saved it has lost the right to start runs.",
            Self::TooDeep => "Too many triggers in a row: it would go on for ever.",
            Self::OwnChange => "The agent itself has done it.",
            Self::HourlyCap => "It has started as many runs within the hour as it may.",
            Self::Busy => "Its run before has not ended.",
            Self::Missed => "No worker was there at that time.",
            Self::AgentDisabled => "The agent is not enabled.",
            Self::Unfit => "The agent can’t take the parameters.",
        }
    }
}

/// The moment that sets a trigger off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// A plan.
    Schedule {
        /// Five fields: minute, hour, day of the month, month, day of the week, as in `0 9 * * MON-FRI`.
        cron: String,
        /// IANA time zone; the company's when absent.
        #[serde(default)]
        time_zone: Option<String>,
        /// What happens to times that passed while no worker was there; `skip` when absent.
        #[serde(default = "skip")]
        misfire: Misfire,
    },
    /// A lead is new.
    LeadCreated {
        /// Only leads with this tag.
        #[serde(default)]
        tag: Option<String>,
    },
    /// The score of a lead has come to `threshold` from below; a new lead comes from nothing.
    ScoreCrossed {
        /// 1 to 100.
        threshold: i32,
        /// Only leads with this tag.
        #[serde(default)]
        tag: Option<String>,
    },
    /// A campaign has come to a state.
    CampaignState {
        /// Which state.
        state: CampaignState,
        /// Only this campaign.
        #[serde(default)]
        campaign: Option<CampaignId>,
    },
    /// A person has answered an e-mail of a campaign; what programs answer does not count.
    ReplyReceived {
        /// Only answers to this campaign.
        #[serde(default)]
        campaign: Option<CampaignId>,
    },
    /// Another system has sent something, signed with the secret of the trigger.
    IncomingWebhook {},
}

impl When {
    /// What kind of moment it is.
    #[must_use]
    pub const fn kind(&self) -> TriggerKind {
        match self {
            Self::Schedule { .. } => TriggerKind::Schedule,
            Self::LeadCreated { .. } => TriggerKind::LeadCreated,
            Self::ScoreCrossed { .. } => TriggerKind::ScoreCrossed,
            Self::CampaignState { .. } => TriggerKind::CampaignState,
            Self::ReplyReceived { .. } => TriggerKind::ReplyReceived,
            Self::IncomingWebhook {} => TriggerKind::IncomingWebhook,
        }
    }

    /// The moment in words; `campaign` is the name of the campaign, if it is about one.
    #[cfg(feature = "time-zones")]
    #[must_use]
    pub fn words(&self, campaign: Option<&str>) -> String {
        let tagged =
            |tag: &Option<String>| tag.as_ref().map(|tag| format!(" with the tag “{tag}”")).unwrap_or_default();
        match self {
            Self::Schedule { cron, time_zone, .. } => {
                let zone = time_zone.as_deref().unwrap_or("UTC");
                let words = Schedule::parse(cron, zone).map_or_else(|_| cron.clone(), |schedule| schedule.words());
                format!("{} ({zone})", words.trim_end_matches('.'))
            }
            Self::LeadCreated { tag } => format!("A lead{} is new", tagged(tag)),
            Self::ScoreCrossed { threshold, tag } => format!("The score of a lead{} comes to {threshold}", tagged(tag)),
            Self::CampaignState { state, .. } => {
                let state = state.label().to_lowercase();
                campaign.map_or_else(|| format!("A campaign is {state}"), |name| format!("“{name}” is {state}"))
            }
            Self::ReplyReceived { .. } => campaign
                .map_or_else(|| "A lead answers a campaign".to_owned(), |name| format!("A lead answers “{name}”")),
            Self::IncomingWebhook {} => "Another system sends something".to_owned(),
        }
    }
}

const fn skip() -> Misfire {
    Misfire::Skip
}

const fn queue() -> WhileBusy {
    WhileBusy::Queue
}

const fn ten() -> i32 {
    10
}

const fn yes() -> bool {
    true
}

/// What is entered about a trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TriggerInput {
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// What sets it off.
    pub when: When,
    /// What the agent is to do, in words. Nothing from outside gets into it.
    pub task: String,
    /// Values for the inputs of the agent. A value that is `{{lead}}`, `{{campaign}}`, `{{reply}}`,
    /// `{{reply.subject}}`, `{{payload}}` or `{{payload.some.name}}` as a whole stands for what set the trigger off.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub parameters: Map<String, Value>,
    /// What happens while a run of the trigger has not ended; `queue` when absent.
    #[serde(default = "queue")]
    pub while_busy: WhileBusy,
    /// Most runs that it starts in an hour, 1 to 100; 10 when absent.
    #[serde(default = "ten")]
    pub hourly_cap: i32,
    /// Whether it starts anything; `true` when absent.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// A trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trigger {
    /// Id.
    pub id: TriggerId,
    /// The agent whose runs it starts.
    pub agent: AgentId,
    /// Its name.
    pub name: String,
    /// What sets it off.
    pub when: When,
    /// The same in words.
    pub when_words: String,
    /// What the agent is to do.
    pub task: String,
    /// Values for the inputs of the agent.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub parameters: Map<String, Value>,
    /// What happens while a run of the trigger has not ended.
    pub while_busy: WhileBusy,
    /// Most runs that it starts in an hour.
    pub hourly_cap: i32,
    /// Whether it starts anything.
    pub enabled: bool,
    /// Why the system has disabled it.
    pub paused: Option<String>,
    /// Who saved it last: its runs have their rights.
    pub saved_by: String,
    /// Whether deliveries can be signed: a secret was made.
    pub has_secret: bool,
    /// The next times of a schedule, five at most.
    pub next_times: Vec<DateTime<Utc>>,
    /// It has started as many runs within the hour as it may, and starts none before this.
    pub used_up_until: Option<DateTime<Utc>>,
    /// Made.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<Trigger> for TriggerInput {
    fn from(t: Trigger) -> Self {
        Self {
            name: t.name,
            when: t.when,
            task: t.task,
            parameters: t.parameters,
            while_busy: t.while_busy,
            hourly_cap: t.hourly_cap,
            enabled: t.enabled,
        }
    }
}

/// Something that set a trigger off, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Firing {
    /// Id.
    pub id: FiringId,
    /// When.
    pub at: DateTime<Utc>,
    /// What happened, in words.
    pub cause: String,
    /// The time of a schedule.
    pub due_at: Option<DateTime<Utc>>,
    /// The lead it happened to.
    pub lead: Option<LeadId>,
    /// The campaign it happened to.
    pub campaign: Option<CampaignId>,
    /// How many things that happened this stands for.
    pub events: i32,
    /// What came of it.
    pub state: FiringState,
    /// Why no run was started.
    pub reason: Option<NotStarted>,
    /// More about that, in words.
    pub detail: Option<String>,
    /// The run.
    pub run: Option<RunId>,
}

#[cfg(feature = "time-zones")]
impl TriggerInput {
    /// Checks and tidies what was entered; a schedule without a time zone goes by that of the company.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(mut self, company_time_zone: &str) -> Result<Self, Vec<crate::Problem>> {
        use crate::{Problem, companies::check_name, problem::Problems, runs::MAX_TASK};

        let mut problems = Problems::new();
        self.name = problems.check("name", check_name(&self.name, 100)).unwrap_or_default();
        self.task = self.task.trim().to_owned();
        if self.task.is_empty() {
            let words = "Say in a sentence what the agent is to do.";
            problems.push(Problem::field("task", "task_missing", words));
        } else if self.task.chars().count() > MAX_TASK || self.task.contains('\0') {
            problems.push(Problem::field("task", "task_invalid", "Write the task in at most 10,000 characters."));
        }
        if !(1..=MAX_HOURLY).contains(&self.hourly_cap) {
            let words = format!("Enter how many runs may start in an hour, 1 to {MAX_HOURLY}.");
            problems.push(Problem::field("hourly_cap", "hourly_cap_invalid", words));
        }
        match &mut self.when {
            When::Schedule { cron, time_zone, .. } => {
                *cron = cron.split_whitespace().collect::<Vec<_>>().join(" ");
                let zone = time_zone.as_deref().map(str::trim).filter(|zone| !zone.is_empty());
                let zone = zone.unwrap_or(company_time_zone).to_owned();
                if let Err(problem) = Schedule::parse(cron, &zone) {
                    problems.push(problem);
                }
                *time_zone = Some(zone);
            }
            When::LeadCreated { tag } => tidy(tag),
            When::ScoreCrossed { threshold, tag } => {
                if !(1..=100).contains(threshold) {
                    let words = "Enter a score, 1 to 100.";
                    problems.push(Problem::field("threshold", "threshold_invalid", words));
                }
                tidy(tag);
            }
            When::CampaignState { .. } | When::ReplyReceived { .. } | When::IncomingWebhook {} => {}
        }
        for problem in template::check(&self.parameters, self.when.kind().names()) {
            problems.push(problem);
        }
        problems.finish()?;
        Ok(self)
    }
}

/// Tags are kept in small letters.
#[cfg(feature = "time-zones")]
fn tidy(tag: &mut Option<String>) {
    *tag = tag.take().map(|tag| tag.trim().to_lowercase()).filter(|tag| !tag.is_empty());
}

//! Campaigns: what a company wants to say to whom, and where that stands.
//!
//! The state only changes through the transitions in [`lifecycle`].

pub mod checks;
pub mod comparison;
pub mod guards;
pub mod lifecycle;
mod log;
mod rules;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use checks::{Check, Verdict};
pub use guards::{Alarm, Guard};
pub use lifecycle::{Change, Lifecycle, PausedBy};
pub use log::{EVENT_KINDS, EventFilter, event_label};
pub use rules::{CatchUp, Exclusions, Holidays, OnColleague, OnReply, OnUnknown, Rules};

use crate::{
    CampaignEventId, CampaignId, MailboxId, Problem, StepId, UserId, companies::check_name, leads::LeadFilter,
    problem::Problems, window::SendingWindow, wire::wire_enum,
};

wire_enum! {
    /// Where a campaign stands.
    pub enum CampaignState {
        /// Being written.
        Draft = "draft",
        /// Starts by itself at its time.
        Scheduled = "scheduled",
        /// Sends.
        Running = "running",
        /// Nothing new is sent; e-mails in the hands of a server are awaited.
        Pausing = "pausing",
        /// Sends nothing; may be resumed.
        Paused = "paused",
        /// Being stopped; e-mails in the hands of a server are awaited.
        Stopping = "stopping",
        /// Ended by a person.
        Stopped = "stopped",
        /// Every lead has reached its end.
        Completed = "completed",
        /// Could not go on.
        Failed = "failed",
    }
}

impl CampaignState {
    /// States that no command but duplicate and archive leaves.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Stopped | Self::Completed | Self::Failed)
    }

    /// States in which settings may be edited.
    #[must_use]
    pub const fn allows_edit(self) -> bool {
        matches!(self, Self::Draft | Self::Paused)
    }

    /// States in which steps may be edited. Once the campaign has started that makes another version.
    #[must_use]
    pub const fn allows_sequence_edit(self) -> bool {
        matches!(self, Self::Draft | Self::Running | Self::Pausing | Self::Paused)
    }

    /// States in which leads may be added. A completed campaign goes on for them.
    pub const TAKING_LEADS: [Self; 4] = [Self::Draft, Self::Running, Self::Paused, Self::Completed];

    /// Whether leads may be added.
    #[must_use]
    pub fn takes_leads(self) -> bool {
        Self::TAKING_LEADS.contains(&self)
    }

    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Scheduled => "Scheduled",
            Self::Running => "Running",
            Self::Pausing => "Pausing",
            Self::Paused => "Paused",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
        }
    }

    /// The commands that work from this state.
    #[must_use]
    pub const fn allowed(self) -> &'static [&'static str] {
        match self {
            Self::Draft => &["schedule", "start"],
            Self::Scheduled => &["start", "pause", "unschedule", "stop"],
            Self::Running => &["pause", "stop"],
            Self::Pausing | Self::Paused => &["resume", "stop"],
            Self::Stopping => &[],
            Self::Stopped | Self::Completed | Self::Failed => &["duplicate", "archive"],
        }
    }
}

wire_enum! {
    /// Why a running campaign sends nothing at the moment.
    pub enum HoldReason {
        /// The sending window is closed.
        OutsideWindow = "outside_window",
        /// Every mailbox has sent what it may in 24 hours.
        DailyCap = "daily_cap",
        /// No mailbox of the campaign is connected.
        NoHealthyMailbox = "no_healthy_mailbox",
        /// What is due would leave from a mailbox whose domain fails its check.
        DomainAuthFailed = "domain_auth_failed",
        /// What is due waits for a draft that somebody approves.
        ApprovalBacklog = "approval_backlog",
        /// The recipients' domains have had what they may get.
        RecipientLimit = "recipient_limit",
    }
}

impl HoldReason {
    /// The sentence people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::OutsideWindow => "Waits for the sending window to open.",
            Self::DailyCap => "Every mailbox has sent what it may in 24 hours.",
            Self::NoHealthyMailbox => "No mailbox of this campaign is connected.",
            Self::DomainAuthFailed => "What is due waits for a domain that fails its check. See Settings, Domains.",
            Self::ApprovalBacklog => "What is due waits for drafts to be approved.",
            Self::RecipientLimit => "The domains of the recipients have had what they may get for now.",
        }
    }
}

wire_enum! {
    /// Where the leads of a campaign come from.
    pub enum AudienceKind {
        /// Everything a filter finds at the moment of the start.
        Filter = "filter",
        /// Leads chosen one by one or by bulk actions.
        Selection = "selection",
    }
}

/// Whom a campaign is for, before its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(
    not(target_arch = "wasm32"),
    expect(clippy::large_enum_variant, reason = "a campaign has one, and boxing it would cost every match")
)]
pub enum Audience {
    /// Everything this filter finds at the moment of the start.
    Filter {
        /// The filter.
        filter: LeadFilter,
    },
    /// Leads chosen by hand; they are added with the bulk action “enrol”.
    Selection,
}

/// A campaign with its settings; steps are listed apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Campaign {
    /// Id.
    pub id: CampaignId,
    /// Name, for the company only.
    pub name: String,
    /// Where it stands.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// Whom it is for.
    pub audience: Audience,
    /// Leads frozen at the start; before it, those that would be.
    pub audience_size: i64,
    /// When it may send.
    pub window: SendingWindow,
    /// Who is left out, and what breaks and answers do.
    pub rules: Rules,
    /// Mailboxes it sends from, in turn.
    pub mailboxes: Vec<MailboxId>,
    /// Number of steps.
    pub steps: i64,
    /// The version of its steps that new leads get, from 1.
    pub sequence_version: i32,
    /// A version is being edited that nobody gets yet.
    pub has_edits: bool,
    /// Who created it; absent when a program did.
    pub created_by: Option<UserId>,
    /// Their name.
    pub owner_name: Option<String>,
    /// When it was put away.
    pub archived_at: Option<DateTime<Utc>>,
    /// Created.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
    /// Version for If-Match; grows with every change.
    pub version: i64,
}

/// A campaign as a row of the list, with its figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CampaignSummary {
    /// Id.
    pub id: CampaignId,
    /// Name.
    pub name: String,
    /// Where it stands.
    pub state: CampaignState,
    /// Why a running one sends nothing.
    pub hold_reason: Option<HoldReason>,
    /// Why it is paused, in words, when the system paused it.
    pub pause_reason: Option<String>,
    /// Leads of the audience; 0 until it is frozen.
    pub audience_size: i64,
    /// Leads for which every step is done.
    pub finished: i64,
    /// E-mails handed over.
    pub sent: i64,
    /// Leads whose address bounced.
    pub bounced: i64,
    /// Leads that unsubscribed.
    pub unsubscribed: i64,
    /// When the next e-mail is due.
    pub next_send_at: Option<DateTime<Utc>>,
    /// When it starts, if scheduled.
    pub starts_at: Option<DateTime<Utc>>,
    /// Name of its creator.
    pub owner_name: Option<String>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
}

/// What can be entered about a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CampaignInput {
    /// Name.
    pub name: Option<String>,
    /// Whom it is for.
    pub audience: Option<Audience>,
    /// When it may send.
    pub window: Option<SendingWindow>,
    /// Who is left out, and what breaks and answers do.
    pub rules: Option<Rules>,
    /// Mailboxes it sends from.
    pub mailboxes: Option<Vec<MailboxId>>,
}

impl CampaignInput {
    /// The same, trimmed and checked. Problems of the audience have the names that conditions have in an address:
    /// `f.country.is`.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(mut self) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        if let Some(name) = &self.name {
            self.name = problems.check("name", check_name(name, 120));
        }
        self.audience = match self.audience {
            Some(Audience::Filter { filter }) => {
                let filter = filter.check().unwrap_or_else(|found| {
                    problems.extend(found);
                    LeadFilter::default()
                });
                Some(Audience::Filter { filter })
            }
            other => other,
        };
        if let Some(window) = &self.window {
            problems.check("window", window.check());
        }
        if let Some(Err(found)) = self.rules.map(|rules| rules.check()) {
            problems.extend(found);
        }
        if self.mailboxes.as_ref().is_some_and(|m| m.len() > 50) {
            problems.push(Problem::field("mailboxes", "mailboxes_many", "Use at most 50 mailboxes."));
        }
        problems.finish()?;
        Ok(self)
    }
}

/// Which campaigns a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CampaignFilter {
    /// State is any of these; every state when empty.
    pub state: Vec<CampaignState>,
    /// Part of the name.
    pub q: Option<String>,
    /// Shows those put away instead of the others.
    pub archived: bool,
}

/// What a command did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommandOutcome {
    /// The campaign afterwards.
    pub campaign: Campaign,
    /// Whether anything changed; a command whose aim was reached already changes nothing.
    pub changed: bool,
    /// E-mails in the hands of a mail server, which may still arrive.
    pub in_flight: i64,
}

/// An entry of a campaign's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CampaignEvent {
    /// Id.
    pub id: CampaignEventId,
    /// When.
    pub at: DateTime<Utc>,
    /// What, as a past participle: `created`, `started`, `paused`, `sent`, `opened`, ...
    pub kind: String,
    /// Who, in words.
    pub actor: String,
    /// More, in words.
    pub text: Option<String>,
    /// The lead it is about.
    pub lead_id: Option<crate::LeadId>,
    /// Its name.
    pub lead_name: Option<String>,
    /// The step it is about. What was written down before steps were kept here has none.
    pub step_id: Option<StepId>,
    /// The mailbox of the e-mail it is about; the same holds for it.
    pub mailbox_id: Option<MailboxId>,
}

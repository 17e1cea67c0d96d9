//! Keys for programs: what they may do and how they are written.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ApiKeyId, Permission, wire::wire_enum};

/// How every key begins, so that a leaked one is recognised.
pub const KEY_PREFIX: &str = "sw_live_";

wire_enum! {
    /// A right given to a key.
    pub enum Scope {
        /// Read leads and accounts.
        LeadsRead = "leads:read",
        /// Create, change, import and delete leads and accounts.
        LeadsWrite = "leads:write",
        /// Read campaigns, enrolments and ledgers.
        CampaignsRead = "campaigns:read",
        /// Create and change campaigns and their steps.
        CampaignsWrite = "campaigns:write",
        /// Schedule, start, pause, resume and stop campaigns, approve and reject their drafts.
        CampaignsRun = "campaigns:run",
        /// Read mailboxes.
        MailboxesRead = "mailboxes:read",
        /// Connect and change mailboxes.
        MailboxesWrite = "mailboxes:write",
        /// Read the suppression list.
        SuppressionsRead = "suppressions:read",
        /// Add to and remove from the suppression list.
        SuppressionsWrite = "suppressions:write",
        /// Read agents.
        AgentsRead = "agents:read",
        /// Add, change, import and delete agents.
        AgentsWrite = "agents:write",
        /// Runs, their steps and events.
        RunsRead = "runs:read",
        /// Start, cancel and retry runs.
        RunsWrite = "runs:write",
        /// Approve and deny what runs ask for.
        RunsApprove = "runs:approve",
    }
}

impl Scope {
    /// What it lets a program do, as a sentence on the settings page.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::LeadsRead => "Read leads and accounts",
            Self::LeadsWrite => "Create, change, import and delete leads and accounts",
            Self::CampaignsRead => "Read campaigns and their ledgers",
            Self::CampaignsWrite => "Create and change campaigns and their steps",
            Self::CampaignsRun => "Schedule, start, pause, resume and stop campaigns, approve their drafts",
            Self::MailboxesRead => "Read mailboxes",
            Self::MailboxesWrite => "Connect and change mailboxes",
            Self::SuppressionsRead => "Read the suppression list",
            Self::SuppressionsWrite => "Add to and remove from the suppression list",
            Self::AgentsRead => "Read agents, their models and webhook",
            Self::AgentsWrite => "Add, change, import and delete agents, set up their models and webhook",
            Self::RunsRead => "Read runs of agents",
            Self::RunsWrite => "Start, cancel and retry runs of agents",
            Self::RunsApprove => "Approve and deny what runs ask for",
        }
    }

    /// Whether the scope contains `permission`. Who writes also reads: every change answers with
    /// what it made. Which things a scope reads is checked at the door of the API.
    #[must_use]
    pub fn allows(self, permission: Permission) -> bool {
        use Permission as P;
        permission == P::Read
            || match self {
                Self::LeadsRead
                | Self::CampaignsRead
                | Self::MailboxesRead
                | Self::SuppressionsRead
                | Self::AgentsRead
                | Self::RunsRead => false,
                Self::LeadsWrite => matches!(permission, P::EditLeads | P::ImportLeads | P::ManageAllLeads),
                Self::CampaignsWrite => permission == P::EditCampaigns,
                Self::CampaignsRun => matches!(permission, P::RunCampaigns | P::PauseOwnCampaigns | P::ApproveDrafts),
                Self::MailboxesWrite => permission == P::ManageMailboxes,
                Self::SuppressionsWrite => permission == P::ManageSuppressions,
                Self::AgentsWrite => permission == P::ManageAgents,
                Self::RunsWrite => permission == P::RunAgents,
                Self::RunsApprove => permission == P::DecideRuns,
            }
    }
}

/// A key as listed on the settings page; the secret itself is shown once and not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Id.
    pub id: ApiKeyId,
    /// Name given by its creator.
    pub name: String,
    /// First characters, to recognise it by.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Name of the person who created it; absent when made on the command line.
    pub created_by: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When a program last used it (to the minute).
    pub last_used_at: Option<DateTime<Utc>>,
    /// From when it no longer works.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

//! Campaigns: who is written to, what, and when. Commands lock the campaign's row and let the
//! domain decide; everything that follows from a command commits with it.

pub mod advance;
mod audience;
mod checks;
pub(crate) mod clock;
mod commands;
pub mod guards;
mod holdout;
mod left_out;
pub mod log;
mod placing;
pub mod proofs;
mod reading;
pub(crate) mod render;
pub mod replanning;
mod rotation;
pub mod simulations;
mod steps;
mod test_mails;
mod variants;
mod versions;
pub(crate) mod walk;
mod webhooks;

use domain::{
    CampaignId, MailboxId, Permission, Problem, UserId,
    campaigns::{Audience, AudienceKind, Campaign, CampaignInput, CampaignState, Lifecycle, PausedBy, Rules},
    steps::Sequence,
    tracking::Tracking,
    window::{SendingWindow, WindowZone},
};

use sqlx::types::Json;

pub(crate) use log::Concerning;
pub use reading::SentPerDay;
pub use render::Written;
pub(crate) use render::{LeadFacts, Sender, fill_open, write, write_approved};
pub use test_mails::TestMailToSend;
pub use versions::{Move, Publication};
pub use webhooks::WebhookCall;

use crate::{Error, Result, Tenant, audit::Entry};

/// The campaigns of the company.
#[derive(Debug)]
pub struct Campaigns<'t> {
    pub(crate) t: &'t mut Tenant,
}

impl Tenant {
    /// The campaigns of the company.
    pub fn campaigns(&mut self) -> Campaigns<'_> {
        Campaigns { t: self }
    }
}

impl Campaigns<'_> {
    /// One campaign. The audience of a draft is counted as it would be frozen now.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: CampaignId) -> Result<Campaign> {
        self.t.require(Permission::Read).await?;
        let mut campaign = self.load(id, false).await?;
        if !campaign.lifecycle.is_frozen() {
            campaign.audience_size = self.count_audience(&campaign).await?;
        }
        Ok(campaign)
    }

    /// A new draft.
    ///
    /// # Errors
    /// Problems of the input.
    pub async fn create(&mut self, input: CampaignInput) -> Result<Campaign> {
        self.t.require(Permission::EditCampaigns).await?;
        let input = input.check()?;
        let Some(name) = input.name.clone() else {
            return Err(Problem::field("name", "name_missing", "Enter a name.").into());
        };
        let id: CampaignId = self.t.new_id();
        let (now, creator) = (self.t.now(), self.t.actor().user_id());
        sqlx::query!(
            "INSERT INTO campaigns (id, name, created_by, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)",
            id.0,
            name,
            creator.map(|u| u.0),
            now,
        )
        .execute(self.t.conn())
        .await?;
        self.insert_version(id, 1, &Sequence::default()).await?;
        let tracks = input.rules.is_some_and(|rules| rules.tracking.is_on());
        self.apply(id, input).await?;
        if tracks && !self.may_track(id).await? {
            return Err(host_missing());
        }
        self.log(id, "created", None).await?;
        self.t.audit().record(Entry::done("campaign.created").on(name)).await?;
        self.get(id).await
    }

    /// Changes name, audience, window or mailboxes; what is absent stays.
    ///
    /// # Errors
    /// Problems of the input; [`Error::Refused`] while it runs; a conflict when `version` is not the newest.
    pub async fn update(&mut self, id: CampaignId, input: CampaignInput, version: Option<i64>) -> Result<Campaign> {
        self.t.require(Permission::EditCampaigns).await?;
        let campaign = self.load(id, true).await?;
        if version.is_some_and(|v| v != campaign.version) {
            return Err(Error::stale());
        }
        let input = input.check()?;
        let state = campaign.lifecycle.state;
        let only_name =
            input.audience.is_none() && input.window.is_none() && input.rules.is_none() && input.mailboxes.is_none();
        if !only_name && !state.allows_edit() {
            return Err(editing_refused(state));
        }
        if campaign.lifecycle.started_at.is_some() && (input.audience.is_some() || input.mailboxes.is_some()) {
            return Err(Problem::field(
                "audience",
                "audience_frozen",
                "Audience and mailboxes are fixed once a campaign has started. Duplicate it to change them.",
            )
            .into());
        }
        let before = campaign.rules.tracking;
        let more = input
            .rules
            .map(|rules| rules.tracking)
            .is_some_and(|now| now.opens && !before.opens || now.clicks && !before.clicks);
        self.apply(id, input).await?;
        if more && !self.may_track(id).await? {
            return Err(host_missing());
        }
        self.log(id, "edited", None).await?;
        self.simulate_again(id, "The settings were edited").await?;
        self.t.tell("campaigns", id.0).await?;
        self.get(id).await
    }

    /// A draft with the same steps and settings. The audience of a selection is not taken along.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn duplicate(&mut self, id: CampaignId) -> Result<Campaign> {
        self.t.require(Permission::EditCampaigns).await?;
        let old = self.load(id, false).await?;
        let name: String = format!("Copy of {}", old.name).chars().take(120).collect();
        // A host name that passed then may fail now; the copy is a draft in which tracking is turned on again.
        let tracking = if self.may_track(id).await? { old.rules.tracking } else { Tracking::default() };
        let copy = self
            .create(CampaignInput {
                name: Some(name),
                audience: Some(old.audience),
                window: Some(old.window),
                rules: Some(Rules { tracking, ..old.rules }),
                mailboxes: Some(old.mailboxes),
            })
            .await?;
        let steps = self.working(id).await?.1;
        // Samples and test mails are of one step of one campaign.
        let steps = steps.renamed(|| self.t.new_id());
        self.save_sequence(copy.id, 1, &steps).await?;
        self.get(copy.id).await
    }

    /// Puts an ended campaign away, or takes it out again.
    ///
    /// # Errors
    /// [`Error::Refused`] for a campaign that has not ended.
    pub async fn archive(&mut self, id: CampaignId, away: bool) -> Result<Campaign> {
        self.t.require(Permission::EditCampaigns).await?;
        let campaign = self.load(id, true).await?;
        let state = campaign.lifecycle.state;
        if !state.is_terminal() {
            return Err(domain::Refusal::new(
                "not_allowed_now",
                format!("A campaign that is {} cannot be archived.", state.label().to_lowercase()),
                state.allowed(),
            )
            .into());
        }
        let at = away.then(|| self.t.now());
        sqlx::query!("UPDATE campaigns SET archived_at = $2 WHERE id = $1", id.0, at).execute(self.t.conn()).await?;
        self.t.tell("campaigns", id.0).await?;
        self.get(id).await
    }

    /// Deletes a draft.
    ///
    /// # Errors
    /// [`Error::Conflict`] for a campaign that was ever more than a draft.
    pub async fn delete(&mut self, id: CampaignId) -> Result<()> {
        self.t.require(Permission::EditCampaigns).await?;
        let campaign = self.load(id, true).await?;
        if campaign.lifecycle.state != CampaignState::Draft {
            return Err(Error::conflict("not_a_draft", "Only drafts are deleted. Stop the campaign, then archive it."));
        }
        sqlx::query!("DELETE FROM campaigns WHERE id = $1", id.0).execute(self.t.conn()).await?;
        self.t.audit().record(Entry::done("campaign.deleted").on(campaign.name)).await?;
        self.t.tell("campaigns", id.0).await
    }

    /// Goes on only if nobody has changed the campaign since `version`, and holds it. Without one it
    /// goes on in any case.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict when `version` is not the newest.
    pub async fn expect_version(&mut self, id: CampaignId, version: Option<i64>) -> Result<()> {
        match version {
            Some(version) if self.load(id, true).await?.version != version => Err(Error::stale()),
            _ => Ok(()),
        }
    }

    /// Goes on only if the actor may read and the campaign exists.
    pub(crate) async fn require_there(&mut self, id: CampaignId) -> Result<()> {
        self.t.require(Permission::Read).await?;
        let there = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM campaigns WHERE id = $1) AS "there!""#, id.0)
            .fetch_one(self.t.conn())
            .await?;
        if there { Ok(()) } else { Err(Error::NotFound("campaign")) }
    }

    /// Whether there is a name that links may lead over: one of the company’s own that passes, or, where all mailboxes
    /// are of the sandbox, that of the installation.
    async fn may_track(&mut self, id: CampaignId) -> Result<bool> {
        Ok(sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM link_hosts WHERE passes)
                   OR coalesce((SELECT bool_and(m.kind = 'sandbox') FROM campaign_mailboxes c
                                JOIN mailboxes m ON m.id = c.mailbox_id WHERE c.campaign_id = $1), false) AS "may!""#,
            id.0
        )
        .fetch_one(self.t.conn())
        .await?)
    }

    /// The campaign; `lock` holds its row until the end of the transaction.
    pub(crate) async fn load(&mut self, id: CampaignId, lock: bool) -> Result<Campaign> {
        if lock {
            sqlx::query!("SELECT id FROM campaigns WHERE id = $1 FOR UPDATE", id.0)
                .fetch_optional(self.t.conn())
                .await?;
        }
        let row = sqlx::query!(
            r#"
            SELECT c.id AS "id: CampaignId", c.name, c.state AS "state: CampaignState", c.starts_at, c.started_at,
                   c.paused_at, c.paused_by AS "paused_by: PausedBy", c.pause_reason, c.ended_at, c.failure,
                   c.audience_kind AS "audience_kind: AudienceKind", c.audience_filter, c.audience_size,
                   c.window_days, c.window_from, c.window_to, c.window_zone AS "window_zone: WindowZone",
                   c.created_by AS "created_by: UserId", u.name AS "owner_name?", c.archived_at, c.created_at,
                   c.updated_at, c.version, c.rules AS "rules: Json<Rules>", c.version_number,
                   (SELECT jsonb_array_length(v.steps)::bigint FROM campaign_versions v
                    WHERE v.campaign_id = c.id AND v.number = c.version_number) AS "steps!",
                   c.started_at IS NOT NULL AND EXISTS (
                       SELECT FROM campaign_versions v WHERE v.campaign_id = c.id AND v.number > c.version_number) AS "has_edits!",
                   ARRAY(SELECT b.mailbox_id FROM campaign_mailboxes b WHERE b.campaign_id = c.id
                         ORDER BY b.position) AS "mailboxes!: Vec<uuid::Uuid>"
            FROM campaigns c LEFT JOIN users u ON u.id = c.created_by
            WHERE c.id = $1
            "#,
            id.0,
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("campaign"))?;
        Ok(Campaign {
            id: row.id,
            name: row.name,
            lifecycle: Lifecycle {
                state: row.state,
                starts_at: row.starts_at,
                started_at: row.started_at,
                paused_at: row.paused_at,
                paused_by: row.paused_by,
                pause_reason: row.pause_reason,
                ended_at: row.ended_at,
                failure: row.failure,
            },
            audience: match row.audience_kind {
                AudienceKind::Selection => Audience::Selection,
                AudienceKind::Filter => Audience::Filter {
                    filter: row.audience_filter.map(serde_json::from_value).transpose()?.unwrap_or_default(),
                },
            },
            audience_size: row.audience_size,
            window: SendingWindow {
                days: row.window_days,
                from_minute: row.window_from,
                to_minute: row.window_to,
                zone: row.window_zone,
            },
            rules: row.rules.0,
            mailboxes: row.mailboxes.into_iter().map(MailboxId).collect(),
            steps: row.steps,
            sequence_version: row.version_number,
            has_edits: row.has_edits,
            created_by: row.created_by,
            owner_name: row.owner_name,
            archived_at: row.archived_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }

    async fn apply(&mut self, id: CampaignId, input: CampaignInput) -> Result<()> {
        let (kind, filter) = match &input.audience {
            None => (None, None),
            Some(Audience::Selection) => (Some("selection"), None),
            Some(Audience::Filter { filter }) => (Some("filter"), Some(serde_json::to_value(filter)?)),
        };
        let window = input.window;
        let now = self.t.now();
        sqlx::query!(
            "UPDATE campaigns SET
                 name = coalesce($2, name),
                 audience_kind = coalesce($3, audience_kind),
                 audience_filter = CASE WHEN $3::text IS NULL THEN audience_filter ELSE $4 END,
                 window_days = coalesce($5, window_days),
                 window_from = coalesce($6, window_from),
                 window_to = coalesce($7, window_to),
                 window_zone = coalesce($8, window_zone),
                 rules = coalesce($10, rules),
                 updated_at = $9, version = version + 1
             WHERE id = $1",
            id.0,
            input.name,
            kind,
            filter,
            window.as_ref().map(|w| w.days.as_slice()),
            window.as_ref().map(|w| w.from_minute),
            window.as_ref().map(|w| w.to_minute),
            window.as_ref().map(|w| w.zone.as_str()),
            now,
            input.rules.map(serde_json::to_value).transpose()?,
        )
        .execute(self.t.conn())
        .await?;
        if kind == Some("filter") {
            sqlx::query!("DELETE FROM campaign_audience WHERE campaign_id = $1", id.0).execute(self.t.conn()).await?;
        }
        match input.mailboxes {
            Some(mailboxes) => self.set_mailboxes(id, &mailboxes).await,
            None => Ok(()),
        }
    }

    async fn set_mailboxes(&mut self, id: CampaignId, mailboxes: &[MailboxId]) -> Result<()> {
        let ids: Vec<_> = mailboxes.iter().map(|m| m.0).collect();
        sqlx::query!("DELETE FROM campaign_mailboxes WHERE campaign_id = $1", id.0).execute(self.t.conn()).await?;
        let kept = sqlx::query!(
            "INSERT INTO campaign_mailboxes (campaign_id, mailbox_id, position)
             SELECT $1, m.id, min(w.place)::int
             FROM unnest($2::uuid[]) WITH ORDINALITY AS w (id, place) JOIN mailboxes m ON m.id = w.id
             GROUP BY m.id",
            id.0,
            &ids,
        )
        .execute(self.t.conn())
        .await?
        .rows_affected();
        let mut wanted = ids;
        wanted.sort_unstable();
        wanted.dedup();
        if kept < u64::try_from(wanted.len()).unwrap_or(u64::MAX) {
            return Err(Problem::field("mailboxes", "mailbox_unknown", "One of the mailboxes does not exist.").into());
        }
        Ok(())
    }
}

/// The answer to tracking that has no name to lead over.
fn host_missing() -> Error {
    let words =
        "Before opens or clicks are tracked, a host name of your own has to pass its check. Add one under Domains.";
    Problem::field("tracking", "link_host_missing", words).into()
}

/// The answer to an edit that the state does not allow.
pub(crate) fn editing_refused(state: CampaignState) -> Error {
    let way = match state {
        CampaignState::Running => "Pause it first.",
        CampaignState::Pausing | CampaignState::Stopping => "Wait a moment.",
        CampaignState::Scheduled => "Take its start back first.",
        _ => "Duplicate it to go on with another one.",
    };
    let words = format!("A campaign that is {} cannot be edited. {way}", state.label().to_lowercase());
    domain::Refusal::new("not_editable_now", words, state.allowed()).into()
}

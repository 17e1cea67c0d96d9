//! Versions of the steps of a campaign. A draft has one, which is written in place. Once a campaign has started,
//! edits go into a next version that nobody gets before it is published; leads keep the version they are in unless
//! they are moved.

use domain::{
    CampaignId, Permission, Refusal, StepId,
    campaigns::CampaignState,
    steps::{Sequence, SequenceVersion, Step, StepChange, difference},
};
use sqlx::types::Json;

use super::{Campaigns, editing_refused};
use crate::{Error, Result, audit::Entry, jobs::AdvanceCampaign};

/// A version that is about to be published.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The version that leads get now.
    pub from: i32,
    /// The one that they would get; the same when nothing is being edited.
    pub to: i32,
    /// What is different.
    pub changes: Vec<StepChange>,
    /// Leads in older versions that have not reached their end.
    pub open: i64,
    /// E-mails planned for them that would have other words or another time.
    pub reworded: i64,
    /// What would happen to them, by the step that is next for them: where they stand, where they would go on
    /// (nowhere: the sequence would be over), and how many.
    pub moves: Vec<Move>,
}

/// Leads that would go on elsewhere.
#[derive(Clone, Debug)]
pub struct Move {
    /// The step that is next for them.
    pub at: Step,
    /// The step at which they would go on; none when the sequence would be over.
    pub to: Option<Step>,
    /// How many.
    pub leads: i64,
}

impl Campaigns<'_> {
    /// The versions of a campaign's steps, the newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn versions(&mut self, id: CampaignId) -> Result<Vec<SequenceVersion>> {
        self.require_there(id).await?;
        Ok(sqlx::query_as!(
            SequenceVersion,
            r#"
            SELECT v.number, v.published_at, v.number = c.version_number AS "is_current!", v.created_by, v.created_at,
                   jsonb_array_length(v.steps)::bigint AS "steps!",
                   (SELECT count(*) FROM enrolments e WHERE e.campaign_id = v.campaign_id AND e.is_open
                      AND e.version_number = v.number) AS "leads!"
            FROM campaign_versions v JOIN campaigns c ON c.id = v.campaign_id
            WHERE v.campaign_id = $1 ORDER BY v.number DESC
            "#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// The steps of one version.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn version(&mut self, id: CampaignId, number: i32) -> Result<Sequence> {
        self.require_there(id).await?;
        self.sequence(id, number).await
    }

    /// What publishing the version that is being edited would do.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn publication(&mut self, id: CampaignId) -> Result<Publication> {
        self.t.require(Permission::Read).await?;
        let from = self.load(id, false).await?.sequence_version;
        let (to, new) = self.working(id).await?;
        let old = self.sequence(id, from).await?;
        let changes = difference(&old, &new);
        let reworded: Vec<_> = changes
            .iter()
            .filter_map(|change| match change {
                StepChange::Changed { after, .. } if after.email().is_some() => Some(after.id.0),
                _ => None,
            })
            .collect();
        let counted = sqlx::query!(
            r#"SELECT (SELECT count(*) FROM enrolments e WHERE e.campaign_id = $1 AND e.is_open
                         AND e.version_number <> $2) AS "open!",
                      (SELECT count(*) FROM messages m WHERE m.campaign_id = $1 AND m.step_id = ANY($3)
                         AND m.state IN ('scheduled', 'deferred', 'held') AND m.attempts = 0) AS "reworded!""#,
            id.0,
            to,
            &reworded
        )
        .fetch_one(self.t.conn())
        .await?;
        let moves = self.moves(id, to, &new).await?;
        Ok(Publication { from, to, changes, open: counted.open, reworded: counted.reworded, moves })
    }

    /// Publishes the version that is being edited: new leads get it, and with `move_leads` also those who are in
    /// the middle of an older one. A worker moves them, in chunks, and plans their e-mails by its delays and windows.
    ///
    /// # Errors
    /// Problems of steps; [`Error::Refused`] when nothing is being edited.
    pub async fn publish(&mut self, id: CampaignId, move_leads: bool) -> Result<SequenceVersion> {
        self.t.require(Permission::RunCampaigns).await?;
        let campaign = self.load(id, true).await?;
        if !campaign.has_edits {
            return Err(nothing_edited());
        }
        let (number, sequence) = self.working(id).await?;
        let old = self.sequence(id, campaign.sequence_version).await?;
        if difference(&old, &sequence).is_empty() {
            return Err(nothing_edited());
        }
        self.require_checks(&campaign).await?;
        self.take_rights(id).await?;
        let now = self.t.now();
        sqlx::query!(
            "UPDATE campaign_versions SET published_at = $3 WHERE campaign_id = $1 AND number = $2",
            id.0,
            number,
            now
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!(
            "UPDATE campaigns SET version_number = $2::int, move_to_version = CASE WHEN $3 THEN $2::int END,
                 updated_at = $4, version = version + 1
             WHERE id = $1",
            id.0,
            number,
            move_leads,
            now,
        )
        .execute(self.t.conn())
        .await?;
        self.forget_winners(id, &old, &sequence).await?;
        let what = if move_leads { "open leads move to it" } else { "for new leads" };
        let text = format!("version {number}, {what}");
        self.log(id, "published", Some(&text)).await?;
        self.t.audit().record(Entry::done("campaign.published").on(campaign.name).details(text)).await?;
        let company = self.t.actor().company();
        self.t.enqueue(&AdvanceCampaign { company, campaign: id }).await?;
        self.simulate_again(id, "The steps were published").await?;
        self.t.tell("campaigns", id.0).await?;
        let versions = self.versions(id).await?;
        versions.into_iter().find(|v| v.number == number).ok_or(Error::NotFound("version"))
    }

    /// Throws away the version that is being edited.
    ///
    /// # Errors
    /// [`Error::Refused`] when nothing is being edited.
    pub async fn discard_edits(&mut self, id: CampaignId) -> Result<()> {
        self.t.require(Permission::EditCampaigns).await?;
        let campaign = self.load(id, true).await?;
        if !campaign.has_edits {
            return Err(nothing_edited());
        }
        sqlx::query!(
            "DELETE FROM campaign_versions WHERE campaign_id = $1 AND number > $2",
            id.0,
            campaign.sequence_version
        )
        .execute(self.t.conn())
        .await?;
        self.touched(id).await
    }

    /// Takes the steps of an older version into the one that is being edited.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] when the state of the campaign allows no edit.
    pub async fn restore_version(&mut self, id: CampaignId, number: i32) -> Result<Sequence> {
        let (working, _) = self.edit_sequence(id).await?;
        let old = self.sequence(id, number).await?;
        self.save_sequence(id, working, &old).await?;
        Ok(old)
    }

    /// The versions in which a step says or does something else than in the one before, the newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn step_history(&mut self, id: CampaignId, step: StepId) -> Result<Vec<(SequenceVersion, Step)>> {
        let mut versions = self.versions(id).await?;
        versions.reverse();
        let mut history: Vec<(SequenceVersion, Step)> = Vec::new();
        for version in versions {
            let Some(found) = self.sequence(id, version.number).await?.get(step).cloned() else { continue };
            let is_same =
                history.last().is_some_and(|(_, last)| last.action == found.action && last.delay == found.delay);
            if !is_same {
                history.push((version, found));
            }
        }
        history.reverse();
        Ok(history)
    }

    /// The steps of one version.
    pub(crate) async fn sequence(&mut self, id: CampaignId, number: i32) -> Result<Sequence> {
        let steps = sqlx::query_scalar!(
            r#"SELECT steps AS "steps: Json<Sequence>" FROM campaign_versions WHERE campaign_id = $1 AND number = $2"#,
            id.0,
            number
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("version"))?;
        Ok(steps.0)
    }

    /// The version that people edit: the next one, if somebody has begun it.
    pub(crate) async fn working(&mut self, id: CampaignId) -> Result<(i32, Sequence)> {
        let row = sqlx::query!(
            r#"SELECT number, steps AS "steps: Json<Sequence>" FROM campaign_versions
               WHERE campaign_id = $1 ORDER BY number DESC LIMIT 1"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("campaign"))?;
        Ok((row.number, row.steps.0))
    }

    /// Holds the campaign and gives the version that an edit goes into. A campaign that has started gets a next one.
    pub(super) async fn edit_sequence(&mut self, id: CampaignId) -> Result<(i32, Sequence)> {
        self.t.require(Permission::EditCampaigns).await?;
        let campaign = self.load(id, true).await?;
        let state = campaign.lifecycle.state;
        if !state.allows_sequence_edit() {
            return Err(editing_refused(state));
        }
        let (number, sequence) = self.working(id).await?;
        if campaign.lifecycle.started_at.is_none() || campaign.has_edits {
            return Ok((number, sequence));
        }
        self.insert_version(id, number + 1, &sequence).await?;
        Ok((number + 1, sequence))
    }

    pub(super) async fn insert_version(&mut self, id: CampaignId, number: i32, sequence: &Sequence) -> Result<()> {
        let (now, by) = (self.t.now(), self.t.actor().to_string());
        sqlx::query!(
            "INSERT INTO campaign_versions (campaign_id, number, steps, created_by, created_at) VALUES ($1, $2, $3, $4, $5)",
            id.0,
            number,
            Json(sequence) as _,
            by,
            now,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    pub(super) async fn save_sequence(&mut self, id: CampaignId, number: i32, sequence: &Sequence) -> Result<()> {
        sqlx::query!(
            "UPDATE campaign_versions SET steps = $3 WHERE campaign_id = $1 AND number = $2",
            id.0,
            number,
            Json(sequence) as _,
        )
        .execute(self.t.conn())
        .await?;
        self.touched(id).await
    }

    /// The first version is fixed by the start.
    pub(super) async fn publish_first(&mut self, id: CampaignId) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE campaign_versions SET published_at = $2 WHERE campaign_id = $1 AND published_at IS NULL",
            id.0,
            now
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    async fn moves(&mut self, id: CampaignId, to: i32, new: &Sequence) -> Result<Vec<Move>> {
        let rows = sqlx::query!(
            r#"SELECT version_number, step_id AS "step!: StepId", count(*) AS "leads!" FROM enrolments
               WHERE campaign_id = $1 AND is_open AND version_number <> $2 AND step_id IS NOT NULL
               GROUP BY version_number, step_id ORDER BY count(*) DESC"#,
            id.0,
            to
        )
        .fetch_all(self.t.conn())
        .await?;
        let mut moves = Vec::new();
        for row in rows {
            let old = self.sequence(id, row.version_number).await?;
            let Some(at) = old.get(row.step).cloned() else { continue };
            let landing = new.landing(&old, row.step).cloned();
            if landing.as_ref().is_none_or(|to| to.id != at.id) {
                moves.push(Move { at, to: landing, leads: row.leads });
            }
        }
        Ok(moves)
    }
}

fn nothing_edited() -> Error {
    Refusal::new("nothing_edited", "Nothing was changed since the last version.", CampaignState::Running.allowed())
        .into()
}
